"""What repositories keep, and what of it nobody needs any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from ...errors import Diagnostic, ExitCode
from ..names import Place, RepositoryAddress
from ..retention import RetentionLine
from ..seen import SeenPlaces
from .base import CommandResult, Footnote, failed_if, unseen_notes

__all__ = ["RetentionTold"]


@dataclass(frozen=True)
class RetentionTold(CommandResult):
    """What repositories keep, by class.  Nothing was deleted."""

    lines: Mapping[RepositoryAddress, tuple[RetentionLine, ...]]
    """By repository that was asked for and looked at."""

    butlers: Mapping[RepositoryAddress, str]
    """How the butler of each repository is declared."""

    published: tuple[RepositoryAddress, ...]
    """Repositories of which only what they published was looked at."""

    unreachable: Mapping[Place, Diagnostic]
    """Why the others could not be seen."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen, and by whom."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.unreachable)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        notes: list[Footnote] = list(unseen_notes(self.unreachable))
        if self.unreachable:
            notes.append("Without these, nobody knows what is unused: nothing is offered.")
        for address in self.published:
            notes.append(
                f"{address} was seen by what it published: its declared chains count, while its "
                "TAGGED collections, its other chains and its RUNs are told there."
            )
        return tuple(notes)
