"""Sphinx settings; nothing is fetched while the pages are built."""

import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import GenericAlias

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

from calibstate import __version__

_project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

project = _project["name"]
author = _project["authors"][0]["name"]
copyright = f"2026, {author}"
release = version = __version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc"]
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

# The pages of the packages are made of the docstrings.  What stands in single
# backticks there is a name; names of other projects are not looked for, since
# their lists would have to be fetched.
default_role = "py:obj"
nitpick_ignore_regex = [("py:.*", r"(?!calibstate\.).*"), ("py:.*", r".*\.(_\w+|[A-Z])")]
numpydoc_show_class_members = False
# numpydoc brings it, and it would read the pages of the last time first.
autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "model_config", "members": True, "show-inheritance": True}
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
# Every page's menus would list every function otherwise.
toc_object_entries = False

_LEFT_OUT = {f"calibstate.{room}" for room in ("__main__", "adapters", "cli", "demo", "factory")}
"""Rooms that nobody calls: the command line has a reference of its own, and
what an adapter keeps to is written in its port."""


def _packages(package: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each package with its modules, from the top."""
    (folder,) = find_spec(package).submodule_search_locations
    found = [module for module in iter_modules([folder], f"{package}.") if module.name not in _LEFT_OUT]
    yield package, [module.name for module in found if not module.ispkg]
    for module in found:
        if module.ispkg:
            yield from _packages(module.name)


def _page(package: str, modules: list[str]) -> str:
    """Return the page of a package, which autodoc fills."""
    text = f"# `{package}`\n\n```{{eval-rst}}\n.. automodule:: {package}\n   :no-members:\n```\n"
    for module in modules:
        text += f"\n## `{module}`\n\n```{{eval-rst}}\n.. automodule:: {module}\n```\n"
    return text


def _write_pages(app: Sphinx) -> None:
    """Write a page for each package, and none for one that is gone."""
    folder = Path(app.srcdir) / "developers" / "api"
    folder.mkdir(exist_ok=True)
    pages = {
        folder / f"{package}.md": _page(package, modules) for package, modules in _packages("calibstate")
    }
    for file in set(folder.glob("*.md")) - pages.keys():
        file.unlink()
    for file, text in pages.items():
        # What is written anew is read anew.
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def _look_for_exact_names(app: Sphinx, doctree: nodes.document) -> None:
    """Have the names of types looked for as they are.

    Sphinx takes the mere presence of an attribute, which its annotations
    always have, as a wish to find every name that ends so: that finds fields
    called ``bytes``, and takes a minute.
    """
    for reference in doctree.findall(pending_xref):
        if reference.get("refspecific") is False:
            del reference["refspecific"]


def _skip_aliases(_app: Sphinx, _what: str, _name: str, found: object, *_: object) -> bool | None:
    """Leave out what is but a name of a type, such as a tuple of two texts."""
    return True if isinstance(found, GenericAlias) else None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-skip-member", _skip_aliases)
    app.connect("builder-inited", _write_pages)
    app.connect("doctree-read", _look_for_exact_names)
