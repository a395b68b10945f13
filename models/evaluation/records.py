"""Results of an evaluation: records, and the files that hold them."""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

import numpy as np

from silicodec.models.storage import written_whole

PACKAGES = ("silicodec", "numpy", "numba", "torch", "torchvision", "ai-edge-litert", "scikit-learn", "zstandard")
"""Packages whose versions bear on the figures."""


@dataclass(frozen=True, eq=False)
class PacketSizes:
    """Sizes of the packets of one layer in one number format.

    Attributes
    ----------
    kind, layer, number_format : str
        ``feature map``, ``gradient map`` or ``weight``; the layer's and the number format's name.
    word_bits : int
        Bits of a word.
    scale : float
        What the values were multiplied by before rounding.
    shape : tuple of int
        Shape of a packet: (C, H, W), or that of a weight tensor.
    zeros : np.ndarray
        Zero words of each packet, (packets,).
    compressed_bits : dict of str to np.ndarray
        Bits of each packet by codec, (packets,) each.
    """

    kind: str
    layer: str
    number_format: str
    word_bits: int
    scale: float
    shape: tuple[int, ...]
    zeros: np.ndarray
    compressed_bits: dict[str, np.ndarray]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Put the packets of several batches of one layer together."""
        first = parts[0]
        return cls(
            kind=first.kind,
            layer=first.layer,
            number_format=first.number_format,
            word_bits=first.word_bits,
            scale=first.scale,
            shape=first.shape,
            zeros=np.concatenate([part.zeros for part in parts]),
            compressed_bits={
                codec: np.concatenate([part.compressed_bits[codec] for part in parts])
                for codec in first.compressed_bits
            },
        )

    def as_one(self) -> Self:
        """Take all packets for one."""
        return replace(
            self,
            shape=(len(self.zeros), *self.shape),
            zeros=self.zeros.sum(keepdims=True),
            compressed_bits={codec: bits.sum(keepdims=True) for codec, bits in self.compressed_bits.items()},
        )

    @property
    def words(self) -> int:
        """Number of words in a packet."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Evaluation:
    """What was measured, and under which conditions.

    Attributes
    ----------
    conditions : dict
        Network, images, batch size, scale rule, each codec's configuration by number format, versions.
    records : list of dict
        Layers in the order of computation, after each group (tensor kind, number format, codec) the whole network.
        Keys: ``network``, ``kind``, ``number_format``, ``codec``, ``layer`` (None for the whole network), ``shape``,
        ``scale`` (None for the whole network), ``packets`` (the images, for maps), ``words``, ``sparsity`` (fraction of
        zero words), ``bits``, ``compressed_bits``, ``ratio`` (bits over compressed bits, of all packets together), and
        over the frames, that is over the ratios of single images, ``frame_mean``, ``frame_deviation``, ``frame_p1``
        and ``frame_p99`` (percentiles). All values are plain JSON.
    """

    conditions: dict[str, Any]
    records: list[dict[str, Any]]

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The records of single layers."""
        return [record for record in self.records if record["layer"] is not None]

    @property
    def totals(self) -> list[dict[str, Any]]:
        """The records of whole networks."""
        return [record for record in self.records if record["layer"] is None]

    def write_json(self, path: str | Path) -> None:
        """Write conditions and records to a JSON file."""
        with written_whole(Path(path)) as temporary:
            temporary.write_text(json.dumps({"conditions": self.conditions, "records": self.records}, indent=1) + "\n")

    def write_parquet(self, path: str | Path) -> None:
        """Write the records to a Parquet file, with the conditions (JSON) in its metadata under ``conditions``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist(self.records)
        table = table.replace_schema_metadata({"conditions": json.dumps(self.conditions)})
        with written_whole(Path(path)) as temporary:
            pq.write_table(table, temporary)


def aligned(layers: Sequence[PacketSizes]) -> Sequence[PacketSizes]:
    """Make frames of layers: their packets, or, where layers have different numbers of these, all of each as one."""
    same = len({len(layer.zeros) for layer in layers}) == 1
    return layers if same else [layer.as_one() for layer in layers]


def layer_record(network: str, sizes: PacketSizes, codec: str) -> dict[str, Any]:
    """Make the record of one layer with one codec."""
    return _record(network, [sizes], codec) | {
        "layer": sizes.layer,
        "shape": list(sizes.shape),
        "scale": sizes.scale,
    }


def network_record(network: str, layers: Sequence[PacketSizes], codec: str) -> dict[str, Any]:
    """Make the record of a whole network with one codec; a frame is all layers of one image."""
    return _record(network, layers, codec)


def _record(network: str, layers: Sequence[PacketSizes], codec: str) -> dict[str, Any]:
    first = layers[0]
    frames = len(first.zeros)
    words = sum(layer.words for layer in layers)
    # The entropy of equal words is zero bits; one bit keeps the ratio finite.
    compressed = np.maximum(np.sum([layer.compressed_bits[codec] for layer in layers], axis=0), 1)
    zeros = sum(int(layer.zeros.sum()) for layer in layers)
    ratios = words * first.word_bits / compressed
    return {
        "network": network,
        "kind": first.kind,
        "number_format": first.number_format,
        "codec": codec,
        "layer": None,
        "shape": None,
        "scale": None,
        "packets": frames * len(layers),
        "words": words * frames,
        "sparsity": zeros / (words * frames),
        "bits": words * frames * first.word_bits,
        "compressed_bits": int(compressed.sum()),
        "ratio": words * frames * first.word_bits / int(compressed.sum()),
        "frame_mean": float(ratios.mean()),
        "frame_deviation": float(ratios.std()),
        "frame_p1": float(np.percentile(ratios, 1)),
        "frame_p99": float(np.percentile(ratios, 99)),
    }


def tool_versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that bear on the figures."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
