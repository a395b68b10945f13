"""Compiler: from a network's layers to a program of the accelerator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from silicodec.models.accelerator.allocation import Allocation, Entries, MapCoding, allocate
from silicodec.models.accelerator.arithmetic import multiply
from silicodec.models.accelerator.checks import MOST_SIZE, WHOLE_MAP, check_layer
from silicodec.models.accelerator.layers import Layer, LayerGraph, UnsupportedNetwork
from silicodec.models.accelerator.packets import RAW, most_words
from silicodec.models.accelerator.program import (
    ONE,
    PIXELS,
    SUM_BITS,
    Descriptor,
    Source,
    Target,
    WeightCodec,
    program_words,
)
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.weights import coded_words, weight_words

MOST_CHANNELS = 2047
MOST_KERNEL = 45
LOOK_AHEAD = 8
"""Rows of the next strip that the strip buffer holds while one is computed."""


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled network.

    Attributes
    ----------
    graph : LayerGraph
        What was compiled.
    shape : AcceleratorShape
        What for.
    descriptors : tuple of Descriptor
        One a layer.
    weights : np.ndarray
        The packet of the `weights` stream: uint64.
    plain_words : tuple of int
        Words that the weights of each layer take as they are.
    """

    graph: LayerGraph
    shape: AcceleratorShape
    descriptors: tuple[Descriptor, ...]
    weights: np.ndarray
    plain_words: tuple[int, ...]

    @property
    def words(self) -> np.ndarray:
        """The packet of the `program` stream: uint64."""
        return program_words(self.descriptors)


def compile_graph(
    graph: LayerGraph,
    shape: AcceleratorShape,
    codings: Mapping[int, MapCoding] | None = None,
    *,
    weights: str = "plain",
) -> Program:
    """Compile a network.

    Parameters
    ----------
    graph : LayerGraph
        The network.
    shape : AcceleratorShape
        The accelerator.
    codings : mapping, optional
        How to store maps, by their number; raw where nothing is said.
    weights : str
        How to send weights: ``plain``, or ``dictionary`` for each layer whose weights that makes smaller.

    Raises
    ------
    UnsupportedNetwork
        If the accelerator is too small for a layer, or has no decoder for weights that are to be coded.
    """
    if weights not in ("plain", shape.weight_codec):
        raise UnsupportedNetwork(f"the accelerator is built without a decoder for weights: weight_codec={weights}")
    codings = codings or {}
    _check_reads(graph, codings)
    graph = replace(graph, layers=tuple(map(fold_constants, graph.layers)))
    rings = [_ring(layer, shape) for layer in graph.layers]
    allocation = allocate(graph, shape, codings, [ring.strip_banks for ring in rings])
    descriptors = tuple(
        _describe(graph, index, shape, rings[index], allocation, codings) for index in range(len(graph.layers))
    )
    for layer, descriptor in zip(graph.layers, descriptors, strict=True):
        if status := check_layer(descriptor, shape):
            raise UnsupportedNetwork(f"{layer.name} has a shape that the accelerator refuses: {status.name}")
    plain = [
        weight_words(layer, descriptor, shape.groups)
        for layer, descriptor in zip(graph.layers, descriptors, strict=True)
    ]
    sent = list(plain)
    if weights == "dictionary":
        coded = [coded_words(*layer, shape.groups) for layer in zip(plain, descriptors, strict=True)]
        sent = [min(words, key=len) for words in zip(plain, coded, strict=True)]
        descriptors = tuple(
            replace(descriptor, weight_codec=WeightCodec.DICTIONARY) if len(one) < len(words) else descriptor
            for descriptor, one, words in zip(descriptors, sent, plain, strict=True)
        )
    return Program(graph, shape, descriptors, np.concatenate(sent), tuple(map(len, plain)))


def _check_reads(graph: LayerGraph, codings: Mapping[int, MapCoding]) -> None:
    """Refuse what layers cannot read: the image again, and maps as one that are stored in several ways."""
    for layer in graph.layers[1:]:
        if graph.source in (layer.source, layer.residual and layer.residual.tensor):
            raise UnsupportedNetwork(f"{layer.name} reads the image, which only the first layer can")
    for parts in graph.joined.values():
        if len({codings.get(part, MapCoding()).codec for part in parts}) > 1:
            raise UnsupportedNetwork(f"the accelerator joins only maps of one codec (maps {parts})")


