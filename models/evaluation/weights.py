"""What trimmed and dictionary-coded weights cost: a network's size and accuracy for a budget of accuracy to lose.

Each layer's trimming is chosen on calibration images and reported on others. Of all trimmings of a layer those stay in
the choice that save most, in order-0 entropy, for the squares of the errors of the weights. Each of these is tried
alone, on some of the calibration images, and again those stay that save most for the divergence that they add to the
network's output. Steps from one to the next, of all layers, are ordered in the same way, and bisection finds how many
of them keep within the budget, with all layers trimmed together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from silicodec.models.catalog import make_codec
from silicodec.models.dictionary.codec import DENSE, SPARSE, Dictionary
from silicodec.models.dictionary.trimming import Trimming
from silicodec.models.networks import Images, Network, capture, get_network
from silicodec.models.networks.capture import Model
from silicodec.models.networks.tflite import IntegerGraph
from silicodec.models.quantise import quantise

DICTIONARIES = tuple(Dictionary(entry_size=size, code_bits=bits) for size in (1, 2, 4, 8) for bits in (8, 16))
"""What each layer chooses from, for the fewest bits."""
CODERS = {
    "dense": DENSE,
    "sparse": SPARSE,
    "entropy": make_codec("entropy"),
    "huffman": make_codec("huffman"),
    "zstd": make_codec("zstd", level=19),
}
"""What all layers are measured with: the two codes that decoders in hardware are made for, and others to compare."""
PROBE_IMAGES = 25
"""Calibration images that each layer alone is tried on."""
BATCH = 100

TRIMMINGS = tuple(
    Trimming(low_bits, (quarters << low_bits) // 4) for low_bits in range(7) for quarters in (0, 3, 4, 5, 6, 8)
)

Choice = Mapping[str, Trimming | None]


class WeightsError(ValueError):
    """Weights that cannot be measured as asked."""


@dataclass(frozen=True, eq=False)
class WeightTensor:
    """The weights of one layer, in integers.

    Attributes
    ----------
    integers : np.ndarray
        (out, in / groups, height, width) or (out, in), int16: of 8 bits, but that those of an integer network, which
        are less its zero point, may take 9.
    write : callable
        Puts other integers in their place.
    """

    integers: np.ndarray
    write: Callable[[np.ndarray], None]

    def trimmed(self, trimming: Trimming | None) -> np.ndarray:
        """Trim the weights, which saturate at 8 bits before; without a trimming they stay. int16."""
        if trimming is None:
            return self.integers
        return trimming.apply(self.integers.clip(-128, 127).astype(np.int8)).astype(np.int16)


def weight_tensors(model: Model, scale_rule: str) -> dict[str, WeightTensor]:
    """Find the weights of each convolution and linear layer, and quantise those in floating point to 8 bits."""
    if isinstance(model, IntegerGraph):
        return {operator.output.name: _integer_weights(operator.weights) for operator in model.layers}
    modules = {name: module for name, module in model.named_modules() if isinstance(module, capture.CONVOLUTIONS)}
    return {name: _quantised_weights(module.weight.detach(), scale_rule) for name, module in modules.items()}


def _integer_weights(weights: Tensor) -> WeightTensor:
    def write(integers: np.ndarray) -> None:
        weights.copy_(torch.from_numpy(integers))

    return WeightTensor(weights.numpy().astype(np.int16), write)


def _quantised_weights(weights: Tensor, scale_rule: str) -> WeightTensor:
    quantised = quantise(weights.numpy(), "fixed8", scale_rule=scale_rule)

    def write(integers: np.ndarray) -> None:
        weights.copy_(torch.from_numpy(integers.astype(np.float32) / np.float32(quantised.scale)))

    return WeightTensor(quantised.values.astype(np.int16), write)


class TrimmedNetwork:
    """A network whose weights can be trimmed.

    Parameters
    ----------
    model : torch.nn.Module or IntegerGraph
        What `Network.load` gives. Its weights change.
    scale_rule : str
        Name in `quantise.SCALE_RULES`.
    """

    def __init__(self, model: Model, scale_rule: str) -> None:
        self._model = model
        self._choice: Choice | None = None
        self.tensors = weight_tensors(model, scale_rule)

    def scores(self, images: np.ndarray, choice: Choice) -> Tensor:
        """Run it with some layers trimmed: logarithms of the probabilities of the classes, (N, classes)."""
        for name, tensor in self.tensors.items():
            if self._choice is None or choice.get(name) != self._choice.get(name):
                tensor.write(tensor.trimmed(choice.get(name)))
        self._choice = dict(choice)
        batches = [images[cut : cut + BATCH] for cut in range(0, len(images), BATCH)]
        return torch.cat([log_softmax(capture.scores(self._model, batch, lambda *_: None), dim=1) for batch in batches])


@dataclass(frozen=True)
class Point:
    """A layer's size with a trimming, or with none, and what that costs: an error, or a divergence."""

    trimming: Trimming | None
    bits: int
    cost: float


