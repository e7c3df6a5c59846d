"""Git: some files of the working tree, committed on a branch of their own.

What else is changed or staged stays as it is, uncommitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import git

from ..errors import CalibstateError, Diagnostic, RefusedError
from .history import TROUBLES, check_begun, opened, said_by

__all__ = ["check_committable", "commit_on_branch"]

_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
_WRITTEN = "The files are written: mend it, and commit them by hand."


def check_committable(folder: str, files: Sequence[str], branch: str) -> None:
    """Refuse where files could not be committed by themselves.

    Parameters
    ----------
    folder
        The root of a state tree.
    files
        Files in it, that nobody has changed yet.
    branch
        The branch that will be made.

    Raises
    ------
    RefusedError
        They have uncommitted changes, or the branch exists or cannot be called
        so, or a merge or the like is under way.
    CalibstateError
        The tree is not in Git, or has no commit yet.
    """
    with opened(folder) as repository:
        try:
            check_begun(repository)
            told = repository.git.status("--porcelain", "--", *_paths(folder, files))
            # Where there is a branch a/b, none can be called a.
            there = [head.name for head in repository.heads if f"{head.name}/".startswith(f"{branch}/")]
        except TROUBLES as error:
            raise _failed(error) from None
        if told:
            changed = ", ".join(line[3:] for line in told.splitlines())
            detail = f"{changed}: the commit would hold changes that are no part of this."
            raise RefusedError(
                Diagnostic("Uncommitted changes", detail, hint="Commit them or put them aside (git stash).")
            )
        _check_name(repository, branch)
        if there:
            hint = f"Delete or rename it (git branch -m {there[0]} NEW), or leave --commit out."
            raise RefusedError(
                Diagnostic("Branch exists", f"There is a branch {there[0]} already.", hint=hint)
            )
        under_way = [name for name in _UNDER_WAY if (Path(repository.git_dir) / name).exists()]
        if under_way:
            detail = f"{under_way[0]} is there: a merge or the like is under way."
            raise RefusedError(Diagnostic("Git is busy", detail, hint="End it first; see git status."))


def _check_name(repository: git.Repo, branch: str) -> None:
    try:
        repository.git.check_ref_format("--branch", branch)
    except git.GitCommandError:
        detail = f"Git allows no branch to be called {branch}."
        hint = "Leave --commit out, and commit the files on a branch of another name."
        raise RefusedError(Diagnostic("Not a name of a branch", detail, hint=hint)) from None


def commit_on_branch(folder: str, files: Sequence[str], branch: str, message: str) -> str:
    """Commit files on a new branch, and stay there.

    Parameters
    ----------
    folder
        The root of a state tree.
    files
        Files in it.
    branch
        The branch that is made, from where HEAD is.
    message
        What the commit says.

    Returns
    -------
    str
        Hex digest of the commit.

    Raises
    ------
    CalibstateError
        Git made none, for want of a name or because of a hook, say.  The
        branch is as before, and so are the files.
    """
    with opened(folder) as repository:
        head = repository.head
        before = head.commit.hexsha if head.is_detached else head.reference.name
        asked = repository.git
        try:
            asked.checkout("--quiet", "-b", branch)
        except TROUBLES as error:
            raise _failed(error, _WRITTEN) from None
        try:
            asked.commit("--quiet", "--only", "--message", message, "--", *_paths(folder, files))
        except TROUBLES as error:
            asked.checkout("--quiet", before)
            asked.branch("--delete", "--force", branch)
            raise _failed(error, _WRITTEN) from None
        return str(repository.head.commit.hexsha)


def _paths(folder: str, files: Sequence[str]) -> list[str]:
    return [str(Path(folder) / file) for file in files]


def _failed(error: Exception, hint: str = "") -> CalibstateError:
    return CalibstateError(Diagnostic("Git made no commit", said_by(error), hint=hint))
