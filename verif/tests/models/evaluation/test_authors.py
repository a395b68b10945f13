"""Sizes by the EBPC authors' rule: worked out by hand, code by code, and an evaluation under it."""

import numpy as np
import pytest

from silicodec.models.evaluation.authors import AUTHORS_COUNTS, AuthorsBPC, AuthorsEBPC, AuthorsZeroRLE
from silicodec.models.evaluation.compression import EvaluationError, evaluate
from silicodec.models.evaluation.tensors import evaluate_tensors
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps


@pytest.mark.parametrize(
    ("values", "word_bits", "nbits"),
    [
        # base; a single one, its place among 4 words; differences that are zero again; 6 planes of zeros (2 + 3)
        (np.array([5, 6, 6, 6], np.int8), 8, 8 + (5 + 2) + 5 + 5),
        # differences of -1, all planes ones: the lowest has all ones, the other 7 no change
        (np.array([4, 3, 2, 1], np.int8), 8, 8 + 5 + 5),
        # 127 to -128 wraps to 1, two planes of ones; in hardware the difference is -255
        (np.array([127, -128], np.int8), 8, 8 + 5 + 5 + 5),
        # 12-bit words are in 16, so that nothing wraps: -4095 in 13 planes, of which the third to twelfth do not change
        (np.array([2047, -2048], np.int16), 12, 12 + 5 + 5 + (2 + 4) + 5),
        # one plane of zeros, then the plane of fours and one that takes it back
        (np.array([0, 2, 4, 6, 8, 10, 12, 14], np.int8), 8, 8 + 3 + 5 + 5 + 5),
        # a word alone in the last block takes nothing
        (np.array([0, 1, 2, 3, 4, 5, 6, 7, 99], np.int8), 8, 8 + 5 + 5 + 5),
    ],
)
def test_bpc_codes(values, word_bits, nbits):
    assert AuthorsBPC(word_bits).nbits(values) == nbits


def test_zero_stream_leaves_out_the_last_run():
    values = np.array([1, *[0] * 17, 2, *[0] * 40], np.int8)
    assert AuthorsEBPC().nbits(values) == 1 + 2 * 5 + 1 + AuthorsBPC().nbits(np.array([1, 2], np.int8))
    assert AuthorsEBPC().nbits(np.zeros(5, np.int8)) == 0


def test_zero_rle_takes_a_bit_more_for_runs_of_16():
    assert AuthorsZeroRLE().nbits(np.array([*[0] * 15, 1], np.int8)) == 5 + 9
    assert AuthorsZeroRLE().nbits(np.array([*[0] * 33, 1], np.int8)) == 6 + 6 + 5 + 9


def test_evaluation_runs_the_network_as_in_training_and_cuts():
    network = get_network("digits")
    given = network.images(12)
    evaluation = evaluate("digits", ["zvc", "ebpc"], images=given, rule="authors", batch_size=5, workers=0)
    assert evaluation.conditions["rule"] == "authors"
    assert evaluation.conditions["batch_size"] == 12
    for layer in feature_maps(network.load(), given.batch, training=True):
        words = (layer.values.astype(np.float64) * (0.75 * 127 / layer.values.max())).astype(np.int8)
        zvc, ebpc = (record for record in evaluation.layers if record["layer"] == layer.name)
        assert zvc["compressed_bits"] == words.size + 8 * np.count_nonzero(words)
        assert ebpc["compressed_bits"] == sum(AUTHORS_COUNTS["ebpc"]().nbits(image) for image in words)


def test_training_mode_differs_and_leaves_the_network_alone():
    network = get_network("digits")
    model, batch = network.load(), network.images(12).batch
    before = feature_maps(model, batch)
    in_training = feature_maps(model, batch, training=True)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(before, feature_maps(model, batch), strict=True))
    same = feature_maps(model, batch, training=True)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(in_training, same, strict=True))


def test_only_the_authors_codecs_can_be_counted_by_their_rule():
    tensor = {"t": np.ones((2, 8), np.float32)}
    with pytest.raises(EvaluationError, match="cannot count zstd"):
        evaluate_tensors(tensor, ["ebpc", "zstd"], rule="authors")
    with pytest.raises(EvaluationError, match="unknown rule 'author'"):
        evaluate_tensors(tensor, ["ebpc"], rule="author")
