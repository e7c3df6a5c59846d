"""Explain a lookup: what it gets at each repository, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter

from ...engine.expand import places_of
from ...engine.side_by_side import side_by_side
from ...errors import Diagnostic, UnreachableError, UsageError
from ...model.desired import DesiredState
from ...model.explanations import Answer, Explained, Explanation, Question
from ...model.names import RepositoryAddress
from ...model.scope import Scope
from ...model.timespans import Range
from ...ports.butler import ButlerReader
from ...ports.places import ReadPlaces
from .exposures import Exposures, exposures_at
from .look import Look, look
from .search import explain_search
from .unknown import refuse_unknown_words
from .words import Words, listed

__all__ = ["explain"]


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
    under_way: dict[RepositoryAddress, Callable[[], Look]] = {}
    for address in addresses:
        under_way[address] = partial(look, desired, places, address, question)
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
    explanations: list[Answer] = []
    remarks: list[str] = []
    if looks:
        refuse_unknown_words(desired, question, looks)
        exposures = exposures_at(question, looks, whole=not unreachable)
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
    explanations.sort(key=attrgetter("explanation.chain", "repository"))
    tickets: dict[str, str] = {}
    for written in desired.tickets_of(question.instrument):
        for leaf in written.noun.leaves:
            tickets[leaf] = written.noun.ticket
    origin = desired.origin(question.instrument)
    return Explained(
        question,
        tuple(explanations),
        tickets=tickets,
        remarks=tuple(remarks),
        unreachable=dict(sorted(unreachable.items())),
        origins=frozenset([origin] if origin else []),
    )


def _explanations(
    question: Question,
    looks: Sequence[Look],
    exposures: Exposures,
    words: Words,
) -> Iterator[Answer]:
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
                yield Answer(
                    look_.address,
                    absent,
                    expected=chain in look_.declared,
                )
            else:
                explanation = explain_search(
                    chain,
                    leaves,
                    question.dataset_type,
                    data_id,
                    span,
                )
                run = _run_of_winner(look_.butler, explanation)
                yield Answer(look_.address, explanation, run)


def _run_of_winner(butler: ButlerReader, explanation: Explanation) -> str | None:
    if explanation.winner is None:
        return None
    uuid = explanation.winner.row.uuid
    try:
        return butler.runs([uuid]).get(uuid)
    except UnreachableError:
        return None  # What was observed does not tell of RUNs.
