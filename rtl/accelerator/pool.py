"""The memory: nine columns of banks, each for the strip buffer or for packets as the layer divides them."""

from __future__ import annotations

from copy import copy
from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.accelerator.program import COLUMNS
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.blocks.memory import MemoryPorts, memory

ROW_BITS = 12
COLUMN_BITS = 4
LENGTH_BITS = 12
"""Bits of a row of the memory, of a column, and of the words of a packet."""
BANK_BITS = 6
"""Width of a bank's number less another's; a negative one is beyond all banks."""


class PoolPorts:
    """Ports of the memory.

    `strip_read` reads the strip buffer's row `strip_rows[c]` of every column c; a cycle later `strip_data[c]` is there.
    `map_read` reads a word of packets, which `map_data` holds from the next cycle on until the next read. `strip_write`
    and `map_write` write a word. All four can happen in one cycle. A row beyond the memory reads as zero, and is not
    written.

    With single-port banks two of them may have to wait: a write to the strip buffer is done, and a word of packets is
    read, in a cycle in which `strip_write_ready`, or `map_read_ready`, is high.
    """

    def __init__(self) -> None:
        def row() -> Any:
            return Signal(intbv(0)[ROW_BITS:])

        def column() -> Any:
            return Signal(intbv(0)[COLUMN_BITS:])

        def word() -> Any:
            return Signal(intbv(0)[64:])

        self.strip_read: Any = Signal(bool(0))
        self.strip_rows = [row() for _ in range(COLUMNS)]
        self.strip_data = [word() for _ in range(COLUMNS)]
        self.strip_write: Any = Signal(bool(0))
        self.strip_write_column, self.strip_write_row, self.strip_write_data = column(), row(), word()
        self.map_read: Any = Signal(bool(0))
        self.map_read_column, self.map_read_row, self.map_data = column(), row(), word()
        self.map_write: Any = Signal(bool(0))
        self.map_write_column, self.map_write_row, self.map_write_data = column(), row(), word()
        self.strip_write_ready: Any = Signal(bool(0))
        self.map_read_ready: Any = Signal(bool(0))


class StripBanks:
    """Which banks of each column are the strip buffer: `banks` of them from `first` on."""

    def __init__(self, first: Any, banks: Any) -> None:
        self.first = first
        self.banks = banks


@block
def memory_pool(clk: Any, filled: StripBanks, used: StripBanks, ports: PoolPorts, *, shape: AcceleratorShape) -> Any:
    """Memory of `shape.banks` banks in each of nine columns.

    Parameters
    ----------
    filled, used : StripBanks
        The strip buffer that is written, and the one that is read: of one layer, or of two that follow each other.
    ports : PoolPorts
        Its ports.
    """
    chosen_column = Signal(intbv(0)[COLUMN_BITS:])
    column_data = [Signal(intbv(0)[64:]) for _ in range(COLUMNS)]
    blocked = [Signal(bool(0)) if shape.single_port else None for _ in range(COLUMNS)]
    granted = ports
    if shape.single_port:
        granted = copy(ports)
        granted.map_read = Signal(bool(0))
        arbiter = write_map_first(ports, granted, depth=shape.bank_depth)
        strip_blocked = Signal(bool(0))
        some = any_of(blocked, strip_blocked)

        @always_comb
        def answer() -> None:
            ports.strip_write_ready.next = not strip_blocked

    columns = [
        pool_column(clk, filled, used, granted, column_data[c], blocked[c], shape=shape, number=c)
        for c in range(COLUMNS)
    ]
    choice = choose(chosen_column, column_data, ports.map_data)

    @always(clk.posedge)
    def remember() -> None:
        if ports.map_read:
            chosen_column.next = ports.map_read_column

    return instances()


@block
def pool_column(
    clk: Any, filled: StripBanks, used: StripBanks, ports: PoolPorts, map_data: Any, blocked: Any, *,
    shape: AcceleratorShape, number: int,
) -> Any:  # fmt: skip
    """One column of banks.

    Parameters
    ----------
    map_data : Signal of 64 bits
        The word of packets that was read last from this column.
    blocked : Signal of bool or None
        With single-port banks: one of them is to be written, but read.
    number : int
        The column's.
    """
    depth_bits = (shape.bank_depth - 1).bit_length()
    bank_bits = ROW_BITS - depth_bits
    banks = [MemoryPorts(shape.bank_depth, 64) for _ in range(shape.banks)]
    cells = [memory(clk, bank) for bank in banks]
    requests = banks
    if shape.single_port:
        requests = [write_request(bank) for bank in banks]
        bank_blocked = [Signal(bool(0)) for _ in banks]
        arbiters = [read_first(requests[n].write, bank, bank_blocked[n]) for n, bank in enumerate(banks)]
        some = any_of(bank_blocked, blocked)
    links = [
        bank_link(filled, used, ports, ports.strip_rows[number], request, column=number, number=n)
        for n, request in enumerate(requests)
    ]
    data = [Signal(intbv(0)[64:]) for _ in banks]
    copies = [copy_word(bank.read_data, word) for bank, word in zip(banks, data, strict=True)]
    strip_bank, map_bank = (Signal(modbv(0)[bank_bits:]) for _ in range(2))
    choices = choose_two(strip_bank, map_bank, data, ports.strip_data[number], map_data)
    row = ports.strip_rows[number]

    @always(clk.posedge)
    def remember() -> None:
        if ports.strip_read:
            strip_bank.next = (row >> depth_bits) + used.first
        if ports.map_read:
            map_bank.next = ports.map_read_row >> depth_bits

    return instances()


