"""Memory with one write port and one read port, as block RAMs and SRAM macros have them."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, block, instances, intbv


class MemoryPorts:
    """The two ports of a memory.

    On a rising clock edge `write_data` goes to `write_address` where `write` is high, and the word at `read_address`
    comes to `read_data` where `read` is high; otherwise `read_data` keeps its word. A word that is written and read on
    the same edge is read as it was or as it becomes: do not rely on either.

    Parameters
    ----------
    words : int
        Number of words, at least 2. An address beyond them must not be used.
    bits : int
        Width of a word.
    """

    def __init__(self, words: int, bits: int) -> None:
        if words < 2:
            raise ValueError(f"words must be at least 2, not {words}")
        if bits < 1:
            raise ValueError(f"bits must be at least 1, not {bits}")
        self.words = words
        self.bits = bits
        address_bits = (words - 1).bit_length()
        self.write: Any = Signal(bool(0))
        self.write_address: Any = Signal(intbv(0)[address_bits:])
        self.write_data: Any = Signal(intbv(0)[bits:])
        self.read: Any = Signal(bool(0))
        self.read_address: Any = Signal(intbv(0)[address_bits:])
        self.read_data: Any = Signal(intbv(0)[bits:])

    def copy(self) -> MemoryPorts:
        """Return the ports of a memory that the same words are written to, and that is read by itself."""
        other = MemoryPorts(self.words, self.bits)
        other.write, other.write_address, other.write_data = self.write, self.write_address, self.write_data
        return other


@block
def memory(clk: Any, ports: MemoryPorts) -> Any:
    """Memory that synthesis infers as a block RAM; what it holds before the first write is undefined.

    Parameters
    ----------
    ports : MemoryPorts
        Its ports, which also say its size.
    """
    cells = [Signal(intbv(0)[ports.bits :]) for _ in range(ports.words)]

    @always(clk.posedge)
    def access() -> None:
        if ports.write:
            cells[ports.write_address].next = ports.write_data
        if ports.read:
            ports.read_data.next = cells[ports.read_address]

    return instances()
