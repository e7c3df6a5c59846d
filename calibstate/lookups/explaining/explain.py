"""Explain a lookup: what it gets at each repository, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...engine.expand import places_of
from ...engine.side_by_side import side_by_side
from ...errors import Diagnostic, UnreachableError, UsageError
from ...model.desired import DesiredState
from ...model.explanations import Explained, Explanation, Question, Told
from ...model.names import RepositoryAddress
from ...model.scope import Scope
from ...model.timespans import Range
from ...ports.butler import ButlerReader, SeenExposure
from ...ports.places import ReadPlaces
from .look import Look, look
from .search import explain_search
from .words import Words, listed, unknown

__all__ = ["explain"]


@dataclass(frozen=True)
class _Exposures:
    """The exposure that is asked for, as each repository has it."""

    by_address: Mapping[RepositoryAddress, SeenExposure | None]
    """As another has it, where it is not known; `None`: none is asked for."""

    remarks: tuple[str, ...] = ()


def explain(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    question: Question,
    counted: Callable[[int, int], None] = lambda done, total: None,
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
    counted
        Told how many repositories have been looked at, of how many.

    Raises
    ------
    UsageError
        No repository knows the chain, the dataset type, a key of the data ID
        or the exposure.
    """
    here = replace(scope, instruments=(question.instrument,))
    addresses = places_of(desired, here)
    if not addresses:
        detail = f"No repository with {question.instrument} is left of those that were asked for."
        raise UsageError(Diagnostic("Nowhere to look", detail))
    under_way = {address: partial(look, desired, places, address, question) for address in addresses}
    looks: list[Look] = []
    unreachable: dict[RepositoryAddress, Diagnostic] = {}
    for done, (address, future) in enumerate(side_by_side(under_way, places.timeout), 1):
        try:
            looks.append(future.result())
        except UnreachableError as error:
            unreachable[address] = error.diagnostics[0]
        counted(done, len(under_way))
    # They end in any order.
    looks.sort(key=lambda look: look.address)
    explanations: list[Told] = []
    remarks: list[str] = []
    if looks:
        _refuse_unknown_words(desired, question, looks)
        exposures = _exposures(question, looks, whole=not unreachable)
        data_ids: set[str] = set()
        for look_ in looks:
            data_ids |= look_.data_ids(question.dataset_type)
        words = Words(question, [look_.butler for look_ in looks], data_ids)
        explanations += _explanations(question, looks, exposures, words)
        remarks += exposures.remarks
        remarks += words.ignored()
        without = [look_.address for look_ in looks if not look_.chains]
        if without:
            remarks.append(f"{listed(without)}: no chain is declared there.")
    explanations.sort(key=lambda told: (told.explanation.chain, told.repository))
    origin = desired.origin(question.instrument)
    return Explained(
        question,
        tuple(explanations),
        tickets=_tickets(desired, question.instrument),
        remarks=tuple(remarks),
        unreachable=dict(sorted(unreachable.items())),
        origins=frozenset([origin] if origin else []),
    )


def _refuse_unknown_words(desired: DesiredState, question: Question, looks: Sequence[Look]) -> None:
    """Refuse words that no repository knows.

    Raises
    ------
    UsageError
        No repository has the chain, no chain is declared, or chains hold
        other dataset types only.
    """
    instrument = question.instrument
    addresses = listed(look.address for look in looks)
    names: set[str] = set()
    existing: set[str] = set()
    types: set[str] = set()
    for look_ in looks:
        names.update(look_.chains)
        existing.update(name for name, leaves in look_.chains.items() if leaves is not None)
        for leaf in look_.leaves:
            types.update(row.dataset_type for row in leaf.rows)
    if not names:
        raise UsageError(
            Diagnostic(
                "Nothing to search",
                f"No chain of {instrument} is declared for {addresses}.",
                hint="Give one: --chain COLLECTION.",
            )
        )
    if question.chain and question.chain not in existing:
        declared = [written.noun.chain for written in desired.chains_of(instrument)]
        detail = f"no such collection at {addresses}"
        raise unknown("Collection not known", question.chain, detail, declared)
    if types and question.dataset_type not in types:
        searched = " and ".join(sorted(names))
        detail = f"{searched} holds none of that type at {addresses}"
        raise unknown("No such calibrations", question.dataset_type, detail, types)


def _exposures(question: Question, looks: Sequence[Look], *, whole: bool) -> _Exposures:
    """Return the exposure as each repository has it, or as another does.

    Parameters
    ----------
    question
        What is looked up.
    looks
        What repositories showed.
    whole
        Whether all of them could be seen.

    Raises
    ------
    UsageError
        None has it.
    UnreachableError
        None has it, and not all of them tell.
    """
    exposures = {look.address: look.exposure for look in looks}
    if question.exposure is None:
        return _Exposures(exposures)
    knowing = next((look for look in looks if look.exposure), None)
    if knowing is None:
        silent = [look.address for look in looks if not look.tells_exposures]
        detail = f"{question.exposure}: no such exposure of {question.instrument} at {listed(exposures)}"
        if silent:
            detail += f"; of {listed(silent)} nobody observed exposures"
        # One that is silent, or was not seen, may have it all the same.
        error = UnreachableError if silent or not whole else UsageError
        raise error(
            Diagnostic(
                "Exposure not known",
                f"{detail}.",
                hint="Give a moment instead: --at TIME.",
            )
        )
    without = [address for address, exposure in exposures.items() if not exposure]
    if not without:
        return _Exposures(exposures)
    remark = (
        f"{listed(without)}: exposure {question.exposure} is not known there, "
        f"and is looked up as {knowing.address} has it."
    )
    for address in without:
        exposures[address] = knowing.exposure
    return _Exposures(exposures, (remark,))


def _explanations(
    question: Question,
    looks: Sequence[Look],
    exposures: _Exposures,
    words: Words,
) -> Iterator[Told]:
    """Yield an explanation for each chain of each repository."""
    for look_ in looks:
        exposure = exposures.by_address[look_.address]
        if exposure:
            data_id = words.data_id(exposure.data_id)
            span: Range = (exposure.begin, exposure.end)
        else:
            assert question.moment is not None, "a moment is asked for, or an exposure"
            data_id = words.data_id({})
            span = (question.moment, question.moment + 1)
        for chain, leaves in look_.chains.items():
            if leaves is None:
                absent = Explanation(chain, question.dataset_type, data_id, span)
                yield Told(look_.address, absent, expected=chain in look_.declared)
            else:
                explanation = explain_search(chain, leaves, question.dataset_type, data_id, span)
                run = _run_of_winner(look_.butler, explanation)
                yield Told(look_.address, explanation, run)


def _run_of_winner(butler: ButlerReader, explanation: Explanation) -> str | None:
    if explanation.winner is None:
        return None
    uuid = explanation.winner.row.uuid
    try:
        return butler.runs([uuid]).get(uuid)
    except UnreachableError:
        return None  # What was observed does not tell of RUNs.


def _tickets(desired: DesiredState, instrument: str) -> dict[str, str]:
    """Return the ticket of each collection."""
    tickets: dict[str, str] = {}
    for written in desired.tickets_of(instrument):
        ticket = written.noun
        tickets.update(dict.fromkeys(ticket.leaves, ticket.ticket))
    return tickets
