"""The systolic array against NumPy's product, on every backend."""

import os
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.dictionary import Dictionary
from silicodec.models.errors import CorruptDataError
from silicodec.models.networks import get_network, mnist
from silicodec.models.networks.capture import weights as network_weights
from silicodec.models.quantise import quantise
from silicodec.models.systolic.tiling import add_tiles, image_patches, vector_tiles, weight_tiles
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import verilog
from silicodec.rtl.dictionary.engines import decoded_packets
from silicodec.rtl.systolic.engines import (
    port_words,
    split_tiles,
    value_ports,
    weight_streams,
)
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.matrix_product import multiply
from silicodec.verif.simulate import simulate

SIZES = [(1, 1), (3, 2), (8, 8), (4, 16)]
EACH_SIZE = pytest.mark.parametrize("size", [*SIZES[:2], pytest.param(SIZES[2], marks=pytest.mark.prove)])
"""The engine of the catalog takes a minute and a half to build: it is a proof, besides the smaller ones."""
ARRAYS = {(rows, columns): find_engine("systolic-array", {"rows": rows, "columns": columns}) for rows, columns in SIZES}


def packets(size, counts, seed=0):
    """Streams of random tiles, each with so many vectors; a tile and vectors of the most negative values come last."""
    rows, columns = size
    random = np.random.default_rng(seed)
    tiles = [random.integers(-128, 128, size) for _ in counts] + [np.full(size, -128)]
    vectors = [random.integers(-128, 128, (count, rows)) for count in counts] + [np.full((3, rows), -128)]
    return port_words(value_ports("weights", columns), tiles) | port_words(value_ports("activations", rows), vectors)


COUNTS = [1, 1, 2, 20, 7, 1, 40, 8]


@pytest.mark.parametrize("backend", ["myhdl", "icarus"])
@pytest.mark.parametrize("size", SIZES[:2])
def test_tiles_back_to_back(size, backend):
    check(ARRAYS[size], packets(size, COUNTS), backend=backend)


def test_words_on_several_streams():
    check(ARRAYS[4, 16], packets((4, 16), COUNTS), backend="icarus", stalls=Stalls(seed=1))


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@EACH_SIZE
def test_stalls_change_nothing_but_the_time(size, stalls):
    check(ARRAYS[size], packets(size, COUNTS), stalls=stalls)


@pytest.mark.parametrize("backend", ["myhdl", "icarus"])
def test_stalled_cycles_are_the_same_on_every_backend(backend):
    inputs, stalls = packets((3, 2), COUNTS), Stalls(seed=5)
    cycles = [check(ARRAYS[3, 2], inputs, backend=b, stalls=stalls).cycles for b in (backend, "verilator")]
    assert cycles[0] == cycles[1]


@EACH_SIZE
@pytest.mark.parametrize("vectors", [1, 3, 8, 30])
def test_a_tile_takes_the_cycles_of_its_vectors_or_rows(size, vectors):
    tiles, (rows, columns) = 20, size
    random = np.random.default_rng(0)
    inputs = {
        **port_words(value_ports("weights", columns), [random.integers(-128, 128, (tiles * rows, columns))]),
        **port_words(value_ports("activations", rows), list(random.integers(-128, 128, (tiles, vectors, rows)))),
    }
    cycles = check(ARRAYS[size], inputs).cycles
    # The first tile's rows come first, and the last vector has to pass through the array.
    assert cycles == rows + (tiles - 1) * max(vectors, rows) + vectors + rows + columns


@pytest.mark.parametrize("size", [SIZES[1], pytest.param(SIZES[2], marks=pytest.mark.prove)])
def test_rows_that_a_packet_lacks_are_zeros(size):
    rows, columns = size
    random = np.random.default_rng(0)
    tiles = [random.integers(-128, 128, (count, columns)) for count in (rows - 1, rows, 2 * rows + 1, 1)]
    vectors = [random.integers(-128, 128, (4, rows)) for _ in range(6)]
    inputs = port_words(value_ports("weights", columns), tiles) | port_words(value_ports("activations", rows), vectors)
    check(ARRAYS[size], inputs, stalls=Stalls(seed=1))


