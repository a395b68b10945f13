"""Networks that compute with feature maps that a lossy codec compressed and restored."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from silicodec.models.baselines.bounds import Entropy
from silicodec.models.ebpc import EBPC
from silicodec.models.evaluation.schemes import LayerCodec
from silicodec.models.networks import capture
from silicodec.models.networks.capture import Model, Point
from silicodec.models.quantise import SCALE_RULES

BATCH_VALUES = 1 << 18
"""Values of the images that go through the network together."""
LARGEST_WORD = 127
QUANTISED_BITS = 12
"""Bits of what a codec quantised, where eight do not hold it."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a network did with restored feature maps.

    Attributes
    ----------
    scores : torch.Tensor
        Logarithms of the probabilities of the classes, (images, classes).
    bits, compressed_bits : dict of str to int
        Size of each layer's maps, all images together, in 8 bits a value, and compressed.
    lossless_bits, sequence_bits : dict of str to int
        The same for EBPC, which is lossless, on the same maps, and for EBPC on what the codec quantised (on the maps
        of a layer without a codec). Empty where not asked for.
    entropy_bits : dict of str to int
        Order-0 entropy of what the codec quantised, likewise.
    """

    scores: Tensor
    bits: dict[str, int] = field(default_factory=dict)
    compressed_bits: dict[str, int] = field(default_factory=dict)
    lossless_bits: dict[str, int] = field(default_factory=dict)
    sequence_bits: dict[str, int] = field(default_factory=dict)
    entropy_bits: dict[str, int] = field(default_factory=dict)


class RestoredNetwork:
    """A network with a lossy codec at each layer.

    Every layer's maps are words of 8 bits, with a codec or without: a network in floating point computes with the
    words divided by their scale.

    Parameters
    ----------
    model : torch.nn.Module or IntegerGraph
        What `Network.load` gives.
    images : np.ndarray
        Calibration images, float32, (N, C, H, W), normalised: the scales are taken from the largest values of their
        maps, by the rule ``headroom`` of `silicodec.models.quantise`.
    point : str
        Where maps are taken and put back, one of `silicodec.models.networks.capture.POINTS`.
    """

    def __init__(self, model: Model, images: np.ndarray, point: Point = "activation") -> None:
        self.model = model
        self.point = point
        self.scales: dict[str, float] = {}
        largest: dict[str, float] = {}

        def look(name: str, maps: Tensor) -> None:
            largest[name] = max(largest.get(name, 0.0), float(maps.abs().max()))

        for batch in _batches(images):
            capture.scores(model, batch, look, point)
        for name, value in largest.items():
            self.scales[name] = SCALE_RULES["headroom"] * LARGEST_WORD / value if value else 1.0

    def maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Take each layer's maps from a run without codecs: (N, C, H, W), int8, or words of an `IntegerGraph`."""
        batches: dict[str, list[np.ndarray]] = {name: [] for name in self.scales}

        def keep(name: str, maps: Tensor) -> None:
            batches[name].append(self._to_words(name, maps))

        for batch in _batches(images):
            capture.scores(self.model, batch, keep, self.point)
        return {name: np.concatenate(parts) for name, parts in batches.items()}

    def run(self, images: np.ndarray, codecs: Mapping[str, LayerCodec], *, compare: bool = False) -> Run:
        """Run the network.

        Parameters
        ----------
        images : np.ndarray
            float32, (N, C, H, W), normalised.
        codecs : mapping of str to LayerCodec
            Codec by layer; the maps of other layers stay as they are.
        compare : bool
            Whether to measure EBPC and entropy too.
        """
        run = Run(torch.empty(0))

        def add(sizes: dict[str, int], name: str, bits: int) -> None:
            sizes[name] = sizes.get(name, 0) + bits

        def restore(name: str, maps: Tensor) -> Tensor:
            words = self._to_words(name, maps)
            codec = codecs.get(name)
            add(run.bits, name, 8 * words.size)
            add(run.compressed_bits, name, codec.nbits(words) if codec else 8 * words.size)
            if compare:
                add(run.lossless_bits, name, EBPC().nbits(words))
                quantised = codec.quantised(words) if codec else words
                word_bits = 8 if quantised.itemsize == 1 else QUANTISED_BITS
                add(run.sequence_bits, name, EBPC(word_bits=word_bits).nbits(quantised))
                add(run.entropy_bits, name, Entropy(word_bits=word_bits).nbits(quantised))
            restored = torch.from_numpy(codec.restore(words) if codec else words).reshape(maps.shape)
            return restored / self.scales[name] if maps.is_floating_point() else restored

        batches = [capture.scores(self.model, batch, restore, self.point) for batch in _batches(images)]
        return Run(
            log_softmax(torch.cat(batches), dim=1),
            run.bits,
            run.compressed_bits,
            run.lossless_bits,
            run.sequence_bits,
            run.entropy_bits,
        )

    def _to_words(self, name: str, maps: Tensor) -> np.ndarray:
        if maps.is_floating_point():
            maps = (maps * self.scales[name]).round().clamp(-LARGEST_WORD - 1, LARGEST_WORD).to(torch.int8)
        words = maps.numpy()
        return np.ascontiguousarray(words.reshape(*words.shape, *[1] * (4 - words.ndim)))


def _batches(images: np.ndarray) -> list[np.ndarray]:
    size = max(1, BATCH_VALUES // images[0].size)
    return [images[cut : cut + size] for cut in range(0, len(images), size)]
