"""Feed containers and decoders random input: no crash, no hang, no wrong answer passed off as right.

    python verif/fuzz/fuzz_decoders.py --seconds 20         every target, 20 seconds each
    python verif/fuzz/fuzz_decoders.py TARGET [OPTION ...]  one target, with libFuzzer's options

A target is `container`, `words` (EBPC's hardware words) or the name of a codec. What a decoder of a lossless
codec accepts must be an array that encodes and decodes to itself. Input that breaks this is left in `build/fuzz`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import atheris
import numpy as np

PROJECT = Path(__file__).parents[2]
# Numba does not take instrumented code.
COMPILED = [
    ".".join(("silicodec", *path.relative_to(PROJECT).with_suffix("").parts))
    for path in (PROJECT / "models").rglob("*.py")
    if "import njit" in path.read_text()
]
with atheris.instrument_imports(include=["silicodec", "json"], exclude=COMPILED):
    from silicodec.models.catalog import CODECS, decode, make_codec
    from silicodec.models.codec import Codec, CorruptDataError, word_dtype
    from silicodec.models.container import DTYPES, MAGIC, PREFIX, VERSION, Encoded, EncodedStream
    from silicodec.models.ebpc.codec import port_bits

SEED_WORDS = np.array([0, 0, 3, 4, 4, 5, 0, 7, 1, 1, 2, 3, 5, *[0] * 40, 6, 7, 6, 5], np.uint8)

MAP_PARAMETERS = {
    "dct": {"signed": (0, 1)},
    "transform": {"signed": (0, 1), "symbol_bits": (2, 8), "block": (1, 3)},
}
"""Parameters of lossy codecs to try, with their bounds; those of others stay as they are."""


def check(encoded: Encoded) -> None:
    """Decode; an array that comes of it must come again after it is encoded."""
    try:
        array = decode(encoded)
    except CorruptDataError:
        return
    assert (array.shape, array.dtype) == (encoded.shape, encoded.dtype)
    if not CODECS[encoded.codec["id"]].lossless:
        return
    again = decode(make_codec(encoded.codec["id"], word_bits=encoded.codec["word_bits"]).encode(array))
    assert again.tobytes() == array.tobytes()


def fuzz_container(data: bytes) -> None:
    """Read the input as a container, and as a header and payload within a frame that is right."""
    header, _, payload = data.partition(b"\0")
    content = PREFIX.pack(MAGIC, VERSION, len(header), len(payload)) + header + payload
    for container in (data, content + zlib.crc32(content).to_bytes(4, "big")):
        try:
            encoded = Encoded.from_bytes(container)
        except CorruptDataError:
            continue
        assert Encoded.from_bytes(encoded.to_bytes()) == encoded
        check(encoded)


def fuzz_codec(name: str, data: bytes) -> None:
    """Encode an array, edit the streams, and decode them for a size close to the array's."""
    source = atheris.FuzzedDataProvider(data)
    codec = consume_codec(source, name)
    streams = {key: consume_edit(source, stream) for key, stream in codec.encode(SEED_WORDS & 15).streams.items()}
    for _ in range(2):
        size = SEED_WORDS.size + source.ConsumeIntInRange(-8, 8)
        dtype = np.dtype(DTYPES[source.ConsumeIntInRange(0, len(DTYPES) - 1)])
        check(Encoded(codec.get_config(), streams, (size,), dtype))
        # The second time with streams that are as the input says.
        streams = {key: consume_stream(source) for key in streams}


def fuzz_maps(name: str, data: bytes) -> None:
    """Encode a map with a lossy codec, edit the stream, and decode it for a shape close to the map's."""
    source = atheris.FuzzedDataProvider(data)
    bounds = MAP_PARAMETERS.get(name, {})
    codec = make_codec(name, **{key: source.ConsumeIntInRange(*ends) for key, ends in bounds.items()})
    streams = codec.encode(np.resize(SEED_WORDS, (2, 9, 17)).astype(np.int8)).streams
    streams = {key: consume_edit(source, stream) for key, stream in streams.items()}
    for _ in range(2):
        shape = (2, source.ConsumeIntInRange(0, 17), source.ConsumeIntInRange(0, 25))
        check(Encoded(codec.get_config(), streams, shape, np.dtype(np.int8)))
        streams = {key: consume_stream(source) for key in streams}


