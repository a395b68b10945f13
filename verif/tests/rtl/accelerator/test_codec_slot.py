"""The codec slots as engines of their own: packets of several codecs, with stalls."""

import numpy as np
import pytest
from myhdl import Signal, always_comb, always_seq, block, intbv

from silicodec.models.accelerator.packets import RAW, decode, encode
from silicodec.models.dct import DCT
from silicodec.models.dct.modes import mode_word
from silicodec.rtl.accelerator.codec_slot import CodedPackets, DecodedRows, decode_slot, encode_slot
from silicodec.rtl.blocks.stream import gated, reset_gate
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.dct.engines import length_words
from silicodec.rtl.engine import Engine, Port
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.simulate import simulate

DCT_MODE = mode_word(DCT(step=2))
DCT_WORDS = tuple(1 + 2 * mode for mode in (DCT_MODE, mode_word(DCT(step=4)), mode_word(DCT(step=1), "uint8")))


@block
def decoding(clk, rst, packed, jobs, rows, residual_rows):
    """A word of `jobs` says of each packet its codec, above it the number of its tiles, and the mark at the top."""
    packets, decoded = CodedPackets(), DecodedRows()
    empty = Signal(bool(0))
    parts = [decode_slot(clk, rst, packets, decoded, empty, dct=True)]

    @always_comb
    def enter():
        packets.data.next = packed.data
        packets.last.next = packed.last
        packets.valid.next = packed.valid and jobs.valid
        packets.codec.next = jobs.data[5:]
        packets.tiles.next = jobs.data[11:5]
        packets.residual.next = jobs.data[11]
        packed.ready.next = packets.ready and jobs.valid
        jobs.ready.next = packed.valid and packets.ready and packed.last

    @always_comb
    def leave():
        rows.data.next = decoded.data
        rows.last.next = decoded.last
        # Where rows are, the slot is not empty.
        rows.error.next = decoded.raw and not empty
        rows.valid.next = decoded.valid and not decoded.residual
        residual_rows.data.next = decoded.data
        residual_rows.last.next = decoded.last
        residual_rows.error.next = decoded.raw
        residual_rows.valid.next = decoded.valid and decoded.residual
        decoded.ready.next = rows.ready
        if decoded.residual:
            decoded.ready.next = residual_rows.ready

    return parts, enter, leave


@block
def encoding(clk, rst, rows, choice, packed):
    """The word of `choice` is the codec of all packets."""
    codec, chosen, held = Signal(intbv(0)[5:]), Signal(bool(0)), Signal(bool(0))
    (offered,) = gated(rows)
    gate = reset_gate(held, rows, offered)
    slot = encode_slot(clk, rst, offered, codec, packed, dct=True)

    @always_comb
    def hold():
        held.next = rst or not chosen  # nothing is taken in reset where the slot's input is a port
        choice.ready.next = not (rst or chosen)

    @always_seq(clk.posedge, reset=rst)
    def choose():
        if choice.valid and not chosen:
            codec.next = choice.data
            chosen.next = True

    return gate, slot, hold, choose


def engine_of(block, inputs, outputs):
    nothing = {"reference": lambda inputs: {}, "stimulus": lambda tensors: {}, "tensor": inputs[0].name}
    return Engine(
        name="codec-slot", summary="", block=block, parameters={}, inputs=inputs, outputs=outputs,
        period_ns=5.0, **nothing,
    )  # fmt: skip


DECODING = engine_of(
    decoding,
    (Port("packed", 64), Port("jobs", 12)),
    (Port("rows", 64, error=True), Port("residual_rows", 64, error=True)),
)
ENCODING = engine_of(encoding, (Port("rows", 64), Port("choice", 5)), (Port("packed", 64),))


def maps_of(seed, count, *, lowest=-128):
    """Return maps as layers make them: smooth, 1 to 8 rows, and every width to 40."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        rows, width = int(random.integers(1, 9)), int(random.integers(1, 41))
        slope = np.cumsum(random.normal(0, 6, (rows, width)), axis=1) + random.integers(lowest, 100)
        yield np.clip(slope, lowest, 127).astype(np.int8)


def rows_of(samples, codec):
    """Return the rows that a slot gives for a packet: those of the strip, or all eight of each tile."""
    return encode(samples if codec == RAW else np.pad(samples, ((0, 8 - len(samples)), (0, 0)), mode="edge"), RAW)


@pytest.mark.parametrize(
    ("backend", "count", "stalls"),
    [("verilator", 80, None), ("verilator", 80, Stalls(seed=3)), ("icarus", 6, None)],
    ids=["flowing", "stalling", "icarus"],
)
def test_packets_of_several_codecs(backend, count, stalls):
    random = np.random.default_rng(5)
    packets, jobs, expected = [], [], {"rows": [], "residual_rows": []}
    for samples in maps_of(7, count, lowest=0):
        codec = RAW if random.random() < 0.3 else int(random.choice(DCT_WORDS))
        words, residual = encode(samples, codec), int(random.integers(2))
        tiles = -(-samples.shape[1] // 8)
        packets.append(words)
        jobs.append(codec | tiles << 5 | residual << 11)
        restored = samples if codec == RAW else decode(words, codec, (8, 8 * tiles))
        expected["residual_rows" if residual else "rows"].append((encode(restored, RAW).tolist(), codec == RAW))
    inputs = {"packed": packets, "jobs": [np.array(jobs, np.uint16)]}
    result = simulate(DECODING, inputs, backend=backend, stalls=stalls)
    for name, pairs in expected.items():
        assert [words.tolist() for words in result.streams[name]] == [words for words, _ in pairs]
        assert result.errors[name] == [raw for _, raw in pairs]


def test_the_slot_is_as_fast_as_its_decoder():
    packets = [encode(samples[:, :8], DCT_WORDS[0]) for samples in maps_of(2, 200)]
    jobs = np.full(len(packets), DCT_WORDS[0] | 1 << 5, np.uint16)
    slot = simulate(DECODING, {"packed": packets, "jobs": [jobs]})
    lengths = [length_words(1, DCT_MODE)] * len(packets)
    decoder = simulate(ENGINES["dct-decoder"], {"tiles": packets, "length": lengths})
    assert len(slot.streams["rows"]) == len(packets)
    assert slot.cycles < 1.1 * decoder.cycles


@pytest.mark.parametrize(
    ("backend", "codec"), [*(("verilator", codec) for codec in (RAW, *DCT_WORDS)), ("icarus", DCT_WORDS[0])]
)
def test_rows_become_packets(backend, codec):
    maps = list(maps_of(codec, 3 if backend == "icarus" else 20, lowest=0))
    inputs = {"rows": [rows_of(samples, codec) for samples in maps], "choice": [np.array([codec], np.uint8)]}
    result = simulate(ENCODING, inputs, backend=backend, stalls=Stalls(seed=4))
    assert [words.tolist() for words in result.streams["packed"]] == [encode(map_, codec).tolist() for map_ in maps]
