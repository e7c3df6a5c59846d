"""Git: what is new on a branch, and the clone that follows it.

The clone only ever goes forward along one branch.  A branch that no longer
holds what the clone is at was written anew: nothing of it is taken, since
nobody has reviewed what is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ..errors import Diagnostic, UnreachableError
from ..model.watching import WatchReason
from ..ports.following import NotFollowedError
from .git import Checkout, GitFailedError, opened

__all__ = ["fetched", "forward", "newer"]

_KEPT = "refs/calibstate/watched"
"""What was fetched last."""

_UNDER_WAY = "refs/calibstate/forward"
"""Where the clone was about to go; there only while it goes."""

_LIMIT = timedelta(minutes=5)


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
        Those of the branch itself, the newest first; none: it is there.

    Raises
    ------
    NotFollowedError
        The clone is on another branch, or the branch was written anew.
    """
    with opened(folder) as checkout:
        _resume(checkout)
        here = _where(checkout, branch)
        if here == target:
            return ()
        if checkout.ask("merge-base", "--is-ancestor", here, target).code:
            raise NotFollowedError(
                WatchReason.HISTORY_REWRITTEN,
                Diagnostic(
                    "History was rewritten",
                    f"{branch} is at {target[:10]} now, which does not hold {here[:10]}, where the clone is; "
                    "so nothing is taken.",
                    hint="Ask who has written it anew. Who agrees with it: "
                    f"`git reset --keep {target[:10]}` in the clone.",
                ),
            )
        words = ("rev-list", "--first-parent", f"--max-count={most}", f"{here}..{target}")
        return checkout.tell(*words).split()


def forward(folder: str, target: str) -> None:
    """Take a clone forward to a commit.

    Who is cut off is taken up by the next `newer`.

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
        changed = checkout.ask("status", "--porcelain", "--untracked-files=no").out
        if changed:
            first = changed.splitlines()[0][2:].strip()
            raise NotFollowedError(
                WatchReason.LOCAL_CHANGES,
                Diagnostic(
                    "Clone was changed by hand",
                    f"{first} of the clone is not as its commit has it, so the clone does not go forward.",
                    hint="Take what is wanted into a pull request, then `git checkout -- .` in the clone.",
                ),
            )
        try:
            checkout.tell("update-ref", _UNDER_WAY, target)
            checkout.tell("merge", "--quiet", "--ff-only", "--no-edit", "--no-autostash", target)
            checkout.tell("update-ref", "-d", _UNDER_WAY)
        except GitFailedError as error:
            raise NotFollowedError(
                WatchReason.LOCAL_CHANGES,
                Diagnostic(
                    "Clone does not go forward",
                    f"It does not go to {target[:10]}: {error.words}",
                    hint="`git status` in the clone tells more.",
                ),
            ) from None


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


def _resume(checkout: Checkout) -> None:
    """Finish what was cut off: the clone was unchanged when it set out."""
    answer = checkout.ask("rev-parse", "--verify", "--quiet", f"{_UNDER_WAY}^{{commit}}")
    if answer.code:
        return
    # Of the Git that was cut off; the site's loop is the only one.
    lock = Path(checkout.git_dir) / "index.lock"
    lock.unlink(missing_ok=True)
    try:
        checkout.tell("reset", "--quiet", "--hard", answer.out)
        checkout.tell("update-ref", "-d", _UNDER_WAY)
    except GitFailedError as error:
        raise NotFollowedError(
            WatchReason.LOCAL_CHANGES,
            Diagnostic(
                "Clone does not go forward",
                f"What was cut off on its way to {answer.out[:10]} is not finished: {error.words}",
                hint="`git status` in the clone tells more.",
            ),
        ) from None
