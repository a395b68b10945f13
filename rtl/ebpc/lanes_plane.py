"""The code of one bit plane in the BPC stream of parallel EBPC, both ways."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, instances, intbv

from silicodec.models.ebpc.parallel_loops import (
    ALL_ONES,
    EXTRA_BITS,
    FIELD_BITS,
    PLANE_BITS,
    TWO_ONES,
    ZERO_DELTA_PLANE,
    ZERO_PLANE,
)


class PlaneCode:
    """The code of a plane: its field and, if it is `stored`, three bits more, which are zero otherwise.

    `changed` says that DBX is not zero.
    """

    def __init__(self) -> None:
        self.field: Any = Signal(intbv(0)[FIELD_BITS:])
        self.extra: Any = Signal(intbv(0)[EXTRA_BITS:])
        self.stored: Any = Signal(bool(0))
        self.changed: Any = Signal(bool(0))


@block
def code_plane(change: Any, level: Any, code: PlaneCode) -> Any:
    """Code a plane.

    Parameters
    ----------
    change : Signal
        DBX, the first difference in the most significant bit.
    level : Signal of bool
        DBP is zero.
    code : PlaneCode
        The code.
    """
    plane = Signal(intbv(0)[PLANE_BITS:])
    starts = Signal(intbv(0)[PLANE_BITS:])
    pairs = Signal(intbv(0)[PLANE_BITS:])
    position = Signal(intbv(0)[FIELD_BITS - 2 :])
    short = Signal(bool(0))

    @always_comb
    def turn() -> None:
        # A copy, since Verilog has no bit of a slice.
        plane.next = change

    @always_comb
    def find_edges() -> None:
        # One run of ones is a single start; a run of at most two has no pair next to a pair.
        starts.next[0] = plane[PLANE_BITS - 1]
        pairs.next[0] = False
        for i in range(1, PLANE_BITS):
            starts.next[i] = plane[PLANE_BITS - 1 - i] and not plane[PLANE_BITS - i]
            pairs.next[i] = plane[PLANE_BITS - 1 - i] and plane[PLANE_BITS - i]

    @always_comb
    def locate() -> None:
        found = intbv(0)[FIELD_BITS - 2 :]
        seen = False
        more = False
        triple = False
        for i in range(PLANE_BITS):
            # An or of all positions: right where there is one start, and not used where there are more.
            if starts[i]:
                found[:] = found | i
            more = more or (seen and starts[i])
            seen = seen or starts[i]
            if i >= 2:
                triple = triple or (pairs[i] and pairs[i - 1])
        position.next = found
        short.next = not more and not triple

    @always_comb
    def choose() -> None:
        code.changed.next = plane != 0
        code.stored.next = False
        if plane == 0:
            code.field.next = ZERO_PLANE
        elif short:
            code.field.next = position
            if pairs != 0:
                code.field.next = TWO_ONES | position
        elif plane == 2**PLANE_BITS - 1:
            code.field.next = ALL_ONES
        elif level:
            code.field.next = ZERO_DELTA_PLANE
        else:
            code.stored.next = True
            code.field.next = 2 ** (FIELD_BITS - 1) | plane[PLANE_BITS:EXTRA_BITS]

    @always_comb
    def add() -> None:
        code.extra.next = 0
        if code.stored:
            code.extra.next = plane[EXTRA_BITS:]

    return instances()


@block
def read_plane(codes: Any, reached: Any, extra: Any, change: Any, clear: Any, k: int) -> Any:
    """Read DBX of a plane.

    Parameters
    ----------
    codes : CodeStream
        The code of the block.
    reached : Signal
        Which planes have a field.
    extra : Signal
        The plane's three bits after the fields, if it has any.
    change : Signal
        DBX, the first difference in the most significant bit.
    clear : Signal of bool
        DBP is zero, whatever DBX.
    k : int
        Number of the plane.
    """
    body_bits = len(codes.body)
    field_end = body_bits - FIELD_BITS * (k + 1)
    whole_end = body_bits - PLANE_BITS * (k + 1)
    symbol, place = Signal(intbv(0)[FIELD_BITS - 1 :]), Signal(intbv(0)[FIELD_BITS - 2 :])
    stored = Signal(bool(0))

    @always_comb
    def cut() -> None:
        symbol.next = codes.body[field_end + FIELD_BITS - 1 : field_end]
        place.next = codes.body[field_end + FIELD_BITS - 2 : field_end]
        stored.next = codes.body[field_end + FIELD_BITS - 1]

    @always_comb
    def choose() -> None:
        clear.next = False
        change.next = 0
        if codes.whole:
            change.next = codes.body[whole_end + PLANE_BITS : whole_end]
        elif reached[k]:
            if stored:
                change.next[PLANE_BITS:EXTRA_BITS] = symbol
                change.next[EXTRA_BITS:] = extra
            elif symbol == ALL_ONES:
                change.next = 2**PLANE_BITS - 1
            elif symbol == ZERO_DELTA_PLANE:
                clear.next = True
            else:
                for i in range(PLANE_BITS):
                    if place == i or (symbol[FIELD_BITS - 2] and place == i - 1):
                        change.next[PLANE_BITS - 1 - i] = True

    return instances()
