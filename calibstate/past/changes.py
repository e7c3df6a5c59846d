"""Compare two declarations: what is said otherwise, and not in which lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

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
from ..model.forms import Beside, Form
from ..model.names import RepositoryAddress, TicketKey
from ..model.seals import Seal
from ..model.tickets import Ticket
from ..model.watching import WatchSettings

__all__ = ["changes", "changes_of_chain"]

K = TypeVar("K")
V = TypeVar("V")

_ChainOrNone: TypeAlias = Written[ChainFile] | None
_Places: TypeAlias = dict[str, tuple[str, ...]]
_Plain: TypeAlias = Mapping[str, Any]


def changes(before: DesiredState | None, after: DesiredState) -> Changes:
    """Return what a declaration says otherwise than another.

    Parameters
    ----------
    before
        The declaration as it was; `None`: there was none.
    after
        The declaration as it is now.
    """
    comparison = _Comparison(
        before=_Side.of(before),
        after=_Side.of(after),
    )
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
    comparison = _Comparison(old, new)
    chains = []
    chain = comparison.chain(name)
    if chain:
        chains.append(chain)
    listed = old.tickets_of(name)
    listed.update(new.tickets_of(name))
    tickets = []
    # Few of all tickets: a history asks this at every revision.
    for key in sorted(listed):
        ticket = comparison.ticket(key)
        if ticket:
            tickets.append(ticket)
    return Changes(
        chains=tuple(chains),
        tickets=tuple(tickets),
    )


@dataclass(frozen=True)
class _Side:
    """One of two declarations that are compared; empty where there is none."""

    desired: DesiredState | None = None
    chains: Mapping[str, Written[ChainFile]] = field(default_factory=dict)
    tickets: Mapping[TicketKey, Written[Ticket]] = field(default_factory=dict)
    seals: Mapping[TicketKey, Written[Seal]] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Written[Any]]] = field(default_factory=dict)
    beside: Mapping[str, Written[Any] | None] = field(default_factory=dict)

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
            beside=desired.beside,
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
        if self.desired is None:
            return ()
        declared = chain.noun
        having: list[RepositoryAddress] = []
        for address in self.desired.with_instrument(declared.instrument):
            if self.desired.expects(declared.only, address):
                having.append(address)
        return tuple(having)

    def repositories(self) -> dict[str, _Plain]:
        """Return repositories with all that holds for them."""
        if self.desired is None:
            return {}
        repositories: dict[str, _Plain] = {}
        for address in self.desired.repositories:
            site, repository = self.desired.repository(address)
            _, _, name = address.partition("/")
            route = site.route_of(name)
            hold = self.desired.hold_of(address)
            # What its site says holds for it as much as what itself says.
            plain = repository.model_dump(mode="json")
            plain["route"] = None
            if route:
                plain["route"] = route.model_dump(mode="json")
            plain["hold"] = None
            if hold:
                plain["hold"] = hold.reason
            plain["hosts"] = list(site.hosts)
            # Who agrees to it agrees to what nobody is asked about any more.
            plain["watch"] = (site.watch or WatchSettings()).model_dump(mode="json")
            repositories[address] = plain
        return repositories


@dataclass(frozen=True)
class _Comparison:
    """What one declaration says otherwise than another, part by part."""

    before: _Side
    after: _Side

    def chains(self) -> Iterator[ChainChange]:
        """Yield the chains that are declared otherwise, by name."""
        names = set(self.before.chains)
        names.update(self.after.chains)
        for name in sorted(names):
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
        entries = _Entries(_entries(old), _entries(new))
        reasons = _Reasons(_retired(old), _retired(new))
        entered = entries.entered()
        left = []
        for entry in entries.left():
            reason = reasons.after.get(entry)
            left.append(Gone(entry, reason))
        # What enters or leaves is told as such, and not as retired or no more.
        apart = {*entered, *entries.left()}
        unretired: list[str] = []
        if new:
            unretired.extend(reasons.unretired(apart))
        change = ChainChange(
            chain=name,
            instrument=written.noun.instrument,
            where=written.lines.at("chain"),
            repositories=side.having(written),
            is_new=old is None,
            is_gone=new is None,
            entered=entries.placed(entered),
            left=tuple(left),
            moved=entries.placed(moved(entries.before, entries.after)),
            retired=reasons.newly_retired(apart) or None,
            unretired=tuple(unretired),
            expected=_expected(old, new) or None,
            had_it=self.had_it(name),
        )
        # It is false where all that it tells is empty.
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
        places_before = set(old.noun.only)
        places = set(new.noun.only)
        if places == places_before:
            return None
        having_before = self.before.having(old)
        having_now = self.after.having(new)
        if having_now == having_before:
            return None
        return having_before

    def tickets(self) -> Iterator[TicketChange]:
        """Yield the tickets that are declared otherwise."""
        keys = set(self.before.tickets)
        keys.update(self.after.tickets)
        for key in sorted(keys, key=str):
            change = self.ticket(key)
            if change:
                yield change

    def ticket(self, key: TicketKey) -> TicketChange | None:
        """Return what is declared otherwise of a ticket; `None`: nothing."""
        old = self.before.tickets.get(key)
        new = self.after.tickets.get(key)
        written = new or old
        if written is None:
            return None
        before = None
        if old:
            before = old.noun
        after = None
        if new:
            after = new.noun
        # A file that is elsewhere, or written otherwise, is no change.
        if before == after:
            return None
        return TicketChange(
            key=key,
            where=written.lines.at("ticket"),
            before=before,
            after=after,
        )

    def seals(self) -> Iterator[SealChange]:
        """Yield the tickets that have another seal, or none any more."""
        for pair in _pairs(self.before.seals, self.after.seals):
            digest_before = None
            if pair.before:
                digest_before = pair.before.noun.digest
            digest_after = None
            if pair.after:
                digest_after = pair.after.noun.digest
            if digest_before == digest_after:
                continue
            seal = pair.newest.noun
            yield SealChange(
                key=pair.key,
                where=pair.newest.lines.at("digest"),
                before=digest_before,
                after=digest_after,
                files=seal.files,
                size=seal.bytes,
            )

    def repositories(self) -> Iterator[NounChange]:
        """Yield the repositories of which something else holds."""
        before = self.before.repositories()
        after = self.after.repositories()
        for pair in _pairs(before, after):
            if pair.before == pair.after:
                continue
            desired = self.before.desired
            if pair.after:
                desired = self.after.desired
            assert desired, "it is in one of the two"
            site, _, name = pair.key.partition("/")
            lines = desired.sites[site].lines
            yield NounChange(
                name=pair.key,
                where=lines.at("repositories", name),
                before=pair.before,
                after=pair.after,
            )

    def settings(self) -> Iterator[NounChange]:
        """Yield the settings of the tree, if they are others."""
        before = self.before.desired
        after = self.after.desired
        # Without a tree there are no settings that one could point at.
        if after is None:
            return
        old = None
        if before:
            old = _plain(before.settings)
        new = _plain(after.settings)
        if old != new:
            yield NounChange(
                name="calibstate.yaml",
                where=after.settings.lines.at(),
                before=old,
                after=new,
            )

    def own(self) -> Iterator[OwnChange]:
        """Yield what kinds declare otherwise by files of their own."""
        forms = {}
        for side in (self.before, self.after):
            if side.desired is None:
                continue
            for form in side.desired.forms:
                forms[form.folder] = form
        for folder in sorted(forms):
            form = forms[folder]
            old_files = self.before.own.get(folder, {})
            new_files = self.after.own.get(folder, {})
            for pair in _pairs(old_files, new_files):
                old = pair.before
                new = pair.after
                # The same words in other lines are no change.
                if old and new and old.noun == new.noun:
                    continue
                yield OwnChange(
                    name=pair.key,
                    where=pair.newest.lines.at(form.key),
                    before=_plain(old),
                    after=_plain(new),
                    folder=folder,
                    kind=form.called,
                )
            if form.beside:
                yield from self.beside(form, form.beside)

    def beside(self, form: Form, beside: Beside) -> Iterator[OwnChange]:
        """Yield what the files beside those of a kind say otherwise."""
        folder = f"{form.folder}/"
        for pair in _pairs(self.before.beside, self.after.beside):
            if not pair.key.startswith(folder):
                continue
            before = _plain(pair.before)
            after = _plain(pair.after)
            if before == after:
                continue
            assert pair.newest, "a declaration that is compared could be read"
            yield OwnChange(
                name=pair.key.removeprefix(folder),
                where=pair.newest.lines.at(),
                before=before,
                after=after,
                folder=form.folder,
                kind=beside.title,
            )


@dataclass(frozen=True)
class _Pair(Generic[K, V]):
    """What is declared under a key, before and after."""

    key: K
    before: V | None
    after: V | None

    @property
    def newest(self) -> V:
        """What is declared last."""
        newest = self.after or self.before
        assert newest is not None, "it is in one of the two"
        return newest


def _pairs(before: Mapping[K, V], after: Mapping[K, V]) -> Iterator[_Pair[K, V]]:
    """Yield what is declared under each key, in the order of the keys."""
    keys = {*before, *after}
    for key in sorted(keys, key=str):
        yield _Pair(
            key,
            before=before.get(key),
            after=after.get(key),
        )


@dataclass(frozen=True)
class _Entries:
    """What a chain lists, in search order, before and after."""

    before: Sequence[str]
    after: Sequence[str]

    def entered(self) -> list[str]:
        """Return the entries that were not there before."""
        before = frozenset(self.before)
        return [entry for entry in self.after if entry not in before]

    def left(self) -> list[str]:
        """Return the entries that are not there any more."""
        after = frozenset(self.after)
        return [entry for entry in self.before if entry not in after]

    def placed(self, which: Sequence[str]) -> tuple[Placed, ...]:
        """Return entries, each with the next that is where it was."""
        stays = set(self.before)
        stays.intersection_update(self.after)
        stays.difference_update(which)
        # From the last entry on: what comes next is known by then.
        following: dict[str, str | None] = {}
        upcoming = None
        for entry in reversed(self.after):
            following[entry] = upcoming
            if entry in stays:
                upcoming = entry
        placed = []
        for entry in which:
            placed.append(Placed(entry, following[entry]))
        return tuple(placed)


@dataclass(frozen=True)
class _Reasons:
    """Why entries of a chain are retired, before and after."""

    before: Mapping[str, str]
    after: Mapping[str, str]

    def newly_retired(self, apart: Set[str]) -> dict[str, str]:
        """Return what is retired now or for another reason, but for some."""
        newly = {}
        for entry, why in self.after.items():
            if entry in apart:
                continue
            if self.before.get(entry) != why:
                newly[entry] = why
        return newly

    def unretired(self, apart: Set[str]) -> Iterator[str]:
        """Yield what is retired no more, but for some."""
        for entry in self.before:
            if entry in apart:
                continue
            if entry not in self.after:
                yield entry


def _retired(chain: _ChainOrNone) -> Mapping[str, str]:
    """Return the retired entries of a chain, with their reasons."""
    if chain is None:
        return {}
    return chain.noun.retired


def _expected(old: _ChainOrNone, new: _ChainOrNone) -> _Places:
    """Return where external entries that stay are expected otherwise."""
    before = _places_of_externals(old)
    after = _places_of_externals(new)
    otherwise: _Places = {}
    for name, only in after.items():
        if name not in before:
            continue
        # In another order they are the same places.
        if set(before[name]) != set(only):
            otherwise[name] = only
    return otherwise


def _places_of_externals(chain: _ChainOrNone) -> _Places:
    """Return where each external entry of a chain is expected."""
    places: _Places = {}
    if chain is None:
        return places
    for entry in chain.noun.entries:
        if isinstance(entry, ExternalEntry):
            places[entry.external] = entry.only
    return places


def _entries(chain: _ChainOrNone) -> list[str]:
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


def _plain(written: Written[Any] | None) -> _Plain | None:
    """Return what a file says as plain values; `None`: there is no file."""
    if written is None:
        return None
    plain: _Plain = written.noun.model_dump(mode="json", by_alias=True)
    return plain