@dataclass(frozen=True)
class Step:
    """A coarser trimming of a layer than before, and the bits that it saves for each unit that the cost grows by."""

    layer: str
    trimming: Trimming
    worth: float


def corners(points: Sequence[Point]) -> list[Point]:
    """Find the corners of the lower convex hull of size over cost, from the first point, which costs nothing, on."""
    hull = [points[0]]
    while smaller := [point for point in points if point.bits < hull[-1].bits]:
        last = hull[-1]
        hull.append(min(smaller, key=lambda point: ((point.cost - last.cost) / (last.bits - point.bits), point.bits)))
    return hull


def candidates(tensor: WeightTensor) -> list[Point]:
    """Find the trimmings of a layer that save most bits of entropy for the squared error of the weights."""
    points = []
    for trimming in (None, *TRIMMINGS):
        trimmed = tensor.trimmed(trimming)
        error = float(np.square(trimmed - tensor.integers, dtype=np.float64).sum())
        points.append(Point(trimming, CODERS["entropy"].nbits(trimmed.astype(np.int8)), error))
    return corners(points)


def measure_weights(
    network: str | Network,
    *,
    calibration: int = 200,
    images: int = 200,
    budgets: tuple[float, ...] = (0.0, 0.005, 0.01),
    by_agreement: bool = False,
    scale_rule: str = "headroom",
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Measure size and accuracy of a network with its weights as they are, and trimmed for budgets of accuracy.

    Parameters
    ----------
    network : str or Network
        Name, or what `get_network` gives.
    calibration, images : int
        The first so many images serve to choose trimmings, so many after them to report.
    budgets : tuple of float
        Accuracy that may be lost on the calibration images, as a fraction of them.
    by_agreement : bool
        Count as lost what falls into another class than before, as where labels are unknown.
    scale_rule : str
        Name in `quantise.SCALE_RULES`, for weights in floating point.
    folder : path, optional
        Folder of image files instead of the network's data set.
    progress : callable, optional
        Called with the number of steps of the work done and in total.

    Returns
    -------
    list of dict
        For the weights as they are and for each budget: ``network``, ``choice`` (``8 bits``, or such as ``loss 0.01``),
        ``images``, ``top1_before`` and ``top1`` (None where labels are unknown), ``loss``, ``agreement``, ``weights``
        (their number), ``zeros`` (fraction), ``bits`` (8 for each weight), ``dictionary_bits`` (each layer with the
        best of `DICTIONARIES`), ``dense_bits`` and ``sparse_bits`` (all layers with the one code that a decoder in
        hardware is made for), ``entropy_bits``, ``huffman_bits`` (without the table), ``zstd_bits``, and ``layers``:
        for each, ``layer``, ``shape``, ``low_bits``, ``threshold``, ``codec`` (its configuration), and the same sizes.
        Plain JSON.

    Raises
    ------
    WeightsError
        When a budget or a number of images is out of range.
    NetworkError, CaptureError, NumberFormatError
        For a network, images or a scale rule that cannot be used.
    """
    network = get_network(network) if isinstance(network, str) else network
    if calibration < 1 or images < 1:
        raise WeightsError("calibration and report take at least 1 image each")
    if not all(0 <= budget <= 1 for budget in budgets):
        raise WeightsError("an accuracy budget must be from 0 to 1")
    trimmed = TrimmedNetwork(network.load(), scale_rule)
    batch, labels = network.images(calibration + images, folder)
    if by_agreement:
        labels = None
    parts = slice(None, calibration), slice(calibration, None)
    first, rest = (Images(batch[part], None if labels is None else labels[part]) for part in parts)
    done, total = 0, len(trimmed.tensors) * (2 + len(budgets))

    def advance() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(min(done, total), total)

    steps = _ordered_steps(trimmed, first.batch[:PROBE_IMAGES], advance)
    before = trimmed.scores(first.batch, {})

    @cache
    def lost(count: int) -> float:
        choice = {step.layer: step.trimming for step in steps[:count]}
        return _loss(before, trimmed.scores(first.batch, choice), first.labels)

    def affordable(budget: float) -> Choice:
        low, high = 0, len(steps)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if lost(middle) <= budget else (low, middle - 1)
        return {step.layer: step.trimming for step in steps[:low]}

    choices: dict[str, Choice] = {"8 bits": {}} | {f"loss {budget:g}": affordable(budget) for budget in budgets}
    unchanged = trimmed.scores(rest.batch, {})
    records = []
    for name, choice in choices.items():
        scores = trimmed.scores(rest.batch, choice)
        layers = []
        for layer, tensor in trimmed.tensors.items():
            layers.append(_layer_record(layer, tensor, choice.get(layer)))
            advance()
        records.append(
            {"network": network.name, "choice": name, "images": len(rest.batch)}
            | _accuracy(unchanged, scores, rest.labels)
            | _totals(layers)
            | {"layers": layers}
        )
    if progress:
        progress(total, total)
    return records


def _ordered_steps(trimmed: TrimmedNetwork, images: np.ndarray, advance: Callable[[], None]) -> list[Step]:
    """Order the steps of all layers by the bits that they save for the divergence that they add."""
    before = trimmed.scores(images, {})
    steps = []
    for layer, tensor in trimmed.tensors.items():
        unchanged, *others = candidates(tensor)
        points = [replace(unchanged, cost=0.0)]
        for point in others:
            after = trimmed.scores(images, {layer: point.trimming})
            divergence = float(kl_div(after, before, log_target=True, reduction="batchmean"))
            points.append(replace(point, cost=max(divergence, 0.0)))
        for last, point in pairwise(corners(points)):
            assert point.trimming is not None
            steps.append(Step(layer, point.trimming, (last.bits - point.bits) / max(point.cost - last.cost, 1e-12)))
        advance()
    return sorted(steps, key=lambda step: step.worth, reverse=True)


def _layer_record(layer: str, tensor: WeightTensor, trimming: Trimming | None) -> dict[str, Any]:
    words = tensor.trimmed(trimming).astype(np.int8)
    bits, best = min(((codec.nbits(words), index) for index, codec in enumerate(DICTIONARIES)))
    return {
        "layer": layer,
        "shape": list(words.shape),
        "low_bits": None if trimming is None else trimming.low_bits,
        "threshold": None if trimming is None else trimming.threshold,
        "codec": DICTIONARIES[best].get_config(),
        "weights": words.size,
        "zeros": 1 - np.count_nonzero(words) / words.size,
        "bits": 8 * words.size,
        "dictionary_bits": bits,
    } | {f"{name}_bits": codec.nbits(words) for name, codec in CODERS.items()}


def _totals(layers: list[dict[str, Any]]) -> dict[str, Any]:
    counted = [key for key in layers[0] if key.endswith("bits") and key != "low_bits"]
    weights = sum(layer["weights"] for layer in layers)
    zeros = sum(layer["zeros"] * layer["weights"] for layer in layers)
    return {"weights": weights, "zeros": zeros / weights} | {
        key: sum(layer[key] for layer in layers) for key in counted
    }


def _accuracy(before: Tensor, after: Tensor, labels: np.ndarray | None) -> dict[str, Any]:
    return {
        "top1_before": None if labels is None else _top1(before, labels),
        "top1": None if labels is None else _top1(after, labels),
        "loss": _loss(before, after, labels),
        "agreement": 1 - _loss(before, after, None),
    }


def _loss(before: Tensor, after: Tensor, labels: np.ndarray | None) -> float:
    """Return the accuracy lost, or without labels the fraction of images that fall into another class."""
    if labels is None:
        return float((before.argmax(dim=1) != after.argmax(dim=1)).double().mean())
    return _top1(before, labels) - _top1(after, labels)


def _top1(scores: Tensor, labels: np.ndarray) -> float:
    return float(np.mean(scores.argmax(dim=1).numpy() == labels))
