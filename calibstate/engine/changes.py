"""Compare two declarations: what is said otherwise, and not in which lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ..model.chains import ChainFile, ExternalEntry, moved
from ..model.changes import ChainChange, Changes, Gone, NounChange, Placed, SealChange, TicketChange
from ..model.desired import DesiredState, Written
from ..model.names import RepositoryAddress

__all__ = ["changes"]

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
    )


def _both(before: Mapping[K, V], after: Mapping[K, V]) -> Iterator[tuple[K, V | None, V | None]]:
    for key in sorted({*before, *after}, key=str):
        yield key, before.get(key), after.get(key)


def _chains(before: DesiredState | None, after: DesiredState) -> Iterator[ChainChange]:
    for name, old, new in _both(before.chains if before else {}, after.chains):
        written, desired = (new, after) if new else (old, before)
        assert written
        assert desired
        had, has = _entries(old), _entries(new)
        retired = new.noun.retired if new else {}
        newly = {w: why for w, why in retired.items() if w not in (old.noun.retired if old else {})}
        entered = [entry for entry in has if entry not in had]
        left = tuple(Gone(entry, retired.get(entry)) for entry in had if entry not in has)
        gone = {one.entry for one in left}
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
            retired={word: why for word, why in newly.items() if word not in gone} or None,
        )
        if found.is_new or found.is_gone or found.entered or left or found.moved or found.retired:
            yield found


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
    for key, old, new in _both(before.tickets if before else {}, after.tickets):
        if (old and old.noun) != (new and new.noun):
            written = new or old
            assert written
            at = written.lines.at("ticket")
            yield TicketChange(key, at, old.noun if old else None, new.noun if new else None)


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
        said["hold"] = desired.hold_of(address)
        said["hosts"] = list(site.hosts)
        found[address] = said
    return found


def _settings(before: DesiredState | None, after: DesiredState) -> Iterator[NounChange]:
    old = before.settings.noun.model_dump(mode="json") if before else None
    new = after.settings.noun.model_dump(mode="json")
    if old != new:
        yield NounChange("calibstate.yaml", after.settings.lines.at(), old, new)
