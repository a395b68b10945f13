"""Division of the memory: where maps and their table entries are while they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from silicodec.models.accelerator.layers import LayerGraph, Shape, UnsupportedNetwork
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
    """

    target: int
    row: int
    rows: int
    words: int


@dataclass(frozen=True)
class Entries:
    """Where a map's packets are in the table: its first entry, and the distance from a strip's to the next one's."""

    first: int
    step: int


@dataclass(frozen=True)
class Allocation:
    """Places of all maps that layers make, but the last, and table entries of all that they read, by number."""

    places: dict[int, Place]
    entries: dict[int, Entries]


@dataclass(frozen=True)
class _Life:
    """From which layer to which a map or its table entries are needed, how many, and whether the map is added."""

    number: int
    first: int
    last: int
    size: int
    is_added: bool = False

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
    return Allocation(_places(graph, shape, codings, strip_rows), _entries(graph, shape))


def _places(
    graph: LayerGraph, shape: AcceleratorShape, codings: Mapping[int, MapCoding], strip_rows: Sequence[int]
) -> dict[int, Place]:
    places: dict[int, Place] = {}
    lives: list[_Life] = []
    for life in sorted(_lives(graph, codings), key=lambda one: (not one.is_added, one.size)):
        lowest = max(strip_rows[life.first : life.last + 1])
        live = [places[other.number] for other in lives if other.meets(life)]
        rows = -(-life.size // COLUMNS)
        row, free = _gap([(place.row, place.rows) for place in live], lowest, shape.rows, rows)
        target = Target.MEMORY if free >= rows else Target.SPILL
        rows = min(free, rows)
        places[life.number] = Place(target, row, rows, min(life.size, rows * COLUMNS))
        lives.append(life)
    return places


def _entries(graph: LayerGraph, shape: AcceleratorShape) -> dict[int, Entries]:
    """Give every map its entries; those of joined maps lie side by side, strip by strip."""
    entries: dict[int, Entries] = {}
    taken: list[tuple[_Life, int]] = []
    made = {layer.output: index for index, layer in enumerate(graph.layers)}
    channels = {layer.output: layer.out_shape[0] for layer in graph.layers}
    joints = {part: joint for joint, parts in graph.joined.items() for part in parts}
    for number in dict.fromkeys(joints.get(layer.output, layer.output) for layer in graph.layers[:-1]):
        parts = graph.parts(number)
        step = sum(channels[part] for part in parts)
        _, height, _ = graph.layers[made[parts[0]]].out_shape
        last = max(graph.last_reader(part) for part in parts)
        life = _Life(number, min(made[part] for part in parts), last, step * -(-height // PIXELS))
        live = [(first, other.size) for other, first in taken if other.meets(life)]
        first, free = _gap(live, 0, shape.packets, life.size)
        if free < life.size:
            raise UnsupportedNetwork(f"the accelerator's table has no room for {life.size} packets of a map")
        taken.append((life, first))
        entries[number] = Entries(first, step)
        for part in parts:
            entries[part] = Entries(first, step)
            first += channels[part]
    return entries


def _lives(graph: LayerGraph, codings: Mapping[int, MapCoding]) -> list[_Life]:
    """Return the maps between layers in the order in which they are made."""
    result = []
    for index, layer in enumerate(graph.layers[:-1]):
        coding = codings.get(layer.output)
        words = coding.words if coding and coding.words is not None else _raw_words(layer.out_shape)
        is_added = any(other.residual and layer.output in graph.parts(other.residual.tensor) for other in graph.layers)
        last = max(index, graph.last_reader(layer.output))
        result.append(_Life(layer.output, index, last, words, is_added))
    return result


def _raw_words(shape: Shape) -> int:
    """Return the words to reserve for a raw map: a packet is stored where the largest one has room."""
    channels, height, width = shape
    largest = min(PIXELS, height)
    return (channels * height + largest - (1 + (height - 1) % PIXELS)) * -(-width // PIXELS)


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
