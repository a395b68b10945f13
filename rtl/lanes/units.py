"""Units that a lane holds, and the steps that all lanes do at once."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, block, concat, downrange, instances, intbv, modbv

from silicodec.models.lanes.code import UNIT

PLACE_BITS = (UNIT - 1).bit_length()
FILLING_STEPS = 2
"""Steps in which lanes take units before the first row."""


class Steps:
    """What all lanes do at once.

    With `start` a packet begins. With `step` they move on; while they are `filling` themselves, by a unit each, and
    afterwards by a row.
    """

    def __init__(self) -> None:
        self.start: Any = Signal(bool(0))
        self.step: Any = Signal(bool(0))
        self.filling: Any = Signal(bool(0))


@block
def step_count(clk: Any, steps: Steps, rows: Any, last_row: Any) -> Any:
    """Count the steps of a packet: those in which lanes fill themselves, and then its rows.

    Parameters
    ----------
    steps : Steps
        Its `filling` is driven here.
    rows : Signal
        The number of rows as the packet starts; zero stands for 2**(its width).
    last_row : Signal of bool
        The next row is the last one.
    """
    fillings = Signal(intbv(0)[2:])
    remaining = Signal(modbv(0)[len(rows) :])

    @always_comb
    def show() -> None:
        steps.filling.next = fillings != 0
        last_row.next = remaining == 1

    @always(clk.posedge)
    def count() -> None:
        if steps.start:
            remaining.next = rows
            fillings.next = FILLING_STEPS
        elif steps.step:
            if steps.filling:
                fillings.next = fillings - 1
            else:
                remaining.next = remaining - 1

    return instances()


class LanePort:
    """A lane's units.

    Where it `need`s a unit it takes one with `grant`: `unit`, of which `absent` says that it lies beyond the packet's
    end. `flaw` says that it has read what lies beyond the packet's end, and `clean` that with this row the lane ends as
    it should.
    """

    def __init__(self) -> None:
        self.need: Any = Signal(bool(0))
        self.grant: Any = Signal(bool(0))
        self.unit: Any = Signal(intbv(0)[UNIT:])
        self.absent: Any = Signal(bool(0))
        self.flaw: Any = Signal(bool(0))
        self.clean: Any = Signal(bool(0))


class HeldUnits:
    """What a lane reads of the units that it holds.

    `window` is the next 16 bits, of which the first is bit `place` of the first unit. What begins there has `extra`
    bits and one, which makes the first unit `used_up`; with `decode` it is read.
    """

    def __init__(self) -> None:
        self.window: Any = Signal(intbv(0)[UNIT:])
        self.place: Any = Signal(intbv(0)[PLACE_BITS:])
        self.extra: Any = Signal(intbv(0)[PLACE_BITS:])
        self.used_up: Any = Signal(bool(0))
        self.decode: Any = Signal(bool(0))


@block
def held_units(clk: Any, steps: Steps, port: LanePort, held: HeldUnits, clean: Any, reads: Any = True) -> Any:
    """Hold three units, and move on by what is read of them.

    The third one is missing for a step after the first was used up, so that where it comes from may be found out
    meanwhile.

    Parameters
    ----------
    steps : Steps
        What all lanes do.
    port : LanePort
        Where units come from; its `need` and `flaw` are driven here.
    held : HeldUnits
        Its `window`, `place` and `decode` are driven here.
    clean : Signal of bool
        All that is left is zeros, and nothing beyond the packet's end was read.
    reads : Signal of bool, optional
        Whether the lane reads something in a step of a row: always, unless given.
    """
    first, second, third = (Signal(intbv(0)[UNIT:]) for _ in range(3))
    no_first, no_second, no_third = (Signal(bool(0)) for _ in range(3))
    new_place = Signal(modbv(0)[PLACE_BITS:])
    shift = Signal(bool(0))

    @always_comb
    def show() -> None:
        both = intbv(0)[2 * UNIT :]
        both[:] = concat(first, second)
        for stage in downrange(PLACE_BITS):
            if held.place[stage]:
                both[:] = (both << (1 << stage)) & (2 ** (2 * UNIT) - 1)
        held.window.next = both[2 * UNIT : UNIT]

    @always_comb
    def move() -> None:
        # With a bit below that makes the carry in.
        sums = intbv(0)[PLACE_BITS + 2 :]
        sums[:] = ((held.place << 1) | 1) + ((held.extra << 1) | 1)
        new_place.next = sums[PLACE_BITS + 1 : 1]

    @always_comb
    def act() -> None:
        held.decode.next = steps.step and not steps.filling and reads
        shift.next = steps.step and (steps.filling or (reads and held.used_up))

    @always(clk.posedge)
    def hold() -> None:
        if shift:
            first.next = second
            no_first.next = no_second
            second.next = third
            no_second.next = no_third
            if port.need:
                second.next = port.unit
                no_second.next = port.absent
        if port.grant:
            third.next = port.unit
            no_third.next = port.absent

    @always(clk.posedge)
    def track() -> None:
        if steps.start:
            port.need.next = True
            held.place.next = 0
            port.flaw.next = False
        else:
            if shift:
                port.need.next = True
            elif port.grant:
                port.need.next = False
            if held.decode:
                held.place.next = new_place
                if held.used_up and no_first:
                    port.flaw.next = True

    @always_comb
    def check() -> None:
        # The window is the rest of the first unit, and the beginning of the second one.
        clean.next = (
            held.window == 0
            and second == 0
            and (third == 0 or port.need)
            and not port.flaw
            and (held.place == 0 or not no_first)
        )

    return instances()
