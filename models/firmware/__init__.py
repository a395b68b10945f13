"""Codecs in C99 for firmware: plain sources, and a header with the sizes of a codec.

The streams are those of `silicodec.models`, bit for bit. Needs no library, and allocates nothing.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from silicodec.models.codec import Codec
from silicodec.models.ebpc import EBPC
from silicodec.models.ebpc.tables import field_bits
from silicodec.models.errors import CodecError
from silicodec.models.storage import written_whole


def write_c(codec: Codec, folder: Path) -> list[Path]:
    """Write a codec's C sources: `NAME.c`, `NAME.h`, and `NAME_config.h` with its parameters.

    Parameters
    ----------
    codec : Codec
        An `EBPC`; no other codec has C sources yet.
    folder : Path
        Where to write them.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    CodecError
        If there are no C sources of this codec.
    """
    if not isinstance(codec, EBPC):
        raise CodecError(f"there are C sources of the codec ebpc alone, not of {codec.codec_id}")
    sources = files(__package__)
    texts = {name: sources.joinpath(name).read_text() for name in ("ebpc.c", "ebpc.h")}
    texts["ebpc_config.h"] = ebpc_config(codec)
    for name, text in texts.items():
        with written_whole(folder / name) as temporary:
            temporary.write_text(text)
    return [folder / name for name in texts]


def ebpc_config(codec: EBPC) -> str:
    """Return the header with an EBPC codec's parameters."""
    values = {
        "EBPC_WORD_BITS": codec.word_bits,
        "EBPC_BLOCK_SIZE": codec.block_size,
        "EBPC_MAX_ZERO_RUN": codec.max_zero_run,
        "EBPC_ZERO_RUN_FIELD": field_bits(codec.max_zero_run),
        "EBPC_PLANE_RUN_FIELD": field_bits(codec.word_bits),
        "EBPC_POSITION_FIELD": field_bits(codec.block_size),
    }
    defines = "".join(f"#define {name} {value}U\n" for name, value in values.items())
    return (
        "/* SPDX-License-Identifier: Apache-2.0\n *\n"
        " * Sizes of an EBPC codec, and bits of the fields of its codes.\n */\n"
        "#ifndef EBPC_CONFIG_H\n#define EBPC_CONFIG_H\n\n#include <stdint.h>\n\n"
        f"{defines}\n"
        f"/* A word, in the low {codec.word_bits} bits. */\n"
        f"typedef uint{8 if codec.word_bits <= 8 else 16}_t ebpc_word;\n\n#endif\n"
    )
