"""The ZNZ stream of EBPC: which words of a packet are zero.

The format is described in `docs/formats/ebpc.md`.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.bitstream import SLAB, look_ahead, new_bits, pack_nonzero, padded, peek, put, to_stream
from silicodec.models.codec import EncodedStream
from silicodec.models.ebpc import flag_bytes
from silicodec.models.ebpc.tables import field_bits
from silicodec.models.errors import CorruptDataError


def encode_zeros(flags: np.ndarray, count: int, max_zero_run: int) -> EncodedStream:
    """Encode where zero words are, among so many with flags as `pack_nonzero` gives them with a spare byte."""
    run_bits = field_bits(max_zero_run)
    if max_zero_run <= flag_bytes.LONGEST_RUN:
        return _encode_bytes(flags, count, max_zero_run)
    bits = new_bits(count * (1 + run_bits))
    end = _encode_flags(flags[:-1], -count % 8, max_zero_run, run_bits, _flag_codes(max_zero_run), bits)
    return to_stream(bits, end)


def _encode_bytes(flags: np.ndarray, count: int, max_zero_run: int) -> EncodedStream:
    """Encode bytes of flags by tables; the last byte is spare."""
    # Ones after the end write the run of zeros before them; their own codes, a bit each, are cut off again.
    ones = 8 + -count % 8
    flags[-2:] |= np.array([(1 << ones - 8) - 1, 255], np.uint8)[-flags.size :]
    halves = np.empty(flags.size + 1, np.uint32)
    nbits = flag_bytes.encode_flags(flags, max_zero_run, flag_bytes.flag_codes(max_zero_run), halves) - ones
    data = _to_bytes(halves[: nbits // 32 + 1])[: -(-nbits // 8)]
    data[-1:] &= 0xFF << (-nbits % 8) & 0xFF
    return EncodedStream(data.tobytes(), nbits)


def _to_bytes(halves: np.ndarray) -> np.ndarray:
    """Turn elements of 32 bits into bytes, most significant first, in place."""
    return (halves.byteswap(inplace=True) if sys.byteorder == "little" else halves).view(np.uint8)


def decode_zeros(stream: EncodedStream, count: int, max_zero_run: int) -> tuple[np.ndarray, int]:
    """Decode a flag for each word, eight to a byte as of `pack_nonzero`, and say how many bits of the stream they take.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    run_bits = field_bits(max_zero_run)
    runs, nonzero = divmod(stream.nbits, 1 + run_bits)
    if count > runs * max_zero_run + nonzero:
        raise CorruptDataError("ZNZ stream is too short")
    data = padded(stream.data, 0, len(stream.data), spare=24)
    position, found = 0, 0
    packed = np.zeros(4 * (count // 32 + 2), np.uint8)
    if max_zero_run <= flag_bytes.LONGEST_RUN:
        halves = packed.view(np.uint32)
        meanings = flag_bytes.flag_meanings(max_zero_run)
        position, found = flag_bytes.decode_flags(data, stream.nbits, meanings, count, halves)
        _to_bytes(halves)
    # What is left, all of it or the end, is decoded to a byte for each flag, a slab at a time.
    start = found // 8 * 8
    flags = np.zeros(min(SLAB, count - start) + 8, np.uint8)
    flags[: found - start] = np.unpackbits(packed[start // 8 :], count=found - start)
    index = found - start
    while True:
        limit = min(SLAB, count - start)
        position, index = _decode_flags(data, stream.nbits, run_bits, _LEADING_ONES, position, flags, index, limit)
        packed[start // 8 : -(-(start + limit) // 8)] = np.packbits(flags[:limit])
        start, index = start + limit, index - limit
        if start == count:
            break
        flags[:] = 0
    if index > 0:
        raise CorruptDataError("ZNZ stream has a run of zeros beyond the packet")
    if position > stream.nbits:
        raise CorruptDataError("ZNZ stream is too short")
    return packed[: -(-count // 8)], position


def count_zero_bits(words: np.ndarray, max_zero_run: int) -> int:
    """Count the bits that `encode_zeros` would write."""
    flags = pack_nonzero(words)
    return _count_bits(flags, -words.size % 8, field_bits(max_zero_run), _flag_codes(max_zero_run))


@njit(cache=True)
def nonzero_words(words: np.ndarray) -> np.ndarray:
    """Return the nonzero words, in order."""
    nonzero = np.empty_like(words)
    count = np.uint64(0)
    for word in words:
        # Stored in any case and overwritten if zero: there is no branch to mispredict.
        nonzero[count] = word
        count += np.uint64(word != 0)
    return nonzero[: np.int64(count)]


def insert_zeros(packed: np.ndarray, words: np.ndarray, start: int, count: int) -> None:
    """Spread the nonzero words that begin at `start` over the first `count` places, where the flags are 1.

    In place: `start` is at least the number of zeros, so that no word is overwritten before it is read. `words` has
    room for one word more after the nonzero ones; of bytes, for `SPARE_BYTES` more after these and after `count`, a
    multiple of 8 in all.
    """
    if words.itemsize == 1:
        _spread_bytes(packed, words.view("<u8"), start, *_spread_masks())
        return
    for place in range(0, count, SLAB):
        flags = np.unpackbits(packed[place // 8 : (place + SLAB) // 8], count=min(SLAB, count - place))
        start = _spread(flags, words, start, place)


@njit(cache=True)
def _spread(flags: np.ndarray, words: np.ndarray, read: int, place: int) -> int:
    for flag in flags:
        words[place] = words[read] * flag
        read += flag
        place += 1
    return read


SPARE_BYTES = 16


@lru_cache
def _spread_masks() -> tuple[np.ndarray, np.ndarray]:
    """Tabulate by eight flags how bytes move to where flags are 1.

    Returns
    -------
    masks : numpy.ndarray
        uint64, (256 * 4,): the places that bytes get to from four, two and one before, in this order, and all places in
        the end.
    counts : numpy.ndarray
        uint8, (256,): the number of flags that are 1.
    """
    masks = np.zeros((256, 4, 8), np.uint8)
    for flags in range(256):
        ones = [place for place in range(8) if flags >> (7 - place) & 1]
        for rank, place in enumerate(ones):
            now = rank
            for step, distance in enumerate((4, 2, 1)):
                if (place - rank) & distance:
                    now += distance
                    masks[flags, step, now] = 0xFF
            masks[flags, 3, place] = 0xFF
    return masks.view("<u8").reshape(-1), np.bitwise_count(np.arange(256, dtype=np.uint8))


@njit(cache=True)
def _spread_bytes(packed: np.ndarray, words: np.ndarray, start: int, masks: np.ndarray, counts: np.ndarray) -> None:
    """Spread bytes, eight to an element of `words` and of `packed`, from the `start`-th byte on."""
    read = np.uint64(start)
    for index in range(packed.size):
        flags = packed[index]
        source, offset = read >> np.uint64(3), (read & np.uint64(7)) << np.uint64(3)
        eight = words[source] >> offset | (words[source + np.uint64(1)] << np.uint64(1)) << (np.uint64(63) - offset)
        row = np.uint64(flags) << np.uint64(2)
        mask = masks[row]
        eight = (eight & ~mask) | (eight << np.uint64(32)) & mask
        mask = masks[row | np.uint64(1)]
        eight = (eight & ~mask) | (eight << np.uint64(16)) & mask
        mask = masks[row | np.uint64(2)]
        eight = (eight & ~mask) | (eight << np.uint64(8)) & mask
        words[index] = eight & masks[row | np.uint64(3)]
        read += np.uint64(counts[flags])


class _FlagCodes(NamedTuple):
    """The codes of eight flags, first flag most significant, by their number.

    The zeros at either end may belong to a longer run: they are only counted. `value` and `length` are of the code of
    what is between.
    """

    leading_zeros: np.ndarray
    trailing_zeros: np.ndarray
    value: np.ndarray
    length: np.ndarray


@lru_cache
def _flag_codes(max_zero_run: int) -> _FlagCodes:
    codes = _FlagCodes(*(np.zeros(256, dtype) for dtype in (np.uint8, np.uint8, np.uint64, np.uint8)))
    for flags in range(1, 256):
        text = f"{flags:08b}"
        codes.leading_zeros[flags] = len(text) - len(text.lstrip("0"))
        codes.trailing_zeros[flags] = len(text) - len(text.rstrip("0"))
        bits = new_bits(64)
        end = 0
        for zeros in text.strip("0").split("1")[1:-1]:
            end = put(bits, end, 1, 1)
            end = _put_zeros(bits, end, len(zeros), max_zero_run, field_bits(max_zero_run))
        end = put(bits, end, 1, 1)
        codes.value[flags] = peek(bits, 0, end)
        codes.length[flags] = end
    return codes


_LEADING_ONES = np.array([8 - (255 - flags).bit_length() for flags in range(256)], np.uint8)
"""How many ones eight flags start with."""


@njit(cache=True)
def _encode_flags(
    flags: np.ndarray,
    padding: int,
    max_zero_run: int,
    run_bits: int,
    codes: _FlagCodes,
    bits: np.ndarray,
) -> int:
    """Encode flags, eight to a byte, of which the last `padding` do not count; returns the number of bits written."""
    position = 0
    zeros = 0
    for eight in flags:
        if eight == 0:
            zeros += 8
            continue
        position = _put_zeros(bits, position, zeros + codes.leading_zeros[eight], max_zero_run, run_bits)
        position = put(bits, position, codes.value[eight], codes.length[eight])
        zeros = codes.trailing_zeros[eight]
    return _put_zeros(bits, position, zeros - padding, max_zero_run, run_bits)


@njit(cache=True)
def _put_zeros(bits: np.ndarray, position: int, count: int, max_zero_run: int, run_bits: int) -> int:
    """Write the codes of a run of zero words; returns the position after them."""
    while count > 0:
        run = min(count, max_zero_run)
        position = put(bits, position, run - 1, 1 + run_bits)
        count -= run
    return position


@njit(cache=True)
def _decode_flags(
    data: np.ndarray,
    nbits: int,
    run_bits: int,
    leading_ones: np.ndarray,
    position: int,
    flags: np.ndarray,
    index: int,
    count: int,
) -> tuple[int, int]:
    """Decode flags from a position on, the `index`-th to the `count`-th, and zeros that their last run has beyond it.

    The rest of `flags` is zeros, and has room for eight more. Returns the number of bits and of flags read in all.
    """
    while index < count:
        if position > nbits:
            raise CorruptDataError("ZNZ stream is too short")
        ahead = np.int64(look_ahead(data, np.uint64(position)) >> np.uint64(64 - 8 - 1 - run_bits))
        ones = leading_ones[ahead >> (1 + run_bits)]
        if ones > count - index:
            ones = count - index
        for i in range(8):
            flags[index + i] = i < ones
        index += ones
        position += ones
        if ones < 8 and index < count:
            index += 1 + ((ahead >> (8 - ones)) & ((1 << run_bits) - 1))
            position += 1 + run_bits
    return position, index


@njit(cache=True)
def _count_bits(
    flags: np.ndarray,
    padding: int,
    run_bits: int,
    codes: _FlagCodes,
) -> int:
    """Count the bits that `_encode_flags` would write."""
    round_up = (1 << run_bits) - 1
    runs = 0
    total = 0
    zeros = 0
    for eight in flags:
        if eight == 0:
            zeros += 8
            continue
        runs += (zeros + codes.leading_zeros[eight] + round_up) >> run_bits
        total += codes.length[eight]
        zeros = codes.trailing_zeros[eight]
    runs += (zeros - padding + round_up) >> run_bits
    return total + runs * (1 + run_bits)