def fold_constants(layer: Layer) -> Layer:
    """Replace channels of the same output for any input, if their bias is too large, by ones without weights."""
    rescaling = layer.rescaling
    reach = np.abs(layer.weights.astype(np.int64) - layer.weight_zero).sum((1, 2, 3)) * 128
    weights, bias = layer.weights.copy(), layer.bias.copy()
    factors, shifts = rescaling.factors.copy(), rescaling.shifts.copy()
    for channel in np.flatnonzero((reach + np.abs(bias)) >> SUM_BITS):
        least, most = (
            multiply(int(bias[channel] + sign * reach[channel]), factors[channel], shifts[channel], rescaling.away)
            for sign in (-1, 1)
        )
        least, most = (
            min(max(one, rescaling.low - rescaling.zero), rescaling.high - rescaling.zero) for one in (least, most)
        )
        if least == most:
            weights[channel], bias[channel], factors[channel], shifts[channel] = layer.weight_zero, least, 1 << 31, 0
    return replace(layer, weights=weights, bias=bias, rescaling=replace(rescaling, factors=factors, shifts=shifts))


@dataclass(frozen=True)
class _Ring:
    """The strip buffer of a layer: fields of its descriptor."""

    pointwise: int
    kernel_rows: int
    kernel_columns: int
    steps: int
    need_first: int
    capacity: int
    ring_words: int
    slot_words: int
    channel_words: int
    start_slot: int
    start_turn: int
    pass_advance: int
    pass_rows: int
    strip_banks: int


