"""Networks in 8-bit integers, with the arithmetic of TensorFlow Lite at every tensor."""

from silicodec.models.networks.tflite.file import TFLiteModel
from silicodec.models.networks.tflite.graph import IntegerGraph

__all__ = ["IntegerGraph", "TFLiteModel"]
