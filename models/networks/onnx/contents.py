"""What an ONNX file holds, with what depends on constants alone computed."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.tflite.convolution import Padding, same_padding

INTEGER_WORDS = ("Linear", "Integer")
"""What names of operators on integers contain: QuantizeLinear, QLinearConv, ConvInteger, and the like."""


class OnnxFile:
    """The graph of a file: one image in, one tensor out.

    Attributes
    ----------
    model : onnx.ModelProto
        As it was read.
    source, result : str
        Names of the tensors at the network's ends.
    constants : dict of str to np.ndarray
        Tensors that depend on no image, by name.
    nodes : list of onnx.NodeProto
        The others' operators, in the order of computation.
    consumers : dict of str to list of onnx.NodeProto
        Those that take a tensor, by its name.

    Raises
    ------
    NetworkError
        When the file is no ONNX model, or one with several inputs or outputs.
    """

    def __init__(self, path: Path) -> None:
        import onnx

        try:
            self.model = onnx.load(path)
            onnx.checker.check_model(self.model)
        except Exception as error:  # whatever protobuf and the checker raise
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise NetworkError(f"{path} is not an ONNX model: {reason}") from error
        graph = self.model.graph
        self.constants = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
        inputs = [entry.name for entry in graph.input if entry.name not in self.constants]
        if (len(inputs), len(graph.output)) != (1, 1):
            raise NetworkError(f"{path} has {len(inputs)} inputs and {len(graph.output)} outputs, not one of each")
        self.source, self.result = inputs[0], graph.output[0].name
        self._dimensions = _dimensions(self.model, {})
        self.nodes = [node for node in graph.node if not self._fold(node)]
        self._dimensions = _dimensions(self.model, self.constants)
        self.consumers: dict[str, list[Any]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.consumers[name].append(node)

    @property
    def is_integer(self) -> bool:
        """Tell whether there are operators on integers, or such that lead to or from them."""
        return any(word in node.op_type for node in self.nodes for word in INTEGER_WORDS)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Find the shape of an image; NetworkError where the file leaves it open, or takes no images."""
        shape = self.shape(self.source)
        if len(shape) != 3:
            raise NetworkError(f"the network takes {shape}, which are no images")
        channels, height, width = shape
        return channels, height, width

    def shape(self, name: str) -> tuple[int, ...]:
        """Find the shape of a tensor, of one image; NetworkError where the file leaves it open."""
        if not self._is_told(name):
            raise NetworkError(f"{name} of a shape that is not told")
        return tuple(size.dim_value for size in self._dimensions[name][1:])

    def _is_told(self, name: str) -> bool:
        sizes = self._dimensions.get(name, ())
        return len(sizes) > 1 and all(size.dim_value > 0 for size in sizes)

    def _fold(self, node: Any) -> bool:
        """Compute what depends on constants alone, but leave weights in integers."""
        given = [name for name in node.input if name]
        if node.op_type == "Shape" and not node.attribute and self._is_told(given[0]):
            results = [np.array([size.dim_value for size in self._dimensions[given[0]]], np.int64)]
        elif node.op_type == "DequantizeLinear" or any(name not in self.constants for name in given):
            return False
        elif node.op_type == "QuantizeLinear":
            results = [_quantised(node, *(self.constants[name] for name in given))]
        else:
            results = self._computed(node, given)
        self.constants |= dict(zip(node.output, results, strict=True))
        return True

    def _computed(self, node: Any, given: list[str]) -> list[Any]:
        """Compute an operator of constants."""
        from onnx.reference import ReferenceEvaluator

        try:
            evaluator = ReferenceEvaluator(_with_opsets(node, self.model))
            return list(evaluator.run(None, {name: self.constants[name] for name in given}))
        except Exception as error:  # whatever an operator raises
            raise NetworkError(f"an operator {node.op_type} ({node.output[0]}) of constants") from error


def _quantised(node: Any, values: np.ndarray, scale: np.ndarray, zero_point: np.ndarray | None = None) -> np.ndarray:
    """Compute QuantizeLinear of a constant, in the type of its zero point."""
    zero_point = np.zeros(scale.shape, np.uint8) if zero_point is None else zero_point
    shape = [1] * values.ndim
    if scale.size > 1:
        shape[attributes(node).get("axis", 1)] = -1
    limits = np.iinfo(zero_point.dtype)
    integers = np.rint(values / scale.reshape(shape)) + zero_point.reshape(shape)
    return integers.clip(limits.min, limits.max).astype(zero_point.dtype)


def _dimensions(model: Any, constants: dict[str, np.ndarray]) -> dict[str, Any]:
    """Infer the shapes of a model's tensors, for one image; `constants` are of any of them."""
    import onnx

    copy = onnx.ModelProto.FromString(model.SerializeToString())
    stored = {entry.name for entry in copy.graph.initializer}
    for entry in copy.graph.input:
        if entry.name not in stored and (sizes := entry.type.tensor_type.shape.dim):
            sizes[0].dim_value = 1
    nodes = [node for node in copy.graph.node if node.output[0] not in constants]
    del copy.graph.node[:], copy.graph.output[0].type.tensor_type.shape.dim[:]
    copy.graph.node.extend(nodes)
    copy.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(values), name)
        for name, values in constants.items()
        if name not in stored
    )
    graph = onnx.shape_inference.infer_shapes(copy, data_prop=True).graph
    known = (*graph.value_info, *graph.input, *graph.output)
    return {entry.name: list(entry.type.tensor_type.shape.dim) for entry in known}


def _with_opsets(node: Any, model: Any) -> Any:
    """Make a model of one operator, of the versions of operators that a model uses."""
    from onnx import helper

    inputs = [helper.make_empty_tensor_value_info(name) for name in node.input if name]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "constant", inputs, outputs)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def attributes(node: Any) -> dict[str, Any]:
    """Read the attributes of an operator by name."""
    from onnx import helper

    return {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}


def geometry(node: Any, kernel: tuple[int, int], size: tuple[int, int]) -> tuple[tuple[int, int], Padding]:
    """Read strides and padding (left, right, top, bottom) of an operator on maps of a size.

    Raises
    ------
    NetworkError
            For dilation, sizes of averages that are rounded up, and padding of SAME_LOWER.
    """
    given = attributes(node)
    down, right = given.get("strides", (1, 1))
    automatic = given.get("auto_pad", b"NOTSET").decode()
    rounds_up = given.get("ceil_mode", 0)
    unknown = rounds_up and node.op_type != "MaxPool"
    if set(given.get("dilations", (1, 1))) != {1} or unknown or automatic == "SAME_LOWER":
        raise NetworkError(f"{node.output[0]} with dilation, ceil_mode or SAME_LOWER")
    if automatic == "SAME_UPPER":
        return (down, right), same_padding(size, kernel, (down, right))
    above, before, below, after = given.get("pads", (0, 0, 0, 0))
    if rounds_up:
        below += _missing(size[0], above, below, kernel[0], down)
        after += _missing(size[1], before, after, kernel[1], right)
    return (down, right), (before, after, above, below)


def _missing(size: int, before: int, after: int, kernel: int, stride: int) -> int:
    """Count what a last window, that begins within a map or the padding before it, reaches beyond the padding after."""
    room = before + size + after - kernel
    windows = -(-room // stride)
    if windows * stride >= before + size:
        windows -= 1
    return max(windows * stride - room, 0)


def as_constant(values: Any) -> np.ndarray:
    """Read a constant as float64."""
    return np.asarray(values, np.float64)
