"""The one place where MyHDL elaborates: as in a fresh process, and without reading sources for every block."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from types import CodeType, FrameType, FunctionType
from typing import Any

from myhdl import _block, _instance, _misc, _simulator, _util

_FURTHEST_FRAME = 5
"""MyHDL looks no further up the stack than this: at a block's caller, from within a comprehension."""

_lock = RLock()


@contextmanager
def elaboration() -> Iterator[None]:
    """Elaborate as in a fresh process, quickly, and leave MyHDL as it was.

    MyHDL numbers instances and collects signals per process: without this, names in the Verilog would depend on what
    was elaborated before, and each simulation would be slower than the one before it. MyHDL also asks `inspect` for
    the whole call stack at every block and process, with lines of source, although it uses only the nearest frames;
    here it gets these alone. One thread elaborates at a time, and others wait.
    """
    with _lock, _fresh_names(), _quick_inspection():
        yield


@contextmanager
def _fresh_names() -> Iterator[None]:
    names, signals = set(_block._name_set), list(_simulator._signals)
    calls = [(decorator, decorator.calls) for decorator in _simulator._blocks]
    _block._name_set.clear()
    _simulator._signals.clear()
    for decorator, _ in calls:
        decorator.calls = 0
    try:
        yield
    finally:
        _block._name_set.clear()
        _block._name_set.update(names)
        _simulator._signals[:] = signals
        for decorator, count in calls:
            decorator.calls = count


@contextmanager
def _quick_inspection() -> Iterator[None]:
    replaced: list[tuple[Any, str, Any]] = [
        (module, "inspect", _Inspect) for module in (_block, _instance, _misc, _util)
    ]
    replaced.append((_util, "_dedent", cache(_util._dedent)))
    originals = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    for module, name, value in replaced:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in originals:
            setattr(module, name, value)


class _Inspect:
    """What MyHDL uses of the module `inspect`: of a frame's record, only the frame and the function's name."""

    currentframe = staticmethod(inspect.currentframe)

    @staticmethod
    def stack() -> list[tuple[FrameType, None, None, str]]:
        return _Inspect.getouterframes(sys._getframe(1))

    @staticmethod
    def getouterframes(frame: FrameType | None) -> list[tuple[FrameType, None, None, str]]:
        records: list[tuple[FrameType, None, None, str]] = []
        while frame is not None and len(records) <= _FURTHEST_FRAME:
            records.append((frame, None, None, frame.f_code.co_name))
            frame = frame.f_back
        return records

    @staticmethod
    def getsource(function: FunctionType) -> str:
        return _of_code(inspect.getsource, function.__code__)

    @staticmethod
    def getsourcefile(function: FunctionType) -> str | None:
        return _of_code(inspect.getsourcefile, function.__code__)

    @staticmethod
    def getsourcelines(function: FunctionType) -> tuple[list[str], int]:
        return _of_code(inspect.getsourcelines, function.__code__)


@cache
def _of_code(question: Callable[[CodeType], Any], code: CodeType) -> Any:
    """Return what `inspect` says of a function's code, which many processes share."""
    return question(code)
