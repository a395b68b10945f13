"""Codecs and regions of maps, chosen on calibration images."""

from dataclasses import replace

import numpy as np
import pytest

from silicodec.models.accelerator.calibration import (
    MARGIN,
    choose_codecs,
    dct_word,
    fit_regions,
    same_step,
)
from silicodec.models.accelerator.compiler import compile_graph
from silicodec.models.accelerator.packets import DCT_CODECS, EBPC_CODECS, RAW, most_words, with_fallback
from silicodec.models.accelerator.plan import plan
from silicodec.models.accelerator.program import Status
from silicodec.models.accelerator.sample import run_image, sample_graph, with_all_room
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.dct.modes import codec_of

SHAPE = AcceleratorShape(dct=True)


@pytest.fixture(scope="module")
def graph():
    return sample_graph((3, 24, 24))


def smooth(seed):
    steps = np.random.default_rng(seed).normal(0, 2, (3, 24, 24)).cumsum(axis=1).cumsum(axis=2)
    return steps.clip(-128, 127).astype(np.int8)


def test_codec_words_say_the_step(graph):
    for step in (1, 2, 4, 8):
        codec, dtype = codec_of(dct_word(graph.layers[0], step) >> 1)
        assert (codec.step, dtype) == (step, "int8")


@pytest.mark.parametrize(("zero", "low"), [(0, 0), (0, -128), (-128, -128), (-10, -10), (5, 5)])
def test_codec_words_are_known(graph, zero, low):
    layer = replace(graph.layers[0], rescaling=replace(graph.layers[0].rescaling, zero=zero, low=low))
    assert {dct_word(layer, step) for step in (1, 2, 4, 8)} <= set(DCT_CODECS)


def test_regions_hold_the_calibration_images_with_a_margin(graph):
    images = [smooth(seed) for seed in range(3)]
    codings = fit_regions(graph, SHAPE, same_step(graph, 8), images)
    assert codings
    runs = [run_image(graph, SHAPE, codings, image) for image in images]
    assert {run.status for run in runs} == {Status.DONE}
    for index, layer in enumerate(graph.layers[:-1]):
        if layer.output in codings:
            most = max(sum(map(len, run.packets[index])) for run in runs)
            assert codings[layer.output].words >= (1 + MARGIN) * most


def test_regions_of_maps_that_fall_back_have_room_for_a_raw_packet():
    small, images = sample_graph((3, 8, 24)), [smooth(seed)[:, :8] for seed in range(3)]
    codecs = same_step(small, 4)
    codings = fit_regions(small, SHAPE, codecs, images)
    falling = fit_regions(small, AcceleratorShape(raw_fallback=True), codecs, images)
    assert codings.keys() == falling.keys() == codecs.keys()
    for number, word in codecs.items():
        assert falling[number].codec == with_fallback(word)
        assert codings[number].words - falling[number].words == most_words(word, 8, 3) - 8 * 3


def test_maps_that_do_not_become_smaller_stay_raw(graph):
    noise = np.random.default_rng(0).integers(-128, 128, (3, 24, 24)).astype(np.int8)
    assert fit_regions(graph, SHAPE, same_step(graph, 1), [noise]) == {}


def test_what_outgrows_its_region_is_spilled(graph):
    codecs = same_step(graph, 8)
    codings = fit_regions(graph, SHAPE, codecs, [smooth(1)])
    noise = np.random.default_rng(0).integers(-128, 128, (3, 24, 24)).astype(np.int8)
    run, roomy = (run_image(graph, SHAPE, one, noise) for one in (codings, with_all_room(graph, codecs)))
    assert run.status == Status.DONE
    assert run.spilled
    assert not roomy.spilled
    np.testing.assert_array_equal(run.scores, roomy.scores)


def test_without_spills_it_ends_the_program(graph):
    codings = fit_regions(graph, SHAPE, same_step(graph, 8), [smooth(1)])
    strict = {number: replace(coding, spills=False) for number, coding in codings.items()}
    noise = np.random.default_rng(0).integers(-128, 128, (3, 24, 24)).astype(np.int8)
    assert run_image(graph, SHAPE, strict, noise).status == Status.OVERFLOW


def test_steps_are_chosen_within_the_budget(graph):
    images = [smooth(seed) for seed in range(2)]
    exact = np.array([run_image(graph, SHAPE, {}, image).maps[-1].ravel() for image in images]).astype(float)
    free = choose_codecs(graph, SHAPE, images, lambda scores: 0.0, 0.0)
    tight = choose_codecs(graph, SHAPE, images, lambda scores: float(np.abs(scores - exact).max() > 0), 0.0)
    assert all(codec != RAW for codec in free.values())
    assert len(tight) < len(free) or tight != free


def test_without_any_loss_maps_are_stored_by_ebpc(graph):
    images, shape = [smooth(seed) for seed in range(2)], AcceleratorShape(ebpc=True)
    exact = np.array([run_image(graph, shape, {}, image).maps[-1].ravel() for image in images])
    chosen = choose_codecs(graph, shape, images, lambda scores: float((scores != exact).any()), 0.0)
    assert chosen
    assert set(chosen.values()) <= set(EBPC_CODECS)


def test_a_plan_counts_words_and_multiplications(graph):
    program = compile_graph(graph, SHAPE)
    layers = plan(program, run_image(graph, SHAPE, {}, smooth(0)))
    assert [layer.macs for layer in layers] == [6 * 27 * 576, 6 * 9 * 576, 36 * 576]
    assert [layer.raw_words for layer in layers] == [6 * 24 * 3] * 3
    assert layers[0].timing.array == 24 * 3 * 2 * 4
