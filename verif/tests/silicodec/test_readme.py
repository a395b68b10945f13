"""README.md and the documents say what is so."""

import importlib.util
import re
from pathlib import Path

import pytest

from silicodec.cli import main

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
ARRAYS = (ROOT / "docs" / "arrays.md").read_text()
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}


def test_tables_are_those_of_the_records():
    spec = importlib.util.spec_from_file_location("record_tables", ROOT / "scripts" / "record_tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert tables.engine_table() in DOCUMENTS["docs/engines/index.md"], "run: make measure"
    assert tables.bitstream_table() in DOCUMENTS["docs/fpga.md"], "run: make fpga"
    assert tables.flow_table() in DOCUMENTS["docs/silicon.md"], "run: python scripts/record_tables.py"
    assert tables.layout_table() in DOCUMENTS["docs/layouts.md"], "run: python scripts/record_tables.py"
    assert tables.reached_table() in DOCUMENTS["docs/layouts.md"], "run: python scripts/record_tables.py"
    blocks = tables.block_table("accelerator-booth")
    assert blocks in DOCUMENTS["docs/results/accelerator.md"], "run: python scripts/record_tables.py"
    corners = tables.corner_table("accelerator-booth")
    assert corners in DOCUMENTS["docs/results/accelerator.md"], "run: python scripts/record_tables.py"


def test_every_command_of_readme_and_tutorial_is_valid():
    commands = re.findall(r"^\s+\$ silicodec (.+)$", README + TUTORIAL + ARRAYS, re.MULTILINE)
    assert commands
    for command in commands:
        name, *arguments = command.split()
        options = {option for parameter in main.commands[name].params for option in parameter.opts}
        assert {argument for argument in arguments if re.match(r"--?[a-z]", argument)} <= options


@pytest.mark.parametrize("example", re.findall(r"```python\n(.+?)```", README + TUTORIAL + ARRAYS, re.DOTALL))
def test_python_example_runs(example, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    exec(example, {})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_to_files_lead_somewhere(document):
    folder = (ROOT / document).parent
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", DOCUMENTS[document]):
        assert (folder / target).exists(), target
