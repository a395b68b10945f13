"""The first format of the codec `dct`, of containers of version 1: read, not written any more.

Its eight bits saturated the coefficients of fine steps, and its bitmaps took more bits than Rice codes do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit

from silicodec.models.bitstream import from_bytes, peek
from silicodec.models.codec import Codec, EncodedStream
from silicodec.models.dct.maps import from_tiles
from silicodec.models.dct.transform import inverse
from silicodec.models.errors import CodecError, CorruptDataError, check_integer, check_power_of_two
from silicodec.models.samples import SAMPLE_DTYPES

_STEPS = {1: (2, 2), 2: (4, 4), 3: (4, 8), 4: (8, 16)}
"""Step where the sum of both frequencies is below 6, and where it is not, by level."""


@dataclass(frozen=True)
class FirstDCT(Codec):
    """Decoder of the first format of the codec `dct`.

    Parameters
    ----------
    level : int
        Quantisation table, 1 to 4, where there is no `table`.
    table : sequence of 8 sequences of 8 int, optional
        Quantisation steps; rows are vertical frequencies.
    signed : int
        0 for maps without negative values.
    two_level : int
        0: a bitmap of each column and a byte for each nonzero coefficient; 1: a mode before it.
    """

    level: int = 2
    table: tuple[tuple[int, ...], ...] | None = None
    signed: int = 1
    two_level: int = 1

    codec_id: ClassVar[str] = "dct"
    stream_names: ClassVar[tuple[str, ...]] = ("tiles",)
    lossless: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        for name, low, high in (("level", 1, 4), ("signed", 0, 1), ("two_level", 0, 1)):
            check_integer(name, getattr(self, name), low, high)
        if self.table is not None:
            if np.shape(np.array(self.table, object)) != (8, 8):
                raise CodecError("table must be 8 rows of 8 quantisation steps")
            for step in (step for row in self.table for step in row):
                check_power_of_two("step in table", step, 1, 128)
            object.__setattr__(self, "table", tuple(map(tuple, self.table)))

    def get_config(self) -> dict[str, Any]:
        """Return the codec's id and parameters, as plain JSON."""
        table = None if self.table is None else [list(row) for row in self.table]
        return {**super().get_config(), "table": table}

    def _encode_array(self, array: np.ndarray) -> dict[str, EncodedStream]:
        raise CodecError(
            "the first format of codec 'dct' is only read: give it `step`, not `level`, `table`, `two_level`"
        )

    def _decode_array(
        self, streams: Mapping[str, EncodedStream], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:
        if len(shape) < 2 or dtype.name not in SAMPLE_DTYPES:
            raise CorruptDataError(
                f"codec 'dct' encodes maps (..., height, width) of int8 or uint8, not {dtype} {shape}"
            )
        stream = streams["tiles"]
        count = math.prod(shape[:-2]) * -(-shape[-2] // 8) * -(-shape[-1] // 8)
        if count * (16 if self.two_level else 64) > stream.nbits:
            raise CorruptDataError("stream of tiles is too short")
        tiles = np.zeros((count, 64), np.uint8)
        if stream.nbits > _decode(from_bytes(stream.data), stream.nbits, bool(self.two_level), tiles):
            raise CorruptDataError("stream of tiles has bits after its end")
        values = tiles.view(np.int8).astype(np.int64)
        if not self.signed:
            values[:, 0] = tiles[:, 0]
        samples = inverse(np.clip(values * self._steps(), -1024, 1023).astype(np.int16), 8)
        if not self.signed:
            samples = np.maximum(samples, 0)
        return from_tiles(samples.astype(np.int8), shape, dtype)

    def _steps(self) -> np.ndarray:
        """Return the quantisation steps, (64,), in the order of the stream."""
        if self.table is not None:
            return np.array(self.table).T.reshape(-1)
        low, high = _STEPS[self.level]
        steps = np.where(np.add.outer(range(8), range(8)) < 6, low, high).reshape(-1)
        steps[0] = 8 if self.signed else 4
        return steps


@njit(cache=True)
def _decode(bits: np.ndarray, nbits: int, two_level: bool, tiles: np.ndarray) -> int:
    """Decode tiles into zeros; returns the number of bits read."""
    position = 0
    for tile in tiles:
        for column in range(0, 64, 8):
            if position > nbits:
                raise CorruptDataError("stream of tiles is too short")
            # Nothing; bitmap and nibbles; bitmap and bytes; eight bytes.
            mode = peek(bits, position, 2) if two_level else 2
            position += 2 if two_level else 0
            bitmap = 0 if mode == 0 else 0xFF
            if mode == 1 or mode == 2:
                bitmap = peek(bits, position, 8)
                position += 8
            width = 4 if mode == 1 else 8
            for i in range(8):
                if bitmap & 0x80 >> i:
                    value = peek(bits, position, width)
                    tile[column + i] = value | (0xF0 if width == 4 and value & 8 else 0)
                    position += width
        padding = -position & 7
        if position + padding > nbits:
            raise CorruptDataError("stream of tiles is too short")
        if padding and peek(bits, position, padding):
            raise CorruptDataError("stream of tiles has a tile padded with bits that are not zero")
        position += padding
    return position
