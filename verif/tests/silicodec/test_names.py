"""Completion of names, suggestions, and the commands that list things."""

import json
import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from silicodec.cli import main


def completions(*words):
    """What a shell offers for the last word."""
    *before, last = words
    return [item.value for item in ShellComplete(main, {}, "silicodec", "").get_completions(before, last)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["simulate", "ebpc-encoder-"], ["ebpc-encoder-w16", "ebpc-encoder-axis", "ebpc-encoder-l8"]),
        (["verilog", "weight"], ["weight-trimmer"]),
        (["asic", "weight"], ["weight-trimmer"]),
        (["asic", "measure", "weight"], ["weight-trimmer"]),
        (["fpga", "build", "weight"], ["weight-trimmer"]),
        (["fpga", "build", "--board", "hx"], ["hx8k"]),
        (["compress", "--codec", "zero"], ["zero-rle"]),
        (["evaluate", "--codecs", "ebpc,zero"], ["ebpc,zero-rle"]),
        (["evaluate", "--network", "dig"], ["digits", "digits-int8"]),
        (["simulate", "--backend", "ver"], ["verilator"]),
        (["simu"], ["simulate"]),
    ],
)
def test_shell_completes_names(words, expected):
    assert completions(*words) == expected


def test_shell_asks_the_program():
    words = {"COMP_WORDS": "silicodec simu", "COMP_CWORD": "1"}
    command = [sys.executable, "-c", "from silicodec.cli import main; main(prog_name='silicodec')"]
    environment = os.environ | {"_SILICODEC_COMPLETE": "bash_complete", **words}
    assert subprocess.run(command, env=environment, capture_output=True, text=True).stdout == "plain,simulate\n"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["compres", "x"], "compress"),
        (["asic", "mesure"], "measure"),
        (["fpga", "bords"], "boards"),
        (["verilog", "ebpc-encodr"], "ebpc-encoder"),
        (["asic", "ebpc-encodr"], "ebpc-encoder"),
        (["fpga", "ebpc-encoder", "--board", "hx8"], "hx8k"),
        (["evaluate", "--network", "digit"], "digits"),
        (["evaluate", "--codecs", "ebcp"], "ebpc"),
        (["energy", "--part", "ddr3-1067"], "ddr3-1066"),
    ],
)
def test_name_that_is_nearly_right_gets_what_was_meant(arguments, meant):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert f"did you mean {meant}" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("group", ["asic", "fpga"])
def test_group_without_arguments_shows_its_help(group):
    result = CliRunner().invoke(main, [group])
    assert result.exit_code == 2
    assert f"Usage: main {group}" in result.stderr


def test_help_lists_every_command_in_a_section():
    lines = CliRunner().invoke(main, ["--help"]).stdout.splitlines()
    sections = lines[lines.index("Codecs and arrays:") :]
    assert [line for line in sections if line.endswith(":")] == [
        "Codecs and arrays:",
        "Networks:",
        "Engines:",
        "Silicon and boards:",
        "This program:",
    ]
    listed = {line.split()[0] for line in sections if line.startswith("  ") and not line.startswith("    ")}
    assert listed == set(main.commands)


@pytest.mark.parametrize(
    ("command", "key", "name"),
    [("codecs", "codec", "ebpc"), ("engines", "engine", "ebpc-encoder"), ("networks", "network", "digits")],
)
def test_list_as_json(tmp_path, command, key, name):
    result = CliRunner().invoke(main, [command, "--json", str(tmp_path / "list.json")])
    assert (result.exit_code, result.stdout) == (0, "")
    records = json.loads((tmp_path / "list.json").read_text())
    assert next(record for record in records if record[key] == name)
    assert len({frozenset(record) for record in records}) == 1


def test_cache_is_shown_and_cleared(tmp_path, monkeypatch):
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))
    built = tmp_path / f"verilator-thing-{'0' * 24}"
    built.mkdir()
    (built / "harness").write_bytes(bytes(1234))
    (tmp_path / "digits-v1.pt").write_bytes(bytes(100))
    (tmp_path / "my notes.txt").touch()
    shown = CliRunner().invoke(main, ["cache"]).stdout
    assert "2 entries" in shown
    assert "1,234" in shown
    assert "notes" not in shown
    assert "2 entries removed" in CliRunner().invoke(main, ["cache", "--clear"]).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["my notes.txt"]
    assert "0 entries" in CliRunner().invoke(main, ["cache"]).stdout
