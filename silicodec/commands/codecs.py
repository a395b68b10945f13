"""Commands about codecs: compress, decompress, codecs."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.arrays import read_array
from silicodec.files import INPUT, LIST_AS_JSON, OUTPUT
from silicodec.names import CODEC
from silicodec.output import print_table, say, write_json
from silicodec.program import BadInput
from silicodec.settings import set_option, typed_settings

if TYPE_CHECKING:
    from silicodec.models.codec import Codec


@click.command()
@click.argument("source", metavar="IN.npy", type=INPUT)
@click.argument("target", metavar="OUT", type=OUTPUT)
@click.option("--codec", "codec_name", type=CODEC, default="ebpc", show_default=True, help="One of `silicodec codecs`.")
@set_option(
    "-p",
    "--parameter",
    help="Parameter of the codec, such as word_bits=12; may be repeated. word_bits is by default that of the array.",
)
def compress(source: Path, target: Path, codec_name: str, settings: dict[str, str]) -> None:
    """Compress the array in IN.npy to the file OUT.

    The array holds int8, uint8, int16, uint16 or float16. Example:

        silicodec compress maps.npy maps.slc --codec ebpc --set block_size=16
    """
    from silicodec.models.catalog import find_codec
    from silicodec.models.storage import written_whole

    codec = find_codec(codec_name)
    defaults = {field.name: getattr(codec(), field.name) for field in fields(codec)}
    parameters = typed_settings(settings, defaults, f"codec {codec_name}")
    array = read_array(source)
    parameters.setdefault("word_bits", 8 * min(array.dtype.itemsize, 2))
    encoded = codec(**parameters).encode(array)
    container = encoded.to_bytes()
    with written_whole(target) as temporary:
        temporary.write_bytes(container)
    streams = ", ".join(f"{name} {stream.nbits:,}" for name, stream in encoded.streams.items())
    say(f"{target}: {len(container):,} bytes, ratio {encoded.ratio:.3f}")
    say(f"{array.size:,} values of {parameters['word_bits']} bits in {encoded.nbits:,} bits: {streams}")


@click.command()
@click.argument("source", metavar="IN", type=INPUT)
@click.argument("target", metavar="OUT.npy", type=OUTPUT)
def decompress(source: Path, target: Path) -> None:
    """Restore to OUT.npy the array that `silicodec compress` put into IN."""
    import numpy as np

    from silicodec.models.catalog import decode
    from silicodec.models.codec import CorruptDataError, Encoded
    from silicodec.models.storage import written_whole

    try:
        array = decode(Encoded.from_bytes(source.read_bytes()))
    except CorruptDataError as error:
        raise BadInput(f"{source}: {error}") from error
    with written_whole(target) as temporary, temporary.open("wb") as file:
        np.save(file, array)
    say(f"{target}: {array.dtype} array of shape {array.shape}")


@click.command()
@LIST_AS_JSON
def codecs(json_file: Path | None) -> None:
    """List the codecs and their parameters."""
    from silicodec.models.catalog import CODECS

    if json_file:
        write_json(json_file, [codec_record(codec) for codec in CODECS.values()])
        return
    rows = [
        (
            name,
            (codec.__doc__ or "").partition("\n")[0],
            ", ".join(f"{f.name}={getattr(codec(), f.name)}" for f in fields(codec)),
        )
        for name, codec in CODECS.items()
    ]
    print_table("Codecs", [("codec", "left"), ("scheme", "left"), ("parameters and their defaults", "left")], rows)


def codec_record(codec: type[Codec]) -> dict[str, Any]:
    """Describe a codec as JSON."""
    configuration = codec().get_config()
    return {
        "codec": configuration.pop("id"),
        "scheme": (codec.__doc__ or "").partition("\n")[0],
        "lossless": codec.lossless,
        "streams": list(codec.stream_names),
        "parameters": configuration,
    }


COMMANDS: tuple[Any, ...] = (compress, decompress, codecs)
