"""How large an accelerator is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from silicodec.models.accelerator.program import COLUMNS, PIXELS
from silicodec.models.errors import CodecError, check_integer, check_power_of_two


@dataclass(frozen=True)
class AcceleratorShape:
    """Parameters of an accelerator.

    Parameters
    ----------
    groups : int
        Output channels that the array computes at once, 1 to 8.
    banks, bank_depth : int
        Banks of each of the nine columns of the memory, and words of 64 bits of a bank.
    weight_words : int
        Steps whose weights the buffer holds.
    tile_columns : int
        Tiles in a row of an output at most.
    packets : int
        Entries of the table of packets.
    dct : bool
        Whether there are DCT engines between array and memory.
    """

    groups: int = 4
    banks: int = 7
    bank_depth: int = 256
    weight_words: int = 512
    tile_columns: int = 16
    packets: int = 4096
    dct: bool = True

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_integer("groups", self.groups, 1, PIXELS)
        check_integer("banks", self.banks, 2, 31)
        for name, low, high in (
            ("bank_depth", 16, 2048),
            ("weight_words", 8, 4096),
            ("tile_columns", 2, 64),
            ("packets", 16, 4096),
        ):
            check_power_of_two(name, getattr(self, name), low, high)
        if self.rows > 4096:
            raise CodecError(f"banks * bank_depth must be at most 4096, not {self.rows}")

    @property
    def rows(self) -> int:
        """Rows of the memory: words of each column."""
        return self.banks * self.bank_depth

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory."""
        return self.rows * COLUMNS * 8

    @classmethod
    def with_memory(cls, kibibytes: float, *, bank_depth: int = 256, **others: Any) -> AcceleratorShape:
        """Return the shape with as many whole banks as fit in some memory."""
        banks = int(kibibytes * 1024) // (bank_depth * COLUMNS * 8)
        return cls(banks=banks, bank_depth=bank_depth, **others)
