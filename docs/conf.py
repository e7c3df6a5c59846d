"""Sphinx settings; nothing is fetched while the pages are built."""

import tomllib
from pathlib import Path

from calibstate import __version__

_project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

project = _project["name"]
author = _project["authors"][0]["name"]
copyright = f"2026, {author}"
release = version = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "changes/*.md"]
nitpicky = True

html_theme = "furo"
html_title = f"calibstate {version}"
html_show_sphinx = False
# The state files quote `{instrument}` and the like, which is no template.
highlight_language = "none"
pygments_style = "friendly"
