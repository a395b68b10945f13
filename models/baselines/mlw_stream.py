"""Reading of Arm's weight streams, the format of `docs/formats/mlw.md`: plain Python, for checks and study."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from silicodec.models.errors import CorruptDataError

NO_RUNS, END, PLAIN = 6, 7, 7
"""Of a slice's first field: there are no runs of zeros; the stream ends. Of its divisor: indices as they are."""
MOST_DIVISOR, MOST_RUN_DIVISOR = 5, 3
INDICES, MOST_ENTRIES = 512, 32
LEAD = 8
"""Indices that may be read ahead of their runs."""
PLACES = 12
"""Bits for quotients in a chunk, of indices as of runs."""


class _Bits:
    """Bytes as bits, the least significant one of each first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def take(self, count: int) -> int:
        """Read a number of up to 16 bits, the least significant one first."""
        start, self.position = self.position, self.position + count
        if self.position > 8 * len(self.data):
            raise CorruptDataError("mlw stream is too short")
        return int.from_bytes(self.data[start // 8 : start // 8 + 3], "little") >> start % 8 & (1 << count) - 1

    def align(self) -> bool:
        """Go on to the next byte; tell whether there is none."""
        self.position = -(-self.position // 8) * 8
        return self.position == 8 * len(self.data)


@dataclass
class _Rice:
    """Golomb-Rice codes that come in chunks: quotients, and a chunk later the bits below them.

    Parameters
    ----------
    count : int
        How many numbers there are. A chunk may tell quotients beyond the last one, which are dropped.
    divisor : int
        Bits of a remainder.
    """

    count: int
    divisor: int
    quotients: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    carried: int = 0

    def add(self, ones: int, ends: bool) -> None:
        """Add to the quotient that is under way, which may end."""
        self.carried += ones
        if ends:
            self.quotients.append(self.carried)
            self.carried = 0

    def finish(self, bits: _Bits, until: int) -> None:
        """Read remainders of the quotients up to a place."""
        for quotient in self.quotients[len(self.numbers) : min(until, self.count)]:
            self.numbers.append((quotient << self.divisor) + bits.take(self.divisor))


@dataclass(frozen=True)
class _Palette:
    """How indices become weights; `width` is the number of bits of an entry."""

    entries: tuple[int, ...]
    offset: int
    width: int

    @classmethod
    def read(cls, bits: _Bits) -> _Palette:
        offset, size, width = bits.take(5), bits.take(5), bits.take(3) + 2
        return cls(tuple(bits.take(width) for _ in range(size + 1 if size else 0)), offset, width)

    def index_bits(self) -> int:
        """Bits of an index that is not coded."""
        return (len(self.entries) - 1).bit_length() if self.entries else self.width

    def weight(self, index: int) -> int:
        """Return the weight of an index, whose lowest bit is the sign once it is a value."""
        if index >= INDICES:
            raise CorruptDataError(f"mlw stream has an index of {index}, beyond {INDICES - 1}")
        size = len(self.entries)
        value = self.entries[index] if index < size else index - size + self.offset
        return -(value >> 1) if value & 1 else value >> 1


def decode(data: bytes) -> np.ndarray:
    """Decode a stream.

    Returns
    -------
    numpy.ndarray
        int16: the weights.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.

    Examples
    --------
    >>> decode(bytes.fromhex("8e0064400469241c9770405014fdffff"))
    array([ 0,  0,  1,  2,  3, -4,  0,  0,  1,  2,  3, -4,  0,  0,  1,  2,  3,
           -4], dtype=int16)
    """
    bits, weights = _Bits(data), list[int]()
    palette, had_runs = None, False
    while True:
        run_divisor = bits.take(3)
        if run_divisor == END:
            palette = None
            if bits.align():
                return np.array(weights, np.int16)
            continue
        has_runs = run_divisor != NO_RUNS
        count, divisor, truncated, renewed = bits.take(15) + 1, bits.take(3), bits.take(1), bits.take(1)
        if (has_runs and run_divisor > MOST_RUN_DIVISOR) or MOST_DIVISOR < divisor < PLAIN:
            raise CorruptDataError("mlw stream has a slice with an unknown code")
        if renewed:
            palette = _Palette.read(bits)
        elif palette is None or has_runs != had_runs:
            raise CorruptDataError("mlw stream has a slice without the palette that it needs")
        had_runs = has_runs
        plain = divisor == PLAIN
        indices = _Rice(count, palette.index_bits() if plain else divisor)
        runs = _Rice(count + renewed if has_runs else 0, run_divisor if has_runs else 0)
        _read_chunks(bits, indices, runs, plain, bool(truncated))
        if has_runs and renewed:
            weights += [0] * runs.numbers.pop(0)
        for i, index in enumerate(indices.numbers):
            weights.append(palette.weight(index))
            weights += [0] * (runs.numbers[i] if has_runs else 0)


def run_places(divisor: int) -> int:
    """Return the bits for quotients of runs in a chunk."""
    return 8 if divisor == MOST_RUN_DIVISOR else PLACES


def _read_chunks(bits: _Bits, indices: _Rice, runs: _Rice, plain: bool, truncated: bool) -> None:
    """Read indices and runs of a slice."""
    while True:
        begun, runs_begun = len(indices.quotients), len(runs.quotients)
        lead = begun - runs_begun if runs.count else 0
        more_indices = lead < LEAD and begun < indices.count
        more_runs = lead >= 0 and runs_begun < runs.count
        firsts = bits.take(PLACES) if more_indices and not plain else 0
        if more_runs:
            width = run_places(runs.divisor)
            ones = bits.take(width)
            for i in range(width):
                runs.add(ones >> i & 1, not ones >> i & 1)
        if more_indices:
            for i in range(8 if plain and indices.divisor > MOST_DIVISOR else PLACES):
                ones = firsts >> i & 1
                if ones:
                    ones += bits.take(1)
                indices.add(ones, ones < 2 or truncated)
        indices.finish(bits, begun)
        runs.finish(bits, runs_begun)
        if not more_indices and not more_runs:
            return
