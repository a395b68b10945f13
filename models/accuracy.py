"""What the lossy codec costs: a network's accuracy with its feature maps compressed and restored at every layer.

The level of each layer is chosen on one set of images, the calibration images, and reported on others. To try levels
together would take far too many runs of the network. Instead, each layer is compressed alone at each level; steps to
higher levels are ordered by the bits that they save for the divergence that they add to the network's output; and
bisection finds how many of these steps keep within the accuracy budget, with all layers compressed together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax

from silicodec.models import capture
from silicodec.models.dct import DCT, LEVELS
from silicodec.models.ebpc import EBPC
from silicodec.models.networks import Images, Network, get_network
from silicodec.models.networks.tflite import TFLiteModel
from silicodec.models.quantise import quantise

BATCH = 50
"""Images that go through the network together."""

Levels = Mapping[str, int]
"""Level by layer; 0 leaves a layer's maps as they are."""


class AccuracyError(ValueError):
    """An accuracy that cannot be measured as asked."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a network did with restored feature maps.

    Attributes
    ----------
    scores : torch.Tensor
        Logarithms of the probabilities of the classes, (images, classes).
    bits, compressed_bits : dict of str to int
        Size of each layer's maps, all images together, in 8 bits a value, and compressed.
    ebpc_bits, sequence_bits : dict of str to int
        The same for EBPC, which is lossless, on the same maps, and for EBPC on the quantised coefficients (on the maps
        where the level is 0). Empty where not asked for.
    """

    scores: Tensor
    bits: dict[str, int]
    compressed_bits: dict[str, int]
    ebpc_bits: dict[str, int]
    sequence_bits: dict[str, int]


@dataclass(frozen=True, eq=False)
class Subject:
    """A network to run with restored feature maps.

    Attributes
    ----------
    model : torch.nn.Module
        The network.
    largest : dict of str to float
        Largest absolute value of each layer's maps, for its scale.
    signed : dict of str to bool
        Whether a layer's maps have negative values.
    """

    model: nn.Module
    largest: dict[str, float]
    signed: dict[str, bool]

    @classmethod
    def calibrated(cls, model: nn.Module, images: Images) -> "Subject":
        """Take largest values and signs from images."""
        largest: dict[str, float] = {}
        signed: dict[str, bool] = {}

        def look(name: str, maps: Tensor) -> None:
            largest[name] = max(largest.get(name, 0.0), float(maps.abs().max()))
            signed[name] = signed.get(name, False) or bool((maps < 0).any())

        for batch in _batches(images):
            capture.scores(model, batch, look)
        return cls(model, largest, signed)

    def run(self, images: Images, levels: Levels, *, compare: bool = False) -> Run:
        """Run the network with its maps restored; `compare` says whether to measure EBPC too."""
        run = Run(torch.empty(0), {}, {}, {}, {})

        def add(sizes: dict[str, int], name: str, bits: int) -> None:
            sizes[name] = sizes.get(name, 0) + bits

        def restore(name: str, output: Tensor) -> Tensor | None:
            add(run.bits, name, 8 * output.numel())
            level = levels.get(name, 0)
            if level == 0 and not compare:
                add(run.compressed_bits, name, 8 * output.numel())
                return None
            quantised = quantise(output.numpy(), "fixed8", largest=self.largest[name])
            words = quantised.values.reshape(*output.shape, *[1] * (4 - output.ndim))
            if level == 0:
                add(run.compressed_bits, name, 8 * output.numel())
                coefficients = words
            else:
                codec = DCT(level=level, signed=int(self.signed[name]))
                add(run.compressed_bits, name, codec.nbits(words))
                coefficients = codec.quantised(words)
            if compare:
                add(run.ebpc_bits, name, EBPC().nbits(words))
                add(run.sequence_bits, name, EBPC().nbits(coefficients))
            if level == 0:
                return None
            restored = codec.restore(words).astype(np.float32) / np.float32(quantised.scale)
            return torch.from_numpy(restored).reshape(output.shape)

        scores = [log_softmax(capture.scores(self.model, batch, restore), dim=1) for batch in _batches(images)]
        return Run(torch.cat(scores), run.bits, run.compressed_bits, run.ebpc_bits, run.sequence_bits)


