"""Evaluation: figures equal to those computed by hand, however the work is shared, and files that hold them."""

import json
import os
import sys

import numpy as np
import pytest

from silicodec.models.catalog import make_codec
from silicodec.models.codec import CodecError
from silicodec.models.evaluation.compression import EvaluationError, evaluate
from silicodec.models.evaluation.records import PacketSizes, layer_record
from silicodec.models.networks import NetworkError, get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import NumberFormatError, quantise

CODECS = ["ebpc", "zvc"]


@pytest.fixture(scope="module")
def evaluation(network):
    return evaluate(network, CODECS, images=7, batch_size=3, gradients=True, weights=True, workers=0)


def select(records, **wanted):
    return [record for record in records if all(record[key] == value for key, value in wanted.items())]


@pytest.mark.parametrize("name", CODECS)
def test_ratios_are_those_of_each_image_and_layer(network, evaluation, name):
    codec = make_codec(name, word_bits=8)
    layers = feature_maps(network.load(), network.images(7).batch)
    words = [quantise(layer.values, "fixed8").values for layer in layers]
    bits = np.array([[codec.encode(packet).nbits for packet in layer] for layer in words])
    sizes = np.array([layer[0].size * 8 for layer in words])

    records = select(evaluation.layers, kind="feature map", codec=name)
    assert [record["layer"] for record in records] == ["relu1", "relu2", "relu3"]
    for record, layer, layer_bits, size in zip(records, words, bits, sizes, strict=True):
        assert record["compressed_bits"] == layer_bits.sum()
        assert record["ratio"] == pytest.approx(7 * size / layer_bits.sum())
        assert record["sparsity"] == pytest.approx(np.mean(layer == 0))
        assert record["shape"] == list(layer.shape[1:])
        assert record["packets"] == 7

    (total,) = select(evaluation.totals, kind="feature map", codec=name)
    frames = sizes.sum() / bits.sum(axis=0)
    assert total["bits"] == 7 * sizes.sum()
    assert total["ratio"] == pytest.approx(7 * sizes.sum() / bits.sum())
    assert total["frame_mean"] == pytest.approx(frames.mean())
    assert total["frame_deviation"] == pytest.approx(frames.std())
    assert [total["frame_p1"], total["frame_p99"]] == pytest.approx(list(np.percentile(frames, [1, 99])))


def test_scale_is_that_of_all_images(network, evaluation):
    layers = feature_maps(network.load(), network.images(7).batch)
    records = select(evaluation.layers, kind="feature map", codec="zvc")
    for record, layer in zip(records, layers, strict=True):
        assert record["scale"] == pytest.approx(0.75 * 127 / layer.values.max(), rel=1e-5)


def test_gradients_and_weights_have_records_too(evaluation):
    gradients = select(evaluation.layers, kind="gradient map", codec="ebpc")
    assert [record["layer"] for record in gradients] == ["relu1", "relu2", "relu3"]
    assert all(record["packets"] == 7 for record in gradients)
    weights = select(evaluation.layers, kind="weight", codec="ebpc")
    assert [record["layer"] for record in weights] == ["conv1", "conv2", "conv3", "linear"]
    assert [record["words"] for record in weights] == [144, 2304, 2304, 2560]


def test_narrow_formats_count_their_own_bits(network):
    formats = ["fixed4", "fixed12", "float16"]
    evaluation = evaluate(network, ["zvc"], images=2, number_formats=formats, workers=0)
    for total, word_bits in zip(evaluation.totals, (4, 12, 16), strict=True):
        nonzero = round((1 - total["sparsity"]) * total["words"])
        assert total["bits"] == word_bits * total["words"]
        assert total["compressed_bits"] == total["words"] + word_bits * nonzero


def test_packets_of_no_information_have_a_finite_ratio():
    sizes = PacketSizes(
        kind="feature map",
        layer="relu",
        number_format="fixed8",
        word_bits=8,
        scale=1.0,
        shape=(2, 4),
        zeros=np.array([8, 8]),
        compressed_bits={"entropy": np.array([0, 0])},
    )
    record = layer_record("any", sizes, "entropy")
    assert [record["ratio"], record["frame_mean"]] == [64, 64]


def test_codec_parameters_are_used_and_recorded(network):
    evaluation = evaluate(network, {"ebpc": {"max_zero_run": 64}}, images=1, workers=0)
    assert evaluation.conditions["codecs"]["fixed8"]["ebpc"] == make_codec("ebpc", max_zero_run=64).get_config()


