"""What a lossy codec costs: a network's accuracy with its feature maps compressed and restored at every layer.

A `silicodec.models.schemes.Scheme` makes the codecs, its *settings*, that each layer can have. Each layer's setting is
chosen on one set of images, the calibration images, and reported on others. To try settings together would take far too
many runs of the network. Instead, each layer is compressed alone in each setting, on some of the calibration images;
steps to coarser settings are ordered by the bits that they save for the divergence that they add to the network's
output; and bisection finds how many of these steps keep within the accuracy budget, with all layers compressed
together. None of this depends on the codec.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.nn.functional import kl_div

from silicodec.models.capture import POINTS, Point
from silicodec.models.networks import Images, Network, get_network
from silicodec.models.restoration import RestoredNetwork, Run
from silicodec.models.schemes import LayerCodec, Scheme, get_scheme

PROBE_IMAGES = 50
"""Calibration images that each layer alone is tried on."""

Settings = Mapping[str, int]
"""Setting by layer, the number of a candidate from 1 on; 0 leaves a layer's maps as they are."""


class AccuracyError(ValueError):
    """An accuracy that cannot be measured as asked."""


def measure_accuracy(
    network: str | Network,
    *,
    scheme: str | Scheme = "dct",
    point: Point = "activation",
    calibration: int = 200,
    images: int = 400,
    budgets: tuple[float, ...] = (0.01,),
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Measure accuracy and ratio of a lossy scheme: in each setting, and with settings chosen for accuracy budgets.

    Parameters
    ----------
    network : str or Network
        Name, or what `get_network` gives.
    scheme : str or Scheme
        Name in `silicodec.models.schemes.SCHEMES`, or a scheme.
    point : str
        Where maps are compressed, one of `silicodec.models.capture.POINTS`.
    calibration, images : int
        The first so many images serve to calibrate and to choose settings, so many after them to report.
    budgets : tuple of float
        Accuracy that may be lost, as a fraction of the images.
    folder : path, optional
        Folder of image files instead of the network's data set.
    progress : callable, optional
        Called with the number of runs of the network done and in total.

    Returns
    -------
    list of dict
        For each choice of settings: ``network``, ``point``, ``choice`` (such as ``setting 2`` or ``loss 0.01``),
        ``images``, ``top1_before`` and ``top1`` (None where labels are unknown), ``loss`` (of accuracy, or of agreement
        where labels are unknown), ``agreement`` (with the network without compression), ``ratio``, ``ebpc_ratio``
        (EBPC instead, on the same maps), ``sequence_ratio`` (EBPC on what the codec quantised), ``entropy_ratio``
        (order-0 entropy of what the codec quantised), and ``layers``: for each, in the order of computation,
        ``layer``, ``setting``, ``codec`` (its configuration, or None), ``bits``,
        ``compressed_bits``, ``ebpc_bits``. Plain JSON.

    Raises
    ------
    AccuracyError
        When a budget, a number of images or the point is out of range.
    NetworkError, CaptureError
        For a network or images that cannot be used.
    """
    network = get_network(network) if isinstance(network, str) else network
    scheme = get_scheme(scheme) if isinstance(scheme, str) else scheme
    if point not in POINTS:
        raise AccuracyError(f"unknown point '{point}': use one of {', '.join(POINTS)}")
    if calibration < 1 or images < 1:
        raise AccuracyError("calibration and report take at least 1 image each")
    if not all(0 <= budget <= 1 for budget in budgets):
        raise AccuracyError("an accuracy budget must be from 0 to 1")
    model = network.load()
    batch, labels = network.images(calibration + images, folder)
    parts = slice(None, calibration), slice(calibration, None)
    first, rest = (Images(batch[part], None if labels is None else labels[part]) for part in parts)

    restored = RestoredNetwork(model, first.batch, point)
    probe = first.batch[:: -(-len(first.batch) // PROBE_IMAGES)]
    candidates = {layer: scheme.candidates(maps) for layer, maps in restored.maps(first.batch).items()}
    most = max(map(len, candidates.values()))
    done, total = 0, 3 + sum(map(len, candidates.values())) + most + len(budgets)

    def run(images: np.ndarray, settings: Settings, *, compare: bool = False) -> Run:
        nonlocal done
        done = min(done + 1, total)
        if progress:
            progress(done, total)
        return restored.run(images, _codecs(candidates, settings), compare=compare)

    before = run(probe, {})
    alone = {
        (layer, setting): run(probe, {layer: setting})
        for layer, codecs in candidates.items()
        for setting in range(1, len(codecs) + 1)
    }
    steps = _ordered_steps(before, alone)
    unchanged = run(first.batch, {})

    def affordable(budget: float) -> Settings:
        low, high = 0, len(steps)
        while low < high:
            middle = (low + high + 1) // 2
            result = restored.run(first.batch, _codecs(candidates, dict(steps[:middle])))
            low, high = (middle, high) if _loss(unchanged, result, first.labels) <= budget else (low, middle - 1)
        return dict(steps[:low])

    uniform = {
        f"setting {setting}": {layer: min(setting, len(codecs)) for layer, codecs in candidates.items()}
        for setting in range(1, most + 1)
    }
    choices: dict[str, Settings] = uniform | {f"loss {budget:g}": affordable(budget) for budget in budgets}
    unchanged = run(rest.batch, {})
    records = []
    for choice, settings in choices.items():
        result = run(rest.batch, settings, compare=True)
        about = {"network": network.name, "point": point, "choice": choice}
        layers = _layers(result, settings, _codecs(candidates, settings))
        records.append(about | _figures(unchanged, result, rest.labels) | {"layers": layers})
    return records


def _codecs(candidates: Mapping[str, Sequence[LayerCodec]], settings: Settings) -> dict[str, LayerCodec]:
    return {layer: candidates[layer][setting - 1] for layer, setting in settings.items() if setting}


def _ordered_steps(before: Run, alone: Mapping[tuple[str, int], Run]) -> list[tuple[str, int]]:
    """Order steps of a layer to a coarser setting: those first that save most bits for the divergence that they add."""
    divergence = {(layer, 0): 0.0 for layer in before.bits}
    bits = {(layer, 0): before.compressed_bits[layer] for layer in before.bits}
    for (layer, setting), run in alone.items():
        divergence[layer, setting] = float(kl_div(run.scores, before.scores, log_target=True, reduction="batchmean"))
        bits[layer, setting] = run.compressed_bits[layer]

    def worth(step: tuple[str, int]) -> float:
        layer, _ = step
        now = layer, settings[layer]
        return (bits[now] - bits[step]) / max(divergence[step] - divergence[now], 1e-9)

    settings = dict.fromkeys(before.bits, 0)
    steps = []
    while coarser := [step for step in alone if step[1] > settings[step[0]]]:
        step = max(coarser, key=worth)
        if worth(step) <= 0:
            break
        settings[step[0]] = step[1]
        steps.append(step)
    return steps


def _loss(before: Run, after: Run, labels: np.ndarray | None) -> float:
    """Return the accuracy lost, or the fraction of images that fall into another class where labels are unknown."""
    if labels is None:
        return 1 - _agreement(before, after)
    return _top1(before, labels) - _top1(after, labels)


def _top1(run: Run, labels: np.ndarray) -> float:
    return float(np.mean(run.scores.argmax(dim=1).numpy() == labels))


def _agreement(before: Run, after: Run) -> float:
    return float((before.scores.argmax(dim=1) == after.scores.argmax(dim=1)).double().mean())


def _figures(before: Run, after: Run, labels: np.ndarray | None) -> dict[str, Any]:
    bits = sum(after.bits.values())
    return {
        "images": len(after.scores),
        "top1_before": None if labels is None else _top1(before, labels),
        "top1": None if labels is None else _top1(after, labels),
        "loss": _loss(before, after, labels),
        "agreement": _agreement(before, after),
        "ratio": bits / sum(after.compressed_bits.values()),
        "ebpc_ratio": bits / sum(after.lossless_bits.values()),
        "sequence_ratio": bits / sum(after.sequence_bits.values()),
        "entropy_ratio": bits / sum(after.entropy_bits.values()),
    }


def _layers(run: Run, settings: Settings, codecs: Mapping[str, LayerCodec]) -> list[dict[str, Any]]:
    return [
        {
            "layer": layer,
            "setting": settings.get(layer, 0),
            "codec": codecs[layer].get_config() if layer in codecs else None,
            "bits": bits,
            "compressed_bits": run.compressed_bits[layer],
            "ebpc_bits": run.lossless_bits[layer],
        }
        for layer, bits in run.bits.items()
    ]
