"""Whether the sites, repositories and instruments that are named are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import Where
from ...model.chains import ExternalEntry
from ...model.desired import Written
from ...model.names import spelled
from ..rule import Finding, mistake
from ..tree import Tree
from ..words import did_you_mean, line


@mistake("Unknown site or repository")
def places_unknown(tree: Tree) -> Iterator[Finding]:
    """Find words that are no site and no repository."""
    for place, where in _places_named(tree):
        if place in tree.places or tree.unread.may_mean(place):
            continue
        hint = did_you_mean(place, tree.places)
        yield Finding(
            where=where,
            detail=f"{spelled(place)} is neither a site nor a repository.",
            hint=hint or "A repository is written SITE/REPOSITORY.",
        )


@mistake("Unknown site")
def sites_unknown(tree: Tree) -> Iterator[Finding]:
    """Find waves of what is no site."""
    for site, where in _sites_in_waves(tree):
        if site in tree.desired.sites or tree.unread.may_mean(site):
            continue
        hint = did_you_mean(site, tree.desired.sites)
        yield Finding(
            where=where,
            detail=f"{spelled(site)} is no site.",
            hint=hint or "Waves are of sites, not of repositories.",
        )


@mistake("Site in two waves")
def sites_in_two_waves(tree: Tree) -> Iterator[Finding]:
    """Find sites that would have their turn twice."""
    first: dict[str, Where] = {}
    for site, where in _sites_in_waves(tree):
        earlier = first.setdefault(site, where)
        # Of a word that is no site it is told that it is none.
        is_site = site in tree.desired.sites or tree.unread.may_mean(site)
        if earlier is not where and is_site:
            yield Finding(
                where=where,
                detail=f"{site} is in a wave already ({line(earlier)}); it has its turn once.",
                hint="Keep one of the two.",
            )


@mistake("Unknown instrument")
def instruments_unknown(tree: Tree) -> Iterator[Finding]:
    """Find instruments that no repository has, each once."""
    if tree.unread.sites:
        return
    reported: set[str] = set()
    declared: tuple[Written[Any], ...] = (*tree.tickets, *tree.chains)
    for written in declared:
        instrument = written.noun.instrument
        if instrument in tree.instruments or instrument in reported:
            continue
        # One finding for an instrument: its tickets may be hundreds.
        reported.add(instrument)
        hint = did_you_mean(instrument, tree.instruments)
        yield Finding(
            where=written.lines.value_at("instrument"),
            detail=f"No repository has the instrument {instrument}.",
            hint=hint or "List it under `instruments` of a repository.",
        )


def _places_named(tree: Tree) -> Iterator[tuple[str, Where]]:
    """Yield the sites and repositories that files name, with their lines."""
    for ticket in tree.tickets:
        for place in ticket.noun.skip:
            yield place, ticket.lines.at("skip", place)
    for chain in tree.chains:
        for index, place in enumerate(chain.noun.only):
            yield place, chain.lines.at("only", index)
        for number, entry in enumerate(chain.noun.entries):
            if isinstance(entry, ExternalEntry):
                for index, place in enumerate(entry.only):
                    yield place, chain.lines.at("entries", number, "only", index)
    yield from _places_denied(tree)


def _places_denied(tree: Tree) -> Iterator[tuple[str, Where]]:
    """Yield the places at which windows let nothing be changed."""
    if tree.settings:
        for number, window in enumerate(tree.settings.noun.windows):
            for index, place in enumerate(window.deny):
                yield place, tree.settings.lines.value_at("windows", number, "deny", index)


def _sites_in_waves(tree: Tree) -> Iterator[tuple[str, Where]]:
    if tree.settings:
        for number, wave in enumerate(tree.settings.noun.waves):
            for index, site in enumerate(wave):
                yield site, tree.settings.lines.value_at("waves", number, index)
