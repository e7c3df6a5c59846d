"""What was found live, and the files that say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from ...errors import Diagnostic
from ...model.names import Noun
from .base import FORMAT, Problem, problem

__all__ = ["CaptureDocument", "CapturedChild", "CapturedFile"]


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

    @classmethod
    def of(
        cls,
        files: Mapping[str, Any],
        found: Iterable[tuple[str, str, str, str]],
        told: Iterable[Diagnostic],
        *,
        written: bool,
    ) -> CaptureDocument:
        """Return the document of what was found."""
        keys = ("chain", "child", "as", "holds")
        return cls(
            written=written,
            files=tuple(CapturedFile(path=path, what=what) for path, what in files.items()),
            found=tuple(CapturedChild.model_validate(dict(zip(keys, one, strict=True))) for one in found),
            told=tuple(problem(one) for one in told),
        )

    @classmethod
    def refused(cls, told: Iterable[Diagnostic]) -> CaptureDocument:
        """Return the document of what the files cannot say."""
        return cls.of({}, (), told, written=False)
