"""The dictionary engines: catalog entries, with their references from `silicodec.models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.dictionary.code import CLASSES, LAYOUT_BITS
from silicodec.models.dictionary.codec import DENSE, SPARSE, Dictionary
from silicodec.models.dictionary.trimming import Trimming
from silicodec.models.errors import CorruptDataError, check_integer
from silicodec.models.parameters import parameter
from silicodec.models.systolic.tiling import pad_to_multiple
from silicodec.rtl.dictionary.decoder import HAS_LITERALS, dictionary_decoder
from silicodec.rtl.dictionary.weight_trimmer import SETTINGS_BITS, weight_trimmer
from silicodec.rtl.engine import Engine, Packets, Port, PublishedFigure, count_packet
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters

LENGTH_BITS = 16
"""Bits of a packet's number of entries."""
DEFAULT_TRIMMING = Trimming(low_bits=3, threshold=6)
_PUBLISHED = PublishedFigure(
    source="HardCompress (ISQED 2021)", conditions="sizes of weights, no figure of its decoder"
)


@dataclass(frozen=True)
class DecoderShape(EngineParameters):
    """Parameters of a dictionary decoder."""

    entry_size: int = parameter(8, "weights in an entry, one entry a cycle", choices=(1, 2, 4, 8))
    code_bits: int = parameter(8, "most bits in a code", choices=(8, 16))
    slot_bits: int = parameter(5, "most bits in the number of a slot of the dictionary", bounds=(2, 16 - CLASSES))
    checked: bool = parameter(False, "whether it tells which packets were malformed")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_integer(f"slot_bits with code_bits {self.code_bits}", self.slot_bits, 2, self.code_bits - CLASSES)

    @classmethod
    def of(cls, codec: Dictionary, *, checked: bool = False) -> DecoderShape:
        """Return the parameters of the decoder of a codec."""
        return cls(codec.entry_size, codec.code_bits, codec.slot_bits, checked)

    @property
    def codec(self) -> Dictionary:
        """The codec whose streams it decodes."""
        return Dictionary(entry_size=self.entry_size, code_bits=self.code_bits, slot_bits=self.slot_bits)


@dataclass(frozen=True)
class TrimmerShape(EngineParameters):
    """Parameters of a weight trimmer."""

    entry_size: int = parameter(8, "weights in an entry, one entry a cycle", choices=(1, 2, 4, 8))


def dictionary_engine(shape: DecoderShape) -> Engine:
    """Describe a dictionary decoder."""
    codec, checked, entry_size = shape.codec, shape.checked, shape.entry_size
    bits = 8 * entry_size

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        return {"entries": [pack_entries(words, entry_size) for words in decoded_packets(codec, inputs)]}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        return encoded_packets(codec, [to_words(tensor, 8) for tensor in tensors])

    return Engine(
        name="dictionary-decoder",
        summary=f"dictionary decoder, entries of {entry_size} weights, codes of up to {codec.code_bits} bits"
        + (", detects malformed streams" if checked else ""),
        block=dictionary_decoder,
        parameters=shape.of_block,
        inputs=code_ports(codec),
        outputs=(Port("entries", bits, error=checked, partial=1),),
        reference=reference,
        stimulus=stimulus,
        tensor="entries",
        period_ns=4.0,
        clock_gating=True,
        published=(_PUBLISHED,),
    )


def trimmer_engine(shape: TrimmerShape = TrimmerShape(), trimming: Trimming = DEFAULT_TRIMMING) -> Engine:
    """Describe a weight trimmer; `trimming` is that of its stimulus."""
    entry_size = shape.entry_size
    dtype = f"<u{entry_size}"

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        trimmed = []
        for settings, entries in zip(inputs["settings"], inputs["weights"], strict=True):
            trimming = Trimming(low_bits=int(settings[0]) >> 8, threshold=int(settings[0]) & 0xFF)
            trimmed.append(trimming.apply(entries.astype(dtype).view(np.int8)).view(dtype))
        return {"trimmed": trimmed}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        words = [pad_to_multiple(to_words(tensor, 8)[np.newaxis], 1, entry_size)[0] for tensor in tensors]
        return {
            "settings": [trimmer_settings(trimming)] * len(words),
            "weights": [pack_entries(packet, entry_size) for packet in words],
        }

    return Engine(
        name="weight-trimmer",
        summary=f"weight trimmer, {entry_size} weights a cycle",
        block=weight_trimmer,
        parameters=shape.of_block,
        inputs=(Port("settings", SETTINGS_BITS), Port("weights", 8 * entry_size, partial=1)),
        outputs=(Port("trimmed", 8 * entry_size),),
        reference=reference,
        stimulus=stimulus,
        tensor="weights",
        period_ns=4.0,
    )


def trimmer_settings(trimming: Trimming) -> np.ndarray:
    """Return the packet of the trimmer's `settings` stream, uint16."""
    return np.array([trimming.low_bits << 8 | trimming.threshold], np.uint16)


def code_ports(codec: Dictionary) -> tuple[Port, ...]:
    """Return the ports for the streams of a codec, and for the number of entries."""
    return (
        Port("layout", LAYOUT_BITS),
        Port("length", LENGTH_BITS),
        Port("codes", codec.code_bits),
        Port("literals", 8 * codec.entry_size),
    )


def encoded_packets(codec: Dictionary, packets: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Encode packets of words to the streams of a decoder."""
    encoded = [codec.encode_words(packet) for packet in packets]
    streams = {name: [streams[name] for streams in encoded] for name in codec.stream_names}
    return streams | {
        "length": [length_words(-(-packet.size // codec.entry_size)) for packet in packets],
        "literals": [words for words in streams["literals"] if words.size],
    }


def length_words(entries: int) -> np.ndarray:
    """Return a packet of a decoder's `length` stream, uint16.

    Raises
    ------
    ValueError
        If a packet cannot have so many entries.
    """
    return count_packet(entries, LENGTH_BITS, "entries")


def decoded_packets(codec: Dictionary, inputs: Mapping[str, Packets]) -> list[np.ndarray]:
    """Decode the streams of a decoder to packets of the words of whole entries."""
    literals = iter(inputs["literals"])
    nothing = np.empty(0, np.uint64)
    packets = []
    for layout, length, codes in zip(inputs["layout"], inputs["length"], inputs["codes"], strict=True):
        words = codec.decode_words(layout, codes, next(literals, nothing) if layout[0] & HAS_LITERALS else nothing)
        if not np.array_equal(length_words(words.size // codec.entry_size), length[:1]):
            raise CorruptDataError(f"packet of {length[0]} entries has codes for {words.size // codec.entry_size}")
        packets.append(words)
    return packets


def pack_entries(words: np.ndarray, entry_size: int) -> np.ndarray:
    """Pack words of 8 bits into entries, the first word in the least significant bits."""
    return np.ascontiguousarray(words, np.uint8).view(f"<u{entry_size}")


DICTIONARY_FAMILIES: tuple[Family, ...] = (
    Family(
        dictionary_engine,
        {
            "dictionary-decoder": DecoderShape.of(DENSE),
            "dictionary-decoder-checked": DecoderShape.of(DENSE, checked=True),
            "dictionary-decoder-sparse": DecoderShape.of(SPARSE),
            "dictionary-decoder-sparse-checked": DecoderShape.of(SPARSE, checked=True),
        },
    ),
    Family(trimmer_engine, {"weight-trimmer": TrimmerShape()}),
)
