"""The board's top level, in simulators, and `silicodec fpga talk`."""

import numpy as np
import pytest
from click.testing import CliRunner

from silicodec.cli import main
from silicodec.fpga.board_top import board_verilog
from silicodec.fpga.boards import BOARDS
from silicodec.fpga.link import Link, LinkError, check_engine, run
from silicodec.fpga.protocol import FLAG, MAX_WORDS, RESET, Frame, Status, identity
from silicodec.models.codec import to_words
from silicodec.rtl.catalog import ENGINES
from silicodec.verif.compare import first_difference
from silicodec.verif.drivers.board import Noise, SimulatedBoard, cell_models

DIVIDER = 4
ENCODER = ENGINES["ebpc-encoder"]
LINKED = (
    "ebpc-encoder",
    pytest.param("ebpc-decoder-checked-w16", marks=pytest.mark.prove),
    "ebpc-decoder-axis",
    "huffman-encoder",
    pytest.param("transform-decoder-checked", marks=pytest.mark.prove),
    "dictionary-decoder",
)
"""Engines with every kind of port: narrow and wide, one and several, with an error flag, under AXI4-Stream's names."""


def board_with(engine, *, backend="verilator", divider=DIVIDER, noise=None):
    return SimulatedBoard([board_verilog(engine, divider)], divider, backend=backend, noise=noise)


@pytest.fixture
def link():
    """A link to a simulated board with the encoder, just reset."""
    with board_with(ENCODER) as board, Link(board.port, timeout=5) as link:
        check_engine(link, ENCODER)
        yield link


def exchange(link, data):
    """Send bytes, and return the frame that answers."""
    link._write(data)
    return Frame.from_bytes(link._read_frame(deadline=float("inf")))


@pytest.mark.parametrize("name", LINKED)
def test_engine_gives_the_reference_words_behind_its_link(name, feature_map):
    engine = ENGINES[name]
    channel = feature_map[1]
    inputs = engine.stimulus([channel[:3, :8], channel[3:4, :1], np.zeros((1, 9), np.int8)])
    expected = engine.reference(inputs)
    counts = {name: len(packets) for name, packets in expected.items()}
    with board_with(engine, backend="icarus") as board, Link(board.port, timeout=30) as link:
        outcome = run(link, engine, inputs, counts)
    assert first_difference(expected, outcome.streams) is None
    assert not any(flag for flags in outcome.errors.values() for flag in flags)


@pytest.mark.parametrize("name", ["ebpc-encoder", "ebpc-decoder-checked"])
def test_noise_on_the_line_costs_nothing_but_time(name, feature_map):
    engine, noise = ENGINES[name], Noise(seed=1, probability=0.0005)
    inputs = engine.stimulus([to_words(feature_map, 8), to_words(feature_map[0], 8)])
    expected = engine.reference(inputs)
    counts = {name: len(packets) for name, packets in expected.items()}
    with board_with(engine, divider=12, noise=noise) as board, Link(board.port, timeout=0.2) as link:
        outcome = run(link, engine, inputs, counts)
    assert noise.flips > 10
    assert link.repeats > 5
    assert first_difference(expected, outcome.streams) is None


def test_a_malformed_stream_raises_the_error_flag(feature_map):
    engine = ENGINES["ebpc-decoder-checked"]
    inputs = engine.stimulus([to_words(feature_map[0], 8)])
    inputs["znz"] = [inputs["znz"][0][:1]]
    with board_with(engine) as board, Link(board.port, timeout=5) as link:
        assert run(link, engine, inputs, {"words": 1}).errors == {"words": [True]}


def test_a_request_that_comes_again_is_carried_out_once(link):
    request = Frame(200, 0, 3, b"\x01\x02\x03", last=True).to_bytes()
    answers = [exchange(link, request) for _ in range(3)]
    assert answers == [Frame(200, Status.DONE)] * 3
    reads = [exchange(link, Frame(201, 1).to_bytes()) for _ in range(3)]
    assert reads[0].last
    assert reads == [reads[0]] * 3
    assert exchange(link, Frame(202, 1).to_bytes()).count == 0


