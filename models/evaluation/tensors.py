"""Compression ratios of codecs on tensors that were saved, without a network."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from silicodec.models.evaluation.compression import (
    DEFAULT_CODECS,
    PROJECT,
    EvaluationError,
    configurations,
    largest_of,
    make_measures,
    packet_sizes,
    records_of,
)
from silicodec.models.evaluation.records import Evaluation, tool_versions
from silicodec.models.networks.capture import Layer


def evaluate_tensors(
    tensors: Mapping[str, np.ndarray],
    codecs: Sequence[str] | Mapping[str, Mapping[str, Any]] = DEFAULT_CODECS,
    *,
    number_formats: Sequence[str] | None = None,
    scale_rule: str = "headroom",
    rule: str = PROJECT,
    source: str = "given",
) -> Evaluation:
    """Measure how small codecs make tensors, without a network.

    Parameters
    ----------
    tensors : mapping of str to np.ndarray
        By name. The first of four axes or more counts packets, as (N, C, H, W) does; other tensors are one packet each.
        By default integers of 8 and 16 bits are words as they are (``native``, ``native16``), and floating-point values
        are quantised to ``fixed8``.
    codecs, number_formats, scale_rule, rule
        As of `evaluate`.
    source : str
        Where they come from, for the record.

    Returns
    -------
    Evaluation
        One record for each number format, codec and tensor, and one for all together.

    Raises
    ------
    EvaluationError
        When there is no tensor, or one that is empty.
    NumberFormatError, CodecError
        For names, parameters or data that cannot be used.
    """
    if empty := [name for name, tensor in tensors.items() if tensor.size == 0]:
        raise EvaluationError(f"tensor {empty[0]} is empty")
    if not tensors:
        raise EvaluationError("there is no tensor")
    by_format: dict[str, list[Layer]] = {name: [] for name in number_formats or ()}
    for name, tensor in tensors.items():
        for number_format in number_formats or [_own_format(name, tensor)]:
            packets = tensor if tensor.ndim >= 4 else tensor[np.newaxis]
            by_format.setdefault(number_format, []).append(Layer(name, "feature map", packets))
    chosen = make_measures(codecs, list(by_format), rule)
    sizes = []
    for number_format, layers in by_format.items():
        largest = {} if number_format.startswith("native") else largest_of(layers, rule)
        measures = {number_format: chosen[number_format]}
        sizes += packet_sizes(layers, largest, codecs=measures, scale_rule=scale_rule, rule=rule)
    conditions = {
        "network": None,
        "tensors": list(tensors),
        "source": source,
        "scale_rule": scale_rule,
        "rule": rule,
        "codecs": configurations(chosen),
        "versions": tool_versions(),
    }
    return Evaluation(conditions, records_of(source, sizes, chosen))


def _own_format(name: str, tensor: np.ndarray) -> str:
    if tensor.dtype.kind not in "iu":
        return "fixed8"
    if tensor.dtype.itemsize > 2:
        raise EvaluationError(f"tensor {name} holds {tensor.dtype} integers, and only those of 8 and 16 bits are words")
    return "native16" if tensor.dtype.itemsize == 2 else "native"


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read tensors from an ``.npy`` or ``.npz`` file, or from all such files of a folder, by name.

    Raises
    ------
    OSError
        When there is none, or when a file cannot be read or holds anything but numbers.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".npy", ".npz"))
        if not files:
            raise OSError(f"there is no .npy or .npz file in {path}")
        return {
            (file.stem if file.suffix == ".npy" else f"{file.stem}/{name}"): tensor
            for file in files
            for name, tensor in read_tensors(file).items()
        }
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            tensors = {path.stem: loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise OSError(f"{path} is no file of arrays: {error}") from error
    if other := [name for name, tensor in tensors.items() if tensor.dtype.kind not in "iuf"]:
        raise OSError(f"{path}: {other[0]} holds {tensors[other[0]].dtype}, not numbers")
    return tensors
