"""Accuracy with restored feature maps: figures equal to those computed by hand, and a search that keeps its budget."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from silicodec.models.baselines.bounds import Entropy  # noqa: E402
from silicodec.models.dct.codec import DCT  # noqa: E402
from silicodec.models.ebpc.codec import EBPC  # noqa: E402
from silicodec.models.evaluation.accuracy import Choices, measure_accuracy  # noqa: E402
from silicodec.models.evaluation.budget import BudgetError  # noqa: E402
from silicodec.models.evaluation.restoration import RestoredNetwork  # noqa: E402
from silicodec.models.evaluation.schemes import get_scheme  # noqa: E402
from silicodec.models.networks import capture, get_network  # noqa: E402
from silicodec.models.quantise import quantise  # noqa: E402

CALIBRATION, IMAGES = 60, 70


@pytest.fixture(scope="module")
def network():
    return get_network("digits")


@pytest.fixture(scope="module")
def records(network):
    choices = Choices(budgets=(0.0, 0.05, 1.0))
    records = measure_accuracy(network, scheme="dct", calibration=CALIBRATION, images=IMAGES, choices=choices)
    return {record["choice"]: record for record in records}


def test_figures_are_those_of_the_codec_layer_after_layer(network, records):
    model = network.load()
    batch, labels = network.images(CALIBRATION + IMAGES)
    largest = {layer.name: layer.values.max() for layer in capture.feature_maps(model, batch[:CALIBRATION])}
    bits, compressed, lossless, sequence, entropy = 0, 0, 0, 0, 0
    codec = DCT(step=8, signed=0)

    def restore(name, maps):
        nonlocal bits, compressed, lossless, sequence, entropy
        quantised = quantise(maps.numpy(), "fixed8", largest=float(largest[name]))
        words = quantised.values
        if words.ndim == 2:
            words = words[:, :, np.newaxis, np.newaxis]
        encoded = [codec.encode(packet) for packet in words]
        bits += 8 * words.size
        compressed += codec.nbits(words)  # one packet, which saves the ends of others
        lossless += EBPC().nbits(words)
        sequence += EBPC(word_bits=12).nbits(codec.quantised(words))
        entropy += Entropy(word_bits=12).nbits(codec.quantised(words))
        restored = np.stack([codec.decode(packet) for packet in encoded]).reshape(maps.shape)
        return torch.from_numpy((restored / quantised.scale).astype(np.float32))

    # Sums in floating point may differ with the size of a batch, hence the tolerance.
    classes = capture.scores(model, batch[CALIBRATION:], restore).argmax(dim=1).numpy()
    record = records["setting 4"]
    assert record["top1"] == pytest.approx(np.mean(classes == labels[CALIBRATION:]), abs=1 / IMAGES)
    assert record["ratio"] == pytest.approx(bits / compressed, rel=1e-3)
    assert record["ebpc_ratio"] == pytest.approx(bits / lossless, rel=1e-3)
    assert record["entropy_ratio"] == pytest.approx(bits / entropy, rel=1e-3)
    assert record["sequence_ratio"] == pytest.approx(bits / sequence, rel=1e-3)
    assert record["loss"] == pytest.approx(record["top1_before"] - record["top1"])


def test_coarser_levels_are_smaller(records):
    ratios = [records[f"setting {setting}"]["ratio"] for setting in range(1, 7)]
    assert ratios == sorted(ratios)


def test_a_larger_budget_is_not_worse(records):
    assert records["loss 0"]["ratio"] <= records["loss 0.05"]["ratio"] <= records["loss 1"]["ratio"]
    assert records["loss 1"]["ratio"] >= records["setting 6"]["ratio"]


def test_search_keeps_its_budget_on_the_calibration_images(network):
    choices = Choices(budgets=(0.05,))
    record = measure_accuracy(network, scheme="dct", calibration=CALIBRATION, images=1, choices=choices)[-1]
    batch, labels = network.images(CALIBRATION)
    restored = RestoredNetwork(network.load(), batch)
    codecs = {layer["layer"]: DCT.from_config(layer["codec"]) for layer in record["layers"] if layer["setting"]}
    before, after = restored.run(batch, {}), restored.run(batch, codecs)
    correct = [np.mean(run.scores.argmax(dim=1).numpy() == labels) for run in (before, after)]
    assert correct[0] - correct[1] <= 0.05


def test_agreement_of_views_and_no_uniform_choices(network):
    choices = Choices(budgets=(1.0,), agreement=True, uniform=False)
    (record,) = measure_accuracy(network, scheme="dct", calibration=5, images=6, views=3, choices=choices)
    assert record["choice"] == "loss 1"
    assert record["images"] == 18
    assert record["loss"] == pytest.approx(record["top1_before"] - record["top1"])
    assert record["agreement"] < 1
    assert {layer["setting"] for layer in record["layers"]} == {6}


def test_ratios_are_reached_among_the_settings_that_are_given(network):
    choices = Choices(budgets=(), ratios=(1.0, 2.1, 100.0), uniform=False, settings=(4, 3))
    records = measure_accuracy(network, scheme="dct", calibration=20, images=20, choices=choices)
    finest, between, coarsest = records
    assert [record["choice"] for record in (finest, between, coarsest)] == ["ratio 1", "ratio 2.1", "ratio 100"]
    settings = [{layer["setting"] for layer in record["layers"]} for record in (finest, between, coarsest)]
    assert settings == [{3}, {3, 4}, {4}]
    assert finest["ratio"] < between["ratio"] < coarsest["ratio"]


def test_lossless_first_where_a_scheme_has_it(network):
    choices = Choices(budgets=(0.0, 1.0), uniform=False)
    none, all_ = measure_accuracy(network, scheme="dct-or-ebpc", calibration=20, images=20, choices=choices)
    assert none["ratio"] >= none["ebpc_ratio"] > 1
    assert all_["ratio"] > none["ratio"]
    assert {layer["codec"]["id"] for layer in all_["layers"]} <= {"ebpc", "dct"}


def test_ebpc_takes_the_place_of_dct_where_it_is_smaller():
    random = np.random.default_rng(0)
    maps = (random.integers(0, 100, (1, 4, 32, 32)) * (random.random((1, 4, 32, 32)) < 0.3)).astype(np.int8)
    first, *others = get_scheme("dct-or-ebpc").candidates(maps)
    sizes = [codec.nbits(maps) for codec in others]
    assert max(sizes) == first.nbits(maps) > min(sizes)
    assert {codec.get_config()["id"] for codec in others} == {"ebpc", "dct"}
    np.testing.assert_array_equal(first.restore(maps), maps)


def test_without_labels_agreement_counts(network, tmp_path):
    from PIL import Image

    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    for record in measure_accuracy(network, calibration=2, images=2, folder=tmp_path):
        assert record["top1"] is record["loss"] is record["loss_interval"] is None
        low, high = record["agreement_interval"]
        assert low <= record["agreement"] <= high


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"calibration": 0}, "at least 1 image"),
        ({"images": 0}, "at least 1 image"),
        ({"choices": Choices(budgets=(1.5,))}, "from 0 to 1"),
        ({"point": "pool"}, "activation, convolution"),
    ],
)
def test_bad_arguments(network, arguments, message):
    with pytest.raises(BudgetError, match=message):
        measure_accuracy(network, **arguments)
