"""Bits of lanes to the units of a packet, each at the place at which a decoder takes it."""

from __future__ import annotations

import numpy as np
from numba import njit

from silicodec.models.lanes.code import HELD, UNIT

LANE = np.dtype([(name, np.int64) for name in ("pending", "size", "first", "second", "third", "end")])
"""What a lane has written: bits that are in no unit yet, and their number; the numbers of the three units that a
decoder's lane holds; and that after the last unit that was written."""


@njit(cache=True)
def begin_packet(lanes: np.ndarray, start: int) -> int:
    """Begin a packet at unit number `start`; returns the number of the unit that a lane takes next."""
    for index in range(lanes.size):
        lane = lanes[index]
        lane.pending = lane.size = 0
        lane.first, lane.end = start + index, start
        lane.second = lane.first + lanes.size
        lane.third = lane.second + lanes.size
    return start + lanes.size * HELD


@njit(cache=True)
def put_bits(lanes: np.ndarray, index: int, code: int, length: int, used: int, units: np.ndarray) -> int:
    """Write so many bits of a lane, fewer than 48, to units that are zero before; returns which unit is taken next."""
    lane = lanes[index]
    lane.pending = lane.pending << length | code
    lane.size += length
    while lane.size >= UNIT:
        lane.size -= UNIT
        units[lane.first] = lane.pending >> lane.size
        lane.pending &= (1 << lane.size) - 1
        lane.end = lane.first + 1
        lane.first, lane.second, lane.third = lane.second, lane.third, used
        used += 1
    return used


@njit(cache=True)
def end_packet(lanes: np.ndarray, units: np.ndarray) -> int:
    """Write what is left; returns the number after the packet's last unit."""
    end = 0
    for index in range(lanes.size):
        lane = lanes[index]
        if lane.size:
            units[lane.first] = lane.pending << (UNIT - lane.size)
            lane.end = lane.first + 1
        end = max(end, lane.end)
    return end
