"""Huffman code in lanes, for a decoder of several words a cycle.

Every `lanes`-th word belongs to a lane, which decodes a code word of its own each cycle: a run of zeros together with
the word after it. The format is described in `docs/formats/lanes.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from silicodec.models.codec import EncodedStream, WordCodec, word_dtype
from silicodec.models.errors import CorruptDataError, check_integer, check_power_of_two
from silicodec.models.lanes.choice import choose, find_events
from silicodec.models.lanes.code import (
    BUS_UNITS,
    HELD,
    LONGEST_RUN,
    MAX_LENGTH,
    MOST_SYMBOLS,
    RUN_BASES,
    RUN_EXTRA_BITS,
    UNIT,
    PacketCode,
    bus_units,
    bus_words,
    entry_units,
    fill_entries,
    words_units,
)
from silicodec.models.lanes.loops import EncoderTables, decode_lanes, encode_lanes

BUS_BITS = UNIT * BUS_UNITS


@dataclass(frozen=True)
class Lanes(WordCodec):
    """Canonical Huffman code of runs of zeros and the words after them, in lanes.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16; a decoder in hardware takes 8.
    lanes : int
        Words that a decoder in hardware delivers a cycle: a power of two up to 16.
    symbols : int
        Most symbols that have a code word, 4 to 32.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.repeat(np.array([0, 8, -8, 0], np.int8), 64)
    >>> encoded = Lanes().encode(weights)
    >>> bool((Lanes().decode(encoded) == weights).all()), encoded.ratio > 3
    (True, True)
    """

    lanes: int = 8
    symbols: int = 16

    codec_id: ClassVar[str] = "lanes"
    stream_names: ClassVar[tuple[str, ...]] = ("packet",)

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_power_of_two("lanes", self.lanes, 1, 16)
        check_integer("symbols", self.symbols, 4, MOST_SYMBOLS)

    def encode_words(self, words: np.ndarray) -> np.ndarray:
        """Encode one packet of at least one word to the words that the hardware takes.

        Returns
        -------
        numpy.ndarray
            uint64; with 16 lanes integers of 128 bits as objects, the last one filled up with zeros.
        """
        return bus_words(bytes(self._encode(words)["packet"].data), self.lanes)

    def decode_words(self, packet: np.ndarray, rows: int) -> np.ndarray:
        """Decode one packet of so many rows from the words that the hardware takes.

        Raises
        ------
        CorruptDataError
            If the packet is malformed; `docs/formats/lanes.md` lists what is.
        """
        return self._decode_rows(words_units(packet, self.lanes), rows, bus_units(self.lanes))

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        if not words.size:
            return {"packet": EncodedStream(b"", 0)}
        rows = -(-words.size // self.lanes)
        filled = np.zeros(rows * self.lanes, words.dtype)
        filled[: words.size] = words
        choice = choose(find_events(filled, self.lanes), self.word_bits, self.symbols)
        events, code, grid, symbol_of, class_of_run, nbits = choice
        symbols = code.symbols
        tables = EncoderTables(
            code.codes,
            symbols.lengths,
            symbols.widths,
            symbol_of,
            class_of_run,
            RUN_BASES,
            RUN_EXTRA_BITS,
        )
        units = np.zeros(nbits // UNIT + (HELD + 1) * self.lanes, np.uint16)
        used = encode_lanes(events, grid, rows, tables, units)
        packet = np.concatenate([code.write(self.word_bits), units[:used]])
        packet = np.concatenate([packet, np.zeros(-packet.size % BUS_UNITS, np.uint16)])
        return {"packet": EncodedStream(packet.astype(">u2").tobytes(), UNIT * packet.size)}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        packet = streams["packet"]
        if not count:
            if packet.nbits:
                raise CorruptDataError("stream of an empty array must be empty")
            return np.empty(0, word_dtype(self.word_bits))
        if packet.nbits % BUS_BITS:
            raise CorruptDataError(f"packet must be whole words of {BUS_BITS} bits")
        if count > packet.nbits * (LONGEST_RUN + 1):  # a code word has a bit at the least
            raise CorruptDataError("packet is too short")
        units = np.frombuffer(packet.data, ">u2").astype(np.uint16)
        words = self._decode_rows(units, -(-count // self.lanes), BUS_UNITS)
        if words[count:].any():
            raise CorruptDataError("packet has a word after its end")
        return words[:count]

    def _decode_rows(self, units: np.ndarray, rows: int, word_units: int) -> np.ndarray:
        code = PacketCode.read(units, self.word_bits, self.symbols)
        entries = np.empty(1 << MAX_LENGTH, np.uint64)
        fill_entries(code.symbols, RUN_BASES, RUN_EXTRA_BITS, entries)
        words = np.zeros(rows * self.lanes, word_dtype(self.word_bits))
        first = BUS_UNITS + entry_units(self.word_bits) * code.symbols.lengths.size
        decode_lanes(units, first, (self.lanes, word_units), entries, (code.dropped, self.word_bits), words)
        return words
