"""The worked example of docs/formats/ebpc.md is what the codec does."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from silicodec.models.ebpc import EBPC

DOCUMENT = (Path(__file__).parents[4] / "docs" / "formats" / "ebpc.md").read_text()
EXAMPLE = DOCUMENT.split("## Example\n")[1].split("\n## ")[0]


def example_packet():
    return np.array(re.search(r"the packet ([-0-9, ]+)\.", EXAMPLE)[1].split(", "), np.int8)


def rows(heading):
    """Rows of the table that follows a line with `heading`, each a list of cells."""
    table = EXAMPLE.split(heading)[1].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def bits(cell):
    return "".join(re.findall("[01]+", cell))


@pytest.mark.parametrize(("name", "code_column"), [("znz", 1), ("bpc", 3)])
def test_example_codes_and_words(name, code_column):
    heading = f"Its {name.upper()} stream"
    codes = "".join(bits(row[code_column]) for row in rows(heading))
    stream = EBPC().encode(example_packet()).streams[name]
    assert "".join(f"{byte:08b}" for byte in stream.data)[: stream.nbits] == codes
    nbits, words = re.search(heading + r", (\d+) bits, in\s+words `([0-9a-f ]+)`", EXAMPLE).groups()
    assert (int(nbits), words) == (stream.nbits, stream.data.hex(" "))


def test_example_planes():
    nonzero = [int(word) for word in example_packet() if word]
    differences = [f"{(b - a) % 512:09b}" for a, b in itertools.pairwise(nonzero)]
    assert re.findall(r"`([01]{9})`", EXAMPLE) == differences
    before = 0
    for planes, dbp, dbx, _, _ in rows("Its BPC stream")[1:]:
        for k in map(int, planes.split(", ")):
            assert bits(dbp) == "".join(difference[8 - k] for difference in differences)
            assert int(bits(dbx), 2) == int(bits(dbp), 2) ^ before
            before = int(bits(dbp), 2)


def test_example_sizes():
    packet = example_packet()
    before, after = re.search(r"(\d+) bits became (\d+)", EXAMPLE).groups()
    assert (int(before), int(after)) == (8 * packet.size, EBPC().nbits(packet))
