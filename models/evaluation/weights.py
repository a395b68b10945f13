"""What trimmed and dictionary-coded weights cost: a network's size and accuracy for a budget of accuracy to lose.

Each layer's trimming is chosen as of `silicodec.models.evaluation.budget`. Of all trimmings of a layer those stay in
the choice that save most, in order-0 entropy, for the squares of the errors of the weights. Each of these is tried
alone, on some of the calibration images, for the divergence that it adds to the network's output.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from silicodec.models.baselines import Bound, Entropy, Huffman, Zstandard
from silicodec.models.codec import Codec
from silicodec.models.dictionary.codec import DENSE, SPARSE, Dictionary
from silicodec.models.dictionary.trimming import Trimming
from silicodec.models.evaluation.budget import (
    Point,
    calibration_and_test,
    check_budgets,
    classes,
    corners,
    divergence,
    lost_accuracy,
    ordered_steps,
    within_budgets,
)
from silicodec.models.evaluation.statistics import accuracy_record
from silicodec.models.lanes import Lanes
from silicodec.models.networks import Images, Network, capture, get_network
from silicodec.models.networks.capture import Model
from silicodec.models.networks.tflite import IntegerGraph
from silicodec.models.quantise import quantise

DICTIONARIES = tuple(Dictionary(entry_size=size, code_bits=bits) for size in (1, 2, 4, 8) for bits in (8, 16))
"""What each layer chooses from, for the fewest bits."""
CODERS: Mapping[str, Codec | Bound] = {
    "dense": DENSE,
    "sparse": SPARSE,
    "lanes": Lanes(),
    "entropy": Entropy(),
    "huffman": Huffman(),
    "zstd": Zstandard(level=19),
}
"""What all layers are measured with: the two codes that decoders in hardware are made for, that of lanes, and others to
compare."""
PROBE_IMAGES = 25
"""Calibration images that each layer alone is tried on."""
BATCH = 100

TRIMMINGS = tuple(
    Trimming(low_bits, (quarters << low_bits) // 4) for low_bits in range(7) for quarters in (0, 3, 4, 5, 6, 8)
)

Choice = Mapping[str, Trimming | None]


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


def candidates(tensor: WeightTensor) -> list[Point[Trimming | None]]:
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
    calibration: int | Images = 200,
    images: int | Images = 200,
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
    calibration, images : int or Images
        The first so many images serve to choose trimmings, so many after them to report; or the images.
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
        For the weights as they are and for each budget: ``network``, ``choice`` (``8 bits``, or such as ``loss 0.01``);
        accuracy and agreement as of `silicodec.models.evaluation.statistics.accuracy_record`; ``weights``
        (their number), ``zeros`` (fraction), ``bits`` (8 for each weight), ``dictionary_bits`` (each layer with the
        best of `DICTIONARIES`), ``dense_bits`` and ``sparse_bits`` (all layers with the one code that a decoder in
        hardware is made for), ``lanes_bits``, ``entropy_bits``, ``huffman_bits`` (without the table), ``zstd_bits``,
        and ``layers``: for each, ``layer``, ``shape``, ``low_bits``, ``threshold``, ``codec`` (its configuration), and
        the same sizes.
        Plain JSON.

    Raises
    ------
    BudgetError
        When a budget or a number of images is out of range.
    NetworkError, CaptureError, NumberFormatError
        For a network, images or a scale rule that cannot be used.
    """
    network = get_network(network) if isinstance(network, str) else network
    check_budgets(budgets)
    trimmed = TrimmedNetwork(network.load(), scale_rule)
    first, rest = calibration_and_test(network, calibration, images, folder=folder)
    done, total = 0, len(trimmed.tensors) * (2 + len(budgets))

    def advance() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(min(done, total), total)

    points = _points(trimmed, first.batch[:PROBE_IMAGES], advance)
    before = trimmed.scores(first.batch, {})

    def loss(choice: Choice) -> float:
        labels = None if by_agreement else first.labels
        return lost_accuracy(before, trimmed.scores(first.batch, choice), labels)

    choices: dict[str, Choice] = {"8 bits": {}, **within_budgets(ordered_steps(points), budgets, loss)}
    unchanged = trimmed.scores(rest.batch, {})
    records = []
    for name, choice in choices.items():
        scores = trimmed.scores(rest.batch, choice)
        layers = []
        for layer, tensor in trimmed.tensors.items():
            layers.append(_layer_record(layer, tensor, choice.get(layer)))
            advance()
        records.append(
            {"network": network.name, "choice": name}
            | accuracy_record(classes(unchanged), classes(scores), rest.labels)
            | _totals(layers)
            | {"layers": layers}
        )
    if progress:
        progress(total, total)
    return records


def _points(
    trimmed: TrimmedNetwork, images: np.ndarray, advance: Callable[[], None]
) -> dict[str, list[Point[Trimming | None]]]:
    """Try each layer's trimmings alone, for the divergence that they add."""
    before = trimmed.scores(images, {})
    points = {}
    for layer, tensor in trimmed.tensors.items():
        unchanged, *others = candidates(tensor)
        points[layer] = [replace(unchanged, cost=0.0)]
        for point in others:
            after = trimmed.scores(images, {layer: point.setting})
            points[layer].append(replace(point, cost=divergence(before, after)))
        advance()
    return points


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
