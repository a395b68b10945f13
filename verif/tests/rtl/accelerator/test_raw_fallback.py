"""Packets that a codec makes no shorter are stored raw: the accelerator against its reference, on maps of noise."""

import os
from dataclasses import replace

import numpy as np
import pytest

from silicodec.models.accelerator.allocation import MapCoding
from silicodec.models.accelerator.calibration import same_step
from silicodec.models.accelerator.compiler import compile_graph
from silicodec.models.accelerator.layers import LayerGraph, Rescaling
from silicodec.models.accelerator.packets import (
    DCT_CODECS,
    EBPC_CODECS,
    RAW,
    decode,
    encode,
    falls_back,
    is_known,
    packet_words,
    restored,
    rows_of,
    with_fallback,
)
from silicodec.models.accelerator.plan import plan
from silicodec.models.accelerator.program import LAYOUT, ONE, Descriptor, Status
from silicodec.models.accelerator.reference import Accelerator, pixel_words, run_program
from silicodec.models.accelerator.sample import SMALL, ProgramInputs, random_layer
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.errors import CodecError
from silicodec.rtl.accelerator.engines import accelerator_engine
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.network_run import run_network

ENGINE = accelerator_engine(SMALL)
DCT_WORD = DCT_CODECS[0]


def half_noise(maps, seed=1):
    """Return an image whose even channels are noise, and whose odd ones are smooth: int8."""
    random = np.random.default_rng(seed)
    image = random.normal(0, 3, maps).cumsum(-1).cumsum(-2) / 3
    image[::2] = random.integers(-128, 128, image[::2].shape)
    return image.clip(-128, 127).astype(np.int8)


def mixed_network(maps):
    """Return layers that copy the image, sum up its neighbours, and add the copy to that."""
    first = random_layer(0, 1, maps, maps, kernel=(1, 1))
    copy = Rescaling(np.full(maps[0], ONE), np.zeros(maps[0], np.int64), False, 0, -128, 127)
    weights = np.eye(maps[0], dtype=np.int16)[:, :, np.newaxis, np.newaxis]
    first = replace(first, weights=weights, weight_zero=0, bias=first.bias * 0, rescaling=copy)
    second = random_layer(1, 2, maps, maps, kernel=(3, 3), pad=1)
    return LayerGraph(0, (first, second, random_layer(2, 3, maps, maps, kernel=(1, 1), residual=1)))


