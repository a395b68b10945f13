"""The codec slots with EBPC as engines of their own: packets of all codecs, with stalls, and damaged ones."""

import numpy as np
import pytest
from myhdl import Signal, always_comb, always_seq, block, intbv

from silicodec.models.accelerator.packets import EBPC_CODECS, RAW, decode_checked, encode
from silicodec.models.dct import DCT
from silicodec.models.dct.modes import mode_word
from silicodec.rtl.accelerator.codec_slot import CodedPackets, DecodedRows
from silicodec.rtl.accelerator.ebpc_slot import ebpc_decode_slot, ebpc_encode_slot
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.engine import Engine, Port
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.simulate import simulate

DCT_WORD = 1 + 2 * mode_word(DCT(step=2))
ROWS = (Port("rows", 64, error=True), Port("residual_rows", 64, error=True))


@block
def decoding(clk, rst, packed, jobs, rows, residual_rows, *, dct):
    """A word of `jobs` says of each packet its codec, its number of tiles, the mark and its number of rows."""
    packets, decoded = CodedPackets(), DecodedRows()
    empty = Signal(bool(0))
    slot = ebpc_decode_slot(clk, rst, packets, decoded, empty, dct=dct)

    @always_comb
    def enter():
        packets.data.next = packed.data
        packets.last.next = packed.last
        packets.valid.next = packed.valid and jobs.valid
        packets.codec.next = jobs.data[5:]
        packets.tiles.next = jobs.data[11:5]
        packets.residual.next = jobs.data[11]
        packets.count.next = jobs.data[22:12]
        packed.ready.next = packets.ready and jobs.valid
        jobs.ready.next = packed.valid and packets.ready and packed.last

    @always_comb
    def leave():
        rows.data.next = decoded.data
        rows.last.next = decoded.last
        # Where the decoder gives rows of a strip, the slot is not empty.
        rows.error.next = decoded.fault or (decoded.raw and empty)
        rows.valid.next = decoded.valid and not decoded.residual
        residual_rows.data.next = decoded.data
        residual_rows.last.next = decoded.last
        residual_rows.error.next = decoded.fault
        residual_rows.valid.next = decoded.valid and decoded.residual
        decoded.ready.next = rows.ready
        if decoded.residual:
            decoded.ready.next = residual_rows.ready

    return slot, enter, leave


@block
def encoding(clk, rst, rows, codecs, packed, *, dct):
    """Rows are taken once the codec word has come."""
    codec, chosen = Signal(intbv(0)[5:]), Signal(bool(0))
    offered = Stream(64)
    slot = ebpc_encode_slot(clk, rst, offered, codec, packed, dct=dct)

    @always_seq(clk.posedge, reset=rst)
    def choose():
        if codecs.valid and codecs.ready:
            codec.next = codecs.data
            chosen.next = True

    @always_comb
    def enter():
        offered.data.next = rows.data
        offered.last.next = rows.last
        offered.valid.next = rows.valid and chosen and not rst

    @always_comb
    def accept():
        rows.ready.next = offered.ready and chosen and not rst
        codecs.ready.next = not chosen and not rst

    return slot, choose, enter, accept


def engine_of(block, inputs, outputs, **parameters):
    return Engine(
        name="ebpc-slot", summary="", block=block, parameters=parameters, inputs=inputs, outputs=outputs,
        period_ns=5.0, reference=lambda inputs: {}, stimulus=lambda tensors: {}, tensor=inputs[0].name,
    )  # fmt: skip


def decoding_engine(*, dct):
    return engine_of(decoding, (Port("packed", 64), Port("jobs", 22)), ROWS, dct=dct)


def maps_of(random, count):
    """Return maps of 1 to 8 rows and every width to 40: smooth, rough and sparse ones, around 0 and -128."""
    for _ in range(count):
        shape = int(random.integers(1, 9)), int(random.integers(1, 41))
        slope = np.cumsum(random.normal(0, random.choice([0.5, 6, 60]), shape), axis=1)
        zero = int(random.choice([0, -128]))
        yield np.where(random.random(shape) < random.random(), slope, zero).clip(-128, 127).astype(np.int8)


def damaged(random, words):
    """Return a packet with a bit or its length changed."""
    kind = random.choice(["bit", "cut", "longer"])
    if kind == "longer" or len(words) == 1:
        return np.append(words, random.integers(0, 1 << 64, int(random.integers(1, 4)), np.uint64))
    if kind == "cut":
        return words[: int(random.integers(1, len(words)))]
    changed = words.copy()
    changed[random.integers(len(words))] ^= np.uint64(1 << int(random.integers(64)))
    return changed


