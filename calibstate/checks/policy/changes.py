"""Changes: what the tree says now against what it said at the base.

What a ticket holds is final (docs/decisions/0002), and undeclared is not
unwanted (0001): both make some changes mean other things than they seem.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import Where
from ...model.chains import moved
from ...model.desired import DesiredState, Written
from ...model.names import TicketKey
from ...model.tickets import ApprovalStatus, Ticket
from .judged import Finding, Judged, of_ticket

__all__ = [
    "adopted_tickets_changed",
    "entries_dropped",
    "entries_moved",
    "retired_tickets_changed",
    "sealed_tickets_changed",
]


def sealed_tickets_changed(tree: Judged) -> Iterator[Finding]:
    """Find seals that are gone or that are others."""
    for key, sealed in _before(tree).seals.items():
        ticket, seal = tree.desired.tickets.get(key), tree.desired.seals.get(key)
        was = _before(tree).tickets.get(key)
        if was is None or (seal and seal.noun.digest == sealed.noun.digest):
            continue
        if ticket and ticket.noun.leaves != was.noun.leaves:
            what, where = "its collections are others", _of_collections(ticket)
        elif seal is None:
            what, where = "the seal is gone", tree.where_it_was(key)
        else:
            what, where = "the seal is another one", seal.lines.at("digest")
        yield Finding(
            where,
            f"{was.noun.ticket} was sealed, and {what}. What was sealed may be deployed already; a bundle "
            "and a repository that hold it are never changed.",
            "Take it back, and declare a new ticket in front.",
            of_ticket(was.noun),
        )


def adopted_tickets_changed(tree: Judged) -> Iterator[Finding]:
    """Find tickets that were adopted, not sealed, and hold others now."""
    for key, was in _before(tree).tickets.items():
        ticket = tree.desired.tickets.get(key)
        adopted = was.noun.approval.status is ApprovalStatus.ADOPTED
        if ticket and adopted and key not in _before(tree).seals and ticket.noun.leaves != was.noun.leaves:
            yield Finding(
                _of_collections(ticket),
                f"{ticket.noun.ticket} was adopted with other collections, or in another order. Where it has "
                "arrived it stays as it was.",
                "Take it back, and declare a new ticket in front.",
                of_ticket(ticket.noun),
            )


def retired_tickets_changed(tree: Judged) -> Iterator[Finding]:
    """Find tickets that were retired and say something else now."""
    for key in sorted(_retired(_before(tree))):
        ticket, was = tree.desired.tickets.get(key), _before(tree).tickets[key]
        if ticket and (changed := _changed(was.noun, ticket.noun)):
            yield Finding(
                ticket.lines.at(changed),
                f"{ticket.noun.ticket} was retired, and its `{changed}` is another now: nobody looks at what "
                "is not searched.",
                "Take it back, or bring what is new by a new ticket.",
                of_ticket(ticket.noun),
            )


def entries_dropped(tree: Judged) -> Iterator[Finding]:
    """Find entries that left a chain and were not retired."""
    for name, was in _before(tree).chains.items():
        chain = tree.desired.chains.get(name)
        if chain is None:
            listed: set[str] = set()
            retired: set[str] = set()
        else:
            listed = set(tree.entry_of(chain))
            retired = set(_children(tree.desired, chain.noun.instrument, chain.noun.retired))
        then = Judged(_before(tree), None, tree.today).entry_of(was)
        gone: dict[int, str] = {}
        for child, index in then.items():
            if child not in listed and child not in retired:
                gone.setdefault(index, child)
        for index in sorted(gone):
            word = _word(was.noun.entries[index])
            yield Finding(
                chain.lines.at("entries") if chain else was.lines.at("entries", index),
                f"{word} left {name}, and is not retired. Where it is live it stays, and is searched: it "
                "would be told as *extra*.",
                f"Put its line back, or list it under `retired` of {name}, with the reason."
                if chain
                else f"Keep {name}, with its entries retired.",
                frozenset({word, f"{was.noun.instrument}/{word}", name}),
            )


def entries_moved(tree: Judged) -> Iterator[Finding]:
    """Find entries that changed their place among those that stay."""
    before = _before(tree)
    for name, chain in tree.desired.chains.items():
        was = before.chains.get(name)
        if was is None:
            continue
        then, now = Judged(before, None, tree.today).entry_of(was), tree.entry_of(chain)
        order = sorted(now, key=lambda child: now[child])
        told = dict.fromkeys(now[child] for child in moved(sorted(then, key=lambda c: then[c]), order))
        for index in told:
            word = _word(chain.noun.entries[index])
            yield Finding(
                chain.lines.at("entries", index),
                f"{word} has another place in {name} than before: lookups that two tickets answer may be "
                "answered by the other one.",
                "Say why by an exception in calibstate.yaml, which may end once this is merged.",
                frozenset({word, f"{chain.noun.instrument}/{word}", name}),
            )


def _before(tree: Judged) -> DesiredState:
    assert tree.before, "rules of changes are asked where there is a base"
    return tree.before


def _of_collections(ticket: Written[Ticket]) -> Where:
    return ticket.lines.at("bare" if ticket.noun.bare else "collections")


def _retired(before: DesiredState) -> Iterator[TicketKey]:
    found = set()
    for chain in before.chains.values():
        for word in chain.noun.retired:
            meaning = before.meaning(word, chain.noun.instrument)
            if meaning and meaning.ticket:
                found.add(meaning.ticket.noun.key)
    yield from found


def _changed(was: Ticket, now: Ticket) -> str | None:
    """Return what else of a ticket changed than what it holds."""
    keys = ("approval", "deployment", "skip", "rucio")
    return next((key for key in keys if getattr(was, key) != getattr(now, key)), None)


def _children(desired: DesiredState, instrument: str, words: Any) -> Iterator[str]:
    for word in words:
        meaning = desired.meaning(word, instrument)
        yield from meaning.children if meaning else (word,)


def _word(entry: Any) -> str:
    return entry if isinstance(entry, str) else str(entry.external)
