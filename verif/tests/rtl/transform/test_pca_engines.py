"""Linear transforms in hardware, and their chains with the Huffman engines, against their reference."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.models.transform.codec import LinearTransform
from silicodec.rtl.transform.engines import TRANSFORM_FAMILIES, pca_encoder_engine
from silicodec.rtl.transform.matrix_tables import MatrixShape, matrix_table
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.simulate import simulate

ENGINES = {
    engine.name: engine
    for family in TRANSFORM_FAMILIES
    for engine in family.engines()
    if not engine.name.startswith("huffman")
}
ENCODER = ENGINES["pca-encoder"]
SHAPE = MatrixShape(**ENCODER.parameters)
SHAPES = {
    "one": MatrixShape(1, 1, 1),
    "truncated": MatrixShape(3, 6, 2, out_bits=4),
    "restored": MatrixShape(6, 3, 1, in_bits=4),
    "all-at-once": MatrixShape(4, 4, 4, out_bits=2),
    "odd": MatrixShape(7, 15, 5, in_bits=6, out_bits=6),
}


def random_transform(random, shape):
    """Any matrix, with a bias and a shift that use the range of the results, or more."""
    magnitude, shift = int(random.integers(0, 32)), int(random.integers(0, 32))
    return LinearTransform(
        random.integers(-128, 128, (shape.rows, shape.columns)).astype(np.int8),
        random.integers(-(1 << magnitude), 1 << magnitude, shape.rows).astype(np.int32),
        shift,
        shape.out_bits,
    )


def extreme_transforms(shape):
    """The largest sums of either sign, sums that wrap around, an identity."""
    ones = np.ones((shape.rows, shape.columns), np.int8)
    largest, smallest = np.full(shape.rows, 2**31 - 1, np.int32), np.full(shape.rows, -(2**31), np.int32)
    return [
        LinearTransform(-128 * ones, 0 * largest, 7, shape.out_bits),
        LinearTransform(127 * ones, largest, 24, shape.out_bits),
        LinearTransform(127 * ones, smallest, 31, shape.out_bits),
        LinearTransform(np.eye(shape.rows, shape.columns, dtype=np.int8), 0 * largest, 0, shape.out_bits),
    ]


def edge_inputs(shape):
    """Packets of incomplete, single, several, extreme vectors, each with another transform."""
    random, size, levels = np.random.default_rng(shape.columns), shape.columns, 1 << shape.in_bits
    packets = [
        random.integers(0, levels, count) for count in (1, size, size + 1, 5 * size, max(1, 3 * size - 1), 2 * size)
    ]
    packets += [np.full(2 * size, levels // 2), np.full(size, levels // 2 - 1)]
    transforms = [*extreme_transforms(shape), *(random_transform(random, shape) for _ in range(4))]
    return {
        "matrix": [matrix_table(transform, shape) for transform in transforms],
        "values": [packet.astype(np.uint8) for packet in packets],
    }


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
def test_edge_cases_back_to_back_with_changes_of_the_matrix(stalls):
    inputs = edge_inputs(SHAPE)
    simulation = check(ENCODER, inputs, stalls=stalls)
    assert simulation.words["values"] == sum(packet.size for packet in inputs["values"])


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_other_sizes(shape):
    for stalls in (None, Stalls(seed=1)):
        check(pca_encoder_engine(shape), edge_inputs(shape), backend="icarus", stalls=stalls)


def tensors():
    """Feature maps of 16 channels that belong together, and short ones."""
    random = np.random.default_rng(0)
    pixels = random.laplace(0, 12, (40, 3)) @ random.normal(0, 1, (3, 16)) + random.normal(0, 2, (40, 16))
    values = np.clip(np.rint(pixels), -128, 127).astype(np.int8)
    return [values, values[:1], values[3:5], values[:2].reshape(-1)[:7]]


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), stalls=st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000))))
def test_any_vectors_by_any_matrix(seed, stalls):
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 5))
    inputs = {
        "matrix": [matrix_table(random_transform(random, SHAPE), SHAPE) for _ in range(count)],
        "values": [random.integers(0, 256, random.integers(1, 100)).astype(np.uint8) for _ in range(count)],
    }
    check(ENCODER, inputs, stalls=stalls)


def test_single_entries_of_a_matrix_can_be_changed():
    random = np.random.default_rng(1)
    first, second = random_transform(random, SHAPE), random_transform(random, SHAPE)
    changes = np.setdiff1d(matrix_table(second, SHAPE), matrix_table(first, SHAPE))[5:25]
    values = random.integers(0, 256, 64).astype(np.uint8)
    check(ENCODER, {"matrix": [matrix_table(first, SHAPE), changes], "values": [values, values]})


@pytest.mark.parametrize("shape", [SHAPE, SHAPES["odd"], SHAPES["all-at-once"]], ids=["catalog", "odd", "all-at-once"])
def test_no_cycle_is_idle_between_vectors(shape):
    random = np.random.default_rng(0)
    engine = pca_encoder_engine(shape)

    def cycles(vectors):
        elements = random.integers(0, 1 << shape.in_bits, vectors * shape.columns).astype(np.uint8)
        inputs = {"matrix": [matrix_table(random_transform(random, shape), shape)], "values": [elements]}
        return check(engine, inputs, backend="myhdl").cycles

    assert cycles(8) - cycles(3) == 5 * shape.rows * shape.columns // shape.multipliers


def test_malformed_code_is_flagged_at_the_end_of_its_pixels():
    engine = ENGINES["transform-decoder-checked"]
    inputs = engine.stimulus(tensors()[:3])
    expected = engine.reference(inputs)
    inputs["code"][1] = inputs["code"][1][:-2]
    for stalls in (None, Stalls(seed=1)):
        result = simulate(engine, inputs, stalls=stalls)
        assert result.errors["values"] == [False, True, False]
        for number in (0, 2):
            assert np.array_equal(result.streams["values"][number], expected["values"][number])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rows": 0}, "rows must be an integer from 1 to 256, not 0"),
        ({"columns": 257}, "columns must be an integer from 1 to 256, not 257"),
        ({"multipliers": 3}, r"multipliers must be a divisor of columns \(16\), not 3"),
        ({"out_bits": 9}, "out_bits must be an integer from 2 to 8, not 9"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        MatrixShape(**ENCODER.parameters | parameters)


@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
def test_feature_maps_of_resnet20_through_encoder_and_decoder():
    network = get_network("resnet20")
    layers = feature_maps(network.load(), network.images(1).batch)
    maps = [quantise(layer.values, "fixed8").values[0] for layer in layers]
    pixels = [tensor.reshape(16, -1).T for tensor in maps if len(tensor) == 16]
    assert len(pixels) == 7
    encoder, decoder = ENGINES["transform-encoder"], ENGINES["transform-decoder-checked"]
    encoded = check(encoder, encoder.stimulus(pixels))
    inputs = decoder.stimulus(pixels)
    assert first_difference({"code": inputs["code"]}, encoded.streams) is None
    restored = check(decoder, inputs).streams["values"]
    errors = [
        found.view(np.int8) - tensor.reshape(-1).astype(int) for found, tensor in zip(restored, pixels, strict=True)
    ]
    assert max(np.abs(error).mean() for error in errors) < 2