matrices = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
any_stalls = st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000)))


@EACH_SIZE
@settings(max_examples=20)
@given(shape=matrices, stalls=any_stalls)
def test_any_matrices_in_tiles(size, shape, stalls):
    vectors, inputs, outputs, seed = shape
    random = np.random.default_rng(seed)
    edges = random.choice([-128, -1, 0, 1, 127], size=(2, 12, 12))
    values = np.where(random.random((2, 12, 12)) < 0.5, edges, random.integers(-128, 128, (2, 12, 12))).astype(np.int8)
    activations, weights = values[0, :vectors, :inputs], values[1, :inputs, :outputs]
    product = multiply(ARRAYS[size], activations, weights, stalls=stalls)
    assert np.array_equal(product.values, activations.astype(np.int32) @ weights.astype(np.int32))


def convolution(model, name, images):
    """Return one convolution of a network as matrices, int8: its patches of the input and its weights."""
    import torch

    module = dict(model.named_modules())[name]
    inputs = []
    hook = module.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0].numpy()))
    with torch.inference_mode():
        model(torch.from_numpy(images))
    hook.remove()
    values = next(layer.values for layer in network_weights(model) if layer.name == name)[0]
    patches = image_patches(quantise(inputs[0]).values, module.kernel_size[0], module.stride[0], module.padding[0])
    return patches, quantise(values).values.reshape(values.shape[0], -1).T


def test_image_patches_make_a_convolution_a_product():
    import torch

    random = np.random.default_rng(0)
    images, weights = random.integers(-128, 128, (2, 3, 9, 8)), random.integers(-128, 128, (5, 3, 3, 3))
    for stride, padding in ((1, 0), (1, 1), (2, 1)):
        product = image_patches(images, 3, stride, padding) @ weights.reshape(5, -1).T
        expected = torch.nn.functional.conv2d(
            torch.from_numpy(images).double(), torch.from_numpy(weights).double(), stride=stride, padding=padding
        )
        assert np.array_equal(product, expected.numpy().transpose(0, 2, 3, 1).reshape(-1, 5))


