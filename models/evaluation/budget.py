"""A setting for each layer, within a budget of accuracy to lose.

Settings are chosen on one set of images, the calibration images, and reported on others. To try settings together would
take far too many runs of the network. Instead:

1. Each layer's settings have a size and a cost: how much the network's output diverges with this setting alone.
2. Of a layer's settings those stay that save most bits for what they cost: the corners of the lower convex hull of size
   over cost. Steps from one to the next, of all layers, are ordered by the bits that they save for the cost they add.
3. Bisection finds how many of these steps keep within the budget on all calibration images, with all layers together.
   Where these are too few to tell a budget by their classes, as many steps are taken as reach a wanted ratio.

None of this depends on what a setting is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from torch import Tensor
from torch.nn.functional import kl_div

from silicodec.models.evaluation.statistics import accuracy_record
from silicodec.models.networks import Images, Network

SMALLEST_COST = 1e-12

Setting = TypeVar("Setting")


class BudgetError(ValueError):
    """A budget, or images to choose or report on, that cannot be used."""


@dataclass(frozen=True)
class Point(Generic[Setting]):
    """A layer's size in bits in a setting, and what that costs: an error, or a divergence."""

    setting: Setting
    bits: int
    cost: float


@dataclass(frozen=True)
class Step(Generic[Setting]):
    """A coarser setting of a layer than before, and the bits that it saves for each unit that the cost grows by."""

    layer: str
    setting: Setting
    worth: float


def corners(points: Sequence[Point[Setting]]) -> list[Point[Setting]]:
    """Find the corners of the lower convex hull of size over cost, from the first point, which costs nothing, on."""
    hull = [points[0]]
    while smaller := [point for point in points if point.bits < hull[-1].bits]:
        last = hull[-1]
        hull.append(min(smaller, key=lambda point: ((point.cost - last.cost) / (last.bits - point.bits), point.bits)))
    return hull


def ordered_steps(points: Mapping[str, Sequence[Point[Setting]]]) -> list[Step[Setting]]:
    """Order the steps of all layers: those first that save most bits for the cost that they add.

    Parameters
    ----------
    points : mapping of str to sequence of Point
        By layer; the first one is the layer as it is.
    """
    steps = [
        Step(layer, point.setting, (last.bits - point.bits) / max(point.cost - last.cost, SMALLEST_COST))
        for layer, of_layer in points.items()
        for last, point in pairwise(corners(of_layer))
    ]
    return sorted(steps, key=lambda step: step.worth, reverse=True)


def within_budgets(
    steps: Sequence[Step[Setting]], budgets: Sequence[float], loss: Callable[[Mapping[str, Setting]], float]
) -> dict[str, dict[str, Setting]]:
    """Find the most steps that keep within each budget.

    Parameters
    ----------
    steps : sequence of Step
        In the order in which they are taken.
    budgets : sequence of float
        Accuracy that may be lost.
    loss : callable
        Gives the accuracy that a setting for each layer loses on the calibration images.

    Returns
    -------
    dict of str to dict
        Setting by layer, by names such as ``loss 0.01``. Layers that stay as they are have none.
    """

    def taken(count: int) -> dict[str, Setting]:
        return {step.layer: step.setting for step in steps[:count]}

    @cache
    def lost(count: int) -> float:
        return loss(taken(count))

    def affordable(budget: float) -> dict[str, Setting]:
        low, high = 0, len(steps)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if lost(middle) <= budget else (low, middle - 1)
        return taken(low)

    return {f"loss {budget:g}": affordable(budget) for budget in budgets}


def reaching_ratios(
    points: Mapping[str, Sequence[Point[Setting]]], ratios: Sequence[float], before: int
) -> dict[str, dict[str, Setting]]:
    """Find the fewest steps that make all layers together so many times smaller than `before` bits, or else all steps.

    Returns
    -------
    dict of str to dict
        Setting by layer, by names such as ``ratio 1.8``. Layers that stay as they are have none.

    Examples
    --------
    >>> points = {"a": [Point(0, 80, 0.0), Point(1, 40, 0.1)], "b": [Point(0, 80, 0.0), Point(1, 50, 0.2)]}
    >>> reaching_ratios(points, [1.2, 1.5], 160)
    {'ratio 1.2': {'a': 1}, 'ratio 1.5': {'a': 1, 'b': 1}}
    """
    sizes = {layer: {point.setting: point.bits for point in of_layer} for layer, of_layer in points.items()}
    found = {}
    for ratio in ratios:
        settings = {layer: of_layer[0].setting for layer, of_layer in points.items()}
        taken: dict[str, Setting] = {}
        for step in ordered_steps(points):
            if ratio * sum(sizes[layer][setting] for layer, setting in settings.items()) <= before:
                break
            settings[step.layer] = taken[step.layer] = step.setting
        found[f"ratio {ratio:g}"] = taken
    return found


def check_budgets(budgets: Sequence[float]) -> None:
    """Raise BudgetError for a budget that is no fraction of the images."""
    if not all(0 <= budget <= 1 for budget in budgets):
        raise BudgetError("an accuracy budget must be from 0 to 1")


def calibration_and_test(
    network: Network, calibration: "int | Images", images: "int | Images", *, folder: str | Path | None = None
) -> tuple[Images, Images]:
    """Get the images to choose on, and others to report on.

    Parameters
    ----------
    network : Network
        Whose images serve where only numbers are given: the first ones to choose on, those after them to report on.
    calibration, images : int or Images
        How many, or the images.
    folder : path, optional
        Images to use instead of the network's own.

    Raises
    ------
    BudgetError
        When there is none, and when an image to report on is one to choose on too.
    """
    if isinstance(calibration, int) and isinstance(images, int):
        if calibration < 1 or images < 1:
            raise BudgetError("calibration and report take at least 1 image each")
        batch, labels = network.images(calibration + images, folder)
        parts = slice(None, calibration), slice(calibration, None)
        first, rest = (Images(batch[part], None if labels is None else labels[part]) for part in parts)
    else:
        first = network.images(calibration) if isinstance(calibration, int) else calibration
        rest = network.images(images, folder) if isinstance(images, int) else images
    known = {image.tobytes() for image in first.batch}
    shared = sum(image.tobytes() in known for image in rest.batch)
    if shared:
        raise BudgetError(f"{shared} of the {len(rest.batch)} images to report on are calibration images: give others")
    return first, rest


def divergence(before: Tensor, after: Tensor) -> float:
    """Tell how much class scores diverge: logarithms of probabilities, (N, classes); in nats, never negative."""
    return max(float(kl_div(after, before, log_target=True, reduction="batchmean")), 0.0)


def lost_accuracy(before: Tensor, after: Tensor, labels: np.ndarray | None) -> float:
    """Tell what a search has to keep small: accuracy lost, or without labels the images that change their class."""
    record = accuracy_record(classes(before), classes(after), labels)
    return 1 - record["agreement"] if labels is None else float(record["loss"])


def classes(scores: Tensor) -> np.ndarray:
    """Take the class of the largest score of each image."""
    return scores.argmax(dim=1).numpy()
