"""Configuration of the documentation, built by `make docs`."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "silicodec"
author = "the silicodec developers"
version = release = installed_version("silicodec")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.graphviz",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_click",
    "sphinx_copybutton",
    "timing_diagram",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_mock_imports = ["litex", "migen"]  # of an extra that the documents do without
autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_default_options = {"ignore-module-all": True}
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
graphviz_output_format = "svg"
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True

suppress_warnings = ["ref.python"]  # words in the types of attributes, such as `bits`, that many classes have

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_title = f"silicodec {version}"
