"""What Git tells of a state tree: its commit, and what it said at others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from .. import __version__
from ..errors import CalibstateError, Diagnostic, InvalidStateError
from ..kinds.table import own_folders
from ..model.desired import DesiredState
from ..model.guards import Allowed
from ..model.outcomes import Began
from ..model.plans import Basis
from ..model.revisions import CheckedOut, Revision, Then
from ..store import statefile
from ..store.disk import Disk, Files

if TYPE_CHECKING:
    from ..adapters.revisions import PastFiles

__all__ = [
    "Before",
    "basis",
    "began",
    "check_committable",
    "checked_out",
    "commit_on_branch",
    "current_branch",
    "declared_before",
    "declared_in_time",
    "never_committed",
]


def basis(desired: DesiredState, observed: str, version: str) -> Basis:
    """Return what a plan says of where it comes from."""
    tree = checked_out(desired.root)
    return Basis(
        commit=tree.commit,
        commit_unknown=tree.unknown,
        dirty=tree.dirty,
        declared=desired.digest,
        observed=observed,
        version=version,
    )


def began(desired: DesiredState, allowed: Allowed) -> Began:
    """Return what a journal says of who begins a run."""
    from ..adapters.processes import this_process, user

    tree = checked_out(desired.root)
    return Began(
        who=user(),
        process=this_process(),
        version=__version__,
        commit=tree.commit,
        commit_unknown=tree.unknown,
        dirty=tree.dirty,
        allowed=allowed,
    )


def checked_out(root: str) -> CheckedOut:
    """Return from which commit a state tree is.

    A tree can be deployed without it, so what Git refuses is told and stops
    nobody.

    Parameters
    ----------
    root
        Root of the tree.
    """
    from ..adapters.checkout import head_of

    try:
        commit = head_of(root)
    except CalibstateError as error:
        return CheckedOut(unknown=str(error.diagnostics[0]))
    return CheckedOut(commit, dirty=commit is not None and _differs(root, commit))


def _differs(root: str, commit: str) -> bool:
    """Say whether any file that is read is not as a commit has it.

    The files themselves are compared: what `git status` says depends on what
    it was told to overlook.
    """
    from ..adapters.revisions import past

    own = own_folders()
    here = Disk(Path(root))
    try:
        with past(root, statefile.parts(own)) as trees, _files_of(trees.files(commit), commit) as committed:
            return statefile.contents(committed, own) != statefile.contents(here, own)
    except CalibstateError:
        return True


_KEPT = 16
"""Revisions of which it is kept what they say."""


@dataclass(frozen=True)
class Before:
    """What a state tree said at a revision."""

    desired: DesiredState | None
    """All that it declared; `None` where it was not there yet."""

    words: str
    """The revision, for people."""

    remarks: tuple[Diagnostic, ...] = ()
    """What there was to remark on it."""

    commit: str = ""
    """Hex digest."""


def declared_before(root: str, revision: str | None, memo: statefile.Memo | None = None) -> Before:
    """Return what a state tree said at a revision.

    Parameters
    ----------
    root
        Root of the tree.
    revision
        What Git calls it, or a date; `None`: where the main branch was left.
    memo
        Of another tree that was read, so that what both hold is read once.

    Raises
    ------
    InvalidStateError
        It did not validate then.
    UsageError
        There is no such revision.
    """
    from ..adapters.checkout import base_of
    from ..adapters.revisions import past

    commit, words = base_of(root, revision)
    with past(root, statefile.parts(own_folders())) as trees:
        try:
            tree = _read(trees.files(commit), commit, {} if memo is None else memo)
        except InvalidStateError as error:
            raise InvalidStateError(*_as_of(commit, error.diagnostics)) from None
    if tree is None:
        return Before(None, words, commit=commit)
    desired, remarks = tree
    return Before(desired, words, remarks, commit)


class _NewestRead(dict[tuple[str, str], Any]):
    """What files say, each of them as it was read last.

    A chain of ten years has hundreds of versions of hundreds of lines.
    """

    def __init__(self) -> None:
        super().__init__()
        self._digests: dict[str, str] = {}

    @override
    def __setitem__(self, key: tuple[str, str], value: Any) -> None:
        file, digest = key
        if file in self._digests:
            self.pop((file, self._digests[file]), None)
        self._digests[file] = digest
        super().__setitem__(key, value)


def declared_in_time(root: str) -> Iterator[Then]:
    """Yield what a state tree said at each commit of the main branch.

    Parameters
    ----------
    root
        Root of the tree.

    Yields
    ------
    Then
        The newest first; only commits that touch the tree.

    Raises
    ------
    CalibstateError
        It is kept in no repository.
    """
    from ..adapters.revisions import past

    memo = _NewestRead()
    by_content: dict[Any, Then] = {}
    with past(root, statefile.parts(own_folders())) as trees:
        for revision in trees.line():
            files = trees.files(revision.commit)
            # What was taken back is as it was, and is not read again.
            then = by_content.pop(files.digest, None) or _then(files, revision, memo)
            by_content[files.digest] = then
            # Hundreds of revisions of hundreds of tickets fill a machine.
            while len(by_content) > _KEPT:
                del by_content[next(iter(by_content))]
            problems = _as_of(revision.commit, then.problems)
            yield replace(then, revision=revision, problems=problems)


def _then(files: PastFiles, revision: Revision, memo: statefile.Memo) -> Then:
    try:
        tree = _read(files, revision.commit, memo)
    except InvalidStateError as error:
        return Then(revision, None, error.diagnostics)
    if tree is None:
        return Then(revision, None)
    desired, _ = tree
    return Then(revision, desired)


def _read(
    files: PastFiles, commit: str, memo: statefile.Memo
) -> tuple[DesiredState, tuple[Diagnostic, ...]] | None:
    if not files.is_there:
        return None
    with _files_of(files, commit) as committed:
        return statefile.load_from(committed, memo, own_folders())


@contextmanager
def _files_of(files: PastFiles, commit: str) -> Iterator[Files]:
    """Give the files of a tree at a commit, also behind links."""
    from ..adapters.checkout import write_tree

    if not files.has_links:
        yield files
        return
    # The disk knows where links lead.
    with tempfile.TemporaryDirectory(prefix="calibstate-") as folder:
        write_tree(files.root, commit, Path(folder))
        yield Disk(Path(folder).resolve())


def check_committable(root: str, files: Sequence[str], branch: str) -> None:
    """Refuse where files could not be committed by themselves.

    Parameters
    ----------
    root
        Root of the tree.
    files
        Files in it, that nobody has changed yet; some may not be there.
    branch
        The branch that will be made, or that is checked out.

    Raises
    ------
    RefusedError
        They have uncommitted changes, or the branch exists or cannot be called
        so.
    """
    from ..adapters import commits

    commits.check_committable(root, files, branch)


def current_branch(root: str) -> str:
    """Return the branch that is checked out; empty: none is.

    Parameters
    ----------
    root
        Root of the tree.
    """
    from ..adapters import commits

    return commits.current_branch(root)


def never_committed(root: str, files: Sequence[str]) -> list[str]:
    """Return the files that are on the disk, and in no commit yet.

    Parameters
    ----------
    root
        Root of the tree.
    files
        Files in it.
    """
    from ..adapters import commits

    return commits.never_committed(root, files)


def commit_on_branch(root: str, files: Sequence[str], branch: str, message: str) -> str:
    """Commit files on a branch, and return the commit.

    Parameters
    ----------
    root
        Root of the tree.
    files
        Files in it.
    branch
        The branch, which is made unless it is checked out.
    message
        What the commit says.

    Raises
    ------
    CalibstateError
        Git made none.
    """
    from ..adapters import commits

    return commits.commit_on_branch(root, files, branch, message)


def _as_of(commit: str, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return problems with the commit in front of each file's name."""
    dated: list[Diagnostic] = []
    for diagnostic in diagnostics:
        where = diagnostic.where
        if where:
            where = replace(where, file=f"{commit[:10]}:{where.file}")
        dated.append(replace(diagnostic, where=where))
    return tuple(dated)