def _ring(layer: Layer, shape: AcceleratorShape) -> _Ring:
    """Divide the strip buffer: with room for the next strip's rows if that takes half of the memory at most."""
    channels, height, width = layer.in_shape
    kernel_height, kernel_width = layer.weights.shape[2:]
    pointwise = _is_pointwise(layer)
    _check_sizes(layer, shape)
    unit = layer.stride if pointwise else 3
    rows, columns = -(-kernel_height // 3), -(-kernel_width // 3)
    own = 1 if layer.depthwise else channels
    steps = -(-channels // PIXELS) if pointwise else own * rows * columns
    channel_words = -(-width // (PIXELS * unit))
    slot_words = channel_words * (steps if pointwise else own)
    reach = 1 if pointwise else 3 * rows
    need_first = min(-(-height // PIXELS), -(-(7 * layer.stride - layer.pad_top + reach) // PIXELS))
    least = PIXELS * need_first + layer.pad_top
    blocks = -(-height // unit)
    ahead = 3 * LOOK_AHEAD if layer.depthwise else LOOK_AHEAD
    for capacity in (least + ahead, least):
        slots = -(-(capacity + unit - 1) // unit)
        whole = not layer.depthwise and slots >= blocks
        slots = blocks if whole else slots
        banks = -(-slots * slot_words // shape.bank_depth)
        if banks <= shape.banks // 2:
            break
    if not layer.depthwise and blocks * slot_words <= banks * shape.bank_depth:
        slots, whole = blocks, True
    if banks >= shape.banks and (capacity != least or banks > shape.banks):
        raise UnsupportedNetwork(f"the strip buffer of {layer.name} takes {banks} banks of {shape.banks}")
    return _Ring(
        pointwise=int(pointwise),
        kernel_rows=rows,
        kernel_columns=columns,
        steps=steps,
        need_first=need_first,
        capacity=WHOLE_MAP if whole else capacity,
        ring_words=slots * slot_words,
        slot_words=slot_words,
        channel_words=channel_words,
        start_slot=-layer.pad_top // unit % slots * slot_words,
        start_turn=0 if pointwise else -layer.pad_top % 3,
        pass_advance=blocks % slots * slot_words,
        pass_rows=unit * blocks,
        strip_banks=banks,
    )


def _is_pointwise(layer: Layer) -> bool:
    """Tell whether an output sample takes one input sample of each channel, so that eight channels are a step."""
    return (
        (*layer.weights.shape[2:], layer.pad_top, layer.pad_left) == (1, 1, 0, 0)
        and not layer.depthwise
        and all(
            size == -(-length // layer.stride)
            for size, length in zip(layer.out_shape[1:], layer.in_shape[1:], strict=True)
        )
    )


def _check_sizes(layer: Layer, shape: AcceleratorShape) -> None:
    """Refuse what does not fit in an accelerator."""
    channels, height, width = layer.in_shape
    tiles = -(-layer.out_shape[2] // PIXELS)
    if tiles > shape.tile_columns:
        raise UnsupportedNetwork(f"{layer.name} is {tiles} tiles wide, but the accelerator has {shape.tile_columns}")
    if max(height, width, *layer.out_shape[1:]) > MOST_SIZE:
        raise UnsupportedNetwork(f"{layer.name} has or reads a map of more than {MOST_SIZE} rows or columns")
    if max(layer.pad_top, layer.pad_left) > PIXELS:
        raise UnsupportedNetwork(f"{layer.name} has more than {PIXELS} rows or columns of padding")
    kernel = layer.weights.shape[2:]
    own = 1 if layer.depthwise else channels
    steps = own * -(-kernel[0] // 3) * -(-kernel[1] // 3)
    if _is_pointwise(layer):
        steps = -(-channels // PIXELS)
    if steps > shape.weight_words:
        raise UnsupportedNetwork(
            f"{layer.name} takes {steps} steps a row, but the accelerator has {shape.weight_words}"
        )
    if max(*layer.in_shape[:1], *layer.out_shape[:1]) > MOST_CHANNELS:
        raise UnsupportedNetwork(f"{layer.name} has or reads a map of more than {MOST_CHANNELS} channels")
    if max(kernel) > MOST_KERNEL:
        raise UnsupportedNetwork(f"{layer.name} has a kernel of more than {MOST_KERNEL} rows or columns")
    less = np.abs(layer.weights.astype(np.int64) - layer.weight_zero).sum((1, 2, 3)) * 128
    most = less + np.abs(layer.bias)
    if less.max() >> (SUM_BITS - 1) or most.max() >> SUM_BITS:
        raise UnsupportedNetwork(f"{layer.name} has sums that may take more than {SUM_BITS} bits")
    if ((most >> layer.rescaling.shifts) * (layer.rescaling.factors / ONE)).max() >= 1 << SUM_BITS:
        raise UnsupportedNetwork(f"{layer.name} has results that may take more than {SUM_BITS} bits")


def _describe(
    graph: LayerGraph, index: int, shape: AcceleratorShape, ring: _Ring, allocation: Allocation,
    codings: Mapping[int, MapCoding],
) -> Descriptor:  # fmt: skip
    layer = graph.layers[index]
    last = index == len(graph.layers) - 1
    place = allocation.places.get(layer.output)
    nowhere = Entries(0, 0)
    in_entries = allocation.entries.get(layer.source, nowhere)
    out_entries = allocation.entries.get(layer.output, nowhere)
    out_codec = RAW if last else _codec(graph, codings, layer.output)
    rescaling, residual = layer.rescaling, layer.residual
    tiles = -(-layer.out_shape[2] // PIXELS)
    fields = dict(
        opcode=layer.opcode,
        stride2=int(layer.stride == 2),
        away=int(rescaling.away),
        source=Source.PIXELS if layer.source == graph.source else Source.MEMORY,
        target=place.target if place else Target.SCORES,
        in_codec=_codec(graph, codings, layer.source),
        out_codec=out_codec,
        pad_top=layer.pad_top,
        pad_left=layer.pad_left,
        pad_value=layer.pad_value,
        weight_zero=layer.weight_zero,
        **dict(zip(("in_channels", "in_height", "in_width"), layer.in_shape, strict=True)),
        **dict(zip(("out_channels", "out_height", "out_width"), layer.out_shape, strict=True)),
        passes=layer.out_shape[0] if layer.depthwise else 1,
        groups=1 if layer.depthwise else -(-layer.out_shape[0] // shape.groups),
        in_table=in_entries.first,
        in_step=in_entries.step,
        out_table=out_entries.first,
        out_step=out_entries.step,
        strip_first=allocation.strips[index][0],
        early=allocation.early[index],
        packet_words=most_words(out_codec, min(PIXELS, layer.out_shape[1]), tiles),
        conv_zero=rescaling.zero,
        conv_low=rescaling.low,
        conv_high=rescaling.high,
    )
    if place:
        fields |= {"out_row": place.row, "out_words": place.words}
    if residual:
        spilled = [
            any(
                part in allocation.places and allocation.places[part].target == Target.SPILL
                for part in graph.parts(number)
            )
            for number in (layer.source, residual.tensor)
        ]
        added = allocation.entries[residual.tensor]
        if all(spilled) and layer.depthwise:
            raise UnsupportedNetwork(f"{layer.name} adds two maps that the accelerator's memory has no room for")
        before = graph.layers[index - 1]
        fields |= {
            "add": 1,
            "residual_early": int(before.residual is None and before.output not in graph.parts(residual.tensor)),
            "ordered": int(all(spilled)),
            "swap": int(residual.swap),
            "residual_codec": _codec(graph, codings, residual.tensor),
            "residual_table": added.first,
            "residual_step": added.step,
            "residual_zero": residual.zero,
            "residual_factor": residual.inner[0],
            "residual_shift": residual.inner[1],
            "out_factor": int(residual.outer.factors[0]),
            "out_shift": int(residual.outer.shifts[0]),
            "out_zero": residual.outer.zero,
            "out_low": residual.outer.low,
            "out_high": residual.outer.high,
        }
    return Descriptor(**fields, **vars(ring))


def _codec(graph: LayerGraph, codings: Mapping[int, MapCoding], number: int) -> int:
    """Return the codec word of a map, or of the maps that it joins."""
    return codings.get(graph.parts(number)[0], MapCoding()).codec
