"""Packets that every engine must get through."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from silicodec.models.ebpc import EBPC


def word_type(word_bits):
    return np.uint8 if word_bits <= 8 else np.uint16


@pytest.fixture(scope="session")
def golden():
    """Golden cases of a word width by name, each with `words`, `znz` and `bpc`."""
    folder = os.environ.get("SILICODEC_DATA")
    if folder is None:
        pytest.skip("SILICODEC_DATA is not set")

    def load(word_bits):
        with np.load(Path(folder, "golden", "ebpc", f"rtl_vectors_w{word_bits}.npz")) as vectors:
            names = sorted({key.split("/")[0] for key in vectors})
            return {
                name: SimpleNamespace(**{part: vectors[f"{name}/{part}"] for part in ("words", "znz", "bpc")})
                for name in names
            }

    return load


@pytest.fixture(scope="session")
def edge_packets():
    """Packets of a word width at the edges of the format."""

    def make(word_bits):
        kind, largest, smallest = word_type(word_bits), (1 << word_bits) - 1, 1 << (word_bits - 1)
        random = np.random.default_rng(word_bits)
        block = word_bits
        packets = [
            [0],
            [1],
            [largest],
            [smallest],
            [0] * 15,
            [0] * 16,
            [0] * 17,
            [0] * 255,
            [0] * 256,
            [0] * 257,
            [0] * 16 + [5],
            [5] + [0] * 33,
            [7] * (block - 1),
            [7] * block,
            [7] * (block + 1),
            [7] * block + [0] * 40,
            [largest] * (3 * block),
            [smallest, smallest - 1] * block,
            [1, 0] * block,
            [0, 0, 9] * (2 * block),
            random.integers(0, 1 << word_bits, 5 * block + 3),
            random.integers(0, 1 << word_bits, 4 * block) * (random.random(4 * block) < 0.4),
            np.cumsum(random.integers(-2, 3, 6 * block)) % (1 << word_bits),
        ]
        return [np.asarray(packet).astype(kind) for packet in packets]

    return make


@pytest.fixture(scope="session")
def codec():
    """EBPC of a word width, as the engines are built."""
    return lambda word_bits: EBPC(word_bits=word_bits, block_size=word_bits)
