"""`scripts/transform_curves.py` measures and draws, on the embedded network."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

SCRIPT = Path(__file__).parents[3] / "scripts" / "transform_curves.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("transform_curves", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_curves_of_bits_and_accuracy(script, monkeypatch, tmp_path):
    options = ["--calibration", "30", "--first", "30", "--images", "20", "--points", "convolution"]
    options += ["--schemes", "transform", "quantise", "--settings", "1", "6", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["transform_curves.py", "digits", *options])
    script.main()
    before, *records = json.loads((tmp_path / "digits.json").read_text())
    assert (before["bits"], before["divergence"], before["agreement"]) == (8, 0, 1)
    assert [(record["scheme"], record["setting"]) for record in records] == [
        ("transform", 1),
        ("transform", 6),
        ("quantise", 1),
        ("quantise", 6),
    ]
    fine, coarse, _, coarse_without_pca = records
    assert fine["bits"] > coarse["bits"] < coarse_without_pca["bits"]
    assert 0 < fine["divergence"] < coarse["divergence"]
    assert (tmp_path / "digits-convolution.svg").read_text().count("</svg>") == 1


def test_images_must_be_disjoint(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["transform_curves.py", "digits", "--calibration", "30", "--first", "20"])
    with pytest.raises(SystemExit):
        script.main()
    assert "after those for calibration" in capsys.readouterr().err
