"""What was found live, and the files that say it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...model.names import Noun
from ...model.results.captures import CaptureMade, CaptureRefused
from .base import FORMAT, Problem, problem

__all__ = ["CaptureDocument", "CapturedChild", "CapturedFile", "capture_document", "refused_document"]


class CapturedFile(Noun):
    """A file of the state tree that says a part of what was found."""

    path: str
    """Relative to the root of the tree."""

    what: Literal["new", "changed", "same"]


class CapturedChild(Noun):
    """A child of a live chain."""

    chain: str
    child: str
    as_: str = Field(alias="as")
    """What it is declared as."""

    holds: str
    """What it is and holds, in words."""


class CaptureDocument(Noun):
    """What ``capture`` found and wrote."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["capture"] = "capture"

    written: bool
    """Whether the files were written; false where it was refused, and in a dry
    run."""

    files: tuple[CapturedFile, ...]
    found: tuple[CapturedChild, ...]
    """Children of the chains, in search order."""

    told: tuple[Problem, ...]
    """What a person should know; errors where it was refused."""


def capture_document(result: CaptureMade) -> CaptureDocument:
    """Return the document of what was captured."""
    files = []
    for path, what in result.files.items():
        # A plain word until here, which has to be one of the three.
        values = {"path": path, "what": what}
        files.append(CapturedFile.model_validate(values))
    children = []
    for child in result.children:
        # By a mapping, since `as` is a word of Python.
        values = {
            "chain": child.chain,
            "child": child.child,
            "as": child.declared_as,
            "holds": child.holds,
        }
        children.append(CapturedChild.model_validate(values))
    return CaptureDocument(
        written=result.written,
        files=tuple(files),
        found=tuple(children),
        told=tuple(map(problem, result.remarks)),
    )


def refused_document(result: CaptureRefused) -> CaptureDocument:
    """Return the document of what the files cannot say."""
    problems = tuple(map(problem, result.problems))
    return CaptureDocument(written=False, files=(), found=(), told=problems)
