"""Trimmed weights: what is chosen keeps within its budget, figures are those of the weights, errors are one line."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from silicodec.models.catalog import make_measure
from silicodec.models.dictionary.codec import Dictionary
from silicodec.models.dictionary.trimming import Trimming
from silicodec.models.evaluation.budget import BudgetError, Point, corners
from silicodec.models.evaluation.weights import CODERS, TrimmedNetwork, candidates, measure_weights
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import weights as weights_of
from silicodec.models.quantise import quantise


@pytest.fixture(scope="module")
def records(network):
    return measure_weights(network, calibration=60, images=40, budgets=(0.0, 0.2), by_agreement=True)


def trimmed_words(network, record):
    for layer, tensor in zip(record["layers"], weights_of(network.load()), strict=True):
        words = quantise(tensor.values[0], "fixed8").values
        if layer["low_bits"] is not None:
            words = Trimming(layer["low_bits"], layer["threshold"]).apply(words)
        yield layer, words


def test_sizes_are_those_of_the_trimmed_weights(network, records):
    for record in records:
        for layer, words in trimmed_words(network, record):
            assert layer["bits"] == 8 * words.size
            assert layer["shape"] == list(words.shape)
            assert layer["zeros"] == pytest.approx(np.mean(words == 0))
            assert layer["dictionary_bits"] == Dictionary.from_config(layer["codec"]).encode(words).nbits
            assert layer["dense_bits"] == Dictionary(entry_size=8, code_bits=8).nbits(words)
            assert layer["sparse_bits"] == Dictionary(entry_size=2, code_bits=16).nbits(words)
            for name in ("entropy", "huffman"):
                assert layer[f"{name}_bits"] == make_measure(name).nbits(words)
        for key in ("weights", "bits", *(f"{name}_bits" for name in ("dictionary", *CODERS))):
            assert record[key] == sum(layer[key] for layer in record["layers"])


def test_agreement_is_that_of_a_network_with_these_weights(network, records):
    images = torch.from_numpy(network.images(100).batch[60:])
    predictions = []
    for record in records:
        model = network.load()
        for layer, words in trimmed_words(network, record):
            module = model.get_submodule(layer["layer"])
            scale = quantise(module.weight.detach().numpy(), "fixed8").scale
            module.weight.data = torch.from_numpy(words.astype(np.float32) / np.float32(scale))
        with torch.inference_mode():
            predictions.append(model(images).argmax(dim=1))
    for record, predicted in zip(records, predictions, strict=True):
        assert record["agreement"] == pytest.approx(float((predicted == predictions[0]).double().mean()))
        assert record["top1"] is not None


def test_larger_budgets_save_more(records):
    plain, exact, generous = records
    assert (plain["choice"], exact["choice"], generous["choice"]) == ("8 bits", "loss 0", "loss 0.2")
    assert plain["loss"] == 0
    assert generous["entropy_bits"] < exact["entropy_bits"] <= plain["entropy_bits"]


def test_accuracy_is_measured_where_labels_are_known(network):
    (plain,) = measure_weights(network, calibration=5, images=50, budgets=())
    images, labels = network.images(55)
    trimmed = TrimmedNetwork(network.load(), "headroom")
    predicted = trimmed.scores(images[5:], {}).argmax(dim=1).numpy()
    assert plain["top1"] == plain["top1_before"] == np.mean(predicted == labels[5:])


def test_corners_are_the_lower_convex_hull():
    sizes = [(0, 100), (1, 90), (2, 50), (3, 49), (4, 20), (5, 30), (6, 20), (9, 0)]
    points = [Point(None, bits, cost) for cost, bits in sizes]
    assert [(point.cost, point.bits) for point in corners(points)] == [(0, 100), (2, 50), (4, 20), (9, 0)]


def test_candidates_get_smaller_and_worse(network):
    for tensor in TrimmedNetwork(network.load(), "headroom").tensors.values():
        points = candidates(tensor)
        assert points[0].setting is None
        assert all(after.bits < before.bits and after.cost > before.cost for before, after in pairwise(points))


def test_progress_ends_at_its_total(network):
    calls = []
    measure_weights(network, calibration=5, images=5, budgets=(), progress=lambda *call: calls.append(call))
    assert calls[-1] == (8, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"calibration": 0}, "at least 1 image"),
        ({"images": 0}, "at least 1 image"),
        ({"budgets": (1.1,)}, "from 0 to 1"),
    ],
)
def test_bad_arguments_are_refused(network, arguments, message):
    with pytest.raises(BudgetError, match=message):
        measure_weights(network, **arguments)


def test_weights_of_an_integer_network_can_be_trimmed():
    pytest.importorskip("ai_edge_litert")
    network = get_network("mobilenetv2-int8")
    if network.available():
        pytest.skip(network.available())
    images = network.images(1).batch
    trimmed = TrimmedNetwork(network.load(), "headroom")
    assert trimmed.scores(images, {}).argmax() == network.classify(images)[0]
    coarse = trimmed.scores(images, dict.fromkeys(trimmed.tensors, Trimming(low_bits=6)))
    assert not torch.equal(coarse, trimmed.scores(images, {}))
