"""Whether the sites, repositories and instruments that are named are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import Where
from ...model.chains import ExternalEntry
from ...model.desired import Written
from ...model.names import spelled
from ..rule import Finding, Findings, mistake
from ..tree import Tree
from ..words import did_you_mean, line


@dataclass(frozen=True)
class _Named:
    """A word that should be a site, or a repository."""

    word: str

    where: Where
    """The line."""


@mistake("Unknown site or repository")
def places_unknown(tree: Tree) -> Findings:
    """Find words that are no site and no repository."""
    for named in (*_in_tickets_and_chains(tree), *_in_windows(tree)):
        word = named.word
        if word in tree.places or tree.unread.may_mean(word):
            continue
        hint = did_you_mean(word, tree.places)
        yield Finding(
            where=named.where,
            detail=f"{spelled(word)} is neither a site nor a repository.",
            hint=hint or "A repository is written SITE/REPOSITORY.",
        )


@mistake("Unknown site")
def sites_unknown(tree: Tree) -> Findings:
    """Find waves of what is no site."""
    for named in _in_waves(tree):
        word = named.word
        if _may_be_site(tree, word):
            continue
        hint = did_you_mean(word, tree.desired.sites)
        yield Finding(
            where=named.where,
            detail=f"{spelled(word)} is no site.",
            hint=hint or "Waves are of sites, not of repositories.",
        )


@mistake("Site in two waves")
def sites_in_two_waves(tree: Tree) -> Findings:
    """Find sites that would have their turn twice."""
    first: dict[str, Where] = {}
    for named in _in_waves(tree):
        site = named.word
        earlier = first.setdefault(site, named.where)
        # Of a word that is no site it is told that it is none.
        if earlier is not named.where and _may_be_site(tree, site):
            yield Finding(
                where=named.where,
                detail=f"{site} is in a wave already ({line(earlier)}); it has its turn once.",
                hint="Keep one of the two.",
            )


@mistake("Unknown instrument")
def instruments_unknown(tree: Tree) -> Findings:
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


def _may_be_site(tree: Tree, word: str) -> bool:
    return word in tree.desired.sites or tree.unread.may_mean(word)


def _in_tickets_and_chains(tree: Tree) -> Iterator[_Named]:
    for ticket in tree.tickets:
        for place in ticket.noun.skip:
            where = ticket.lines.at("skip", place)
            yield _Named(place, where)
    for chain in tree.chains:
        lines = chain.lines
        for index, place in enumerate(chain.noun.only):
            where = lines.at("only", index)
            yield _Named(place, where)
        for number, entry in enumerate(chain.noun.entries):
            if not isinstance(entry, ExternalEntry):
                continue
            for index, place in enumerate(entry.only):
                where = lines.at("entries", number, "only", index)
                yield _Named(place, where)


def _in_windows(tree: Tree) -> Iterator[_Named]:
    if tree.settings is None:
        return
    lines = tree.settings.lines
    for number, window in enumerate(tree.settings.noun.windows):
        for index, place in enumerate(window.deny):
            where = lines.value_at("windows", number, "deny", index)
            yield _Named(place, where)


def _in_waves(tree: Tree) -> Iterator[_Named]:
    if tree.settings is None:
        return
    lines = tree.settings.lines
    for number, wave in enumerate(tree.settings.noun.waves):
        for index, site in enumerate(wave):
            where = lines.value_at("waves", number, index)
            yield _Named(site, where)
