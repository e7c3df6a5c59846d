"""Compare two declarations: what is said otherwise, and not in which lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..model.chains import ChainFile, ExternalEntry, moved
from ..model.changes import (
    ChainChange,
    Changes,
    Gone,
    NounChange,
    OwnChange,
    Placed,
    SealChange,
    TicketChange,
)
from ..model.desired import DesiredState, Written
from ..model.names import RepositoryAddress, TicketKey
from ..model.seals import Seal
from ..model.tickets import Ticket

__all__ = ["changes", "changes_of_chain"]

K = TypeVar("K")
V = TypeVar("V")


def changes(before: DesiredState | None, after: DesiredState) -> Changes:
    """Return what a declaration says otherwise than another.

    Parameters
    ----------
    before
        The declaration as it was; `None`: there was none.
    after
        The declaration as it is now.
    """
    comparison = _Comparison(_Side.of(before), _Side.of(after))
    return Changes(
        chains=tuple(comparison.chains()),
        tickets=tuple(comparison.tickets()),
        seals=tuple(comparison.seals()),
        repositories=tuple(comparison.repositories()),
        settings=tuple(comparison.settings()),
        own=tuple(comparison.own()),
    )


def changes_of_chain(before: DesiredState | None, after: DesiredState | None, name: str) -> Changes:
    """Return what is said otherwise of a chain and of the tickets it lists.

    Parameters
    ----------
    before
        The declaration as it was; `None`: there was none.
    after
        The declaration as it is now; `None`: there is none.
    name
        The chain.
    """
    old = _Side.of(before)
    new = _Side.of(after)
    chains = []
    chain = _Comparison(old, new).chain(name)
    if chain:
        chains.append(chain)
    tickets = []
    listed = old.tickets_of(name)
    listed.update(new.tickets_of(name))
    for key in sorted(listed):
        ticket = _ticket(key, old.tickets.get(key), new.tickets.get(key))
        if ticket:
            tickets.append(ticket)
    return Changes(tuple(chains), tuple(tickets))


@dataclass(frozen=True)
class _Side:
    """One of two declarations that are compared; empty where there is none."""

    desired: DesiredState | None = None
    chains: Mapping[str, Written[ChainFile]] = field(default_factory=dict)
    tickets: Mapping[TicketKey, Written[Ticket]] = field(default_factory=dict)
    seals: Mapping[TicketKey, Written[Seal]] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Written[Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, desired: DesiredState | None) -> _Side:
        """Return a declaration as a side."""
        if desired is None:
            return cls()
        return cls(
            desired=desired,
            chains=desired.chains,
            tickets=desired.tickets,
            seals=desired.seals,
            own=desired.own,
        )

    def tickets_of(self, name: str) -> set[TicketKey]:
        """Return the tickets that a chain lists."""
        keys: set[TicketKey] = set()
        chain = self.chains.get(name)
        if self.desired is None or chain is None:
            return keys
        instrument = chain.noun.instrument
        for word in _entries(chain):
            meaning = self.desired.meaning(word, instrument)
            if meaning and meaning.ticket:
                keys.add(meaning.ticket.noun.key)
        return keys

    def having(self, chain: Written[ChainFile]) -> tuple[RepositoryAddress, ...]:
        """Return the repositories that are to have a chain."""
        having: list[RepositoryAddress] = []
        if self.desired is None:
            return ()
        for address in self.desired.with_instrument(chain.noun.instrument):
            if self.desired.expects(chain.noun.only, address):
                having.append(address)
        return tuple(having)

    def repositories(self) -> dict[str, Mapping[str, Any]]:
        """Return repositories with all that holds for them."""
        repositories: dict[str, Mapping[str, Any]] = {}
        if self.desired is None:
            return repositories
        for address in self.desired.repositories:
            site, repository = self.desired.repository(address)
            _, _, name = address.partition("/")
            route = site.route_of(name)
            hold = self.desired.hold_of(address)
            # What its site says holds for it as much as what itself says.
            plain = repository.model_dump(mode="json")
            plain["route"] = route and route.model_dump(mode="json")
            plain["hold"] = hold and hold.reason
            plain["hosts"] = list(site.hosts)
            repositories[address] = plain
        return repositories


@dataclass(frozen=True)
class _Comparison:
    """What one declaration says otherwise than another, part by part."""

    before: _Side
    after: _Side

    def chains(self) -> Iterator[ChainChange]:
        """Yield the chains that are declared otherwise, by name."""
        for name, _, _ in _both(self.before.chains, self.after.chains):
            change = self.chain(name)
            if change:
                yield change

    def chain(self, name: str) -> ChainChange | None:
        """Return what is declared otherwise of a chain; `None`: nothing."""
        old = self.before.chains.get(name)
        new = self.after.chains.get(name)
        # A chain that is gone is at the places, and in the line, that it was.
        side = self.after
        written = new
        if written is None:
            side = self.before
            written = old
        if written is None:
            return None
        had = _entries(old)
        has = _entries(new)
        retired_before = _retired(old)
        retired = _retired(new)
        entered = [entry for entry in has if entry not in had]
        left = []
        for entry in had:
            if entry not in has:
                left.append(Gone(entry, retired.get(entry)))
        # What enters or leaves is told as such, and not as retired or no more.
        told_already = {*entered}.union(gone.entry for gone in left)
        newly = {}
        for word, why in retired.items():
            if word not in told_already and retired_before.get(word) != why:
                newly[word] = why
        no_more = []
        for word in retired_before:
            if new and word not in retired and word not in told_already:
                no_more.append(word)
        change = ChainChange(
            chain=name,
            instrument=written.noun.instrument,
            where=written.lines.at("chain"),
            repositories=side.having(written),
            is_new=old is None,
            is_gone=new is None,
            entered=_placed(entered, has, had),
            left=tuple(left),
            moved=_placed(moved(had, has), has, had),
            retired=newly or None,
            unretired=tuple(no_more),
            expected=_expected(old, new) or None,
            had_it=self.had_it(name),
        )
        if not change:
            return None
        return change

    def had_it(self, name: str) -> tuple[RepositoryAddress, ...] | None:
        """Return who had a chain that is declared for others now."""
        old = self.before.chains.get(name)
        new = self.after.chains.get(name)
        if old is None or new is None:
            return None
        # A repository more or less of a site is no change of the chain.
        if set(old.noun.only) == set(new.noun.only):
            return None
        had = self.before.having(old)
        has = self.after.having(new)
        if had == has:
            return None
        return had

    def tickets(self) -> Iterator[TicketChange]:
        """Yield the tickets that are declared otherwise."""
        for key, old, new in _both(self.before.tickets, self.after.tickets):
            change = _ticket(key, old, new)
            if change:
                yield change

    def seals(self) -> Iterator[SealChange]:
        """Yield the tickets that have another seal, or none any more."""
        for key, old, new in _both(self.before.seals, self.after.seals):
            written = new or old
            assert written, "it is in one of the two"
            was = old.noun.digest if old else None
            is_now = new.noun.digest if new else None
            if was == is_now:
                continue
            yield SealChange(
                key=key,
                where=written.lines.at("digest"),
                before=was,
                after=is_now,
                files=written.noun.files,
                size=written.noun.bytes,
            )

    def repositories(self) -> Iterator[NounChange]:
        """Yield the repositories of which something else holds."""
        for address, old, new in _both(self.before.repositories(), self.after.repositories()):
            if old == new:
                continue
            desired = self.before.desired
            if new:
                desired = self.after.desired
            assert desired, "it is in one of the two"
            site, _, name = address.partition("/")
            lines = desired.sites[site].lines
            yield NounChange(
                name=address,
                where=lines.at("repositories", name),
                before=old,
                after=new,
            )

    def settings(self) -> Iterator[NounChange]:
        """Yield the settings of the tree, if they are others."""
        old = None
        new = None
        if self.before.desired:
            old = _plain(self.before.desired.settings)
        if self.after.desired:
            new = _plain(self.after.desired.settings)
        if self.after.desired and old != new:
            yield NounChange(
                name="calibstate.yaml",
                where=self.after.desired.settings.lines.at(),
                before=old,
                after=new,
            )

    def own(self) -> Iterator[OwnChange]:
        """Yield what kinds declare otherwise by files of their own."""
        forms = {}
        for side in (self.before, self.after):
            if side.desired:
                for form in side.desired.forms:
                    forms[form.folder] = form
        for folder in sorted(forms):
            form = forms[folder]
            old_files = self.before.own.get(folder, {})
            new_files = self.after.own.get(folder, {})
            for name, old, new in _both(old_files, new_files):
                written = new or old
                if written is None:
                    continue
                if old and new and old.noun == new.noun:
                    continue
                yield OwnChange(
                    name=name,
                    where=written.lines.at(form.key),
                    before=_plain(old),
                    after=_plain(new),
                    folder=folder,
                    kind=form.key,
                )


def _both(before: Mapping[K, V], after: Mapping[K, V]) -> Iterator[tuple[K, V | None, V | None]]:
    """Yield what is declared under each key, before and after."""
    keys = {*before, *after}
    for key in sorted(keys, key=str):
        yield key, before.get(key), after.get(key)


def _retired(chain: Written[ChainFile] | None) -> Mapping[str, str]:
    if chain is None:
        return {}
    return chain.noun.retired


def _expected(
    old: Written[ChainFile] | None, new: Written[ChainFile] | None
) -> Mapping[str, tuple[str, ...]]:
    """Return where external entries that stay are expected otherwise."""
    before = _places_of_externals(old)
    after = _places_of_externals(new)
    otherwise = {}
    for name, only in after.items():
        if name in before and set(before[name]) != set(only):
            otherwise[name] = only
    return otherwise


def _places_of_externals(chain: Written[ChainFile] | None) -> dict[str, tuple[str, ...]]:
    places: dict[str, tuple[str, ...]] = {}
    if chain is None:
        return places
    for entry in chain.noun.entries:
        if isinstance(entry, ExternalEntry):
            places[entry.external] = entry.only
    return places


def _entries(chain: Written[ChainFile] | None) -> list[str]:
    """Return the words that a chain lists, in search order."""
    words: list[str] = []
    if chain is None:
        return words
    for entry in chain.noun.entries:
        if isinstance(entry, ExternalEntry):
            words.append(entry.external)
        else:
            words.append(entry)
    return words


def _placed(which: Sequence[str], has: Sequence[str], had: Sequence[str]) -> tuple[Placed, ...]:
    """Return entries, each with the next that is where it was."""
    stays = set(had)
    stays.intersection_update(has)
    stays.difference_update(which)
    # From the last entry on: what comes next is known by then.
    following: dict[str, str | None] = {}
    upcoming = None
    for entry in reversed(has):
        following[entry] = upcoming
        if entry in stays:
            upcoming = entry
    return tuple(Placed(entry, following[entry]) for entry in which)


def _ticket(key: TicketKey, old: Written[Ticket] | None, new: Written[Ticket] | None) -> TicketChange | None:
    """Return what is declared otherwise of a ticket; `None`: nothing."""
    written = new or old
    if written is None:
        return None
    was = old.noun if old else None
    is_now = new.noun if new else None
    if was == is_now:
        return None
    return TicketChange(
        key=key,
        where=written.lines.at("ticket"),
        before=was,
        after=is_now,
    )


def _plain(written: Written[Any] | None) -> Mapping[str, Any] | None:
    """Return what a file says as plain values; `None`: there is no file."""
    if written is None:
        return None
    plain: Mapping[str, Any] = written.noun.model_dump(mode="json", by_alias=True)
    return plain
