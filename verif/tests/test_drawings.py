"""Drawings in the documentation are what Graphviz reads."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
DRAWINGS = [
    pytest.param(drawing, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.rglob("*.md"))
    for number, drawing in enumerate(re.findall(r"^```\{graphviz\}\n(.*?)^```", page.read_text(), re.M | re.S))
]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("drawing", DRAWINGS)
def test_graphviz_reads_it(drawing):
    done = subprocess.run(["dot", "-Tsvg"], input=drawing, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "<svg" in done.stdout
