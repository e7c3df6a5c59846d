"""Git: what is new on a branch, and the clone that follows it.

The clone only ever goes forward along one branch.  A branch that no longer
holds what the clone is at was written anew: nothing of it is taken, since
nobody has reviewed what is gone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ..errors import Diagnostic, UnreachableError
from ..model.watching import WatchReason
from ..ports.following import NotFollowedError
from .git import Checkout, GitFailedError, opened

__all__ = ["check", "fetched", "forward", "newer", "resume"]

_KEPT = "refs/calibstate/watched"
"""What was fetched last."""

_UNDER_WAY = "refs/calibstate/forward"
"""Where the clone was about to go; there only while it goes."""

_LIMIT = timedelta(minutes=5)

_OF_THE_KILLED = 600
"""Seconds from which a lock of Git's is taken for one that was left."""

_LARGEST = 100_000_000
"""Bytes of a file that is compared as a whole."""


def fetched(folder: str, remote: str, branch: str) -> str:
    """Return the newest commit of a branch, of which all is here then.

    Parameters
    ----------
    folder
        The root of a state tree.
    remote
        What the clone calls the repository that is asked.
    branch
        The branch.

    Raises
    ------
    CalibstateError
        The tree is not in Git.
    UnreachableError
        The repository does not answer, or has no such branch.
    """
    with opened(folder) as checkout:
        what = f"+refs/heads/{branch}:{_KEPT}"
        words = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--end-of-options", remote, what)
        try:
            checkout.reach(*words, limit=_LIMIT)
            return checkout.tell("rev-parse", "--verify", f"{_KEPT}^{{commit}}")
        except GitFailedError as error:
            # Git's own words name the server.
            raise UnreachableError(
                Diagnostic(
                    "Repository of the tree does not answer",
                    f"{branch} of {remote} could not be fetched: {error.words}",
                    hint=f"`git fetch {remote} {branch}` in the clone answers the same.",
                    public=f"{branch} of {remote} could not be fetched",
                )
            ) from None


def resume(folder: str, branch: str) -> None:
    """Finish a `forward` that was cut off, if there is one.

    Parameters
    ----------
    folder
        The root of a state tree.
    branch
        The branch that the clone must be on.

    Raises
    ------
    CalibstateError
        The tree is not in Git, or Git refuses.
    NotFollowedError
        The clone is on another branch, or somebody has changed files of it.
    """
    with opened(folder) as checkout:
        _where(checkout, branch)
        _resume(checkout, branch)


def check(folder: str, branch: str) -> None:
    """Refuse a clone that may hold what nobody has merged.

    For as long as the branch cannot be fetched: somebody may have taken the
    clone forward since, which a fetch tells.

    Parameters
    ----------
    folder
        The root of a state tree.
    branch
        The branch that the clone must be on.

    Raises
    ------
    CalibstateError
        The tree is not in Git, or Git refuses.
    NotFollowedError
        The clone is on another branch, or at a commit that the branch did not
        hold when it was fetched last.
    """
    with opened(folder) as checkout:
        here = _where(checkout, branch)
        last = _commit(checkout, _KEPT)
        if last and not _holds(checkout, last, here):
            raise _rewritten(branch, here, last)


def newer(folder: str, branch: str, target: str, most: int) -> Sequence[str]:
    """Return commits from where a clone is on to another one.

    Parameters
    ----------
    folder
        The root of a state tree.
    branch
        The branch that the clone must be on.
    target
        The commit that was fetched.
    most
        How many are told at most.

    Returns
    -------
    sequence of str
        Those of the branch itself that hold the one where the clone is, the
        newest first; none: it is there.

    Raises
    ------
    NotFollowedError
        The clone is on another branch, or the branch was written anew.
    """
    with opened(folder) as checkout:
        here = _where(checkout, branch)
        if here == target:
            return ()
        if not _holds(checkout, target, here):
            raise _rewritten(branch, here, target)
        words = ("rev-list", "--first-parent", "--ancestry-path", f"--max-count={most}", f"{here}..{target}")
        return checkout.tell(*words).split()


def forward(folder: str, target: str) -> None:
    """Take a clone forward to a commit.

    Who is cut off is taken up by the next `resume`.

    Parameters
    ----------
    folder
        The root of a state tree.
    target
        A commit that holds the one where the clone is.

    Raises
    ------
    NotFollowedError
        Somebody has changed files of the clone.
    """
    with opened(folder) as checkout:
        _let_go_of_lock(checkout)
        changed = checkout.ask("status", "--porcelain", "--untracked-files=no").out
        if changed:
            raise _changed(changed.splitlines()[0][2:].strip())
        before = set(_departures(checkout))
        try:
            checkout.tell("update-ref", _UNDER_WAY, target)
            checkout.tell("merge", "--quiet", "--ff-only", "--no-edit", "--no-autostash", target)
        except GitFailedError as error:
            if _lock(checkout).exists():
                checkout.ask("update-ref", "-d", _UNDER_WAY)
                raise _locked() from None
            # What a full disk has cut off is finished once there is room.
            if before.issuperset(_departures(checkout)):
                checkout.ask("update-ref", "-d", _UNDER_WAY)
            raise _not_forward(target, error) from None
        checkout.ask("update-ref", "-d", _UNDER_WAY)


