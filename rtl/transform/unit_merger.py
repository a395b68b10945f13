"""Units of all lanes to one packet, in the order in which a decoder takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, concat, instances, intbv

from silicodec.models.lanes.code import HELD, UNIT
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.transform.lane_packer import LaneUnits


class Merging:
    """Which lanes' units come next.

    `places` has a bit for each lane, the first in the least significant one, where it is `there`; with `take` it
    leaves. While `draining`, no more units come, and zeros are in the place of those that are missing.
    """

    def __init__(self, lanes: int) -> None:
        self.places: Any = Signal(intbv(0)[lanes:])
        self.there: Any = Signal(bool(0))
        self.take: Any = Signal(bool(0))
        self.draining: Any = Signal(bool(0))


class Turn:
    """What comes before a lane's unit, if all lanes give theirs whose turn it is.

    `slot` is the unit's place in a word, one-hot, the first in the least significant bit, and `wrapped` says that it is
    the next word. Bit i of `count` says that there are more than i units before. They are `open` if none is missing.
    """

    def __init__(self, slots: int) -> None:
        self.slot: Any = Signal(intbv(0)[slots:])
        self.wrapped: Any = Signal(bool(0))
        self.count: Any = Signal(intbv(0)[slots:])
        self.open: Any = Signal(bool(0))


class Choice:
    """Whether something is `taken` of a lane: a `unit`, or zeros for one that never comes; or it `stops` the others."""

    def __init__(self) -> None:
        self.taken: Any = Signal(bool(0))
        self.unit: Any = Signal(bool(0))
        self.stops: Any = Signal(bool(0))


@block
def unit_merger(
    clk: Any, rst: Any, merging: Merging, queues: Sequence[LaneUnits], more: Any, done: Any, code: Stream
) -> Any:
    """Take up to a word of units a cycle, of the lanes whose turn it is, and give words of units.

    Parameters
    ----------
    merging : Merging
        Whose turn it is, after three rounds of all lanes.
    queues : sequence of LaneUnits
        The units.
    more : Signal of bool
        There are code words that are in no unit yet. A word waits until it is known whether it is the last.
    done : Signal of bool
        The packet has ended.
    code : Stream
        The packet.
    """
    lanes = len(queues)
    all_lanes = 2**lanes - 1
    word_units = len(code.data) // UNIT

    rounds = Signal(intbv(HELD)[2:])
    todo, left = Signal(intbv(0)[lanes:]), Signal(intbv(0)[lanes:])
    slot = Signal(intbv(1)[word_units:])
    held = Signal(intbv(0)[UNIT * (word_units - 1) :])
    held_unit = Signal(bool(0))  # not only zeros
    any_left, zeros = Signal(bool(0)), Signal(bool(0))
    fill, complete = Signal(bool(0)), Signal(bool(0))
    filled, more_known = Signal(bool(0)), Signal(bool(0))
    go, valid, last = (Signal(bool(0)) for _ in range(3))
    next_slot, next_unit = Signal(intbv(0)[word_units:]), Signal(bool(0))

    turns, choices = [Turn(word_units) for _ in range(lanes + 1)], [Choice() for _ in queues]
    choosers = [
        unit_choice(todo, zeros, go, queue, turns[i], turns[i + 1], choices[i], lane=i)
        for i, queue in enumerate(queues)
    ]
    slots = [Signal(intbv(0)[UNIT:]) for _ in range(word_units)]
    fillers = [slot_filler(queues, turns, choices, unit, number=i) for i, unit in enumerate(slots)]
    fresh = ConcatSignal(*reversed(slots))
    there = ConcatSignal(*(queue.there for queue in queues))
    waiting = ConcatSignal(*(queue.waiting for queue in queues))
    taken = ConcatSignal(*(choice.taken for choice in reversed(choices)))
    units = ConcatSignal(*(choice.unit for choice in reversed(choices)))
    stops = ConcatSignal(*(choice.stops for choice in reversed(choices)))
    turn_slots = ConcatSignal(*(turn.slot for turn in reversed(turns)))
    wrapped = ConcatSignal(*(turn.wrapped for turn in reversed(turns)))
    first, final = turns[0], turns[-1]
    final.count.read = True  # no lane comes after it

    @always_comb
    def begin() -> None:
        first.slot.next = slot
        first.wrapped.next = False
        first.count.next = 0
        first.open.next = True

    @always_comb
    def look() -> None:
        any_left.next = there != 0 or waiting != 0
        # A place whose unit never comes takes zeros, as long as units follow.
        zeros.next = merging.draining and (there != 0 or waiting != 0)
        fill.next = merging.draining and held_unit and there == 0 and waiting == 0
        left.next = todo & ~taken

    @always_comb
    def end_turn() -> None:
        place = intbv(0)[word_units:]
        over = final.open and final.wrapped
        some = False
        some_over = False
        if final.open:
            place[:] = final.slot
        for i in range(lanes):
            if stops[i]:
                place[:] = place | ((turn_slots >> (word_units * i)) & (2**word_units - 1))
                over = over or wrapped[i]
            some = some or units[i]
            some_over = some_over or (units[i] and wrapped[i])
        next_slot.next = place
        complete.next = over or fill
        next_unit.next = (some or held_unit) and not fill
        if over:
            next_unit.next = some_over

    @always_comb
    def offer() -> None:
        valid.next = filled and (more_known or more or held_unit or any_left or merging.draining)
        last.next = merging.draining and not (held_unit or any_left)
        code.valid.next = filled and (more_known or more or held_unit or any_left or merging.draining)
        code.last.next = merging.draining and not (held_unit or any_left)

    @always_comb
    def handshake() -> None:
        go.next = (code.ready and valid) or not filled
        done.next = code.ready and valid and last

    @always_comb
    def call() -> None:
        merging.take.next = go and left == 0 and rounds == 0

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        more_known.next = valid and not go
        if go:
            filled.next = complete
            held_unit.next = next_unit
        if done:
            todo.next = 0
            rounds.next = HELD
            slot.next = 1
        elif go:
            slot.next = next_slot
            todo.next = left
            if left == 0:
                if rounds != 0:
                    todo.next = all_lanes
                    rounds.next = rounds - 1
                elif merging.there:
                    todo.next = merging.places

    @always(clk.posedge)
    def store() -> None:
        for i in range(word_units):
            for j in range(UNIT):
                if go and complete:
                    code.data.next[UNIT * (word_units - 1 - i) + j] = fresh[UNIT * i + j]
                    if i < word_units - 1 and slot > (1 << i):
                        code.data.next[UNIT * (word_units - 1 - i) + j] = held[UNIT * (i % (word_units - 1)) + j]
        for i in range(word_units - 1):
            for j in range(UNIT):
                if go and (complete or slot <= (1 << i)):
                    held.next[UNIT * i + j] = fresh[UNIT * i + j]

    return instances()


@block
def unit_choice(
    todo: Any, zeros: Any, go: Any, queue: LaneUnits, before: Turn, after: Turn, choice: Choice, *, lane: int
) -> Any:
    """Take a lane's unit if it is its turn, and fewer than a word of them are taken before.

    Parameters
    ----------
    todo, zeros : Signal
        Whose units come next; a unit that is not there never comes.
    go : Signal of bool
        What is taken leaves.
    queue : LaneUnits
        The lane's units; its `take` is driven here.
    before, after : Turn
        What comes before the lane's unit, and before the next lane's.
    choice : Choice
        What is taken.
    """
    slots = len(before.slot)

    @always_comb
    def choose() -> None:
        can = queue.there or (zeros and not queue.waiting)
        can = can and not before.count[slots - 1]
        choice.taken.next = todo[lane] and before.open and can
        choice.unit.next = todo[lane] and before.open and can and queue.there
        choice.stops.next = todo[lane] and before.open and not can
        after.open.next = before.open and (can or not todo[lane])

    @always_comb
    def count() -> None:
        after.slot.next = before.slot
        after.wrapped.next = before.wrapped
        after.count.next = before.count
        if todo[lane]:
            after.slot.next = concat(before.slot[slots - 1 :], before.slot[slots - 1])
            after.wrapped.next = before.wrapped or before.slot[slots - 1]
            after.count.next = concat(before.count[slots - 1 :], True)

    @always_comb
    def leave() -> None:
        queue.take.next = choice.unit and go

    return instances()


@block
def slot_filler(
    queues: Sequence[LaneUnits], turns: Sequence[Turn], choices: Sequence[Choice], unit: Any, *, number: int
) -> Any:
    """Choose the unit that goes to a slot of a word: zeros, if there is none."""
    lanes = len(queues)
    heads = ConcatSignal(*(queue.head for queue in reversed(queues)))
    here = ConcatSignal(*(turn.slot(number) for turn in reversed(turns[:lanes])))
    units = ConcatSignal(*(choice.unit for choice in reversed(choices)))

    @always_comb
    def fill() -> None:
        chosen = intbv(0)[UNIT:]
        for i in range(lanes):
            if here[i] and units[i]:
                chosen[:] = chosen | ((heads >> (UNIT * i)) & (2**UNIT - 1))
        unit.next = chosen

    return instances()
