"""Compare two declarations: which lookups get another calibration.

What the collections hold is told by the seals alone, so that no butler is
needed; or by a live repository, with the extras in its chains.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..engine.expand import chains_at, places_of
from ..errors import Where
from ..kinds.chain import Chain, written_order
from ..model.chains import ChainFile, moved
from ..model.contents import Block, Holding
from ..model.desired import DesiredState, Written
from ..model.differences import Selected, differences
from ..model.effective import Effective, Resolved
from ..model.impacts import Affected, ChainImpact, Change, Effect, Impact, Shadowed, Unknown, Via
from ..model.names import RepositoryAddress
from ..model.scope import Scope
from ..model.seals import Seal, unnamed_run
from ..ports.butler import ButlerReader, SeenExposure
from .alike import Alike
from .effective import flatten
from .resolve import resolve
from .seams import AMBIGUOUS, fits, lookups_across_seams, selector

__all__ = ["affected", "impact"]

Children = Mapping[str, Sequence[str]]
"""Children of chains, by name."""

_GRAVEST = tuple(Effect)


def impact(
    before: DesiredState | None, after: DesiredState, scope: Scope, live: ButlerReader | None = None
) -> Impact:
    """Return what a change of the declaration does.

    Parameters
    ----------
    before
        The declaration as it was; `None`: there was none.
    after
        The declaration as it is now.
    scope
        The part that is asked for.
    live
        The only repository that is asked for, to tell what collections hold
        and which extras it searches.  Without it the seals tell, and they
        tell what it lacks.
    """
    here = places_of(after, scope)
    sight: _Sight = _Live(live) if live else _Seals()
    seals = _seals(before, after)
    sides = (_Side(before, seals[0], sight), _Side(after, seals[1], sight))
    found: dict[_Searches, list[tuple[RepositoryAddress, str]]] = {}
    for address in here:
        for name, searches in _searches(address, scope, sides):
            found.setdefault(searches, []).append((address, name))
    sight.look({leaf for searches in found for leaf in (*searches.before, *searches.after)})
    told = _together([_compare(searches, tuple(at), *sides) for searches, at in found.items()])
    gone = set(places_of(before, scope)) - set(after.repositories) if before else set()
    return Impact(tuple(one for one in told if not one.silent), tuple(here), tuple(sorted(gone)))


def affected(told: Impact, exposures: Iterable[SeenExposure]) -> tuple[Affected, ...]:
    """Return the exposures whose lookups change.

    Parameters
    ----------
    told
        What a change does at a repository.
    exposures
        Exposures of that repository.
    """
    reaching = [(change, _selectors(change.data_ids)) for change in told.changes]
    taken = sorted(exposures, key=lambda exposure: exposure.begin)
    across = lookups_across_seams([_holdings(chain) for chain in told.chains], taken)
    found = []
    for exposure in sorted(taken, key=lambda exposure: exposure.exposure):
        types = {
            change.dataset_type
            for change, selectors in reaching
            if change.begin < exposure.end
            and exposure.begin < change.end
            and any(fits(wanted, exposure.data_id) for wanted in selectors)
        }
        seams = across.get(exposure.exposure, [])
        types |= {seam.dataset_type for seam in seams if seam.before != seam.after}
        if types:
            filter_ = exposure.data_id.get("physical_filter", "")
            failing = {seam.dataset_type for seam in seams if seam.after is AMBIGUOUS} & types
            found.append(
                Affected(
                    exposure.exposure,
                    exposure.day_obs,
                    filter_,
                    tuple(sorted(types)),
                    tuple(sorted(failing)),
                )
            )
    return tuple(found)


def _together(told: Sequence[ChainImpact]) -> list[ChainImpact]:
    """Return impacts; of what changes only by a chain within it, with that."""
    kept = [one for one in told if one.steps]
    for one in (one for one in told if not one.steps):
        same = (
            number
            for number, other in enumerate(kept)
            if one.changes and (one.instrument, one.changes) == (other.instrument, other.changes)
        )
        if (number := next(same, None)) is None:
            kept.append(one)
        else:
            into = kept[number]
            unknown = tuple(dict.fromkeys((*into.unknown, *one.unknown)))
            kept[number] = replace(into, chains=(*into.chains, *one.chains), unknown=unknown)
    return kept


class _Sight(Protocol):
    """How the collections are seen."""

    def children(self, declared: Sequence[Chain], named: Mapping[str, frozenset[str]]) -> Children:
        """Return the children of chains, as they would be written.

        Parameters
        ----------
        declared
            The chains of one side.
        named
            What either side names of each chain; all else is extra.
        """
        ...

    def below(self, name: str) -> tuple[str, ...]:
        """Return what is searched through a collection nobody declared."""
        ...

    def look(self, leaves: Iterable[str]) -> None:
        """Look at what collections hold."""
        ...

    @property
    def held(self) -> Mapping[str, Holding]:
        """What was seen of them."""
        ...


class _Seals:
    """Nothing is looked at."""

    held: Mapping[str, Holding] = {}

    def children(self, declared: Sequence[Chain], named: Mapping[str, frozenset[str]]) -> Children:
        return {chain.address.name: chain.children for chain in declared}

    def below(self, name: str) -> tuple[str, ...]:
        return (name,)

    def look(self, leaves: Iterable[str]) -> None:
        return None


class _Live:
    """A repository is looked at.

    For the UUID of a dataset stands its RUN, as in seals.
    """

    def __init__(self, butler: ButlerReader) -> None:
        self._butler = butler
        self._below: dict[str, tuple[str, ...]] = {}
        self.held: Mapping[str, Holding] = {}

    def children(self, declared: Sequence[Chain], named: Mapping[str, frozenset[str]]) -> Children:
        live = self._butler.collections(chain.address.name for chain in declared)
        return {
            (name := chain.address.name): written_order(
                chain.children,
                live[name].children if name in live else (),
                named[name] - frozenset(chain.children),
            )
            for chain in declared
        }

    def below(self, name: str) -> tuple[str, ...]:
        if name not in self._below:
            # What is not there yet stands for itself.
            self._below[name] = flatten(self._butler, name) or (name,)
        return self._below[name]

    def look(self, leaves: Iterable[str]) -> None:
        seen = self._butler.holdings(sorted(leaves), calibrations_only=True)
        runs = self._butler.runs(row.uuid for holding in seen.values() for row in holding.rows)
        self.held = {name: _by_run(holding, runs) for name, holding in seen.items()}


def _by_run(holding: Holding, runs: Mapping[str, str]) -> Holding:
    rows = tuple(row._replace(uuid=runs.get(row.uuid, row.uuid)) for row in holding.rows)
    return replace(holding, rows=rows)


@dataclass(frozen=True)
class _Side:
    """One of the two declarations."""

    desired: DesiredState | None
    seals: Mapping[str, Seal]
    """By collection."""
    sight: _Sight
    tickets: Mapping[str, str] = field(init=False)
    """Ticket of each of its collections, and of what stands for it in a
    chain."""

    def __post_init__(self) -> None:
        tickets = [written.noun for written in (self.desired.tickets if self.desired else {}).values()]
        named = {name: t.ticket for t in tickets for name in (*t.leaves, *t.children)}
        object.__setattr__(self, "tickets", named)

    @property
    def chain_files(self) -> Mapping[str, Written[ChainFile]]:
        return self.desired.chains if self.desired else {}

    def chains(self, address: RepositoryAddress, scope: Scope) -> Sequence[Chain]:
        """Return the chains of a repository."""
        desired = self.desired
        if desired is None or address not in desired.repositories:
            return ()
        return chains_at(desired, Scope(instruments=scope.instruments), address)

    def sources(self, leaves: Iterable[str]) -> list[tuple[str, Holding | Seal]]:
        """Return who tells what collections hold, where anybody does."""
        held = self.sight.held
        return [
            (leaf, held[leaf] if leaf in held else self.seals[leaf])
            for leaf in leaves
            if leaf in held or leaf in self.seals
        ]


def _seals(before: DesiredState | None, after: DesiredState) -> tuple[Mapping[str, Seal], Mapping[str, Seal]]:
    """Return the seal of each collection, before and after.

    What a ticket holds is final: where it was not sealed yet, or is no more,
    the seal of the other side tells.
    """
    new = {key: written.noun for key, written in after.seals.items()}
    old = {key: written.noun for key, written in (before.seals if before else {}).items()}
    # Equal ones are made one, which are compared at once.
    old = {key: new[key] if new.get(key) == seal else seal for key, seal in old.items()}
    was, is_now = (
        {leaf: seal for seal in {**others, **own}.values() for leaf in seal.fingerprints}
        for own, others in ((old, new), (new, old))
    )
    return was, is_now


@dataclass(frozen=True)
class _Searches:
    """A chain before and after: its children, and all that is searched."""

    instrument: str
    children: tuple[tuple[str, ...], tuple[str, ...]]
    before: tuple[str, ...]
    after: tuple[str, ...]


def _searches(
    address: RepositoryAddress, scope: Scope, sides: tuple[_Side, _Side]
) -> Iterator[tuple[str, _Searches]]:
    """Yield the declared chains of a repository."""
    declared = [side.chains(address, scope) for side in sides]
    named: dict[str, frozenset[str]] = {}
    for chain in (*declared[0], *declared[1]):
        name = chain.address.name
        named[name] = named.get(name, frozenset()) | {*chain.children, *chain.unwanted}
    was, is_now = (side.sight.children(one, named) for side, one in zip(sides, declared, strict=True))
    files = {**sides[0].chain_files, **sides[1].chain_files}
    below = sides[1].sight.below
    for name in sorted({*was, *is_now} & files.keys()):
        children = tuple(was.get(name, ())), tuple(is_now.get(name, ()))
        searched = [tuple(_leaves(name, chains, below, {name})) for chains in (was, is_now)]
        yield name, _Searches(files[name].noun.instrument, children, *searched)


def _leaves(
    name: str, chains: Children, below: Callable[[str], tuple[str, ...]], reached: set[str]
) -> Iterator[str]:
    """Yield what is searched through a chain and was not reached yet."""
    for child in chains.get(name, ()):
        for leaf in () if child in chains else below(child):
            if leaf not in reached:
                reached.add(leaf)
                yield leaf
        if child in chains and child not in reached:
            reached.add(child)
            yield from _leaves(child, chains, below, reached)


def _compare(
    searches: _Searches, at: tuple[tuple[RepositoryAddress, str], ...], before: _Side, after: _Side
) -> ChainImpact:
    names = {**before.tickets, **after.tickets}
    sources = before.sources(searches.before), after.sources(searches.after)
    changes: tuple[Change, ...] = ()
    shadowed: tuple[Shadowed, ...] = ()
    if sources[0] != sources[1]:
        blocks = [[(leaf, _blocks(leaf, source)) for leaf, source in one] for one in sources]
        alike = Alike.among(block for side in blocks for _, within in side for block in within)
        held = [[alike.narrowed(leaf, within) for leaf, within in side] for side in blocks]
        was, is_now = (resolve(leaves) for leaves in held)
        found = _changes(was, is_now, frozenset(searches.before), alike)
        changes = tuple(sorted(found, key=lambda one: _GRAVEST.index(one.effect)))
        shadowed = tuple(_newly_shadowed((was, is_now), held, names, after.chain_files.values()))
    entered, left, displaced = (tuple(names.get(c, c) for c in step) for step in _steps(*searches.children))
    falls_through = any(change.after is None for change in changes)
    unknown = tuple(_unknown(searches, names, sources, falls_through=falls_through))
    return ChainImpact(at, searches.instrument, entered, left, displaced, changes, shadowed, unknown, sources)


def _holdings(chain: ChainImpact) -> tuple[list[Holding], list[Holding]]:
    """Return what is searched before and after, row by row."""
    before, after = ([_holding(leaf, source) for leaf, source in side] for side in chain.searched)
    return before, after


def _holding(leaf: str, source: Holding | Seal) -> Holding:
    return source if isinstance(source, Holding) else source.holdings[leaf]


def _blocks(leaf: str, source: Holding | Seal) -> tuple[Block, ...]:
    return source.blocks if isinstance(source, Holding) else source.blocks[leaf]


def _steps(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Return what enters, what leaves, and what changes its place."""
    were, are = set(before), set(after)
    entered = [child for child in after if child not in were]
    left = [child for child in before if child not in are]
    return entered, left, list(moved(before, after))