@block
def bank_link(
    filled: StripBanks, used: StripBanks, ports: PoolPorts, strip_row: Any, bank: MemoryPorts, *,
    column: int, number: int,
) -> Any:  # fmt: skip
    """Give each port of a bank to the strip buffer or to the packets."""
    depth = bank.words
    depth_bits = (depth - 1).bit_length()
    # Which bank of the strip buffer this one is; beyond its banks if none.
    filled_number, used_number = (Signal(modbv(0)[BANK_BITS:]) for _ in range(2))

    @always_comb
    def place() -> None:
        filled_number.next = number - filled.first
        used_number.next = number - used.first

    @always_comb
    def link_read() -> None:
        if used_number < used.banks:
            bank.read.next = ports.strip_read and (strip_row >> depth_bits) == used_number
            bank.read_address.next = strip_row[depth_bits:]
        else:
            bank.read.next = (
                ports.map_read and ports.map_read_column == column and (ports.map_read_row >> depth_bits) == number
            )
            bank.read_address.next = ports.map_read_row[depth_bits:]

    @always_comb
    def link_write() -> None:
        if filled_number < filled.banks:
            bank.write.next = (
                ports.strip_write
                and ports.strip_write_column == column
                and (ports.strip_write_row >> depth_bits) == filled_number
            )
            bank.write_address.next = ports.strip_write_row[depth_bits:]
            bank.write_data.next = ports.strip_write_data
        else:
            bank.write.next = (
                ports.map_write and ports.map_write_column == column and (ports.map_write_row >> depth_bits) == number
            )
            bank.write_address.next = ports.map_write_row[depth_bits:]
            bank.write_data.next = ports.map_write_data

    return instances()


def write_request(bank: MemoryPorts) -> MemoryPorts:
    """Return a bank's ports, of which `write` only asks for a write."""
    request = copy(bank)
    request.write = Signal(bool(0))
    return request


@block
def read_first(write_request: Any, bank: MemoryPorts, blocked: Any) -> Any:
    """Write a bank unless it is read; `blocked` says that it is to be written and is not."""

    @always_comb
    def decide() -> None:
        bank.write.next = write_request and not bank.read
        blocked.next = write_request and bank.read

    return instances()


@block
def any_of(conditions: Any, found: Any) -> Any:
    """Tell whether any of some conditions holds."""
    count = len(conditions)

    @always_comb
    def look() -> None:
        found.next = False
        for i in range(count):
            if conditions[i]:
                found.next = True

    return instances()


@block
def write_map_first(ports: PoolPorts, granted: PoolPorts, *, depth: int) -> Any:
    """Let a word of packets be read unless another one is written to the same bank."""
    depth_bits = (depth - 1).bit_length()

    @always_comb
    def compare() -> None:
        ports.map_read_ready.next = not (
            ports.map_write
            and ports.map_write_column == ports.map_read_column
            and (ports.map_write_row >> depth_bits) == (ports.map_read_row >> depth_bits)
        )

    @always_comb
    def grant() -> None:
        granted.map_read.next = ports.map_read and ports.map_read_ready

    return instances()


@block
def copy_word(source: Any, target: Any) -> Any:
    """Drive a word with another one, which may then be in a list."""

    @always_comb
    def forward() -> None:
        target.next = source

    return instances()


@block
def choose(number: Any, words: Any, word: Any) -> Any:
    """Choose one of some words; zero for a number beyond them."""
    count = len(words)

    @always_comb
    def select() -> None:
        word.next = 0
        for i in range(count):
            if number == i:
                word.next = words[i]

    return instances()


@block
def choose_two(first_number: Any, second_number: Any, words: Any, first: Any, second: Any) -> Any:
    """Choose two of some words; zero for a number beyond them."""
    count = len(words)

    @always_comb
    def select() -> None:
        first.next = 0
        second.next = 0
        for i in range(count):
            if first_number == i:
                first.next = words[i]
            if second_number == i:
                second.next = words[i]

    return instances()
