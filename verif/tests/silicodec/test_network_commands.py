"""`silicodec networks`, `evaluate`, `accuracy` and `demo`, on the embedded network."""

import json
import re
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from silicodec.cli import main
from silicodec.models.catalog import CODECS
from silicodec.models.evaluation.schemes import DCTScheme
from silicodec.report import demo

pytest.importorskip("torch")

LOSSLESS = [name for name, codec in CODECS.items() if codec.lossless]


def run(*arguments):
    """Run the command line in this process; returns exit code, standard output and standard error."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_networks_say_what_is_missing(monkeypatch):
    monkeypatch.delenv("SILICODEC_DATA", raising=False)
    code, output, _ = run("networks")
    assert code == 0
    assert re.search(r"digits .* ready", output)
    assert "set SILICODEC_DATA" in output


def test_evaluation_prints_totals_and_writes_records(tmp_path):
    options = ["--images", 3, "--codecs", "ebpc,zvc", "--format", "fixed8,fixed16", "--workers", 0]
    files = ["--json", tmp_path / "records.json", "--parquet", tmp_path / "records.parquet"]
    code, output, error = run("evaluate", "--network", "digits", *options, *files)
    assert code == 0
    assert len(re.findall(r"^ +feature map", output, re.MULTILINE)) == 4
    assert "100 %" in error
    records = json.loads((tmp_path / "records.json").read_text())["records"]
    (total,) = [r for r in records if (r["codec"], r["number_format"], r["layer"]) == ("zvc", "fixed8", None)]
    assert f"{total['ratio']:.3f}" in output
    assert (tmp_path / "records.parquet").read_bytes().startswith(b"PAR1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network", "lenet"], "lenet5"),
        (["--codecs", "ebpc,gzip"], "zvc"),
        (["--format", "fixed9"], "fixed8"),
        (["--images", "0"], "at least 1"),
        (["--weights-file", "absent.pt"], "absent.pt"),
        (["--network", "absent.tflite"], "there is no file absent.tflite"),
        (["--network", "absent.npz"], "there is no file absent.npz"),
        (["--network", "absent.py:build"], "there is no file absent.py"),
        (["--network", "json:loads"], "json:loads gives no network"),
        (["--shape", "8"], "channels, height and width"),
        (["--mean", "0,0"], "a number for each of 1 channels"),
        (["--images", "absent"], "absent"),
        (["--tensors", "absent.npy"], "absent.npy"),
    ],
)
def test_bad_evaluation_gives_one_line_and_no_file(tmp_path, arguments, message):
    code, _, error = run("evaluate", "--workers", 0, *arguments, "--json", tmp_path / "records.json")
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "records.json").exists()


def test_weights_are_measured_within_budgets(tmp_path):
    options = ["--calibration", 20, "--images", 30, "--budget", 0, "--budget", 0.1]
    code, output, error = run("weights", *options, "--json", tmp_path / "records.json")
    assert code == 0
    assert "100 %" in error
    records = json.loads((tmp_path / "records.json").read_text())
    assert [record["choice"] for record in records] == ["8 bits", "loss 0", "loss 0.1"]
    assert all(f"{record['bits'] / record['dictionary_bits']:.2f}" in output for record in records)
    assert "conv1" not in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "-1"], "from 0 to 1"),
        (["--calibration", "0"], "at least 1 image"),
        (["--images", "500"], "holds 450"),
        (["--images", "5", "--images", "6"], "one number and one place"),
    ],
)
def test_bad_measurement_of_weights_gives_one_line(arguments, message):
    code, _, error = run("weights", *arguments)
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1


def test_accuracy_prints_and_writes_every_choice_of_settings(tmp_path):
    options = ["--calibration", 20, "--images", 30, "--budget", 0, "--budget", 0.05, "--layers"]
    code, output, error = run("accuracy", "--network", "digits", *options, "--json", tmp_path / "records.json")
    assert code == 0
    assert "100 %" in error
    records = json.loads((tmp_path / "records.json").read_text())
    settings = [f"setting {n}" for n in range(1, 2 + len(DCTScheme.STEPS))]  # EBPC is the first one
    assert [record["choice"] for record in records] == [*settings, "loss 0", "loss 0.05"]
    assert all(f"{record['ratio']:.3f}" in output for record in records)
    for layer in records[-1]["layers"]:
        ratio = layer["bits"] / layer["compressed_bits"]
        assert re.search(rf"^ +{layer['layer']} +{layer['setting']} +{ratio:.3f} ", output, re.MULTILINE)


def test_accuracy_chooses_among_settings_for_a_ratio(tmp_path):
    options = ("--scheme", "dct", "--calibration", 20, "--images", 20, "--no-uniform", "--setting", 3, "--setting", 4)
    file = tmp_path / "records.json"
    code, output, error = run("accuracy", "--network", "digits", *options, "--ratio", 1, "--json", file)
    assert code == 0, error
    assert "ratio 1" in output
    (record,) = json.loads(file.read_text())
    assert {layer["setting"] for layer in record["layers"]} == {3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "2"], "from 0 to 1"),
        (["--images", "0"], "at least 1"),
        (["--network", "lenet"], "lenet5"),
        (["--scheme", "jpeg"], "dct"),
        (["--point", "pool"], "convolution"),
        (["--views", "19"], "1 to 18"),
    ],
)
def test_bad_accuracy_gives_one_line(arguments, message):
    code, _, error = run("accuracy", *arguments)
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1


MODEL = """
import torch
from torch import nn

