"""A program of the accelerator: what the words of its streams say.

The format is described in `docs/formats/accelerator.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

MAGIC = 0x51C0
VERSION = 3
COLUMNS = 9
"""Columns of the memory: words that the window reads at once."""
PIXELS = 8
"""Pixels that the array computes at once: samples of a word."""
TAPS = 9
WINDOW_ROWS = 3
"""Rows of a window, each of a third of the taps."""
SUM_BITS = 28
WEIGHT_BITS = 9
"""Bits of a weight less its zero point."""
LOWEST = -128
"""The lowest sample."""
ONE = 1 << 31
"""The factor of 1."""
ENTRY_WORDS = 2
"""Words of a channel's bias, factor and shift."""


class Opcode(IntEnum):
    """What a layer computes: `DENSE` sums over all input channels, `DEPTHWISE` sums and `MAXIMUM` maxima of one."""

    DENSE = 1
    DEPTHWISE = 2
    MAXIMUM = 3


class Source(IntEnum):
    """Where a map comes from."""

    MEMORY = 0
    PIXELS = 1


class Target(IntEnum):
    """Where the output goes; what does not fit in its region of the memory is an error, or with `SPILL` is spilled."""

    MEMORY = 0
    SPILL = 1
    SCORES = 2


class WeightCodec(IntEnum):
    """How a layer's weights are sent: as they are, or in packets of the dictionary code."""

    PLAIN = 0
    DICTIONARY = 1


class Early(IntEnum):
    """Whether a layer's input is read while the layer before is computed: the packets of its output, or any map."""

    NO = 0
    AS_WRITTEN = 1
    ANY = 2


class Status(IntEnum):
    """What a report word says of a layer, or of the whole program where it is refused."""

    DONE = 0
    BAD_HEADER = 1
    BAD_OPCODE = 2
    BAD_SIZES = 3
    BAD_REGION = 4
    OVERFLOW = 5
    BAD_WEIGHTS = 6
    BAD_PIXELS = 7
    BAD_PACKET = 8


LAYOUT: tuple[tuple[tuple[str, int], ...], ...] = (
    (
        *(("opcode", 4), ("pointwise", 1), ("stride2", 1), ("add", 1), ("swap", 1), ("away", 1), ("source", 1)),
        ("ordered", 1),
        ("target", 2),
        *(("in_codec", 5), ("residual_codec", 5), ("out_codec", 5), ("strip_banks", 5), ("need_first", 6)),
        *(("pad_top", 4), ("pad_left", 4), ("pad_value", 8), ("weight_zero", 8)),
    ),
    (
        *(("in_height", 9), ("in_width", 9), ("in_channels", 11)),
        *(("out_height", 9), ("out_width", 9), ("out_channels", 11)),
    ),
    (
        *(("passes", 11), ("groups", 10), ("steps", 13), ("kernel_rows", 4), ("kernel_columns", 4), ("capacity", 9)),
        ("weight_codec", 2),
    ),
    (
        *(("ring_words", 13), ("slot_words", 12), ("channel_words", 6), ("start_slot", 13), ("start_turn", 2)),
        *(("pass_advance", 13),),
    ),
    (
        *(("in_table", 12), ("residual_table", 12), ("out_table", 12), ("pass_rows", 10), ("in_step", 11)),
        *(("strip_first", 5), ("early", 2)),
    ),
    (
        *(("out_row", 12), ("out_words", 16), ("packet_words", 12), ("residual_step", 11), ("out_step", 11)),
        ("residual_early", 1),
    ),
    (
        *(("conv_zero", 8), ("conv_low", 8), ("conv_high", 8), ("residual_zero", 8)),
        *(("out_zero", 8), ("out_low", 8), ("out_high", 8)),
    ),
    (("residual_factor", 32), ("residual_shift", 6)),
    (("out_factor", 32), ("out_shift", 6)),
)
"""Fields of each word of a descriptor, from its least significant bit on: name and width."""

SIGNED = frozenset(
    {
        *("weight_zero", "pad_value", "conv_zero", "conv_low", "conv_high"),
        *("residual_zero", "out_zero", "out_low", "out_high"),
    }
)
"""Fields in two's complement."""