def _changes(before: Resolved, after: Resolved, searched: frozenset[str], alike: Alike) -> Iterator[Change]:
    for one in differences(before, after, _collection_and_run):
        was, is_now = _via(one.first), _via(one.other)
        effect = _effect(was, is_now, searched)
        data_ids = alike.all_of(one.dataset_type, one.data_ids)
        yield Change(one.dataset_type, data_ids, one.begin, one.end, was, is_now, effect)


def _collection_and_run(winner: Effective) -> str:
    return f"{winner.collection}\t{winner.uuid}"


def _via(selected: frozenset[Selected]) -> Via | None:
    """Return where lookups that are told together find their datasets."""
    if not selected:
        return None
    (one,) = selected
    is_told = one.uuid != unnamed_run(one.collection)
    return Via(one.collection, one.uuid if is_told else None)


def _effect(before: Via | None, after: Via | None, searched: frozenset[str]) -> Effect:
    if after is None:
        return Effect.LOST
    if before is None:
        return Effect.NEWLY_COVERED
    if after.collection != before.collection and after.collection in searched:
        return Effect.REVERTED
    return Effect.REPLACED


def _newly_shadowed(
    resolved: Sequence[Resolved],
    held: Sequence[Sequence[Holding]],
    names: Mapping[str, str],
    chains: Iterable[Written[ChainFile]],
) -> Iterator[Shadowed]:
    """Yield what never wins after, and won before or was not there."""
    was, is_now = (_shadowed(*one) for one in zip(resolved, held, strict=True))
    for collection in sorted(is_now - was):
        ticket = names.get(collection, "")
        siblings = {leaf.collection for leaf in held[1] if names.get(leaf.collection) == ticket and leaf.rows}
        where = _line(chains, {ticket, collection})
        yield Shadowed(collection, ticket, bool(ticket) and siblings <= is_now, where)