def test_local_processes_give_the_same_records():
    network = get_network("digits")  # processes of their own know the project's networks, not a test's
    arguments = {"images": 6, "batch_size": 2, "gradients": True}
    calls = []
    shared = evaluate(network, CODECS, workers=2, progress=lambda *call: calls.append(call), **arguments)
    assert shared == evaluate(network, CODECS, workers=0, **arguments)
    assert calls == [(done, 12) for done in (2, 4, 6, 8, 10, 12)]


def test_scheduler_by_address_gives_the_same_records(network, evaluation):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp://"
    ) as cluster:
        shared = evaluate(
            network,
            CODECS,
            images=7,
            batch_size=3,
            gradients=True,
            weights=True,
            scheduler=cluster.scheduler_address,
        )
    assert shared.records == evaluation.records


def test_scheduler_that_does_not_answer(network):
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "100ms"}),
        pytest.raises(EvaluationError, match=r"scheduler tcp://127\.0\.0\.1:1 does not answer"),
    ):
        evaluate(network, CODECS, images=1, scheduler="tcp://127.0.0.1:1")


def test_without_dask_says_what_to_install(network, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EvaluationError, match=r"pip install 'silicodec\[evaluate\]'"):
        evaluate(network, CODECS, images=4, batch_size=1, workers=2)


def test_progress_counts_every_image_in_both_passes(network):
    calls = []
    evaluate(network, CODECS, images=5, batch_size=2, workers=0, progress=lambda *call: calls.append(call))
    assert calls == [(done, 10) for done in (2, 4, 5, 7, 9, 10)]


def test_files_hold_conditions_and_records(evaluation, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    evaluation.write_json(tmp_path / "new" / "records.json")
    evaluation.write_parquet(tmp_path / "new" / "records.parquet")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["records.json", "records.parquet"]

    content = json.loads((tmp_path / "new" / "records.json").read_text())
    assert content == {"conditions": evaluation.conditions, "records": evaluation.records}
    assert content["conditions"]["images"] == 7
    assert {"silicodec", "numpy", "torch", "python"} <= content["conditions"]["versions"].keys()
    table = parquet.read_table(tmp_path / "new" / "records.parquet")
    assert table.to_pylist() == evaluation.records
    assert json.loads(table.schema.metadata[b"conditions"]) == evaluation.conditions


def test_failed_write_leaves_the_old_file(evaluation, tmp_path):
    path = tmp_path / "records.json"
    path.write_text("old")
    evaluation.records.append({"not": object()})
    try:
        with pytest.raises(TypeError):
            evaluation.write_json(path)
    finally:
        evaluation.records.pop()
    assert [file.name for file in tmp_path.iterdir()] == ["records.json"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("codecs", "arguments", "error", "message"),
    [
        (["lzw"], {}, CodecError, "lzw.*ebpc"),
        ([], {}, EvaluationError, "at least one codec"),
        (CODECS, {"number_formats": ["int8"]}, NumberFormatError, "unknown number format"),
        (CODECS, {"number_formats": ["native"]}, NumberFormatError, "use fixed8"),
        (CODECS, {"batch_size": 0}, EvaluationError, "batch size must be at least 1"),
        (CODECS, {"scale_rule": "half"}, NumberFormatError, "unknown scale rule"),
    ],
)
def test_refuses_in_one_line(network, codecs, arguments, error, message):
    with pytest.raises(error, match=message):
        evaluate(network, codecs, images=1, workers=0, **arguments)


def test_unknown_network():
    with pytest.raises(NetworkError, match="did you mean lenet5"):
        evaluate("lenet", CODECS)


needs_data = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="SILICODEC_DATA is not set")


@needs_data
@pytest.mark.parametrize("kind", ["feature map", "gradient map"])
def test_ebpc_beats_earlier_schemes_on_a_real_network(kind):
    evaluation = evaluate("resnet20", ["ebpc", "zero-rle", "zvc", "bpc"], images=20, gradients=True, workers=0)
    ratios = {record["codec"]: record["ratio"] for record in select(evaluation.totals, kind=kind)}
    assert ratios["ebpc"] == max(ratios.values())
    assert min(ratios.values()) > 1


@needs_data
def test_integer_network_is_measured_in_its_own_words():
    pytest.importorskip("ai_edge_litert")
    evaluation = evaluate("mobilenetv2-int8", ["ebpc"], images=1, workers=0)
    (total,) = evaluation.totals
    assert total["number_format"] == "native"
    assert total["ratio"] > 1.2
    assert len(evaluation.layers) == 35
    with pytest.raises(NumberFormatError, match="use the number format native"):
        evaluate("mobilenetv2-int8", ["ebpc"], images=1, number_formats=["fixed8"], workers=0)
