"""Git: from which commit a state tree is, and what it said at others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from ..errors import CalibstateError, Diagnostic, UsageError
from ..model.names import spelled
from ..model.revisions import instant
from .git import LINK, Checkout, Commit, Entry, GitFailedError, checkout_of, opened

__all__ = ["base_of", "check_begun", "committed_at", "entries_of", "head_of", "write_tree"]

_MAIN = {
    "origin/HEAD": "refs/remotes/origin/HEAD",
    "origin/main": "refs/remotes/origin/main",
    "origin/master": "refs/remotes/origin/master",
    "main": "refs/heads/main",
    "master": "refs/heads/master",
}
"""What the main branch is called, the likeliest first.

In full, so that a tag of the same name is not taken for it.
"""

_LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z: a commit can claim to be later."""

_LARGEST = 1 << 26
"""Bytes of a file that are written out; of a larger one nobody reads more."""


def head_of(folder: str) -> str | None:
    """Return the commit that a folder was checked out from.

    Parameters
    ----------
    folder
        The root of a state tree.

    Returns
    -------
    str or None
        Hex digest of the commit; `None` outside Git or before the first.

    Raises
    ------
    CalibstateError
        Git is not here, or refuses.
    """
    with checkout_of(folder) as checkout:
        if checkout is None or not _has_begun(checkout):
            return None
        try:
            return checkout.tell("rev-parse", "--verify", "--end-of-options", "HEAD^{commit}")
        except GitFailedError as error:
            raise _unreadable("HEAD", error.words) from None


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
        The tree is not in Git, or has no commit yet; or Git is not here, or
        refuses.
    """
    with opened(folder) as checkout:
        return _named(checkout, revision) if revision else _left(checkout)


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
    with opened(folder) as checkout:
        try:
            tree = checkout.commit(commit).tree
            _write(checkout, entries_of(checkout, tree, checkout.inside(folder).parts), into)
        except (GitFailedError, ValueError, OSError) as error:
            raise _unreadable(commit[:10], str(error)) from None


def entries_of(checkout: Checkout, tree: str, parts: Iterable[str]) -> list[Entry]:
    """Return what a folder holds, from the top down; nothing if it is none.

    Parameters
    ----------
    checkout
        Where it is.
    tree
        Digest of the folder at the top.
    parts
        Names that lead to the folder.

    Raises
    ------
    GitFailedError
        One of them cannot be read.
    """
    entries = checkout.folder(tree)
    for part in parts:
        below = next((entry for entry in entries if entry.name == part and entry.is_folder), None)
        if below is None:
            return []
        entries = checkout.folder(below.digest)
    return entries


def check_begun(checkout: Checkout) -> None:
    """Refuse where there is no commit yet.

    Raises
    ------
    CalibstateError
        HEAD has none.
    """
    if not _has_begun(checkout):
        raise CalibstateError(
            Diagnostic(
                "No commit yet",
                "HEAD has no commit yet, so nothing is known from before the working tree.",
                hint="Commit the state tree first: `git add .`, then `git commit`.",
            )
        )


def committed_at(commit: Commit) -> str:
    """Return when a commit was made, in UTC with ``Z``."""
    return f"{datetime.fromtimestamp(min(commit.committed, _LAST_SECOND), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _has_begun(checkout: Checkout) -> bool:
    answer = checkout.ask("rev-parse", "--verify", "--quiet", "HEAD")
    # What else goes wrong is no answer, and ends with more than 1.
    return answer.code != 1


def _named(checkout: Checkout, revision: str) -> tuple[str, str]:
    if moment := _moment(revision):
        return _then(checkout, revision, moment)
    answer = checkout.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if answer.code or _kind(checkout, answer.out) != "commit":
        raise _not_named(checkout, revision, answer.words)
    commit = answer.out
    return commit, commit[:10] if commit.startswith(revision) else f"{revision} ({commit[:10]})"


def _not_named(checkout: Checkout, revision: str, words_of_git: str) -> CalibstateError:
    """Return why a revision names no commit: for want of it, or of a look."""
    named = checkout.ask("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    # Any digest of full length is taken for a name, whether it is there or
    # not; what is excluded (^NAME) is told as no digest.
    is_name = named.code == 0 and named.out != revision and named.out.isalnum()
    if is_name and _kind(checkout, named.out) is None:
        why = checkout.ask("cat-file", "-t", named.out).words
        return _unreadable(revision, f"{named.out} is missing in this clone. {why}".rstrip())
    if not checkout.ask("for-each-ref", "--count=1").out:
        check_begun(checkout)
    also = f" It says: {words_of_git}" if words_of_git else ""
    return UsageError(
        Diagnostic(
            "Unknown revision",
            f"Git knows no {spelled(revision)} here.{also}",
            hint="Name a commit, a branch, a tag or a date; `git fetch` brings what others have.",
        )
    )


def _kind(checkout: Checkout, digest: str) -> str | None:
    """Return what an object is; `None`: it is not here, or cannot be read."""
    answer = checkout.ask("cat-file", "-t", digest)
    return None if answer.code else answer.out


def _moment(text: str) -> datetime | None:
    try:
        return instant(text)
    except ValueError as error:
        hint = "Write an observing day, 2025-02-11, or a moment, 2025-02-11T03:00:00Z."
        raise UsageError(Diagnostic("Not a date", f"{text}: {error}.", hint=hint)) from None


def _then(checkout: Checkout, text: str, moment: datetime) -> tuple[str, str]:
    """Return what the main branch was at a moment.

    That is the newest commit of the first-parent line of HEAD that had been
    made there, by its committer's date.
    """
    # Git reads dates of 1970 to 2099 only; of seconds it wants the zone.
    before = f"--before=@{max(0, int(moment.timestamp()))} +0000"
    line = ("--first-parent", "HEAD")
    try:
        check_begun(checkout)
        newest = checkout.tell("rev-list", "-1", before, *line)
        commit = checkout.commit(newest or checkout.tell("rev-list", *line).split()[-1])
        words = f"{commit.digest[:10]} of {committed_at(commit)}"
    except GitFailedError as error:
        raise _unreadable("HEAD", error.words) from None
    if not newest:
        raise UsageError(_too_early(text, words))
    return commit.digest, f"{text} ({words})"


def _too_early(text: str, first: str) -> Diagnostic:
    return Diagnostic(
        "Before the first commit",
        f"{text}: the main branch begins with {first}.",
        hint="Name a later date; a shallow clone has too little: `git fetch --unshallow`.",
    )


def _left(checkout: Checkout) -> tuple[str, str]:
    """Return where the main branch was left."""
    check_begun(checkout)
    for name, reference in _MAIN.items():
        if checkout.ask("rev-parse", "--verify", "--quiet", reference).code:
            continue
        answer = checkout.ask("merge-base", "HEAD", reference)
        if answer.code == 0:
            commit = answer.out.split("\n")[0]
            return commit, f"{commit[:10]}, where {name} was left"
        if answer.code != 1:
            raise _unreadable(name, answer.words)
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


def _write(checkout: Checkout, entries: Iterable[Entry], into: Path) -> None:
    for entry in entries:
        path = into / entry.name
        if entry.is_folder:
            path.mkdir()
            _write(checkout, checkout.folder(entry.digest), path)
            continue
        content = checkout.file(entry.digest, _LARGEST)
        if entry.mode == LINK:
            path.symlink_to(content.decode())
        else:
            # Through a link of that name it would go somewhere else.
            with path.open("xb") as stream:
                stream.write(content)


def _unreadable(what: str, words_of_git: str) -> CalibstateError:
    return CalibstateError(Diagnostic("Commit cannot be read", f"{what}: {words_of_git}"))
