"""Compare codes for lanes of weights, each layer by itself: bits of single weights, and of zeros together with weights.

    python scripts/weight_codes.py

Bytes without tables, but with eight final states for the asymmetric numeral system (tANS): its bits are those of counts
that are rounded to a sum of so many states, which the code itself exceeds a little.
"""

from collections import Counter

import numpy as np
from weight_sizes import rows

from silicodec.models.baselines.bounds import Entropy
from silicodec.models.codec import to_words
from silicodec.models.lanes.choice import Grid, count_leaves, find_events, run_partitions
from silicodec.models.lanes.code import RUN_EXTRA_BITS
from silicodec.models.lanes.huffman import best_lengths
from silicodec.output import print_table

LANES = 8
LONGEST = 12
"""Bits of the longest code word."""
STATES = (512, 1024, 2048)


def rounded(counts: np.ndarray, states: int) -> np.ndarray:
    """Round counts to a sum of so many, none to 0, for the fewest bits."""
    shares = np.maximum(1, counts * states // counts.sum())
    while shares.sum() > states:
        cost = np.where(shares > 1, counts * np.log2(shares / np.maximum(shares - 1, 1)), np.inf)
        shares[cost.argmin()] -= 1
    while shares.sum() < states:
        shares[(counts * np.log2((shares + 1) / shares)).argmax()] += 1
    return shares


def measure(weights: np.ndarray) -> Counter[str]:
    """Count the bits of a layer."""
    bits = Counter(entropy=Entropy().nbits(weights))
    counts = np.unique(weights, return_counts=True)[1]
    for states in STATES:
        shares = rounded(counts, states)
        bits[f"tANS, {states} states"] = int(counts @ np.log2(states / shares) + LANES * np.log2(states))
    events = find_events(to_words(weights, 8), LANES)
    sizes = []
    for class_of_run in run_partitions(sparse=False):
        counts = count_leaves(events, Grid(0, 0, 128, 8), class_of_run)
        if np.count_nonzero(counts) <= 1 << LONGEST:
            lengths = best_lengths(counts.reshape(-1), LONGEST).reshape(counts.shape)
            sizes.append(int((counts * (lengths + RUN_EXTRA_BITS[:, np.newaxis])).sum()))
    bits["Huffman, single weights"] = sizes[0]
    bits["Huffman, zeros and weight"] = min(sizes)
    return bits


def main() -> None:
    """Print a row for each network."""
    lines = []
    heads: list[str] = []
    for name, layers in rows([]):
        total: Counter[str] = sum(map(measure, layers), Counter())
        heads = list(total)
        lines.append((name, *(f"{bits / 8:,.0f}" for bits in total.values())))
    print_table("Bytes", [("weights", "left"), *((head, "right") for head in heads)], lines)


if __name__ == "__main__":
    main()
