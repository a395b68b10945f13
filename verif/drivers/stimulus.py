"""What a backend is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

LAST, ERROR = 1, 2
"""Bits of a word's flags."""
REPEATED = sum(1 << shift for shift in range(0, 256, 64))
"""What repeats a pattern of 64 bits."""
RESET_CYCLES = 3
"""How long a reset lasts."""


def junk(cycle: int, bits: int) -> int:
    """Return what lies on the `bits` lines of an input that is not valid, or in reset: other bits each cycle."""
    pattern = (cycle * 0x9E3779B97F4A7C15) % (1 << 64)
    return pattern >> (64 - bits) if bits <= 64 else pattern * REPEATED % (1 << bits)


@dataclass(frozen=True)
class Source:
    """Words for one input stream.

    Parameters
    ----------
    words : ndarray
        The words of all packets, one after the other, of the port's dtype.
    flags : ndarray of uint8
        `LAST` on the final word of each packet, otherwise 0.
    stall : ndarray of uint8
        Whether to stall, for each cycle, repeated as long as needed.
    """

    words: np.ndarray
    flags: np.ndarray
    stall: np.ndarray


@dataclass(frozen=True)
class Stimulus:
    """One simulation to run.

    It begins with a reset, in which all inputs offer junk and all outputs are ready; cycles count from 0 after it. In
    each cycle the outputs see the opposite of their `ready` first, which may change nothing of what they offer. The
    simulation ends at the first broken stream rule, after `idle_cycles` cycles in which nothing was transferred and no
    stream stalled, or after `max_cycles`.

    Parameters
    ----------
    sources : dict of str to Source
        By input stream.
    sinks : dict of str to ndarray of uint8
        Whether to stall, by output stream, for each cycle, repeated as long as needed.
    ready_after_valid : bool
        Whether outputs are ready only in a cycle after one with `valid`.
    idle_cycles, max_cycles : int
        When to stop.
    reset_after : int
        If not 0, reset the engine once more, after so many cycles, and begin anew; only what follows is recorded,
        unless a rule was broken before.
    waveform : Path or None
        Where to write what every signal does, as a VCD file; not all backends can.
    """

    sources: dict[str, Source]
    sinks: dict[str, np.ndarray]
    ready_after_valid: bool
    idle_cycles: int
    max_cycles: int
    reset_after: int = 0
    waveform: Path | None = None


@dataclass(frozen=True)
class Recording:
    """What was transferred.

    Parameters
    ----------
    cycles : int
        Number of cycles that were simulated.
    first_input, last_output : int or None
        Cycle of the first transfer on an input and of the last one on an output.
    taken : dict of str to int
        Number of words taken from each source.
    words : dict of str to ndarray
        Words of each output stream, of the port's dtype.
    flags : dict of str to ndarray of uint8
        `LAST` and `ERROR` of each word of each output stream.
    violation : (str, str) or None
        The first broken rule: the stream, and what happened.
    first_output : int or None
        Cycle of the first transfer on an output; the backend `verilator` does not tell it.
    """

    cycles: int
    first_input: int | None
    last_output: int | None
    taken: dict[str, int]
    words: dict[str, np.ndarray]
    flags: dict[str, np.ndarray]
    violation: tuple[str, str] | None
    first_output: int | None = None
