"""Packets of coded weights: every word, and an error for each malformed packet."""

from random import Random

import numpy as np
import pytest

from silicodec.models.accelerator.weight_packets import (
    COUNT_BITS,
    LAYOUT_BITS,
    MOST_WORDS,
    decode_packet,
    encode_packet,
    packet_size,
    packet_sizes,
)
from silicodec.models.errors import CorruptDataError
from silicodec.rtl.accelerator.weight_packets import dictionary_packets
from silicodec.rtl.engine import Engine, Port
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.simulate import simulate

ENGINE = Engine(
    name="dictionary-packets",
    summary="packets of weights",
    block=dictionary_packets,
    parameters={},
    inputs=(Port("packets", 64),),
    outputs=(Port("words", 64, error=True),),
    reference=lambda inputs: {},
    stimulus=lambda tensors: {},
    tensor="packets",
    period_ns=9.0,
)


def drawn(random, count):
    """Draw words of weights: dense, or so few distinct ones that slots and runs stand for them."""
    numbers = np.random.default_rng(random.getrandbits(32))
    spread = 1 << random.randint(0, 7)
    weights = numbers.integers(-spread, spread, (count, 8)).astype(np.int8)
    if random.random() < 0.5:
        weights = weights[numbers.integers(0, random.randint(1, 40), count) % count]
    weights[numbers.random(count) < random.choice((0, 0.4))] = 0
    return weights.view("<u8").astype(np.uint64).ravel()


def refused(packet):
    """Tell whether a packet is malformed."""
    try:
        decode_packet(packet)
    except CorruptDataError:
        return True
    return False


@pytest.mark.parametrize(("backend", "most"), [("myhdl", 24), ("icarus", 24), ("verilator", MOST_WORDS)])
def test_every_word_and_every_malformed_packet(backend, most):
    random = Random(backend)
    words = [drawn(random, random.randint(1, most)) for _ in range(12)] + [drawn(random, most)]
    packets = [encode_packet(part) for part in words]
    assert all(np.array_equal(decode_packet(packet), part) for packet, part in zip(packets, words, strict=True))
    for packet in packets[::2]:
        # Its lengths stay as they are, so that the next packet is found.
        packet[random.randrange(1, len(packet))] ^= np.uint64(1 << random.randrange(64))
    packets[3][0] ^= np.uint64(1 << random.randrange(2, LAYOUT_BITS))
    flags = [refused(packet) for packet in packets]
    result = simulate(ENGINE, {"packets": [np.concatenate(packets)]}, backend=backend, stalls=Stalls(seed=7))
    assert result.errors["words"] == flags
    assert set(flags) == {False, True}
    for packet, flag, found in zip(packets, flags, result.streams["words"], strict=True):
        assert len(found) == packet_size(int(packet[0])).words
        assert flag or np.array_equal(found, decode_packet(packet))


@pytest.mark.parametrize(
    ("field", "value"), [(0, 0), (0, MOST_WORDS + 1), (1, 0), (1, MOST_WORDS + 1), (2, MOST_WORDS + 1), (2, 0), (3, 1)]
)
def test_headers_that_are_refused(field, value):
    header = int(encode_packet(np.arange(1, 40, dtype=np.uint64) * np.uint64(0x0102030405060708))[0])
    low = LAYOUT_BITS + field * COUNT_BITS
    changed = header & ~(((1 << COUNT_BITS) - 1) << low) | value << low
    with pytest.raises(CorruptDataError):
        packet_size(changed)
    result = simulate(ENGINE, {"packets": [np.array([changed], np.uint64)]})
    assert result.errors["words"] == [True]


def test_sizes_of_packets_in_a_stream():
    parts = [drawn(Random(n), n) for n in (3, 70, 200)]
    packets = [encode_packet(part) for part in parts]
    sizes = packet_sizes(np.concatenate(packets), sum(map(len, parts)))
    assert [size.length for size in sizes] == list(map(len, packets))
    assert [size.words for size in sizes] == list(map(len, parts))
