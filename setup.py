"""What pyproject.toml cannot say: links of the README that hold on a package index, away from the repository."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

FOLDER = Path(__file__).parent
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
RELATIVE_LINK = re.compile(r"\]\((?!https?:|#)")


def index_page() -> str:
    """Return the README with every relative link made one to the repository, at this version's tag."""
    files = f"{PROJECT['urls']['Repository']}/blob/v{PROJECT['version']}/"
    return RELATIVE_LINK.sub(f"]({files}", (FOLDER / "README.md").read_text())


setup(long_description=index_page(), long_description_content_type="text/markdown")
