"""Networks in floating point in ONNX files, as PyTorch's exporters write them."""

import os
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from silicodec.models.evaluation.compression import evaluate  # noqa: E402
from silicodec.models.networks import NetworkError, custom, get_network  # noqa: E402

needs_data = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")


@pytest.fixture
def converter():
    """Skip a test where onnx2pytorch, or torchvision that it imports, does not work."""
    try:
        import onnx2pytorch
    except (ImportError, RuntimeError) as error:  # torchvision made for another PyTorch raises RuntimeError
        pytest.skip(f"onnx2pytorch cannot be imported: {error}")
    return onnx2pytorch


@pytest.mark.parametrize("exporter", ["script", "dynamo"])
@pytest.mark.parametrize("name", ["digits", *(pytest.param(name, marks=needs_data) for name in ("lenet5", "resnet20"))])
def test_an_exported_network_classifies_as_before(converter, name, exporter, tmp_path):
    if exporter == "dynamo":
        pytest.importorskip("onnxscript")
    given, path = get_network(name), tmp_path / "network.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an exporter that is to go
        example = torch.zeros(1, *given.input_shape)  # the file is one of a single image
        torch.onnx.export(given.load(), (example,), path, dynamo=exporter == "dynamo")
    network = get_network(str(path), mean=given.mean, deviation=given.deviation)
    assert network.input_shape == given.input_shape
    images = given.normalised(np.random.default_rng(0).random((9, *given.input_shape), np.float32))
    with torch.inference_mode():
        expected, found = (model(torch.from_numpy(images)).numpy() for model in (given.load(), network.load()))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    for codec in ("ebpc", "zvc"):
        sizes = [evaluate(one, [codec], images=images, workers=0).totals[0] for one in (given.load(), network.load())]
        assert sizes[0]["words"] == sizes[1]["words"]
        assert sizes[0]["ratio"] == pytest.approx(sizes[1]["ratio"], rel=1e-3)


def test_an_operator_that_the_converter_does_not_know_is_named(converter, tmp_path):
    import onnx
    from onnx import helper

    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("x", "y")]
    node = helper.make_node("Strange", ["x"], ["y"], domain="elsewhere")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("elsewhere", 1)]
    model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:]), opset_imports=opsets, ir_version=8)
    onnx.save(model, tmp_path / "strange.onnx")
    with pytest.raises(NetworkError, match=r"cannot be turned into a PyTorch module: .*Strange") as caught:
        get_network(str(tmp_path / "strange.onnx")).load()
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(custom, "find_spec", lambda name: None if name == "onnx" else name)
    (tmp_path / "network.onnx").touch()
    with pytest.raises(NetworkError, match=r"needs onnx: pip install 'silicodec\[onnx\]'"):
        get_network(str(tmp_path / "network.onnx"))