def test_a_corrupt_frame_is_refused_and_the_next_one_works(link):
    good = Frame(7, 0, 2, b"\x05\x06", last=True).to_bytes()
    for position in range(1, len(good) - 1):
        damaged = bytearray(good)
        damaged[position] ^= 0x01
        answer = exchange(link, bytes(damaged))
        assert (answer.code, answer.count) == (Status.CORRUPT, 0)
    assert exchange(link, good) == Frame(7, Status.DONE)
    expected = ENCODER.reference({"words": [np.array([5, 6], np.uint8)]})
    assert exchange(link, Frame(8, 1).to_bytes()).payload == bytes(expected["znz"][0])


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (Frame(9, 0, MAX_WORDS + 1, bytes(MAX_WORDS + 1)), Status.OVERSIZED),
        (Frame(9, 0, 3, b"\x01\x02"), Status.CORRUPT),
        (Frame(9, 0, 1, b"\x01\x02"), Status.CORRUPT),
        (Frame(9, 3), Status.UNKNOWN),
        (Frame(9, 17, 1, b"\x01"), Status.UNKNOWN),
    ],
    ids=["oversized", "too-short", "too-long", "unknown", "unknown-with-words"],
)
def test_a_wrong_request_is_refused_and_leaves_nothing_behind(link, frame, status):
    assert exchange(link, frame.to_bytes()).code == status
    assert exchange(link, Frame(10, 0, 1, b"\x01", last=True).to_bytes()).code == Status.DONE
    expected = ENCODER.reference({"words": [np.array([1], np.uint8)]})
    assert exchange(link, Frame(11, 1).to_bytes()).payload == bytes(expected["znz"][0])


def test_a_board_that_is_full_says_so_and_keeps_what_it_has(link):
    words = bytes(range(1, MAX_WORDS + 1))
    codes = []
    for sequence in range(100, 120):
        codes.append(exchange(link, Frame(sequence, 0, MAX_WORDS, words).to_bytes()).code)
    assert Status.FULL in codes
    taken = codes.count(Status.DONE)
    assert codes == [Status.DONE] * taken + [Status.FULL] * (len(codes) - taken)
    expected = bytes(ENCODER.reference({"words": [np.frombuffer(words * taken, np.uint8)]})["bpc"][0])
    received = b""
    for sequence in range(120, 160, 2):
        exchange(link, Frame(sequence, 1).to_bytes())
        received += exchange(link, Frame(sequence + 1, 2).to_bytes()).payload
    assert len(received) > 2 * MAX_WORDS
    assert expected.startswith(received)


def test_garbage_before_a_request_does_not_matter(link):
    link._write(bytes([0x55, 0xAA, 0x00, FLAG, FLAG]))
    assert exchange(link, b"").code == Status.CORRUPT
    assert link.request(RESET).payload == identity(ENCODER)


def test_another_engine_is_noticed(link):
    with pytest.raises(LinkError, match="another engine"):
        check_engine(link, ENGINES["ebpc-decoder"])


def test_an_engine_that_stops_is_noticed(link):
    with pytest.raises(LinkError, match="1 packets missing on bpc"):
        run(link, ENCODER, {"words": [np.zeros(4, np.uint8)]}, {"znz": 1, "bpc": 1})


def test_a_port_that_is_not_there_is_one_line(tmp_path):
    np.save(tmp_path / "in.npy", np.ones(4, np.int8))
    arguments = ["fpga", "talk", "--port", tmp_path / "tty", "ebpc-encoder", tmp_path / "in.npy", tmp_path / "out.npz"]
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 1
    assert "cannot open serial port" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.prove
@pytest.mark.parametrize("name", ["ebpc-encoder", "ebpc-decoder"])
def test_talk_to_the_netlist_of_a_board_over_a_noisy_line(name, netlist, feature_map, tmp_path):
    engine, board, noise = ENGINES[name], BOARDS["icebreaker"], Noise(seed=1, probability=0.002)
    np.save(tmp_path / "in.npy", feature_map[1])
    verilog = [netlist(engine, board), cell_models(board.family)]
    with SimulatedBoard(verilog, board.divider, noise=noise) as simulated:
        arguments = ["--port", simulated.port, "--timeout", 6, name, tmp_path / "in.npy", tmp_path / "out.npz"]
        result = CliRunner().invoke(main, ["fpga", "talk", *(str(argument) for argument in arguments)])
    assert result.exit_code == 0, result.stderr
    assert "match" in result.stdout
    assert noise.flips > 0
    assert "0 requests repeated" not in result.stdout
    expected = engine.reference(engine.stimulus([to_words(feature_map[1], 8)]))
    with np.load(tmp_path / "out.npz") as streams:
        assert {name: streams[name].tobytes() for name in streams} == {
            name: packets[0].tobytes() for name, packets in expected.items()
        }
