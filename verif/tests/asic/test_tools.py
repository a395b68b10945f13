"""Versions of tools, as the tools write them and as flows ask for them."""

import os

import pytest

from silicodec.asic.tools import Tool, numbers


@pytest.mark.parametrize("version", ["26Q2", "26Q1-933-g45ec48c3f9", "v26Q1-932", "v2.0-28733-g45ec48c3f9"])
def test_openroad_s_versions_are_read_as_it_writes_them(tmp_path, monkeypatch, version):
    program = tmp_path / "openroad"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert Tool("openroad", "-version", "26Q1-932", "build it").fault() is None
    assert Tool("openroad", "-version", "26Q3", "build it").fault() == (
        f"openroad is {version.removeprefix('v')}, 26Q3 or newer is needed: build it"
    )


def test_versions_compare_by_their_numbers():
    assert numbers("26Q2") > numbers("26Q1-932-g45ec48c3f9") == numbers("26Q1-932") > numbers("24Q3-2224")
    assert numbers("0.28.5") > numbers("0.9")
    assert Tool("python3", "--version", "3.0", "").fault() is None
    assert "99.0 or newer is needed: ask" in Tool("python3", "--version", "99.0", "ask").fault()
    assert Tool("no-such-program", "-V", "1.0", "ask").fault() == (
        "no-such-program is missing, 1.0 or newer is needed: ask"
    )
