"""Products of matrices of any size on an array engine, tile after tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from silicodec.models.systolic.tiling import add_tiles, vector_tiles, weight_tiles
from silicodec.rtl.engine import Engine
from silicodec.rtl.systolic.engines import port_words, sum_ports, value_ports, weight_streams
from silicodec.verif.simulate import simulate
from silicodec.verif.simulation import Simulation


@dataclass(frozen=True)
class MatrixProduct:
    """A product, and what it took.

    Parameters
    ----------
    values : numpy.ndarray
        int32, (M, N).
    simulation : Simulation
        The run of the engine.
    """

    values: np.ndarray
    simulation: Simulation


def multiply(engine: Engine, activations: np.ndarray, weights: np.ndarray, **options: Any) -> MatrixProduct:
    """Multiply two matrices on a systolic array; the sums over its tiles are added here.

    Parameters
    ----------
    engine : Engine
        A systolic array, with plain or compressed weights.
    activations : numpy.ndarray
        int8, (M, K).
    weights : numpy.ndarray
        int8, (K, N).
    **options
        Those of `simulate`.
    """
    rows, columns = engine.parameters["rows"], engine.parameters["columns"]
    tiles = weight_tiles(weights, rows, columns)
    vectors = vector_tiles(activations, rows, weights.shape[1], columns)
    inputs = weight_streams(engine, tiles) | port_words(value_ports("activations", rows), list(vectors))
    simulation = simulate(engine, inputs, **options)
    sums = np.stack([np.stack(simulation.streams[port.name]) for port in sum_ports(columns)], axis=-1)
    return MatrixProduct(add_tiles(sums.view(np.int32), weights.shape[1]), simulation)
