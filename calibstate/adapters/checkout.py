"""Git: from which commit a state tree is, and what it said at others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from ..errors import CalibstateError, Diagnostic, UsageError
from ..model.names import spelled, with_code_points
from ..model.revisions import instant
from .git import LINK, Answer, Checkout, Commit, Entry, GitFailedError, checkout_of, opened

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
        if revision:
            return _named(checkout, revision)
        return _left(checkout)


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
            inside = checkout.inside(folder)
            entries = entries_of(checkout, tree, inside.parts)
            _write(checkout, entries, into)
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
        folders = {entry.name: entry for entry in entries if entry.is_folder}
        if part not in folders:
            return []
        entries = checkout.folder(folders[part].digest)
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
    committed = min(commit.committed, _LAST_SECOND)
    moment = datetime.fromtimestamp(committed, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _has_begun(checkout: Checkout) -> bool:
    answer = checkout.ask("rev-parse", "--verify", "--quiet", "HEAD")
    # What else goes wrong is no answer, and ends with more than 1.
    return answer.code != 1


def _named(checkout: Checkout, revision: str) -> tuple[str, str]:
    """Return the commit that a person names, or means with a date."""
    try:
        moment = instant(revision)
    except ValueError as error:
        raise UsageError(
            Diagnostic(
                "Not a date",
                f"{with_code_points(revision)}: {error}.",
                hint="Write an observing day, 2025-02-11, or a moment, 2025-02-11T03:00:00Z.",
            )
        ) from None
    if moment:
        return _then(checkout, revision, moment)
    answer = _rev_parse(checkout, f"{revision}^{{commit}}")
    commit = answer.out
    if answer.code or _kind_of_object(checkout, commit).out != "commit":
        raise _not_named(checkout, revision, answer.words)
    words = commit[:10]
    if not commit.startswith(revision):
        words = f"{revision} ({words})"
    return commit, words


def _not_named(
    checkout: Checkout,
    revision: str,
    words_of_git: str,
) -> CalibstateError:
    """Return why a revision names no commit: for want of it, or of a look."""
    named = _rev_parse(checkout, revision)
    digest = named.out
    # Any digest of full length is taken for a name, whether it is there or
    # not; what is excluded (^NAME) is told as no digest.
    if named.code == 0 and digest != revision and digest.isalnum():
        kind = _kind_of_object(checkout, digest)
        if kind.code:
            words = f"{digest} is missing in this clone. {kind.words}".rstrip()
            return _unreadable(revision, words)
    if not checkout.ask("for-each-ref", "--count=1").out:
        check_begun(checkout)
    detail = f"Git knows no {spelled(revision)} here."
    if words_of_git:
        detail += f" It says: {words_of_git}"
    return UsageError(
        Diagnostic(
            "Unknown revision",
            detail,
            hint="Name a commit, a branch, a tag or a date; `git fetch` brings what others have.",
        )
    )


def _rev_parse(checkout: Checkout, revision: str) -> Answer:
    return checkout.ask("rev-parse", "--verify", "--quiet", "--end-of-options", revision)


def _kind_of_object(checkout: Checkout, digest: str) -> Answer:
    """Ask what an object is; it fails where none is here or can be read."""
    return checkout.ask("cat-file", "-t", digest)


def _then(
    checkout: Checkout,
    text: str,
    moment: datetime,
) -> tuple[str, str]:
    """Return what the main branch was at a moment.

    That is the newest commit of the first-parent line of HEAD that had been
    made there, by its committer's date.
    """
    # Git reads dates of 1970 to 2099 only; of seconds it wants the zone.
    seconds = max(0, int(moment.timestamp()))
    before = f"--before=@{seconds} +0000"
    main_branch = ("--first-parent", "HEAD")
    try:
        check_begun(checkout)
        newest = checkout.tell("rev-list", "-1", before, *main_branch)
        if newest:
            commit = checkout.commit(newest)
            words = f"{commit.digest[:10]} of {committed_at(commit)}"
            return commit.digest, f"{text} ({words})"
        # The oldest tells a person from when on there is something.
        *_, oldest = checkout.tell("rev-list", *main_branch).split()
        commit = checkout.commit(oldest)
    except GitFailedError as error:
        raise _unreadable("HEAD", error.words) from None
    words = f"{commit.digest[:10]} of {committed_at(commit)}"
    raise UsageError(
        Diagnostic(
            "Before the first commit",
            f"{with_code_points(text)}: the main branch begins with {words}.",
            hint="Name a later date; a shallow clone has too little: `git fetch --unshallow`.",
        )
    )


def _left(checkout: Checkout) -> tuple[str, str]:
    """Return where the main branch was left."""
    check_begun(checkout)
    for name, reference in _MAIN.items():
        if checkout.ask("rev-parse", "--verify", "--quiet", reference).code:
            continue
        answer = checkout.ask("merge-base", "HEAD", reference)
        if answer.code == 0:
            # There may be several, all as near.
            commit, *_ = answer.out.split("\n")
            return commit, f"{commit[:10]}, where {name} was left"
        if answer.code != 1:
            raise _unreadable(name, answer.words)
        # Git ends with 1 where it looked well and there is none.
        raise CalibstateError(
            Diagnostic(
                "No common history",
                f"The working tree and {name} have no commit in common here.",
                hint="A shallow clone has too little: `git fetch --unshallow`, or name a revision.",
            )
        )
    names = ", ".join(_MAIN)
    raise UsageError(
        Diagnostic(
            "No main branch",
            f"There is none of {names}, so nobody knows what to compare with.",
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
    detail = f"{what}: {words_of_git}"
    return CalibstateError(Diagnostic("Commit cannot be read", detail))
