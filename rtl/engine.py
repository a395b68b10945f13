"""What an engine is: a MyHDL block, its streams, its reference and the figures it is held to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from silicodec.rtl.blocks.stream import AxiStream, Stream

Packets = Sequence[np.ndarray]
"""Packets of one stream: one-dimensional unsigned arrays, one element a word."""
LONGEST_TOP = 120
"""Characters of a module's name: Verilator does not find modules of more than 127."""


@dataclass(frozen=True)
class Port:
    """One stream of an engine.

    Parameters
    ----------
    name : str
        The engine's argument that takes the stream; the prefix of its signals in Verilog.
    bits : int
        Width of a word, 1 to 256.
    error : bool
        Whether the stream carries an error flag together with `last`.
    keep : bool
        Whether it has a bit for each byte of a word, since packets may end within one.
    partial : int
        Bytes of a value, if a word holds several of which a packet's last word may have fewer, before zeros: with `axi`
        the stream has `keep`.
    """

    name: str
    bits: int
    error: bool = False
    keep: bool = False
    partial: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest unsigned type that holds a word; above 64 bits words are objects, Python's integers."""
        return np.min_scalar_type(2**self.bits - 1)


@dataclass(frozen=True)
class PublishedFigure:
    """A figure of somebody else's hardware that an engine is compared with."""

    source: str
    conditions: str
    kilo_gate_equivalents: float | None = None
    area_um2: float | None = None
    critical_path_ns: float | None = None
    shortest_period_ns: float | None = None


@dataclass(frozen=True)
class Engine:
    """One entry of the catalog.

    Parameters
    ----------
    name : str
        Catalog name; the Verilog module has the same name with underscores.
    summary : str
        One line for tables.
    block : callable
        MyHDL block `block(clk, rst, **streams, **parameters)`.
    parameters : mapping
        Keyword arguments of the block.
    inputs, outputs : tuple of Port
        The streams, in the order of the block's arguments.
    reference : callable
        Maps packets of every input stream to the packets of every output stream. Raises
        `silicodec.models.codec.CorruptDataError` for a malformed packet.
    period_ns : float
        The clock period the engine aims for on SkyWater 130, in nanoseconds.
    published : tuple of PublishedFigure
        What to compare it with.
    clock_gating : bool
        Whether its figures are with gated clocks: its registers are written for them.
    full_adders : int
        How many bits of its adders are full adder cells in its figures.
    axi : bool
        Whether the top level has AXI4-Stream's signal names.
    stimulus : callable
        Maps tensors, integer arrays that a user would pass, to the packets of every input stream, a packet or more for
        each: for an encoder the tensors' words, for a decoder their streams. Raises ValueError for a tensor that the
        engine cannot take.
    tensor : str
        The port whose packets are the tensor words.
    idle_cycles : int
        After how many cycles without a transfer it has nothing more to say.
    """

    name: str
    summary: str
    block: Callable[..., Any]
    parameters: Mapping[str, Any]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    reference: Callable[[Mapping[str, Packets]], dict[str, list[np.ndarray]]]
    period_ns: float
    published: tuple[PublishedFigure, ...] = field(default=())
    clock_gating: bool = False
    full_adders: int = 0
    axi: bool = False
    stimulus: Callable[[Sequence[np.ndarray]], dict[str, list[np.ndarray]]] = field(kw_only=True)
    tensor: str = field(kw_only=True)
    idle_cycles: int = 100

    @property
    def top(self) -> str:
        """Name of the Verilog module; a hash stands for the end of a very long one."""
        name = self.name.replace("-", "_")
        if len(name) <= LONGEST_TOP:
            return name
        return f"{name[: LONGEST_TOP - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    def streams(self) -> dict[str, Any]:
        """Make fresh signals for every stream of the engine, by name."""
        interface = AxiStream if self.axi else Stream
        return {
            port.name: interface(port.bits, error=port.error, keep=port.keep) for port in (*self.inputs, *self.outputs)
        }

    def instantiate(self, clk: Any, rst: Any, streams: Mapping[str, Any]) -> Any:
        """Elaborate the block on the given signals."""
        return self.block(clk, rst, **streams, **self.parameters)


def count_packet(count: int, bits: int, things: str) -> np.ndarray:
    """Return a packet of one word that tells how many there are in so many bits, of which zeros stand for 2**bits.

    Raises
    ------
    ValueError
        If a packet cannot have so many; the message names the `things`.
    """
    if not 1 <= count <= 1 << bits:
        raise ValueError(f"a packet has 1 to {1 << bits} {things}, not {count}")
    return np.array([count % (1 << bits)], np.min_scalar_type((1 << bits) - 1))


def word_bytes(words: np.ndarray, size: int) -> bytes:
    """Return words of `Port.dtype` as so many bytes each, the low one first.

    Examples
    --------
    >>> word_bytes(np.array([1, 1 << 127], object), 16).hex()
    '0100000000000000000000000000000000000000000000000000000000000080'
    """
    if words.dtype.kind != "O":
        return words.astype(f"<u{size}").tobytes()
    return b"".join(word.to_bytes(size, "little") for word in words.tolist())


def from_word_bytes(data: bytes, size: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Return the words that `word_bytes` gave."""
    if dtype.kind != "O":
        return np.frombuffer(data, f"<u{size}").astype(dtype)
    words = [int.from_bytes(data[start : start + size], "little") for start in range(0, len(data), size)]
    return np.array(words, object)
