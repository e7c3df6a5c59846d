"""Write files of the tree, and commit them on a branch of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import Diagnostic, UsageError
from ..factory.past import check_committable, commit_on_branch
from ..model.files import FileChange
from ..store import treefile

__all__ = ["branch_called", "branch_given", "refuse_uncommittable", "write_and_commit"]


def branch_called(verb: str, name: str) -> str:
    """Return the branch for what a verb writes of something.

    Parameters
    ----------
    verb
        What is done.
    name
        Of the ticket or collection.
    """
    # Folders of branches would be in the way of each other.
    word = name.replace("/", "-")
    return f"{verb}-{word}"


def branch_given(verb: str, name: str, *, commit: bool, branch: str | None) -> str:
    """Return the branch that files are committed on; empty: they are not.

    Parameters
    ----------
    verb, name
        As of `branch_called`, which names it unless told.
    commit
        Whether they are committed.
    branch
        What it is to be called; `None`: nobody said.

    Raises
    ------
    UsageError
        A branch is named, and nothing is committed.
    """
    if not commit and branch is not None:
        raise UsageError(
            Diagnostic(
                "Branch without a commit",
                f"--branch {branch} is for what is committed, and nothing is.",
                hint="Give --commit too.",
            )
        )
    if not commit:
        return ""
    return branch or branch_called(verb, name)


def refuse_uncommittable(root: str, changes: Sequence[FileChange], branch: str) -> None:
    """Refuse to begin what could not be committed at its end.

    Parameters
    ----------
    root
        Root of the tree.
    changes
        Files that will be written.
    branch
        The branch; empty: they are not committed.

    Raises
    ------
    RefusedError
        The files have uncommitted changes, or there is such a branch.
    """
    if branch and changes:
        check_committable(root, [change.file for change in changes], branch)


def write_and_commit(
    root: str,
    changes: Sequence[FileChange],
    branch: str,
    message: str,
    written_before: Sequence[str] = (),
) -> str:
    """Write files, and commit them alone where a branch is named.

    Parameters
    ----------
    root
        Root of the tree.
    changes
        The files.
    branch
        The branch, which is made unless it is checked out; empty: they are not
        committed.
    message
        What the commit says.
    written_before
        Files of the same change that a run before has written, and no commit
        has.

    Returns
    -------
    str
        Hex digest of the commit; empty: there is none.

    Raises
    ------
    RefusedError
        The files have uncommitted changes, or there is such a branch; nothing
        was written.
    """
    files = [change.file for change in changes]
    # Whoever cannot commit them is told before one is written.
    refuse_uncommittable(root, changes, branch)
    treefile.write(Path(root), changes)
    if not branch:
        return ""
    return commit_on_branch(root, [*files, *written_before], branch, message)
