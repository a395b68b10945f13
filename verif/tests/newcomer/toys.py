"""Two codecs and an engine as a newcomer would write them: a module and an entry of a list for each, and no more.

As a plugin of pytest (`-p toys`) this adds them to the catalogs before tests are collected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from myhdl import always_comb, always_seq, block, instances

from silicodec.models.catalog import CODECS
from silicodec.models.codec import Codec, WordCodec, to_words, word_dtype
from silicodec.models.container import EncodedStream
from silicodec.models.errors import CodecError, CorruptDataError
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.engine import Engine, Packets, Port


@dataclass(frozen=True)
class Plain(WordCodec):
    """Store words in 16 bits each."""

    codec_id = "toy-plain"
    stream_names = ("words",)

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        return {"words": EncodedStream(words.astype(">u2").tobytes(), 16 * words.size)}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        stream = streams["words"]
        if stream.nbits != 16 * count:
            raise CorruptDataError(f"stream has {stream.nbits} bits for {count} words of 16")
        words = np.frombuffer(stream.data, ">u2")
        if np.any(words >> self.word_bits):
            raise CorruptDataError(f"a word has more than {self.word_bits} bits")
        return words.astype(word_dtype(self.word_bits))


@dataclass(frozen=True)
class Halved(Codec):
    """Leave out the lowest bit of 8-bit values: lossy."""

    codec_id = "toy-halved"
    stream_names = ("halves",)
    lossless = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.word_bits != 8:
            raise CodecError(f"word_bits must be 8 for {self.codec_id}, not {self.word_bits}")

    def _encode_array(self, array: np.ndarray) -> dict[str, EncodedStream]:
        if array.dtype.itemsize > 1:
            raise CodecError(f"takes int8 or uint8, not {array.dtype}")
        halves = to_words(array, 8) >> 1
        return {"halves": EncodedStream(halves.tobytes(), 8 * halves.size)}

    def _decode_array(
        self, streams: Mapping[str, EncodedStream], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:
        halves = np.frombuffer(streams["halves"].data, np.uint8)
        if streams["halves"].nbits != 8 * int(np.prod(shape, dtype=object)) or dtype.itemsize > 1:
            raise CorruptDataError("stream is not as long as the array")
        return (halves << 1).view(dtype).reshape(shape)


@block
def complement(clk: Any, rst: Any, words: Stream, result: Stream, *, word_bits: int) -> Any:
    """Invert every bit.

    Parameters
    ----------
    words, result : Stream
        Words of `word_bits` bits.
    """
    ones = 2**word_bits - 1

    @always_comb
    def accept() -> None:
        words.ready.next = not rst and (result.ready or not result.valid)

    @always_seq(clk.posedge, reset=rst)
    def register() -> None:
        if words.ready:
            result.valid.next = words.valid
            result.data.next = ones - words.data
            result.last.next = words.last

    return instances()


def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
    """Return what the engine gives."""
    return {"result": [~packet for packet in inputs["words"]]}


COMPLEMENT = Engine(
    name="toy-complement",
    summary="every bit inverted",
    block=complement,
    parameters={"word_bits": 8},
    inputs=(Port("words", 8),),
    outputs=(Port("result", 8),),
    reference=reference,
    stimulus=lambda tensors: {"words": [to_words(tensor, 8) for tensor in tensors]},
    tensor="words",
    period_ns=5.0,
)

CODECS |= {codec.codec_id: codec for codec in (Plain, Halved)}
ENGINES[COMPLEMENT.name] = COMPLEMENT