def _where(checkout: Checkout, branch: str) -> str:
    """Return the commit of a clone that is on a branch."""
    on = checkout.ask("symbolic-ref", "--quiet", "HEAD").out
    if on != f"refs/heads/{branch}":
        raise NotFollowedError(
            WatchReason.OTHER_BRANCH,
            Diagnostic(
                "Clone is on another branch",
                f"It is on {on.removeprefix('refs/heads/') or 'no branch'}, and {branch} is followed.",
                hint=f"`git switch {branch}` in the clone, or name the branch: --follow.",
            ),
        )
    return checkout.tell("rev-parse", "--verify", "HEAD^{commit}")


def _resume(checkout: Checkout, branch: str) -> None:
    """Finish what was cut off, where nothing but that is to be finished."""
    target = _commit(checkout, _UNDER_WAY)
    if target is None:
        return
    here = _where(checkout, branch)
    last = _commit(checkout, _KEPT)
    if not last or not _holds(checkout, last, target) or not _holds(checkout, target, here):
        checkout.ask("update-ref", "-d", _UNDER_WAY)
        return
    for name in _departures(checkout):
        if not _is_of(checkout, name, (here, target)):
            checkout.ask("update-ref", "-d", _UNDER_WAY)
            raise _changed(name)
    _let_go_of_lock(checkout)
    try:
        checkout.tell("reset", "--quiet", "--hard", target)
        checkout.tell("update-ref", "-d", _UNDER_WAY)
    except GitFailedError as error:
        raise _not_forward(target, error) from None


def _departures(checkout: Checkout) -> Sequence[str]:
    """Return the files that are not as the commit of a clone has them."""
    words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    answer = checkout.ask(*words)
    return [entry[3:] for entry in answer.out.split("\0") if entry]


def _is_of(checkout: Checkout, name: str, commits: Sequence[str]) -> bool:
    """Say whether a file is as one of some commits has it."""
    path = checkout.top / name
    of_commits: list[str] = []
    for commit in commits:
        of_commits.append(checkout.ask("rev-parse", "--verify", "--quiet", f"{commit}:{name}").out)
    # Git takes a file away before it writes another.
    if not path.exists():
        return any(of_commits)
    # Of a file that none of them has nothing is written over.
    if not any(of_commits):
        return True
    digest = checkout.ask("hash-object", "--end-of-options", name).out
    if digest in of_commits:
        return True
    # Git writes a file from its begin on.
    return any(_is_begin_of(checkout, path, blob) for blob in of_commits if blob)


def _is_begin_of(checkout: Checkout, path: Path, blob: str) -> bool:
    """Say whether a file is as Git leaves it that cannot write on."""
    if path.is_symlink() or not path.is_file():
        return False
    size = int(checkout.tell("cat-file", "-s", blob))
    if path.stat().st_size >= size or size > _LARGEST:
        return False
    begin = path.read_bytes()
    return checkout.file(blob, _LARGEST).startswith(begin)


def _lock(checkout: Checkout) -> Path:
    return Path(checkout.git_dir) / "index.lock"


def _let_go_of_lock(checkout: Checkout) -> None:
    """Remove the lock that a Git has left that was killed."""
    lock = _lock(checkout)
    # Somebody may be writing the message of a commit.
    if lock.exists() and time.time() - lock.stat().st_mtime > _OF_THE_KILLED:
        lock.unlink(missing_ok=True)


def _commit(checkout: Checkout, name: str) -> str | None:
    """Return the commit of a reference; `None`: there is none."""
    answer = checkout.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return answer.out if not answer.code else None


def _holds(checkout: Checkout, commit: str, older: str) -> bool:
    """Say whether a commit came out of another, or is that one."""
    return checkout.ask("merge-base", "--is-ancestor", older, commit).code == 0


def _rewritten(branch: str, here: str, target: str) -> NotFollowedError:
    return NotFollowedError(
        WatchReason.HISTORY_REWRITTEN,
        Diagnostic(
            "History was rewritten",
            f"{branch} was at {target[:10]} when it was fetched last, which does not hold {here[:10]}, "
            "where the clone is; so nothing is taken.",
            hint="Ask who has written it anew, or what was committed in the clone. Who agrees with it: "
            f"`git reset --keep {target[:10]}` in the clone.",
        ),
    )


def _changed(name: str) -> NotFollowedError:
    return NotFollowedError(
        WatchReason.LOCAL_CHANGES,
        Diagnostic(
            "Clone was changed by hand",
            f"{name} of the clone is not as its commit has it, so the clone does not go forward.",
            hint="Take what is wanted into a pull request, then `git checkout -- .` in the clone.",
        ),
    )


def _locked() -> NotFollowedError:
    return NotFollowedError(
        WatchReason.LOCKED,
        Diagnostic(
            "Clone is locked",
            ".git/index.lock of the clone is there: another Git works in it, or was killed.",
            hint="It is let go of when it is ten minutes old.",
        ),
    )


def _not_forward(target: str, error: GitFailedError) -> NotFollowedError:
    # Git's own words have paths.
    public = f"The clone does not go forward to {target[:10]}."
    return NotFollowedError(
        WatchReason.LOCAL_CHANGES,
        Diagnostic(
            "Clone does not go forward",
            f"{public} {error.words}",
            hint="`git status` in the clone tells more.",
            public=public,
        ),
    )
