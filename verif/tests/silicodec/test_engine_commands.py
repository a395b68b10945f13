"""`silicodec engines`, `verilog`, `fusesoc` and `simulate`."""

import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from silicodec.asic.records import engine_records
from silicodec.cli import main
from silicodec.models.ebpc import EBPC
from silicodec.report.figures import measured_figures
from silicodec.rtl import catalog
from silicodec.rtl.ebpc.engines import length_words
from silicodec.verif.latency import measure_latency, read_latencies


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command line in an empty folder; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        return result.exit_code, result.stdout, result.stderr

    return invoke


@pytest.fixture
def words():
    """Signed values with zeros among them, in `words.npy` of the current folder."""
    return np.array([0, 3, -2, 0, 0, 7, 7, 6, 5, 0, 1, -128, 127, 4], np.int8)


def test_engines_are_listed_with_the_published_figures(run):
    code, output, _ = run("engines")
    assert code == 0
    assert all(name in output for name in catalog.ENGINES)
    assert "15,258" in output
    assert "silicodec asic accelerator" in output


def test_verilog_has_the_engine_as_its_module(run, tmp_path):
    code, output, _ = run("verilog", "ebpc-encoder", "--out", "converted")
    assert code == 0
    assert output.strip() == "converted/ebpc_encoder.v"
    assert "module ebpc_encoder" in (tmp_path / output.strip()).read_text()


def test_a_bench_and_a_core_come_along(run, tmp_path):
    code, output, _ = run("verilog", "weight-trimmer", "--set", "axi=true", "--out", "ip", "--fusesoc")
    assert code == 0
    top = "weight_trimmer_axi"
    names = {f"{top}.v", "cocotb_bench.py", "Makefile", f"{top}_vectors.json", f"{top}.core"}
    assert set(output.split()) == {f"ip/{name}" for name in names}
    assert {path.name for path in (tmp_path / "ip").iterdir()} == names
    code, output, _ = run("fusesoc", "--out", "cores")
    assert (code, output.split()) == (0, ["cores/silicodec_generator.core", "cores/silicodec_generator.py"])


def test_an_engine_tells_its_streams_and_parameters(run):
    code, output, _ = run("engines", "systolic-array-rows-4")
    assert code == 0
    assert "systolic_array_rows_4" in output
    assert re.search(r"^ +rows +4 +1 to 256 ", output, re.MULTILINE)
    assert re.search(r"^ +activations +in +32\b", output, re.MULTILINE)


def test_an_engine_tells_what_its_named_sizes_cost(run):
    code, output, _ = run("engines", "weight-trimmer")
    assert code == 0
    area, kilo, *_ = measured_figures(engine_records()["weight-trimmer"])
    assert re.search(rf"^ +weight-trimmer +{re.escape(area)} +{re.escape(kilo)} ", output, re.MULTILINE)
    assert "cycles a word: relu of resnet20" in output


@pytest.mark.parametrize("name", ["ebpc-encoder", "dictionary-decoder", "register-slice"])
def test_an_engine_tells_its_latency(run, tmp_path, name):
    latency = measure_latency(catalog.ENGINES[name])
    code, output, _ = run("engines", name)
    assert code == 0
    assert re.search(rf"^ +{name} .* {latency} *$", output, re.MULTILINE)
    code, _, _ = run("engines", name, "--json", "engine.json")
    assert json.loads((tmp_path / "engine.json").read_text())["latency_cycles"] == latency


def test_every_engine_has_a_latency():
    assert read_latencies().keys() == catalog.ENGINES.keys()


@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
def test_the_accelerator_tells_what_is_planned_for_an_image(run):
    latency = measure_latency(catalog.ENGINES["accelerator"])
    code, output, _ = run("engines", "accelerator")
    assert code == 0
    assert re.search(rf"^ +accelerator .* {latency} *$", output, re.MULTILINE)
    assert "an image of resnet8" in output


