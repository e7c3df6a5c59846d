"""Whether an export holds what it should."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ...model.bundles import BundledCollection, Contents, Manifest
from ...model.contents import CollectionType
from ...model.fingerprints import ticket_fingerprint
from ...model.names import TicketKey
from ...model.readings import Reading
from ...model.seals import content_digest
from .names import EXPORT, MANIFEST, path_problem
from .reading import reading_of
from .refusals import RESTORE, refused, some

__all__ = ["check", "check_content", "check_export", "check_reading", "check_text"]


def check_export(
    contents: Contents, ticket: TicketKey, collections: Sequence[str], fingerprint: str, *, name: str = EXPORT
) -> None:
    """Check that an export holds a ticket, all of it and no more.

    Parameters
    ----------
    contents
        What the export says.
    ticket
        Instrument and ticket.
    collections
        Full names of the ticket's collections, in search order.
    fingerprint
        The ticket's fingerprint.
    name
        What messages call the export.

    Raises
    ------
    RefusedError
        It does not; the message says what was found and expected.
    """
    _check_collections(contents, collections, name)
    _check_chains(contents, ticket, collections, name)
    holdings = [contents.holding(collection) for collection in collections]
    actual = ticket_fingerprint((holding.collection, holding.fingerprint) for holding in holdings)
    if actual != fingerprint:
        counts = ", ".join(f"{len(holding.rows)} in {holding.collection}" for holding in holdings)
        raise refused(
            "Export is not what was asked for",
            f"{name} holds other datasets or ranges than the ticket has: its fingerprint is {actual}, "
            f"expected was {fingerprint}. Rows found: {counts}.",
            "The export is partial, or the origin changed meanwhile; look again and make a new plan.",
        )
    _check_datasets(contents, collections, name)


def check_text(text: bytes, manifest: Manifest, *, name: str = EXPORT) -> None:
    """Check that an export is the one that a manifest was made with.

    Parameters
    ----------
    text
        ``export.yaml``.
    manifest
        Of the bundle.
    name
        What messages call the export.

    Raises
    ------
    RefusedError
        It was altered since.
    """
    digest = hashlib.sha256(text).hexdigest()
    if manifest.export not in {None, digest}:
        raise refused(
            "Export was altered",
            f"{name} has the SHA-256 {digest}; {MANIFEST} says {manifest.export}. Nothing of it is used: it "
            "says by which classes files are read, and what data IDs mean.",
            RESTORE,
        )


def check(contents: Contents, manifest: Manifest, *, name: str = EXPORT) -> None:
    """Check that an export holds what a manifest says.

    Raises
    ------
    RefusedError
        A path climbs, a collection or a file is missing, more or another
        than the manifest says.
    """
    ticket = TicketKey(manifest.instrument, manifest.ticket)
    names = [collection.name for collection in manifest.collections]
    check_export(contents, ticket, names, manifest.fingerprint, name=name)
    for collection in manifest.collections:
        _check_collection(contents, collection, name)
    listed: set[tuple[str, str]] = set()
    for file in manifest.files:
        listed.update((uuid_, file.path) for uuid_ in file.datasets)
    held = {(dataset.uuid, dataset.path) for dataset in contents.datasets}
    if listed != held:
        raise refused(
            "Bundle contradicts itself",
            f"{name} and {MANIFEST} tell of different files: {_differences(held, listed)}.",
            RESTORE,
        )
    reading = reading_of(contents, names)
    if difference := reading.differs_from(manifest.reading):
        raise refused(
            "Bundle contradicts itself",
            f"{name} and {MANIFEST} tell of different {difference}.",
            RESTORE,
        )


def check_reading(reading: Reading, sealed: Reading | None, what: str) -> None:
    """Check that files are read as they were when they were sealed.

    Parameters
    ----------
    reading
        How they are read.
    sealed
        How they should be; `None` where no seal tells.
    what
        What messages call it.

    Raises
    ------
    RefusedError
        They are read otherwise.
    """
    if difference := reading.differs_from(sealed):
        raise refused(
            "Not as sealed",
            f"{what}: other {difference} than were sealed. The same bytes would be read as something else, "
            "or for another detector.",
            "Bring back what was sealed, or make a new ticket of what is there now.",
        )


def check_content(manifest: Manifest, content: str | None, reading: Reading | None = None) -> None:
    """Check that a bundle is what was sealed, to the byte.

    Parameters
    ----------
    manifest
        Of the bundle.
    content
        Digest of the sealed bytes; `None` where nothing was sealed.
    reading
        How they are read; `None` where no seal tells.

    Raises
    ------
    RefusedError
        It is something else.
    """
    if content is not None and content_digest(manifest) != content:
        raise refused(
            "Files are not as sealed",
            f"The files of {manifest.instrument}/{manifest.ticket} at {manifest.exported_from} have the "
            f"digest {content_digest(manifest)}; {content} was sealed. Somebody changed a file since.",
            "Bring the sealed files back, or make a new ticket of the new ones.",
        )
    if manifest.reading is not None:
        what = f"{manifest.instrument}/{manifest.ticket} at {manifest.exported_from}"
        check_reading(manifest.reading, reading, what)


def _check_collections(contents: Contents, collections: Sequence[str], name: str) -> None:
    expected = set(collections)
    missing = [collection for collection in collections if collection not in contents.collections]
    more: list[str] = []
    for collection, (type_, _, _) in contents.collections.items():
        # RUNs and chains are there without holding anything of the ticket.
        holds = type_ in {CollectionType.CALIBRATION, CollectionType.TAGGED}
        if holds and collection not in expected:
            more.append(collection)
    if missing or more:
        raise refused(
            "Export is not what was asked for",
            f"{name} lacks {some(missing)} and has {some(more)} besides what the ticket holds.",
            "The export is partial, or of another ticket.",
        )


def _check_chains(contents: Contents, ticket: TicketKey, collections: Sequence[str], name: str) -> None:
    expected = (f"{ticket[0]}/calib/{ticket[1]}", tuple(collections))
    for chain, (type_, _, children) in contents.collections.items():
        if type_ is CollectionType.CHAINED and (chain, children) != expected:
            raise refused(
                "Export is not what was asked for",
                f"{name} defines the chain {chain} of {some(children)}.",
                "The stock import would put it in the place of the destination's own chain.",
            )


def _check_datasets(contents: Contents, collections: Sequence[str], name: str) -> None:
    held: set[str] = set()
    for collection in collections:
        held.update(row.uuid for row in contents.holding(collection).rows)
    more = [dataset.uuid for dataset in contents.datasets if dataset.uuid not in held]
    if more:
        raise refused(
            "Export is not what was asked for",
            f"{name} describes {some(more)}, in no collection of the ticket.",
            "What no collection of the ticket holds would be imported unseen.",
        )
    for dataset in contents.datasets:
        if problem := path_problem(dataset.path):
            raise refused(
                "Unfit path in an export",
                f"{name} gives dataset {dataset.uuid} the path {dataset.path!r}: {problem}.",
                "Files are read and placed by these paths; none may lead elsewhere.",
            )


def _check_collection(contents: Contents, expected: BundledCollection, name: str) -> None:
    holding = contents.holding(expected.name)
    is_in_export = (holding.type, holding.fingerprint, len(holding.rows))
    is_in_manifest = (expected.type, expected.fingerprint, expected.datasets)
    if is_in_export != is_in_manifest:
        raise refused(
            "Bundle contradicts itself",
            f"{name} has {expected.name} as a {holding.type.value} collection of {len(holding.rows)} rows, "
            f"{holding.fingerprint}; {MANIFEST} says {expected.type.value}, {expected.datasets}, "
            f"{expected.fingerprint}.",
            RESTORE,
        )


def _differences(held: set[tuple[str, str]], expected: set[tuple[str, str]]) -> str:
    only_held = sorted(path for _, path in held - expected)
    only_expected = sorted(path for _, path in expected - held)
    return f"only the export has {some(only_held)}, only the manifest has {some(only_expected)}"