def build():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    model.input_shape = 3, 12, 12
    return model
"""


@pytest.fixture
def own_model(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    images = np.random.default_rng(0).integers(0, 256, (30, 12, 12, 3), np.uint8)
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(30) % 5)
    np.save(tmp_path / "unlabelled.npy", images)
    return f"{tmp_path / 'model.py'}:build", tmp_path


def test_a_network_of_ones_own_is_evaluated_and_quantised(own_model):
    network, folder = own_model
    given = ["--network", network, "--images", folder / "images.npz"]
    code, output, _ = run("evaluate", *given, "--images", 20, "--codecs", "ebpc,entropy", "--workers", 0)
    assert code == 0
    assert "build, 20 images" in output
    code, output, error = run("quantise", *given, "--calibration", 10, "--out", folder / "int8.npz")
    assert (code, error) == (0, "")
    assert re.search(r"4 operators, calibrated on 10 images\non 20 other images: top-1 .* loss .*; agreement", output)
    code, output, _ = run("accuracy", "--network", folder / "int8.npz", *given[2:], "--calibration", 10, "--setting", 1)
    assert code == 0
    assert re.search(r"setting 1 +[0-9.]+ \[[0-9.]+, [0-9.]+\] +-?[0-9.]+ \[-", output)
    code, _, error = run("quantise", "--network", folder / "int8.npz", "--out", folder / "again.npz", *given[2:])
    assert code == 2
    assert "in integers already" in error


def test_without_labels_there_is_agreement_and_no_accuracy(own_model):
    network, folder = own_model
    given = ["--network", network, "--images", folder / "unlabelled.npy", "--calibration", 10]
    code, output, _ = run("quantise", *given, "--out", folder / "int8.npz")
    assert code == 0
    assert re.search(r"on 20 other images: agreement [0-9.]+ \[", output)
    code, output, _ = run("accuracy", *given, "--setting", 1, "--json", folder / "records.json")
    assert code == 0
    first, *_ = json.loads((folder / "records.json").read_text())
    assert first["top1"] is first["loss"] is None
    assert re.search(r"setting 1 +100.00 \[", output)


def test_images_to_choose_on_are_never_reported_on(own_model):
    network, folder = own_model
    images = folder / "images.npz"
    for command in ("accuracy", "weights", "quantise"):
        out = ["--out", folder / "x.npz"] if command == "quantise" else []
        code, _, error = run(command, "--network", network, "--calibration", images, "--images", images, *out)
        assert code == 2
        assert error.splitlines()[-1].endswith("30 of the 30 images to report on are calibration images: give others")
        code, _, error = run(command, "--network", network, "--images", images, *out)
        assert code == 2
        assert "holds 30 images: none would be left to report on after 200" in error


def test_images_must_be_given_where_a_network_has_none(own_model):
    code, _, error = run("evaluate", "--network", own_model[0])
    assert code == 2
    assert "network build has no images of its own: give a folder or a file of them" in error


def test_saved_tensors_are_evaluated_without_a_network(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "maps.npz", first=rng.integers(-3, 4, (5, 4, 8, 8)).astype(np.int8), second=np.eye(9, dtype=np.int8)
    )
    code, output, _ = run("evaluate", "--tensors", tmp_path / "maps.npz", "--codecs", "ebpc,entropy", "--layers")
    assert code == 0
    assert re.search(r"ebpc +first +1,280", output)
    assert re.search(r"entropy +all +1,361", output)
    np.save(tmp_path / "wide.npy", np.arange(99, dtype=np.int16))
    np.save(tmp_path / "real.npy", rng.normal(size=(2, 3, 4, 4)).astype(np.float32))
    code, output, _ = run("evaluate", "--tensors", tmp_path, "--json", tmp_path / "records.json", "--layers")
    assert code == 0
    records = json.loads((tmp_path / "records.json").read_text())["records"]
    assert {record["layer"] for record in records} == {"maps/first", "maps/second", "real", "wide", None}
    assert {(record["layer"], record["number_format"]) for record in records if record["layer"]} == {
        ("maps/first", "native"),
        ("maps/second", "native"),
        ("real", "fixed8"),
        ("wide", "native16"),
    }
    np.save(tmp_path / "long.npy", np.arange(9))
    code, _, error = run("evaluate", "--tensors", tmp_path / "long.npy")
    assert (code, error.count("\n")) == (2, 1)
    assert "tensor long holds int64 integers, and only those of 8 and 16 bits are words" in error
    np.save(tmp_path / "words.npy", np.array(["a"]))
    code, _, error = run("evaluate", "--tensors", tmp_path / "words.npy")
    assert code == 2
    assert "words holds <U1, not numbers" in error


@pytest.mark.skipif(shutil.which("verilator") is None, reason="needs verilator")
def test_demo_writes_a_page_that_needs_nothing_else(tmp_path):
    code, output, _ = run("demo", "--network", "digits", "--images", 3, "--out", tmp_path)
    assert code == 0
    assert "same bits" in output
    page = (tmp_path / "index.html").read_text()
    assert "same bits" in page
    assert "<td>relu1</td>" in page
    assert all(source.startswith("data:") for source in re.findall(r'(?:src|href)="([^"]*)"', page))


@pytest.mark.skipif(shutil.which("verilator") is None, reason="needs verilator")
def test_demo_fails_when_hardware_and_software_differ(tmp_path, monkeypatch):
    monkeypatch.setattr("silicodec.report.comparison.first_difference", lambda expected, got: "one word")
    code, _, error = run("demo", "--network", "digits", "--images", 1, "--out", tmp_path)
    assert code == 1
    assert "different bits" in error
    assert "different bits" in (tmp_path / "index.html").read_text()


def test_demo_shows_resnet20_where_its_weights_are(monkeypatch):
    monkeypatch.setenv("SILICODEC_DATA", "somewhere")
    assert demo.default_network() == "resnet20"
    monkeypatch.delenv("SILICODEC_DATA")
    assert demo.default_network() == "digits"


def test_energy_of_every_lossless_codec_and_of_lossy_choices(tmp_path):
    options = ["--network", "digits", "--images", 10]
    file = tmp_path / "quantised.json"
    assert run("accuracy", *options, "--scheme", "quantise", "--calibration", 20, "--json", file)[0] == 0
    code, output, _ = run("energy", *options, "--accuracy", file, "--json", tmp_path / "records.json")
    assert code == 0
    records = json.loads((tmp_path / "records.json").read_text())
    choices = json.loads(file.read_text())
    assert [record["name"] for record in records if not record["table_joules"]] == LOSSLESS
    by_name = {record["name"]: record for record in records}
    for choice in choices:
        record = by_name[f"quantised, {choice['choice']}"]
        assert record["reduction"] == pytest.approx(1 - 1 / choice["ratio"])
        assert f"{100 * record['reduction']:.1f}" in output


def test_energy_takes_only_what_accuracy_wrote_about_the_network(tmp_path):
    for text, message in (("[1]", "is not a file"), ('[{"network": "resnet20"}]', "is about resnet20, not digits")):
        (tmp_path / "records.json").write_text(text)
        code, _, error = run("energy", "--images", 1, "--accuracy", tmp_path / "records.json")
        assert (code, len(error.splitlines()[-1:])) == (2, 1)
        assert message in error
    code, _, error = run("energy", "--part", "hmc")
    assert code == 2
    assert "ddr3-1066" in error
