"""Huffman code in lanes, for a decoder of several words a cycle.

Every `lanes`-th word belongs to a lane, which decodes a code word of its own each cycle: a run of zeros together with
the word after it. The format is described in `docs/formats/lanes.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from silicodec.models.codec import EncodedStream, WordCodec, word_dtype
from silicodec.models.errors import CorruptDataError, check_power_of_two
from silicodec.models.lanes.loops import SPARE_UNITS, UNIT, DecoderTable, EncoderTables, decode_lanes, encode_lanes
from silicodec.models.lanes.symbols import (
    EXTRA_BITS,
    MOST_VALUES,
    RUN_BASES,
    RUN_CLASSES,
    Alphabet,
    Events,
    count_symbols,
    find_events,
    value_numbers,
)
from silicodec.models.lanes.table import MAX_LENGTH, MOST_SYMBOLS, PacketCode, best_lengths

TABLE_BITS = 3
"""What a code word takes in a table, more or less."""


@dataclass(frozen=True)
class Lanes(WordCodec):
    """Canonical Huffman code of runs of zeros and the words after them, in lanes.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    lanes : int
        Words that a decoder in hardware delivers a cycle: a power of two up to 16.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.repeat(np.array([0, 8, -8, 0], np.int8), 64)
    >>> encoded = Lanes().encode(weights)
    >>> bool((Lanes().decode(encoded) == weights).all()), encoded.ratio > 3
    (True, True)
    """

    lanes: int = 8

    codec_id: ClassVar[str] = "lanes"
    stream_names: ClassVar[tuple[str, ...]] = ("table", "codes")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_power_of_two("lanes", self.lanes, 1, 16)

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        if not words.size:
            return {name: EncodedStream(b"", 0) for name in self.stream_names}
        events = find_events(words, self.lanes)
        code, numbers = self._choose(events)
        alphabet = code.alphabet
        tables = EncoderTables(
            code.codes,
            code.lengths,
            RUN_CLASSES,
            RUN_BASES,
            EXTRA_BITS,
            alphabet.values,
            alphabet.longest_run,
            code.reach,
            self.word_bits,
        )
        symbols = numbers.size + (words.size + alphabet.longest_run * self.lanes) // alphabet.longest_run
        units = np.zeros((MAX_LENGTH + EXTRA_BITS.max() + self.word_bits) * symbols // UNIT + 3 * self.lanes, np.uint16)
        used = encode_lanes(events, numbers, words.size, tables, units)
        return {
            "table": code.write(self.word_bits),
            "codes": EncodedStream(units[:used].astype(">u2").tobytes(), UNIT * used),
        }

    def _choose(self, events: Events) -> tuple[PacketCode, np.ndarray]:
        """Choose the code of a packet, and number the values of its words."""
        used = int(np.bitwise_or.reduce(events.words, initial=0))
        dropped = (used & -used).bit_length() - 1 if used else 0
        sign = 1 << (self.word_bits - 1)
        present = ((events.words ^ sign) - sign) >> dropped
        first, last = int(present.min(initial=0)), int(present.max(initial=0))
        if last - first > MOST_VALUES:
            first, last = max(first, -MOST_VALUES // 2), min(last, MOST_VALUES // 2)
        alphabet = Alphabet(dropped, 1, first, last - first)
        numbers = value_numbers(events.words, self.word_bits, dropped, first, alphabet.values)
        counts = count_symbols(events, numbers, alphabet.values, RUN_BASES, RUN_CLASSES)
        return min(self._codes(alphabet, counts), key=lambda choice: choice[0])[1], numbers

    def _codes(self, alphabet: Alphabet, counts: np.ndarray) -> list[tuple[int, PacketCode]]:
        """Make the codes worth a try, each with the bits that it takes, those that fill up units aside."""
        estimates = []
        for classes, row in enumerate(counts, start=1):
            occurring = row[row > 0]
            if occurring.size <= MOST_SYMBOLS:
                candidate = replace(alphabet, classes=classes)
                # No code word has less than a bit.
                bits = occurring @ np.maximum(np.log2(occurring.sum() / occurring), 1)
                bits += row[: candidate.size] @ candidate.symbol_extra_bits
                estimates.append((float(bits) + TABLE_BITS * occurring.size, candidate))
        choices = []
        for _, candidate in sorted(estimates, key=lambda estimate: estimate[0])[:2]:
            row = counts[candidate.classes - 1, : candidate.size]
            code = PacketCode(candidate, best_lengths(row, MAX_LENGTH))
            bits = row @ (code.lengths + candidate.symbol_extra_bits)
            choices.append((int(bits) + code.write(self.word_bits).nbits, code))
        return choices

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        table, codes = (streams[name] for name in self.stream_names)
        if not count:
            if table.nbits or codes.nbits:
                raise CorruptDataError("streams of an empty array must be empty")
            return np.empty(0, word_dtype(self.word_bits))
        if codes.nbits % UNIT:
            raise CorruptDataError(f"code stream must be whole words of {UNIT} bits")
        code = PacketCode.read(table, self.word_bits)
        alphabet = code.alphabet
        if count > codes.nbits * alphabet.longest_run:
            raise CorruptDataError("code stream is too short")
        table_of_code = DecoderTable(code.entries(self.word_bits), alphabet.longest_run, code.reach, self.word_bits)
        words = np.zeros(count, word_dtype(self.word_bits))
        units = np.zeros(codes.nbits // UNIT + SPARE_UNITS * self.lanes, np.uint16)
        units[: codes.nbits // UNIT] = np.frombuffer(codes.data, ">u2")
        decode_lanes(units, self.lanes, table_of_code, words)
        return words
