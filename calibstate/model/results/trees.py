"""What was found wrong with a state tree, and what was written into it."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from ...errors import Diagnostic, ExitCode, Severity
from .base import CommandResult, Footnote, failed_if

__all__ = ["Findings", "Formatting", "Inventory", "SchemasWritten", "Validation"]


@dataclass(frozen=True)
class Findings:
    """What was found in a state tree, in the order in which it is told."""

    new: tuple[Diagnostic, ...]
    """What the base does not have; all, where nothing is compared."""

    old: tuple[Diagnostic, ...]
    """What the base has too, at whatever lines of the same files."""


@dataclass(frozen=True)
class Inventory:
    """How much a state tree declares."""

    sites: int
    repositories: int
    tickets: int
    chains: int


@dataclass(frozen=True)
class Validation(CommandResult):
    """What is wrong with a state tree."""

    root: str

    workspace: str
    """Where the tree is in what GitHub calls the workspace."""

    problems: tuple[Diagnostic, ...]
    """Mistakes, findings of the policy, and what was repaired; only what is
    new where a base is compared with."""

    old: tuple[Diagnostic, ...] = ()
    """Findings that the base has too."""

    base: str = ""
    """What it is compared with, for people; empty: with nothing."""

    every: bool = False
    """Whether people are shown each of the findings, old ones too."""

    inventory: Inventory | None = None
    """`None`: the tree has mistakes, so that nobody knows what it declares."""

    @property
    def shown(self) -> tuple[Diagnostic, ...]:
        """What people are shown."""
        if self.every:
            return (*self.problems, *self.old)
        return self.problems

    @property
    def has_errors(self) -> bool:
        """Whether any of the problems is an error; old ones do not count."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.has_errors)


@dataclass(frozen=True)
class Formatting(CommandResult):
    """How the files of a state tree were laid out, or would be."""

    root: str

    workspace: str
    """Where the tree is in what GitHub calls the workspace."""

    problems: tuple[Diagnostic, ...]
    """Files that were left alone, and those that were laid out."""

    files: int
    """How many were looked at."""

    changed: int
    """How many of them were not laid out."""

    written: bool

    @property
    @override
    def exit_code(self) -> ExitCode:
        failed = any(problem.severity is Severity.ERROR for problem in self.problems)
        return failed_if(failed)


@dataclass(frozen=True)
class SchemasWritten(CommandResult):
    """The schemas of files and documents, written or compared."""

    folder: str

    number: int
    """How many schemas there are."""

    stale: tuple[str, ...] = ()
    """Paths of those that are not as they would be written; only compared."""

    compared_only: bool = False

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.stale)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        if self.compared_only:
            return tuple(f"{path} is not fresh: calibstate schema {self.folder}" for path in self.stale)
        return (f"{self.number} schemas written to {self.folder}",)
