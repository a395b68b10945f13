"""Small engines to try the simulators on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from myhdl import Signal, always_comb, always_seq, block, instances, intbv

from silicodec.rtl.engine import Engine, Port

FALLS, CHANGES, LOSES_LAST, WAITS, STICKS, SWALLOWS_LAST, REPEATS = range(1, 8)


@block
def increment(clk, rst, words, result):
    """Add one to every word."""

    @always_comb
    def accept():
        words.ready.next = (result.ready or not result.valid) and not rst

    @always_seq(clk.posedge, reset=rst)
    def register():
        if words.ready:
            result.valid.next = words.valid
            result.data.next = (words.data + 1) % 256
            result.last.next = words.last

    return instances()


@block
def careless(clk, rst, words, result):
    """Take words in reset as well."""

    @always_comb
    def accept():
        words.ready.next = result.ready or not result.valid

    @always_seq(clk.posedge, reset=rst)
    def register():
        if words.ready:
            result.valid.next = words.valid
            result.data.next = words.data
            result.last.next = words.last

    return instances()


@block
def nibbles(clk, rst, s_axis, m_axis_high, m_axis_low):
    """Split every byte in two; the error flag of `m_axis_low` says that the packet had a low nibble of zero."""
    zero_seen = Signal(bool(0))

    @always_comb
    def accept():
        high_free = m_axis_high.tready or not m_axis_high.tvalid
        low_free = m_axis_low.tready or not m_axis_low.tvalid
        s_axis.tready.next = high_free and low_free and not rst

    @always_seq(clk.posedge, reset=rst)
    def register():
        if m_axis_high.tready:
            m_axis_high.tvalid.next = False
        if m_axis_low.tready:
            m_axis_low.tvalid.next = False
        if s_axis.tvalid and s_axis.tready:
            m_axis_high.tvalid.next = True
            m_axis_high.tdata.next = s_axis.tdata[8:4]
            m_axis_high.tlast.next = s_axis.tlast
            m_axis_low.tvalid.next = True
            m_axis_low.tdata.next = s_axis.tdata[4:]
            m_axis_low.tlast.next = s_axis.tlast
            m_axis_low.tuser.next = zero_seen or s_axis.tdata[4:] == 0
            zero_seen.next = (zero_seen or s_axis.tdata[4:] == 0) and not s_axis.tlast

    return instances()


@block
def unruly(clk, rst, words, result):
    """Pass words on, and do for each word below 8 what its name above says."""
    word = Signal(intbv(0)[8:])
    last = Signal(bool(0))
    full = Signal(bool(0))
    held = Signal(bool(0))

    @always_comb
    def accept():
        free = not full or (result.ready and word != REPEATS)
        words.ready.next = free and not (words.valid and words.data == STICKS) and not rst

    @always_comb
    def offer():
        result.valid.next = full and not (word == FALLS and held) and not (word == WAITS and not result.ready)
        result.data.next = word
        if word == CHANGES and held:
            result.data.next = 0
        result.last.next = last and word != SWALLOWS_LAST and not (word == LOSES_LAST and held)

    @always_seq(clk.posedge, reset=rst)
    def register():
        held.next = full and not result.ready
        if words.ready and words.valid:
            full.next = True
            word.next = words.data
            last.next = words.last
        elif result.ready and word != REPEATS:
            full.next = False

    return instances()


@pytest.fixture(scope="session")
def toys() -> SimpleNamespace:
    """Engines `increment`, `careless` (takes words in reset), `unruly` (breaks rules) and `nibbles` (two outputs, AXI4
    names, error flag).
    """

    def incremented(inputs):
        return {"result": [packet + np.uint8(1) for packet in inputs["words"]]}

    def split(inputs):
        packets = inputs["s_axis"]
        return {"m_axis_high": [packet >> 4 for packet in packets], "m_axis_low": [packet & 15 for packet in packets]}

    def passed(inputs):
        return {"result": list(inputs["words"])}

    words, result = (Port("words", 8),), (Port("result", 8),)
    split_ports = (Port("m_axis_high", 4), Port("m_axis_low", 4, error=True))
    as_is = {"stimulus": lambda packets: {"words": packets}, "tensor": "words"}
    return SimpleNamespace(
        increment=Engine("toy-increment", "", increment, {}, words, result, incremented, 10.0, **as_is),
        nibbles=Engine(
            "toy-nibbles", "", nibbles, {}, (Port("s_axis", 8),), split_ports, split, 10.0, axi=True, **as_is
        ),
        careless=Engine("toy-careless", "", careless, {}, words, result, passed, 10.0, **as_is),
        unruly=Engine("toy-unruly", "", unruly, {}, words, result, passed, 10.0, **as_is),
    )
