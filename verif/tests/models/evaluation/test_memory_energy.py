"""Energy of the memory that feature maps pass through."""

import pytest

from silicodec.models.evaluation.memory_energy import MEMORY_PARTS, MemoryPart, energy_record, get_memory_part
from silicodec.models.transform.codec import TransformCodec

PART = MemoryPart("test", write_pj=2, read_pj=3, source="")


def test_every_bit_is_written_and_read_once():
    layers = [{"bits": 8000, "compressed_bits": 2000}, {"bits": 16000, "compressed_bits": 4000}]
    record = energy_record("half", PART, layers, images=4)
    assert record["plain_joules"] == pytest.approx(24000 / 4 * 5e-12)
    assert record["joules"] == pytest.approx(6000 / 4 * 5e-12)
    assert (record["reduction"], record["table_joules"]) == (0.75, 0)


def test_tables_are_read_once_an_image():
    codec = TransformCodec(symbol_bits=4)
    layers = [
        {"bits": 8000, "compressed_bits": 4000, "codec": codec.get_config()},
        {"bits": 8000, "compressed_bits": 8000, "codec": None},
    ]
    assert energy_record("transform", PART, layers, images=10)["table_joules"] == pytest.approx(4 * 17 * 3e-12)


def test_figures_of_ddr3_are_those_published():
    part = get_memory_part("ddr3-1066")
    assert (part.write_pj, part.read_pj) == (63.3, 77.4)
    # Currents, voltage and bits a second of the publication.
    assert part.read_pj / part.write_pj == pytest.approx(220 / 180, rel=1e-3)


def test_unknown_part():
    with pytest.raises(ValueError, match=f"unknown memory 'hmc': known are {', '.join(MEMORY_PARTS)}"):
        get_memory_part("hmc")
