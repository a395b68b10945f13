"""Netlists with memories of macros and of latches: simulated against the reference, and proven with black boxes."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from silicodec.asic.macros import read_macros
from silicodec.asic.memory_plan import LATCHES, MACROS
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import verilog
from silicodec.rtl.source import Source
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import Stalls

pytestmark = pytest.mark.skipif(
    not (os.environ.get("SILICODEC_PDK") and importlib.util.find_spec("pyosys") and shutil.which("iverilog")),
    reason="needs SILICODEC_PDK, pyosys and Icarus",
)
ENGINE = find_engine("stream-fifo", {"depth": 16, "word_bits": 8})


def run(module: str, folder: Path, *arguments: str) -> None:
    """Run one of the programs in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", f"silicodec.asic.{module}", *arguments], cwd=folder, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


@cache
def netlists(kind: str, place: Path) -> Path:
    """Synthesise the FIFO with its memory made of one kind, once."""
    folder = place / kind
    folder.mkdir()
    Source(ENGINE.top, text=verilog(ENGINE)).stage(folder)
    run("memory_netlist", folder, "--clock-port=clk", f"--kinds={kind}")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("netlists")


@pytest.mark.parametrize("kind", [MACROS, pytest.param(LATCHES, marks=pytest.mark.prove)])
def test_netlist_with_memories_does_what_the_reference_does(kind, place):
    if kind == MACROS and not read_macros():
        pytest.skip("SILICODEC_PDK has no macros")
    gates = (netlists(kind, place) / "gates.v").read_text()
    assert (" macro1_0_0 (" in gates) == (kind == MACROS)
    words = np.random.default_rng(1).integers(0, 256, 300)
    check(ENGINE, ENGINE.stimulus([words]), backend="icarus", verilog=gates, stalls=Stalls(seed=1))


def test_logic_is_proven_with_memories_as_black_boxes(place):
    folder = netlists(MACROS if read_macros() else LATCHES, place)
    run("equivalence", folder)
    assert json.loads((folder / "equivalence.json").read_text()) == {"proven": True, "cycles": None, "reset": None}


@pytest.mark.prove
def test_a_memory_that_gets_other_words_is_found(place, tmp_path):
    folder = tmp_path / "faulty"
    shutil.copytree(netlists(LATCHES, place), folder)
    logic = (folder / "logic.v").read_text()
    faulty = logic.replace("{ source_last, source_data }", "{ source_data, source_last }")
    assert faulty != logic
    (folder / "logic.v").write_text(faulty)
    run("equivalence", folder)
    assert json.loads((folder / "equivalence.json").read_text())["proven"] is False
