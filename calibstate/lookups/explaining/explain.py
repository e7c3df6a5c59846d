"""Explain a lookup: what it gets at each repository, and why.

Which candidate wins is `~calibstate.lookups.resolve.resolve`'s to say; here
the reasons are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...engine.expand import places_of
from ...engine.side_by_side import side_by_side
from ...errors import Diagnostic, UnreachableError, UsageError
from ...model.contents import Holding, Row, parse_data_id
from ...model.desired import DesiredState
from ...model.effective import Candidate
from ...model.explanations import Explained, Explanation, Question, Told, Weighed, Why
from ...model.names import RepositoryAddress
from ...model.scope import Scope
from ...model.timespans import Range
from ...ports.butler import ButlerReader, SeenExposure
from ...ports.places import ReadPlaces
from ..effective import flatten
from ..resolve import candidates, resolve
from .asked import Words, listed, unknown, values_of

__all__ = ["chains_to_search", "explain", "explain_search"]


def explain(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    question: Question,
    seen: Callable[[int, int], None] = lambda done, total: None,
) -> Explained:
    """Look a calibration up at the repositories that are asked for.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where to look.
    question
        What is looked up.
    seen
        Told how many repositories have been looked at, of how many.

    Raises
    ------
    UsageError
        No repository knows the chain, the dataset type, a key of the data ID
        or the exposure.
    """
    looks, unreachable = _look_everywhere(desired, scope, places, question, seen)
    told: tuple[Told, ...] = ()
    remarks: tuple[str, ...] = ()
    if looks:
        _check(desired, question, looks)
        exposures, remarks = _exposures(question, looks, whole=not unreachable)
        there = {data_id for look in looks for data_id in look.data_ids(question.dataset_type)}
        words = Words(question, [look.butler for look in looks], there)
        told = tuple(_told(question, looks, exposures, words))
        remarks += tuple(words.ignored())
        if without := [look.address for look in looks if not look.chains]:
            remarks += (f"{listed(without)}: no chain is declared there.",)
    return Explained(
        question,
        tuple(sorted(told, key=lambda one: (one.explanation.chain, one.repository))),
        _tickets(desired, question.instrument),
        remarks,
        dict(sorted(unreachable.items())),
        frozenset(a for a in [desired.origin(question.instrument)] if a),
    )


def explain_search(
    chain: str, leaves: Sequence[Holding], dataset_type: str, data_id: str, span: Range
) -> Explanation:
    """Tell which calibration a search finds, and why not the others.

    Parameters
    ----------
    chain
        What is searched, by name.
    leaves
        What its collections hold, in search order.
    dataset_type, data_id
        What is looked up.
    span
        What a range must overlap: a nanosecond, or an exposure.
    """
    own = [replace(leaf, rows=_rows(leaf, dataset_type, data_id)) for leaf in leaves]
    found = candidates(own, dataset_type, data_id)
    return Explanation(
        chain,
        dataset_type,
        data_id,
        span,
        tuple(leaf.collection for leaf in leaves),
        tuple(_weighed(found, _first(own, span), span)),
        {} if found else _known(leaves, dataset_type, data_id),
    )


def chains_to_search(desired: DesiredState, instrument: str, address: RepositoryAddress) -> tuple[str, ...]:
    """Return the declared chain of calibrations of a repository.

    That is ``INSTRUMENT/calib``, else every declared chain that it has.
    """
    names = _declared(desired, instrument, address)
    usual = f"{instrument}/calib"
    return (usual,) if usual in names else names


def _declared(desired: DesiredState, instrument: str, address: RepositoryAddress) -> tuple[str, ...]:
    chains = (written.noun for written in desired.chains_of(instrument))
    return tuple(chain.chain for chain in chains if desired.expects(chain.only, address))


def _rows(leaf: Holding, dataset_type: str, data_id: str) -> tuple[Row, ...]:
    return tuple(row for row in leaf.rows if row.data_id == data_id and row.dataset_type == dataset_type)


def _overlaps(row: Row, span: Range) -> bool:
    return row.begin < row.end and max(row.begin, span[0]) < min(row.end, span[1])


def _first(own: Sequence[Holding], span: Range) -> str | None:
    """Return the collection that decides, if any does.

    Of several datasets that are effective within an exposure, the butler
    takes that of the collection that is searched first.
    """
    then = [replace(leaf, rows=tuple(row for row in leaf.rows if _overlaps(row, span))) for leaf in own]
    ranks = {leaf.collection: rank for rank, leaf in enumerate(own)}
    names = [w.collection for w in resolve(then).winners if max(w.begin, span[0]) < min(w.end, span[1])]
    return min(names, key=ranks.__getitem__, default=None)


def _weighed(found: Iterable[Candidate], first: str | None, span: Range) -> Iterable[Weighed]:
    standing = [one for one in found if one.collection == first and _overlaps(one.row, span)]
    decided, later = (Why.WINS, Why.LATER) if len(standing) == 1 else (Why.AMBIGUOUS, Why.BEHIND)
    for one in found:
        why = decided if one in standing else _out_of(one.row, span) or later
        yield Weighed(one.rank, one.collection, one.row, why)


def _out_of(row: Row, span: Range) -> Why | None:
    """Return why a range does not come into question, if it does not."""
    if row.begin >= row.end:
        return Why.EMPTY
    if row.begin >= span[1]:
        return Why.NOT_YET
    return Why.ENDED if row.end <= span[0] else None


def _known(leaves: Sequence[Holding], dataset_type: str, data_id: str) -> dict[str, tuple[str, ...]]:
    """Return what there would be candidates for, by key."""
    data_ids = {row.data_id for leaf in leaves for row in leaf.rows if row.dataset_type == dataset_type}
    if not data_ids:
        types = {row.dataset_type for leaf in leaves for row in leaf.rows}
        return {"dataset_type": tuple(sorted(types))} if types else {}
    asked, there = parse_data_id(data_id), [parse_data_id(one) for one in data_ids]
    keys = [key for key in asked if key != "instrument"]
    near = {key: values_of(key, (one for one in there if {**one, key: asked[key]} == asked)) for key in keys}
    near = {key: values for key, values in near.items() if values}
    return near or {key: values_of(key, there) for key in keys}


# At each repository


@dataclass(frozen=True)
class _Look:
    """What a repository showed."""

    address: RepositoryAddress
    butler: ButlerReader

    chains: Mapping[str, Sequence[Holding] | None]
    """What each holds, in search order; `None` where it does not exist."""

    declared: tuple[str, ...]
    """Chains that it should have."""

    exposure: SeenExposure | None
    """As it has it; `None` where it has none, or does not tell."""

    tells_exposures: bool = True
    """Whether it can say that it has none; an observation cannot."""

    def data_ids(self, dataset_type: str) -> set[str]:
        """Return all data IDs that a dataset type is there for."""
        leaves = [leaf for held in self.chains.values() for leaf in held or ()]
        return {row.data_id for leaf in leaves for row in leaf.rows if row.dataset_type == dataset_type}


def _look_everywhere(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    question: Question,
    seen: Callable[[int, int], None],
) -> tuple[list[_Look], dict[RepositoryAddress, Diagnostic]]:
    looks: list[_Look] = []
    unreachable: dict[RepositoryAddress, Diagnostic] = {}
    here = replace(scope, instruments=(question.instrument,))
    asked = places_of(desired, here)
    if not asked:
        detail = f"No repository with {question.instrument} is left of those that were asked for."
        raise UsageError(Diagnostic("Nowhere to look", detail))
    under_way = {address: partial(_look, desired, places, address, question) for address in asked}
    for done, (address, look) in enumerate(side_by_side(under_way, places.timeout), 1):
        try:
            looks.append(look.result())
        except UnreachableError as error:
            unreachable[address] = error.diagnostics[0]
        seen(done, len(under_way))
    return sorted(looks, key=lambda look: look.address), unreachable


def _look(desired: DesiredState, places: ReadPlaces, address: RepositoryAddress, question: Question) -> _Look:
    butler = places.butler(address)
    declared = chains_to_search(desired, question.instrument, address)
    chains = {c: flatten(butler, c) for c in ([question.chain] if question.chain else declared)}
    held = butler.holdings(dict.fromkeys(n for s in chains.values() for n in s), calibrations_only=True)
    exists = butler.collections(chains)
    return _Look(
        address,
        butler,
        # A collection may have gone since it was listed.
        {
            chain: [held[name] for name in searched if name in held] if chain in exists else None
            for chain, searched in chains.items()
        },
        _declared(desired, question.instrument, address),
        *_exposure(butler, question),
    )


def _exposure(butler: ButlerReader, question: Question) -> tuple[SeenExposure | None, bool]:
    """Return an exposure, and whether the repository tells of exposures."""
    if question.exposure is None:
        return None, True
    try:
        found = butler.exposures(question.instrument, f"exposure = {question.exposure}")
    except UnreachableError:
        return None, False
    return next((one for one in found if one.begin < one.end), None), True


def _exposures(
    question: Question, looks: Sequence[_Look], *, whole: bool
) -> tuple[dict[RepositoryAddress, SeenExposure | None], tuple[str, ...]]:
    """Return the exposure as each repository has it, or as another does.

    Raises
    ------
    UsageError
        None has it.
    UnreachableError
        None has it, and not all of them tell.
    """
    seen = {look.address: look.exposure for look in looks}
    if question.exposure is None:
        return seen, ()
    knowing = next((look for look in looks if look.exposure), None)
    silent = [look.address for look in looks if not look.tells_exposures]
    if knowing is None:
        told = f"{question.exposure}: no such exposure of {question.instrument} at {listed(seen)}"
        detail = f"{told}; of {listed(silent)} nobody observed exposures." if silent else f"{told}."
        error = UsageError if whole and not silent else UnreachableError
        raise error(Diagnostic("Exposure not known", detail, hint="Give a moment instead: --at TIME."))
    without = [address for address, exposure in seen.items() if not exposure]
    remark = (
        f"{listed(without)}: exposure {question.exposure} is not known there, "
        f"and is looked up as {knowing.address} has it."
    )
    exposures = {address: exposure or knowing.exposure for address, exposure in seen.items()}
    return exposures, (remark,) if without else ()


def _told(
    question: Question,
    looks: Sequence[_Look],
    exposures: Mapping[RepositoryAddress, SeenExposure | None],
    words: Words,
) -> Iterable[Told]:
    for look in looks:
        exposure = exposures[look.address]
        data_id = words.data_id(exposure.data_id if exposure else {})
        span = _span(question, exposure)
        for chain, held in look.chains.items():
            if held is None:
                absent = Explanation(chain, question.dataset_type, data_id, span)
                yield Told(look.address, absent, expected=chain in look.declared)
            else:
                made = explain_search(chain, held, question.dataset_type, data_id, span)
                yield Told(look.address, made, _run(look.butler, made))


def _span(question: Question, exposure: SeenExposure | None) -> Range:
    if exposure:
        return exposure.begin, exposure.end
    assert question.moment is not None, "a moment is asked for, or an exposure"
    return question.moment, question.moment + 1


def _run(butler: ButlerReader, made: Explanation) -> str | None:
    if made.winner is None:
        return None
    try:
        return butler.runs([made.winner.row.uuid]).get(made.winner.row.uuid)
    except UnreachableError:
        return None  # What was observed does not tell of RUNs.


def _check(desired: DesiredState, question: Question, looks: Sequence[_Look]) -> None:
    """Refuse words that no repository knows.

    Raises
    ------
    UsageError
        No repository has the chain, no chain is declared, or chains hold
        other dataset types only.
    """
    held, addresses = [look.chains for look in looks], listed(look.address for look in looks)
    if not any(held):
        detail = f"No chain of {question.instrument} is declared for {addresses}."
        raise UsageError(Diagnostic("Nothing to search", detail, hint="Give one: --chain COLLECTION."))
    if question.chain and not any(chains[question.chain] is not None for chains in held):
        known = [chain.noun.chain for chain in desired.chains_of(question.instrument)]
        raise unknown("Collection not known", question.chain, f"no such collection at {addresses}", known)
    types = {
        row.dataset_type for chains in held for c in chains.values() for leaf in c or () for row in leaf.rows
    }
    if types and question.dataset_type not in types:
        searched = " and ".join(sorted({chain for chains in held for chain in chains}))
        detail = f"{searched} holds none of that type at {addresses}"
        raise unknown("No such calibrations", question.dataset_type, detail, types)


def _tickets(desired: DesiredState, instrument: str) -> dict[str, str]:
    tickets = (written.noun for written in desired.tickets_of(instrument))
    return {leaf: ticket.ticket for ticket in tickets for leaf in ticket.leaves}
