"""Dictionary coding of trimmed weights, for a decoder of one entry per cycle.

After HardCompress (ISQED 2021), which compresses trimmed weights with a dictionary in front of a systolic array. The
format is described in `docs/formats/dictionary.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from silicodec.models.bitstream import Joined, from_bytes, new_bits, pack, to_stream, unpack
from silicodec.models.codec import EncodedStream, WordCodec, to_words, word_dtype
from silicodec.models.dictionary.choice import choose_plan
from silicodec.models.dictionary.code import CLASSES, LAYOUT_BITS, EntryCodes, Layout
from silicodec.models.dictionary.entries import Entries, entry_dtype
from silicodec.models.dictionary.loops import (
    Coded,
    Packet,
    decode_entries,
    encode_end,
    encode_entries,
    scan,
    spread_planes,
)
from silicodec.models.errors import CodecError, CorruptDataError, check_integer, check_power_of_two


@dataclass(frozen=True)
class Dictionary(WordCodec):
    """Entries of words, coded as runs of zeros, indices into a dictionary of frequent entries, or literals.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    entry_size : int, optional
        Words in an entry: 1, 2, 4 or, for words of up to 8 bits, 8; by default the most.
    code_bits : int
        Most bits in a code, 5 to 16.
    slot_bits : int, optional
        Most bits in the number of a slot, 2 to `code_bits` - 3: the dictionary has 2**slot_bits slots. By default 5, or
        the most where that is less.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.repeat(np.array([0, 8, -8, 0], np.int8), 64)
    >>> codec = Dictionary(entry_size=8)
    >>> encoded = codec.encode(weights)
    >>> bool((codec.decode(encoded) == weights).all()), encoded.ratio > 8
    (True, True)
    """

    entry_size: int = None  # type: ignore[assignment]  # an int once the object is made
    code_bits: int = 8
    slot_bits: int = None  # type: ignore[assignment]

    codec_id: ClassVar[str] = "dictionary"
    stream_names: ClassVar[tuple[str, ...]] = ("layout", "codes", "literals")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        most = 8 if self.word_bits <= 8 else 4
        if self.entry_size is None:
            object.__setattr__(self, "entry_size", most)
        check_power_of_two("entry_size", self.entry_size, 1, most)
        check_integer("code_bits", self.code_bits, CLASSES + 2, 16)
        if self.slot_bits is None:
            object.__setattr__(self, "slot_bits", min(5, self.code_bits - CLASSES))
        check_integer("slot_bits", self.slot_bits, 2, self.code_bits - CLASSES)

    def encode_words(self, words: np.ndarray) -> dict[str, np.ndarray]:
        """Encode one packet to the words that the hardware takes.

        Parameters
        ----------
        words : numpy.ndarray
            1-D, at least one word; uint8 for words of up to 8 bits, else uint16.

        Returns
        -------
        dict of str to numpy.ndarray
            "layout": one word of 32 bits, uint32. "codes": words of `code_bits` bits, uint8 up to 8 bits, else uint16.
            "literals": words of `entry_size * word_bits` bits, uint64. The last word of each is filled up with zero
            bits.

        Raises
        ------
        CodecError
            If `words` is not such an array, or a word does not fit in `word_bits` bits.
        """
        dtype = word_dtype(self.word_bits)
        if not isinstance(words, np.ndarray) or words.ndim != 1 or words.dtype != dtype or not words.size:
            raise CodecError(f"words must be a one-dimensional array of {dtype.__name__} with at least one element")
        layout, codes, literals = self._encode(to_words(words, self.word_bits)).values()
        return {
            "layout": np.array([int.from_bytes(layout.data)], np.uint32),
            "codes": unpack(codes.data, self.code_bits, -(-codes.nbits // self.code_bits)),
            "literals": self._literal_words(literals),
        }

    def decode_words(self, layout: np.ndarray, codes: np.ndarray, literals: np.ndarray) -> np.ndarray:
        """Decode one packet from the words that the hardware takes.

        Parameters
        ----------
        layout, codes, literals : numpy.ndarray
            The streams, as `encode_words` returns them.

        Returns
        -------
        numpy.ndarray
            The words of whole entries: 1-D; uint8 for words of up to 8 bits, else uint16.

        Raises
        ------
        CorruptDataError
            If the streams are malformed; `docs/formats/dictionary.md` lists what is.
        """
        if layout.size != 1:
            raise CorruptDataError(f"layout must be one word, not {layout.size}")
        bits = np.unpackbits(literals.astype(">u8").view(np.uint8)).reshape(-1, 64)[:, 64 - self._entry_bits :]
        stream = EncodedStream(np.packbits(bits).tobytes(), bits.size)
        reader = _Reader(self, int(layout[0]), pack(codes, self.code_bits), stream)
        if reader.bits_left >= self.code_bits:
            raise CorruptDataError("code stream has words after its end")
        if reader.literal_bits_left >= self._entry_bits:
            raise CorruptDataError("literal stream has words after its end")
        if bits.size and bits[-1, self._entry_bits - reader.literal_bits_left :].any():
            raise CorruptDataError("literal stream is padded with bits that are not zero")
        if not reader.count:
            raise CorruptDataError("packet has no entry")
        return reader.words()

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding."""
        words = to_words(np.asarray(array), self.word_bits)
        if not words.size:
            return 0
        return LAYOUT_BITS + choose_plan(self._entries(words).statistics).nbits

    def _entries(self, words: np.ndarray) -> Entries:
        return Entries(
            words,
            word_bits=self.word_bits,
            entry_size=self.entry_size,
            slot_bits=self.slot_bits,
            code_bits=self.code_bits,
        )

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        if not words.size:
            return {name: EncodedStream(b"", 0) for name in self.stream_names}
        entries = self._entries(words)
        plan = choose_plan(entries.statistics)
        codes, literals = self._encode_entries(entries, plan.codes)
        layout = Layout(plan.classes, entries.dropped, plan.slot_bits, plan.run_bits, has_literals=literals.nbits > 0)
        layout_stream = EncodedStream(layout.word.to_bytes(LAYOUT_BITS // 8), LAYOUT_BITS)
        return {"layout": layout_stream, "codes": codes, "literals": literals}

    def _encode_entries(self, entries: Entries, codes: EntryCodes) -> tuple[EncodedStream, EncodedStream]:
        """Encode to codes and literals, slab by slab."""
        code_stream, literal_stream = Joined(), Joined()
        stored, done = np.zeros(codes.slot.size, np.bool_), Coded(0, 0, 0, 0)
        sizes = self.word_bits, self.entry_size, entries.dropped
        for values, indices in entries.slabs():
            bits = new_bits(self.code_bits * (values.size + done.zeros))
            literals = new_bits(self._entry_bits * values.size)
            done = encode_entries(values, indices, codes, stored, done, sizes, bits, literals)
            code_stream.add(to_stream(bits, done.nbits))
            literal_stream.add(to_stream(literals, done.literal_bits))
        bits = new_bits(self.code_bits * (done.zeros + 1))
        nbits, literal_bits = encode_end(done.zeros, codes, self.entry_size * (self.word_bits - entries.dropped), bits)
        code_stream.add(to_stream(bits, nbits))
        literal_stream.add(to_stream(new_bits(literal_bits), literal_bits))
        return code_stream.stream(), literal_stream.stream()

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        layout, codes, literals = (streams[name] for name in self.stream_names)
        if not count:
            if layout.nbits or codes.nbits or literals.nbits:
                raise CorruptDataError("streams of an empty array must be empty")
            return np.empty(0, word_dtype(self.word_bits))
        if layout.nbits != LAYOUT_BITS:
            raise CorruptDataError(f"layout must have {LAYOUT_BITS} bits, not {layout.nbits}")
        if literals.nbits % self.entry_size:
            raise CorruptDataError(f"literal stream must be whole planes of {self.entry_size} bits")
        reader = _Reader(self, int.from_bytes(layout.data), codes, literals)
        if reader.bits_left:
            raise CorruptDataError("code stream has bits after its end")
        if reader.literal_bits_left:
            raise CorruptDataError("literal stream has bits after its end")
        if reader.count != -(-count // self.entry_size):
            raise CorruptDataError(f"packet has {reader.count} entries of {self.entry_size} words, for {count} words")
        return reader.words()[:count]

    @property
    def _entry_bits(self) -> int:
        """Bits of an entry, and of a word of the literal stream."""
        return self.entry_size * self.word_bits

    def _literal_words(self, literals: EncodedStream) -> np.ndarray:
        """Cut a literal stream into words, uint64."""
        bits = np.unpackbits(np.frombuffer(literals.data, np.uint8))[: literals.nbits]
        rows = np.pad(bits, (0, -bits.size % self._entry_bits)).reshape(-1, self._entry_bits)
        return np.packbits(np.pad(rows, ((0, 0), (64 - self._entry_bits, 0)))).view(">u8").astype(np.uint64)


DENSE, SPARSE = Dictionary(), Dictionary(entry_size=2, code_bits=16)
"""Codes for many weights a cycle, and for few weights between long runs of zeros."""


class _Reader:
    """A packet whose codes were read through once: everything about it is right but that a slot may be empty.

    Attributes
    ----------
    count : int
        Number of entries.
    bits_left : int
        Bits of the code stream after the last code; the first `code_bits` of them are zero.
    literal_bits_left : int
        Bits of the literal stream after the last literal.
    """

    def __init__(self, codec: Dictionary, layout_word: int, codes: EncodedStream, literals: EncodedStream) -> None:
        layout = Layout.from_word(
            layout_word, word_bits=codec.word_bits, slot_bits=codec.slot_bits, code_bits=codec.code_bits
        )
        ahead_bits = layout.longest_code
        bits, table = from_bytes(codes.data), layout.table(codec.code_bits, codec.word_bits, ahead_bits)
        self.count, nbits, plane_count = scan(bits, codes.nbits, codec.code_bits, ahead_bits, table)
        if layout.has_literals != (literals.nbits > 0):
            raise CorruptDataError("layout is wrong about whether there are literals")
        if codec.entry_size * plane_count > literals.nbits:
            raise CorruptDataError("literal stream is too short")
        self.bits_left = codes.nbits - nbits
        self.literal_bits_left = literals.nbits - codec.entry_size * plane_count
        self._packet = Packet(
            bits,
            nbits,
            ahead_bits,
            layout.slot_bits,
            table,
            from_bytes(literals.data),
            codec.word_bits,
            codec.entry_size,
            layout.dropped_planes,
        )

    def words(self) -> np.ndarray:
        """Decode the words of all entries."""
        word_bits, entry_size = self._packet.word_bits, self._packet.entry_size
        entries = np.zeros(self.count, entry_dtype(word_bits, entry_size))
        decode_entries(self._packet, spread_planes(word_bits, entry_size), entries)
        dtype = np.dtype(word_dtype(word_bits))
        if word_bits == 8 * dtype.itemsize:
            # In memory too, the first word of an entry is in the least significant bits.
            little = entries.astype(entries.dtype.newbyteorder("<"), copy=False)
            return little.view(dtype.newbyteorder("<")).astype(dtype, copy=False)
        shifts = (word_bits * np.arange(entry_size)).astype(entries.dtype)
        return (entries[:, np.newaxis] >> shifts & entries.dtype.type((1 << word_bits) - 1)).astype(dtype).reshape(-1)
