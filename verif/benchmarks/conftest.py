"""What the benchmarks tell at their end: speeds, beside those of known programs in the same run."""

import pytest

KNOWN = {"zstd": "Zstandard level 1", "deflate": "zlib level 1"}
SPEEDS = pytest.StashKey[dict]()


def pytest_configure(config):
    """Make room for the speeds."""
    config.stash[SPEEDS] = {}


@pytest.fixture
def note_speed(request):
    """Note the MB/s of a codec's direction (`encode` or `decode`)."""

    def note(direction, codec, megabytes_per_second):
        request.config.stash[SPEEDS][direction, codec] = megabytes_per_second

    return note


def pytest_terminal_summary(terminalreporter, config):
    """Print the speeds, and their ratios to those of the known programs."""
    speeds = config.stash[SPEEDS]
    if not speeds:
        return
    terminalreporter.section("speed on one core, MB/s, and as a multiple of known programs")
    terminalreporter.line(f"{'':16}{'codec':20}{'MB/s':>8}" + "".join(f"{name:>20}" for name in KNOWN.values()))
    for (direction, codec), speed in speeds.items():
        ratios = [f"{speed / speeds[direction, known]:.2f}x" if (direction, known) in speeds else "" for known in KNOWN]
        terminalreporter.line(f"{direction:16}{codec:20}{speed:8.0f}" + "".join(f"{ratio:>20}" for ratio in ratios))
