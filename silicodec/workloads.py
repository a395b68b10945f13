"""What engines work on while their power is measured."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.program import BadInput

if TYPE_CHECKING:
    import numpy as np

    from silicodec.asic.job import Workload
    from silicodec.rtl.engine import Engine

MOST_CYCLES = 20_000
"""Cycles that a netlist is simulated for by default: those of large engines take half a minute for a thousand."""


def default_tensor() -> tuple[str, np.ndarray]:
    """Take the first feature map of ResNet-20 where its weights are, or else of the embedded network."""
    from silicodec.models.networks import get_network
    from silicodec.models.networks.capture import feature_maps
    from silicodec.models.quantise import quantise

    name = "resnet20" if os.environ.get("SILICODEC_DATA") else "digits"
    network = get_network(name)
    layer = feature_maps(network.load(), network.images(1).batch)[0]
    return f"{layer.name} of {name}, first image, 8 bits", quantise(layer.values[0], "fixed8").values


def prepare_work(engine: Engine, name: str, tensor: np.ndarray, folder: Path, *, required: bool) -> dict[str, Any]:
    """Simulate an engine on a tensor, and return what its job is to know of that.

    An engine that takes long for the default tensor gets its first rows; one that cannot take it is run without.
    """
    try:
        workload = simulate_workload(engine, name, tensor)
        if workload.cycles > MOST_CYCLES and not required:
            rows = max(1, tensor.shape[-2] * MOST_CYCLES // workload.cycles)
            tensor = tensor[..., :rows, :]
            workload = simulate_workload(engine, f"{name}, first {rows} rows", tensor)
    except ValueError as error:
        if required:
            raise BadInput(f"{engine.name} cannot work on {name}: {error}") from None
        click.echo(f"{engine.name}: no power, it cannot work on {name}: {error}", err=True)
        return {}
    return {"workload": workload, "stimulus": store_tensor(tensor, workload.sha256, folder)}


def simulate_workload(engine: Engine, name: str, tensor: np.ndarray) -> Workload:
    """Count the cycles that an engine takes for a tensor, and hold its output to the reference."""
    from silicodec.asic.job import Workload
    from silicodec.verif.compare import check

    packets = engine.stimulus([tensor])
    simulation = check(engine, packets)
    words = sum(packet.size for packet in (packets | simulation.streams)[engine.tensor])
    described = f"{tensor.dtype.str} {tensor.shape} ".encode()
    digest = hashlib.sha256(described + tensor.tobytes()).hexdigest()
    return Workload(origin=name, sha256=digest, words=words, cycles=simulation.cycles)


def store_tensor(tensor: np.ndarray, digest: str, folder: Path) -> Path:
    """Write a tensor where the flows' steps find it, under a name that tells its content."""
    import numpy as np

    from silicodec.models.storage import written_whole

    path = (folder / f"{digest[:12]}.npy").resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.save(file, tensor)
    return path
