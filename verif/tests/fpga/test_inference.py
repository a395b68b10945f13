"""Images through networks on the accelerator of a board: in simulators, and `silicodec fpga accelerate`."""

import os
import threading
import tty
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from silicodec.cli import main
from silicodec.fpga.board_top import board_verilog
from silicodec.fpga.boards import ACCELERATOR
from silicodec.fpga.inference import classify
from silicodec.fpga.link import Link, LinkError
from silicodec.models.accelerator.compiler import MapCoding, compile_graph
from silicodec.models.accelerator.inference import Inference, prepare
from silicodec.models.accelerator.layers import LayerGraph
from silicodec.models.accelerator.reference import pixel_words, run_program
from silicodec.models.accelerator.sample import random_layer
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.networks import get_network
from silicodec.rtl.accelerator.engines import accelerator_engine
from silicodec.rtl.catalog import find_engine
from silicodec.verif.drivers.board import SimulatedBoard

DIVIDER = 4
TINY = AcceleratorShape(
    groups=1,
    banks=2,
    bank_depth=32,
    weight_words=8,
    tile_columns=2,
    packets=32,
    dct=False,
    products=True,
    serial_rows=True,
)
ENGINE = replace(accelerator_engine(TINY), idle_cycles=20_000)


@contextmanager
def tiny_board():
    """A link to a simulated board with the accelerator."""
    with (
        SimulatedBoard([board_verilog(ENGINE, DIVIDER)], DIVIDER, backend="verilator") as board,
        Link(board.port, timeout=60) as link,
    ):
        yield link


def tiny_inference(image, layers, codings=None):
    """An image through some layers."""
    program, pixels = compile_graph(LayerGraph(0, tuple(layers)), TINY, codings), pixel_words(image)
    return Inference(program, pixels, run_program(TINY, program.words, program.weights, pixels), 0)


def one_layer(seed):
    """An image of 3 x 3 through a layer."""
    image = np.random.default_rng(seed).integers(-128, 128, (1, 3, 3)).astype(np.int8)
    return tiny_inference(image, [random_layer(0, 1, image.shape, (3, 1, 1), kernel=(3, 3), seed=seed)])


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Run `silicodec fpga accelerate` where there is a picture; returns exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(pixels).save("image.png")
    Image.fromarray(pixels[:30]).save("low.png")

    def invoke(*arguments):
        result = CliRunner().invoke(main, ["fpga", "accelerate", *(str(argument) for argument in arguments)])
        return result.exit_code, result.stdout, result.stderr

    return invoke


def test_images_through_a_layer_on_a_simulated_board():
    first, second = one_layer(1), one_layer(2)
    with tiny_board() as link:
        # A host that stops in the middle: a program, and weights of which the last ones are missing.
        link.request(0, len(first.program.words), first.program.words.astype(">u8").tobytes(), last=True)
        link.request(1, 5, first.program.weights[:5].astype(">u8").tobytes())
        for inference in (first, second):
            found = classify(link, ENGINE, inference)
            assert found.difference is None
            values = inference.run.maps[-1].ravel()
            assert (found.label, found.score) == (values.argmax(), values.max())
            assert found.cycles > 0


def test_a_board_that_is_unplugged_is_noticed():
    master, slave = os.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)
    with Link(port, timeout=60) as link:
        os.close(slave)
        unplug = threading.Timer(0.1, os.close, [master])
        unplug.start()
        with pytest.raises(LinkError, match=port):
            classify(link, ENGINE, one_layer(1))
        unplug.join()


def test_what_a_board_spills_goes_back_to_it():
    image = np.random.default_rng(1).integers(-128, 128, (2, 9, 9)).astype(np.int8)
    layers = (
        random_layer(0, 1, image.shape, (4, 9, 9), kernel=(1, 1)),
        random_layer(1, 2, (4, 9, 9), (4, 9, 9), kernel=(3, 3), pad=1, residual=1),
        random_layer(2, 3, (4, 9, 9), (1, 4, 4), kernel=(3, 3), stride=2),
        random_layer(3, 4, (1, 4, 4), (3, 1, 1), kernel=(4, 4)),
    )
    inference = tiny_inference(image, layers, {number: MapCoding(words=20, spills=True) for number in (1, 2)})
    assert len(set(inference.refill_order)) == len(inference.run.spilled) > 5
    assert inference.refill_order != sorted(inference.refill_order)
    with tiny_board() as link:
        assert classify(link, ENGINE, inference).difference is None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--port", "tty", "--network", "resnet8", "low.png"], 2, "low.png has 32 x 30 pixels, and 32 x 32 are wanted"),
        (["--port", "tty", "--network", "resnet9", "image.png"], 2, "unknown network 'resnet9': did you mean resnet8"),
        (["--port", "tty", "--network", "resnet20", "image.png"], 2, "takes networks in integers"),
        (["--port", "tty", "--network", "resnet8", "image.png"], 1, "cannot open serial port tty"),
        (["--port", "tty", "--engine", "ebpc-encoder", "--network", "resnet8", "image.png"], 2, "is no accelerator"),
        (["--network", "resnet8", "image.png"], 2, "give --port, or --simulate"),
    ],
    ids=["size", "network", "not-in-integers", "port", "engine", "nowhere"],
)
def test_what_is_wrong_is_told_in_a_line(command, arguments, code, message):
    found, output, error = command(*arguments)
    assert (found, output, len(error.splitlines())) == (code, "", 1)
    assert message in error


@pytest.mark.prove
def test_an_image_through_resnet8_on_a_simulated_board(command):
    code, output, error = command("--simulate", "--network", "resnet8", "image.png")
    assert code == 0, error
    pixels = np.asarray(Image.open("image.png"))
    inference = prepare(get_network("resnet8"), find_engine(ACCELERATOR).parameters["shape"], pixels)
    values = inference.run.maps[-1].ravel()
    assert f"class {values.argmax()}, score {values.max()}" in output
    assert "match: every word equals the reference" in output
