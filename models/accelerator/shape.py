"""How large an accelerator is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from silicodec.models.accelerator.program import COLUMNS, PIXELS, TAPS, WINDOW_ROWS, WeightCodec
from silicodec.models.errors import CodecError
from silicodec.models.parameters import Parameters, parameter

WEIGHT_CODECS = tuple(codec.name.lower() for codec in WeightCodec)


@dataclass(frozen=True)
class AcceleratorShape(Parameters):
    """Parameters of an accelerator."""

    groups: int = parameter(4, "output channels that the array computes at once", bounds=(1, PIXELS))
    banks: int = parameter(7, "banks of each of the nine columns of the memory", bounds=(2, 31))
    bank_depth: int = parameter(256, "words of 64 bits in a bank", bounds=(16, 2048), power_of_two=True)
    weight_words: int = parameter(512, "steps whose weights the buffer holds", bounds=(8, 4096), power_of_two=True)
    tile_columns: int = parameter(16, "most tiles in a row of an output", bounds=(2, 64), power_of_two=True)
    packets: int = parameter(4096, "entries of the table of packets", bounds=(16, 4096), power_of_two=True)
    dct: bool = parameter(True, "whether there are DCT engines between array and memory")
    ebpc: bool = parameter(False, "whether there are EBPC engines between array and memory")
    raw_fallback: bool = parameter(False, "whether packets that a codec makes no shorter can be stored raw")
    weight_codec: str = parameter("plain", "how weights may be sent, besides plain", choices=WEIGHT_CODECS)
    products: bool = parameter(False, "whether the array has products, for the multipliers of an FPGA, not digits")
    serial_rows: bool = parameter(
        False, "whether a step takes three cycles, a row of the window each, with a third of the multipliers"
    )
    lanes: int = parameter(
        PIXELS,
        "samples that the requantiser makes in a cycle; fewer than eight with groups=1 alone",
        bounds=(1, PIXELS),
        power_of_two=True,
    )
    single_port: bool = parameter(
        False, "whether a bank of the memory is either read or written in a cycle, as an SRAM macro is"
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.raw_fallback and not (self.dct or self.ebpc):
            raise CodecError("raw_fallback=true needs a codec: dct=true or ebpc=true")
        if self.serial_rows and not self.products:
            raise CodecError("serial_rows=true needs products=true")
        if self.lanes < PIXELS and self.groups > 1:
            raise CodecError(f"lanes={self.lanes} needs groups=1; with groups={self.groups} there are {PIXELS} lanes")
        if self.rows > 4096:
            raise CodecError(f"banks * bank_depth must be at most 4096, not {self.rows}")

    @property
    def rows(self) -> int:
        """Rows of the memory: words of each column."""
        return self.banks * self.bank_depth

    @property
    def step_cycles(self) -> int:
        """Cycles of a step."""
        return WINDOW_ROWS if self.serial_rows else 1

    @property
    def step_taps(self) -> int:
        """Taps of a window that the array takes in a cycle."""
        return TAPS // self.step_cycles

    @property
    def word_cycles(self) -> int:
        """Cycles that the requantiser takes for a word of eight samples."""
        return PIXELS // self.lanes

    @property
    def row_cycles(self) -> int:
        """Cycles that the requantiser takes for the words of a row of a dense layer."""
        return self.groups * self.word_cycles

    @property
    def multipliers(self) -> int:
        """Multipliers of the array."""
        return self.groups * PIXELS * self.step_taps

    @property
    def weight_codec_word(self) -> WeightCodec:
        """What a descriptor calls `weight_codec`."""
        return WeightCodec[self.weight_codec.upper()]

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory."""
        return self.rows * COLUMNS * 8

    @classmethod
    def with_memory(cls, kibibytes: float, *, bank_depth: int = 256, **others: Any) -> Self:
        """Return the shape with as many whole banks as fit in some memory."""
        banks = int(kibibytes * 1024) // (bank_depth * COLUMNS * 8)
        return cls(banks=banks, bank_depth=bank_depth, **others)
