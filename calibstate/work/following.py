"""Take the clone of a state tree forward, to the newest sound commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import CalibstateError, InvalidStateError, UnreachableError
from ..factory.past import checked_out
from ..model.watching import Finding, WatchReason
from ..ports.following import NotFollowedError
from .revisions import declared_at
from .session import Session

__all__ = ["Branch", "follow", "go_forward"]

_MOST = 50
"""Commits of a branch that are looked through, for one that is sound."""


@dataclass(frozen=True)
class Branch:
    """What a clone follows."""

    name: str = "main"

    remote: str = "origin"
    """What the clone calls the repository that it is of."""


def follow(session: Session, branch: Branch) -> Iterator[Finding]:
    """Yield what keeps a clone from being at the newest commit.

    Parameters
    ----------
    session
        It says which tree.
    branch
        What is followed.
    """
    try:
        yield from go_forward(session, branch)
    except NotFollowedError as error:
        problem = error.diagnostics[0]
        message = f"{problem.public or problem.detail} {problem.hint}"
        yield Finding(reason=error.reason, message=message)
        if error.reason.is_of_the_clone:
            return
    except CalibstateError as error:
        yield Finding(reason=WatchReason.GIT_REFUSES, message=_sentence(error))
        return
    here = checked_out(str(session.root))
    if here.commit is None:
        why = "Git does not tell of which commit the tree is, so nothing is carried out."
        yield Finding(reason=WatchReason.GIT_REFUSES, message=why)
    elif here.dirty:
        yield Finding(
            reason=WatchReason.LOCAL_CHANGES,
            message="Files of the clone are not as its commit has them: `git status` in the clone.",
        )


def go_forward(session: Session, branch: Branch) -> Iterator[Finding]:
    """Take the clone forward, or yield why it stays where it is.

    Parameters
    ----------
    session, branch
        As for `follow`.

    Raises
    ------
    CalibstateError
        Git refuses.
    NotFollowedError
        The clone may hold what nobody has merged.
    """
    from ..adapters.following import check, fetched, forward, newer, resume

    root = str(session.root)
    resume(root, branch.name)
    try:
        newest = fetched(root, branch.remote, branch.name)
    except UnreachableError as error:
        yield Finding(reason=WatchReason.NOT_FETCHED, message=_sentence(error))
        # What nobody has merged is not carried out meanwhile either.
        check(root, branch.name)
        return
    for commit in newer(root, branch.name, newest, _MOST):
        mistake = _mistake(session, commit)
        if mistake is None:
            forward(root, commit)
            break
        if commit == newest:
            yield Finding(reason=WatchReason.UNSOUND, message=mistake, command="calibstate validate")


def _mistake(session: Session, commit: str) -> str | None:
    """Return the first mistake of a commit, in a sentence."""
    try:
        before = declared_at(session, commit)
    except InvalidStateError as error:
        first = error.diagnostics[0]
        at = f" ({first.where})" if first.where else ""
        return (
            f"{commit[:10]} does not validate, so what is declared is that of the newest commit that does. "
            f"{first.summary}{at}: {first.detail}"
        )
    if before.desired is None:
        return f"{commit[:10]} has no state tree in this folder, so the clone does not go there."
    return None


def _sentence(error: CalibstateError) -> str:
    words = error.diagnostics[0].for_anybody.rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."
