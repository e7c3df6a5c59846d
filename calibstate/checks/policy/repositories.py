"""Repositories: what each gets, and what it lacks for that.

DMTN-222, section 3.4: the distribution step may be skipped for reasons,
and it is told which repositories the calibrations were copied to.
"""

from __future__ import annotations

from string import digits, punctuation, whitespace

from ...errors import without_secrets
from ...model.names import InstrumentName, RepositoryAddress
from ...model.policy import Level
from ...model.tickets import Ticket
from ..judged import Judged, of_ticket
from ..rule import Finding, Findings, rule
from .dependencies import CHART, prerequisites_of

_APPROVAL = "DMTN-222, section 3.4"

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
"""Words that stand where a reason should."""


@rule(
    "R701",
    "reason-says-nothing",
    title="Skipped for no reason",
    level=Level.WARNING,
    source=_APPROVAL,
)
def reasons_say_nothing(tree: Judged) -> Findings:
    """Find skips with a word in place of a reason."""
    for written in tree.tickets:
        ticket = written.noun
        for place, reason in ticket.skip.items():
            word = reason.strip(punctuation + digits + whitespace)
            if word.casefold() not in _SAY_NOTHING:
                continue
            yield Finding(
                where=written.lines.at("skip", place),
                detail=(
                    f"{place} does not get {ticket.ticket}, and `{reason}` says nothing of why. Whoever "
                    "comes after cannot tell whether that still holds."
                ),
                hint="Say why, in a few words.",
                of=of_ticket(ticket, place),
            )


@rule(
    "R702",
    "prerequisite-skipped",
    title="Prerequisite skipped",
    level=Level.WARNING,
    source=CHART,
)
def prerequisites_skipped(tree: Judged) -> Findings:
    """Find tickets made with what skips a repository that gets them."""
    # What no adopted ticket brings at all is no matter of a skip.
    brought: dict[InstrumentName, set[str]] = {}
    for written in tree.adopted:
        products = tree.products[written.noun.key] or frozenset()
        brought.setdefault(written.noun.instrument, set()).update(products)
    held = _held(tree)

    for written in tree.adopted:
        ticket = written.noun
        of_ticket_itself = tree.products[ticket.key]
        needs = prerequisites_of(of_ticket_itself, ticket.instrument) & brought[ticket.instrument]
        # Adopted tickets are older than the pipelines that correct for it.
        needs -= {"cti"}
        for address in _reached(tree, ticket):
            products_here = held[ticket.instrument, address]
            # Where one ticket may hold anything, nothing can be said to lack.
            if products_here is None or needs <= products_here:
                continue
            missing = " and no ".join(sorted(needs - products_here))
            yield Finding(
                where=written.lines.at("ticket"),
                detail=(
                    f"{address} gets {ticket.ticket}, but no {missing}, which it was made "
                    "with: every ticket that brings one is skipped there."
                ),
                hint="Skip this one there too, or no longer skip the others.",
                of=of_ticket(ticket, address),
            )


@rule(
    "R703",
    "skip-of-nothing",
    title="Nothing to skip",
    level=Level.NOTE,
    source=_APPROVAL,
)
def skips_of_nothing(tree: Judged) -> Findings:
    """Find skips of places that would not get the ticket anyhow."""
    for written in tree.tickets:
        ticket = written.noun
        # A skip names a repository, or a site with all that it has.
        having = tree.desired.with_instrument(ticket.instrument)
        concerned = {*having, *(address.site for address in having)}
        for place in ticket.skip:
            if place in concerned:
                continue
            yield Finding(
                where=written.lines.at("skip", place),
                detail=f"{place} has no {ticket.instrument}, so it would not get {ticket.ticket} anyhow.",
                hint="Delete the line, or name the place that was meant.",
                of=of_ticket(ticket, place),
            )


@rule(
    "R704",
    "skipped-everywhere",
    title="Deployed nowhere",
    level=Level.WARNING,
    source=_APPROVAL,
)
def skipped_everywhere(tree: Judged) -> Findings:
    """Find adopted tickets that no repository but the origin gets."""
    for written in tree.adopted:
        ticket = written.noun
        origin = tree.desired.origin(ticket.instrument)
        having = tree.desired.with_instrument(ticket.instrument)
        others = {address for address in having if address != origin}
        if ticket.skip and others and others.isdisjoint(_reached(tree, ticket)):
            yield Finding(
                where=written.lines.at("skip"),
                detail=f"{ticket.ticket} is adopted, and every repository but its origin skips it.",
                hint="Leave one of them, or retire the ticket.",
                of=of_ticket(ticket),
            )


@rule(
    "R705",
    "records-elsewhere",
    title="Records are elsewhere",
    level=Level.WARNING,
    source="decision 30: a site is judged by what is there",
)
def records_elsewhere(tree: Judged) -> Findings:
    """Find sites whose locks and journals another site keeps."""
    for name, site in sorted(tree.desired.sites.items()):
        store = tree.desired.records_elsewhere(name)
        if not store:
            continue
        key = "records" if site.noun.records else "site"
        repositories = (f"{name}/{repository}" for repository in site.noun.repositories)
        yield Finding(
            where=site.lines.at(key),
            detail=(
                f"The locks and journals of {name} are in {without_secrets(store)}, which another site "
                f"keeps. While that is away nothing can be changed at {name}, not even rolled back."
            ),
            hint="Give the site `records` of its own, in a store at the site.",
            of=frozenset({name, *repositories}),
        )


_Held = dict[tuple[InstrumentName, RepositoryAddress], frozenset[str] | None]


def _held(tree: Judged) -> _Held:
    """Return what adopted tickets bring to each repository.

    `None` for a repository that gets a ticket of which nobody knows what it
    holds: that may be anything.
    """
    held: _Held = {}
    for written in tree.adopted:
        instrument = written.noun.instrument
        products = tree.products[written.noun.key]
        for address in _reached(tree, written.noun):
            earlier = held.get((instrument, address), frozenset())
            if earlier is None or products is None:
                held[instrument, address] = None
            else:
                held[instrument, address] = earlier | products
    return held


def _reached(tree: Judged, ticket: Ticket) -> list[RepositoryAddress]:
    """Return the repositories that get a ticket: all that do not skip it."""
    having = tree.desired.with_instrument(ticket.instrument)
    return [address for address in having if tree.desired.skipped(ticket, address) is None]
