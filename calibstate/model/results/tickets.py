"""Approvals of tickets, and seals that were written of them."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from ...errors import Diagnostic, ExitCode, Severity
from ..approvals import Approved
from .base import CommandResult, failed_if

__all__ = ["ApprovalsListed", "SealWritten", "SealsWritten"]


@dataclass(frozen=True)
class ApprovalsListed(CommandResult):
    """How it stands with the approvals of tickets."""

    approvals: tuple[Approved, ...]

    findings: tuple[Diagnostic, ...] = ()
    """Where Jira says something else, or why it could not be asked."""

    is_checked: bool = False
    """Whether they were to be compared with Jira."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        failed = any(finding.severity is Severity.ERROR for finding in self.findings)
        return failed_if(failed)


@dataclass(frozen=True)
class SealWritten:
    """The seal of a ticket, in its file."""

    path: str
    """Relative to the root of the tree."""

    files: int
    bytes: int
    digest: str

    approved_in: str = ""
    """File whose `approval.seal` was given the digest; empty: none was."""


@dataclass(frozen=True)
class SealsWritten(CommandResult):
    """The seals of several tickets."""

    seals: tuple[SealWritten, ...]

    refused: tuple[Diagnostic, ...] = ()
    """Why others were not sealed."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        if self.refused:
            return ExitCode.REFUSED
        return ExitCode.DONE
