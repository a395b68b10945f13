"""Frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from silicodec.fpga.protocol import ESCAPE, FLAG, Frame, FrameError, identity
from silicodec.rtl.catalog import ENGINES

frames = st.builds(
    Frame,
    sequence=st.integers(0, 255),
    code=st.integers(0, 63),
    count=st.integers(0, 255),
    payload=st.binary(max_size=40) | st.lists(st.sampled_from([FLAG, ESCAPE]), max_size=8).map(bytes),
    last=st.booleans(),
    error=st.booleans(),
)


@given(frames)
def test_a_frame_is_read_back(frame):
    data = frame.to_bytes()
    assert data[0] == data[-1] == FLAG
    assert FLAG not in data[1:-1]
    assert Frame.from_bytes(data[1:-1]) == frame


@given(frames, st.data())
def test_a_damaged_frame_is_noticed(frame, data):
    body = frame.to_bytes()[1:-1]
    position = data.draw(st.integers(0, 8 * len(body) - 1))
    damaged = (int.from_bytes(body, "big") ^ 1 << position).to_bytes(len(body), "big")
    if bytes([ESCAPE]) not in body + damaged:  # without escapes a flipped bit is a flipped bit of the frame
        with pytest.raises(FrameError):
            Frame.from_bytes(damaged)


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00\x00", bytes([ESCAPE]), bytes([1, 2, 3, ESCAPE])])
def test_what_is_too_short_is_no_frame(data):
    with pytest.raises(FrameError):
        Frame.from_bytes(data)


def test_every_engine_has_its_own_identity():
    assert len({identity(engine) for engine in ENGINES.values()}) == len(ENGINES)
