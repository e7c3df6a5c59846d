"""What was found live, and the files that say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from ...errors import Diagnostic
from ...model.names import Noun
from ...model.results.captures import CaptureEnd, CaptureMade, CaptureOfOne, CaptureRefused, CapturesMade
from .base import FORMAT, Problem, problem

__all__ = [
    "CaptureDocument",
    "CaptureEntry",
    "CapturedChild",
    "CapturedFile",
    "capture_document",
    "refused_document",
    "several_document",
]


class CapturedFile(Noun):
    """A file of the state tree that says a part of what was found."""

    path: str
    """Relative to the root of the tree."""

    what: Literal["new", "changed", "same"]


class CapturedChild(Noun):
    """A child of a live chain."""

    repository: str
    """Where it was found."""

    chain: str
    child: str
    as_: str = Field(alias="as")
    """What it is declared as."""

    holds: str
    """What it is and holds, in words."""


class CaptureEntry(Noun):
    """An instrument at a repository, and what became of its capture."""

    repository: str
    instrument: str

    end: Literal["captured", "same", "absent", "refused", "unreachable"]
    """``same``: the files said it already; ``absent``: it has no chain of the
    instrument; ``refused``: the files cannot say it, and nothing of it is
    written."""

    files: tuple[CapturedFile, ...]
    told: tuple[Problem, ...]
    """Why it was refused."""


class CaptureDocument(Noun):
    """What ``capture`` found and wrote."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["capture"] = "capture"

    written: bool
    """Whether files were written; false in a dry run, and where all was
    refused."""

    captures: tuple[CaptureEntry, ...]
    """In the order in which they build on each other."""

    files: tuple[CapturedFile, ...]
    found: tuple[CapturedChild, ...]
    """Children of the chains, in search order."""

    told: tuple[Problem, ...]
    """What a person should know; errors where it was refused."""


def capture_document(result: CaptureMade) -> CaptureDocument:
    """Return the document of what was captured."""
    end = CaptureEnd.CAPTURED if result.changes else CaptureEnd.SAME
    capture = CaptureOfOne(result.target, end, result.files, result.children)
    return _document([capture], result.files, result.remarks, written=result.written)


def several_document(result: CapturesMade) -> CaptureDocument:
    """Return the document of what several captures came to."""
    remarks = (*result.problems, *result.remarks)
    return _document(result.captures, result.files, remarks, written=result.written)


def refused_document(result: CaptureRefused) -> CaptureDocument:
    """Return the document of what the files cannot say."""
    captures = []
    for target in result.targets:
        captures.append(CaptureOfOne(target, CaptureEnd.REFUSED, problems=result.problems))
    return _document(captures, {}, result.problems, written=False)


def _document(
    captures: Sequence[CaptureOfOne],
    files: Mapping[str, str],
    remarks: Iterable[Diagnostic],
    *,
    written: bool,
) -> CaptureDocument:
    children: list[CapturedChild] = []
    entries: list[CaptureEntry] = []
    for capture in captures:
        address, instrument = capture.target
        for child in capture.children:
            # By a mapping, since `as` is a word of Python.
            values = {
                "repository": address,
                "chain": child.chain,
                "child": child.child,
                "as": child.declared_as,
                "holds": child.holds,
            }
            children.append(CapturedChild.model_validate(values))
        entry = CaptureEntry(
            repository=address,
            instrument=instrument,
            end=capture.end.value,
            files=_files(capture.files),
            told=tuple(map(problem, capture.problems)),
        )
        entries.append(entry)
    return CaptureDocument(
        written=written,
        captures=tuple(entries),
        files=_files(files),
        found=tuple(children),
        told=tuple(map(problem, remarks)),
    )


def _files(files: Mapping[str, str]) -> tuple[CapturedFile, ...]:
    entries: list[CapturedFile] = []
    for path, what in files.items():
        # A plain word until here, which has to be one of the three.
        values = {"path": path, "what": what}
        entries.append(CapturedFile.model_validate(values))
    return tuple(entries)
