"""Whether an export holds what it should."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

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
    export = _Export(contents, collections, name)
    export.check_collections()
    export.check_chains(ticket)
    export.check_fingerprint(fingerprint)
    export.check_datasets()


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
    # Manifests of older versions have none.
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
        holding = contents.holding(collection.name)
        # The collection as the manifest would have to tell of it.
        in_export = BundledCollection(
            name=collection.name,
            type=holding.type,
            fingerprint=holding.fingerprint,
            datasets=len(holding.rows),
        )
        if in_export != collection:
            raise refused(
                "Bundle contradicts itself",
                f"{name} has {collection.name} as a {in_export.type.value} collection of "
                f"{in_export.datasets} rows, {in_export.fingerprint}; "
                f"{MANIFEST} says {collection.type.value}, "
                f"{collection.datasets}, {collection.fingerprint}.",
                RESTORE,
            )
    # Each dataset with its file: a file may have several.
    listed = set()
    for file in manifest.files:
        for uuid_ in file.datasets:
            listed.add((uuid_, file.path))
    held = set()
    for dataset in contents.datasets:
        held.add((dataset.uuid, dataset.path))
    if listed != held:
        # Of each, the paths of what the other does not tell.
        only_in_export = sorted(path for _, path in held - listed)
        only_in_manifest = sorted(path for _, path in listed - held)
        raise refused(
            "Bundle contradicts itself",
            f"{name} and {MANIFEST} tell of different files: "
            f"only the export has {some(only_in_export)}, "
            f"only the manifest has {some(only_in_manifest)}.",
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
    ticket = f"{manifest.instrument}/{manifest.ticket}"
    what = f"{ticket} at {manifest.exported_from}"
    if content is not None:
        digest = content_digest(manifest)
        if digest != content:
            raise refused(
                "Files are not as sealed",
                f"The files of {what} have the digest {digest}; {content} was sealed. "
                "Somebody changed a file since.",
                "Bring the sealed files back, or make a new ticket of the new ones.",
            )
    if manifest.reading is not None:
        check_reading(manifest.reading, reading, what)


@dataclass(frozen=True)
class _Export:
    """What an export says, and what of a ticket it is to hold."""

    contents: Contents

    collections: Sequence[str]
    """Full names of the ticket's collections, in search order."""

    name: str
    """What messages call the export."""

    def check_collections(self) -> None:
        """Refuse other collections than those of the ticket."""
        missing = []
        for collection in self.collections:
            if collection not in self.contents.collections:
                missing.append(collection)
        more = []
        for collection, definition in self.contents.collections.items():
            type_, _, _ = definition
            # RUNs and chains are there without holding anything of the ticket.
            if type_ not in {CollectionType.CALIBRATION, CollectionType.TAGGED}:
                continue
            if collection not in self.collections:
                more.append(collection)
        if missing or more:
            raise refused(
                "Export is not what was asked for",
                f"{self.name} lacks {some(missing)} and has {some(more)} besides what the ticket holds.",
                "The export is partial, or of another ticket.",
            )

    def check_chains(self, ticket: TicketKey) -> None:
        """Refuse all chains but the one that stands for the whole ticket."""
        instrument, name = ticket
        whole = f"{instrument}/calib/{name}"
        collections = tuple(self.collections)
        for chain, definition in self.contents.collections.items():
            type_, _, children = definition
            if type_ is not CollectionType.CHAINED:
                continue
            if chain != whole or children != collections:
                raise refused(
                    "Export is not what was asked for",
                    f"{self.name} defines the chain {chain} of {some(children)}.",
                    "The stock import would put it in the place of the destination's own chain.",
                )

    def check_fingerprint(self, expected: str) -> None:
        """Refuse other rows than the ticket has."""
        fingerprints = []
        counts = []
        for collection in self.collections:
            holding = self.contents.holding(collection)
            fingerprints.append((collection, holding.fingerprint))
            number = len(holding.rows)
            counts.append(f"{number} in {collection}")
        fingerprint = ticket_fingerprint(fingerprints)
        if fingerprint != expected:
            rows = ", ".join(counts)
            raise refused(
                "Export is not what was asked for",
                f"{self.name} holds other datasets or ranges than the ticket has: its fingerprint is "
                f"{fingerprint}, expected was {expected}. Rows found: {rows}.",
                "The export is partial, or the origin changed meanwhile; look again and make a new plan.",
            )

    def check_datasets(self) -> None:
        """Refuse what the ticket does not hold, and paths that lead away."""
        held: set[str] = set()
        for collection in self.collections:
            holding = self.contents.holding(collection)
            held.update(row.uuid for row in holding.rows)
        datasets = self.contents.datasets
        more = []
        for dataset in datasets:
            if dataset.uuid not in held:
                more.append(dataset.uuid)
        if more:
            raise refused(
                "Export is not what was asked for",
                f"{self.name} describes {some(more)}, in no collection of the ticket.",
                "What no collection of the ticket holds would be imported unseen.",
            )
        for dataset in datasets:
            if problem := path_problem(dataset.path):
                raise refused(
                    "Unfit path in an export",
                    f"{self.name} gives dataset {dataset.uuid} the path {dataset.path!r}: {problem}.",
                    "Files are read and placed by these paths; none may lead elsewhere.",
                )