def decoding_case(seed, count, codecs, *, damages):
    """Return inputs and what the rows must be, with whether the packet is malformed."""
    random = np.random.default_rng(seed)
    packets, jobs, expected = [], [], {"rows": [], "residual_rows": []}
    for samples in maps_of(random, count):
        codec, residual = int(random.choice(codecs)), int(random.integers(2))
        words = encode(samples, codec)
        if damages and codec in EBPC_CODECS and random.random() < 0.5:
            words = damaged(random, words)
        tiles = -(-samples.shape[1] // 8)
        packets.append(words)
        jobs.append(codec | tiles << 5 | residual << 11 | tiles * len(samples) << 12)
        shape = (8 if codec == DCT_WORD else len(samples), 8 * tiles)
        restored, sound = decode_checked(words, codec, shape)
        expected["residual_rows" if residual else "rows"].append((encode(restored, RAW).tolist(), not sound))
    return {"packed": packets, "jobs": [np.array(jobs, np.uint32)]}, expected


def check_decoding(backend, stalls, inputs, expected, *, dct):
    result = simulate(decoding_engine(dct=dct), inputs, backend=backend, stalls=stalls)
    for name, pairs in expected.items():
        assert [words.tolist() for words in result.streams[name]] == [words for words, _ in pairs]
        assert result.errors[name] == [fault for _, fault in pairs]
    return result


@pytest.mark.prove
@pytest.mark.parametrize("stalls", [None, Stalls(seed=3)], ids=["flowing", "stalling"])
def test_packets_of_all_codecs(stalls):
    case = decoding_case(5, 150, (RAW, *EBPC_CODECS, DCT_WORD), damages=False)
    check_decoding("verilator", stalls, *case, dct=True)


@pytest.mark.parametrize(
    ("backend", "count", "stalls"),
    [("verilator", 400, Stalls(seed=1)), ("icarus", 30, Stalls(seed=2)), ("myhdl", 8, None)],
)
def test_damaged_packets_are_told_and_leave_the_next_ones_alone(backend, count, stalls):
    case = decoding_case(6, count, (RAW, *EBPC_CODECS), damages=True)
    assert any(fault for pairs in case[1].values() for _, fault in pairs)
    check_decoding(backend, stalls, *case, dct=False)


def test_a_row_a_cycle():
    """Packets of maps of 8 x 8 follow each other without a pause, or of one cycle where a row ends in another word."""
    random = np.random.default_rng(8)
    maps = np.where(random.random((200, 8, 8)) < 0.6, random.normal(0, 20, (200, 8, 8)), 0).astype(np.int8)
    packets = [encode(samples, EBPC_CODECS[0]) for samples in maps]
    jobs = np.full(len(packets), EBPC_CODECS[0] | 1 << 5 | 8 << 12, np.uint32)
    result = simulate(decoding_engine(dct=False), {"packed": packets, "jobs": [jobs]})
    assert len(result.streams["rows"]) == len(packets)
    assert result.cycles <= 9 * len(packets) + 20


def check_encoding(backend, codec, *, dct):
    engine = engine_of(encoding, (Port("rows", 64), Port("codecs", 5)), (Port("packed", 64),), dct=dct)
    maps = list(maps_of(np.random.default_rng(codec), 60 if backend == "verilator" else 8))
    whole = [np.pad(map_, ((0, 8 - len(map_)), (0, 0)), mode="edge") if codec == DCT_WORD else map_ for map_ in maps]
    inputs = {"rows": [encode(samples, RAW) for samples in whole], "codecs": [np.array([codec], np.uint8)]}
    for stalls in (None, Stalls(seed=4)):
        result = simulate(engine, inputs, backend=backend, stalls=stalls)
        assert [words.tolist() for words in result.streams["packed"]] == [encode(map_, codec).tolist() for map_ in maps]


@pytest.mark.parametrize("backend", ["verilator", "icarus", "myhdl"])
@pytest.mark.parametrize("codec", EBPC_CODECS)
def test_rows_become_packets(backend, codec):
    check_encoding(backend, codec, dct=False)


@pytest.mark.prove
@pytest.mark.parametrize("codec", [RAW, DCT_WORD, EBPC_CODECS[1]])
def test_rows_become_packets_of_all_codecs(codec):
    check_encoding("verilator", codec, dct=True)
