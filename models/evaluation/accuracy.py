"""What a lossy codec costs: a network's accuracy with its feature maps compressed and restored at every layer.

A `silicodec.models.evaluation.schemes.Scheme` makes the codecs, its *settings*, that each layer can have; each layer's
is chosen as of `silicodec.models.evaluation.budget`. Some of the calibration images give each layer's bits and mean
square error in each setting, and with one setting of that layer alone, how much the network's output diverges for this
error. Its divergence in other settings is taken as proportional to the mean square error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from silicodec.models.errors import unknown_name
from silicodec.models.evaluation.budget import (
    BudgetError,
    Point,
    calibration_and_test,
    check_budgets,
    classes,
    divergence,
    lost_accuracy,
    ordered_steps,
    reaching_ratios,
    within_budgets,
)
from silicodec.models.evaluation.restoration import RestoredNetwork, Run
from silicodec.models.evaluation.schemes import LayerCodec, Scheme, get_scheme
from silicodec.models.evaluation.statistics import accuracy_record
from silicodec.models.networks import Images, Network, capture, get_network
from silicodec.models.networks.capture import POINTS
from silicodec.models.networks.views import views as make_views

PROBE_IMAGES = 100
"""Most calibration images that each layer alone is tried on. With 30, the order of ResNet-20's steps fits these too
well: chosen for a loss of 0.5 %, settings lost 4.8 % of 500 other images, and 0.6 % with 100."""
PROBE_VALUES = 1 << 20
"""Most values of these images."""

Settings = Mapping[str, int]
"""Setting by layer, the number of a candidate from 1 on; 0 leaves a layer's maps as they are."""


@dataclass(frozen=True)
class Choices:
    """Which settings of a scheme are reported.

    Parameters
    ----------
    budgets : tuple of float
        Accuracy that may be lost, as a fraction of the images.
    ratios : tuple of float
        Ratios to reach on calibration images, with the least divergence by estimate.
    agreement : bool
        Whether agreement with the network without compression counts as accuracy, as it does where labels are unknown.
    uniform : bool
        Whether to report settings that all layers have, too.
    settings : sequence of int
        Which settings to report and to choose among, from 1; all by default, and to choose among, none too.
    """

    budgets: tuple[float, ...] = (0.01,)
    ratios: tuple[float, ...] = ()
    agreement: bool = False
    uniform: bool = True
    settings: Sequence[int] = ()


DEFAULT_CHOICES = Choices()


