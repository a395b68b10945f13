"""Passes of the 8-point DCT in shifts and adds: the hardware of `silicodec.models.dct.transform`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from myhdl import block, instances

from silicodec.rtl.blocks.adder_network import AdderNetwork, Number, offset, signal, take
from silicodec.rtl.blocks.sliced_network import SlicedNetwork

FORWARD = (256, 355, 334, 301, 256, 201, 139, 71)
INVERSE = (2048, 2841, 2676, 2408, 2048, 1609, 1108, 565)
"""By m, the constants that stand for cos(m pi / 16)."""

FORWARD_STAGES = 3
"""Clock edges in a forward pass: two rows of pipeline registers, and what lies above the cut comes an edge late."""
INVERSE_STAGES = 2
"""Clock edges in an inverse pass: one row of registers, and the same."""

Delay = Callable[[Number], Number]


@block
def forward_pass(
    clk: Any, advance: Any, x: Sequence[Any], y: Sequence[Any], *, cut: int, shift: int, nearest: bool, late: bool
) -> Any:
    """Transform eight numbers every cycle, y[k] = X[k] without `shift` bits, `FORWARD_STAGES` clock edges later.

    60 adders: 14 in butterflies, 8 for the multiples and 2 for the sums of the even part, 24 and 12 of the odd part.

    Parameters
    ----------
    advance : Signal of bool
        The pipeline registers take new values.
    x, y : 8 signed Signals
        Numbers; their transform.
    cut : int
        Where the adders are cut, less than `shift`.
    shift : int
        Bits to round off.
    nearest : bool
        Whether to round to the nearest number instead of down.
    late : bool
        Whether the first of the registers stand after the sums of two products instead of after the butterflies.
    """
    network: Any = AdderNetwork(clk, advance, cut=cut)
    delay = network.delay
    early_delay, late_delay = (keep, delay) if late else (delay, keep)
    numbers = [network.number(number) for number in x]

    s = [numbers[n] + numbers[7 - n] for n in range(4)]
    d = [early_delay(numbers[n] - numbers[7 - n]) for n in range(4)]
    e0, e1, e2, e3 = (delay(number) for number in (s[0] + s[3], s[1] + s[2], s[1] - s[2], s[0] - s[3]))
    f2, f3 = (forward_even_multiples(number, keep if late else delay) for number in (e2, e3))
    sums = {k: delay(number) << 8 for k, number in ((0, e0 + e1), (4, e0 - e1))}
    sums |= {k: late_delay(number) for k, number in ((2, f3[334] + f2[139]), (6, f3[139] - f2[334]))}

    f = [forward_odd_multiples(difference) for difference in d]
    for k in (1, 3, 5, 7):
        terms = [-f[n][-factor] if factor < 0 else f[n][factor] for n, factor in enumerate(row(FORWARD, k))]
        sums[k] = late_delay(terms[0] + terms[1]) + late_delay(terms[2] + terms[3])

    places, rounders = [], []
    for k in range(8):
        if nearest and sums[k].shift < shift:
            total, bottom = sums[k].from_bit(shift - 1, 0)
            rounded = signal(int(total.min) + (1 << bottom), int(total.max) + (1 << bottom))
            rounders.append(offset(total, 0, 1 << bottom, rounded))
            places.append((rounded, bottom + 1))
        else:
            places.append(sums[k].from_bit(shift, len(y[k])))
    parts = [part(*arguments) for part, arguments in network.parts]
    outputs = [take(*places[k], y[k]) for k in range(8)]
    return instances()


def keep(number: Number) -> Number:
    """Return a number as it is: no register."""
    return number


def forward_even_multiples(x: Number, delay: Delay) -> dict[int, Number]:
    """Return a number's multiples by 139 and 334, behind a register if `delay` is one: 4 adders."""
    x5 = (x << 2) + x
    x21 = (x << 4) + x5
    x, x5, x21 = delay(x), delay(x5), delay(x21)
    return {139: (x5 << 5) - x21, 334: ((x21 << 3) - x) << 1}


