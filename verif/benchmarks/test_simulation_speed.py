"""How fast engines are simulated, compilation aside; Verilated, at least a million words per second is wanted."""

import time

import numpy as np
import pytest

from silicodec.rtl.catalog import ENGINES
from silicodec.verif.simulate import simulate

CASES = [("verilator", 2_000_000), ("icarus", 2_000), ("myhdl", 2_000)]
"""Backends, and a number of words that keeps each busy for a second or so."""


# By the clock on the wall, because simulators are processes of their own.
@pytest.mark.benchmark(timer=time.perf_counter)
@pytest.mark.parametrize(("backend", "count"), CASES)
def test_encoder(benchmark, backend, count):
    """Encode words of which half are zero."""
    random = np.random.default_rng(0)
    words = random.integers(0, 256, count, dtype=np.uint8) * random.integers(0, 2, count, dtype=np.uint8)
    engine = ENGINES["ebpc-encoder"]
    simulate(engine, {"words": words[:8]}, backend=backend)  # compiles
    simulation = benchmark.pedantic(simulate, (engine, {"words": words}), {"backend": backend}, rounds=3)
    benchmark.extra_info["words_per_second"] = round(count / benchmark.stats.stats.min)
    benchmark.extra_info["cycles_per_second"] = round(simulation.cycles / benchmark.stats.stats.min)
    assert simulation.words["words"] == count
