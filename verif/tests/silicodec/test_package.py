"""What a built package holds."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import silicodec

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = PROJECT["tool"]["setuptools"]["package-dir"]
UNSHIPPED = ("verif/tests", "verif/fuzz", "verif/benchmarks", "fpga/records")  # records: only the documents need them


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Files of a wheel built from the sources, by name."""
    pytest.importorskip("setuptools")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for folder in FOLDERS.values():
        ignored = shutil.ignore_patterns("__pycache__", "tests")
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
    command = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(source / "dist"), str(source)]
    subprocess.run([sys.executable, *command], check=True)
    (path,) = (source / "dist").iterdir()
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_holds_every_module_and_data_file(wheel):
    for name, folder in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            parts = path.relative_to(ROOT / folder).parts
            unshipped = str(path.relative_to(ROOT)).startswith(UNSHIPPED) or "__pycache__" in parts
            if path.is_dir() or unshipped:
                continue
            assert "/".join((*name.split("."), *parts)) in wheel, path


def test_metadata(wheel):
    (name,) = (name for name in wheel if name.endswith("/METADATA"))
    metadata = message_from_string(wheel[name].decode())
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert any(url.startswith("Repository, https://") for url in metadata.get_all("Project-URL"))
    page = metadata.get_payload()
    assert "# silicodec" in page
    links = re.findall(r"\]\(([^)]*)\)", page)
    assert links
    assert all(re.match("https?://", link) for link in links)
    repository = PROJECT["project"]["urls"]["Repository"]
    inside = [link for link in links if link.startswith(repository)]
    assert inside
    for link in inside:
        assert (ROOT / link.removeprefix(f"{repository}/blob/v{silicodec.__version__}/").partition("#")[0]).exists(), (
            link
        )


def test_version_is_that_of_the_installed_package():
    assert silicodec.__version__ == importlib.metadata.version("silicodec") == PROJECT["project"]["version"]
