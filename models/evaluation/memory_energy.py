"""Energy that external memory takes for the feature maps of an image: each written once and read once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from silicodec.models.catalog import make_codec
from silicodec.models.errors import unknown_name


@dataclass(frozen=True)
class MemoryPart:
    """A memory.

    Attributes
    ----------
    name, source : str
        What it is, and where the figures come from.
    write_pj, read_pj : float
        Energy of a bit written and of a bit read, in pJ.

    Examples
    --------
    >>> part = get_memory_part("ddr3-1066")
    >>> f"{1e9 * part.joules(8000, 8000):.1f} nJ"
    '1125.6 nJ'
    """

    name: str
    write_pj: float
    read_pj: float
    source: str

    def joules(self, written_bits: float, read_bits: float) -> float:
        """Return the energy of some bits written and some bits read, in J."""
        return 1e-12 * (self.write_pj * written_bits + self.read_pj * read_bits)


MEMORY_PARTS = {
    part.name: part
    for part in (MemoryPart("ddr3-1066", 63.3, 77.4, "x16, 1.5 V, 180 mA writing, 220 mA reading: arXiv 1905.10830"),)
}
"""Memories by name."""


def get_memory_part(name: str) -> MemoryPart:
    """Find a memory by its name.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """
    try:
        return MEMORY_PARTS[name]
    except KeyError:
        raise ValueError(unknown_name("memory", name, MEMORY_PARTS)) from None


def energy_record(name: str, part: MemoryPart, layers: Iterable[Mapping[str, Any]], images: int) -> dict[str, Any]:
    """Compute what one way to store a network's feature maps takes.

    Parameters
    ----------
    name : str
        The way.
    part : MemoryPart
        The memory.
    layers : iterable of mapping
        For each layer: ``bits`` and ``compressed_bits`` of all images together, and optionally ``codec``, the
        configuration of its own codec: records of `measure_accuracy` and of `evaluate`.
    images : int
        How many images.

    Returns
    -------
    dict
        ``name``; ``plain_joules`` (8 bits a value), ``joules`` and ``reduction`` (a fraction) for each image; and
        ``table_joules``, what is to be added where the codecs' tables are read anew for each image. Plain JSON.
    """
    layers = list(layers)
    plain, compressed = (sum(layer[key] for layer in layers) / images for key in ("bits", "compressed_bits"))
    configs = [dict(layer["codec"]) for layer in layers if isinstance(layer.get("codec"), Mapping)]
    tables = sum(make_codec(config.pop("id"), **config).table_bits for config in configs)
    plain_joules, joules = part.joules(plain, plain), part.joules(compressed, compressed)
    return {
        "name": name,
        "plain_joules": plain_joules,
        "joules": joules,
        "reduction": 1 - joules / plain_joules,
        "table_joules": part.joules(0, tables),
    }