def measure_accuracy(
    network: str | Network,
    *,
    scheme: str | Scheme = "dct-or-ebpc",
    point: capture.Point = "activation",
    calibration: int | Images = 200,
    images: int | Images = 400,
    views: int = 1,
    choices: Choices = DEFAULT_CHOICES,
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
    calibration, images : int or Images
        The first so many images serve to calibrate and to choose settings, so many after them to report; or the images.
    views : int
        Views to make of each image, of `silicodec.models.networks.views`.
    choices : Choices
        Which settings to report.
    folder : path, optional
        Folder of image files instead of the network's data set.
    progress : callable, optional
        Called with the number of runs of the network done and in total.

    Returns
    -------
    list of dict
        For each choice of settings: ``network``, ``point``, ``choice`` (``setting 2``, ``loss 0.01``, ``ratio 2``);
        accuracy and agreement as of `silicodec.models.evaluation.statistics.accuracy_record`, with the network without
        compression before; ``ratio``, ``ebpc_ratio`` (EBPC instead, on the same maps), ``sequence_ratio`` (EBPC on what
        the codec quantised), ``entropy_ratio`` (order-0 entropy of what the codec quantised), and ``layers``: for each,
        in the order of computation, ``layer``, ``setting``, ``codec`` (its configuration, or None), ``bits``,
        ``compressed_bits``, ``ebpc_bits``. Plain JSON.

    Raises
    ------
    BudgetError
        When a budget, a number of images or the point is out of range.
    NetworkError, CaptureError
        For a network or images that cannot be used.
    """
    network = get_network(network) if isinstance(network, str) else network
    scheme = get_scheme(scheme) if isinstance(scheme, str) else scheme
    if point not in POINTS:
        raise BudgetError(unknown_name("point", point, POINTS))
    check_budgets(choices.budgets)
    model = network.load()
    first, rest = (
        make_views(part, views) for part in calibration_and_test(network, calibration, images, folder=folder)
    )

    restored = RestoredNetwork(model, first.batch, point)
    candidates = {layer: scheme.candidates(maps) for layer, maps in restored.maps(first.batch).items()}
    most = max(map(len, candidates.values()))
    if any(not 1 <= setting <= most for setting in choices.settings):
        raise BudgetError(f"settings must be from 1 to {most}")
    tried = choices.settings or range(1, most + 1)
    uniform_settings = {
        setting: {layer: min(setting, len(codecs)) for layer, codecs in candidates.items()} for setting in sorted(tried)
    }
    reported: dict[str, Settings] = (
        {f"setting {setting}": chosen for setting, chosen in uniform_settings.items()} if choices.uniform else {}
    )
    finest: Settings = uniform_settings[min(tried)] if choices.settings else {}
    searched = bool(choices.budgets or choices.ratios)
    searches = 2 * len(choices.budgets) + len(choices.ratios)
    runs_done, runs = 0, len(candidates) * searched + len(reported) + searches

    def run(images: np.ndarray, settings: Settings, *, compare: bool = False) -> Run:
        nonlocal runs_done
        runs_done = min(runs_done + 1, runs)
        if progress:
            progress(runs_done, runs)
        codecs = {layer: candidates[layer][setting - 1] for layer, setting in settings.items() if setting}
        return restored.run(images, codecs, compare=compare)

    points, bits = _probe(restored, first.batch, candidates, sorted(choices.settings), run) if searched else ({}, 0)
    search_labels = None if choices.agreement else first.labels
    unchanged = restored.run(first.batch, {}).scores

    def loss(settings: Settings) -> float:
        return lost_accuracy(unchanged, run(first.batch, {**finest, **settings}).scores, search_labels)

    found = within_budgets(ordered_steps(points), choices.budgets, loss)
    found |= reaching_ratios(points, choices.ratios, bits)
    reported |= {choice: {**finest, **chosen} for choice, chosen in found.items()}
    unchanged = restored.run(rest.batch, {}).scores
    return [
        {"network": network.name, "point": point, "choice": choice}
        | accuracy_record(classes(unchanged), classes(result.scores), rest.labels)
        | _ratios(result)
        | {"layers": _layers(result, settings, candidates)}
        for choice, settings in reported.items()
        for result in [run(rest.batch, settings, compare=True)]
    ]


def _probe(
    restored: RestoredNetwork,
    images: np.ndarray,
    candidates: Mapping[str, Sequence[LayerCodec]],
    settings: Sequence[int],
    run: Callable[[np.ndarray, Settings], Run],
) -> tuple[dict[str, list[Point[int]]], int]:
    """Try each layer alone, on some of the images, in some of its settings or all; tell the bits of their maps too."""
    probe = images[:: -(-len(images) // min(PROBE_IMAGES, max(1, PROBE_VALUES // images[0].size)))]
    maps = restored.maps(probe)
    before = restored.run(probe, {})
    points = {}
    for layer, codecs in candidates.items():
        tried = {setting: codecs[setting - 1] for setting in settings or range(1, len(codecs) + 1)}
        middle = list(tried)[len(tried) // 2]
        diverged = divergence(before.scores, run(probe, {layer: middle}).scores)
        sensitivity = diverged / max(_square_error(tried[middle], maps[layer]), 1e-9)
        points[layer] = [] if settings else [Point(0, 8 * maps[layer].size, 0.0)]
        points[layer] += _points(tried, maps[layer], sensitivity)
    return points, 8 * sum(words.size for words in maps.values())


def _points(codecs: Mapping[int, LayerCodec], maps: np.ndarray, sensitivity: float) -> list[Point[int]]:
    """Estimate what settings of a layer give; `sensitivity` is divergence over square error."""
    return [
        Point(setting, codec.nbits(maps), sensitivity * _square_error(codec, maps)) for setting, codec in codecs.items()
    ]


def _square_error(codec: LayerCodec, maps: np.ndarray) -> float:
    """Return the mean square error of restored maps."""
    return float(np.square(codec.restore(maps) - maps.astype(np.float32)).mean(dtype=np.float64))


def _ratios(run: Run) -> dict[str, float]:
    bits = sum(run.bits.values())
    return {
        "ratio": bits / sum(run.compressed_bits.values()),
        "ebpc_ratio": bits / sum(run.lossless_bits.values()),
        "sequence_ratio": bits / sum(run.sequence_bits.values()),
        "entropy_ratio": bits / sum(run.entropy_bits.values()),
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
