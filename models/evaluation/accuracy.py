"""What a lossy codec costs: a network's accuracy with its feature maps compressed and restored at every layer.

A `schemes.Scheme` makes the codecs, its *settings*, that each layer can have. Each layer's setting is
chosen on one set of images, the calibration images, and reported on others. To try settings together would take far too
many runs of the network. Instead:

1. Some of the calibration images give each layer's bits and mean square error in each setting, and with one setting of
   that layer alone, how much the network's output diverges for this error: its sensitivity.
2. Steps to coarser settings are ordered by the bits that they save for the divergence that they add, which is taken as
   proportional to the mean square error.
3. Bisection finds how many of these steps keep within the accuracy budget on all calibration images, with all layers
   compressed together.

None of this depends on the codec.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch.nn.functional import kl_div

from silicodec.models.errors import unknown_name
from silicodec.models.evaluation.restoration import RestoredNetwork, Run
from silicodec.models.evaluation.schemes import LayerCodec, Scheme, get_scheme
from silicodec.models.networks import Images, Network, get_network
from silicodec.models.networks.capture import POINTS, Point
from silicodec.models.networks.views import views as make_views

PROBE_IMAGES = 30
"""Most calibration images that each layer alone is tried on."""
PROBE_VALUES = 1 << 20
"""Most values of these images."""

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
    views: int = 1,
    budgets: tuple[float, ...] = (0.01,),
    agreement: bool = False,
    uniform: bool = True,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Measure accuracy and ratio of a lossy scheme: in each setting, and with settings chosen for accuracy budgets.

    Parameters
    ----------
    network : str or Network
        Name, or what `get_network` gives.
    scheme : str or Scheme
        Name in `silicodec.models.evaluation.schemes.SCHEMES`, or a scheme.
    point : str
        Where maps are compressed, one of `silicodec.models.networks.capture.POINTS`.
    calibration, images : int
        The first so many images serve to calibrate and to choose settings, so many after them to report.
    views : int
        Views to make of each image, of `silicodec.models.networks.views`.
    budgets : tuple of float
        Accuracy that may be lost, as a fraction of the images.
    agreement : bool
        Whether agreement with the network without compression counts as accuracy, as it does where labels are unknown.
    uniform : bool
        Whether to report each setting for all layers, too.
    folder : path, optional
        Folder of image files instead of the network's data set.
    progress : callable, optional
        Called with the number of runs of the network done and in total.

    Returns
    -------
    list of dict
        For each choice of settings: ``network``, ``point``, ``choice`` (such as ``setting 2`` or ``loss 0.01``),
        ``images``, ``top1_before`` and ``top1`` (None where labels are unknown), ``loss`` (of accuracy, or of
        agreement), ``agreement`` (with the network without compression), ``ratio``, ``ebpc_ratio``
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
        raise AccuracyError(unknown_name("point", point, POINTS))
    if calibration < 1 or images < 1:
        raise AccuracyError("calibration and report take at least 1 image each")
    if not all(0 <= budget <= 1 for budget in budgets):
        raise AccuracyError("an accuracy budget must be from 0 to 1")
    model = network.load()
    batch, labels = network.images(calibration + images, folder)
    parts = slice(None, calibration), slice(calibration, None)
    first, rest = (make_views(Images(batch[p], None if labels is None else labels[p]), views) for p in parts)

    restored = RestoredNetwork(model, first.batch, point)
    candidates = {layer: scheme.candidates(maps) for layer, maps in restored.maps(first.batch).items()}
    most = max(map(len, candidates.values()))
    choices: dict[str, Settings] = {
        f"setting {setting}": {layer: min(setting, len(codecs)) for layer, codecs in candidates.items()}
        for setting in range(1, uniform * most + 1)
    }
    runs_done, runs = 0, len(candidates) + len(choices) + 2 * len(budgets)

    def run(images: np.ndarray, settings: Settings, *, compare: bool = False) -> Run:
        nonlocal runs_done
        runs_done = min(runs_done + 1, runs)
        if progress:
            progress(runs_done, runs)
        codecs = {layer: candidates[layer][setting - 1] for layer, setting in settings.items() if setting}
        return restored.run(images, codecs, compare=compare)

    probe = first.batch[:: -(-len(first.batch) // min(PROBE_IMAGES, max(1, PROBE_VALUES // first.batch[0].size)))]
    maps = restored.maps(probe)
    before = restored.run(probe, {})
    trials = {}
    for layer, codecs in candidates.items():
        middle = len(codecs) // 2
        divergence = _divergence(before, run(probe, {layer: middle + 1}))
        trials[layer] = _trials(codecs, maps[layer], divergence / max(_square_error(codecs[middle], maps[layer]), 1e-9))
    steps = _ordered_steps(trials)

    search_labels = None if agreement else first.labels
    unchanged = restored.run(first.batch, {})

    @cache
    def loss(count: int) -> float:
        return _loss(unchanged, run(first.batch, dict(steps[:count])), search_labels)

    def affordable(budget: float) -> Settings:
        low, high = 0, len(steps)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if loss(middle) <= budget else (low, middle - 1)
        return dict(steps[:low])

    choices |= {f"loss {budget:g}": affordable(budget) for budget in budgets}
    unchanged = restored.run(rest.batch, {})
    return [
        {"network": network.name, "point": point, "choice": choice}
        | _figures(unchanged, result, rest.labels, agreement=agreement)
        | {"layers": _layers(result, settings, candidates)}
        for choice, settings in choices.items()
        for result in [run(rest.batch, settings, compare=True)]
    ]


class Trial(NamedTuple):
    """What a setting of one layer alone gives: bits, and divergence of the network's output."""

    bits: int
    divergence: float


