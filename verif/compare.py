"""Engines against their references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from silicodec.rtl.engine import Engine, Packets
from silicodec.verif.simulate import simulate
from silicodec.verif.simulation import Simulation


@dataclass(frozen=True)
class Mismatch:
    """The first word that differs; `None` stands for a word that is not there."""

    stream: str
    packet: int
    word: int
    expected: int | None
    got: int | None

    def __str__(self) -> str:
        """Say where and how they differ."""
        where = f"stream {self.stream}, packet {self.packet}, word {self.word}"
        return f"{where}: expected {_hexadecimal(self.expected)}, got {_hexadecimal(self.got)}"


def first_difference(expected: Mapping[str, Packets], got: Mapping[str, Packets]) -> Mismatch | None:
    """Return the first difference between the packets of each stream, or None if there is none."""
    nothing = np.empty(0, np.uint8)
    for stream, packets in expected.items():
        for number, (wanted, found) in enumerate(zip_longest(packets, got[stream], fillvalue=nothing)):
            if not np.array_equal(wanted, found):
                common = min(wanted.size, found.size)
                differing = np.flatnonzero(wanted[:common] != found[:common])
                word = int(differing[0]) if differing.size else common
                return Mismatch(stream, number, word, _word(wanted, word), _word(found, word))
    return None


def check(engine: Engine, inputs: Mapping[str, Packets], **options: Any) -> Simulation:
    """Simulate an engine and compare it with its reference; `options` are those of `simulate`.

    Raises
    ------
    AssertionError
        If a word differs, or if an error flag is raised.
    """
    simulation = simulate(engine, inputs, **options)
    mismatch = first_difference(engine.reference(inputs), simulation.streams)
    if mismatch:
        raise AssertionError(f"{engine.name} on {simulation.backend}: {mismatch}")
    for stream, flags in simulation.errors.items():
        if any(flags):
            raise AssertionError(f"{engine.name} on {simulation.backend}: stream {stream} flags an error")
    return simulation


def _word(packet: np.ndarray, index: int) -> int | None:
    return int(packet[index]) if index < packet.size else None


def _hexadecimal(word: int | None) -> str:
    return "nothing" if word is None else f"{word:#x}"
