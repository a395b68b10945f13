"""Writing of streams in Arm's weight code, the format of `docs/formats/mlw.md`: plain choices, to try decoders with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from silicodec.models.baselines.mlw_stream import (
    END,
    INDICES,
    LEAD,
    MOST_DIVISOR,
    MOST_ENTRIES,
    MOST_RUN_DIVISOR,
    NO_RUNS,
    PLACES,
    run_places,
)

MOST_WEIGHTS = 1 << 15
ENTRY_BITS = 9


@dataclass
class _Bits:
    """Bits of a stream, as numbers with their widths."""

    text: list[str] = field(default_factory=list)

    def put(self, number: int, width: int) -> None:
        """Write a number, the least significant bit first."""
        self.text.append(f"{number:0{width}b}"[::-1] if width else "")

    def to_bytes(self, unit: int) -> bytes:
        """Return whole units of bytes, filled up with ones."""
        text = "".join(self.text)
        text += "1" * (-len(text) % (8 * unit))
        return int(text[::-1], 2).to_bytes(len(text) // 8, "little")


@dataclass
class _Section:
    """Numbers in Golomb-Rice codes, and how far they are written: quotients, and a chunk later remainders."""

    numbers: list[int]
    divisor: int
    begun: int = 0
    done: int = 0
    under_way: int = 0

    def quotients(self, places: int, step: int) -> list[int]:
        """Return what is added at each of the next places: `step` where a quotient goes on, less where it ends."""
        added: list[int] = []
        while len(added) < places:
            rest = (self.numbers[self.begun] >> self.divisor) - self.under_way if self.begun < len(self.numbers) else 0
            added.append(min(rest, step))
            self.under_way += step
            if rest < step:
                self.begun, self.under_way = self.begun + 1, 0
        return added

    def remainders(self, bits: _Bits, until: int) -> None:
        """Write the remainders of the numbers up to a place."""
        for number in self.numbers[self.done : until]:
            bits.put(number & ((1 << self.divisor) - 1), self.divisor)
        self.done = max(self.done, min(until, len(self.numbers)))

    @classmethod
    def best(cls, numbers: list[int], most: int) -> _Section:
        """Choose the divisor that takes the fewest bits."""
        counts = Counter(numbers)
        return cls(numbers, min(range(most + 1), key=lambda d: sum(n * ((i >> d) + d) for i, n in counts.items())))


def encode(weights: np.ndarray, *, unit: int = 8) -> bytes:
    """Encode weights, slices of up to 32,768 with a palette each, runs of zeros where more than half are zeros.

    Parameters
    ----------
    weights : numpy.ndarray
        Integers from -239 to 239, at least one.
    unit : int
        The stream is a multiple of so many bytes.

    Examples
    --------
    >>> from silicodec.models.baselines.mlw_stream import decode
    >>> decode(encode(np.array([0, 0, 7, -3, 0, 0, 0])))
    array([ 0,  0,  7, -3,  0,  0,  0], dtype=int16)
    """
    flat = np.asarray(weights, np.int64).reshape(-1)
    if not flat.size or np.abs(flat).max() > (INDICES - MOST_ENTRIES) // 2 - 1:
        raise ValueError("weights must be from -239 to 239, and at least one")
    bits = _Bits()
    for start in range(0, flat.size, MOST_WEIGHTS):
        _write_slice(bits, flat[start : start + MOST_WEIGHTS])
    bits.put(END, 3)
    return bits.to_bytes(unit)


def _write_slice(bits: _Bits, weights: np.ndarray) -> None:
    """Write a slice with a palette of the most frequent weights."""
    places = np.flatnonzero(weights)
    has_runs = 0 < 2 * places.size < weights.size
    kept = weights[places] if has_runs else weights
    runs = (np.diff(places, prepend=-1, append=weights.size) - 1).tolist() if has_runs else []
    values = (2 * np.abs(kept) + (kept < 0)).tolist()
    entries = [value for value, _ in Counter(values).most_common(MOST_ENTRIES)]
    entries += entries[:1] if len(entries) == 1 else []  # one entry alone cannot be written
    others = [value for value in values if value not in entries]
    offset = min(min(others, default=0), 31)
    index_of = {value: i for i, value in reversed(list(enumerate(entries)))}
    indices = [index_of.get(value, value - offset + len(entries)) for value in values]
    section, run_section = _Section.best(indices, MOST_DIVISOR), _Section.best(runs, MOST_RUN_DIVISOR)
    bits.put(run_section.divisor if has_runs else NO_RUNS, 3)
    bits.put(len(indices) - 1, 15)
    for number, width in (
        (section.divisor, 3),
        (0, 1),
        (1, 1),
        (offset, 5),
        (len(entries) - 1, 5),
        (ENTRY_BITS - 2, 3),
    ):
        bits.put(number, width)
    for entry in entries:
        bits.put(entry, ENTRY_BITS)
    _write_chunks(bits, section, run_section)


def _write_chunks(bits: _Bits, indices: _Section, runs: _Section) -> None:
    """Write the chunks of a slice, which the reader reads in the same order."""
    while True:
        begun, runs_begun = indices.begun, runs.begun
        lead = begun - runs_begun if runs.numbers else 0
        more_indices = lead < LEAD and begun < len(indices.numbers)
        more_runs = lead >= 0 and runs_begun < len(runs.numbers)
        added = indices.quotients(PLACES, 2) if more_indices else []
        for one in added:
            bits.put(int(one > 0), 1)
        for one in runs.quotients(run_places(runs.divisor), 1) if more_runs else []:
            bits.put(one, 1)
        for one in added:
            bits.put(int(one == 2), int(one > 0))
        indices.remainders(bits, begun)
        runs.remainders(bits, runs_begun)
        if not more_indices and not more_runs:
            return
