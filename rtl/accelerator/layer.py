"""The descriptor of the layer that runs, as signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from myhdl import Signal, always, block, instances, intbv

from silicodec.models.accelerator.program import LAYOUT

DESCRIPTOR_WORDS = len(LAYOUT)


class LayerSignals:
    """Fields of a descriptor by their names, as `docs/formats/accelerator.md` lists them; all of them unsigned.

    They change while a descriptor is loaded, and stay while its layer runs.
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
def descriptor_register(clk: Any, load: Any, index: Any, data: Any, word: Any, *, number: int) -> Any:
    """Hold one word of a descriptor."""

    @always(clk.posedge)
    def store() -> None:
        if load and index == number:
            word.next = data

    return instances()
