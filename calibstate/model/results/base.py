"""What every result of a use case has: an exit code, and footnotes."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import Diagnostic, ExitCode
from ..names import Place

__all__ = ["CommandResult", "Footnote", "failed_if", "unseen_notes"]

Footnote = str | Diagnostic
"""A sentence, or a message with its severity."""


class CommandResult:
    """What a use case returns.

    It is data: how it is shown is the affair of the views, and the same result
    serves a terminal, a program and a page.
    """

    @property
    def exit_code(self) -> ExitCode:
        """What a command that shows it ends with."""
        return ExitCode.DONE

    @property
    def footnotes(self) -> tuple[Footnote, ...]:
        """What people are told after the result, whatever its format."""
        return ()


def failed_if(problems: object) -> ExitCode:
    """Return the code of what is done, or of what failed.

    Parameters
    ----------
    problems
        True, or not empty, where something failed.
    """
    if problems:
        return ExitCode.ERROR
    return ExitCode.DONE


def unseen_notes(unreachable: Mapping[Place, Diagnostic]) -> tuple[Footnote, ...]:
    """Return that places could not be seen, and why.

    Parameters
    ----------
    unreachable
        Why, by place.
    """
    return tuple(f"{place} could not be seen: {why.detail}" for place, why in unreachable.items())
