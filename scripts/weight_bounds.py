"""Show what the dictionary code of sparse trimmed weights loses against other prefix codes and the entropy.

    python scripts/trimmed_weights.py lenet5.json perceptron.json
    python scripts/weight_bounds.py build/weights/lenet5.npz build/weights/perceptron.npz

All but the entropy of the weights are for the same events: entries of as many weights as the dictionary chose for the
layer, and the runs of entries of zeros between them. Of the length of a run the number of its leading bit has a code
word, and the bits below follow as they are. A table holds the entries, and the length of each code word.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np

from silicodec.models.baselines.bounds import Entropy, Huffman
from silicodec.models.dictionary.code import Kind, Layout
from silicodec.models.dictionary.codec import Dictionary
from silicodec.models.evaluation.weights import DICTIONARIES
from silicodec.output import print_table

LENGTH_BITS = 4
"""Bits of a code word's length in a table."""
BOUND = "order-0 entropy of the weights"
SHORT = 8
"""Most bits of a code word where it is limited."""


def dictionary_parts(codec: Dictionary, weights: np.ndarray) -> Counter[str]:
    """Count the bits of codes, with their literals, by what they are for."""
    words = codec.encode_words(weights.ravel().view(np.uint8))
    word = int(words["layout"][0])
    layout = Layout.from_word(word, word_bits=8, slot_bits=codec.slot_bits, code_bits=codec.code_bits)
    table = layout.table(codec.code_bits, word_bits=8)
    bits = "".join(f"{word:0{codec.code_bits}b}" for word in words["codes"].tolist()) + "0" * codec.code_bits
    parts, position = Counter(layout=codec.encode(weights).streams["layout"].nbits), 0
    while table.kind[ahead := int(bits[position : position + codec.code_bits], 2)] != Kind.END:
        kind, length = table.kind[ahead], int(table.length[ahead])
        run_bits = length if kind == Kind.ZEROS else layout.run_bits
        parts["runs"] += run_bits
        parts["stored" if kind == Kind.STORE else "entries"] += (
            length - run_bits + codec.entry_size * int(table.planes[ahead])
        )
        position += length
    return parts


def limited_huffman(symbols: np.ndarray, limit: int) -> int:
    """Count the bits of the best prefix code with words of at most `limit` bits, by package-merge."""
    single = np.sort(np.unique(symbols, return_counts=True)[1])
    weights = single
    for _ in range(limit - 1):
        pairs = weights[: weights.size & ~1].reshape(-1, 2).sum(axis=1)
        weights = np.sort(np.concatenate([single, pairs]))
    return int(weights[: 2 * single.size - 2].sum()) if single.size > 1 else symbols.size


def leading_bits(numbers: np.ndarray) -> np.ndarray:
    """Return the number of the leading bit of each, counted from 0."""
    return np.frexp(numbers)[1] - 1


def measure(codec: Dictionary, weights: np.ndarray) -> dict[str, int]:
    """Count the bits of a layer in each code."""
    flat = weights.ravel()
    padded = np.concatenate([flat, np.zeros(-flat.size % codec.entry_size, np.int8)]).reshape(-1, codec.entry_size)
    distinct, numbers = np.unique(
        np.concatenate([np.zeros((1, codec.entry_size), np.int8), padded]), axis=0, return_inverse=True
    )
    zero, numbers = numbers[0], numbers[1:]
    places = np.flatnonzero(numbers != zero)
    entries = numbers[places]
    runs = np.diff(places, prepend=-1, append=numbers.size) - 1  # one before each entry, one behind the last

    used = int(np.bitwise_or.reduce(flat.view(np.uint8)))
    planes = 8 - ((used & -used).bit_length() - 1)
    dictionary = (len(distinct) - 1) * codec.entry_size * planes

    some = leading_bits(runs[runs > 0])
    apart = np.concatenate([entries, len(distinct) + some]).astype(np.uint16)
    apart_table = dictionary + LENGTH_BITS * np.unique(apart).size

    classes = leading_bits(runs + 1)
    together = (classes * len(distinct) + np.append(entries, zero)).astype(np.uint16)
    together_table = dictionary + LENGTH_BITS * len(distinct) * (1 + int(classes.max()))

    parts = dictionary_parts(codec, weights)
    joint = Huffman(16).nbits(together) + int(classes.sum())
    limited = limited_huffman(apart, SHORT) + int(some.sum())
    return {
        BOUND: Entropy().nbits(weights),
        "a word for run and entry: entropy": Entropy(16).nbits(together) + int(classes.sum()),
        "a word for run and entry: Huffman": joint,
        "the same with its table": joint + together_table,
        "a word for run or entry: entropy": Entropy(16).nbits(apart) + int(some.sum()),
        "a word for run or entry: Huffman": Huffman(16).nbits(apart) + int(some.sum()),
        f"the same, words of at most {SHORT} bits": limited,
        f"the same, at most {SHORT} bits, with its table": limited + apart_table,
        "dictionary": parts.total(),
        "of it runs of zeros": parts["runs"],
        "of it slots, and literals not stored": parts["entries"],
        "of it layout and stored entries": parts["layout"] + parts["stored"],
    }


def main() -> None:
    """Print a table with a column for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz")
    columns: dict[str, Counter[str]] = {}
    for file in parser.parse_args().files:
        columns[file.stem] = Counter()
        with np.load(file) as layers:
            for weights in layers.values():
                codec = min(DICTIONARIES, key=lambda codec: codec.nbits(weights))
                columns[file.stem].update(measure(codec, weights))
    rows = []
    for code in next(iter(columns.values())):
        row: list[object] = [code]
        for sizes in columns.values():
            row += [f"{sizes[code] / 8:,.0f}", f"{100 * sizes[code] / sizes[BOUND]:.0f}"]
        rows.append(row)
    headings: list[tuple[str, Literal["left", "right"]]] = [
        (heading, "right") for name in columns for heading in (f"{name}, bytes", "% of the entropy")
    ]
    print_table("Trimmed weights", [("code", "left"), *headings], rows)


if __name__ == "__main__":
    main()
