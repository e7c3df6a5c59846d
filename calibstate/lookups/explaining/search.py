"""Explain one search: which candidate wins, and why not the others.

Which one wins is `~calibstate.lookups.resolve.resolve`'s to say; here each of
the others gets its reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...model.contents import Holding, Row, parse_data_id
from ...model.effective import Candidate, Effective
from ...model.explanations import Explanation, Weighed, Why
from ...model.timespans import Range
from ..resolve import candidates, resolve
from .words import values_of

__all__ = ["explain_search"]

Alternatives = dict[str, tuple[str, ...]]
"""Values by key."""


def explain_search(
    chain: str,
    leaves: Sequence[Holding],
    dataset_type: str,
    data_id: str,
    span: Range,
) -> Explanation:
    """Say which calibration a search finds, and why not the others.

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
    own: list[Holding] = []
    for leaf in leaves:
        # Few rows are of the data ID, so that is looked at first.
        rows = [row for row in leaf.rows if row.data_id == data_id]
        of_type = [row for row in rows if row.dataset_type == dataset_type]
        own.append(replace(leaf, rows=tuple(of_type)))
    could_win = candidates(own, dataset_type, data_id)
    deciding = _deciding(own, span)
    weighed = _weighed(could_win, deciding, span)
    alternatives: Alternatives = {}
    if not could_win:
        alternatives = _alternatives(leaves, dataset_type, data_id)
    searched = [leaf.collection for leaf in leaves]
    return Explanation(
        chain,
        dataset_type,
        data_id,
        span,
        searched=tuple(searched),
        candidates=tuple(weighed),
        alternatives=alternatives,
    )


def _overlaps(row: Row | Effective, span: Range) -> bool:
    """Say whether a range has any part of a span."""
    # An empty range overlaps nothing, wherever it lies.
    if row.begin >= row.end:
        return False
    begin, end = span
    return max(row.begin, begin) < min(row.end, end)


def _deciding(own: Sequence[Holding], span: Range) -> str | None:
    """Return the collection that decides, if any does.

    Of several datasets that are effective within an exposure, the butler
    takes that of the collection that is searched first.
    """
    then: list[Holding] = []
    for leaf in own:
        rows = [row for row in leaf.rows if _overlaps(row, span)]
        then.append(replace(leaf, rows=tuple(rows)))
    names: set[str] = set()
    resolved = resolve(then)
    for winner in resolved.pieces:
        if _overlaps(winner, span):
            names.add(winner.collection)
    for leaf in own:
        if leaf.collection in names:
            return leaf.collection
    return None


def _weighed(
    could_win: Sequence[Candidate],
    deciding: str | None,
    span: Range,
) -> Iterator[Weighed]:
    """Yield the candidates, each with why it wins or does not."""
    overlapping: list[Candidate] = []
    for candidate in could_win:
        if candidate.collection != deciding:
            continue
        if _overlaps(candidate.row, span):
            overlapping.append(candidate)
    decided = Why.WINS
    later = Why.LATER
    # The butler refuses to choose among several in one collection.
    if len(overlapping) != 1:
        decided = Why.AMBIGUOUS
        later = Why.BEHIND
    begin, end = span
    for candidate in could_win:
        row = candidate.row
        if candidate in overlapping:
            why = decided
        elif row.begin >= row.end:
            why = Why.EMPTY
        elif row.begin >= end:
            why = Why.NOT_YET
        elif row.end <= begin:
            why = Why.ENDED
        else:
            why = later
        yield Weighed(
            candidate.rank,
            candidate.collection,
            row,
            why,
        )


def _alternatives(
    leaves: Sequence[Holding],
    dataset_type: str,
    data_id: str,
) -> Alternatives:
    """Return what there would be candidates for, by key."""
    data_ids_of: defaultdict[str, set[str]] = defaultdict(set)
    for leaf in leaves:
        for row in leaf.rows:
            data_ids_of[row.dataset_type].add(row.data_id)
    if not data_ids_of:
        return {}
    data_ids = data_ids_of.get(dataset_type)
    if not data_ids:
        types = sorted(data_ids_of)
        return {"dataset_type": tuple(types)}
    wanted = parse_data_id(data_id)
    there = list(map(parse_data_id, data_ids))
    keys = [key for key in wanted if key != "instrument"]
    # Best help is a value with which all other keys would fit.
    near: Alternatives = {}
    for key in keys:
        fitting: list[dict[str, str]] = []
        for other in there:
            with_ours = {**other, key: wanted[key]}
            if with_ours == wanted:
                fitting.append(other)
        if fitting:
            near[key] = values_of(key, fitting)
    if near:
        return near
    return {key: values_of(key, there) for key in keys}
