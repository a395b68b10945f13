"""Codecs by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from silicodec.models.baselines.bounds import Bound, Entropy, Huffman
from silicodec.models.baselines.mlw import Mlw
from silicodec.models.baselines.software import Deflate, Zstandard
from silicodec.models.baselines.zero_rle import ZeroRLE
from silicodec.models.baselines.zvc import ZVC
from silicodec.models.codec import Codec
from silicodec.models.container import Encoded
from silicodec.models.dct import DCT
from silicodec.models.dictionary.codec import Dictionary
from silicodec.models.ebpc import EBPC, ParallelEBPC
from silicodec.models.ebpc.bpc import BPC
from silicodec.models.errors import CodecError, CorruptDataError, unknown_name
from silicodec.models.lanes import Lanes
from silicodec.models.transform.codec import TransformCodec

CODECS: dict[str, type[Codec]] = {
    codec.codec_id: codec
    for codec in (EBPC, ParallelEBPC, BPC, ZeroRLE, ZVC, Zstandard, Deflate, DCT, TransformCodec, Dictionary, Lanes)
}
"""Codec classes by their id."""

BOUNDS: dict[str, type[Bound]] = {bound.name: bound for bound in (Entropy, Huffman, Mlw)}
"""Bounds, and a code of others, by name: they have a size to compare codecs with, and cannot encode."""


def find_codec(name: str) -> type[Codec]:
    """Find a codec class by its name.

    Raises
    ------
    CodecError
        If there is no such codec; the message lists those there are.
    """
    if name in BOUNDS:
        raise CodecError(f"'{name}' is a bound: it has a size, and can neither encode nor decode")
    if name not in CODECS:
        raise CodecError(unknown_name("codec", name, CODECS))
    return CODECS[name]


def make_codec(name: str, **parameters: Any) -> Codec:
    """Make a codec by its name.

    Parameters
    ----------
    name : str
        Key of `CODECS`.
    **parameters
        Parameters of the codec.

    Raises
    ------
    CodecError
        If there is no such codec, or a parameter is unknown or out of range.

    Examples
    --------
    >>> make_codec("ebpc", word_bits=16).get_config()
    {'id': 'ebpc', 'word_bits': 16, 'block_size': 8, 'max_zero_run': 16}
    """
    return find_codec(name).from_config({"id": name, **parameters})


def make_measure(name: str, **parameters: Any) -> Codec | Bound:
    """Make what has a size for every array, `nbits`: a codec, or a bound, by its name.

    Raises
    ------
    CodecError
        If there is no such codec or bound, or a parameter is unknown or out of range.
    """
    if name not in BOUNDS:
        return make_codec(name, **parameters)
    try:
        return BOUNDS[name](**parameters)
    except TypeError:
        raise CodecError(f"bound '{name}' has one parameter, word_bits, not {', '.join(parameters)}") from None


def decode(encoded: Encoded) -> np.ndarray:
    """Decode an array with the codec that its configuration names.

    Raises
    ------
    CorruptDataError
        If there is no such codec, or the streams are malformed.
    """
    try:
        parameters = dict(encoded.codec)
        codec = make_codec(parameters.pop("id"), **parameters)
    except CodecError as error:
        raise CorruptDataError(f"container's codec cannot be made: {error}") from None
    if codec.get_config() != encoded.codec:
        raise CorruptDataError(f"container's codec must be given by all its parameters, like {codec.get_config()}")
    return codec.decode(encoded)
