"""Codecs in C99 for firmware: plain sources, and headers with the parameters of a codec.

Decoders take the streams of `silicodec.models`, and encoders write the same ones bit for bit, but for that of
`dictionary`: it chooses no layout, so that its streams are valid, but other and larger ones. Needs no library but, to
encode `lanes`, that of `math.h`, and allocates nothing.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from silicodec.models.codec import Codec
from silicodec.models.errors import CodecError
from silicodec.models.firmware.parameters import GENERATED
from silicodec.models.storage import written_whole

SOURCES: dict[str, tuple[str, ...]] = {
    "ebpc": ("bits", "bpc", "ebpc"),
    "ebpc-parallel": ("bits", "ebpc_parallel"),
    "bpc": ("bits", "bpc"),
    "zero-rle": ("bits", "zero_rle"),
    "zvc": ("bits", "zvc"),
    "dct": ("bits", "samples", "dct"),
    "transform": ("bits", "samples", "huffman_stream", "huffman", "transform"),
    "dictionary": ("bits", "dictionary"),
    "lanes": ("bits", "units", "lanes_code", "lanes_events", "lanes_choice", "lanes_encoder", "lanes"),
}
"""Modules of C that a codec is made of, by its id: each is a file `.c` and a header."""
_OF_LANES = {"huffman_stream": ("units", "huffman_lanes")}
"""Those that stand for a module where a codec has several lanes."""


def write_c(codec: Codec, folder: Path) -> list[Path]:
    """Write a codec's C sources, and headers with its parameters.

    Parameters
    ----------
    codec : Codec
        A codec of `SOURCES`.
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
    if codec.codec_id not in SOURCES:
        raise CodecError(f"there are C sources of {', '.join(SOURCES)}, but none of {codec.codec_id}")
    package = files(__package__)
    modules = list(SOURCES[codec.codec_id])
    if getattr(codec, "lanes", 1) > 1:
        modules = [part for module in modules for part in _OF_LANES.get(module, (module,))]
    names = [f"{module}.{kind}" for module in modules for kind in ("c", "h")]
    texts = {name: package.joinpath(name).read_text() for name in names} | GENERATED[codec.codec_id](codec)
    for name, text in texts.items():
        with written_whole(folder / name) as temporary:
            temporary.write_text(text)
    return [folder / name for name in texts]
