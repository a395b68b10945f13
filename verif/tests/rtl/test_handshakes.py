"""What may depend on what within a cycle, for every engine."""

import importlib.util

import pytest

from silicodec.rtl.catalog import ENGINES, find_engine
from silicodec.verif.combinational import Gates

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
SMALLER = {
    "systolic-array": {"rows": 3, "columns": 2},
    "compressed-systolic-array": {"rows": 3, "columns": 2},
    "accelerator": {
        "groups": 1,
        "banks": 2,
        "bank_depth": 32,
        "weight_words": 64,
        "tile_columns": 4,
        "packets": 256,
        "dct": False,
    },
}
"""Sizes of the engines that take half a minute; those of the catalog are a proof."""


def outputs_that_depend_on_a_ready(engine, gates):
    reached = gates.reached(bit for port in engine.outputs for bit in gates.bits(port, "ready"))
    offers = {port.name: gates.bits(port, "valid", "data", "last", "error") for port in engine.outputs}
    return [name for name, bits in offers.items() if reached.intersection(bits)]


def inputs_that_decide_though_not_valid(engine, gates):
    handshakes = [bit for port in engine.inputs for bit in gates.bits(port, "ready")]
    handshakes += [bit for port in engine.outputs for bit in gates.bits(port, "valid")]
    return [
        port.name
        for port in engine.inputs
        if gates.reached(gates.bits(port, "data", "last"), dict.fromkeys(gates.bits(port, "valid"), "0")).intersection(
            handshakes
        )
    ]


def inputs_that_are_taken_in_reset(engine, gates):
    levels = gates.levels({gates.reset: "1"})
    return [port.name for port in engine.inputs if [levels.get(bit) for bit in gates.bits(port, "ready")] != ["0"]]


def check_handshakes(engine):
    # One test for all, since synthesis is what takes time.
    gates = Gates(engine)
    assert outputs_that_depend_on_a_ready(engine, gates) == []
    assert inputs_that_decide_though_not_valid(engine, gates) == []
    assert inputs_that_are_taken_in_reset(engine, gates) == []


@pytest.mark.parametrize("name", [*ENGINES, "ebpc-encoder-overlap", "ebpc-decoder-checked-overlap"])
def test_handshakes_within_a_cycle(name):
    check_handshakes(find_engine(name, SMALLER.get(name, {})))


@pytest.mark.prove
@pytest.mark.parametrize("name", SMALLER)
def test_handshakes_of_large_engines(name):
    check_handshakes(ENGINES[name])