def test_parameters_can_be_set(run, words, tmp_path):
    code, output, _ = run("verilog", "weight-trimmer", "--set", "entry-size=4")
    assert (code, output.strip()) == (0, "weight_trimmer_entry_size_4.v")
    assert "module weight_trimmer_entry_size_4" in (tmp_path / output.strip()).read_text()
    np.save(tmp_path / "words.npy", words)
    options = ["--set", "max_zero_run=4", "--input", "words.npy", "--backend", "myhdl"]
    code, output, _ = run("simulate", "ebpc-decoder", *options)
    assert code == 0
    assert "ebpc-decoder-max-zero-run-4" in output


@pytest.mark.parametrize("backend", ["icarus", pytest.param("verilator", marks=pytest.mark.prove)])
def test_waveform_has_the_engine_s_signals(run, words, tmp_path, backend):
    np.save(tmp_path / "words.npy", words)
    options = ["simulate", "ebpc-encoder", "--input", "words.npy", "--backend", backend, "--wave", "new/words.vcd"]
    code, output, error = run(*options)
    assert code == 0, error
    waveform = (tmp_path / "new/words.vcd").read_text()
    clock = re.search(r"^ *\$var \w+ +1 (\S+) clk \$end$", waveform, re.MULTILINE)[1]
    cycles = int(re.search(rf"{backend}: (\d+) cycles", output)[1])
    assert waveform.count(f"\n1{clock}\n") > cycles
    assert " words_data [7:0] $end" in waveform
    shown = (tmp_path / "new/words.gtkw").read_text()
    scope = {"icarus": "testbench.engine", "verilator": "TOP.ebpc_encoder"}[backend]
    assert f"\n@22\n{scope}.words_data[7:0]\n" in shown
    group = shown.partition("\n-bit_packer0\n")[2].partition("\n-bit_packer0\n")[0]
    names = set(re.findall(rf"^{re.escape(scope)}\.(\w+)", group, re.MULTILINE))
    assert {"bit_packer0_accumulator", "bit_packer0_spent"} <= names
    assert all(name.startswith("bit_packer0_") for name in names)
    assert names <= set(re.findall(r"\$var \w+ +\d+ \S+ (\w+)", waveform))


@pytest.mark.prove
def test_verilator_writes_fst_as_well(run, words, tmp_path):
    np.save(tmp_path / "words.npy", words)
    code, _, error = run("simulate", "ebpc-encoder", "--input", "words.npy", "--wave", "words.fst")
    assert code == 0, error
    assert (tmp_path / "words.fst").stat().st_size > 1000
    assert (tmp_path / "words.gtkw").read_text().startswith(f'[dumpfile] "{tmp_path}/words.fst"')


@pytest.mark.parametrize(
    ("name", "backend", "message"),
    [
        ("words", "icarus", "must end in .vcd or, for verilator, .fst"),
        ("-", "icarus", "must end in .vcd or, for verilator, .fst"),
        ("words.fst", "icarus", "the name of a waveform must end in .vcd, not words.fst"),
        ("words.fst", "myhdl", "the name of a waveform must end in .vcd, not words.fst"),
    ],
)
def test_a_waveform_that_the_backend_does_not_write_is_refused(run, words, tmp_path, name, backend, message):
    np.save(tmp_path / "words.npy", words)
    code, _, error = run("simulate", "ebpc-encoder", "--input", "words.npy", "--wave", name, "--backend", backend)
    assert code == 2
    assert message in error


def test_waveform_of_myhdl_has_a_scope_for_each_block(run, words, tmp_path):
    np.save(tmp_path / "words.npy", words)
    options = ["simulate", "ebpc-encoder", "--input", "words.npy", "--wave", "myhdl.vcd", "--backend", "myhdl"]
    for _ in range(2):  # the second time over the first file
        code, output, _ = run(*options)
        assert code == 0
        waveform = (tmp_path / "myhdl.vcd").read_text()
        scopes = re.findall(r"\$scope module (\S+) \$end", waveform)
        assert {"ebpc_encoder", "zero_run_encoder0", "bit_packer1"} <= set(scopes)
        cycles = int(re.search(r"myhdl: (\d+) cycles", output)[1])
        assert waveform.count("\n#") > 2 * cycles
    assert {path.name for path in tmp_path.iterdir()} == {"words.npy", "myhdl.vcd"}