def fuzz_words(data: bytes) -> None:
    """Encode an array to EBPC's hardware words, edit these, and decode them for a size close to the array's."""
    source = atheris.FuzzedDataProvider(data)
    codec = consume_codec(source, "ebpc")
    bits = port_bits(codec.word_bits)
    streams = codec.encode_words((SEED_WORDS & 15).astype(word_dtype(codec.word_bits)))
    for words in streams.values():
        for _ in range(source.ConsumeIntInRange(0, 3)):
            words[source.ConsumeIntInRange(0, words.size - 1)] ^= source.ConsumeIntInRange(0, 2**bits - 1)
    znz, bpc = (words[: source.ConsumeIntInRange(0, words.size)] for words in streams.values())
    count = SEED_WORDS.size + source.ConsumeIntInRange(-8, 8)
    try:
        words = codec.decode_words(znz, bpc, count)
    except CorruptDataError:
        return
    assert words.size == count
    again = codec.encode_words(words)
    assert np.array_equal(codec.decode_words(again["znz"], again["bpc"], count), words)


def consume_codec(source: atheris.FuzzedDataProvider, name: str) -> Codec:
    """Make a codec with parameters from the input."""
    parameters = {"word_bits": source.ConsumeIntInRange(4, 16)}
    if name in ("ebpc", "bpc"):
        parameters["block_size"] = source.ConsumeIntInRange(2, parameters["word_bits"])
    if name == "ebpc":
        parameters["max_zero_run"] = 1 << source.ConsumeIntInRange(0, 8)
    if name == "zero-rle":
        parameters["run_bits"] = source.ConsumeIntInRange(0, 8)
    return make_codec(name, **parameters)


def consume_edit(source: atheris.FuzzedDataProvider, stream: EncodedStream) -> EncodedStream:
    """Invert up to three bits of a stream and cut off its end, or do not."""
    bits = int.from_bytes(stream.data, "big") >> (-stream.nbits % 8)
    for _ in range(source.ConsumeIntInRange(0, 3)):
        bits ^= 1 << source.ConsumeIntInRange(0, stream.nbits - 1)
    cut = source.ConsumeIntInRange(0, stream.nbits) if source.ConsumeBool() else 0
    return stream_of(bits >> cut, stream.nbits - cut)


def consume_stream(source: atheris.FuzzedDataProvider) -> EncodedStream:
    """Make a stream from the input."""
    nbits = source.ConsumeIntInRange(0, 800)
    return stream_of(int.from_bytes(source.ConsumeBytes((nbits + 7) // 8), "big") & ((1 << nbits) - 1), nbits)


def stream_of(bits: int, nbits: int) -> EncodedStream:
    """Make a stream from its bits as a number."""
    return EncodedStream((bits << (-nbits % 8)).to_bytes((nbits + 7) // 8, "big"), nbits)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "container": fuzz_container,
    "words": fuzz_words,
    **{name: partial(fuzz_codec if codec.lossless else fuzz_maps, name) for name, codec in CODECS.items()},
}


def write_seeds(folder: Path) -> None:
    """Write a container of each codec, whole and as `fuzz_container` completes it."""
    for name in CODECS:
        encoded = make_codec(name).encode(SEED_WORDS.reshape(3, -1))
        header: dict[str, Any] = {
            "codec": encoded.codec,
            "shape": encoded.shape,
            "dtype": encoded.dtype.name,
            "streams": [[key, stream.nbits] for key, stream in encoded.streams.items()],
        }
        payload = b"".join(stream.data for stream in encoded.streams.values())
        (folder / f"{name}.container").write_bytes(encoded.to_bytes())
        (folder / f"{name}.parts").write_bytes(json.dumps(header).encode() + b"\0" + payload)
        (folder / f"{name}.payload").write_bytes(payload)


def fuzz(target: str, options: list[str]) -> None:
    """Run one target until libFuzzer's options say to stop; ends the process."""
    findings = PROJECT / "build" / "fuzz"
    findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        write_seeds(Path(folder))
        limits = ["-max_len=4096", "-timeout=10", f"-artifact_prefix={findings}/"]
        atheris.Setup([sys.argv[0], folder, *limits, *options], TARGETS[target])
        atheris.Fuzz()


def main() -> int:
    """Run as the module says; returns the number of targets that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=20, help="time for each target (default: 20)")
    arguments, options = parser.parse_known_args()
    if arguments.target:
        fuzz(arguments.target, [f"-max_total_time={arguments.seconds}", *options])
    failed = 0
    for target in TARGETS:
        print(f"fuzzing {target} for {arguments.seconds} s", flush=True)
        command = [sys.executable, __file__, target, "-seed=1", "-verbosity=0", f"--seconds={arguments.seconds}"]
        failed += subprocess.run([*command, *options], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
