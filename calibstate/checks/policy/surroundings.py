"""What else is in the folder of a state tree.

Nothing there is read, so a name that nobody knows is a file that somebody
takes for declared, or one that is there for something else.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import PurePosixPath

from ...errors import Where
from ...model.desired import DesiredState
from ...model.names import nearest, spelled
from ...model.policy import Level
from ..judged import Judged
from ..rule import Finding, Findings, rule

_SETTINGS = "calibstate.yaml"
_FOLDERS = ("sites", "tickets", "chains", "seals", "verdicts")
"""What every tree may have; kinds bring more."""

_FOR_READERS = frozenset(
    {
        "authors",
        "changelog",
        "changes",
        "code_of_conduct",
        "codeowners",
        "contributing",
        "copying",
        "licence",
        "license",
        "notice",
        "security",
    }
)
"""What every repository may have, as a text."""

_TEXTS = frozenset({"", ".md", ".rst", ".txt"})
"""Suffixes of a text."""

_BESIDE = frozenset({"docs", "schemas", "Makefile"})
"""What a repository may have that is nothing but a state tree."""


@rule(
    "S801",
    "unknown-name",
    title="Unknown name",
    level=Level.ERROR,
    source="decision 21: a pull request is hostile until it is merged",
)
def unknown_names(tree: Judged) -> Findings:
    """Find names at the root of the tree that nobody knows."""
    places = _places_within(tree.desired)
    folders = [*_FOLDERS, *(form.folder for form in tree.desired.forms)]
    allowed = ", ".join(f"`{name}`" for name in (_SETTINGS, *folders))
    for name in tree.desired.besides:
        path = PurePosixPath(name)
        stem = path.stem.casefold()
        suffix = path.suffix.casefold()
        is_text = stem in _FOR_READERS and suffix in _TEXTS
        if is_text or name in _BESIDE or name in places:
            continue
        yield Finding(
            where=Where(name, 1),
            detail=f"{spelled(name)} is none of {allowed}, so nothing in it is declared.",
            hint=_meant(path, folders),
            of=frozenset({name}),
        )


def _meant(path: PurePosixPath, folders: Sequence[str]) -> str:
    """Return a hint at what a name was probably meant to be."""
    if folder := nearest(path.stem, folders):
        return f"Did you mean a file in `{folder}`?" if path.suffix else f"Did you mean `{folder}`?"
    if near := nearest(path.name, [_SETTINGS]):
        return f"Did you mean `{near}`?"
    return "Keep it elsewhere: beside the tree, or in `docs`."


def _places_within(desired: DesiredState) -> frozenset[str]:
    """Return names at the root that the tree itself names as places."""
    settings = desired.settings.noun
    paths = [settings.archive, settings.records]
    for site in desired.sites.values():
        written = [site.noun.records or ""]
        for repository in site.noun.repositories.values():
            written.append(repository.butler)
        # A relative path starts at the file that it stands in.
        paths.extend(posixpath.join("sites", path) for path in written)
    names = set()
    for path in paths:
        name, _, _ = posixpath.normpath(path).partition("/")
        names.add(name)
    return frozenset(names)
