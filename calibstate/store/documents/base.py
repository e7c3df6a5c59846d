"""What many documents have: their form, and problems with their lines."""

from __future__ import annotations

import re
from typing import Any, Literal

from ...errors import Diagnostic, Where
from ...model.names import Noun

__all__ = ["FORMAT", "Problem", "plain", "problem", "without_folders"]

FORMAT: Literal["1.0"] = "1.0"
"""Version of the form of every document."""


_FOLDERS = re.compile(r"(?<![\w.:/…])(?:file://)?/(?:[^\s/;,'\"]+/)+")
"""Folders of an absolute path, which mean something on one machine only."""


class Problem(Noun):
    """Something that a state tree gets wrong."""

    severity: Literal["error", "warning", "note", "detail"]
    code: str = ""
    """Code of the policy's rule, such as ``N101``; of all else none."""

    summary: str
    """The class of problem, in fixed words."""

    detail: str
    """What is wrong here."""

    hint: str = ""
    """What to do."""

    at: Where | None = None
    """The line to be mended."""


def problem(diagnostic: Diagnostic) -> Problem:
    """Return something that is wrong, as documents have it."""
    return Problem(
        severity=diagnostic.severity.value,
        code=diagnostic.code,
        summary=diagnostic.summary,
        detail=diagnostic.detail,
        hint=diagnostic.hint,
        at=diagnostic.where,
    )


def plain(document: Noun | dict[str, Any]) -> dict[str, Any]:
    """Return a document as plain data; one that is, as it is."""
    if isinstance(document, dict):
        return document
    return document.model_dump(mode="json", by_alias=True)


def without_folders(text: str) -> str:
    """Return a sentence without the folders of one machine.

    Parameters
    ----------
    text
        What may hold absolute paths.
    """
    return _FOLDERS.sub("…/", text)
