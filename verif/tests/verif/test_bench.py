"""The test bench that travels with an engine's Verilog."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import to_verilog
from silicodec.verif.drivers.vectors import sample_packets, write_bench

pytestmark = pytest.mark.skipif(" " in sys.prefix, reason="make finds cocotb's makefiles in no path with a space")


def make(folder):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(["make"], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)


def write(name, folder):
    engine = find_engine(name)
    to_verilog(engine, folder)
    return write_bench(engine, folder)[-1]


def test_make_runs_it(tmp_path):
    write("weight-trimmer-entry-size-2", tmp_path)
    done = make(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "TESTS=2 PASS=2 FAIL=0" in done.stdout


@pytest.mark.prove
def test_make_fails_where_a_word_differs(tmp_path):
    vectors = write("weight-trimmer-entry-size-2", tmp_path)
    contents = json.loads(vectors.read_text())
    contents["outputs"]["trimmed"]["packets"][0][3] ^= 1
    vectors.write_text(json.dumps(contents))
    done = make(tmp_path)
    assert done.returncode != 0
    assert "stream trimmed, packet 0, word 3" in done.stdout


@pytest.mark.prove
@pytest.mark.parametrize(
    "name", ["ebpc-decoder-checked-axis", "dct-encoder", "transform-decoder-axi-registered", "systolic-array-rows-2"]
)
def test_engines_pass_it(tmp_path, name):
    write(name, tmp_path)
    done = make(tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("name", "most"), [("ebpc-encoder-w16", 1 << 16), ("huffman-encoder-symbol-bits-3", 8)])
def test_packets_are_as_wide_as_the_engine_takes(name, most):
    engine = find_engine(name)
    words = [word for packet in sample_packets(engine)[engine.tensor] for word in packet.tolist()]
    assert max(words) == most - 1
