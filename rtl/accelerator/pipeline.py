"""How far the parts of the accelerator are, for those that wait for others."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, modbv

from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.layer import COUNT_BITS
from silicodec.rtl.accelerator.loader import ProgramControl
from silicodec.rtl.accelerator.map_writer import WriterResult

ABSOLUTE_BITS = 12
"""Width of counters of strips and rows over all passes, of which only differences matter."""


class Progress:
    """How far the parts of the accelerator are in a layer.

    Attributes
    ----------
    filled, first_strip : Signal
        Strips of inputs that came into the strip buffer, over all layers and passes; of these, those of earlier layers
        than the one that is read.
    rows_waiting : Signal of bool
        Rows wait to be written into the strip buffer; driven with single-port banks.
    first_row : Signal
        First row of the input, over all passes, that is in use by the layer that is computed.
    residuals : Signal
        Sets of packets of the residual that were read; of earlier layers all sets count, with a residual or without.
    issued, drained : Signal
        Sets, over all layers, of which all steps were issued; whose packets were written.
    finished : Signal of bool
        All steps were issued.
    steps, waits_for_weights, waits_for_maps : Signal of bool
        What happens in this cycle.
    """

    def __init__(self) -> None:
        self.filled: Any = Signal(modbv(0)[ABSOLUTE_BITS:])
        self.first_strip: Any = Signal(modbv(0)[ABSOLUTE_BITS:])
        self.rows_waiting: Any = Signal(bool(0))
        self.first_row: Any = Signal(modbv(0)[ABSOLUTE_BITS:])
        self.residuals: Any = Signal(modbv(0)[COUNT_BITS:])
        self.issued: Any = Signal(modbv(0)[COUNT_BITS:])
        self.drained: Any = Signal(modbv(0)[COUNT_BITS:])
        self.finished: Any = Signal(bool(0))
        self.steps: Any = Signal(bool(0))
        self.waits_for_weights: Any = Signal(bool(0))
        self.waits_for_maps: Any = Signal(bool(0))


class WeightPort:
    """What the sequencer sees of the buffer.

    `written` and `base` count steps, modulo twice the ring: how many were loaded, and where the present group of
    channels begins. `read` gives the weights of the step at `address` two cycles later. `sets_loaded` and `sets_done`
    count the groups that were loaded, and those whose samples are made.
    """

    def __init__(self, shape: AcceleratorShape) -> None:
        bits = (shape.weight_words - 1).bit_length()
        self.written: Any = Signal(modbv(0)[bits + 1 :])
        self.base: Any = Signal(modbv(0)[bits + 1 :])
        self.read: Any = Signal(bool(0))
        self.address: Any = Signal(modbv(0)[bits:])
        self.sets_loaded: Any = Signal(modbv(0)[COUNT_BITS:])
        self.sets_done: Any = Signal(modbv(0)[COUNT_BITS:])


class Pipeline:
    """How far the parts of the accelerator are: the program, the steps of a layer, its weights, its output."""

    def __init__(self, shape: AcceleratorShape) -> None:
        self.control = ProgramControl()
        self.progress = Progress()
        self.weights = WeightPort(shape)
        self.outcome = WriterResult()