def raw_packets(run, layer, maps):
    """Tell of each packet of a dense layer's output whether it has the size of a raw one."""
    _, height, width = maps
    sizes = [rows_of(height, number // maps[0]) * -(-width // 8) for number in range(len(run.packets[layer]))]
    return np.array([len(packet) == size for packet, size in zip(run.packets[layer], sizes, strict=True)])


def test_codec_words():
    assert [code for code in range(32) if is_known(code, dct=True, ebpc=True, raw_fallback=False)] == sorted(
        (RAW, *DCT_CODECS, *EBPC_CODECS)
    )
    falling = [
        code for code in range(32) if is_known(code, dct=True, ebpc=True, raw_fallback=True) and falls_back(code)
    ]
    assert falling == sorted(map(with_fallback, (*DCT_CODECS, *EBPC_CODECS)))
    with pytest.raises(CodecError, match="raw_fallback=true needs a codec"):
        AcceleratorShape(dct=False, raw_fallback=True)


@pytest.mark.parametrize("codec", [*DCT_CODECS, *EBPC_CODECS])
def test_packets_are_no_longer_than_raw(codec):
    lengths = set()
    for seed, rows in enumerate((1, 3, 8)):
        for samples in half_noise((2, rows, 20), seed):
            coded, packet = encode(samples, codec), encode(samples, with_fallback(codec))
            lengths.add(len(coded) < 3 * rows)
            expected = coded if len(coded) < 3 * rows else encode(samples, RAW)
            np.testing.assert_array_equal(packet, expected)
            read = decode(coded, codec, samples.shape) if len(coded) < 3 * rows else samples
            np.testing.assert_array_equal(decode(packet, with_fallback(codec), samples.shape), read)
            assert packet_words(samples[np.newaxis], with_fallback(codec)).tolist() == [[len(packet)]]
            np.testing.assert_array_equal(restored(samples[np.newaxis], with_fallback(codec)), [read])
    assert lengths == {False, True}


@pytest.mark.parametrize("stalls", [None, Stalls(seed=1)], ids=["at once", "stalls"])
def test_maps_of_noise_fit_where_they_fit_raw(stalls):
    inputs = ProgramInputs(SMALL)
    for maps in ((6, 9, 33), (12, 3, 64), (16, 1, 8), (5, 12, 12)):
        graph, image = mixed_network(maps), half_noise(maps)
        for codec in (DCT_WORD, EBPC_CODECS[0]):
            without = compile_graph(graph, SMALL, dict.fromkeys((1, 2), MapCoding(codec)))
            program = compile_graph(graph, SMALL, dict.fromkeys((1, 2), MapCoding(with_fallback(codec))))
            # A program that ends with an error comes between, where the codec alone takes more words than there are.
            overflows = inputs.add(without, image).status == Status.OVERFLOW
            assert overflows or codec != DCT_WORD or maps[1] > 8
            run = inputs.add(program, image)
            assert (run.status, run.spilled) == (Status.DONE, [])
            assert raw_packets(run, 0, maps)[::2].all() or maps[1] > 8
    kinds = [raw_packets(run, 0, run.maps[0].shape) for run in inputs.runs[1::2]]
    assert sum(kind.any() and not kind.all() for kind in kinds) > 3
    check(ENGINE, inputs.packets, stalls=stalls)


def test_spilled_maps_have_raw_packets():
    maps = (8, 24, 40)
    graph, image = mixed_network(maps), half_noise(maps)
    inputs = ProgramInputs(SMALL)
    for codec in (DCT_WORD, EBPC_CODECS[0]):
        coding = MapCoding(with_fallback(codec), 150, spills=True)
        program = compile_graph(graph, SMALL, {1: coding, 2: coding})
        assert Descriptor.from_words(program.words[-len(LAYOUT) :].tolist()).ordered
        lengths = set(map(len, inputs.add(program, image).spilled))
        assert len(lengths) > 5
        assert max(lengths) == 40
        inputs.add(compile_graph(graph, SMALL, {1: MapCoding(codec, 150, spills=True)}), image)
    check(ENGINE, inputs.packets, stalls=Stalls(seed=2))


@pytest.mark.parametrize("cycles", [450, 900])
def test_reset_with_packets_kept(cycles):
    maps = (6, 9, 33)
    inputs, graph = ProgramInputs(SMALL), mixed_network(maps)
    for seed in (1, 2):
        coding = MapCoding(with_fallback(DCT_WORD))
        inputs.add(compile_graph(graph, SMALL, {1: coding, 2: coding}), half_noise(maps, seed))
    check(ENGINE, inputs.packets, reset_after=cycles)


def test_every_codec_word_is_judged():
    maps = (2, 1, 3)
    inputs, graph = ProgramInputs(SMALL), LayerGraph(0, (random_layer(0, 1, maps, maps, kernel=(1, 1)),))
    program = compile_graph(graph, SMALL)
    for code in range(32):
        descriptor = replace(program.descriptors[0], residual_codec=code)
        inputs.add(replace(program, descriptors=(descriptor,)), half_noise(maps))
    known = 1 + 2 * len((*DCT_CODECS, *EBPC_CODECS))
    assert sum(run.status == Status.DONE for run in inputs.runs) == known
    assert {run.status for run in inputs.runs} == {Status.DONE, Status.BAD_OPCODE}
    check(ENGINE, inputs.packets)


@pytest.mark.prove
@pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")
def test_resnet8_on_noise():
    """With the fallback every image runs in regions of raw maps; without it the map of one row has no room there."""
    from silicodec.models.accelerator.lowering import from_graph
    from silicodec.models.accelerator.study import integer_graph, samples_of
    from silicodec.models.networks import get_network

    network = get_network("resnet8")
    integers = integer_graph(network)
    graph = from_graph(integers)
    images = samples_of(integers, network.images(2).batch)
    random = np.random.default_rng(3)
    images += [random.integers(-128, 128, images[0].shape).astype(np.int8) for _ in range(2)]
    shape = AcceleratorShape(raw_fallback=True)
    codecs = same_step(graph, 1)
    plain = compile_graph(graph, shape, {number: MapCoding(word) for number, word in codecs.items()})
    program = compile_graph(graph, shape, {number: MapCoding(with_fallback(word)) for number, word in codecs.items()})
    pixels = [pixel_words(image) for image in images]
    statuses = [run_program(shape, plain.words, plain.weights, words).status for words in pixels]
    assert statuses == [Status.OVERFLOW] * 4
    machine = Accelerator(shape)
    runs = [machine.run(program.words, program.weights, words) for words in pixels]
    assert all(run.status == Status.DONE and not run.spilled for run in runs)
    counts = [
        sum(int(raw_packets(run, number, layer.out_shape).sum()) for number, layer in enumerate(graph.layers[:-1]))
        for run in runs
    ]
    assert min(counts[2:]) > max(counts[:2]) > 64
    for stalls in (None, Stalls(seed=1)):
        found = run_network(program, pixels, runs, stalls=stalls)
        assert not found.differing
        if not stalls:
            # Of noise the first layers take longer, with the fallback or without: the plan does not look into tiles.
            for cycles, run in zip(found.layer_cycles[:2], runs[:2], strict=True):
                planned = sum(layer.cycles for layer in plan(program, run))
                assert int(cycles.sum()) == pytest.approx(planned, rel=0.02)
