"""README.md says what is so."""

import importlib.util
import re
from pathlib import Path

import pytest

from silicodec.cli import main

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()


def test_table_of_engines_is_that_of_the_records():
    spec = importlib.util.spec_from_file_location("record_tables", ROOT / "scripts" / "record_tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert tables.engine_table() in README, "run: make measure"
    assert tables.bitstream_table() in README, "run: make fpga"
    assert tables.flow_table() in (ROOT / "docs" / "silicon.md").read_text(), "run: python scripts/record_tables.py"


def test_every_command_of_the_tour_is_valid():
    commands = re.findall(r"^\s+\$ silicodec (.+)$", README, re.MULTILINE)
    assert commands
    for command in commands:
        name, *arguments = command.split()
        options = {option for parameter in main.commands[name].params for option in parameter.opts}
        assert {argument for argument in arguments if re.match(r"--?[a-z]", argument)} <= options


@pytest.mark.parametrize("example", re.findall(r"```python\n(.+?)```", README, re.DOTALL))
def test_python_example_runs(example, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    exec(example, {})


def test_links_to_files_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists()
