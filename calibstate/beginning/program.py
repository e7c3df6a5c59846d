"""Which calibstate the workflows of a new tree run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from ..errors import Diagnostic, UsageError
from ..model.names import spelled

__all__ = ["Program", "named_program", "program_here"]

_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_-][A-Za-z0-9_.-]*"
_NAMED = re.compile(rf"(?P<repository>{_REPOSITORY})@(?P<ref>[A-Za-z0-9][A-Za-z0-9._/-]*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
# As few characters as possible, so that `.git` is no part of the name.
_AT_GITHUB = re.compile(rf"https://github\.com/(?P<repository>{_REPOSITORY}?)(?:\.git)?/?")


@dataclass(frozen=True)
class Program:
    """A repository of calibstate at GitHub, at a revision."""

    repository: str
    """``OWNER/NAME``."""

    ref: str
    """A commit, or a tag."""

    @property
    def is_fixed(self) -> bool:
        """Whether nobody can make the revision mean something else."""
        return _COMMIT.fullmatch(self.ref) is not None

    @property
    def action(self) -> str:
        """What a step of a workflow uses."""
        return f"{self.repository}/.github/actions/calibstate@{self.ref}"


def named_program(word: str) -> Program:
    """Return the program that a person names.

    Parameters
    ----------
    word
        ``OWNER/NAME@REF``.

    Raises
    ------
    UsageError
        It is nothing of that form.
    """
    match = _NAMED.fullmatch(word)
    if match and ".." not in word:
        return Program(match["repository"], match["ref"])
    raise UsageError(
        Diagnostic(
            "Not a program",
            f"--program {spelled(word)} names no repository of calibstate at GitHub with a revision.",
            hint="Write OWNER/NAME@REF, where REF is a commit (40 hex digits) or a tag.",
        )
    )


def program_here() -> Program | None:
    """Return the program that runs here, where pip had it from GitHub.

    `None`: it is not known, as of a checkout or of a package index.
    """
    try:
        # What PEP 610 has installers write.
        text = distribution("calibstate").read_text("direct_url.json")
        origin = json.loads(text or "{}")
        match = _AT_GITHUB.fullmatch(origin["url"])
        commit = origin["vcs_info"]["commit_id"]
    except (PackageNotFoundError, ValueError, TypeError, LookupError):
        return None
    if match is None or not _COMMIT.fullmatch(commit):
        return None
    return Program(match["repository"], commit)
