"""`silicodec accelerate`, on a network of MLPerf Tiny."""

import base64
import json
import os
import re

import numpy as np
import pytest
from click.testing import CliRunner

from silicodec.cli import main
from silicodec.models.storage import data_file

pytest.importorskip("ai_edge_litert")
needs_data = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")


def run(*arguments):
    result = CliRunner().invoke(main, ["accelerate", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def resnet8(tmp_path_factory):
    """Options that choose ResNet-8 and images for it."""
    file = tmp_path_factory.mktemp("images") / "images.npz"
    with np.load(data_file("cifar10/test_2000.npz")) as images:
        np.savez(file, images=images["images"][:30], labels=images["labels"][:30])
    return ["--network", data_file("weights/mlperf_tiny/pretrainedResnet_quant.tflite"), "--images", file]


def test_the_embedded_network_is_planned_without_any_data(tmp_path, monkeypatch):
    monkeypatch.delenv("SILICODEC_DATA", raising=False)
    code, output = run("--plan", "--images", 100, "--codec", "ebpc", "--calibration", 10, "--json", tmp_path / "a.json")
    assert code == 0, output
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["network"] == "digits-int8"
    assert record["stored_bits"] < record["raw_bits"]
    assert record["accuracy"]["agreement"] == 1, "EBPC loses nothing"
    assert record["accuracy"]["top1"] > 0.95


@needs_data
def test_a_plan_says_what_each_layer_takes(resnet8, tmp_path):
    code, output = run(
        *resnet8, "--images", 2, "--plan", "--json", tmp_path / "plan.json", "--page", tmp_path / "a.html"
    )
    assert code == 0
    record = json.loads((tmp_path / "plan.json").read_text())
    # Convolutions and the last layer, and an average pool of 64 maps of 8 x 8.
    assert record["macs"] == sum(layer["macs"] for layer in record["layers"]) == 12501632 + 64 * 64
    assert record["raw_bits"] == record["stored_bits"]
    assert record["accuracy"]["agreement"] == 1
    assert 150 < record["macs_per_cycle"] < 288
    assert f"{record['cycles']:,} cycles an image" in output
    page = (tmp_path / "a.html").read_text()
    assert page.count("<tr>") == 1 + len(record["layers"])
    plots = [base64.b64decode(text).decode() for text in re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", page)]
    assert len(plots) == 2
    # The axes reach to what the accelerator has: 288 multipliers, 126 KiB.
    assert "<!-- 250 -->" in plots[0]
    assert "<!-- 120 -->" in plots[1]


@needs_data
def test_dct_makes_maps_smaller(resnet8, tmp_path):
    options = ["--images", 3, "--calibration", 5, "--codec", "dct", "--step", 8, "--json", tmp_path / "plan.json"]
    code, _ = run(*resnet8, *options, "--plan")
    assert code == 0
    record = json.loads((tmp_path / "plan.json").read_text())
    assert 2 < record["raw_bits"] / record["stored_bits"] < 5
    assert {layer["codec"] for layer in record["layers"]} == {"dct 8", "raw"}
    assert all(layer["live_stored_bits"] <= layer["live_raw_bits"] for layer in record["layers"])


@needs_data
def test_maps_without_room_go_to_external_memory(resnet8, tmp_path):
    options = ["--images", 1, "--plan", "--set", "banks=3", "--json", tmp_path / "plan.json"]
    code, _ = run(*resnet8, *options)
    assert code == 0
    record = json.loads((tmp_path / "plan.json").read_text())
    assert record["spilled_bits"] > 0
    assert record["refilled_bits"] >= record["spilled_bits"]
    assert record["joules"] == pytest.approx(1e-12 * (63.3 * record["spilled_bits"] + 77.4 * record["refilled_bits"]))


@needs_data
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--network", "digits"], "networks in integers"),
        (["--codec", "zip"], "unknown codec 'zip': known are raw, dct, ebpc, auto"),
        (["--codec", "ebpc", "--set", "ebpc=false"], "an accelerator with ebpc=false cannot store maps by ebpc"),
        (["--set", "groups=9"], "groups must be an integer from 1 to 8, not 9"),
        (["--set", "memory_kib=64", "--set", "banks=4"], "memory_kib or banks"),
        (["--calibration", "1", "--codec", "dct", "--step", "3"], "step must be"),
    ],
)
def test_bad_options_get_one_line(resnet8, arguments, reason):
    code, output = run(*resnet8, "--images", 1, "--plan", *arguments)
    assert code == 2
    assert reason in output


@pytest.fixture
def image(tmp_path):
    """A file with an image of CIFAR-10."""
    with np.load(data_file("cifar10/test_2000.npz")) as images:
        np.save(tmp_path / "image.npy", images["images"][7])
    return tmp_path / "image.npy"


SMALL = {
    "groups": 2,
    "banks": 6,
    "bank_depth": 128,
    "weight_words": 256,
    "tile_columns": 8,
    "packets": 1024,
    "dct": "no",
}


@needs_data
def test_an_engine_of_another_size_takes_an_image_through_a_network(image):
    settings = [text for name, value in SMALL.items() for text in ("--set", f"{name}={value}")]
    arguments = ["simulate", "accelerator", "--input", str(image), "--network", "resnet8", *settings]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "match: every output word equals the reference" in result.output


def test_verilog_of_another_size(tmp_path):
    settings = ["--set", "groups=1", "--set", "banks=2", "--set", "bank_depth=32", "--set", "dct=no"]
    result = CliRunner().invoke(main, ["verilog", "accelerator", *settings, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    module = "accelerator_groups_1_banks_2_bank_depth_32_no_dct"
    assert result.output.strip() == str(tmp_path / f"{module}.v")
    text = (tmp_path / f"{module}.v").read_text()
    assert f"module {module} (" in text
    # Two banks in each of nine columns.
    assert text.count("[0:32-1]") == 18


@needs_data
@pytest.mark.parametrize(
    ("shape", "dtype", "arguments", "reason"),
    [
        ((32, 30, 3), "uint8", ["--network", "resnet8"], "takes an image (3, 32, 32) of uint8"),
        ((32, 32, 3), "float32", ["--network", "resnet8"], "not float32 (32, 32, 3)"),
        ((32, 32, 3), "uint8", ["--network", "resnet20"], "networks in integers"),
        ((32, 32, 3), "uint8", ["--network", "resnet8", "--set", "bank=3"], "unknown parameter 'bank'"),
        ((32, 32, 3), "uint8", ["--network", "resnet8", "--set", "banks=1"], "banks must be an integer from 2 to 31"),
        ((32, 32, 3), "uint8", ["--network", "resnet8", "--set", "weight_words=8"], "steps a row, but the accelerator"),
    ],
)
def test_bad_images_get_one_line(tmp_path, shape, dtype, arguments, reason):
    np.save(tmp_path / "image.npy", np.zeros(shape, dtype))
    command = ["simulate", "accelerator", "--input", str(tmp_path / "image.npy"), *arguments]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert reason in result.output


def test_other_engines_take_no_network(tmp_path):
    np.save(tmp_path / "map.npy", np.zeros((1, 8, 8), np.uint8))
    command = ["simulate", "ebpc-encoder", "--input", str(tmp_path / "map.npy"), "--network", "resnet8"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "--network goes with the engine accelerator" in result.output
