"""Tables at any width."""

import json
import subprocess
import sys

import numpy as np
import pytest
import rich.console

from silicodec import output

SILICODEC = [sys.executable, "-c", "from silicodec.cli import main; main(prog_name='silicodec')"]
COLUMNS = [("design", "left"), ("what it is", "left"), *((h, "right") for h in ("area um2", "kGE", "a, b", "MHz"))]
ROWS = [
    ("ebpc-encoder", "extended bit-plane compression", "7,895", "2.10", "92,1 / 60", "291"),
    ("dictionary-decoder-sparse-checked", "weights", "9,390", "2.50", None, "1,250.5"),
]


@pytest.fixture
def printed(monkeypatch, capsys):
    """Print a table on a terminal of a width."""

    def run(width, columns=COLUMNS, rows=ROWS):
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(rich.console.Console, "is_terminal", True)
        output.print_table("Title", columns, rows)
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize("width", [40, 60, 72, 80, 100, 120, 160])
def test_no_word_and_no_number_is_broken(printed, width):
    lines = printed(width)
    text = "\n".join(lines)
    for row in ROWS:
        for (_, alignment), cell in zip(COLUMNS, row, strict=True):
            for word in [cell or ""] if alignment == "right" else cell.split():
                assert word in text
    if width >= 60:
        assert max(map(len, lines)) <= width


def test_wide_terminal_gets_one_table(printed):
    assert len([line for line in printed(160) if "ebpc-encoder" in line]) == 1


def test_narrow_terminal_gets_tables_with_the_same_labels(printed):
    lines = printed(60)
    assert len([line for line in lines if line.startswith("  ebpc-encoder ")]) == 3
    assert len([line for line in lines if line.startswith("  design ")]) == 3
    assert len([line for line in lines if "what it is" in line]) == 1


def test_labels_are_all_columns_before_the_numbers(printed):
    columns = [("tensors", "left"), ("codec", "left"), *((heading * 9, "right") for heading in "abcdefgh")]
    lines = printed(60, columns, [("feature map", "zvc", *range(8)), ("feature map", "zero-rle", *range(8))])
    assert [line.split()[:3] for line in lines if "zero-rle" in line] == [["feature", "map", "zero-rle"]] * 4


def test_one_column_wider_than_the_terminal_stays_whole(printed):
    assert "a" * 90 in "\n".join(printed(80, [("name", "left")], [("a" * 90,)]))


def test_empty_table(printed):
    assert any("kGE" in line for line in printed(80, COLUMNS, []))


@pytest.mark.parametrize("path", ["/proc/x.json", "/proc/none/x.json"])
def test_unwritable_output_is_refused_before_the_work(path):
    command = ["evaluate", "--network", "digits", "--images", "1000000", "--json", path]
    done = subprocess.run([*SILICODEC, *command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "silicodec: /proc: nothing can be written here: No such file or directory\n"


def test_standard_output_takes_the_json_and_standard_error_the_table(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(64, np.int8))
    command = ["simulate", "ebpc-encoder", "--input", str(tmp_path / "a.npy"), "--backend", "myhdl", "--json", "-"]
    done = subprocess.run([*SILICODEC, *command], capture_output=True, text=True, timeout=100)
    assert json.loads(done.stdout)["match"] is True
    assert "words per cycle" in done.stderr
