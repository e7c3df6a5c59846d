"""What was done before, from the journals."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from ...errors import Diagnostic, ExitCode
from ..runs import PastRun
from .base import CommandResult, Footnote, failed_if

__all__ = ["RunsListed"]


@dataclass(frozen=True)
class RunsListed(CommandResult):
    """Runs, as their journals tell of them."""

    runs: tuple[PastRun, ...]
    """The newest first."""

    is_whole: bool = False
    """Whether one run is shown, event by event."""

    older: int = 0
    """How many more there are."""

    unread: tuple[Diagnostic, ...] = ()
    """Why stores of records could not be read."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.unread)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        notes: list[Footnote] = []
        if self.older:
            number = len(self.runs) + self.older
            older = f"{self.older} older runs are"
            if self.older == 1:
                older = "1 older run is"
            notes.append(f"{older} not shown; --limit {number} shows all")
        notes.extend(self.unread)
        return tuple(notes)
