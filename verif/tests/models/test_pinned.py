"""Encoded streams that must never change: a format that changes by accident makes old files unreadable.

`pinned/NAME.json` holds them for each codec. For a new codec, `python verif/tests/models/test_pinned.py NAME` makes it.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from silicodec.models.catalog import CODECS, make_codec
from silicodec.models.codec import Encoded, EncodedStream, from_words, word_dtype

FOLDER = Path(__file__).parent / "pinned"
NAMES = [name for name, codec in CODECS.items() if codec.lossless]
DECODED_ONLY = {"zstd", "deflate"}
"""Formats with many encodings of the same words: a library's next version may choose another."""


def stored_cases(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def array_of(case):
    word_bits = case["codec"]["word_bits"]
    words = np.array(case["words"], word_dtype(word_bits))
    return from_words(words, word_bits, np.dtype(case["dtype"])).reshape(case["shape"])


def streams_of(case):
    return {name: EncodedStream(bytes.fromhex(data), nbits) for name, (nbits, data) in case["streams"].items()}


@pytest.mark.parametrize("name", NAMES)
def test_pinned_streams_are_read(name):
    for case in stored_cases(name):
        array = array_of(case)
        encoded = Encoded(case["codec"], streams_of(case), array.shape, array.dtype)
        np.testing.assert_array_equal(CODECS[name].from_config(case["codec"]).decode(encoded), array, strict=True)


@pytest.mark.parametrize("name", sorted(set(NAMES) - DECODED_ONLY))
def test_pinned_streams_are_written(name):
    for case in stored_cases(name):
        assert CODECS[name].from_config(case["codec"]).encode(array_of(case)).streams == streams_of(case)


def make_cases(name):
    random = np.random.default_rng(0)
    for word_bits, dtype in ((4, "int8"), (8, "uint8"), (8, "int8"), (12, "int16"), (16, "uint16"), (16, "float16")):
        smooth = np.clip(np.cumsum(random.integers(-2, 3, 28)), 0, 7)
        words = [*smooth.tolist(), *[0] * 40, *random.integers(0, 2**word_bits, 12).tolist()]
        case = {
            "codec": make_codec(name, word_bits=word_bits).get_config(),
            "dtype": dtype,
            "shape": [4, 20],
            "words": words,
        }
        streams = CODECS[name].from_config(case["codec"]).encode(array_of(case)).streams
        yield {**case, "streams": {key: [stream.nbits, stream.data.hex()] for key, stream in streams.items()}}


if __name__ == "__main__":
    with (FOLDER / f"{sys.argv[1]}.json").open("x") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in make_cases(sys.argv[1])) + "\n]\n")
