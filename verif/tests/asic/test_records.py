"""Records of measurements: shipped ones are of the present engines, and outdated ones do not count."""

from dataclasses import replace

import pytest

from silicodec.asic.constraints import BARE
from silicodec.asic.limits import Limit, Limits
from silicodec.asic.measure import Measurement, MeasurementError
from silicodec.asic.memory_build import build_memories
from silicodec.asic.records import SHIPPED, engine_records, read_records, verilog_hash, write_record
from silicodec.asic.timing import Paths, Timing
from silicodec.rtl.catalog import ENGINES

FIGURES = Measurement(
    name="ebpc-encoder",
    top="ebpc_encoder",
    area_um2=1.5,
    gate_equivalents=0.4,
    area_with_memories_um2=3.5,
    memories=build_memories(
        [{"name": "cells", "words": 64, "bits": 1024, "mask_bits": None, "shared_port": False, "usual": True}],
        lambda top, folder: pytest.fail("large memories are estimated"),
        {},
    ),
    flip_flops=3,
    buffers=1,
    corners={
        corner: Timing(0.5, 0.2, Paths(2.25, 1.5, None, None), limits)
        for corner, limits in (("slow", None), ("typical", Limits(Limit("a/Y", 0.4, 1.5, 0), None)), ("fast", None))
    },
    constraints=BARE,
    period_ns=3.0,
    corner="nowhere",
    tools={"pencil": "1"},
    verilog_sha256="0" * 64,
)


def test_record_reads_back(tmp_path):
    assert write_record(FIGURES, tmp_path) == tmp_path / "ebpc-encoder.json"
    assert read_records(tmp_path) == {"ebpc-encoder": FIGURES}
    assert read_records(tmp_path / "absent") == {}


def test_file_that_is_no_record_is_named(tmp_path):
    (tmp_path / "x.json").write_text('{"area": 1}')
    with pytest.raises(MeasurementError, match=r"x\.json is not a measurement record"):
        read_records(tmp_path)


@pytest.mark.parametrize(
    ("local_is_present", "shipped_is_present", "area"),
    [(True, True, 2.5), (True, False, 2.5), (False, True, 1.5), (False, False, None)],
)
def test_record_of_other_verilog_does_not_count(tmp_path, local_is_present, shipped_is_present, area):
    present = verilog_hash(ENGINES["ebpc-encoder"])
    shipped, local = FIGURES, replace(FIGURES, area_um2=2.5)
    write_record(replace(shipped, verilog_sha256=present) if shipped_is_present else shipped, tmp_path / "shipped")
    write_record(replace(local, verilog_sha256=present) if local_is_present else local, tmp_path / "local")
    records = engine_records(tmp_path / "shipped", tmp_path / "local")
    assert [record.area_um2 for record in records.values()] == ([] if area is None else [area])


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_shipped_record_is_of_the_present_engine(engine):
    records = read_records(SHIPPED)
    if engine.name not in records:
        pytest.skip(f"{engine.name} is not measured yet: make measure")
    assert records[engine.name].verilog_sha256 == verilog_hash(engine), "the engine has changed; run: make measure"
