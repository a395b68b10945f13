"""Engines in any size: a name tells the size, and every size does what its reference does."""

import dataclasses

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from silicodec.models.parameters import parameter
from silicodec.rtl.catalog import FAMILIES, find_engine
from silicodec.rtl.convert import verilog
from silicodec.rtl.engine import Engine
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import Stalls

SIMULATED = [name for name in FAMILIES if name != "accelerator"]
"""The accelerator's tensor is a network; tests of its own draw its sizes."""


def values_of(field, most):
    if field.metadata["choices"]:
        return st.sampled_from(field.metadata["choices"])
    if not field.metadata["bounds"]:
        return st.booleans()
    low, high = field.metadata["bounds"]
    if field.metadata["power_of_two"]:
        return st.sampled_from([1 << bit for bit in range(low.bit_length() - 1, high.bit_length())])
    return st.integers(low, max(low, min(high, most)))


@st.composite
def sizes(draw, family, most=256):
    kind = type(next(iter(family.presets.values())))
    chosen = {field.name: draw(values_of(field, most)) for field in dataclasses.fields(kind)}
    try:
        return kind(**chosen)
    except ValueError:
        assume(False)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_names_tell_sizes(family, data):
    parameters = data.draw(sizes(family))
    engine = family.engine(parameters)
    assert family.find(engine.name) == parameters
    assert find_engine(engine.name).parameters == engine.parameters


def simulate_size(engine, seed):
    random = np.random.default_rng(seed)
    bits = engine.parameters.get("word_bits", 8) if engine.name.startswith("ebpc") else 8
    maps = [random.integers(0, 1 << bits, (8, width)) * random.integers(0, 2, (8, width)) for width in (8, 3)]
    tensors = [values.astype(np.uint16 if bits > 8 else np.uint8) for values in maps]
    if engine.name.startswith(("huffman", "transform", "pca")):
        symbol_bits = min(engine.parameters.get(key, 8) for key in ("symbol_bits", "in_bits", "out_bits"))
        tensors = [tensor >> (8 - symbol_bits) for tensor in tensors]
    check(engine, engine.stimulus(tensors), backend="icarus", stalls=Stalls(seed=seed))


@pytest.mark.parametrize(
    "name",
    [
        "ebpc-encoder-max-zero-run-4",
        "ebpc-encoder-word-bits-12-block-size-5",
        "ebpc-encoder-axis-word-bits-5",
        "ebpc-decoder-checked-word-bits-4-overlap",
        "ebpc-decoder-checked-word-bits-13",
        "ebpc-decoder-checked-w16-max-zero-run-256",
        "ebpc-encoder-l8-lanes-2",
        "ebpc-decoder-l8-lanes-1",
        "ebpc-encoder-l8-lanes-16",
        "ebpc-decoder-l8-lanes-16",
        "ebpc-encoder-l8-lanes-16-word-bits-16",
        "ebpc-decoder-l8-lanes-16-word-bits-16",
        "ebpc-encoder-l8-word-bits-16",
        "ebpc-decoder-l8-lanes-4-word-bits-16",
        "huffman-decoder-checked-symbol-bits-3",
        "huffman-encoder-l8-lanes-4-symbol-bits-3",
        "huffman-decoder-lanes-4-symbol-bits-5",
        "pca-encoder-rows-3-columns-4-multipliers-2-in-bits-5",
        "pca-decoder-rows-1-columns-1-multipliers-1-in-bits-2-out-bits-2",
        "transform-encoder-channels-6-components-2-multipliers-3-symbol-bits-4",
        "transform-decoder-checked-channels-5-components-3-multipliers-1-symbol-bits-2",
        "dictionary-decoder-checked-entry-size-1-slot-bits-2",
        "dictionary-decoder-sparse-entry-size-4-slot-bits-13",
        "lanes-decoder-lanes-1-symbols-5",
        "mlw-decoder-lanes-2",
        "weight-trimmer-entry-size-2",
        "systolic-array-rows-3-columns-9",
        "compressed-systolic-array-rows-5-columns-2",
    ],
)
def test_sizes_do_what_their_references_do(name):
    simulate_size(find_engine(name), seed=1)


@pytest.mark.prove
@pytest.mark.parametrize("name", SIMULATED)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_drawn_sizes_do_what_their_references_do(name, data):
    engine = FAMILIES[name].engine(data.draw(sizes(FAMILIES[name], most=9)))
    simulate_size(engine, data.draw(st.integers(0, 1 << 16)))


def test_modules_are_named_for_their_size():
    engine = find_engine("dictionary-decoder", {"entry_size": 4, "checked": True})
    assert engine.name == "dictionary-decoder-checked-entry-size-4"
    assert "module dictionary_decoder_checked_entry_size_4 " in verilog(engine)


def test_verilator_finds_a_module_whatever_its_size_is_called():
    engine, other = (
        dataclasses.replace(find_engine("register-slice"), name=f"register-slice-{'x' * 130}{end}") for end in "12"
    )
    assert engine.top != other.top
    check(engine, engine.stimulus([np.arange(9, dtype=np.uint8)]), backend="verilator")


def test_names_of_no_size_are_refused():
    for name in ("systolic-array-rows", "systolic-array-rows-x", "systolic-array-8", "ebpc-encoder-"):
        with pytest.raises(ValueError, match="unknown engine"):
            find_engine(name)
    with pytest.raises(ValueError, match="rows must be an integer from 1 to 256, not 257"):
        find_engine("systolic-array-rows-257")


@dataclasses.dataclass(frozen=True)
class Depth(EngineParameters):
    words: int = parameter(4, "words", bounds=(2, 8))
    last: bool = parameter(True, "whether it has a flag")


def test_a_size_is_named_after_the_nearest_preset():
    def build(depth):
        return Engine("fifo", "", None, vars(depth), (), (), None, 5.0, stimulus=None, tensor="")

    family = Family(build, {"fifo": Depth(), "fifo-deep": Depth(words=8)})
    assert family.engine(Depth(words=8, last=False)).name == "fifo-deep-no-last"
    assert family.engine(Depth(words=5)).name == "fifo-words-5"
    assert family.find("fifo-deep-words-4") == Depth()
