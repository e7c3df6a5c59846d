"""Git: from which commit a state tree is."""

from __future__ import annotations

import git

__all__ = ["commit_of"]


def commit_of(folder: str) -> tuple[str | None, bool]:
    """Return the commit of a folder, and whether it differs from it.

    Parameters
    ----------
    folder
        The root of a state tree.

    Returns
    -------
    commit : str or None
        Hex digest of the commit; `None` outside Git or before the first.
    dirty : bool
        Whether files below the folder are changed or unknown to Git.
    """
    try:
        repository = git.Repo(folder, search_parent_directories=True)
        with repository:
            commit = repository.head.commit.hexsha
            dirty = bool(repository.git.status("--porcelain", "--", folder))
    except (git.InvalidGitRepositoryError, git.NoSuchPathError, git.GitError, ValueError, OSError):
        return None, False
    return commit, dirty
