"""Repositories: what each gets, and what it lacks for that.

DMTN-222, section 3.4: the distribution step may be skipped for reasons,
and it is told which repositories the calibrations were copied to.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import digits, punctuation, whitespace

from ...errors import without_secrets
from ...model.desired import Written
from ...model.names import InstrumentName, RepositoryAddress
from ...model.tickets import Ticket
from .dependencies import prerequisites_of
from .judged import Finding, Judged, of_ticket

__all__ = [
    "prerequisites_skipped",
    "reasons_say_nothing",
    "records_elsewhere",
    "skipped_everywhere",
    "skips_of_nothing",
]

_SAY_NOTHING = {
    "",
    "because",
    "fixme",
    "later",
    "n/a",
    "na",
    "no",
    "none",
    "reason",
    "skip",
    "skipped",
    "tbd",
    "todo",
}


def reasons_say_nothing(tree: Judged) -> Iterator[Finding]:
    """Find skips with a word in place of a reason."""
    for ticket in tree.tickets:
        for place, reason in ticket.noun.skip.items():
            if reason.strip(punctuation + digits + whitespace).casefold() in _SAY_NOTHING:
                yield Finding(
                    ticket.lines.at("skip", place),
                    f"{place} does not get {ticket.noun.ticket}, and `{reason}` says nothing of why. Whoever "
                    "comes after cannot tell whether that still holds.",
                    "Say why, in a few words.",
                    of_ticket(ticket.noun, place),
                )


def prerequisites_skipped(tree: Judged) -> Iterator[Finding]:
    """Find tickets made with what skips a repository that gets them."""
    known, held = _held(tree)
    for ticket in tree.adopted:
        needs = prerequisites_of(tree.products[ticket.noun.key]) & known.get(ticket.noun.instrument, set())
        lacking = {
            address: missing
            for address in (_reached(tree, ticket) if needs else ())
            if (here := held[ticket.noun.instrument, address]) is not None and (missing := needs - here)
        }
        for address, missing in lacking.items():
            yield Finding(
                ticket.lines.at("ticket"),
                f"{address} gets {ticket.noun.ticket}, but no {' and no '.join(sorted(missing))}, which it "
                "was made with: every ticket that brings one is skipped there.",
                "Skip this one there too, or no longer skip the others.",
                of_ticket(ticket.noun, address),
            )


def skips_of_nothing(tree: Judged) -> Iterator[Finding]:
    """Find skips of places that would not get the ticket anyhow."""
    for ticket in tree.tickets:
        having = tree.desired.with_instrument(ticket.noun.instrument)
        concerned = {*having, *(address.site for address in having)}
        for place in ticket.noun.skip:
            if place not in concerned:
                yield Finding(
                    ticket.lines.at("skip", place),
                    f"{place} has no {ticket.noun.instrument}, so it would not get {ticket.noun.ticket} "
                    "anyhow.",
                    "Delete the line, or name the place that was meant.",
                    of_ticket(ticket.noun, place),
                )


def skipped_everywhere(tree: Judged) -> Iterator[Finding]:
    """Find adopted tickets that no repository but the origin gets."""
    for ticket in tree.adopted:
        others = set(tree.desired.with_instrument(ticket.noun.instrument))
        others.discard(tree.desired.origin(ticket.noun.instrument) or "")
        if ticket.noun.skip and others and others.isdisjoint(_reached(tree, ticket)):
            yield Finding(
                ticket.lines.at("skip"),
                f"{ticket.noun.ticket} is adopted, and every repository but its origin skips it.",
                "Leave one of them, or retire the ticket.",
                of_ticket(ticket.noun),
            )


def records_elsewhere(tree: Judged) -> Iterator[Finding]:
    """Find sites whose locks and journals another site keeps."""
    for name, site in sorted(tree.desired.sites.items()):
        if store := tree.desired.records_elsewhere(name):
            yield Finding(
                site.lines.at("records" if site.noun.records else "site"),
                f"The locks and journals of {name} are in {without_secrets(store)}, which another site "
                f"keeps. While that is away nothing can be changed at {name}, not even rolled back.",
                "Give the site `records` of its own, in a store at the site.",
                frozenset({name, *(f"{name}/{repository}" for repository in site.noun.repositories)}),
            )


def _held(
    tree: Judged,
) -> tuple[
    dict[InstrumentName, set[str]], dict[tuple[InstrumentName, RepositoryAddress], frozenset[str] | None]
]:
    """Return what adopted tickets bring, in all and to each repository.

    `None` for a repository that gets a ticket of which nobody knows what it
    holds: that may be anything.
    """
    known: dict[InstrumentName, set[str]] = {}
    held: dict[tuple[InstrumentName, RepositoryAddress], frozenset[str] | None] = {}
    for ticket in tree.tickets:
        for address in tree.desired.with_instrument(ticket.noun.instrument):
            held.setdefault((ticket.noun.instrument, address), frozenset())
    for ticket in tree.adopted:
        instrument, products = ticket.noun.instrument, tree.products[ticket.noun.key]
        known.setdefault(instrument, set()).update(products or ())
        for address in _reached(tree, ticket):
            so_far = held[instrument, address]
            held[instrument, address] = None if products is None or so_far is None else so_far | products
    return known, held


def _reached(tree: Judged, ticket: Written[Ticket]) -> tuple[RepositoryAddress, ...]:
    desired, noun = tree.desired, ticket.noun
    return tuple(a for a in desired.with_instrument(noun.instrument) if desired.skipped(noun, a) is None)
