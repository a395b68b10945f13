"""Networks in ONNX files: in floating point as PyTorch modules, in integers (QuantizeLinear) as an `IntegerGraph`."""

from silicodec.models.networks.onnx.contents import OnnxFile
from silicodec.models.networks.onnx.integers import OnnxModel
from silicodec.models.networks.onnx.module import read_module

__all__ = ["OnnxFile", "OnnxModel", "read_module"]