def forward_odd_multiples(x: Number) -> dict[int, Number]:
    """Return a number's multiples by 71, 201, 301 and 355, behind a register: 6 adders."""
    delay = x.network.delay
    x3, x17 = (x << 1) + x, (x << 4) + x
    x71 = (x17 << 2) + x3
    x17, x71 = delay(x17), delay(x71)
    return {71: x71, 201: (x17 << 4) - x71, 301: (x71 << 2) + x17, 355: (x71 << 2) + x71}


@block
def inverse_pass(
    clk: Any, advance: Any, x: Sequence[Any], y: Sequence[Any], *, cut: int | tuple[int, ...], shift: int
) -> Any:
    """Transform eight numbers back every cycle, y[n] = x[n] rounded off by `shift` bits, `INVERSE_STAGES` edges later.

    64 adders: 12 in butterflies, 2 + 8 + 2 in the even part, 40 in the odd part; and 1 to round.

    Parameters
    ----------
    advance : Signal of bool
        The pipeline registers take new values.
    x, y : 8 signed Signals
        A transform; its numbers, as many of their low bits as `y` has.
    cut : int or tuple of int
        Where the adders are cut; registers stand after five adders, of six. Several cuts are those of a
        `SlicedNetwork`, for shorter paths; the pass then takes a clock edge for each.
    shift : int
        Rounding.
    """
    network: Any
    if isinstance(cut, int):
        network = AdderNetwork(clk, advance, cut=cut)
        delay = network.delay
    else:
        network, delay = SlicedNetwork(clk, advance, cuts=cut), keep

    # Half of the last place goes into the mean, which is multiplied by 2**11.
    up = max(12 - shift, 0)
    half = 1 << (shift - 12 + up)
    mean = signal((int(x[0].min) << up) + half, (int(x[0].max) << up) + half)
    add_half = offset(x[0], up, half, mean)
    x0 = network.number(mean) << (11 - up)
    numbers = [x0, *(network.number(number) for number in x[1:])]

    f2, f6 = (inverse_even_multiples(numbers[k]) for k in (2, 6))
    e0, e1 = delay(x0 + (numbers[4] << 11)), delay(x0 - (numbers[4] << 11))
    e2, e3 = delay(f2[1108] - f6[2676]), delay(f2[2676] + f6[1108])
    s = [e0 + e3, e1 + e2, e1 - e2, e0 - e3]
    d = [delay(inverse_odd_sum(numbers, n)) for n in range(4)]
    sums = [s[n] + d[n] for n in range(4)] + [s[n] - d[n] for n in (3, 2, 1, 0)]
    places = [sums[n].from_bit(shift, len(y[n])) for n in range(8)]

    parts = [part(*arguments) for part, arguments in network.parts]
    outputs = [take(*places[n], y[n]) for n in range(8)]
    return instances()


def inverse_even_multiples(x: Number) -> dict[int, Number]:
    """Return a number's multiples by 1108 and 2676: 4 adders."""
    x = x << 2
    x3 = (x << 1) + x
    x21 = (x3 << 3) - x3
    return {1108: (x << 8) + x21, 2676: (x21 << 5) - x3}


def inverse_odd_sum(x: Sequence[Number], n: int) -> Number:
    """Return the sum of the odd numbers of a transform, each times its constant.

    11 adders, some of which sums share: 40 for all four.
    """
    place = {abs(factor): -x[k] if factor < 0 else x[k] for k in (1, 3, 5, 7) for factor in [row(INVERSE, k)[n]]}
    a, b, c, d = (place[factor] for factor in INVERSE[1::2])
    # 2841 a + 2408 b + 1609 c + 565 d = 11 p + 25 q + 9 r + 8 * 257 b
    p = (a << 8) + (b << 5) - d
    q = (c << 6) + a
    r = (d << 6) + c
    nines = p + (q + r)
    rest = (p << 1) + ((q << 4) + ((b << 11) + (b << 3)))
    return (nines << 3) + nines + rest


def row(constants: Sequence[int], k: int) -> list[int]:
    """Return what stands for cos((2n + 1) k pi / 16), n = 0 .. 3, where k is odd."""
    angles = [(2 * n + 1) * k % 32 for n in range(4)]
    folded = [min(angle, 32 - angle) for angle in angles]
    return [constants[m] if m < 8 else -constants[16 - m] for m in folded]
