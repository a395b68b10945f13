"""Passes of the 8-point DCT in shifts and adds: the hardware of `silicodec.models.dct_transform`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import block, instances

from .adder_network import AdderNetwork, Step, adder, register, round_off

FORWARD = (256, 355, 334, 301, 256, 201, 139, 71)
"""By m, the constant that stands for cos(m pi / 16) in the forward transform."""

_FORWARD_EVEN: tuple[tuple[Step, ...], ...] = (
    ((1, 3, -1, 1, 0), (1, 2, 1, 1, 0)),  # 7, 5
    ((5, 5, 1, 7, 0), (167, 0, -1, 7, 2)),  # 167, 139
)
_FORWARD_ODD: tuple[tuple[Step, ...], ...] = (
    ((1, 1, 1, 1, 0), (1, 4, 1, 1, 0), (17, 2, 1, 3, 0)),  # 3, 17, 71
    ((17, 4, -1, 71, 0), (71, 2, 1, 17, 0), (71, 2, 1, 71, 0)),  # 201, 301, 355
)
"""Steps to the multiples before and after the pipeline register."""


@block
def forward_pass(clk: Any, advance: Any, x: Sequence[Any], y: Sequence[Any], *, half: int, shift: int) -> Any:
    """Transform eight numbers every cycle, y[k] = (X[k] + half) >> shift, a clock edge later.

    Parameters
    ----------
    advance : Signal of bool
        The pipeline register takes new values.
    x, y : 8 signed Signals
        Numbers; their transform.
    half, shift : int
        Rounding.
    """
    network = AdderNetwork()
    add, subtract, delay = network.add, network.subtract, network.delay

    s = [add(x[n], x[7 - n]) for n in range(4)]
    d = [subtract(x[n], x[7 - n]) for n in range(4)]
    e0, e1, e2, e3 = add(s[0], s[3]), add(s[1], s[2]), subtract(s[1], s[2]), subtract(s[0], s[3])
    sums = {0: delay(add(e0, e1)), 4: delay(subtract(e0, e1))}

    f2, f3 = (delayed_multiples(network, e, (5, 7), *_FORWARD_EVEN) for e in (e2, e3))
    sums[2] = add(f3[167], f2[139], 1)
    sums[6] = subtract(f3[139], f2[167], 0, 1)

    f = [delayed_multiples(network, number, (17, 71), *_FORWARD_ODD) for number in d]
    for k in (1, 3, 5, 7):
        sums[k] = signed_sum(network, [(f[n], *constant(FORWARD, k, n)) for n in range(4)])

    adders = [adder(*arguments) for arguments in network.adders]
    registers = [register(clk, advance, *arguments) for arguments in network.registers]
    outputs = [round_off(sums[k], 0 if k % 4 else 8, half, shift, y[k]) for k in range(8)]
    return instances()


def delayed_multiples(
    network: AdderNetwork, x: Any, kept: Sequence[int], before: Sequence[Step], after: Sequence[Step]
) -> dict[int, Any]:
    """Return multiples of `x` by their factors, behind a register for those that are `kept`."""
    first = network.multiples({1: x}, before)
    return network.multiples({factor: network.delay(first[factor]) for factor in kept}, after)


def constant(constants: Sequence[int], k: int, n: int) -> tuple[int, int]:
    """Return the constant of |cos((2n + 1) k pi / 16)| and the sign of that cosine."""
    angle = (2 * n + 1) * k % 32
    angle = min(angle, 32 - angle)
    return (constants[angle], 1) if angle < 8 else (constants[16 - angle], -1)


def signed_sum(network: AdderNetwork, terms: Sequence[tuple[dict[int, Any], int, int]]) -> Any:
    """Add four terms, each a number's multiples, a factor among them and a sign; the first sign is positive."""
    (t0, _), (t1, sign1), (t2, sign2), (t3, sign3) = ((multiples[factor], sign) for multiples, factor, sign in terms)
    combine = {1: network.add, -1: network.subtract}
    return combine[sign2](combine[sign1](t0, t1), combine[sign2 * sign3](t2, t3))
