"""A state tree that was begun: what it declares, and what was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from typing_extensions import override

from ...errors import Diagnostic, ExitCode
from ..files import FileChange
from ..names import RepositoryAddress
from .base import CommandResult, failed_if

__all__ = ["BegunRepository", "TreeBegun"]


@dataclass(frozen=True)
class BegunRepository:
    """A repository that was asked for, and what is declared of it."""

    address: RepositoryAddress

    butler: str
    """A label of the repository index, a URI or an absolute path."""

    instruments: tuple[str, ...]
    """Those that are declared."""

    is_origin: bool
    """Whether calibrations are made there; to all others they are copied."""

    why_not: str = ""
    """Why it is not declared; empty where it is."""

    unseen: str = ""
    """Why it could not be seen; empty where it was."""

    @property
    def route(self) -> Literal["origin", "copy"] | None:
        """How calibrations reach it; `None` where it is not declared."""
        if self.why_not:
            return None
        if self.is_origin:
            return "origin"
        return "copy"


@dataclass(frozen=True)
class TreeBegun(CommandResult):
    """A new state tree, or one that was completed."""

    root: str
    """Absolute path of the tree."""

    repositories: tuple[BegunRepository, ...]
    """Those that were asked for and were not declared before."""

    changes: tuple[FileChange, ...]
    """New files, in the order of writing; relative to the root."""

    kept: tuple[str, ...]
    """Files that were there already, as they are."""

    next_commands: tuple[str, ...]
    """What a person runs next, in lines for a shell."""

    remarks: tuple[Diagnostic, ...]
    """What a person should know."""

    written: bool

    @property
    @override
    def exit_code(self) -> ExitCode:
        unseen: list[BegunRepository] = []
        for repository in self.repositories:
            if repository.unseen and repository.why_not:
                unseen.append(repository)
        return failed_if(unseen)
