"""The command about firmware: c."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from silicodec.files import FOLDER
from silicodec.names import CODEC
from silicodec.output import say
from silicodec.settings import set_option, typed_settings


@click.command()
@click.argument("codec_name", metavar="CODEC", type=CODEC)
@set_option(help="Parameter of the codec, such as word_bits=16; may be repeated.")
@click.option("--out", "folder", type=FOLDER, default=Path(), help="Folder for the files.  [default: this one]")
def c(codec_name: str, settings: dict[str, str], folder: Path) -> None:
    """Write CODEC's encoder and decoder in C99, for firmware.

    There are those of ebpc, ebpc-parallel, bpc, zero-rle, zvc, dct, transform, dictionary and lanes.

    Example:

        silicodec c ebpc --set word_bits=16 --out firmware
    """
    from silicodec.models.catalog import find_codec
    from silicodec.models.firmware import write_c

    codec = find_codec(codec_name)
    defaults = {field.name: getattr(codec(), field.name) for field in fields(codec)}
    for path in write_c(codec(**typed_settings(settings, defaults, f"codec {codec_name}")), folder):
        say(path)


COMMANDS: tuple[Any, ...] = (c,)