def measure_accuracy(
    network: str | Network,
    *,
    calibration: int = 200,
    images: int = 400,
    budgets: tuple[float, ...] = (0.01,),
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Measure accuracy and ratio of the DCT codec: at each level, and with levels chosen for accuracy budgets.

    Parameters
    ----------
    network : str or Network
        Name, or what `get_network` gives; one that PyTorch runs.
    calibration, images : int
        The first so many images serve to choose scales and levels, so many after them to report.
    budgets : tuple of float
        Accuracy that may be lost, as a fraction of the images.
    folder : path, optional
        Folder of image files instead of the network's data set.
    progress : callable, optional
        Called with the number of runs of the network done and in total.

    Returns
    -------
    list of dict
        For each choice of levels: ``network``, ``choice`` (such as ``level 2`` or ``loss 0.01``), ``images``,
        ``top1_before`` and ``top1`` (None where labels are unknown), ``loss`` (of accuracy, or of agreement where
        labels are unknown), ``agreement`` (with the network without compression), ``ratio``, ``ebpc_ratio`` (EBPC
        instead, on the same maps), ``sequence_ratio`` (EBPC on the quantised coefficients), ``levels`` by layer. Plain
        JSON.

    Raises
    ------
    AccuracyError
        When a budget or a number of images is out of range, or PyTorch does not run the network.
    NetworkError, CaptureError
        For a network or images that cannot be used.
    """
    network = get_network(network) if isinstance(network, str) else network
    if calibration < 1 or images < 1:
        raise AccuracyError("calibration and report take at least 1 image each")
    if not all(0 <= budget <= 1 for budget in budgets):
        raise AccuracyError("an accuracy budget must be from 0 to 1")
    model = network.load()
    if isinstance(model, TFLiteModel):
        raise AccuracyError(f"TensorFlow Lite runs {network.name} and does not let its feature maps be replaced")
    batch, labels = network.images(calibration + images, folder)
    parts = slice(None, calibration), slice(calibration, None)
    first, rest = (Images(batch[part], None if labels is None else labels[part]) for part in parts)

    subject = Subject.calibrated(model, first)
    uniform = {f"level {level}": dict.fromkeys(subject.largest, level) for level in range(1, LEVELS + 1)}
    total = 2 + LEVELS * (len(subject.largest) + 1) + len(budgets)
    done = 0

    def run(images: Images, levels: Levels, *, compare: bool = False) -> Run:
        nonlocal done
        done = min(done + 1, total)
        if progress:
            progress(done, total)
        return subject.run(images, levels, compare=compare)

    before = run(first, {})
    alone = {(layer, level): run(first, {layer: level}) for layer in subject.largest for level in range(1, LEVELS + 1)}
    steps = _ordered_steps(subject.largest, before, alone)

    def affordable(budget: float) -> Levels:
        low, high = 0, len(steps)
        while low < high:
            middle = (low + high + 1) // 2
            result = subject.run(first, dict(steps[:middle]))
            low, high = (middle, high) if _loss(before, result, first) <= budget else (low, middle - 1)
        return dict(steps[:low])

    choices = uniform | {f"loss {budget:g}": affordable(budget) for budget in budgets}
    unchanged = run(rest, {})
    return [
        _record(network.name, name, unchanged, run(rest, levels, compare=True), rest, levels)
        for name, levels in choices.items()
    ]


def _ordered_steps(
    layers: Mapping[str, Any], before: Run, alone: Mapping[tuple[str, int], Run]
) -> list[tuple[str, int]]:
    """Order steps of a layer to a higher level: those first that save most bits for the divergence that they add."""
    divergence = {(layer, 0): 0.0 for layer in layers}
    bits = {(layer, 0): before.compressed_bits[layer] for layer in layers}
    for (layer, level), run in alone.items():
        divergence[layer, level] = float(kl_div(run.scores, before.scores, log_target=True, reduction="batchmean"))
        bits[layer, level] = run.compressed_bits[layer]

    def worth(step: tuple[str, int]) -> float:
        layer, _ = step
        now = layer, levels[layer]
        return (bits[now] - bits[step]) / max(divergence[step] - divergence[now], 1e-9)

    levels = dict.fromkeys(layers, 0)
    steps = []
    while higher := [step for step in alone if step[1] > levels[step[0]]]:
        step = max(higher, key=worth)
        if worth(step) <= 0:
            break
        levels[step[0]] = step[1]
        steps.append(step)
    return steps


def _loss(before: Run, after: Run, images: Images) -> float:
    """Return the accuracy lost, or the fraction of images that fall into another class where labels are unknown."""
    if images.labels is None:
        return 1 - _agreement(before, after)
    return _top1(before, images.labels) - _top1(after, images.labels)


def _top1(run: Run, labels: np.ndarray) -> float:
    return float(np.mean(run.scores.argmax(dim=1).numpy() == labels))


def _agreement(before: Run, after: Run) -> float:
    return float((before.scores.argmax(dim=1) == after.scores.argmax(dim=1)).double().mean())


def _record(name: str, choice: str, before: Run, after: Run, images: Images, levels: Levels) -> dict[str, Any]:
    bits = sum(after.bits.values())
    labels = images.labels
    return {
        "network": name,
        "choice": choice,
        "images": len(images.batch),
        "top1_before": None if labels is None else _top1(before, labels),
        "top1": None if labels is None else _top1(after, labels),
        "loss": _loss(before, after, images),
        "agreement": _agreement(before, after),
        "ratio": bits / sum(after.compressed_bits.values()),
        "ebpc_ratio": bits / sum(after.ebpc_bits.values()),
        "sequence_ratio": bits / sum(after.sequence_bits.values()),
        "levels": {layer: levels.get(layer, 0) for layer in after.bits},
    }


def _batches(images: Images) -> list[np.ndarray]:
    return [images.batch[cut : cut + BATCH] for cut in range(0, len(images.batch), BATCH)]