@pytest.mark.parametrize(
    ("engine", "setting", "message"),
    [
        ("ebpc-encoder", "max_zero_run=5", "max_zero_run must be a power of two from 2 to 16384, not 5"),
        ("ebpc-encoder", "max_zero_runs=4", "did you mean max_zero_run?"),
        ("ebpc-encoder", "axi=maybe", "takes true or false"),
        ("ebpc-encoder", "lanes=8", "ebpc-encoder has no parameter 'lanes', but ebpc-encoder-l8 has"),
        ("dct-encoder", "columns=4", "unknown parameter 'columns': known are axi, registered"),
        ("systolic-arry", "rows=4", "did you mean systolic-array?"),
    ],
)
def test_bad_parameters_give_one_line(run, engine, setting, message):
    code, _, error = run("verilog", engine, "--set", setting)
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("command", [["verilog"], ["simulate", "--input", "x.npy"]])
def test_unknown_engine_lists_the_known_ones(run, command):
    code, _, error = run(*command, "gzip-encoder")
    assert code == 2
    assert "ebpc-encoder" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("engine", ["ebpc-encoder", "ebpc-decoder", "ebpc-decoder-checked", "ebpc-decoder-axis"])
def test_simulation_of_an_array_matches(run, words, tmp_path, engine):
    np.save(tmp_path / "words.npy", words)
    code, output, _ = run(
        "simulate", engine, "--input", "words.npy", "--backend", "myhdl", "--stalls", 1, "--json", "result.json"
    )
    assert code == 0
    assert "match" in output
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["match"] is True
    assert result["seed"] == 1
    assert result["cycles"] > words.size
    assert words.size in [stream["words"] for stream in result["streams"]]


def test_truncated_streams_by_name_must_raise_the_error_flag(run, words, tmp_path):
    streams = EBPC().encode_words(words.view(np.uint8))
    np.save(tmp_path / "znz.npy", streams["znz"])
    np.save(tmp_path / "bpc.npy", streams["bpc"][:-1])
    np.save(tmp_path / "length.npy", length_words(words.size, has_planes=True))
    inputs = [f"--input={name}={name}.npy" for name in ("znz", "bpc", "length")]
    code, output, _ = run("simulate", "ebpc-decoder-checked", *inputs, "--backend", "myhdl")
    assert code == 0
    assert "malformed" in output


def test_mismatch_names_the_first_word_and_ends_with_one(run, words, tmp_path, monkeypatch):
    np.save(tmp_path / "words.npy", words)
    engine = catalog.ENGINES["ebpc-encoder"]

    def wrong(inputs):
        streams = engine.reference(inputs)
        streams["bpc"][0][1] ^= 1
        return streams

    monkeypatch.setitem(catalog.ENGINES, "ebpc-encoder", replace(engine, reference=wrong))
    code, output, error = run(
        "simulate", "ebpc-encoder", "--input", "words.npy", "--backend", "myhdl", "--json", "result.json"
    )
    assert code == 1
    assert "match:" not in output
    assert "stream bpc, packet 0, word 1" in error
    assert json.loads((tmp_path / "result.json").read_text())["match"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "absent.npy"], "absent.npy"),
        (["--input", "words.npy", "--backend", "paper"], "verilator"),
        (["--input", "words.npy", "--input", "words.npy"], "stream"),
        (["--input", "data=words.npy"], "has the inputs words"),
        (["--input", "empty.npy"], "at least one word"),
    ],
)
def test_bad_simulation_gives_one_line_and_no_file(run, words, tmp_path, arguments, message):
    np.save(tmp_path / "words.npy", words)
    np.save(tmp_path / "empty.npy", words[:0])
    code, _, error = run("simulate", "ebpc-encoder", *arguments, "--json", "result.json")
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "result.json").exists()
