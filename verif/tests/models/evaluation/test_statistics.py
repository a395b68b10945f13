"""Intervals cover what they claim to, and p-values are the binomial ones."""

import math

import numpy as np
import pytest

from silicodec.models.evaluation.statistics import Paired, accuracy_record, interval


@pytest.mark.parametrize(("share", "total"), [(0.5, 30), (0.9, 100), (0.98, 176), (0.82, 2000)])
def test_interval_covers_the_true_fraction_95_times_of_100(share, total):
    counts = np.random.default_rng(0).binomial(total, share, 4000)
    bounds = np.array([interval(int(count), total) for count in counts])
    assert np.mean((bounds[:, 0] <= share) & (share <= bounds[:, 1])) == pytest.approx(0.95, abs=0.03)


def test_interval_of_all_and_of_none():
    assert interval(0, 24)[0] == pytest.approx(0)
    assert interval(24, 24)[1] == pytest.approx(1)
    assert interval(24, 24)[0] == pytest.approx(0.862, abs=0.001)


@pytest.mark.parametrize(("lost", "gained", "total"), [(0.05, 0.05, 176), (0.1, 0.02, 176), (0.03, 0.01, 1500)])
def test_paired_interval_covers_the_true_loss(lost, gained, total):
    drawn = np.random.default_rng(1).multinomial(total, [lost, gained, 1 - lost - gained], 4000)
    bounds = np.array([Paired(int(a), int(b), total).interval for a, b, _ in drawn])
    assert np.mean((bounds[:, 0] <= lost - gained) & (lost - gained <= bounds[:, 1])) == pytest.approx(0.95, abs=0.02)


def test_p_value_is_that_of_a_fair_coin():
    assert Paired(5, 5, 100).p_value == 1
    assert Paired(0, 0, 100).p_value == 1
    assert Paired(8, 1, 100).p_value == pytest.approx(2 * (1 + 9) / 2**9)
    assert Paired(1, 8, 100).p_value == Paired(8, 1, 100).p_value
    assert Paired(600, 500, 2000).p_value == pytest.approx(math.erfc(99 / math.sqrt(2 * 1100)), rel=0.05)


def test_record_of_known_classes_and_of_unknown_ones():
    before, after, labels = np.array([1, 2, 3, 4]), np.array([1, 2, 4, 5]), np.array([1, 0, 3, 5])
    record = accuracy_record(before, after, labels)
    assert (record["top1_before"], record["top1"], record["loss"]) == (0.5, 0.5, 0)
    assert (record["images"], record["agreement"], record["p_value"]) == (4, 0.5, 1)
    assert record["loss_interval"] == list(Paired(1, 1, 4).interval)
    unknown = accuracy_record(before, after, None)
    assert unknown["agreement"] == 0.5
    assert unknown["top1"] is unknown["loss"] is unknown["loss_interval"] is unknown["p_value"] is None
    assert record.keys() == unknown.keys()
