"""`silicodec networks`, `evaluate`, `accuracy` and `demo`, on the embedded network."""

import json
import re
import shutil

import pytest
from click.testing import CliRunner

from silicodec.cli import main
from silicodec.models.catalog import CODECS
from silicodec.report import demo

pytest.importorskip("torch")

LOSSLESS = [name for name, codec in CODECS.items() if codec.lossless and codec.stream_names]


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
    ],
)
def test_bad_evaluation_gives_one_line_and_no_file(tmp_path, arguments, message):
    code, _, error = run("evaluate", "--workers", 0, *arguments, "--json", tmp_path / "records.json")
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "records.json").exists()


def test_weights_are_measured_within_budgets(tmp_path):
    options = ["--weights", "--calibration", 20, "--images", 30, "--budget", 0, "--budget", 0.1]
    code, output, error = run("evaluate", *options, "--json", tmp_path / "records.json")
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
        (["--gradients"], "neither --gradients nor --parquet"),
    ],
)
def test_bad_measurement_of_weights_gives_one_line(arguments, message):
    code, _, error = run("evaluate", "--weights", *arguments)
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1


def test_accuracy_prints_and_writes_every_choice_of_settings(tmp_path):
    options = ["--calibration", 20, "--images", 30, "--budget", 0, "--budget", 0.05, "--layers"]
    code, output, error = run("accuracy", "--network", "digits", *options, "--json", tmp_path / "records.json")
    assert code == 0
    assert "100 %" in error
    records = json.loads((tmp_path / "records.json").read_text())
    assert [record["choice"] for record in records] == [*(f"setting {n}" for n in range(1, 10)), "loss 0", "loss 0.05"]
    assert all(f"{record['ratio']:.3f}" in output for record in records)
    for layer in records[-1]["layers"]:
        ratio = layer["bits"] / layer["compressed_bits"]
        assert re.search(rf"^ +{layer['layer']} +{layer['setting']} +{ratio:.3f} ", output, re.MULTILINE)


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
