"""Descriptors of layers, as signals: of the one whose maps and weights are read, and of the one that is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from myhdl import Signal, always, block, instances, intbv

from silicodec.models.accelerator.program import LAYOUT

DESCRIPTOR_WORDS = len(LAYOUT)
COUNT_BITS = 8
"""Width of counters of sets of packets, of which only differences matter."""


class LayerSignals:
    """Fields of a descriptor by their names, as `docs/formats/accelerator.md` lists them; all of them unsigned.

    They change while a descriptor is taken, and stay while its layer is read or computed.
    """

    def __init__(self) -> None:
        self.words: Any = [Signal(intbv(0)[64:]) for _ in LAYOUT]
        for word, fields in zip(self.words, LAYOUT, strict=True):
            low = 0
            for name, bits in fields:
                setattr(self, name, word(low) if bits == 1 else word(low + bits, low))
                low += bits

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return a field."""


@block
def descriptor_registers(clk: Any, load: Any, index: Any, data: Any, layer: LayerSignals) -> Any:
    """Load words of a descriptor.

    Parameters
    ----------
    load : Signal of bool
        Take `data` as word `index`.
    """
    registers = [descriptor_register(clk, load, index, data, word, number=n) for n, word in enumerate(layer.words)]
    return instances()


@block
def descriptor_copy(clk: Any, take: Any, source: LayerSignals, layer: LayerSignals) -> Any:
    """Take over another descriptor where `take` is high."""
    registers = [copy_register(clk, take, *words) for words in zip(source.words, layer.words, strict=True)]
    return instances()


@block
def copy_register(clk: Any, take: Any, source: Any, word: Any) -> Any:
    """Hold one word of a descriptor that is taken over."""

    @always(clk.posedge)
    def store() -> None:
        if take:
            word.next = source

    return instances()


@block
def descriptor_register(clk: Any, load: Any, index: Any, data: Any, word: Any, *, number: int) -> Any:
    """Hold one word of a descriptor."""

    @always(clk.posedge)
    def store() -> None:
        if load and index == number:
            word.next = data

    return instances()
