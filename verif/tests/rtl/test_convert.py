"""Engines convert to Verilog with the declared ports, the same every time."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import subprocess
import sys

import pytest
from myhdl import Signal, always_comb, block, instances, intbv

from silicodec.rtl.catalog import ENGINES, find_engine
from silicodec.rtl.convert import ConversionError, normalised, pins, to_verilog
from silicodec.rtl.engine import Engine, Port


@block
def leaf(source, sink, *, connect):
    """Connect two streams, or all but their `last`."""
    inverse = Signal(intbv(0)[8:])

    @always_comb
    def invert():
        inverse.next = source.data ^ 255

    @always_comb
    def forward():
        sink.data.next = inverse ^ 255
        sink.valid.next = source.valid
        source.ready.next = sink.ready

    @always_comb
    def end():
        sink.last.next = source.last

    return (invert, forward, end) if connect else (invert, forward)


@block
def nested(clk, rst, words, result, *, connect=True):
    """Use another block."""
    return leaf(words, result, connect=connect)


@block
def dangling(clk, rst, words, result, *, drive):
    """Have a signal that is only read or, with `drive`, only driven."""
    inner = leaf(words, result, connect=True)
    loose = Signal(bool(0))
    used = Signal(bool(0))

    @always_comb
    def write():
        loose.next = words.valid

    @always_comb
    def read():
        used.next = loose

    return (inner, write) if drive else (inner, read)


@block
def wire_axi(clk, rst, s_axis, m_axis):
    """Connect two AXI4-Streams."""

    @always_comb
    def forward():
        m_axis.tdata.next = s_axis.tdata
        m_axis.tvalid.next = s_axis.tvalid
        m_axis.tlast.next = s_axis.tlast
        m_axis.tuser.next = s_axis.tlast
        s_axis.tready.next = m_axis.tready

    return instances()


def engine(circuit, **parameters):
    """Return an engine that passes bytes on."""
    return Engine(
        "toy-wire",
        "",
        circuit,
        parameters,
        (Port("words", 8),),
        (Port("result", 8),),
        dict,
        1.0,
        stimulus=dict,
        tensor="words",
    )


def ports(text):
    """Return the port declarations of a Verilog module, without the semicolon."""
    return sorted(re.findall(r"^((?:input|output) .*);$", text, re.MULTILINE))


def test_ports_have_the_streams_names_and_widths(tmp_path):
    path = to_verilog(engine(nested), tmp_path / "new")
    text = path.read_text()
    assert list((tmp_path / "new").iterdir()) == [path]
    assert path.name == "toy_wire.v"
    assert "module toy_wire (" in text
    assert ports(text) == [
        "input [7:0] words_data",
        "input clk",
        "input result_ready",
        "input rst",
        "input words_last",
        "input words_valid",
        "output [7:0] result_data",
        "output result_last",
        "output result_valid",
        "output words_ready",
    ]


def test_a_file_begins_with_what_it_is(tmp_path):
    systolic = find_engine("systolic-array", {"rows": 2, "columns": 2})
    lines = to_verilog(systolic, tmp_path).read_text().splitlines(keepends=True)
    head = list(itertools.takewhile(lambda line: line.startswith("//"), lines))
    assert head[0] == "// SPDX-License-Identifier: Apache-2.0\n"
    assert "// Parameters: rows = 2, columns = 2\n" in head
    body = "".join(lines[len(head) + 1 :])
    assert body.startswith("module systolic_array_rows_2_columns_2 (")
    assert hashlib.sha256(body.encode()).hexdigest() in "".join(head)


def test_axi_ports_have_axi_names(tmp_path):
    wire = Engine(
        *("toy-axi", "", wire_axi, {}, (Port("s_axis", 12),), (Port("m_axis", 12, error=True),), dict, 1.0),
        axi=True,
        stimulus=dict,
        tensor="s_axis",
    )
    assert ports(to_verilog(wire, tmp_path).read_text()) == [
        "input [11:0] s_axis_tdata",
        "input clk",
        "input m_axis_tready",
        "input rst",
        "input s_axis_tlast",
        "input s_axis_tvalid",
        "output [11:0] m_axis_tdata",
        "output m_axis_tlast",
        "output m_axis_tuser",
        "output m_axis_tvalid",
        "output s_axis_tready",
    ]
    assert pins(wire)["m_axis_tdata"].bits == 12


def test_the_text_does_not_depend_on_what_was_converted_before(tmp_path):
    texts = {to_verilog(engine(nested), tmp_path).read_text() for _ in range(3)}
    assert len(texts) == 1
    first = texts.pop()
    assert "Date" not in first
    assert "timescale" not in first


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_of_the_catalog_converts(tmp_path, name):
    assert f"module {ENGINES[name].top} (" in to_verilog(ENGINES[name], tmp_path).read_text()


def test_the_text_does_not_depend_on_the_order_of_sets(tmp_path):
    program = f"""
from pathlib import Path
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import to_verilog
to_verilog(ENGINES["ebpc-encoder"], Path({str(tmp_path)!r}))
"""
    texts = set()
    for seed in ("0", "1"):
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, check=True)
        texts.add((tmp_path / "ebpc_encoder.v").read_text())
    assert len(texts) == 1


@pytest.mark.parametrize("reset", ["rst", "weight_slot0_flush"])
def test_resets_are_written_in_one_order(reset):
    lines = ["        b <= 0;\n", "        a <= 0;\n"]
    texts = {normalised(f"    if ({reset} == 1) begin\n{''.join(order)}    end\n") for order in (lines, lines[::-1])}
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (engine(nested, connect=False), "toy-wire: port result_last should be output of 1 bits"),
        (engine(dangling, drive=True), "toy-wire: Signal is driven but not read: loose"),
        (engine(dangling, drive=False), "toy-wire: Signal is driven but not read: used; Signal is not driven: loose"),
    ],
)
def test_open_ends_are_refused(tmp_path, faulty, message):
    with pytest.raises(ConversionError, match=message):
        to_verilog(faulty, tmp_path)
    assert list(tmp_path.iterdir()) == []
