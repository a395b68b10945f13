"""Division of the memory: where maps and their table entries are while they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from silicodec.models.accelerator.layers import LayerGraph, UnsupportedNetwork
from silicodec.models.accelerator.packets import RAW
from silicodec.models.accelerator.program import COLUMNS, PIXELS, Target
from silicodec.models.accelerator.shape import AcceleratorShape


@dataclass(frozen=True)
class MapCoding:
    """How a map is stored.

    Attributes
    ----------
    codec : int
        Codec word.
    words : int, optional
        Words to reserve; by default what the map takes raw.
    """

    codec: int = RAW
    words: int | None = None


@dataclass(frozen=True)
class Place:
    """Where a map is.

    Attributes
    ----------
    target : int
        Whether packets without room are spilled, `Target.SPILL`, or an error.
    row, rows, words : int
        First row and rows of its region, and words in it.
    entry : int
        First entry in the table of packets.
    """

    target: int
    row: int
    rows: int
    words: int
    entry: int


@dataclass(frozen=True)
class Allocation:
    """Places of all maps between layers, by number; `groups` of the accelerator."""

    places: dict[int, Place]
    groups: int


@dataclass(frozen=True)
class _Life:
    """From which layer to which a map is needed, what it takes, and whether a layer adds it."""

    number: int
    first: int
    last: int
    words: int
    packets: int
    is_added: bool

    def meets(self, other: _Life) -> bool:
        """Tell whether two maps are needed at the same time."""
        return self.first <= other.last and other.first <= self.last


def allocate(
    graph: LayerGraph, shape: AcceleratorShape, codings: Mapping[int, MapCoding], strip_rows: Sequence[int]
) -> Allocation:
    """Find places for all maps; a map that finds no room keeps what is free, and the rest of it is spilled.

    Maps that layers add to others come first, then small ones: what cannot be kept is large and short-lived.

    Parameters
    ----------
    graph, shape, codings
        As of `compile_graph`.
    strip_rows : sequence of int
        Rows of the memory that each layer's strip buffer takes.

    Raises
    ------
    UnsupportedNetwork
        If the table is too small.
    """
    places: dict[int, Place] = {}
    lives: list[_Life] = []
    for life in sorted(_lives(graph, codings), key=lambda one: (not one.is_added, one.words)):
        lowest = max(strip_rows[life.first : life.last + 1])
        live = [(other, places[other.number]) for other in lives if other.meets(life)]
        rows = -(-life.words // COLUMNS)
        row, free = _gap([(place.row, place.rows) for _, place in live], lowest, shape.rows, rows)
        entry, entries = _gap([(place.entry, other.packets) for other, place in live], 0, shape.packets, life.packets)
        if entries < life.packets:
            raise UnsupportedNetwork(f"the accelerator's table has no room for {life.packets} packets of a map")
        target = Target.MEMORY if free >= rows else Target.SPILL
        rows = min(free, rows)
        places[life.number] = Place(target, row, rows, min(life.words, rows * COLUMNS), entry)
        lives.append(life)
    return Allocation(places, shape.groups)


def _lives(graph: LayerGraph, codings: Mapping[int, MapCoding]) -> list[_Life]:
    """Return the maps between layers in the order in which they are made."""
    result = []
    for index, layer in enumerate(graph.layers[:-1]):
        readers = [
            later
            for later, other in enumerate(graph.layers)
            if layer.output in (other.source, other.residual and other.residual.tensor)
        ]
        channels, height, width = layer.out_shape
        coding = codings.get(layer.output)
        # A packet is stored where the largest one has room, even if it is of fewer rows.
        tiles = -(-width // PIXELS)
        raw = (channels * height + min(PIXELS, height) - (1 + (height - 1) % PIXELS)) * tiles
        words = coding.words if coding and coding.words is not None else raw
        is_added = any(other.residual and other.residual.tensor == layer.output for other in graph.layers)
        packets = channels * -(-height // PIXELS)
        result.append(_Life(layer.output, index, max(readers, default=index), words, packets, is_added))
    return result


def _gap(taken: list[tuple[int, int]], low: int, high: int, size: int) -> tuple[int, int]:
    """Find the tightest gap of a size between what is taken, from its upper end on; or the largest one."""
    gaps = []
    position = low
    for start, length in sorted((one for one in taken if one[1]), key=lambda one: one[0]):
        if start > position:
            gaps.append((position, start - position))
        position = max(position, start + length)
    if high > position:
        gaps.append((position, high - position))
    fitting = [gap for gap in gaps if gap[1] >= size]
    if fitting:
        start, length = min(fitting, key=lambda gap: gap[1])
        return start + length - size, size
    return max(gaps, key=lambda gap: gap[1], default=(low, 0))
