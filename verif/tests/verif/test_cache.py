"""What is built is built once, whole, and with tools that are there."""

import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from silicodec.verif import cache
from silicodec.verif.errors import SimulationError
from silicodec.verif.simulate import simulate


def build_nothing(directory):
    raise AssertionError("built again")


def test_the_same_contents_are_built_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))
    first = cache.build_once("thing", ["a"], lambda directory: (directory / "made").write_text("a"))
    assert cache.build_once("thing", ["a"], build_nothing) == first
    assert (first / "made").read_text() == "a"
    assert cache.build_once("thing", ["b"], lambda directory: None) != first


def test_a_failed_build_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))
    with pytest.raises(AssertionError, match="built again"):
        cache.build_once("thing", ["a"], build_nothing)
    assert list(tmp_path.iterdir()) == []


def test_processes_that_want_the_same_at_once_build_it_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))
    code = (
        "import os, time; from silicodec.verif.cache import build_once;"
        "print(build_once('thing', ['a'], lambda folder: ((folder / str(os.getpid())).touch(), time.sleep(1))))"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    named = {process.communicate()[0] for process in both}
    (directory,) = tmp_path.iterdir()
    assert named == {f"{directory}\n"}
    (builder,) = directory.iterdir()
    assert int(builder.name) in [process.pid for process in both]


def test_a_machine_that_was_faster_is_no_error(tmp_path, monkeypatch):
    """One that shares the folder has locks of its own."""
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))

    def build(folder):
        (folder / "made").write_text("late")
        directory.mkdir()
        (directory / "made").write_text("early")

    directory = cache.build_once("thing", ["a"], lambda folder: None)
    directory.rmdir()
    assert (cache.build_once("thing", ["a"], build) / "made").read_text() == "early"
    assert list(tmp_path.iterdir()) == [directory]


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))
    code = (
        "import os, signal; from silicodec.verif.cache import build_once;"
        "build_once('thing', ['a'], lambda folder: ((folder / 'half').touch(), os.kill(os.getpid(), signal.SIGKILL)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    (tmp_path / "notes.txt").touch()
    assert len(list(tmp_path.iterdir())) == 2
    cache.build_once("other", ["b"], lambda folder: None)
    assert sorted(path.name.partition("-")[0] for path in tmp_path.iterdir()) == ["notes.txt", "other"]


def test_a_build_is_announced(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))
    with caplog.at_level("INFO", "silicodec"):
        cache.build_once("thing", ["a"], lambda folder: None)
        cache.build_once("thing", ["a"], lambda folder: None)
    assert caplog.messages == [f"building thing, once: it is kept in {tmp_path}"]


@pytest.mark.parametrize("backend", ["icarus", "verilator"])
def test_the_cache_may_have_spaces_in_its_name(toys, tmp_path, monkeypatch, backend):
    inputs = {"words": np.array([1], np.uint8)}
    simulate(toys.increment, inputs, backend=backend)
    for runtime in cache.cache_folder().glob("verilator-runtime-*"):  # which takes longer than all else
        shutil.copytree(runtime, tmp_path / "a b" / runtime.name)
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path / "a b"))
    result = simulate(toys.increment, inputs, backend=backend)
    assert result.streams["result"][0].tolist() == [2]
    (built,) = (tmp_path / "a b").glob(f"{backend}-toy*")
    assert len(list(built.iterdir())) == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SILICODEC_CACHE": "/own", "XDG_CACHE_HOME": "/cache"}, "/own"),
        ({"XDG_CACHE_HOME": "/cache"}, "/cache/silicodec"),
        ({"HOME": "/someone"}, "/someone/.cache/silicodec"),
    ],
)
def test_the_cache_is_where_the_user_says(monkeypatch, variables, expected):
    for name in ("SILICODEC_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(cache.cache_folder()) == expected


@pytest.mark.parametrize("backend", ["icarus", "verilator"])
def test_a_compiled_engine_needs_no_compiler(toys, monkeypatch, backend):
    inputs = {"words": np.array([1, 2], np.uint8)}
    simulate(toys.increment, inputs, backend=backend)
    monkeypatch.setattr(cache.subprocess, "run", refuse_compilers(cache.subprocess.run))
    assert simulate(toys.increment, inputs, backend=backend).streams["result"][0].tolist() == [2, 3]


def refuse_compilers(run):
    """Return `subprocess.run` without compilers."""

    def checked(command, **options):
        assert command[0] not in ("verilator", "iverilog", "iverilog-vpi")
        return run(command, **options)

    return checked


@pytest.mark.parametrize("backend", ["icarus", "verilator"])
def test_a_missing_tool_is_named_with_its_package(toys, tmp_path, monkeypatch, backend):
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    cache.tool_version.cache_clear()
    with pytest.raises(SimulationError, match=r"^i?veril(og|ator) is not installed: apt-get install \w+"):
        simulate(toys.increment, {"words": np.array([1], np.uint8)}, backend=backend)


def test_a_failing_tool_says_what_it_said():
    with pytest.raises(SimulationError, match=r"ls /no/such/file failed:\n.*No such file"):
        cache.run_tool("ls", "/no/such/file", package="coreutils")
