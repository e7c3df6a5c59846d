"""Pages that were written."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from ...errors import Diagnostic, ExitCode
from .base import CommandResult, Footnote, failed_if

__all__ = ["PagesWritten"]


@dataclass(frozen=True)
class PagesWritten(CommandResult):
    """A folder of pages."""

    folder: str

    pages: int
    """How many there are."""

    bytes: int
    """Of all files together."""

    unread: tuple[str, ...] = ()
    """Sources that could not be read."""

    problems: tuple[Diagnostic, ...] = ()
    """Why, and what is wrong with the tree."""

    compared_only: bool = False
    """Whether nothing was to be written."""

    stale: tuple[str, ...] = ()
    """Files that are not as they would be written; only compared."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.unread or self.problems or self.stale)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        return self.problems
