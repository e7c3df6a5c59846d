"""What was found live, and the files that say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from typing_extensions import override

from ...errors import Diagnostic, ExitCode, first_of
from ..files import FileChange
from ..names import InstrumentName, RepositoryAddress
from .base import CommandResult

__all__ = [
    "CaptureEnd",
    "CaptureMade",
    "CaptureOfOne",
    "CaptureRefused",
    "CapturesMade",
    "ChildFound",
    "Target",
]


class Target(NamedTuple):
    """An instrument at a repository, whose chains are captured."""

    repository: RepositoryAddress
    instrument: InstrumentName


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

    target: Target

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

    targets: tuple[Target, ...]
    """What was asked for."""

    problems: tuple[Diagnostic, ...]

    @property
    @override
    def exit_code(self) -> ExitCode:
        return ExitCode.REFUSED


class CaptureEnd(Enum):
    """What became of one capture among several."""

    CAPTURED = "captured"
    """The files say it now."""

    SAME = "same"
    """The files said it already."""

    ABSENT = "absent"
    """The repository has no chain of the instrument."""

    REFUSED = "refused"
    """The files cannot say it; nothing of it is written."""

    UNREACHABLE = "unreachable"
    """The repository could not be seen."""


@dataclass(frozen=True)
class CaptureOfOne:
    """What one repository has of one instrument, captured among others."""

    target: Target
    end: CaptureEnd

    files: Mapping[str, str] = field(default_factory=dict)
    """``new``, ``changed`` or ``same``, by path."""

    children: tuple[ChildFound, ...] = ()
    """Children of the chains, in search order."""

    chains: tuple[str, ...] = ()
    """The chains that it does not have, where it has none."""

    problems: tuple[Diagnostic, ...] = ()
    """Why it was refused."""


@dataclass(frozen=True)
class CapturesMade(CommandResult):
    """Live chains of several repositories or instruments, and their files."""

    captures: tuple[CaptureOfOne, ...]
    """In the order in which they build on each other."""

    changes: tuple[FileChange, ...]
    """Files that are new or changed, with what they hold in the end."""

    remarks: tuple[Diagnostic, ...]
    """What a person should know."""

    unseen: Mapping[RepositoryAddress, Diagnostic]
    """Why repositories that were asked for could not be seen, and what to
    do."""

    written: bool

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """Why something was not captured, each reason once."""
        problems = list(self.unseen.values())
        for capture in self.captures:
            problems += capture.problems
        return tuple(dict.fromkeys(problems))

    @property
    def files(self) -> Mapping[str, str]:
        """``new``, ``changed`` or ``same``, by path, all in all."""
        files: dict[str, str] = {}
        for change in self.changes:
            files[change.file] = change.what
        for capture in self.captures:
            for file in capture.files:
                files.setdefault(file, "same")
        return files

    @property
    @override
    def exit_code(self) -> ExitCode:
        codes = []
        if self.unseen:
            codes.append(ExitCode.ERROR)
        for capture in self.captures:
            if capture.end is CaptureEnd.REFUSED:
                codes.append(ExitCode.REFUSED)
        return first_of(*codes)