def _trials(codecs: Sequence[LayerCodec], maps: np.ndarray, sensitivity: float) -> list[Trial]:
    """Estimate what the settings of a layer give, 0 first; `sensitivity` is divergence over square error."""
    coded = [Trial(codec.nbits(maps), sensitivity * _square_error(codec, maps)) for codec in codecs]
    return [Trial(8 * maps.size, 0.0), *coded]


def _square_error(codec: LayerCodec, maps: np.ndarray) -> float:
    """Return the mean square error of restored maps."""
    return float(np.square(codec.restore(maps) - maps.astype(np.float32)).mean(dtype=np.float64))


def _ordered_steps(trials: Mapping[str, Sequence[Trial]]) -> list[tuple[str, int]]:
    """Order steps of a layer to a coarser setting: those first that save most bits for the divergence that they add."""
    settings = dict.fromkeys(trials, 0)

    def worth(step: tuple[str, int]) -> float:
        layer, setting = step
        now, then = trials[layer][settings[layer]], trials[layer][setting]
        return (now.bits - then.bits) / max(then.divergence - now.divergence, 1e-9)

    steps = []
    while coarser := [
        (layer, setting) for layer, now in settings.items() for setting in range(now + 1, len(trials[layer]))
    ]:
        step = max(coarser, key=worth)
        if worth(step) <= 0:
            break
        settings[step[0]] = step[1]
        steps.append(step)
    return steps


def _divergence(before: Run, after: Run) -> float:
    return float(kl_div(after.scores, before.scores, log_target=True, reduction="batchmean"))


def _loss(before: Run, after: Run, labels: np.ndarray | None) -> float:
    """Return the accuracy lost, or the fraction of images that fall into another class where labels are unknown."""
    if labels is None:
        return 1 - _agreement(before, after)
    return _top1(before, labels) - _top1(after, labels)


def _top1(run: Run, labels: np.ndarray) -> float:
    return float(np.mean(run.scores.argmax(dim=1).numpy() == labels))


def _agreement(before: Run, after: Run) -> float:
    return float((before.scores.argmax(dim=1) == after.scores.argmax(dim=1)).double().mean())


def _figures(before: Run, after: Run, labels: np.ndarray | None, *, agreement: bool) -> dict[str, Any]:
    bits = sum(after.bits.values())
    return {
        "images": len(after.scores),
        "top1_before": None if labels is None else _top1(before, labels),
        "top1": None if labels is None else _top1(after, labels),
        "loss": _loss(before, after, None if agreement else labels),
        "agreement": _agreement(before, after),
        "ratio": bits / sum(after.compressed_bits.values()),
        "ebpc_ratio": bits / sum(after.lossless_bits.values()),
        "sequence_ratio": bits / sum(after.sequence_bits.values()),
        "entropy_ratio": bits / sum(after.entropy_bits.values()),
    }


def _layers(run: Run, settings: Settings, candidates: Mapping[str, Sequence[LayerCodec]]) -> list[dict[str, Any]]:
    layers = []
    for layer, bits in run.bits.items():
        setting = settings.get(layer, 0)
        layers.append(
            {
                "layer": layer,
                "setting": setting,
                "codec": candidates[layer][setting - 1].get_config() if setting else None,
                "bits": bits,
                "compressed_bits": run.compressed_bits[layer],
                "ebpc_bits": run.lossless_bits[layer],
            }
        )
    return layers
