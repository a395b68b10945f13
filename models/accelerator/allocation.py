"""Division of the memory: where maps and their table entries are while they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from silicodec.models.accelerator.layers import LayerGraph, Shape, UnsupportedNetwork
from silicodec.models.accelerator.packets import RAW
from silicodec.models.accelerator.program import COLUMNS, PIXELS, Early, Target
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
    spills : bool
        Whether packets that find no room there are spilled, instead of ending the program.
    """

    codec: int = RAW
    words: int | None = None
    spills: bool = False


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
    """Where everything is.

    Attributes
    ----------
    places : dict of int to Place
        Places of all maps that layers make, but the last, by number.
    entries : dict of int to Entries
        Table entries of all that they read, by number.
    strips : tuple of (int, int)
        First bank and number of banks of each layer's strip buffer.
    early : tuple of Early
        Whether the strip buffers are filled ahead.
    spilled : int
        Rows of the memory that were missing for maps.
    """

    places: dict[int, Place]
    entries: dict[int, Entries]
    strips: tuple[tuple[int, int], ...]
    early: tuple[Early, ...]
    spilled: int


@dataclass(frozen=True)
class _Life:
    """From which layer to which a map or its table entries are needed; how many; whether it is added, and may spill."""

    number: int
    first: int
    last: int
    size: int
    is_added: bool = False
    may_spill: bool = False

    def meets(self, other: _Life) -> bool:
        """Tell whether two maps are needed at the same time."""
        return self.first <= other.last and other.first <= self.last


def allocate(
    graph: LayerGraph, shape: AcceleratorShape, codings: Mapping[int, MapCoding], strip_banks: Sequence[int]
) -> Allocation:
    """Find places for all maps and strip buffers.

    A layer's strip buffer gets banks that are free while the layer before runs, so that it is filled ahead, unless more
    of the maps would be spilled then.

    Parameters
    ----------
    graph, shape, codings
        As of `compile_graph`.
    strip_banks : sequence of int
        Banks of each column that each layer's strip buffer takes.

    Raises
    ------
    UnsupportedNetwork
        If the table is too small.
    """
    lives = _lives(graph, codings)
    entries = _entries(graph, shape)
    early = [Early.NO] * len(graph.layers)
    best = _place(lives, shape, _strips(early, strip_banks, shape), early)
    for index in range(1, len(graph.layers)):
        before, layer = graph.layers[index - 1 : index + 1]
        follows = before.output in graph.parts(layer.source)
        if strip_banks[index - 1] + strip_banks[index] > shape.banks or (follows and before.depthwise):
            continue
        early[index] = Early.AS_WRITTEN if follows else Early.ANY
        trial = _place(lives, shape, _strips(early, strip_banks, shape), early)
        if trial.spilled > best.spilled:
            early[index] = Early.NO
        else:
            best = trial
    return replace(best, entries=entries)


def _strips(early: Sequence[Early], banks: Sequence[int], shape: AcceleratorShape) -> list[tuple[int, int]]:
    """Return first bank and number of banks of each strip buffer: from the lower end on, or up to the upper end.

    Those that are filled early are at the other end than the one before.
    """
    upper = False
    result = []
    for is_early, count in zip(early, banks, strict=True):
        upper = bool(is_early) and not upper
        result.append((shape.banks - count if upper else 0, count))
    return result


def _place(
    lives: Sequence[_Life], shape: AcceleratorShape, strips: Sequence[tuple[int, int]], early: Sequence[Early]
) -> Allocation:
    """Find places for all maps; a map that finds no room keeps what is free, and the rest of it is spilled.

    Maps that layers add to others come first, then small ones: what cannot be kept is large and short-lived.
    """
    places: dict[int, Place] = {}
    done: list[_Life] = []
    spilled = 0
    for life in sorted(lives, key=lambda one: (not one.is_added, one.size)):
        used = [
            (shape.bank_depth * first, shape.bank_depth * banks)
            for index, (first, banks) in enumerate(strips)
            if life.first <= index <= life.last + (early[index] != Early.NO)
        ]
        live = [places[other.number] for other in done if other.meets(life)]
        rows = -(-life.size // COLUMNS)
        row, free = _gap([*used, *((place.row, place.rows) for place in live)], 0, shape.rows, rows)
        target = Target.SPILL if free < rows or life.may_spill else Target.MEMORY
        spilled += max(0, rows - free)
        rows = min(free, rows)
        places[life.number] = Place(target, row, rows, min(life.size, rows * COLUMNS))
        done.append(life)
    return Allocation(places, {}, tuple(strips), tuple(early), spilled)


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
        coding = codings.get(layer.output, MapCoding())
        words = raw_room(layer.out_shape) if coding.words is None else coding.words
        is_added = any(other.residual and layer.output in graph.parts(other.residual.tensor) for other in graph.layers)
        last = max(index, graph.last_reader(layer.output))
        result.append(_Life(layer.output, index, last, words, is_added, coding.spills))
    return result


def raw_room(shape: Shape) -> int:
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
