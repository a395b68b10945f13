"""Engines between DMAs in a LiteX system, in LiteX's own Verilator flow: the bytes in memory are the reference's."""

import shutil

import numpy as np
import pytest

from silicodec.rtl.catalog import find_engine
from silicodec.rtl.engine import word_bytes

pytest.importorskip("litex", reason="litex is not installed (extra litex)")

IMAGE = np.clip(np.add.outer(np.arange(-6, 7), np.arange(11)) * 5, 0, 127).astype(np.int8)
"""13 x 11 words, some of them zero: no whole number of the bus's words."""


@pytest.mark.prove
@pytest.mark.skipif(shutil.which("verilator") is None, reason="verilator is not installed")
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ebpc-encoder-axis", {}),
        ("ebpc-decoder-checked-axis", {}),
        ("ebpc-encoder-l8", {"axi": True}),
        ("ebpc-decoder-l8", {"axi": True}),
        ("ebpc-encoder-l8", {"axi": True, "lanes": 16}),
        ("ebpc-decoder-l8", {"axi": True, "lanes": 16}),
    ],
)
def test_bytes_in_memory_are_those_of_the_reference(tmp_path, name, settings):
    from silicodec.fpga.litex_simulation import simulate_in_litex

    engine = find_engine(name, settings)
    inputs = engine.stimulus([IMAGE])
    packets = {port.name: in_memory(port, inputs[port.name][0]) for port in engine.inputs}
    found = simulate_in_litex(engine, packets, tmp_path, room=256)
    expected = engine.reference(inputs)
    for port in engine.outputs:
        np.testing.assert_array_equal(found[port.name], in_memory(port, expected[port.name][0]))


def in_memory(port, packet):
    """Return a packet as it lies in memory: the image's bytes where `tkeep` counts them, else words."""
    return np.frombuffer(word_bytes(packet, port.bits // 8), np.uint8)[: IMAGE.size] if port.keep else packet


def test_an_engine_without_axi_is_refused(tmp_path):
    from silicodec.fpga.litex_engine import EngineDMA

    with pytest.raises(ValueError, match="ebpc-encoder has no AXI4-Stream interface: ask for it with axi=true"):
        EngineDMA(None, find_engine("ebpc-encoder"), None, tmp_path)
