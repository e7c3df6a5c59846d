"""Check that a ticket's collections hold what was pinned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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


def is_deployed(expected: Expected, showed: Showed) -> bool:
    """Say whether there is anything of a ticket at a repository."""
    return any(name in showed.seen for name in expected.ticket.leaves)


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
    rows = sum(len(showed.held[name].rows) for name in leaves if name in showed.held)
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
    seen = showed.seen.get(ticket.collection)
    live = Chain(address, seen.children, type=seen.type) if seen else None
    for drift in ChainKind().compare(Chain(address, ticket.leaves), live):
        yield Finding(
            check=Check.CONTENT,
            what=_FAULTS.get(drift.what, Fault.CHANGED),
            collection=ticket.collection,
            detail=f"{drift.subject}: {drift.detail}" if drift.subject != ticket.collection else drift.detail,
        )


def _of_collection(name: str, expected: Expected, showed: Showed) -> Iterator[Finding]:
    if (told := _as_a_whole(name, expected, showed)) is not None:
        what, detail = told
        yield Finding(check=Check.CONTENT, what=what, collection=name, detail=detail)
        return
    live = showed.held[name]
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


def _as_a_whole(name: str, expected: Expected, showed: Showed) -> tuple[Fault, str] | None:
    """Return what is wrong with a collection before its rows are looked at."""
    if name not in showed.seen:
        return Fault.MISSING, "it is not here"
    if name not in showed.held:
        return Fault.CHANGED, f"the name is taken by a {showed.seen[name].type.value} collection"
    live = showed.held[name]
    if expected.type_of(name) not in {None, live.type}:
        return Fault.CHANGED, f"it is a {live.type.value} collection, which {expected.witness} says it is not"
    return None


def _lacking(name: str, expected: Expected, showed: Showed) -> Iterable[Row]:
    live = showed.held.get(name)
    return set(expected.rows(name, live)) - set(live.rows if live else ())


def _missing(
    name: str, rows: Iterable[Row], expected: Expected, showed: Showed, verb: str
) -> Iterator[Finding]:
    alike: dict[tuple[str, int, int, tuple[str, ...]], list[tuple[Row, list[Effective]]]] = {}
    for row in sorted(rows):
        instead = _instead(row, expected, showed)
        collections = tuple(sorted({winner.collection for winner in instead}))
        alike.setdefault((row.dataset_type, row.begin, row.end, collections), []).append((row, instead))
    for (dataset_type, begin, end, collections), found in alike.items():
        uuids = sorted({winner.uuid for _, winners in found for winner in winners})
        yield Finding(
            check=Check.CONTENT,
            what=Fault.MISSING,
            collection=name,
            dataset_type=dataset_type,
            data_ids=tuple(sorted(row.data_id for row, _ in found)),
            begin=format_bound(begin),
            end=format_bound(end),
            expected=Picked(collections=(name,), uuids=tuple(sorted({r.uuid for r, _ in found if r.uuid}))),
            found=Picked(collections=collections, uuids=tuple(uuids)) if collections else None,
            detail=f"not {verb} here; {_said_instead(collections, showed)}",
        )


def _instead(row: Row, expected: Expected, showed: Showed) -> list[Effective]:
    """Return what is selected where a row is missing."""
    for chain in showed.through(expected.ticket):
        found = within(chain.sight, row.dataset_type, row.data_id, (row.begin, row.end))
        return [winner for winner in found if winner.uuid != row.uuid]
    return []


def _said_instead(collections: Sequence[str], showed: Showed) -> str:
    if not collections:
        return "nothing is selected instead"
    owners = dict.fromkeys(showed.called(collection) for collection in collections)
    return f"{' and '.join(f'that of {owner}' for owner in owners)} is selected instead"


def _beyond(name: str, rows: Iterable[Row], expected: Expected, verb: str) -> Iterator[Finding]:
    alike: dict[tuple[str, int, int], list[Row]] = {}
    for row in sorted(rows):
        alike.setdefault((row.dataset_type, row.begin, row.end), []).append(row)
    for (dataset_type, begin, end), found in alike.items():
        yield Finding(
            check=Check.CONTENT,
            what=Fault.CHANGED,
            collection=name,
            dataset_type=dataset_type,
            data_ids=tuple(sorted({row.data_id for row in found})),
            begin=format_bound(begin),
            end=format_bound(end),
            found=Picked(collections=(name,), uuids=tuple(sorted({row.uuid for row in found}))),
            detail=f"{verb} here, and {expected.witness} does not have it",
        )
