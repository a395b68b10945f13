"""A new codec or engine takes a module and an entry of a list: tests find it there, and nothing else has to change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TOYS = ("toy-plain", "toy-halved", "toy-complement")
LISTS = re.compile(r"\b(CODECS|ENGINES|FAMILIES)\b")


def run(*arguments):
    """Run Python where `toys` can be imported."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=TESTS.parents[1], capture_output=True, text=True, check=False)


def test_every_test_that_goes_through_a_list_passes_with_new_entries():
    options = ("-q", "-rA", "-p", "toys", "-p", "no:cacheprovider", "-k", " or ".join(TOYS))
    # Not all of them: reading the tests of networks takes longer than running these.
    modules = [str(path) for path in TESTS.rglob("test_*.py") if LISTS.search(path.read_text())]
    result = run("-m", "pytest", *options, *modules)
    assert result.returncode == 0, result.stdout[-3000:]
    passed = re.findall(r"^PASSED \S*/(\w+)\.py::\w+\[(\S+)\]", result.stdout, re.MULTILINE)
    for toy in TOYS:
        module = "test_engines" if toy == "toy-complement" else "test_codecs"
        assert sum(name == module and toy in case for name, case in passed) >= 10
    skipped = re.findall(r"^SKIPPED \[\d+\] \S+:\d+: (.*)$", result.stdout, re.MULTILINE)
    assert all(re.match(f"({'|'.join(TOYS)}) is not (pinned|measured)", reason) for reason in skipped)


@pytest.mark.parametrize("target", TOYS[:2])
def test_the_fuzzer_takes_new_codecs(target):
    pytest.importorskip("atheris")
    fuzzer = TESTS.parent / "fuzz" / "fuzz_decoders.py"
    program = f"import runpy, sys, toys; sys.argv = [{str(fuzzer)!r}, {target!r}, '-runs=300', '-verbosity=0']; "
    result = run("-c", program + f"runpy.run_path({str(fuzzer)!r}, run_name='__main__')")
    assert result.returncode == 0, result.stderr[-3000:]
