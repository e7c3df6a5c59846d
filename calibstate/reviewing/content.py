"""Check that a ticket's collections hold what was pinned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..kinds.chain import Chain, ChainKind
from ..model.contents import CollectionType, Row
from ..model.drift import What
from ..model.effective import Effective
from ..model.reviews import Check, Checked, Fault, Finding, Picked
from ..model.timespans import format_bound
from .expect import Expected
from .look_closely import Showed
from .within import within

__all__ = ["check_content", "is_deployed", "lacking"]

_FAULTS = {What.MISSING: Fault.MISSING, What.MISORDERED: Fault.MISORDERED}


class _MissingAlike(NamedTuple):
    """What rows have in common that are missing alike."""

    dataset_type: str
    begin: int
    end: int

    collections: tuple[str, ...]
    """Collections of which something is selected instead."""


def is_deployed(expected: Expected, showed: Showed) -> bool:
    """Say whether there is anything of a ticket at a repository."""
    return any(name in showed.collections for name in expected.ticket.leaves)


def lacking(expected: Expected, showed: Showed) -> frozenset[Row]:
    """Return the rows that a ticket should have at a repository and has not.

    Raises
    ------
    RefusedError
        What it should hold cannot be read.
    """
    return frozenset(row for name in expected.ticket.leaves for row in _lacking(name, expected, showed))


def check_content(expected: Expected, showed: Showed) -> Checked:
    """Compare what a ticket holds at a repository with what was pinned.

    Parameters
    ----------
    expected
        What it should hold.
    showed
        What the repository showed.

    Raises
    ------
    RefusedError
        What it should hold cannot be read.
    """
    leaves = expected.ticket.leaves
    findings = [finding for name in leaves for finding in _of_collection(name, expected, showed)]
    rows = sum(len(showed.holdings[name].rows) for name in leaves if name in showed.holdings)
    return Checked(
        Check.CONTENT,
        {"collections": len(leaves), "certifications": rows},
        (*_of_ticket_chain(expected, showed), *findings),
    )


def _of_ticket_chain(expected: Expected, showed: Showed) -> Iterator[Finding]:
    ticket = expected.ticket
    if ticket.collection is None:
        return
    address = Chain.at(showed.address, ticket.collection)
    collection = showed.collections.get(ticket.collection)
    live: Chain | None = None
    if collection:
        live = Chain(address, collection.children, type=collection.type)
    for drift in ChainKind().compare(Chain(address, ticket.leaves), live):
        yield Finding(
            check=Check.CONTENT,
            what=_FAULTS.get(drift.what, Fault.CHANGED),
            collection=ticket.collection,
            detail=f"{drift.subject}: {drift.detail}" if drift.subject != ticket.collection else drift.detail,
        )


def _of_collection(name: str, expected: Expected, showed: Showed) -> Iterator[Finding]:
    as_a_whole = _as_a_whole(name, expected, showed)
    if as_a_whole is not None:
        yield as_a_whole
        return
    live = showed.holdings[name]
    if live.fingerprint == expected.fingerprints[name]:
        return
    want, have = set(expected.rows(name, live)), set(live.rows)
    verb = "certified" if live.type is CollectionType.CALIBRATION else "stored"
    findings = [
        *_missing(name, want - have, expected, showed, verb),
        *_beyond(name, have - want, expected, verb),
    ]
    # From a seal alone the datasets are not known one by one.
    yield from findings or [
        Finding(
            check=Check.CONTENT,
            what=Fault.CHANGED,
            collection=name,
            detail=f"it holds other datasets than {expected.witness} says, for the same data IDs and ranges",
        )
    ]


def _as_a_whole(name: str, expected: Expected, showed: Showed) -> Finding | None:
    """Return what is wrong with a collection before its rows are looked at."""
    what = Fault.CHANGED
    if name not in showed.collections:
        what = Fault.MISSING
        detail = "it is not here"
    elif name not in showed.holdings:
        kind = showed.collections[name].type.value
        detail = f"the name is taken by a {kind} collection"
    elif expected.type_of(name) not in {None, showed.holdings[name].type}:
        kind = showed.holdings[name].type.value
        detail = f"it is a {kind} collection, which {expected.witness} says it is not"
    else:
        return None
    return Finding(check=Check.CONTENT, what=what, collection=name, detail=detail)


def _lacking(name: str, expected: Expected, showed: Showed) -> Iterable[Row]:
    live = showed.holdings.get(name)
    return set(expected.rows(name, live)) - set(live.rows if live else ())


def _missing(
    name: str, rows: Iterable[Row], expected: Expected, showed: Showed, verb: str
) -> Iterator[Finding]:
    """Yield rows that are missing, those together that are missing alike.

    They have one type and one range, and the same is selected instead.
    """
    missing: defaultdict[_MissingAlike, list[Row]] = defaultdict(list)
    winners: defaultdict[_MissingAlike, set[str]] = defaultdict(set)
    for row in sorted(rows):
        instead = _instead(row, expected, showed)
        names = sorted({winner.collection for winner in instead})
        key = _MissingAlike(row.dataset_type, row.begin, row.end, tuple(names))
        missing[key].append(row)
        winners[key].update(winner.uuid for winner in instead)
    for key, missing_rows in missing.items():
        collections = key.collections
        # From a seal alone the datasets are not known.
        uuids = {row.uuid for row in missing_rows if row.uuid}
        selected: Picked | None = None
        if collections:
            selected = Picked(collections=collections, uuids=tuple(sorted(winners[key])))
        yield Finding(
            check=Check.CONTENT,
            what=Fault.MISSING,
            collection=name,
            dataset_type=key.dataset_type,
            data_ids=tuple(sorted(row.data_id for row in missing_rows)),
            begin=format_bound(key.begin),
            end=format_bound(key.end),
            expected=Picked(collections=(name,), uuids=tuple(sorted(uuids))),
            found=selected,
            detail=f"not {verb} here; {_instead_in_words(collections, showed)}",
        )


def _instead(row: Row, expected: Expected, showed: Showed) -> list[Effective]:
    """Return what is selected where a row is missing."""
    for chain in showed.through(expected.ticket):
        winners = within(chain.sight, row.dataset_type, row.data_id, (row.begin, row.end))
        return [winner for winner in winners if winner.uuid != row.uuid]
    return []


def _instead_in_words(collections: Sequence[str], showed: Showed) -> str:
    if not collections:
        return "nothing is selected instead"
    owners = dict.fromkeys(showed.called(collection) for collection in collections)
    listed = " and ".join(f"that of {owner}" for owner in owners)
    return f"{listed} is selected instead"


def _beyond(name: str, rows: Iterable[Row], expected: Expected, verb: str) -> Iterator[Finding]:
    """Yield rows that are too many, by dataset type and range."""
    alike: defaultdict[tuple[str, int, int], list[Row]] = defaultdict(list)
    for row in sorted(rows):
        alike[row.dataset_type, row.begin, row.end].append(row)
    for (dataset_type, begin, end), extra in alike.items():
        data_ids = {row.data_id for row in extra}
        uuids = {row.uuid for row in extra}
        yield Finding(
            check=Check.CONTENT,
            what=Fault.CHANGED,
            collection=name,
            dataset_type=dataset_type,
            data_ids=tuple(sorted(data_ids)),
            begin=format_bound(begin),
            end=format_bound(end),
            found=Picked(collections=(name,), uuids=tuple(sorted(uuids))),
            detail=f"{verb} here, and {expected.witness} does not have it",
        )
