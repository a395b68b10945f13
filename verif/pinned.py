"""Encoded arrays that must never change, in files: a format that changes by accident makes old containers unreadable.

`make pin` writes a file for each codec of the catalog that has none yet. For a format that changes on purpose,
`python -m silicodec.verif.pinned NAME` encodes the arrays of its file again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from silicodec.models.catalog import CODECS, make_codec
from silicodec.models.codec import Codec, from_words, to_words, word_dtype
from silicodec.models.container import EncodedStream
from silicodec.models.errors import CodecError

FOLDER = Path(__file__).parent / "tests" / "models" / "pinned"
_WORDS = ((4, "int8"), (8, "uint8"), (8, "int8"), (12, "int16"), (16, "uint16"), (16, "float16"))


@dataclass(frozen=True)
class PinnedCase:
    """A codec, an array, the streams that it is encoded to, and the array that these are decoded to."""

    codec: Codec
    array: np.ndarray
    streams: dict[str, EncodedStream]
    restored: np.ndarray

    @classmethod
    def of(cls, codec: Codec, array: np.ndarray) -> PinnedCase:
        """Encode an array.

        Raises
        ------
        CodecError
            If the codec does not take the array.
        """
        encoded = codec.encode(array)
        return cls(codec, array, dict(encoded.streams), codec.decode(encoded))

    @classmethod
    def from_json(cls, case: dict[str, Any]) -> PinnedCase:
        """Read what `to_json` wrote."""
        codec = make_codec(**{"name" if key == "id" else key: value for key, value in case["codec"].items()})

        def array(words: list[int]) -> np.ndarray:
            packed = np.array(words, word_dtype(codec.word_bits))
            return from_words(packed, codec.word_bits, np.dtype(case["dtype"])).reshape(case["shape"])

        streams = {name: EncodedStream(bytes.fromhex(data), nbits) for name, (nbits, data) in case["streams"].items()}
        return cls(codec, array(case["words"]), streams, array(case.get("restored", case["words"])))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; what is restored is left out where the codec is lossless."""
        case = {
            "codec": self.codec.get_config(),
            "dtype": self.array.dtype.name,
            "shape": list(self.array.shape),
            "words": to_words(self.array, self.codec.word_bits).tolist(),
            "streams": {name: [stream.nbits, stream.data.hex()] for name, stream in self.streams.items()},
        }
        if not self.codec.lossless:
            case["restored"] = to_words(self.restored, self.codec.word_bits).tolist()
        return case


def read_cases(name: str) -> list[PinnedCase]:
    """Return the cases of a codec's file; none if there is no file."""
    path = FOLDER / f"{name}.json"
    return [PinnedCase.from_json(case) for case in json.loads(path.read_text())] if path.exists() else []


def make_cases(name: str) -> Iterator[PinnedCase]:
    """Encode arrays of smooth, zero and random values, in every word width and element type that the codec takes."""
    random = np.random.default_rng(0)
    for word_bits, dtype in _WORDS:
        smooth = np.clip(np.cumsum(random.integers(-2, 3, 28)), 0, 7)
        words = np.concatenate([smooth, np.zeros(40, int), random.integers(0, 2**word_bits, 12)])
        array = from_words(words.astype(word_dtype(word_bits)), word_bits, np.dtype(dtype)).reshape(4, 20)
        try:
            yield PinnedCase.of(make_codec(name, word_bits=word_bits), array)
        except CodecError:
            continue


def main(names: Sequence[str]) -> None:
    """Write the files of these codecs anew, or without names those that are missing."""
    for name in names or [name for name in CODECS if not (FOLDER / f"{name}.json").exists()]:
        cases = [PinnedCase.of(case.codec, case.array) for case in read_cases(name)] or list(make_cases(name))
        text = ",\n".join(json.dumps(case.to_json()) for case in cases)
        (FOLDER / f"{name}.json").write_text(f"[\n{text}\n]\n")
        print(f"{name}: {len(cases)} arrays pinned")


if __name__ == "__main__":
    main(sys.argv[1:])
