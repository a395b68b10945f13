"""All elaboration goes through one place, which costs no more deep in a caller and leaves MyHDL as it was."""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from myhdl import ResetSignal, Signal, _block, _instance, _misc, _simulator, _util

from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import verilog
from silicodec.rtl.elaboration import elaboration

ENGINE = ENGINES["huffman-encoder"]


def instantiate():
    return ENGINE.instantiate(Signal(bool(0)), ResetSignal(0, active=1, isasync=False), ENGINE.streams())


def myhdl_state():
    modules = [module.inspect for module in (_block, _instance, _misc, _util)]
    calls = {id(decorator): decorator.calls for decorator in _simulator._blocks}
    return [*modules, _util._dedent, set(_block._name_set), list(_simulator._signals), calls]


def below(depth, function):
    return below(depth - 1, function) if depth else function()


def test_myhdl_is_left_as_it_was():
    before = myhdl_state()
    with elaboration():
        instantiate()
        with elaboration():
            assert instantiate().name == "huffman_encoder0"
        assert myhdl_state()[:4] != before[:4]
    assert myhdl_state() == before
    with pytest.raises(AttributeError), elaboration():
        instantiate().no_such_attribute  # noqa: B018
    assert myhdl_state() == before
    assert _block.inspect is inspect


def test_no_stack_is_read(monkeypatch):
    """Fails on the first `inspect.getframeinfo`, which is what reads sources for a frame."""

    def refuse(*arguments):
        raise AssertionError("MyHDL reads the sources of a frame")

    monkeypatch.setattr(inspect, "getframeinfo", refuse)
    with pytest.raises(AssertionError, match="reads the sources"):
        instantiate()
    with elaboration():
        instantiate()


def test_the_verilog_is_what_plain_myhdl_gives(tmp_path):
    with elaboration():
        instantiate().convert(path=str(tmp_path), name="quick", testbench=False, no_myhdl_header=True)
    names, signals = set(_block._name_set), list(_simulator._signals)
    _block._name_set.clear()
    try:
        instantiate().convert(path=str(tmp_path), name="plain", testbench=False, no_myhdl_header=True)
    finally:
        _block._name_set.clear()
        _block._name_set.update(names)
        _simulator._signals[:] = signals
    quick, plain = ((tmp_path / f"{name}.v").read_text() for name in ("quick", "plain"))
    assert quick.replace("quick", "plain") == plain


def test_depth_and_threads_change_nothing():
    def convert(number):
        engine = replace(ENGINES[("huffman-encoder", "weight-trimmer")[number % 2]])  # one that was not converted yet
        return below(20 * number, lambda: verilog(engine))

    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(convert, range(8)))
    assert texts == 4 * [verilog(ENGINES["huffman-encoder"]), verilog(ENGINES["weight-trimmer"])]
