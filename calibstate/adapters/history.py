"""Git: from which commit a state tree is, and what it said at others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import git
from git.objects import Blob, Submodule, Tree

from ..errors import CalibstateError, Diagnostic, UsageError
from ..model.revisions import instant

__all__ = [
    "TROUBLES",
    "base_of",
    "check_begun",
    "commit_of",
    "committed_at",
    "inside_of",
    "opened",
    "said_by",
    "write_tree",
]

_MAIN = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""What the main branch is called, the likeliest first."""

_NOT_THERE = (git.InvalidGitRepositoryError, git.NoSuchPathError)
TROUBLES = (git.GitError, git.ODBError, ValueError, OSError)
"""What GitPython raises where a revision is not as it is asked for."""

_LINK = 0o120000

_LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z: a commit can claim to be later."""


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
            # Else it would write down the times of files that it looked at.
            repository.git.update_environment(GIT_OPTIONAL_LOCKS="0")
            dirty = bool(repository.git.status("--porcelain", "--", folder))
    except (git.InvalidGitRepositoryError, git.NoSuchPathError, git.GitError, ValueError, OSError):
        return None, False
    return commit, dirty


def base_of(folder: str, revision: str | None) -> tuple[str, str]:
    """Return the commit that a folder is compared with.

    Parameters
    ----------
    folder
        The root of a state tree.
    revision
        What Git calls it; `None`: where the main branch was left.

    Returns
    -------
    commit : str
        Its hex digest.
    words : str
        What it is, for people.

    Raises
    ------
    UsageError
        Git knows no such revision, or no main branch.
    CalibstateError
        The tree is not in Git, or has no commit yet.
    """
    with opened(folder) as repository:
        return _named(repository, revision) if revision else _left(repository)


def write_tree(folder: str, commit: str, into: Path) -> None:
    """Write a folder as it was at a commit.

    Parameters
    ----------
    folder
        A folder of the working tree.
    commit
        The commit.
    into
        An empty folder.

    Raises
    ------
    CalibstateError
        The commit cannot be read.
    """
    with opened(folder) as repository:
        inside = inside_of(repository, folder)
        try:
            _write(_folder(repository.commit(commit).tree, inside) or (), into)
        except TROUBLES as error:
            raise _unreadable(commit, error) from None


def inside_of(repository: git.Repo, folder: str) -> PurePosixPath:
    """Return where a folder is within its repository."""
    top = Path(str(repository.working_tree_dir)).resolve()
    return PurePosixPath(Path(folder).resolve().relative_to(top))


def check_begun(repository: git.Repo) -> None:
    """Refuse where there is no commit yet.

    Raises
    ------
    CalibstateError
        HEAD has none.
    """
    asked = ("--verify", "--quiet", "HEAD")
    status, *_ = repository.git.rev_parse(*asked, with_extended_output=True, with_exceptions=False)
    # What else goes wrong is no answer, and ends with more than 1.
    if status == 1:
        raise CalibstateError(
            Diagnostic(
                "No commit yet",
                "HEAD has no commit yet, so nothing is known from before the working tree.",
                hint="Commit the state tree first: `git add .`, then `git commit`.",
            )
        )


def committed_at(commit: git.Commit) -> str:
    """Return when a commit was made, in UTC with ``Z``."""
    return f"{datetime.fromtimestamp(min(commit.committed_date, _LAST_SECOND), UTC):%Y-%m-%dT%H:%M:%SZ}"


def said_by(error: Exception) -> str:
    """Return what Git says in an error, as one sentence."""
    said = str(error)
    if isinstance(error, git.GitCommandError):
        said = str(error.stderr).strip().removeprefix("stderr: '").removesuffix("'").strip() or said
    said = " ".join(said.split())
    return said if said.endswith(".") else f"{said}."


def _folder(top: Tree, inside: PurePosixPath) -> Tree | None:
    try:
        found = top / str(inside) if inside.parts else top
    except KeyError:
        return None
    return found if isinstance(found, Tree) else None


@contextmanager
def opened(folder: str) -> Iterator[git.Repo]:
    """Open the repository that a folder is kept in.

    Raises
    ------
    CalibstateError
        It is kept in none.
    """
    try:
        repository = git.Repo(folder, search_parent_directories=True)
    except _NOT_THERE:
        raise _not_in_git(folder) from None
    with repository:
        # A bare repository keeps no files where they can be edited.
        top = repository.working_tree_dir
        if top is None or not Path(folder).resolve().is_relative_to(Path(top).resolve()):
            raise _not_in_git(folder)
        yield repository


def _not_in_git(folder: str) -> CalibstateError:
    return CalibstateError(
        Diagnostic(
            "State tree is not in Git",
            f"{folder} is in no Git repository, so nobody knows what it said before.",
            hint="Go to a clone of the repository that it is kept in.",
        )
    )


def _named(repository: git.Repo, revision: str) -> tuple[str, str]:
    if moment := _moment(revision):
        return _then(repository, revision, moment)
    try:
        # GitPython knows only some of the names that Git knows, and takes an
        # object for there that is not.
        found = repository.git.rev_parse("--verify", "--end-of-options", f"{revision}^{{commit}}")
        commit = repository.commit(found).hexsha
    except TROUBLES:
        if not repository.references:
            check_begun(repository)
        raise UsageError(
            Diagnostic(
                "Unknown revision",
                f"Git knows no {revision!r} here.",
                hint="Name a commit, a branch, a tag or a date; `git fetch` brings what others have.",
            )
        ) from None
    return commit, commit[:10] if commit.startswith(revision) else f"{revision} ({commit[:10]})"


def _moment(text: str) -> datetime | None:
    try:
        return instant(text)
    except ValueError as error:
        hint = "Write an observing day, 2025-02-11, or a moment, 2025-02-11T03:00:00Z."
        raise UsageError(Diagnostic("Not a date", f"{text}: {error}.", hint=hint)) from None


def _then(repository: git.Repo, text: str, moment: datetime) -> tuple[str, str]:
    """Return what the main branch was at a moment.

    That is the newest commit of the first-parent line of HEAD that had been
    made there, by its committer's date.
    """
    # Git reads dates of 1970 to 2099 only; of seconds it wants the zone.
    before = f"--before=@{max(0, int(moment.timestamp()))} +0000"
    asked, line = repository.git, ("--first-parent", "HEAD")
    try:
        check_begun(repository)
        found = asked.rev_list("-1", before, *line)
        commit = repository.commit(found or asked.rev_list(*line).split()[-1])
        words = f"{commit.hexsha[:10]} of {committed_at(commit)}"
    except TROUBLES as error:
        raise _unreadable("HEAD", error) from None
    if not found:
        raise UsageError(_too_early(text, words))
    return commit.hexsha, f"{text} ({words})"


def _too_early(text: str, first: str) -> Diagnostic:
    return Diagnostic(
        "Before the first commit",
        f"{text}: the main branch begins with {first}.",
        hint="Name a later date; a shallow clone has too little: `git fetch --unshallow`.",
    )


def _left(repository: git.Repo) -> tuple[str, str]:
    """Return where the main branch was left."""
    check_begun(repository)
    for name in _MAIN:
        try:
            found = repository.merge_base(repository.head.commit, repository.commit(name))
        except TROUBLES:
            continue
        if found:
            return found[0].hexsha, f"{found[0].hexsha[:10]}, where {name} was left"
        raise CalibstateError(
            Diagnostic(
                "No common history",
                f"The working tree and {name} have no commit in common here.",
                hint="A shallow clone has too little: `git fetch --unshallow`, or name a revision.",
            )
        )
    raise UsageError(
        Diagnostic(
            "No main branch",
            f"There is none of {', '.join(_MAIN)}, so nobody knows what to compare with.",
            hint="Name a revision, as in `calibstate impact HEAD`.",
        )
    )


def _write(items: Iterable[Blob | Submodule | Tree], into: Path) -> None:
    for item in items:
        if item.name in {".", ".."} or "/" in item.name:
            raise ValueError(f"{item.name!r} is the name of no file")
        if isinstance(item, Tree):
            (into / item.name).mkdir()
            _write(item, into / item.name)
        elif isinstance(item, Blob):
            data = item.data_stream.read()
            if item.mode == _LINK:
                (into / item.name).symlink_to(data.decode())
            else:
                # Through a link of that name it would go somewhere else.
                with (into / item.name).open("xb") as stream:
                    stream.write(data)


def _unreadable(commit: str, error: Exception) -> CalibstateError:
    return CalibstateError(Diagnostic("Commit cannot be read", f"{commit[:10]}: {said_by(error)}"))
