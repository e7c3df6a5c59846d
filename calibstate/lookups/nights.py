"""What lookups get at repositories for a while, side by side."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from ..model.desired import DesiredState
from ..model.effective import Effective, Resolved
from ..model.names import RepositoryAddress
from ..model.nights import While, clipped, selected
from ..model.results.lookups import SelectsOtherwise, WhatLookupsGet
from ..model.scope import Scope
from ..model.timelines import fold
from .fingerprint import Compared, Fingerprints, SeenChain
from .searched import tickets_of_collections

__all__ = [
    "absent_chains",
    "dataset_types",
    "of_dataset_types",
    "selecting_otherwise",
    "what_lookups_get",
]

_Chains = dict[RepositoryAddress, dict[str, SeenChain]]

_Alike = tuple[str, str, tuple[RepositoryAddress, ...]]
"""Instrument, fingerprint and repositories of what is told together."""


def dataset_types(live: Fingerprints) -> set[str]:
    """Return the dataset types that any lookup gets."""
    types: set[str] = set()
    for chains in live.chains.values():
        for chain in chains.values():
            for winner in chain.resolved.winners:
                types.add(winner.dataset_type)
    return types


def of_dataset_types(
    live: Fingerprints,
    types: Collection[str],
) -> Fingerprints:
    """Return live chains with some dataset types only; without any, all.

    Parameters
    ----------
    live
        The live chains of repositories.
    types
        Names of dataset types.
    """
    if not types:
        return live

    def of_types(winners: Iterable[Effective]) -> Iterator[Effective]:
        for winner in winners:
            if winner.dataset_type in types:
                yield winner

    return _each(live, lambda resolved: resolved.with_each(of_types))


def what_lookups_get(
    desired: DesiredState,
    live: Fingerprints,
    when: While,
    shown: Scope,
) -> tuple[WhatLookupsGet, ...]:
    """Return what lookups get, chain by chain.

    Repositories, and chains, through which the same is found stand together.

    Parameters
    ----------
    desired
        What is declared.
    live
        The live chains of repositories.
    when
        The time that is asked for.
    shown
        Which repositories are shown; where it names none, of each chain the
        one that all others are compared with.
    """
    meanwhile = _within(live, when)
    tickets = tickets_of_collections(desired)
    alike: dict[_Alike, WhatLookupsGet] = {}
    for name in _names(desired, live):
        instrument = desired.chains[name].noun.instrument
        for addresses in _alike(desired, meanwhile, name, shown):
            first = addresses[0]
            fingerprint = meanwhile.chains[first][name].resolved.fingerprint
            key = (instrument, fingerprint, addresses)
            if key in alike:
                same = alike[key]
                chains = (*same.chains, name)
                alike[key] = replace(same, chains=chains)
                continue
            # Of all time, so that what has a dataset at any is told as a gap.
            resolved = live.chains[first][name].resolved
            timeline = fold(resolved, tickets)
            rows = selected(timeline, when.span)
            alike[key] = WhatLookupsGet(
                (name,),
                instrument,
                addresses,
                rows,
            )
    return tuple(alike.values())


def selecting_otherwise(
    desired: DesiredState,
    live: Fingerprints,
    when: While,
) -> tuple[SelectsOtherwise, ...]:
    """Return where lookups get something else than at most repositories.

    Parameters
    ----------
    desired
        What is declared.
    live
        The live chains of repositories.
    when
        The time that is asked for.
    """
    tickets = tickets_of_collections(desired)
    alike: dict[Compared, SelectsOtherwise] = {}
    meanwhile = _within(live, when)
    for compared in meanwhile.compared():
        key = replace(compared, chain="")
        if key in alike:
            same = alike[key]
            names = (*same.chains, compared.chain)
            alike[key] = replace(same, chains=names)
            continue
        alike[key] = _otherwise(desired, compared, tickets)
    return tuple(alike.values())


def absent_chains(
    desired: DesiredState,
    live: Fingerprints,
    scope: Scope,
) -> Iterator[tuple[RepositoryAddress, str]]:
    """Yield declared chains that a repository does not have.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that was looked at.
    live
        The live chains of repositories.
    """
    for address in desired.in_order_of_waves(live.chains):
        existing = live.chains[address]
        for name, written in sorted(desired.chains.items()):
            chain = written.noun
            if name in existing or not scope.has_instrument(chain.instrument):
                continue
            if desired.has_chain(address, chain):
                yield address, name


def _each(
    live: Fingerprints,
    change: Callable[[Resolved], Resolved],
) -> Fingerprints:
    """Return live chains, what is effective through each of them changed."""
    chains: _Chains = {}
    for address, existing in live.chains.items():
        chains[address] = {}
        for name, chain in existing.items():
            changed = change(chain.resolved)
            chains[address][name] = replace(chain, resolved=changed)
    return replace(live, chains=chains)


def _within(live: Fingerprints, when: While) -> Fingerprints:
    """Return the chains that hold calibrations, as they are for a while."""
    chains: _Chains = {}
    for address, existing in live.chains.items():
        chains[address] = {}
        for name, chain in existing.items():
            # What is no calibration, such as a catalogue, has no time.
            if chain.resolved.winners:
                chains[address][name] = chain
    with_calibrations = replace(live, chains=chains)
    return _each(with_calibrations, lambda resolved: clipped(resolved, when.span))


def _alike(
    desired: DesiredState,
    meanwhile: Fingerprints,
    name: str,
    shown: Scope,
) -> Iterator[tuple[RepositoryAddress, ...]]:
    """Yield groups of repositories that are shown, each of one selection."""
    having: dict[RepositoryAddress, str] = {}
    # Those that select the same are shown once.
    by_fingerprint: dict[str, list[RepositoryAddress]] = {}
    for address in desired.in_order_of_waves(meanwhile.chains):
        existing = meanwhile.chains[address]
        if name not in existing:
            continue
        fingerprint = existing[name].resolved.fingerprint
        having[address] = fingerprint
        alike = by_fingerprint.setdefault(fingerprint, [])
        alike.append(address)
    if not having:
        return
    is_named = bool(shown.sites or shown.repositories)
    by_address = dict(sorted(having.items()))
    reference = meanwhile.reference(by_address)
    for addresses in by_fingerprint.values():
        # Where none is named, those that differ are told elsewhere.
        wanted: list[RepositoryAddress] = []
        for address in addresses:
            if is_named and not shown.has_repository(address):
                continue
            if is_named or reference in addresses:
                wanted.append(address)
        if wanted:
            yield tuple(wanted)


def _otherwise(
    desired: DesiredState,
    compared: Compared,
    tickets: Mapping[str, str],
) -> SelectsOtherwise:
    names: dict[str, str] = {}
    for difference in compared.differences:
        # What either of them selects has to be named.
        datasets = difference.first | difference.other
        for dataset in datasets:
            collection = dataset.collection
            # One of no ticket stands with its own name.
            names[collection] = tickets.get(collection, collection)
    instrument = desired.chains[compared.chain].noun.instrument
    return SelectsOtherwise(
        (compared.chain,),
        instrument,
        compared.reference,
        compared.repository,
        compared.differences,
        names,
    )


def _names(desired: DesiredState, live: Fingerprints) -> list[str]:
    """Return the names of chains; that of all calibrations comes first."""
    names: set[str] = set()
    for chains in live.chains.values():
        names.update(chains)

    def order(name: str) -> tuple[str, bool, str]:
        instrument = desired.chains[name].noun.instrument
        is_other = name != f"{instrument}/calib"
        return instrument, is_other, name

    return sorted(names, key=order)