def _shadowed(resolved: Resolved, leaves: Iterable[Holding]) -> frozenset[str]:
    """Return what holds something, and never wins."""
    holding = {leaf.collection for leaf in leaves if any(row.begin < row.end for row in leaf.rows)}
    return frozenset(holding - resolved.selected)


def _line(chains: Iterable[Written[ChainFile]], words: set[str]) -> Where | None:
    """Return where something is listed."""
    for chain in chains:
        for index, entry in enumerate(chain.noun.entries):
            if entry in words:
                return chain.lines.at("entries", index)
    return None


def _unknown(
    searches: _Searches,
    names: Mapping[str, str],
    sources: tuple[Sequence[tuple[str, Holding | Seal]], Sequence[tuple[str, Holding | Seal]]],
    *,
    falls_through: bool,
) -> Iterator[Unknown]:
    """Yield what is not known and could change what is told.

    It changes its place, or is searched before what does.  Behind it, what
    others make counts only where a lookup finds nothing else any more.
    """
    orders, known = (searches.before, searches.after), (dict(sources[0]), dict(sources[1]))
    moved = {leaf for leaves in _steps(*orders) for leaf in leaves}
    altered = {leaf for leaf in known[0].keys() & known[1].keys() if known[0][leaf] != known[1][leaf]}
    reached = {leaf for order in orders for leaf in _up_to(moved | altered, order)}
    searched = zip(orders, known, strict=True)
    for leaf in dict.fromkeys(leaf for order, told in searched for leaf in order if leaf not in told):
        ticket = names.get(leaf, "")
        if leaf in reached or (reached and (ticket or falls_through)):
            yield Unknown(leaf, ticket, leaf in moved)


def _up_to(last: Collection[str], order: Sequence[str]) -> Sequence[str]:
    """Return what is searched until the last of some was."""
    return order[: max((number for number, leaf in enumerate(order, 1) if leaf in last), default=0)]


def _selectors(data_ids: Iterable[str]) -> list[dict[str, str]]:
    """Return what data IDs ask of an exposure, each once."""
    found = {tuple(sorted(selector(data_id).items())) for data_id in data_ids}
    return [dict(pairs) for pairs in sorted(found)]
