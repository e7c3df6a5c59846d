"""Explain a lookup: what it gets at each repository, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter

from ...engine.expand import places_of
from ...engine.side_by_side import gather
from ...errors import Diagnostic, UsageError
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
    # A repository that cannot be seen keeps no other from being explained.
    gathered = gather(under_way, places.timeout, counted)
    looks = list(gathered.results.values())
    unreachable = gathered.unreachable
    explanations: list[Answer] = []
    remarks: list[str] = []
    if looks:
        refuse_unknown_words(desired, question, looks)
        exposures = exposures_at(question, looks, whole=not unreachable)
        data_ids: set[str] = set()
        butlers: list[ButlerReader] = []
        without: list[RepositoryAddress] = []
        for look_ in looks:
            data_ids |= look_.data_ids(question.dataset_type)
            butlers.append(look_.butler)
            if not look_.chains:
                without.append(look_.address)
        words = Words(question, butlers, data_ids)
        explanations += _explanations(question, looks, exposures, words)
        remarks += exposures.remarks
        remarks += words.ignored()
        if without:
            remarks.append(f"{listed(without)}: no chain is declared there.")
    explanations.sort(key=attrgetter("explanation.chain", "repository"))
    tickets: dict[str, str] = {}
    for written in desired.tickets_of(question.instrument):
        ticket = written.noun
        for leaf in ticket.leaves:
            tickets[leaf] = ticket.ticket
    origins: set[RepositoryAddress] = set()
    origin = desired.origin(question.instrument)
    if origin:
        origins.add(origin)
    return Explained(
        question,
        tuple(explanations),
        tickets=tickets,
        remarks=tuple(remarks),
        unreachable=unreachable,
        origins=frozenset(origins),
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
            moment = question.moment
            assert moment is not None, "a moment is asked for, or an exposure"
            data_id = words.data_id({})
            span = (moment, moment + 1)
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
                run: str | None = None
                if explanation.winner:
                    run = look_.run_of(explanation.winner.row.uuid)
                yield Answer(look_.address, explanation, run)
