"""AXI4-Stream's names and register slices around any engine, and proofs of the rules of streams."""

import dataclasses
import importlib.util

import numpy as np
import pytest

from silicodec.rtl.catalog import ENGINES, FAMILIES, find_engine, find_family
from silicodec.rtl.convert import pins, verilog
from silicodec.rtl.family import Family
from silicodec.verif.combinational import Gates
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.formal import holds_for_ever, holds_from_reset

needs_yosys = pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
FEW = ["ebpc-encoder", "huffman-decoder-checked", "dictionary-decoder-sparse", "weight-trimmer"]
"""Engines whose proofs take a second or two; those of the others are for `-m prove`."""
SMALLER = {
    "systolic-array": {"rows": 3, "columns": 2},
    "compressed-systolic-array": {"rows": 3, "columns": 2},
    "accelerator": {"groups": 1, "banks": 2, "bank_depth": 32, "weight_words": 64, "tile_columns": 4, "packets": 256},
}
WAIT_FOR_STATE = ["ebpc", "transform-decoder-checked", "dct-encoder", "huffman-encoder-l8"]
"""Engines without register slices of which a few cycles in order do not prove the next one so."""

NAMES = [pytest.param(name, marks=[pytest.mark.prove] * (name not in FEW)) for name in ENGINES]
every_engine = pytest.mark.parametrize("name", NAMES)


def with_axi(name, *, registered):
    return find_engine(name, SMALLER.get(name, {}) | {"axi": True, "registered": registered})


def tensors():
    random = np.random.default_rng(3)
    maps = random.integers(-128, 128, (8, 16)) * (random.random((8, 16)) < 0.6)
    return [maps.astype(np.int8), np.ones((1, 8), np.int8), maps[:2].astype(np.int8)]


@pytest.mark.parametrize("name", FAMILIES)
def test_streams_have_axi_names_and_whole_bytes(name):
    plain, axi = find_engine(name, SMALLER.get(name, {})), with_axi(name, registered=False)
    assert axi.axi
    assert set(axi.stimulus(tensors())) == {port.name for port in axi.inputs} if name != "accelerator" else True
    for ports, prefix in ((axi.inputs, "s_axis"), (axi.outputs, "m_axis")):
        assert all(port.name.startswith(prefix) and port.bits % 8 == 0 for port in ports)
        assert (ports[0].name == prefix) == (len(ports) == 1)
    for port, outer in zip((*plain.inputs, *plain.outputs), (*axi.inputs, *axi.outputs), strict=True):
        if port.name != "length":  # which has another width where EBPC is framed, and where it counts bytes
            assert (outer.bits, outer.error) == (-(-port.bits // 8) * 8, port.error)
    assert all(
        pin.removeprefix("s_axis").removeprefix("m_axis") != pin for pin in pins(axi) if pin not in ("clk", "rst")
    )


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("huffman-encoder", {"symbol_bits": 3}),
        ("weight-trimmer", {"entry_size": 1}),
        ("systolic-array", SMALLER["systolic-array"]),
        ("stream-fifo", {"word_bits": 1}),
        *(
            pytest.param(name, SMALLER.get(name, {}), marks=pytest.mark.prove)
            for name in FAMILIES
            if name != "accelerator"
        ),
    ],
)
def test_they_take_the_cycles_of_the_plain_engine_and_two_more_if_registered(name, settings):
    cycles = []
    packets = [tensor >> 8 - settings.get("symbol_bits", 8) for tensor in tensors()]
    for around in ({"axi": True}, {"axi": True, "registered": True}):
        engine = find_engine(name, settings | around)
        cycles.append(check(engine, engine.stimulus(packets), backend="icarus").cycles)
        check(engine, engine.stimulus(packets), backend="icarus", stalls=Stalls(seed=2))
    if not name.startswith("ebpc"):
        plain = find_engine(name, settings)
        assert cycles[0] == check(plain, plain.stimulus(packets), backend="icarus").cycles
    assert cycles[1] == cycles[0] + 2


@needs_yosys
@every_engine
def test_registered_streams_keep_the_rules_for_ever(name):
    assert holds_for_ever(with_axi(name, registered=True))


@needs_yosys
@pytest.mark.parametrize("name", [name for name in NAMES if name.values != ("accelerator",)])  # it takes too long
def test_plain_streams_keep_the_rules(name):
    engine = find_engine(name, SMALLER.get(name, {}))
    if name.startswith(tuple(WAIT_FOR_STATE)):
        assert holds_from_reset(engine, 8 if name.startswith(("dct", "huffman")) or name in FEW else 20)
    else:
        assert holds_for_ever(engine)


@needs_yosys
@every_engine
def test_no_path_leads_through_a_registered_engine(name):
    engine = with_axi(name, registered=True)
    gates = Gates(engine)
    for port in engine.inputs:
        assert gates.reached([gates.reset]).issuperset(gates.bits(port, "ready"))  # low in reset
    entering = [bit for port in engine.inputs for bit in gates.bits(port, "data", "valid", "last")]
    entering += [bit for port in engine.outputs for bit in gates.bits(port, "ready")]
    leaving = [bit for port in engine.outputs for bit in gates.bits(port, "data", "valid", "last", "error")]
    leaving += [bit for port in engine.inputs for bit in gates.bits(port, "ready")]
    assert not gates.reached(entering).intersection(leaving)


@needs_yosys
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("assign move = (sink_ready || (!sink_valid));", "assign move = 1'b1;"),
        ("assign source_ready = ((!spare_full) && (!rst));", "assign source_ready = !spare_full;"),
    ],
)
def test_a_slice_that_breaks_a_rule_is_found(right, wrong):
    engine = ENGINES["register-slice"]
    text = verilog(engine)
    assert text.count(right) == 1
    assert not holds_for_ever(engine, verilog=text.replace(right, wrong))
    assert not holds_from_reset(engine, 6, verilog=text.replace(right, wrong))


def test_register_slices_go_with_axi():
    with pytest.raises(ValueError, match="registered needs axi"):
        find_engine("weight-trimmer", {"registered": True})


def test_names_tell_the_interface():
    engine = find_engine("huffman-decoder-checked", {"axi": True, "registered": True})
    assert engine.name == "huffman-decoder-checked-axi-registered"
    family, parameters = find_family(engine.name)
    assert isinstance(family, Family)
    assert dataclasses.replace(parameters, axi=False, registered=False) == find_family("huffman-decoder-checked")[1]
