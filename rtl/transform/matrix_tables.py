"""Sizes of linear transforms in hardware, and the words that load them; `docs/engines/transform.md` describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from silicodec.models.errors import CodecError
from silicodec.models.parameters import parameter
from silicodec.models.transform.codec import LinearTransform
from silicodec.rtl.interface import EngineParameters

VALUE_BITS = 32
"""Bits of an entry's value, below its address."""
WEIGHTS, BIASES, SHIFT = range(3)
"""Kinds of entries: the highest bits of an address."""
KIND_BITS = 2


@dataclass(frozen=True)
class MatrixShape(EngineParameters):
    """Size of a linear transform and of the hardware for it.

    Raises
    ------
    CodecError
        If a parameter is out of range.
    """

    rows: int = parameter(16, "elements of a vector that comes out", bounds=(1, 256))
    columns: int = parameter(16, "elements of a vector that goes in", bounds=(1, 256))
    multipliers: int = parameter(4, "columns multiplied at a time: a divisor of columns", bounds=(1, 256))
    in_bits: int = parameter(8, "bits of an element that goes in, signed", bounds=(2, 8))
    out_bits: int = parameter(8, "bits of an element that comes out, signed", bounds=(2, 8))

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.columns % self.multipliers:
            raise CodecError(f"multipliers must be a divisor of columns ({self.columns}), not {self.multipliers}")

    @property
    def groups(self) -> int:
        """Cycles for an element that comes out: groups of columns."""
        return self.columns // self.multipliers

    @property
    def steps(self) -> int:
        """Cycles for a vector."""
        return self.rows * self.groups

    @property
    def lane_bits(self) -> int:
        """Bits of a multiplier's number."""
        return bits_for(self.multipliers)

    @property
    def step_bits(self) -> int:
        """Bits of a step's number."""
        return bits_for(self.steps)

    @property
    def word_bits(self) -> int:
        """Width of a table word: kind, step or row, multiplier, value."""
        return KIND_BITS + self.step_bits + self.lane_bits + VALUE_BITS


def bits_for(count: int) -> int:
    """Return the bits that number `count` things, at least one."""
    return max(1, (count - 1).bit_length())


def matrix_table(transform: LinearTransform, shape: MatrixShape) -> np.ndarray:
    """Return the words, uint64, that load a transform into an engine of a shape."""
    columns, lanes = np.arange(shape.columns), 1 << shape.lane_bits
    steps = np.arange(shape.rows)[:, np.newaxis] * shape.groups + columns // shape.multipliers
    places = (steps * lanes + columns % shape.multipliers, np.arange(shape.rows) * lanes, np.zeros(1, np.int64))
    values: list[np.ndarray] = [
        transform.matrix.astype(np.uint8),
        transform.bias.astype(np.uint32),
        np.array([transform.shift]),
    ]
    words = [
        entry_words(kind << (shape.step_bits + shape.lane_bits) | place, value)
        for kind, place, value in zip((WEIGHTS, BIASES, SHIFT), places, values, strict=True)
    ]
    return np.concatenate(words)


def entry_words(addresses: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the table words, uint64, that set entries of some addresses to values."""
    return (addresses.astype(np.uint64) << np.uint64(VALUE_BITS) | values.astype(np.uint64)).ravel()


def loaded_transform(entries: Mapping[int, int], shape: MatrixShape) -> LinearTransform:
    """Return the transform that an engine's tables hold, by address."""
    zero = LinearTransform(np.zeros((shape.rows, shape.columns), np.int8), np.zeros(shape.rows, np.int32), 0)
    addresses = (matrix_table(zero, shape) >> np.uint64(VALUE_BITS)).tolist()
    values = np.array([entries[address] for address in addresses])
    return LinearTransform(
        matrix=values[: shape.rows * shape.columns].astype(np.int8).reshape(shape.rows, shape.columns),
        bias=values[shape.rows * shape.columns : -1].astype(np.int32),
        shift=int(values[-1]),
        out_bits=shape.out_bits,
    )
