"""Networks in integers as files of their own: a NumPy archive, docs/formats/integer-network.md."""

import json
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.tflite import operators as kinds
from silicodec.models.networks.tflite.arithmetic import Multiplier
from silicodec.models.networks.tflite.convolution import Convolution, FullyConnected
from silicodec.models.networks.tflite.graph import IntegerGraph, Operator
from silicodec.models.networks.tflite.quantity import Quantity
from silicodec.models.storage import written_whole

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    zlib.error,
    zipfile.BadZipFile,
)
FORMAT, VERSION = "silicodec integer network", 1
KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Convolution,
        FullyConnected,
        kinds.Addition,
        kinds.AveragePool,
        kinds.Average,
        kinds.MaxPool,
        kinds.Mean,
        kinds.Pad,
        kinds.Concatenation,
        kinds.Reshape,
        kinds.Lookup,
        kinds.Softmax,
    )
}


@dataclass(frozen=True)
class Preparation:
    """How images enter: a pixel p in 0 .. 1 as (p - mean) / deviation, by channel."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def save_graph(path: Path, graph: IntegerGraph, preparation: Preparation) -> None:
    """Write a network to a file."""
    arrays: dict[str, np.ndarray] = {}
    tensors = [graph.source, *(operator.output for operator in graph.operators)]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "preparation": asdict(preparation),
        "first_class": graph.first_class,
        "tensors": [asdict(tensor) for tensor in tensors],
        "operators": [_entry(number, operator, arrays) for number, operator in enumerate(graph.operators)],
    }
    arrays["graph"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _entry(number: int, operator: Operator, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Describe an operator, and put its arrays with the others."""
    entry: dict[str, Any] = {"kind": type(operator).__name__}
    for field in fields(operator):
        value = getattr(operator, field.name)
        if field.name == "inputs":
            entry["inputs"] = [source.number for source in value]
        elif field.name == "output":
            entry["output"] = value.number
        elif isinstance(value, Multiplier):
            arrays[f"{number}.factors"] = value.factors.astype(np.int32)
            arrays[f"{number}.shifts"] = value.shifts.astype(np.int8)
            entry["halves_away"] = value.halves_away
        elif isinstance(value, torch.Tensor | np.ndarray):
            arrays[f"{number}.{field.name}"] = np.asarray(value).astype(_DTYPES[field.name])
        else:
            entry[field.name] = value
    return entry


_DTYPES = {"weights": np.int16, "bias": np.int32, "units": np.float32, "table": np.int16}
_TORCH_DTYPES = {"weights": torch.float32, "bias": torch.float64, "units": torch.float32}


def load_graph(path: Path) -> tuple[IntegerGraph, Preparation]:
    """Read a network from a file.

    Raises
    ------
    NetworkError
        When the file is missing, or is not one that `save_graph` wrote, or is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        head = json.loads(bytes(arrays["graph"]))
        if (head["format"], head["version"]) != (FORMAT, VERSION):
            raise ValueError(f"version {head['version']}")
        tensors = {entry["number"]: _tensor(entry) for entry in head["tensors"]}
        operators = tuple(_operator(number, entry, tensors, arrays) for number, entry in enumerate(head["operators"]))
        graph = IntegerGraph(tensors[head["tensors"][0]["number"]], operators, first_class=head["first_class"])
        preparation = Preparation(**{name: tuple(values) for name, values in head["preparation"].items()})
    except DAMAGE as error:
        raise NetworkError(f"{path} does not hold a network in integers: {error or type(error).__name__}") from error
    return graph, preparation


def _tensor(entry: dict[str, Any]) -> Quantity:
    return Quantity(**entry | {"shape": tuple(entry["shape"])})


def _operator(
    number: int, entry: dict[str, Any], tensors: dict[int, Quantity], arrays: dict[str, np.ndarray]
) -> Operator:
    kind = KINDS[entry["kind"]]
    given: dict[str, Any] = {}
    for field in fields(kind):
        if field.name == "inputs":
            given["inputs"] = tuple(tensors[source] for source in entry["inputs"])
        elif field.name == "output":
            given["output"] = tensors[entry["output"]]
        elif field.name == "multiplier":
            factors, shifts = (arrays[f"{number}.{name}"].astype(np.int64) for name in ("factors", "shifts"))
            given["multiplier"] = Multiplier(factors, shifts, entry["halves_away"])
        elif field.name == "table":
            given["table"] = arrays[f"{number}.table"]
        elif field.name in _TORCH_DTYPES:
            given[field.name] = torch.from_numpy(arrays[f"{number}.{field.name}"]).to(_TORCH_DTYPES[field.name])
        else:
            value = entry[field.name]
            given[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**given)
