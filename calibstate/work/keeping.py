"""How the loop of a site goes on: kept in its records, and told to people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from .. import __version__
from ..adapters.loopmemory import remember, remembered
from ..errors import CalibstateError
from ..factory.past import checked_out
from ..model.observations import stamp
from ..model.watching import (
    Condition,
    Finding,
    Notice,
    Unsent,
    WatchReason,
    WatchState,
    WatchWord,
    conditions,
)
from .session import Session
from .telling import Telling

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["is_kept_by_another", "keep", "loop_of", "stands_by_anew", "state_after", "state_before", "tell"]

_MOST_UNSENT = 50
"""Notices that are kept for later; older ones are dropped."""


def loop_of(session: Session) -> str:
    """Return which loop this is, said so that nobody learns where it runs.

    Parameters
    ----------
    session
        It says which clone.
    """
    from ..adapters.processes import this_process

    process = this_process()
    us = f"{process.machine}\n{process.host}\n{session.root.resolve()}"
    return hashlib.sha256(us.encode()).hexdigest()[:12]


def state_before(session: Session, places: Places, site: str) -> WatchState | None:
    """Return how a loop went on; `None`: there was none, or nobody can tell.

    Parameters
    ----------
    session
        Who listens, and which clone.
    places
        Where it is kept.
    site
        Whose loop it is.
    """
    kept: WatchState | None = None
    try:
        kept = places.watch(site)
    except CalibstateError as error:
        # What nobody can read is written anew.
        session.listener.report(error.diagnostics)
    memory = remembered(str(session.root), site)
    ours = loop_of(session)
    if memory is None or memory.loop != ours:
        return kept
    # Turns of ours that could not be written to the records; a clock may have
    # been set meanwhile, and they are counted.
    if kept is None or (kept.loop == ours and kept.turns < memory.turns):
        return memory
    return kept


def stands_by_anew(session: Session, state: WatchState) -> bool:
    """Note that another loop keeps a site, and say whether that is news.

    Parameters
    ----------
    session
        It says which clone.
    state
        How the other one goes on.
    """
    memory = remembered(str(session.root), state.site)
    if memory and memory.loop == state.loop:
        return False
    remember(str(session.root), state)
    return True


def state_after(
    session: Session,
    site: str,
    findings: Iterable[Finding],
    before: WatchState | None,
) -> WatchState:
    """Return how a loop goes on after a turn.

    Parameters
    ----------
    session
        It says which clone, and what time it is.
    site
        Whose loop it is.
    findings
        What the turn met.
    before
        How it went on before.
    """
    at = stamp(session.now())
    order = list(WatchReason)
    in_order = sorted(findings, key=lambda finding: order.index(finding.reason))
    turns, troubled = 1, 0
    unsent: tuple[Unsent, ...] = ()
    if before:
        turns += before.turns
        troubled = before.troubled
        unsent = before.unsent
    # What goes wrong now and then is no trouble before it lasts.
    if any(finding.reason.often_mends_itself for finding in in_order):
        troubled += 1
    else:
        troubled = 0
    state = WatchState(
        site=site,
        loop=loop_of(session),
        at=at,
        until=None,
        version=__version__,
        commit=checked_out(str(session.root)).commit,
        turns=turns,
        troubled=troubled,
        findings=tuple(in_order),
        unsent=unsent,
        **conditions(in_order, at, troubled, before),
    )
    if not state.is_news(before):
        return state
    unsent = (*unsent, Unsent(notice=_notice(state, before)))
    # Who cannot be reached for weeks is not told of each of them.
    return state.model_copy(update={"unsent": unsent[-_MOST_UNSENT:]})


def keep(session: Session, places: Places, state: WatchState) -> None:
    """Keep how a loop goes on.

    Parameters
    ----------
    session
        Which clone has a memory of its own.
    places
        Where it is kept for all.
    state
        How it goes on.

    Raises
    ------
    CalibstateError
        Only the clone remembers it.
    """
    remember(str(session.root), state)
    places.publish_watch(state)


def tell(session: Session, state: WatchState, telling: Telling) -> WatchState:
    """Tell people what they do not know yet.

    It is to be kept before: who is cut off sends it once more, and under the
    same name.

    Parameters
    ----------
    session
        Who listens.
    state
        How a loop goes on.
    telling
        How people are reached.

    Returns
    -------
    WatchState
        The same, with what is left to be told.
    """
    left: list[Unsent] = []
    for unsent in state.unsent:
        still, problems = telling.tell(unsent)
        if still:
            left.append(still)
        session.listener.report(problems)
    return state.model_copy(update={"unsent": tuple(left)})


def is_kept_by_another(session: Session, before: WatchState, most: float) -> bool:
    """Say whether another loop keeps a site.

    Parameters
    ----------
    session
        It says which clone this is, and what time it is.
    before
        How the loop of the site went on.
    most
        Seconds since its last turn from which it is taken for ended, where it
        does not say itself until when.
    """
    if before.loop == loop_of(session):
        return False
    now = session.now()
    since = now - datetime.fromisoformat(before.at)
    # A moment of the future is as far away: one of the clocks is wrong.
    if before.until is None or since.total_seconds() < 0:
        return abs(since.total_seconds()) < most
    return now < datetime.fromisoformat(before.until)


def _notice(state: WatchState, before: WatchState | None) -> Notice:
    """Return what people are told of a change."""
    because: Condition | Finding = state.because
    # What people know already is not told first.
    anew = state.asked_anew(before)
    if anew and state.word is WatchWord.STALLED:
        because = anew[0]
    # Of two changes one at least of these differs.
    about = "\n".join([state.site, state.at, state.word.value, because.reason.value, because.message])
    return Notice(
        id=hashlib.sha256(about.encode()).hexdigest()[:32],
        site=state.site,
        at=state.at,
        word=state.word,
        was=before.word if before else None,
        reason=because.reason,
        message=because.message,
        commands=state.commands,
    )
