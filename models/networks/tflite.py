"""Quantised networks that TensorFlow Lite runs, and their own integer tensors."""

import warnings
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from silicodec.models.networks.imagenet import sample_photographs
from silicodec.models.networks.network import Network, NetworkError
from silicodec.models.storage import data_file

if TYPE_CHECKING:
    from torch import Tensor

    from silicodec.models.networks.integer_graph import IntegerGraph, Replace

CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


class TFLiteNetwork(Network):
    """MobileNetV2 with 8-bit weights and activations."""

    number_format: ClassVar[str] = "native"
    packages: ClassVar[Mapping[str, str]] = {"ai_edge_litert": "tflite", "PIL": "tflite"}

    def _weights_file(self) -> Path | None:
        return super()._weights_file() or data_file("weights/mobilenet_v2_imagenet_int8.tflite")

    def _load(self) -> "TFLiteModel":
        path = self._weights_file()
        assert path is not None
        try:
            return TFLiteModel(path)
        except (ValueError, RuntimeError) as error:
            raise NetworkError(f"{path} is not a TensorFlow Lite model that can be run: {error}") from error

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        return sample_photographs(self.input_shape, count)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Predict the class of each image of a batch (N, C, H, W); int64, (N,)."""
        return self.load().scores(images)[:, 1:].argmax(axis=1)  # class 0 of 1001 is the background


class TFLiteModel:
    """A TensorFlow Lite model whose tensors can be read.

    Tensors are given channel-major, (C, H, W), the order in which the EBPC paper and its hardware stream them, though
    TensorFlow Lite holds them channel-minor. A word is the integer minus its zero point, modulo 256, as uint8: real
    zero is the word 0, and the integer can be had back. (After ReLU6 the zero point is the smallest integer, so
    that words are 0 .. 255.)

    Parameters
    ----------
    path : Path
        A ``.tflite`` file with a full-integer network: one image (1, H, W, C) in, scores (1, classes) out.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._path = path
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that preserving tensors takes memory
            self._interpreter = Interpreter(
                model_path=str(path),
                experimental_preserve_all_tensors=True,
                # Delegates run several operators as one and leave no tensors in between.
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                num_threads=1,
            )
        self._interpreter.allocate_tensors()
        tensors = {tensor["index"]: tensor for tensor in self._interpreter.get_tensor_details()}
        # The interpreter has no public way to ask which operator writes a tensor.
        operators = [op for op in self._interpreter._get_ops_details() if op["op_name"] in CONVOLUTIONS]
        self._weights = [tensors[op["inputs"][1]] for op in operators]
        outputs = [tensors[op["outputs"][0]] for op in operators]
        self._activations = [tensor for tensor in outputs if _is_never_negative(tensor)]

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Classify a batch (N, C, H, W); float32, (N, classes), background included."""
        (output,) = self._interpreter.get_output_details()
        return np.concatenate([self._run(image, [output])[0] for image in images]).astype(np.float32)

    @cached_property
    def graph(self) -> "IntegerGraph":
        """The same network in PyTorch, which lets its tensors be replaced; NetworkError when it holds too much."""
        from silicodec.models.networks.tflite_file import read_graph

        return read_graph(self._path)

    def replaced_scores(self, images: np.ndarray, replace: "Replace", *, before_activation: bool) -> "Tensor":
        """Classify with feature maps replaced, as of `IntegerGraph.values`: (N, classes), without the background."""
        return self.graph.scores(images, replace, before_activation=before_activation)[:, 1:]

    def feature_maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Run a batch of images, and read each tensor that an activation function ends.

        Parameters
        ----------
        images : np.ndarray
            float32, (N, C, H, W), normalised.

        Returns
        -------
        dict of str to np.ndarray
            Words by tensor name, in the order of computation: uint8, (N, C, H, W).
        """
        runs = [self._run(image, self._activations) for image in images]
        names = [short_name(tensor["name"]) for tensor in self._activations]
        batches = [np.concatenate(maps).transpose(0, 3, 1, 2) for maps in zip(*runs, strict=True)]
        return {
            name: _words(batch, tensor) for name, batch, tensor in zip(names, batches, self._activations, strict=True)
        }

    def weights(self) -> dict[str, np.ndarray]:
        """Read the weights of each convolution and linear layer: uint8 words, (out, in / groups, height, width)."""
        return {
            short_name(tensor["name"]): _words(
                self._interpreter.get_tensor(tensor["index"]).transpose(0, 3, 1, 2), tensor
            )
            for tensor in self._weights
        }

    def _run(self, image: np.ndarray, tensors: list[dict[str, Any]]) -> list[np.ndarray]:
        (entry,) = self._interpreter.get_input_details()
        scale, zero_point = entry["quantization"]
        limits = np.iinfo(entry["dtype"])
        pixels = np.clip(np.rint(image / scale) + zero_point, limits.min, limits.max).astype(entry["dtype"])
        self._interpreter.set_tensor(entry["index"], pixels.transpose(1, 2, 0)[np.newaxis])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(tensor["index"]) for tensor in tensors]


def _is_never_negative(tensor: dict[str, Any]) -> bool:
    """Tell whether no integer of a tensor stands for a negative number: the operator ends in a (fused) ReLU."""
    return tensor["quantization"][1] == np.iinfo(tensor["dtype"]).min


def _words(integers: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """Subtract a tensor's zero point modulo 256."""
    return np.ascontiguousarray(integers.view(np.uint8) - np.uint8(tensor["quantization"][1] % 256))


def short_name(name: str) -> str:
    """Take the first of the operators that a tensor's name lists, without the network's name."""
    return name.partition(";")[0].partition("/")[2]
