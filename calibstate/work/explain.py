"""Tell which calibration a lookup gets, and why not another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..kinds.chain import ChainKind

# With this numpy is imported.
from ..lookups.explaining.explain import explain as find_explanations
from ..model.desired import DesiredState
from ..model.explanations import Answer, Explained, Question, Since
from ..model.names import Address, TicketKey
from ..model.results.lookups import ExplanationsFound
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["explain"]


def explain(session: Session, question: Question, *, everything: bool = False) -> ExplanationsFound:
    """Return what a lookup gets at each repository, and why.

    Parameters
    ----------
    session
        Where to look.
    question
        What is looked up.
    everything
        Whether the collections that hold nothing are named, too.
    """
    desired, scope = session.desired, session.scope
    places = session.places()
    with session.counting("looking at", "repositories") as watch:
        explained = find_explanations(desired, scope, places, question, watch)
    session.listener.report(places.relied_on())
    since = []
    for explanation in explained.answers:
        # Of each repository its own journals tell.
        since.append(_since(desired, explained, explanation, places))
    ages = places.seen(explained.unreachable)
    last_seen: tuple[Answer, ...] = ()
    too_old = places.seen_too_long_ago()
    if too_old:
        narrowed = replace(scope, sites=(), repositories=too_old)
        last_seen = find_explanations(desired, narrowed, places.as_last_seen(), question).answers
    return ExplanationsFound(explained, tuple(since), everything, ages, last_seen)


def _since(desired: DesiredState, explained: Explained, lookup: Answer, places: Places) -> Since | None:
    """Return since when what wins is searched there.

    `None` where nothing wins, or where what was searched is no chain.
    """
    explanation = lookup.explanation
    winner = explanation.winner
    if winner is None or winner.collection == explanation.chain:
        return None
    names = {winner.collection}
    ticket_name = explained.tickets.get(winner.collection)
    if ticket_name:
        ticket = desired.tickets.get(TicketKey(explained.question.instrument, ticket_name))
        names.update(ticket.noun.children if ticket else ())
    chain = Address(place=lookup.repository, kind=ChainKind.name, name=explanation.chain)
    return places.entered(chain, names)
