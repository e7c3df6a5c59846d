"""What was found live, and the files that say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from ...errors import Diagnostic, ExitCode
from ..files import FileChange
from .base import CommandResult

__all__ = ["CaptureMade", "CaptureRefused", "ChildFound"]


@dataclass(frozen=True)
class ChildFound:
    """A child of a live chain, and what it is declared as."""

    chain: str
    child: str
    declared_as: str

    holds: str
    """What it is and holds, in words."""


@dataclass(frozen=True)
class CaptureMade(CommandResult):
    """Live chains, and the files that describe them."""

    children: tuple[ChildFound, ...]
    """Children of the chains, in search order."""

    files: Mapping[str, str]
    """``new``, ``changed`` or ``same``, by path."""

    changes: tuple[FileChange, ...]
    """Those that are new or changed, with what they hold."""

    remarks: tuple[Diagnostic, ...]
    """What a person should know."""

    written: bool


@dataclass(frozen=True)
class CaptureRefused(CommandResult):
    """Live chains that the files of a state tree cannot describe."""

    problems: tuple[Diagnostic, ...]

    @property
    @override
    def exit_code(self) -> ExitCode:
        return ExitCode.REFUSED
