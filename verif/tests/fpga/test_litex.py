"""Engines between DMAs in a LiteX system, in LiteX's own Verilator flow: the bytes in memory are the reference's."""

import shutil

import numpy as np
import pytest

from silicodec.rtl.catalog import find_engine

pytest.importorskip("litex", reason="litex is not installed (extra litex)")

IMAGE = np.clip(np.add.outer(np.arange(-6, 7), np.arange(11)) * 5, 0, 127).astype(np.int8)
"""13 x 11 words, some of them zero: no whole number of the bus's words."""


@pytest.mark.prove
@pytest.mark.skipif(shutil.which("verilator") is None, reason="verilator is not installed")
@pytest.mark.parametrize("name", ["ebpc-encoder-axis", "ebpc-decoder-checked-axis"])
def test_bytes_in_memory_are_those_of_the_reference(tmp_path, name):
    from silicodec.fpga.litex_simulation import simulate_in_litex

    engine = find_engine(name)
    inputs = engine.stimulus([IMAGE])
    found = simulate_in_litex(engine, {stream: packets[0] for stream, packets in inputs.items()}, tmp_path, room=256)
    for stream, (expected,) in engine.reference(inputs).items():
        np.testing.assert_array_equal(found[stream], expected)


def test_an_engine_without_axi_is_refused(tmp_path):
    from silicodec.fpga.litex_engine import EngineDMA

    with pytest.raises(ValueError, match="ebpc-encoder has no AXI4-Stream interface: ask for it with axi=true"):
        EngineDMA(None, find_engine("ebpc-encoder"), None, tmp_path)
