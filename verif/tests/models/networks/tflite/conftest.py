"""Small TensorFlow Lite models, and the interpreter that says what their tensors are."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("torch")
schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
flatbuffers = pytest.importorskip("flatbuffers")

VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "HARD_SWISH": 1, "RESHAPE": 1}
TYPES = {"int8": schema.TensorType.INT8, "uint8": schema.TensorType.UINT8, "int32": schema.TensorType.INT32}


class Tensor(NamedTuple):
    """A tensor of a model; `axis` is that of several scales."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | list[float] = 1.0
    zero_point: int = 0
    data: np.ndarray | None = None
    axis: int = 0


class Op(NamedTuple):
    """An operator, with the attributes of its options."""

    kind: str
    inputs: list[int]
    output: int
    options: str | None = None
    values: dict | None = None


def code_of(name):
    return getattr(schema.BuiltinOperator, name)


def write_model(path, tensors, ops):
    model = schema.ModelT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = b"main", [], []
    graph.inputs, graph.outputs = [0], [len(tensors) - 1]
    for tensor in tensors:
        entry = schema.TensorT()
        entry.name, entry.shape, entry.type, entry.buffer = (
            tensor.name.encode(),
            list(tensor.shape),
            TYPES[tensor.dtype],
            0,
        )
        scales = tensor.scale if isinstance(tensor.scale, list) else [tensor.scale]
        entry.quantization = schema.QuantizationParametersT()
        entry.quantization.scale, entry.quantization.zeroPoint = scales, [tensor.zero_point] * len(scales)
        entry.quantization.quantizedDimension = tensor.axis
        if tensor.data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(tensor.data.astype(tensor.dtype)).tobytes(), np.uint8)
            entry.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(entry)
    for op in ops:
        code = schema.OperatorCodeT()
        code.builtinCode, code.version = code_of(op.kind), VERSIONS.get(op.kind, 2)
        code.deprecatedBuiltinCode = code.builtinCode
        entry = schema.OperatorT()
        entry.opcodeIndex, entry.inputs, entry.outputs = len(model.operatorCodes), op.inputs, [op.output]
        if op.options:
            entry.builtinOptionsType = getattr(schema.BuiltinOptions, op.options)
            entry.builtinOptions = getattr(schema, f"{op.options}T")()
            for name, value in (op.values or {}).items():
                setattr(entry.builtinOptions, name, value)
        model.operatorCodes.append(code)
        graph.operators.append(entry)
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    Path(path).write_bytes(bytes(builder.Output()))
    return path


def interpret(path, integers, numbers):
    """Run TensorFlow Lite on one image (H, W, C) or (C,): the tensors with these numbers, as it holds them."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_path=str(path),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    interpreter.set_tensor(entry["index"], integers[np.newaxis])
    interpreter.invoke()
    return [interpreter.get_tensor(number) for number in numbers]


def assert_equal_to_interpreter(path, graph, seed=0, images=1):
    """Hold every tensor of a graph to TensorFlow Lite's, on random images."""
    source = graph.source
    shape = (images, *source.shape)
    integers = np.random.default_rng(seed).integers(source.low, source.high + 1, shape)
    assert_equal_on(path, graph, integers.astype(np.float32) * np.float32(source.scale))


def assert_equal_on(path, graph, images):
    """Hold every tensor of a graph to TensorFlow Lite's, on images as the graph takes them."""
    values = graph.values(images)
    source, outputs = graph.source, [operator.output for operator in graph.operators]
    for number, pixels in enumerate(values[source.number].numpy()):
        stored = (pixels + source.zero_point).astype(source.dtype)
        stored = stored.transpose(1, 2, 0) if stored.ndim == 3 else stored
        for output, expected in zip(outputs, interpret(path, stored, [o.number for o in outputs]), strict=True):
            found = values[output.number][number].numpy()
            found = found.transpose(1, 2, 0) if found.ndim == 3 else found
            np.testing.assert_array_equal(found + output.zero_point, expected[0], output.name)


@pytest.fixture(scope="session")
def tflite():
    """What the tests of networks in integers share."""

    class Kit:
        Tensor, Op, schema = Tensor, Op, schema
        write_model = staticmethod(write_model)
        assert_equal_to_interpreter = staticmethod(assert_equal_to_interpreter)
        assert_equal_on = staticmethod(assert_equal_on)

    return Kit
