"""The files by which GitHub plans, applies and compares a new tree.

They are the workflows of calibstate itself, which its tests carry out, with
the sites of the tree in them.  There the program is the checkout; here it is
an action of another repository at a revision.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..store.treefile import scalar
from .program import Program

__all__ = ["Layout", "github_files", "pre_commit", "workflows"]

_PACKAGED = Path(str(files(__package__)))
_TEMPLATES = _PACKAGED / "templates"

_OUR_ACTION = "./.github/actions/calibstate"
_OUR_ROOT = "-C state "
_OUR_FOLDER = re.compile(r"(?<![\w-])state/")
_OUR_PATHS = re.compile(r'^ +paths: \["state/\*\*"\]\n', re.MULTILINE)
_OUR_WAVES = re.compile(r"^# What was merged, carried out:.*?^#$\n", re.MULTILINE | re.DOTALL)
_FROM_ORIGIN_ON = re.compile(r"^  usdf:\n.*\Z", re.MULTILINE | re.DOTALL)
_OUR_PAGES = re.compile(r"^    paths: \[.*$", re.MULTILINE)
_OUR_DOCUMENTATION = re.compile(r"^ +- name: Build the documentation\n.*?(?=^ +- )", re.MULTILINE | re.DOTALL)
_OF_THE_PROGRAM = re.compile(r"^## A change of the program\n.*\Z", re.MULTILINE | re.DOTALL)

_WAVES = """\
# What was merged, carried out: at the origin first, since bundles and Rucio's
# rules are its steps; then at all other sites, and where the environment of one
# asks for approval, when people have given it.
#
"""

_HEAD = """\
# Written by `calibstate init`, and yours from here on.  Another site has its name
# put into plan.yml, apply.yml and drift.yml; or remove these and run init again.
#
"""


@dataclass(frozen=True)
class Layout:
    """What the files have to know of a tree."""

    folder: str
    """Where it is in its repository; empty where it is the repository."""

    origin: str = ""
    """The site where calibrations are made."""

    others: tuple[str, ...] = ()
    """All other sites."""

    @property
    def sites(self) -> tuple[str, ...]:
        """All sites, the origin's first."""
        return (self.origin, *self.others)

    def fitted(self, text: str) -> str:
        """Return a text about a tree in the folder ``state`` for this tree."""
        if not self.folder:
            text = _OUR_PATHS.sub("", text)
        root = f"-C {self.folder} " if self.folder else ""
        inside = f"{self.folder}/" if self.folder else ""
        return _OUR_FOLDER.sub(inside, text.replace(_OUR_ROOT, root))


def pre_commit(layout: Layout) -> str:
    """Return the settings of pre-commit.

    Parameters
    ----------
    layout
        Where the tree is.
    """
    text = (_TEMPLATES / "pre-commit.yaml").read_text(encoding="utf-8")
    if not layout.folder:
        # Only what is of the tree, and no page or workflow beside it.
        text = text.replace("^state/", r"^(calibstate\.yaml|[a-z]+/.*)$")
    return layout.fitted(text)


def github_files(layout: Layout) -> dict[str, str]:
    """Return what GitHub asks of people, by the names of the files.

    Parameters
    ----------
    layout
        Where the tree is.
    """
    owners = (_TEMPLATES / "CODEOWNERS").read_text(encoding="utf-8")
    if not layout.folder:
        owners = owners.replace("/state/  ", "*  ")
    proposal = _OF_THE_PROGRAM.sub("", _ours("PULL_REQUEST_TEMPLATE.md"))
    if not layout.folder:
        proposal = proposal.replace("Any change of `state/`", "Any change")
    return {
        ".github/CODEOWNERS": layout.fitted(owners),
        ".github/PULL_REQUEST_TEMPLATE.md": f"{layout.fitted(proposal).rstrip()}\n",
    }


def workflows(layout: Layout, program: Program) -> dict[str, str]:
    """Return the workflows, by the names of their files.

    Parameters
    ----------
    layout
        Where the tree is, and its sites.
    program
        What they run.
    """
    texts = {
        "plan.yml": _plan(layout),
        "apply.yml": _apply(layout),
        "apply-site.yml": _ours("workflows/apply-site.yml"),
        "drift.yml": _drift(layout),
        "pages.yml": _pages(),
    }
    written: dict[str, str] = {}
    for name, text in texts.items():
        fitted = layout.fitted(text).replace(_OUR_ACTION, program.action)
        written[f".github/workflows/{name}"] = _HEAD + fitted
    return written


def _plan(layout: Layout) -> str:
    return _replaced(
        _ours("workflows/plan.yml"),
        {
            "  ORIGIN: usdf\n": f"  ORIGIN: {scalar(layout.origin)}\n",
            "  OTHERS: bts tts summit\n": f"  OTHERS: {json.dumps(' '.join(layout.others))}\n",
        },
    )


def _apply(layout: Layout) -> str:
    text = _replaced(
        _ours("workflows/apply.yml"),
        {"options: [usdf, bts, tts, summit]": f"options: {_list(layout.sites)}"},
    )
    text = _once(_OUR_WAVES, _WAVES, text)
    jobs = (_TEMPLATES / "apply-origin.yml").read_text(encoding="utf-8")
    if layout.others:
        jobs += (_TEMPLATES / "apply-others.yml").read_text(encoding="utf-8")
    jobs = _replaced(jobs, {"site: @ORIGIN@\n": f"site: {scalar(layout.origin)}\n"})
    jobs = jobs.replace("@ORIGIN@", layout.origin).replace("@OTHERS@", json.dumps(layout.others))
    return _once(_FROM_ORIGIN_ON, jobs, text)


def _drift(layout: Layout) -> str:
    return _replaced(
        _ours("workflows/drift.yml"),
        {
            "site: [usdf, summit, bts, tts]": f"site: {_list(layout.sites)}",
            "runs-on: [self-hosted, calibstate, usdf]": (
                f"runs-on: [self-hosted, calibstate, {scalar(layout.origin)}]"
            ),
        },
    )


def _pages() -> str:
    text = _once(_OUR_PAGES, '    paths: ["state/**"]', _ours("workflows/pages.yml"))
    text = _once(_OUR_DOCUMENTATION, "", text)
    # The documentation is calibstate's, and published by whoever says where.
    return _replaced(
        text,
        {
            "pages for a browser; below /docs/ the documentation.": "pages for a browser.",
            " || (steps.where.outputs.url && format('{0}/docs', steps.where.outputs.url))": "",
        },
    )


def _list(words: Sequence[str]) -> str:
    joined = ", ".join(map(scalar, words))
    return f"[{joined}]"


def _ours(name: str) -> str:
    """Return a file of calibstate's own ``.github``."""
    # As installed, or beside the source.
    packaged = _PACKAGED / "github" / name
    beside = _PACKAGED.parents[1] / ".github" / name
    file = packaged if packaged.exists() else beside
    return file.read_text(encoding="utf-8")


def _replaced(text: str, words: Mapping[str, str]) -> str:
    """Replace words, each of which is there."""
    for old, new in words.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def _once(pattern: re.Pattern[str], new: str, text: str) -> str:
    """Replace what a pattern finds once."""
    match = pattern.search(text)
    assert match, pattern.pattern
    return text[: match.start()] + new + text[match.end() :]
