"""Compare two declarations: what is said otherwise, and not in which lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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
from ..model.scope import Scope

__all__ = ["changes", "changes_of_chain", "narrowed"]

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
    return Changes(
        tuple(_chains(before, after)),
        tuple(_tickets(before, after)),
        tuple(_seals(before, after)),
        tuple(_repositories(before, after)),
        tuple(_settings(before, after)),
        tuple(_own(before, after)),
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
    listed = _listed(before, name) | _listed(after, name)
    chain = _chain(before, after, name)
    tickets = (_ticket(before, after, key) for key in sorted(listed))
    return Changes((chain,) if chain else (), tuple(one for one in tickets if one))


def _listed(desired: DesiredState | None, name: str) -> set[TicketKey]:
    """Return the tickets that a chain lists."""
    chain = desired.chains.get(name) if desired else None
    if desired is None or chain is None:
        return set()
    meanings = (desired.meaning(word, chain.noun.instrument) for word in _entries(chain))
    return {meaning.ticket.noun.key for meaning in meanings if meaning and meaning.ticket}


def _both(before: Mapping[K, V], after: Mapping[K, V]) -> Iterator[tuple[K, V | None, V | None]]:
    for key in sorted({*before, *after}, key=str):
        yield key, before.get(key), after.get(key)


def _chains(before: DesiredState | None, after: DesiredState) -> Iterator[ChainChange]:
    for name, _, _ in _both(before.chains if before else {}, after.chains):
        if found := _chain(before, after, name):
            yield found


def _chain(before: DesiredState | None, after: DesiredState | None, name: str) -> ChainChange | None:
    old = before.chains.get(name) if before else None
    new = after.chains.get(name) if after else None
    written, desired = (new, after) if new else (old, before)
    if written is None or desired is None:
        return None
    had, has = _entries(old), _entries(new)
    retired, was_retired = (one.noun.retired if one else {} for one in (new, old))
    entered = [entry for entry in has if entry not in had]
    left = tuple(Gone(entry, retired.get(entry)) for entry in had if entry not in has)
    told = {*entered, *(one.entry for one in left)}
    newly = {w: why for w, why in retired.items() if was_retired.get(w) != why and w not in told}
    found = ChainChange(
        name,
        written.noun.instrument,
        written.lines.at("chain"),
        _having(desired, written.noun),
        is_new=old is None,
        is_gone=new is None,
        entered=_placed(entered, has, had),
        left=left,
        moved=_placed(moved(had, has), has, had),
        retired=newly or None,
        unretired=tuple(word for word in was_retired if new and word not in {*retired, *told}),
        expected=_expected(old, new) or None,
        had_it=_had_it(before, after, old, new),
    )
    return found if found else None


def _expected(
    old: Written[ChainFile] | None, new: Written[ChainFile] | None
) -> Mapping[str, tuple[str, ...]]:
    """Return where external entries that stay are expected otherwise."""
    was, is_now = (
        {e.external: e.only for e in (one.noun.entries if one else ()) if isinstance(e, ExternalEntry)}
        for one in (old, new)
    )
    return {name: only for name, only in is_now.items() if name in was and set(was[name]) != set(only)}


def _had_it(
    before: DesiredState | None,
    after: DesiredState | None,
    old: Written[ChainFile] | None,
    new: Written[ChainFile] | None,
) -> tuple[RepositoryAddress, ...] | None:
    """Return who had a chain that is declared for others now."""
    if before is None or after is None or old is None or new is None:
        return None
    if set(old.noun.only) == set(new.noun.only):
        return None
    had = _having(before, old.noun)
    return None if had == _having(after, new.noun) else had


def _entries(chain: Written[ChainFile] | None) -> list[str]:
    entries = chain.noun.entries if chain else ()
    return [entry.external if isinstance(entry, ExternalEntry) else entry for entry in entries]


def _placed(which: Sequence[str], has: Sequence[str], had: Sequence[str]) -> tuple[Placed, ...]:
    """Return entries, each with the next that is where it was."""
    place = {entry: number for number, entry in enumerate(has)}
    stays = {entry for entry in had if entry in place} - set(which)
    following: dict[str, str | None] = {}
    upcoming = None
    for entry in reversed(has):
        following[entry] = upcoming
        upcoming = entry if entry in stays else upcoming
    return tuple(Placed(entry, following[entry]) for entry in which)


def _having(desired: DesiredState, chain: ChainFile) -> tuple[RepositoryAddress, ...]:
    return tuple(a for a in desired.with_instrument(chain.instrument) if desired.expects(chain.only, a))


def _tickets(before: DesiredState | None, after: DesiredState) -> Iterator[TicketChange]:
    for key, _, _ in _both(before.tickets if before else {}, after.tickets):
        if found := _ticket(before, after, key):
            yield found


def _ticket(before: DesiredState | None, after: DesiredState | None, key: TicketKey) -> TicketChange | None:
    old = before.tickets.get(key) if before else None
    new = after.tickets.get(key) if after else None
    written = new or old
    if written is None or old is new or (old and old.noun) == (new and new.noun):
        return None
    return TicketChange(key, written.lines.at("ticket"), old.noun if old else None, new.noun if new else None)


def _seals(before: DesiredState | None, after: DesiredState) -> Iterator[SealChange]:
    for key, old, new in _both(before.seals if before else {}, after.seals):
        digests = [seal.noun.digest if seal else None for seal in (old, new)]
        if digests[0] != digests[1]:
            written = new or old
            assert written
            seal, at = written.noun, written.lines.at("digest")
            yield SealChange(key, at, digests[0], digests[1], seal.files, seal.bytes)


def _repositories(before: DesiredState | None, after: DesiredState) -> Iterator[NounChange]:
    sides = [_plain_repositories(before) if before else {}, _plain_repositories(after)]
    for address, old, new in _both(*sides):
        if old != new:
            desired = after if new else before
            assert desired
            site, _, name = address.partition("/")
            yield NounChange(address, desired.sites[site].lines.at("repositories", name), old, new)


def _plain_repositories(desired: DesiredState) -> dict[str, Mapping[str, Any]]:
    """Return repositories with all that holds for them."""
    found: dict[str, Mapping[str, Any]] = {}
    for address in desired.repositories:
        site, repository = desired.repository(address)
        said = repository.model_dump(mode="json")
        route = site.route_of(address.partition("/")[2])
        said["route"] = route and route.model_dump(mode="json")
        hold = desired.hold_of(address)
        said["hold"] = hold and hold.reason
        said["hosts"] = list(site.hosts)
        found[address] = said
    return found


def _settings(before: DesiredState | None, after: DesiredState) -> Iterator[NounChange]:
    old = before.settings.noun.model_dump(mode="json", by_alias=True) if before else None
    new = after.settings.noun.model_dump(mode="json", by_alias=True)
    if old != new:
        yield NounChange("calibstate.yaml", after.settings.lines.at(), old, new)


def _own(before: DesiredState | None, after: DesiredState) -> Iterator[OwnChange]:
    """Yield what kinds declare otherwise by files of their own."""
    forms = {form.folder: form for form in (*(before.forms if before else ()), *after.forms)}
    for folder, form in sorted(forms.items()):
        olds = before.own.get(folder, {}) if before else {}
        for name, old, new in _both(olds, after.own.get(folder, {})):
            written = new or old
            if written is None or (old and new and old.noun == new.noun):
                continue
            was = old.noun.model_dump(mode="json", by_alias=True) if old else None
            is_now = new.noun.model_dump(mode="json", by_alias=True) if new else None
            yield OwnChange(name, written.lines.at(form.key), was, is_now, folder, form.key)


# --- a part of it ---


def narrowed(found: Changes, scope: Scope, *declared: DesiredState | None) -> Changes:
    """Return what of some changes was asked for.

    Parameters
    ----------
    found
        The changes.
    scope
        What is asked for.  A ticket that was asked for is told of alone, and
        of the tickets those that a repository in scope gets.
    *declared
        The declarations that were compared.
    """
    known = [one for one in declared if one]
    chains = tuple(one for chain in found.chains if (one := _within(chain, scope, known)))
    tickets = tuple(one for one in found.tickets if _is_asked(one.key, scope, known))
    seals = tuple(one for one in found.seals if _is_asked(one.key, scope, known))
    if scope.tickets:
        return Changes(chains, tickets, seals)
    repositories = (one for one in found.repositories if scope.has_repository(RepositoryAddress(one.name)))
    having = tuple(one for one in repositories if _instruments(RepositoryAddress(one.name), known, scope))
    is_whole = not (scope.sites or scope.repositories or scope.instruments)
    settings = found.settings if is_whole else ()
    return Changes(chains, tickets, seals, having, settings, found.own)


def _instruments(address: RepositoryAddress, known: Sequence[DesiredState], scope: Scope) -> list[str]:
    having = (one.repository(address)[1] for one in known if address in one.repositories)
    return [i for repository in having for i in repository.instruments if scope.has_instrument(i)]


def _is_asked(key: TicketKey, scope: Scope, known: Sequence[DesiredState]) -> bool:
    places = {a for one in known for a in one.with_instrument(key[0])}
    return scope.has_ticket(key) and any(scope.has_repository(a) for a in places)


def _within(chain: ChainChange, scope: Scope, known: Sequence[DesiredState]) -> ChainChange | None:
    if not scope.has_instrument(chain.instrument):
        return None
    had_it = chain.had_it and tuple(a for a in chain.had_it if scope.has_repository(a))
    here = tuple(a for a in chain.repositories if scope.has_repository(a))
    if not here and not had_it:
        return None
    chain = replace(chain, repositories=here, had_it=had_it)
    if not scope.tickets:
        return chain
    return of_tickets(chain, _words(chain, scope, known))


def _words(chain: ChainChange, scope: Scope, known: Sequence[DesiredState]) -> set[str]:
    """Return all words by which tickets that are asked for may be listed."""
    tickets = [t.noun for one in known for t in one.tickets.values() if t.noun.instrument == chain.instrument]
    return {word for t in tickets if scope.has_ticket(t.key) for word in (t.ticket, *t.bare)}


def of_tickets(chain: ChainChange, words: set[str]) -> ChainChange | None:
    """Return what of a chain's change is about some entries; `None`: nothing.

    Parameters
    ----------
    chain
        The change.
    words
        The entries.
    """
    found = replace(
        chain,
        entered=tuple(one for one in chain.entered if one.entry in words),
        left=tuple(one for one in chain.left if one.entry in words),
        moved=tuple(one for one in chain.moved if one.entry in words),
        retired={w: why for w, why in (chain.retired or {}).items() if w in words} or None,
        unretired=tuple(word for word in chain.unretired if word in words),
        expected=None,
        had_it=None,
    )
    told = found.entered or found.left or found.moved or found.retired or found.unretired
    return found if told else None