@dataclass(frozen=True)
class Descriptor:
    """A layer as the accelerator computes it; `docs/formats/accelerator.md` says what each field means."""

    opcode: int = Opcode.DENSE
    pointwise: int = 0
    stride2: int = 0
    add: int = 0
    swap: int = 0
    away: int = 0
    ordered: int = 0
    source: int = Source.MEMORY
    target: int = Target.MEMORY
    in_codec: int = 0
    residual_codec: int = 0
    out_codec: int = 0
    strip_banks: int = 0
    need_first: int = 0
    pad_top: int = 0
    pad_left: int = 0
    pad_value: int = 0
    weight_zero: int = 0
    in_height: int = 0
    in_width: int = 0
    in_channels: int = 0
    out_height: int = 0
    out_width: int = 0
    out_channels: int = 0
    passes: int = 1
    groups: int = 0
    steps: int = 0
    kernel_rows: int = 1
    kernel_columns: int = 1
    capacity: int = 0
    weight_codec: int = WeightCodec.PLAIN
    ring_words: int = 0
    slot_words: int = 0
    channel_words: int = 0
    start_slot: int = 0
    start_turn: int = 0
    pass_advance: int = 0
    in_table: int = 0
    residual_table: int = 0
    out_table: int = 0
    pass_rows: int = 0
    in_step: int = 0
    strip_first: int = 0
    early: int = 0
    residual_early: int = 0
    out_row: int = 0
    out_words: int = 0
    packet_words: int = 0
    residual_step: int = 0
    out_step: int = 0
    conv_zero: int = 0
    conv_low: int = -128
    conv_high: int = 127
    residual_zero: int = 0
    out_zero: int = 0
    out_low: int = -128
    out_high: int = 127
    residual_factor: int = 0
    residual_shift: int = 0
    out_factor: int = 0
    out_shift: int = 0

    def __post_init__(self) -> None:
        """Check that every field fits in its bits."""
        for word in LAYOUT:
            for name, bits in word:
                value = getattr(self, name)
                low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if name in SIGNED else (0, 1 << bits)
                if not low <= value < high:
                    raise ValueError(f"{name} of a descriptor must be {low} .. {high - 1}, not {value}")

    def words(self) -> list[int]:
        """Return the words of the descriptor."""
        result = []
        for word in LAYOUT:
            value = low = 0
            for name, bits in word:
                value |= (int(getattr(self, name)) & ((1 << bits) - 1)) << low
                low += bits
            result.append(value)
        return result

    @classmethod
    def from_words(cls, words: Sequence[int]) -> Descriptor:
        """Read a descriptor: the inverse of `words`."""
        values = {}
        for word, layout in zip(words, LAYOUT, strict=True):
            low = 0
            for name, bits in layout:
                value = int(word) >> low & ((1 << bits) - 1)
                if name in SIGNED and value >> (bits - 1):
                    value -= 1 << bits
                values[name] = value
                low += bits
        return cls(**values)

    @property
    def depthwise(self) -> bool:
        """Whether each channel is computed from one."""
        return self.opcode != Opcode.DENSE

    @property
    def strips(self) -> int:
        """Rows of tiles of the output."""
        return -(-self.out_height // PIXELS)

    @property
    def tiles(self) -> int:
        """Columns of tiles of the output."""
        return -(-self.out_width // PIXELS)

    @property
    def in_strips(self) -> int:
        """Rows of tiles of the input."""
        return -(-self.in_height // PIXELS)

    @property
    def in_tiles(self) -> int:
        """Columns of tiles of the input."""
        return -(-self.in_width // PIXELS)


assert {field.name for field in fields(Descriptor)} == {name for word in LAYOUT for name, _ in word}
assert all(sum(bits for _, bits in word) <= 64 for word in LAYOUT)


def program_words(descriptors: Sequence[Descriptor]) -> np.ndarray:
    """Return the packet of the `program` stream for some layers: uint64."""
    words = [MAGIC | VERSION << 16 | len(descriptors) << 24]
    for descriptor in descriptors:
        words += descriptor.words()
    return np.array(words, np.uint64)
