"""PyTorch with the same results every time on the same machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible(seed: int = 0) -> Iterator[None]:
    """Seed PyTorch's random numbers and run it in one thread; both are set back afterwards.

    The order of floating-point sums, and so their last bits, would depend on the number of threads otherwise.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
