"""A real feature map, and boards to talk to."""

import subprocess

import pytest

from silicodec.fpga.board_top import TOP
from silicodec.fpga.build import board_design, run_flow
from silicodec.fpga.tools import programs_on_path
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise


@pytest.fixture(scope="session")
def feature_map():
    """The second layer's feature map of a digit, int8, 16 channels of 8 x 8."""
    network = get_network("digits")
    layer = next(layer for layer in feature_maps(network.load(), network.images(1).batch) if layer.name == "relu2")
    return quantise(layer.values[0]).values


@pytest.fixture(scope="session")
def netlist(tmp_path_factory):
    """Function from engine and board to the netlist that the bitstream is made of, as Verilog."""

    def synthesise(engine, board):
        work = tmp_path_factory.mktemp(engine.top)
        with programs_on_path(board.family):
            run_flow(board_design(engine, board), board, work, place=False)
        script = f"read_json {TOP}.json; write_verilog -noattr netlist.v"
        subprocess.run(["yosys", "-q", "-p", script], cwd=work, check=True, capture_output=True)
        return (work / "netlist.v").read_text()

    return synthesise
