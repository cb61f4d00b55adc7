"""How the documentation is built: Sphinx with MyST, warnings are errors (`make docs`)."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

# autodoc reads the docstrings of this checkout.
sys.path.insert(0, str(Path(__file__).parents[1]))

project = "director"
version = release = installed_version("director")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
html_theme = "alabaster"
html_theme_options = {
    "description": "A programmable load balancer for layers 4 and 7",
    "page_width": "1100px",
}


def setup(app: Any) -> None:
    """Show Mermaid's diagrams as text: who reads the files on a forge sees them drawn."""
    app.add_lexer("mermaid", TextLexer)
