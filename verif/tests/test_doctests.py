"""Examples in docstrings run, and give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITH_EXAMPLES = [
    "silicodec." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("models", "rtl", "verif", "asic", "fpga")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "tests" not in path.parts and ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_say(name):
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.attempted
    assert not results.failed
