"""Whole networks on Verilator, word for word, and their planned cycles; and many images in the reference."""

import os

import numpy as np
import pytest

from silicodec.models.accelerator.program import Status
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.study import Choice, study
from silicodec.models.evaluation.budget import calibration_and_test
from silicodec.models.networks import get_network
from silicodec.models.storage import data_file
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.network_run import run_network

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA"),
]
CHOICES = {"raw": Choice(), "dct": Choice("dct", 4), "ebpc": Choice("ebpc"), "auto": Choice("auto", budget=0.1)}
CODED = Choice("dct", 4, weights="dictionary")


def studied(name, choice, images, banks=7):
    network = get_network(name)
    calibration, report_on = calibration_and_test(network, calibration=3, images=images)
    shape = AcceleratorShape(banks=banks, ebpc=choice.codec in ("ebpc", "auto"), weight_codec=choice.weights)
    return study(network, shape, choice, report_on, calibration)


@pytest.mark.parametrize(
    ("name", "codec", "images"),
    [
        *(("resnet8", codec, 20) for codec in CHOICES),
        *(("resnet20-int8", codec, 10) for codec in CHOICES),
        *(("resnet56-int8", codec, 1) for codec in CHOICES),
    ],
)
def test_whole_networks(name, codec, images):
    found = studied(name, CHOICES[codec], images)
    run = run_network(found.program, [found.pixels(number) for number in range(images)], found.runs)
    assert not run.differing
    planned = sum(layer.cycles for layer in found.layers)
    assert int(run.layer_cycles[0].sum()) == pytest.approx(planned, rel=0.02)


@pytest.mark.parametrize(("name", "images"), [("resnet8", 10), ("resnet20-int8", 5)])
@pytest.mark.parametrize("stalls", [None, Stalls(seed=3)], ids=["at once", "stalls"])
def test_coded_weights(name, images, stalls):
    found = studied(name, CODED, images)
    assert sum(layer.weight_words < layer.plain_weight_words for layer in found.layers) > len(found.layers) // 2
    run = run_network(found.program, [found.pixels(number) for number in range(images)], found.runs, stalls=stalls)
    assert not run.differing
    if not stalls:
        planned = sum(layer.cycles for layer in found.layers)
        assert int(run.layer_cycles[0].sum()) == pytest.approx(planned, rel=0.02)


@pytest.mark.parametrize("codec", ["raw", "ebpc"])
def test_mobilenet_with_spills(codec):
    pytest.importorskip("ai_edge_litert")
    found = studied("mobilenetv2-int8", CHOICES[codec], 1, banks=14)
    assert found.runs[0].spilled
    run = run_network(found.program, [found.pixels(0)], found.runs)
    assert not run.differing
    assert int(run.layer_cycles[0].sum()) == pytest.approx(sum(layer.cycles for layer in found.layers), rel=0.02)


@pytest.mark.parametrize("codec", ["dct", "ebpc"])
def test_visual_wake_words_on_a_photograph(codec):
    pytest.importorskip("ai_edge_litert")
    network = get_network(str(data_file("weights/mlperf_tiny/vww_96_int8.tflite")))
    calibration, images = calibration_and_test(network, calibration=3, images=1, folder=data_file("imagenet_test"))
    # The shape of MobileNetV2's test, so that it is built once.
    found = study(network, AcceleratorShape(banks=14, ebpc=True), CHOICES[codec], images, calibration)
    run = run_network(found.program, [found.pixels(0)], found.runs)
    assert not run.differing
    assert int(run.layer_cycles[0].sum()) == pytest.approx(sum(layer.cycles for layer in found.layers), rel=0.02)


def test_2000_images_in_the_reference():
    """Each class is the one that the network in integers gives."""
    network = get_network("resnet8")
    found = study(network, AcceleratorShape(), Choice(), network.images(2000))
    assert {run.status for run in found.runs} == {Status.DONE}
    assert found.accuracy["agreement"] == 1
    assert found.accuracy["top1"] == pytest.approx(network.top1)
    assert np.all([len(run.report) == len(found.layers) for run in found.runs])
