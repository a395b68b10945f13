"""Words of eight samples in parts, for a requantiser of fewer than eight lanes."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.rtl.accelerator.requantiser import EntryPort, ResultPort, wire


class PartPorts:
    """A requantiser's ports where each part of an output channel's word is a channel to it.

    Parameters
    ----------
    entry : EntryPort
        The one output channel's constants: those of each of its parts.
    tag_bits : int
        Width of a job's tag.
    lanes : int
        Samples of a part: 1, 2 or 4.

    Attributes
    ----------
    depthwise : Signal of bool
        Low: a depthwise layer has as many parts a row as a dense one.
    residual : Signal of 8 bits a lane
        The part's samples to add.
    """

    def __init__(self, entry: EntryPort, tag_bits: int, lanes: int) -> None:
        self.count = PIXELS // lanes
        self.entry, self.result = EntryPort(self.count, tag_bits), ResultPort(self.count, tag_bits, lanes)
        self.entry.tag, self.entry.bias = entry.tag, entry.bias
        self.entry.factor, self.entry.shift = entry.factor, entry.shift
        self.depthwise: Any = Signal(bool(0))
        self.residual: Any = Signal(modbv(0)[8 * lanes :])


@block
def word_parts(clk: Any, entry: EntryPort, residual: Any, parts: PartPorts, result: ResultPort) -> Any:
    """Cut the word to add, and join the parts that come back.

    Parameters
    ----------
    entry : EntryPort
        Its `index` is driven here: 0, for the one channel.
    residual : Signal of 64 bits
        Samples to add, a cycle after their part is asked for.
    parts : PartPorts
        The requantiser's ports.
    result : ResultPort
        A whole word, with the last part of it.
    """
    part_bits, last = len(parts.residual), parts.count - 1
    part, late_part = parts.entry.index, Signal(intbv(0, min=0, max=parts.count))
    valid, index, tag, data = parts.result.valid, parts.result.index, parts.result.tag, parts.result.data
    earlier = Signal(modbv(0)[part_bits * last :])
    joined = wire(ConcatSignal(earlier, data), result.data)

    @always_comb
    def cut() -> None:
        parts.residual.next = residual >> (part_bits * (last - late_part))

    @always(clk.posedge)
    def keep() -> None:
        late_part.next = part
        earlier.next = (earlier << part_bits) | data

    @always_comb
    def tell() -> None:
        parts.depthwise.next = False
        entry.index.next = 0
        result.index.next = 0
        result.tag.next = tag
        result.valid.next = valid and index == last

    return instances()
