"""Commands about codecs: compress, decompress, info, codecs."""

from __future__ import annotations

import mmap
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
    import numpy as np

    from silicodec.models.codec import Codec, Encoded


@click.command()
@click.argument("source", metavar="IN[:NAME]", type=INPUT)
@click.argument("target", metavar="OUT", type=OUTPUT)
@click.option("--codec", "codec_name", type=CODEC, default="ebpc", show_default=True, help="One of `silicodec codecs`.")
@set_option(
    "-p",
    "--parameter",
    help="Parameter of the codec, such as word_bits=12; may be repeated. word_bits is by default that of the array.",
)
@click.option(
    "--quantise",
    "number_format",
    metavar="FORMAT",
    help="Turn floating-point values into words first: fixed4, fixed8, fixed12, fixed16 or float16, the largest "
    "absolute value at 0.75 of full range.  [default with --scale: fixed8]",
)
@click.option("--scale", type=float, metavar="FACTOR", help="Factor to multiply values by for that, instead.")
def compress(
    source: Path,
    target: Path,
    codec_name: str,
    settings: dict[str, str],
    number_format: str | None,
    scale: float | None,
) -> None:
    """Compress the array in the file IN to the file OUT; - is standard input or output.

    IN is a .npy file, a .npz archive or a .pt file, with the array's NAME where it holds several. The array holds int8,
    uint8, int16, uint16 or float16; bfloat16 as its bits; or other floating-point values with --quantise or --scale.

    Examples
    --------
        silicodec compress maps.npy maps.slc --codec ebpc --set block_size=16

        silicodec compress weights.pt:conv1.weight conv1.slc --codec zvc --quantise fixed8
    """
    from silicodec.models.catalog import find_codec
    from silicodec.models.storage import written_whole

    codec = find_codec(codec_name)
    defaults = {field.name: getattr(codec(), field.name) for field in fields(codec)}
    parameters = typed_settings(settings, defaults, f"codec {codec_name}")
    array = read_array(source)
    if number_format or scale is not None:
        array, parameters = to_words(array, number_format or "fixed8", scale, parameters)
    elif array.dtype.kind == "f" and array.dtype.itemsize > 2:
        raise BadInput(f"{source} holds {array.dtype} values: turn them into words by --quantise fixed8 or --scale")
    parameters.setdefault("word_bits", 8 * min(array.dtype.itemsize, 2))
    encoded = codec(**parameters).encode(array)
    del array
    with written_whole(target) as temporary, temporary.open("wb") as file:
        size = encoded.write(file)
    say(f"{target}: {size:,} bytes, ratio {encoded.ratio:.3f}")
    say(describe(encoded))


def to_words(
    values: np.ndarray, number_format: str, scale: float | None, parameters: dict[str, Any]
) -> tuple[np.ndarray, dict[str, Any]]:
    """Quantise floating-point values, and take the width of words from the number format."""
    from silicodec.models.quantise import quantise

    quantised = quantise(values, number_format, scale=scale)
    say(f"{number_format} words of the values times {quantised.scale!r}")
    return quantised.values, {"word_bits": quantised.number_format.word_bits} | parameters


def describe(encoded: Encoded) -> str:
    """Tell the lengths of an encoded array and its streams."""
    streams = ", ".join(f"{name} {stream.nbits:,}" for name, stream in encoded.streams.items())
    return f"{encoded.size:,} values of {encoded.codec['word_bits']} bits in {encoded.nbits:,} bits: {streams}"


def read_encoded(source: Path) -> Encoded:
    """Read a container, whose streams are left in the file (memory-mapped) where that can be."""
    from silicodec.models.codec import CorruptDataError, Encoded

    try:
        with source.open("rb") as file:
            if source.is_file() and source.stat().st_size:
                return Encoded.from_bytes(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), copy=False)
            return Encoded.from_bytes(file.read())
    except CorruptDataError as error:
        raise BadInput(f"{source}: {error}") from error


@click.command()
@click.argument("source", metavar="IN", type=INPUT)
@click.argument("target", metavar="OUT.npy", type=OUTPUT)
@click.option("--scale", type=float, metavar="FACTOR", help="Factor that values were multiplied by: restore float32.")
def decompress(source: Path, target: Path, scale: float | None) -> None:
    """Restore to OUT.npy the array that `silicodec compress` put into IN; - is standard input or output."""
    import numpy as np

    from silicodec.models.catalog import decode
    from silicodec.models.codec import CorruptDataError
    from silicodec.models.storage import written_whole

    try:
        array = decode(read_encoded(source))
    except CorruptDataError as error:
        raise BadInput(f"{source}: {error}") from error
    if scale is not None:
        array = np.divide(array, scale, dtype=np.float32)
    with written_whole(target) as temporary, temporary.open("wb") as file:
        np.save(file, array)
    say(f"{target}: {array.dtype} array of shape {array.shape}")


@click.command()
@click.argument("source", metavar="FILE", type=INPUT)
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write this to a file instead; - prints it.")
def info(source: Path, json_file: Path | None) -> None:
    """Tell what a compressed FILE holds, after a check of its checksum."""
    encoded = read_encoded(source)
    if json_file:
        write_json(json_file, info_record(encoded))
        return
    parameters = ", ".join(f"{name}={value}" for name, value in encoded.codec.items() if name != "id")
    say(f"{source}: {encoded.dtype.name} array of shape {encoded.shape}, ratio {encoded.ratio:.3f}")
    say(f"codec {encoded.codec['id']}: {parameters}")
    say(describe(encoded))


def info_record(encoded: Encoded) -> dict[str, Any]:
    """Describe an encoded array as JSON."""
    return {
        "codec": encoded.codec,
        "shape": encoded.shape,
        "dtype": encoded.dtype.str,
        "streams": {name: stream.nbits for name, stream in encoded.streams.items()},
        "bits": encoded.nbits,
        "ratio": encoded.ratio if encoded.nbits else None,
    }


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


COMMANDS: tuple[Any, ...] = (compress, decompress, info, codecs)
