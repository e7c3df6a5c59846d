"""Which pages were written."""

from __future__ import annotations

from typing import Literal

from ...model.names import Noun
from ...model.results.pages import PagesWritten
from .base import FORMAT, Problem, problem

__all__ = ["PagesDocument", "pages_document"]


class PagesDocument(Noun):
    """A folder of pages that was written, or compared."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["pages"] = "pages"

    folder: str

    pages: int
    """How many there are."""

    bytes: int
    """Of all files together."""

    unread: tuple[str, ...]
    """Sources that could not be read."""

    problems: tuple[Problem, ...]
    """Why, and what is wrong with the tree."""

    stale: tuple[str, ...]
    """Files that are not as they would be written; only compared."""


def pages_document(result: PagesWritten) -> PagesDocument:
    """Return the document of what was written."""
    return PagesDocument(
        folder=result.folder,
        pages=result.pages,
        bytes=result.bytes,
        unread=result.unread,
        problems=tuple(map(problem, result.problems)),
        stale=result.stale,
    )
