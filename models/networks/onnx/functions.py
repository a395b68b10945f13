"""Functions of single 8-bit values as tables, by ONNX's definition of them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.onnx.contents import attributes
from silicodec.models.networks.tflite.quantity import ACTIVATIONS, Quantity

FUNCTIONS: dict[str, Callable[[np.ndarray, Mapping[str, Any]], np.ndarray]] = {
    "Elu": lambda x, given: np.where(x < 0, given.get("alpha", 1.0) * np.expm1(np.minimum(x, 0)), x),
    "HardSigmoid": lambda x, given: (given.get("alpha", 0.2) * x + given.get("beta", 0.5)).clip(0, 1),
    "HardSwish": lambda x, given: x * (x / 6 + 0.5).clip(0, 1),
    "LeakyRelu": lambda x, given: np.where(x < 0, given.get("alpha", 0.01) * x, x),
    "Sigmoid": lambda x, given: 1 / (1 + np.exp(-x)),
    "Tanh": lambda x, given: np.tanh(x),
}


def function_table(
    source: Quantity,
    output: Quantity,
    function: str | None = None,
    given: Mapping[str, Any] | None = None,
    name: str = "",
) -> np.ndarray:
    """Make the table of a function, or of a change of scale alone, within the output's bounds; int16.

    Raises
    ------
    NetworkError
        For a function that is not known.
    """
    values = np.arange(source.low, source.high + 1) * source.scale
    if function is not None:
        if function not in FUNCTIONS:
            raise NetworkError(f"an operator {function} ({name})")
        values = FUNCTIONS[function](values, given or {})
    return np.rint(values / output.scale).clip(output.low, output.high).astype(np.int16)


def bounds_of_clip(node: Any, constant: Callable[[Any, int, float], np.ndarray]) -> str:
    """Name the activation function that a Clip is; `constant` reads an input, or gives a default instead."""
    given = attributes(node)
    low = given["min"] if "min" in given else float(constant(node, 1, -np.inf))
    high = given["max"] if "max" in given else float(constant(node, 2, np.inf))
    for name, bounds in ACTIVATIONS.items():
        if bounds == (low, high):
            return name
    raise NetworkError(f"{node.output[0]} clipped to {low:g} .. {high:g}")
