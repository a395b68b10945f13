"""The generated C sources of codecs: headers with their parameters, and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from silicodec.models.baselines import ZVC, ZeroRLE
from silicodec.models.ebpc import BPC, EBPC
from silicodec.models.ebpc.tables import field_bits

_LICENCE = "/* SPDX-License-Identifier: Apache-2.0\n *\n"


def header(module: str, about: str, values: Mapping[str, int], word_bits: int = 0) -> dict[str, str]:
    """Return the header `MODULE_config.h` by its name.

    Parameters
    ----------
    module : str
        Name of the module that includes it.
    about : str
        What the header holds.
    values : mapping of str to int
        Values to define, by their names without the module's.
    word_bits : int
        Bits of the words for which to define a type; 0 for none.
    """
    prefix = module.upper()
    defines = "".join(f"#define {prefix}_{name} {value}U\n" for name, value in values.items())
    word = f"\n/* A word, in the low {word_bits} bits. */\ntypedef uint{8 if word_bits <= 8 else 16}_t {module}_word;\n"
    text = (
        f"{_LICENCE} * {about}\n */\n#ifndef {prefix}_CONFIG_H\n#define {prefix}_CONFIG_H\n\n#include <stdint.h>\n\n"
        f"{defines}{word if word_bits else ''}\n#endif\n"
    )
    return {f"{module}_config.h": text}


def _bpc(codec: BPC) -> dict[str, str]:
    values = {
        "WORD_BITS": codec.word_bits,
        "BLOCK_SIZE": codec.block_size,
        "PLANE_RUN_FIELD": field_bits(codec.word_bits),
        "POSITION_FIELD": field_bits(codec.block_size),
    }
    return header("bpc", "Sizes of a BPC codec, and bits of the fields of its codes.", values, codec.word_bits)


def _ebpc(codec: EBPC) -> dict[str, str]:
    values = {"MAX_ZERO_RUN": codec.max_zero_run, "ZERO_RUN_FIELD": field_bits(codec.max_zero_run)}
    return _bpc(codec) | header(
        "ebpc", "The longest run of zero words of an EBPC codec, and bits of its field.", values
    )


def _zero_rle(codec: ZeroRLE) -> dict[str, str]:
    values = {"WORD_BITS": codec.word_bits, "RUN_BITS": codec.run_bits}
    return header("zero_rle", "Bits of words and of run lengths.", values, codec.word_bits)


def _zvc(codec: ZVC) -> dict[str, str]:
    return header("zvc", "Bits of words.", {"WORD_BITS": codec.word_bits}, codec.word_bits)


GENERATED: dict[str, Callable[[Any], dict[str, str]]] = {
    "ebpc": _ebpc,
    "bpc": _bpc,
    "zero-rle": _zero_rle,
    "zvc": _zvc,
}
"""Functions from a codec to its generated files, name to text, by the codec's id."""