@pytest.mark.parametrize(
    ("network", "layer", "size"),
    [
        ("digits", "conv2", SIZES[1]),
        pytest.param(
            *("resnet20", "layer1.0.conv1", SIZES[2]),
            marks=[
                pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set"),
                pytest.mark.prove,
            ],
        ),
    ],
)
def test_a_layer_of_a_network(network, layer, size):
    network = get_network(network)
    activations, weights = convolution(network.load(), layer, network.images(1).batch)
    rows, columns = size
    product = multiply(ARRAYS[size], activations, weights)
    assert np.array_equal(product.values, activations.astype(np.int32) @ weights.astype(np.int32))
    tiles = -(-weights.shape[0] // rows) * -(-weights.shape[1] // columns)
    assert product.simulation.cycles == rows + tiles * activations.shape[0] + rows + columns


@pytest.fixture(scope="module")
def lenet5_layer():
    """The second convolution of a LeNet-5 that was trained and pruned on real digits for a second or two."""
    import torch

    images, labels = (torch.from_numpy(array[:2000]) for array in mnist.read_digits("training"))
    model = mnist.train(mnist.build_lenet5, images, labels, density=0.1, epochs=4)
    return convolution(model, "conv2", mnist.read_digits("others")[0][:4])


@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
@pytest.mark.parametrize(
    ("engine", "size"),
    [
        (ARRAYS[3, 2], (3, 2)),
        (find_engine("compressed-systolic-array", {"rows": 3, "columns": 2}), (3, 2)),
        pytest.param(ARRAYS[8, 8], (8, 8), marks=pytest.mark.prove),
        pytest.param(find_engine("compressed-systolic-array"), (8, 8), marks=pytest.mark.prove),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_layer_of_lenet5(engine, size, lenet5_layer):
    activations, weights = lenet5_layer
    assert activations.shape == (400, 150)
    assert 0 < np.count_nonzero(weights) < weights.size // 2
    product = multiply(engine, activations, weights)
    assert np.array_equal(product.values, activations.astype(np.int32) @ weights.astype(np.int32))
    rows, columns = size
    tiles = -(-150 // rows) * -(-16 // columns)
    assert product.simulation.cycles < rows + tiles * 400 + rows + columns + 7


def test_tiles_add_up_in_numpy():
    random = np.random.default_rng(0)
    activations, weights = random.integers(-128, 128, (5, 19)), random.integers(-128, 128, (19, 7))
    tiles, vectors = weight_tiles(weights, 4, 3), vector_tiles(activations, 4, 7, 3)
    assert tiles.shape == (15, 4, 3)
    assert np.array_equal(add_tiles(vectors @ tiles, 7), activations @ weights)


def test_tiles_and_packets_that_do_not_match_are_refused():
    inputs = packets((3, 2), [4])
    with pytest.raises(ValueError, match="as many as the tiles of weights, not 1 and 2"):
        ARRAYS[3, 2].reference({**inputs, "activations": inputs["activations"][:1]})


@pytest.mark.parametrize("name", ["rows", "columns"])
def test_bad_parameters_are_named(name):
    engine = ARRAYS[1, 1]
    with pytest.raises(ValueError, match=f"{name} must be 1 .. 65536, not 0"):
        verilog(replace(engine, parameters=dict(engine.parameters) | {name: 0}))


def damaged_packets(engine):
    """A packet of two tiles with single bits of its streams flipped, and the sound one after each of them."""
    rows = np.random.default_rng(0).integers(-128, 128, (2, 3, 2)).astype(np.int8)
    sound = {name: words[0] for name, words in weight_streams(engine, rows).items()}
    flips = [(name, bit) for name, bits in (("codes", 8), ("length", 2)) for bit in range(bits)]
    damaged = [sound | {name: sound[name] ^ sound[name].dtype.type(1 << bit)} for name, bit in flips]
    return [packet for pair in damaged for packet in (pair, sound)]


@pytest.mark.parametrize("backend", ["myhdl", "icarus", "verilator"])
def test_a_damaged_packet_of_weights_has_its_rows_and_is_flagged(backend):
    engine = find_engine("compressed-systolic-array", {"rows": 3, "columns": 2})
    packets = damaged_packets(engine)
    inputs = {name: [packet[name] for packet in packets] for name in packets[0]}
    tiles = [-(-int(packet["length"][0]) // 3) for packet in packets]
    vectors = np.random.default_rng(1).integers(-128, 128, (4, 3)).astype(np.int8)
    inputs |= port_words(value_ports("activations", 3), [vectors] * sum(tiles))
    result = simulate(engine, inputs, backend=backend)
    malformed = 0
    for column, port in enumerate(engine.outputs):
        sums = zip(result.streams[port.name], result.errors[port.name], strict=True)
        for count, packet in zip(tiles, packets, strict=True):
            found, flags = zip(*islice(sums, count), strict=True)
            try:
                (words,) = decoded_packets(Dictionary(entry_size=2), {name: [part] for name, part in packet.items()})
            except CorruptDataError:
                malformed += 1
                assert flags == (False,) * (count - 1) + (True,)
                continue
            weights = split_tiles([words.view(np.int8).reshape(-1, 2)], 3)
            assert not any(flags)
            for part, tile in zip(found, weights, strict=True):
                assert np.array_equal(
                    part.view(np.int32), (vectors.astype(np.int32) @ tile.astype(np.int32))[:, column]
                )
    assert malformed >= 8


def test_a_vector_without_a_tile_waits():
    inputs = packets((3, 2), [4])
    with pytest.raises(Exception, match="words of stream activations were not taken"):
        simulate(ARRAYS[3, 2], {**inputs, "weights": inputs["weights"][:1]})
