"""Verilog as a user names it: what it reads, its hash, and its copy for the tools."""

from dataclasses import replace
from pathlib import Path

import pytest

from silicodec.rtl.source import Source, SourceError, parameter_value, read_staged, read_text

TOP = """`include "width.vh"
module top (input [`W-1:0] a); // "not.vh"
  initial $readmemh("data/rom.hex", rom);
endmodule
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a space in its name, in which a design lies, and another one to work in."""
    design = tmp_path / "my design"
    (design / "rtl").mkdir(parents=True)
    (design / "include").mkdir()
    (design / "data").mkdir()
    (design / "rtl/top.v").write_text(TOP)
    (design / "include/width.vh").write_text('`include "more.vh"\n`define W 4\n')
    (design / "include/more.vh").write_text("\n")
    (design / "include/not.vh").write_text("\n")
    (design / "data/rom.hex").write_text("0\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(design)
    return design


@pytest.fixture
def source():
    """The design in that folder."""
    return Source("top", (Path("rtl/top.v"),), include_folders=(Path("include"),))


def test_everything_that_is_read_is_found_and_nothing_in_comments(folder, source):
    assert set(source.read_files()) == {
        folder / "rtl/top.v",
        folder / "include/width.vh",
        folder / "include/more.vh",
        folder / "data/rom.hex",
    }


@pytest.mark.parametrize("changed", ["rtl/top.v", "include/width.vh", "include/more.vh", "data/rom.hex"])
def test_a_change_of_whatever_is_read_changes_the_hash(folder, source, changed):
    before = source.sha256
    (folder / changed).write_text((folder / changed).read_text() + "1\n")
    assert source.sha256 != before


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a = b&&!c;", "a = b && !c; // not c"),
        ("a = b&&!c;", "\n\ta\n = b /* and\nnot */ && ! c ;"),
        ("a = 8'hFF;", "a = 8 'hFF;"),
        ("`define A 1 \nb", "`define A 1 // one\n\n  b"),
    ],
)
def test_comments_and_white_space_do_not_change_the_hash(text, same):
    assert Source("t", text=text).sha256 == Source("t", text=same).sha256


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("a & &b", "a && b"),
        ("a b", "ab"),
        ("\\a+b c", "\\a + b c"),
        ('"a b"', '"a  b"'),
        ('"//a"', '"//b"'),
        ("`define A 1\nb", "`define A 1 b"),
        ("`define A a \\\n b\nc", "`define A a \\\n b c"),
        ("a // synopsys translate_off\nb", "a b"),
        ("case (a) /* synthesis full_case */", "case (a)"),
    ],
)
def test_what_tools_read_otherwise_has_another_hash(text, other):
    assert Source("t", text=text).sha256 != Source("t", text=other).sha256


def test_options_change_the_hash_and_a_text_hashes_as_a_file_does(folder, source):
    others = [{"defines": ("A",)}, {"parameters": (("W", "1"),)}, {"front_end": "slang"}]
    assert len({source.sha256, *(replace(source, **other).sha256 for other in others)}) == 4
    assert Source("t", text=(folder / "data/rom.hex").read_text()).sha256 == Source("t", text="0\n").sha256


def test_the_copy_has_no_spaces_and_files_lie_as_they_did(folder, source, tmp_path):
    target = tmp_path / "elsewhere"
    staged = source.stage(target)
    assert read_staged(target) == staged
    assert [str(file) for file in staged.files] == ["source/rtl/top.v"]
    assert [str(path) for path in staged.include_folders] == ["source/include"]
    assert (target / "source/include/width.vh").is_file()
    assert (target / "data/rom.hex").read_text() == "0\n", "found in the folder the user is in, hence in the tools' too"


@pytest.mark.parametrize("content", ["// résumé".encode("latin-1"), "\ufeff// résumé".encode(), "// résumé".encode()])
def test_latin_1_and_byte_order_marks_are_read(tmp_path, content):
    (tmp_path / "x.v").write_bytes(content)
    assert read_text(tmp_path / "x.v") == "// résumé"
    Source("x", (tmp_path / "x.v",)).stage(tmp_path)
    assert (tmp_path / "source/x.v").read_text() == "// résumé"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"top": "a b"}, "'a b' is not the name of a Verilog module"),
        ({"defines": ("3=4",)}, "'3' is not the name of a Verilog parameter or macro"),
        ({"parameters": (("a;b", "4"),)}, "'a;b' is not the name"),
        ({"front_end": "vhdl"}, "front end 'vhdl': known are yosys, slang"),
        ({"files": ("absent.v",)}, "absent.v: no such Verilog file"),
        ({"files": ("data/rom.hex",)}, "rom.hex: the name of a Verilog file ends in .v or .sv"),
        ({"include_folders": ("absent",)}, "absent: no such folder"),
    ],
)
def test_a_source_that_cannot_be_read_says_why(folder, fields, message):
    paths = {name: tuple(map(Path, fields[name])) for name in ("files", "include_folders") if name in fields}
    with pytest.raises(SourceError, match=message):
        Source(**{"top": "top", **fields, **paths}).check()


def test_values_of_parameters_are_numbers_where_they_are():
    values = [parameter_value(text) for text in ("12", "-3", "8'hF_f", "4'b101", "rom.hex")]
    assert values == [12, -3, 255, 5, "rom.hex"]


def test_commands_of_both_front_ends():
    options = {"include_folders": (Path("source"),), "defines": ("A=1",), "parameters": (("W", "-1"), ("F", "x.hex"))}
    yosys = Source("t", (Path("t.v"),), **options).yosys_commands()
    assert yosys == [
        "read_verilog -sv -noassert -noassume -Isource -DA=1 t.v",
        "chparam -set W 32'd4294967295 t",
        'chparam -set F "x.hex" t',
        "hierarchy -check -top t",
    ]
    slang = Source("t", (Path("t.v"),), front_end="slang", **options).yosys_commands()
    assert slang[0] == 'read_slang --ignore-assertions --top t -G W=-1 -G F="x.hex" -Isource -DA=1 t.v'
