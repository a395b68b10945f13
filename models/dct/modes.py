"""Mode words: how a packet is coded, in the bits that hardware takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from silicodec.models.dct.codec import DCT
from silicodec.models.errors import CodecError
from silicodec.models.samples import from_samples, to_samples

STEP_BITS = 2
MODE_BITS = STEP_BITS + 2
"""The base 2 logarithm of the step; whether the mean is unsigned; whether samples are unsigned ones less 128."""
LARGEST_STEP = 1 << (2**STEP_BITS - 1)
"""Largest step that a mode word can say."""


def mode_word(codec: DCT, dtype: str = "int8") -> int:
    """Return the mode word of a codec, for int8 or uint8 maps.

    Raises
    ------
    ValueError
        For a step that hardware does not have.
    """
    if codec.step > LARGEST_STEP:
        raise ValueError(f"DCT engines take steps up to {LARGEST_STEP}, not {codec.step}")
    offset = dtype == "uint8"
    return (codec.step.bit_length() - 1) | (offset or not codec.signed) << STEP_BITS | offset << (STEP_BITS + 1)


@lru_cache
def codec_of(mode: int) -> tuple[DCT, str]:
    """Return the codec and the maps' dtype of a mode word: the inverse of `mode_word`.

    Raises
    ------
    CodecError
        If no codec has this mode: the mean of unsigned samples is unsigned.
    """
    offset = mode >> (STEP_BITS + 1) & 1
    unsigned = mode >> STEP_BITS & 1
    if offset and not unsigned:
        raise CodecError(f"mode {mode} has no meaning: bit {STEP_BITS + 1} is only set with bit {STEP_BITS}")
    return DCT(step=1 << mode % (1 << STEP_BITS), signed=int(offset or not unsigned)), "uint8" if offset else "int8"


def encode_samples(samples: np.ndarray, mode: int) -> np.ndarray:
    """Encode samples, int8 (.., height, width), in a mode: words of 64 bits, 1-D, uint64."""
    codec, dtype = codec_of(mode)
    return codec.encode_words(from_samples(samples, np.dtype(dtype)))


def decode_samples(words: np.ndarray, shape: Sequence[int], mode: int) -> np.ndarray:
    """Decode words to samples of a shape, int8: the inverse of `encode_samples`, but for what is lost.

    Raises
    ------
    CorruptDataError
        If the words are malformed.
    """
    codec, dtype = codec_of(mode)
    return to_samples(codec.decode_words(words, shape, dtype))


def restore_samples(samples: np.ndarray, mode: int) -> np.ndarray:
    """Return what decoding gives for encoded samples, int8 (.., height, width)."""
    codec, dtype = codec_of(mode)
    return to_samples(codec.restore(from_samples(samples, np.dtype(dtype))))


def packet_words(samples: np.ndarray, mode: int) -> np.ndarray:
    """Count the words of samples, int8 (.., height, width), of which each row of tiles is a packet: int64, 1-D."""
    codec, dtype = codec_of(mode)
    return codec.packet_words(from_samples(samples, np.dtype(dtype)))
