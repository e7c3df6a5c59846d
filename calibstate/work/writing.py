"""Write files of the tree, and commit them on a branch of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..factory.past import check_committable, commit_on_branch
from ..model.files import FileChange
from ..store import treefile

__all__ = ["branch_called", "write_and_commit"]


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
        The branch that is made; empty: they are not committed.
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
    if branch:
        check_committable(root, files, branch)
    treefile.write(Path(root), changes)
    if not branch:
        return ""
    return commit_on_branch(root, [*files, *written_before], branch, message)
