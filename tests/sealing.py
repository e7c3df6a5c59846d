"""Seals of tickets that nobody made: enough to tell what would be found."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from calibstate.model.bundles import BundledCollection, BundleFile, Manifest
from calibstate.model.contents import CollectionType, Holding, Row
from calibstate.model.fingerprints import ticket_fingerprint
from calibstate.model.seals import SealedFrom, seal_of
from calibstate.model.timespans import UNBOUNDED, Range, parse_tai
from calibstate.store import sealfile
from tests.tree import Tree

__all__ = ["Certified", "certified", "seal", "since"]

Certified = tuple[str, Sequence[str], Range]
"""Dataset type, data IDs and range."""

_NAMESPACE = uuid.UUID("0d4b7e0e-6c0c-4b25-8f52-8f0cbb3d1a55")


def since(day: str, until: str | None = None) -> Range:
    """Return a range from one day on, perhaps until another."""
    end = UNBOUNDED[1] if until is None else parse_tai(f"{until}T00:00:00")
    return (parse_tai(f"{day}T00:00:00"), end)


def certified(
    dataset_type: str,
    span: Range,
    detectors: Iterable[int] = range(9),
    filters: Sequence[str] = (),
    instrument: str = "LSSTComCam",
) -> Certified:
    """Return a type for some detectors, in some filters."""
    of_detectors = [f"detector={number},instrument={instrument}" for number in detectors]
    named = [f"{data_id},physical_filter={name}" for data_id in of_detectors for name in filters]
    return (dataset_type, named or of_detectors, span)


def seal(
    tree: Tree,
    ticket: str,
    collections: Mapping[str, Sequence[Certified]],
    *,
    run: str = "run",
    **more: Any,
) -> None:
    """Declare a ticket, adopted, and seal it, each collection of one RUN."""
    tree.ticket(ticket, *collections, **more)
    prefix = f"{tree.instrument}/calib/{ticket}/"
    held = {f"{prefix}{name}": _holding(f"{prefix}{name}", what) for name, what in collections.items()}
    uuids = sorted({row.uuid for holding in held.values() for row in holding.rows})
    manifest = Manifest(
        instrument=tree.instrument,
        ticket=ticket,
        fingerprint=ticket_fingerprint((name, h.fingerprint) for name, h in held.items()),
        made_at="2025-01-01T00:00:00Z",
        exported_from="usdf/main",
        collections=tuple(
            BundledCollection(name=name, type=h.type, fingerprint=h.fingerprint, datasets=len(h.rows))
            for name, h in held.items()
        ),
        files=tuple(
            BundleFile(path=f"{id_}.fits", size=2880, sha256="0" * 64, adler32="0" * 8, datasets=(id_,))
            for id_ in uuids
        ),
    )
    runs = {row.uuid: f"{name}.{run}" for name, holding in held.items() for row in holding.rows}
    made_at = SealedFrom(repository="usdf/main", at="2025-01-01T00:00:00.000Z")
    sealfile.write(tree.state, seal_of(manifest, held, runs, made_at))


def _holding(name: str, what: Sequence[Certified]) -> Holding:
    rows = tuple(
        Row(dataset_type, data_id, str(uuid.uuid5(_NAMESPACE, f"{name} {dataset_type} {data_id}")), *span)
        for dataset_type, data_ids, span in what
        for data_id in data_ids
    )
    return Holding(name, CollectionType.CALIBRATION, rows)
