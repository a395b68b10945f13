"""Calibration of the codec transform: decorrelated components, rounding errors as small as the step says, less bits."""

import numpy as np
import pytest

from silicodec.models.evaluation.schemes import TransformScheme
from silicodec.models.transform.calibration import Calibration


def correlated_maps(seed=0, images=20, channels=12, side=8, dtype=np.int8):
    """Smooth maps of channels that depend on each other, of different means."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(channels, channels)) * 0.7 ** np.arange(channels)
    sources = random.normal(size=(images, channels, side, side))
    sources[:, :, 1:] = 0.8 * sources[:, :, :-1] + 0.6 * sources[:, :, 1:]
    maps = 18 * np.einsum("ij,njyx->niyx", mixing, sources) + np.linspace(-30, 30, channels)[:, None, None]
    if dtype == np.uint8:
        return np.clip(np.rint(maps + 100), 0, 255).astype(dtype)
    return np.clip(np.rint(maps), -128, 127).astype(dtype)


def error_of(codec, maps):
    return np.sqrt(np.mean((codec.restore(maps).astype(float) - maps) ** 2))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("block", [1, 2])
@pytest.mark.parametrize("decorrelate", [True, False])
@pytest.mark.parametrize("step", [2.0, 5.5, 16.0])
def test_error_is_that_of_the_step(dtype, block, decorrelate, step):
    maps, others = correlated_maps(0, dtype=dtype), correlated_maps(1, dtype=dtype)
    codec = Calibration(maps, block=block, decorrelate=decorrelate).codec(step, energy=1.0)
    # Rounding of components, of samples, and of the matrices.
    assert error_of(codec, others) < 1.1 * np.sqrt((step**2 + 1) / 12)


@pytest.mark.parametrize("block", [1, 2])
def test_components_are_not_correlated(block):
    maps = correlated_maps()
    codec = Calibration(maps, block=block).codec(4.0, energy=1.0)
    components = codec.quantised(maps).reshape(-1, 12 * block**2)[:, :6].astype(float)
    covariance = np.cov(components.T)
    deviations = np.sqrt(covariance.diagonal())
    correlation = covariance / np.outer(deviations, deviations) - np.eye(len(covariance))
    assert np.abs(correlation).max() < 0.05
    assert (np.diff(deviations) < 0.05 * deviations[:-1]).all()
    assert np.abs(components.mean(axis=0)).max() < 0.5


def test_decorrelation_saves_bits_at_equal_steps():
    maps, others = correlated_maps(0, images=60), correlated_maps(1)
    for step in (4.0, 24.0):
        plain, by_pixel, by_block = (
            Calibration(maps, **parameters).codec(step).nbits(others)
            for parameters in ({"decorrelate": False}, {}, {"block": 2})
        )
        assert by_block < by_pixel < 0.75 * plain


def test_components_beneath_the_rounding_error_are_dropped():
    maps, others = correlated_maps(0), correlated_maps(1)
    calibration = Calibration(maps)
    whole, cut = calibration.codec(16.0, energy=1.0), calibration.codec(16.0)
    assert len(cut.transforms[0].matrix) < len(whole.transforms[0].matrix) == 12
    assert cut.nbits(others) < whole.nbits(others)
    assert error_of(cut, others) < 1.1 * error_of(whole, others)


@pytest.mark.parametrize("step", [2.0, 0.1, 0.001])
def test_components_with_a_large_range_neither_saturate_nor_vanish(step):
    """What 64 channels have in common is eight times as large as in one of them."""
    random = np.random.default_rng(0)
    common, own = random.uniform(-100, 100, (10, 1, 4, 4)), random.normal(0, 5, (10, 64, 4, 4))
    maps = np.rint(common + own).clip(-128, 127).astype(np.int8)
    codec = Calibration(maps).codec(step)
    assert codec.symbol_bits == 8
    assert error_of(codec, maps) < 1.2


def test_few_maps_do_not_hide_what_others_have():
    """Fewer vectors than components: most of these have no variance in calibration, and must be kept nevertheless."""
    maps = np.concatenate([correlated_maps(seed, images=3, channels=12, side=2) for seed in range(8)], axis=1)
    others = np.concatenate([correlated_maps(seed, images=9, channels=12, side=2) for seed in range(8, 16)], axis=1)
    assert error_of(Calibration(maps).codec(6.0), others) < 0.5 * others.std()


@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_energy_says_how_much_is_kept(share):
    maps = correlated_maps()
    calibration = Calibration(maps)
    codec = calibration.codec(1.0, share)
    variances = np.sort(np.linalg.eigvalsh(np.cov(maps.transpose(1, 0, 2, 3).reshape(12, -1))))[::-1]
    kept = len(codec.transforms[0].matrix)
    assert variances[: kept - 1].sum() < share * variances.sum() <= variances[:kept].sum()


def test_constant_maps():
    maps = np.full((2, 3, 4, 4), 7, np.int8)
    for decorrelate in (True, False):
        codec = Calibration(maps, decorrelate=decorrelate).codec(1.0)
        np.testing.assert_array_equal(codec.restore(maps), maps)


def test_maps_without_negative_values_stay_so():
    maps = np.maximum(correlated_maps(), 0)
    restored = TransformScheme().candidates(maps)[-1].restore(maps)
    assert restored.min() == 0


def test_scheme_goes_from_fine_to_coarse():
    maps, others = correlated_maps(0), correlated_maps(1)
    for scheme in (TransformScheme(), TransformScheme(block=2), TransformScheme(decorrelate=False)):
        sizes = [codec.nbits(others) for codec in scheme.candidates(maps)]
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == len(sizes)


def test_scheme_keeps_vectors_within_those_of_hardware():
    random = np.random.default_rng(0)
    for shape, block in (((2, 64, 4, 4), 2), ((2, 65, 4, 4), 1), ((9, 10, 1, 1), 1)):
        codec = TransformScheme(block=2).candidates(random.integers(-100, 100, shape).astype(np.int8))[0]
        assert codec.block == block
