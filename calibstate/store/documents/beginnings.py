"""A state tree that was begun: its repositories and its files."""

from __future__ import annotations

from typing import Literal

from ...model.names import Noun
from ...model.results.beginnings import TreeBegun
from .base import FORMAT, Problem, problem

__all__ = ["BeginningDocument", "BegunFile", "BegunPlace", "beginning_document"]


class BegunFile(Noun):
    """A file of the tree, or one that stands around it."""

    path: str
    """Relative to the root of the tree."""

    what: Literal["new", "kept"]
    """Whether it is written, or was there already."""


class BegunPlace(Noun):
    """A repository that was asked for."""

    address: str
    butler: str
    """A label of the repository index, a URI or an absolute path."""

    instruments: tuple[str, ...]
    """Those that are declared; none where the repository is not."""

    route: Literal["origin", "copy"] | None
    """`null` where it is not declared."""

    unseen: str
    """Why it could not be seen; empty where it was."""


class BeginningDocument(Noun):
    """What ``init`` wrote, and what comes next."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["beginning"] = "beginning"

    root: str
    """Absolute path of the tree."""

    written: bool
    """False in a dry run."""

    files: tuple[BegunFile, ...]
    repositories: tuple[BegunPlace, ...]

    next: tuple[str, ...]
    """What a person runs next, in lines for a shell."""

    told: tuple[Problem, ...]
    """What a person should know."""


def beginning_document(result: TreeBegun) -> BeginningDocument:
    """Return the document of a state tree that was begun."""
    files: list[BegunFile] = []
    for change in result.changes:
        files.append(BegunFile(path=change.file, what="new"))
    for file in result.kept:
        files.append(BegunFile(path=file, what="kept"))
    places: list[BegunPlace] = []
    for repository in result.repositories:
        place = BegunPlace(
            address=repository.address,
            butler=repository.butler,
            instruments=repository.instruments,
            route=repository.route,
            unseen=repository.unseen,
        )
        places.append(place)
    return BeginningDocument(
        root=result.root,
        written=result.written,
        files=tuple(files),
        repositories=tuple(places),
        next=result.next_commands,
        told=tuple(map(problem, result.remarks)),
    )
