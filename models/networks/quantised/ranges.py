"""The range of each tensor on calibration images."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, fx

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.reproducible import reproducible

Method = Literal["min-max", "percentile"]
METHODS: tuple[Method, ...] = get_args(Method)
BINS = 4096
BATCH = 50

Range = tuple[float, float]
Look = Callable[[fx.Node, Tensor], None]


@dataclass(frozen=True)
class Calibration:
    """How ranges are found.

    Attributes
    ----------
    method : str
        ``min-max``: all values of the calibration images. ``percentile``: all but an equal part of them at both ends,
        from a histogram of 4,096 bins.
    percentile : float
        Percentage of the values that are within the range.
    """

    method: Method = "min-max"
    percentile: float = 99.99

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.method not in METHODS:
            raise NetworkError(f"unknown calibration '{self.method}': use one of {', '.join(METHODS)}")
        if not 50 < self.percentile <= 100:
            raise NetworkError(f"the percentile must be above 50 and at most 100, not {self.percentile:g}")

    def ranges(self, module: fx.GraphModule, nodes: Collection[fx.Node], images: np.ndarray) -> Mapping[fx.Node, Range]:
        """Run a module on images (N, C, H, W) and find the range of each node's output, which includes zero."""
        extremes: dict[fx.Node, Range] = {}

        def widen(node: fx.Node, values: Tensor) -> None:
            low, high = extremes.get(node, (0.0, 0.0))
            extremes[node] = min(low, float(values.min())), max(high, float(values.max()))

        _run(module, images, nodes, widen)
        if self.method == "min-max":
            return extremes
        counts = {node: np.zeros(BINS, np.int64) for node in nodes}

        def count(node: fx.Node, values: Tensor) -> None:
            counts[node] += np.histogram(values.numpy(), BINS, extremes[node])[0]

        _run(module, images, nodes, count)
        return {node: self._narrow(extremes[node], counts[node]) for node in nodes}

    def _narrow(self, extremes: Range, counts: np.ndarray) -> Range:
        edges = np.linspace(*extremes, BINS + 1)
        below = np.cumsum(counts) / max(counts.sum(), 1)
        outside = (1 - self.percentile / 100) / 2
        low = edges[np.searchsorted(below, outside, side="right")] if extremes[0] < 0 else 0.0
        high = edges[min(int(np.searchsorted(below, 1 - outside)), BINS - 1) + 1]
        return min(float(low), 0.0), max(float(high), 0.0)


class _Watcher(fx.Interpreter):
    def __init__(self, module: fx.GraphModule, nodes: Collection[fx.Node], look: Look) -> None:
        super().__init__(module)
        self._nodes, self._look = nodes, look

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if n in self._nodes:
            self._look(n, result)
        return result


def _run(module: fx.GraphModule, images: np.ndarray, nodes: Collection[fx.Node], look: Look) -> None:
    with reproducible(), torch.inference_mode():
        for cut in range(0, len(images), BATCH):
            _Watcher(module, nodes, look).run(torch.from_numpy(images[cut : cut + BATCH]))
