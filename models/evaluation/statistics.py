"""How sure a measured accuracy is: 95 % intervals, and the comparison of two runs on the same images."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Z = 1.959963984540054
"""Standard deviations on both sides of the mean that hold 95 % of a normal distribution."""

Interval = tuple[float, float]


def interval(count: int, total: int) -> Interval:
    """Give the 95 % interval of a fraction, by E. B. Wilson's score (1927).

    Examples
    --------
    >>> low, high = interval(90, 100)
    >>> round(low, 3), round(high, 3)
    (0.826, 0.945)
    """
    share, square = count / total, Z * Z / total
    centre = (share + square / 2) / (1 + square)
    half = Z * math.sqrt(share * (1 - share) / total + square / total / 4) / (1 + square)
    return max(centre - half, 0.0), min(centre + half, 1.0)


@dataclass(frozen=True)
class Paired:
    """Images that a change made wrong or right: what the change did, measured on the same images before and after.

    Attributes
    ----------
    lost, gained : int
        Images classified correctly before and not after, and the reverse.
    total : int
        All images.
    """

    lost: int
    gained: int
    total: int

    @classmethod
    def of(cls, before: np.ndarray, after: np.ndarray) -> "Paired":
        """Count from two arrays of bool, one element an image: whether it is classified correctly."""
        return cls(int(np.sum(before & ~after)), int(np.sum(~before & after)), len(before))

    @property
    def loss(self) -> float:
        """Accuracy lost; negative where more images were gained."""
        return (self.lost - self.gained) / self.total

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the loss, by D. G. Bonett and R. M. Price (2012): adjusted Wald for paired fractions.

        Examples
        --------
        >>> low, high = Paired(lost=6, gained=4, total=200).interval
        >>> round(low, 3), round(high, 3)
        (-0.024, 0.043)
        """
        lost, gained = ((count + 1) / (self.total + 2) for count in (self.lost, self.gained))
        half = Z * math.sqrt((lost + gained - (lost - gained) ** 2) / (self.total + 2))
        return max(lost - gained - half, -1.0), min(lost - gained + half, 1.0)

    @property
    def p_value(self) -> float:
        """Probability of a loss or gain at least as large by chance alone: McNemar's test, exact."""
        changed = self.lost + self.gained
        tail = sum(math.comb(changed, count) for count in range(min(self.lost, self.gained) + 1))
        return min(1.0, 2 * tail / 2**changed)


def accuracy_record(before: np.ndarray, after: np.ndarray, labels: np.ndarray | None) -> dict[str, Any]:
    """Describe what a change did to the classes that images fall into.

    Parameters
    ----------
    before, after : np.ndarray
        Class of each image, (N,).
    labels : np.ndarray or None
        True classes, where known.

    Returns
    -------
    dict
        ``images``; ``agreement``, the fraction whose class stayed, and ``agreement_interval``; ``top1_before``,
        ``top1``, ``top1_interval``, ``loss``, ``loss_interval`` and ``p_value``, all None where labels are unknown.
        Intervals are of 95 %, [low, high]; that of the loss is of the same images before and after. Plain JSON.
    """
    total, same = len(before), int(np.sum(before == after))
    record: dict[str, Any] = {
        "images": total,
        "agreement": same / total,
        "agreement_interval": list(interval(same, total)),
    }
    if labels is None:
        names = ("top1_before", "top1", "top1_interval", "loss", "loss_interval", "p_value")
        return record | dict.fromkeys(names)
    right_before, right = before == labels, after == labels
    paired = Paired.of(right_before, right)
    return record | {
        "top1_before": float(right_before.mean()),
        "top1": float(right.mean()),
        "top1_interval": list(interval(int(right.sum()), total)),
        "loss": paired.loss,
        "loss_interval": list(paired.interval),
        "p_value": paired.p_value,
    }
