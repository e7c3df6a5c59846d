"""A bundle: a ticket in the archive.

Every adopted ticket is archived, so that the calibrations can be brought to
any repository, and back to one that lost them (DMTN-222, section 3.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError
from ..model.actions import Action, Standing
from ..model.bundles import Manifest
from ..model.drift import Drift, What
from ..model.names import ARCHIVE, Address, RepositoryAddress, TicketKey
from ..model.resources import Obstacle, Resource
from ..model.seals import content_digest
from ..ports.archive import ArchiveReader
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from .base import Kind

__all__ = ["Bundle", "BundleKind", "ExportBundle"]


@dataclass(frozen=True)
class Bundle(Resource):
    """A ticket exported to the archive."""

    ticket: TicketKey
    """Instrument and ticket."""

    fingerprint: str | None
    """Of the ticket; `None` where nobody can tell what it holds."""

    leaves: tuple[str, ...] = ()
    """Its collections, in search order."""

    chain: str | None = None
    """Its ticket collection, unless it is bare."""

    origin: RepositoryAddress | None = None
    """Where it is exported from."""

    by_reference: bool = False
    """Whether its files stay where they are."""

    content: str | None = None
    """Digest of the sealed bytes; `None` where nothing was sealed."""

    trouble: str = ""
    """Why nobody can tell what the ticket holds."""

    refused: bool = False
    """Whether that is a contradiction."""

    told: Diagnostic | None = field(default=None, repr=False)
    """The line that contradicts, and what to do, where that is known."""

    manifests: tuple[Manifest, ...] = field(default=(), repr=False)
    """Observed: its bundles, newest first; the newest is what counts, unless
    one was sealed."""

    def is_among(self, manifests: Sequence[Manifest]) -> bool:
        """Say whether one of some bundles is what this asks for."""
        if self.content is None:
            return bool(manifests)
        return any(m.fingerprint == self.fingerprint and content_digest(m) == self.content for m in manifests)

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {self.fingerprint}"


class ExportBundle(Action):
    """Write a ticket to the archive."""

    do: ClassVar[str] = "export-bundle"

    ticket: str
    instrument: str
    origin: str
    """Repository that it is exported from."""

    fingerprint: str
    """The ticket fingerprint that the origin has and the bundle must have."""

    collections: tuple[str, ...]
    """In search order."""

    chain: str | None
    by_reference: bool = False

    content: str | None = None
    """Digest that the bytes must have; `None` where nothing was sealed."""

    @override
    def subject(self) -> Bundle:
        key = (self.instrument, self.ticket)
        return Bundle(
            self.target,
            key,
            self.fingerprint,
            self.collections,
            self.chain,
            self.origin,
            self.by_reference,
            self.content,
        )

    @override
    def standing(self, live: Resource | None) -> Standing:
        if not isinstance(live, Bundle):
            return Standing.READY
        if self.content:
            return Standing.DONE if self.subject().is_among(live.manifests) else Standing.READY
        return Standing.DONE if live.fingerprint == self.fingerprint else Standing.STALE

    @override
    def moved(self, live: Resource | None) -> str:
        found = live.fingerprint if isinstance(live, Bundle) else "none"
        return (
            f"expected no bundle of {self.ticket}, or one with fingerprint {self.fingerprint}; found {found}"
        )

    @override
    def reverse(self) -> str:
        return "A bundle is never removed: it is what a repository is restored from."

    @override
    def summary(self) -> str:
        return f"export {self.ticket} from {self.origin} ({len(self.collections)} collections)"


class BundleKind(Kind[Bundle]):
    """Tickets in the archive."""

    name = "bundle"
    place = ARCHIVE
    actions = (ExportBundle,)

    @override
    def observe(self, targets: Sequence[Bundle], places: ReadPlaces) -> Mapping[Address, Bundle | None]:
        archive = places.archive()
        try:
            found = archive.bundles([t.ticket for t in targets])
        except InvalidStateError:
            # A manifest that cannot be read stops its own ticket only.
            return {t.address: _alone(t, archive) for t in targets}
        return {t.address: _newest(t, found.get(t.ticket, ())) for t in targets}

    @override
    def compare(self, declared: Bundle, live: Bundle | None) -> Iterator[Drift]:
        if live is None:
            yield Drift(
                target=declared.address,
                what=What.MISSING,
                subject=declared.address.name,
                detail="it is not in the archive",
            )
        elif not declared.is_among(live.manifests):
            yield Drift(
                target=declared.address,
                what=What.MISSING,
                subject=declared.address.name,
                detail=f"{len(live.manifests)} in the archive, and none is what was sealed",
            )

    @override
    def remedy(self, declared: Bundle, live: Bundle | None) -> Iterator[Action]:
        lacks = live is None or not declared.is_among(live.manifests)
        if lacks and not declared.trouble and declared.fingerprint and declared.origin:
            instrument, ticket = declared.ticket
            yield ExportBundle(
                target=declared.address,
                because=f"{ticket} is adopted and not in the archive",
                ticket=ticket,
                instrument=instrument,
                origin=declared.origin,
                fingerprint=declared.fingerprint,
                collections=declared.leaves,
                chain=declared.chain,
                by_reference=declared.by_reference,
                content=declared.content,
            )

    @override
    def is_there(self, declared: Bundle, live: Bundle | None) -> bool:
        return live is not None and not declared.trouble and declared.is_among(live.manifests)

    @override
    def obstacle(self, declared: Bundle, live: Bundle | None) -> Obstacle | None:
        if not declared.trouble:
            return None
        return Obstacle(
            declared.trouble, awaited=not declared.refused, refused=declared.refused, told=declared.told
        )

    @override
    def apply(self, action: Action, places: WritePlaces, watch: Watch) -> None:
        assert isinstance(action, ExportBundle)
        export = places.butler(action.origin).export(action.collections, chain=action.chain)
        places.change_archive().add_bundle(
            (action.instrument, action.ticket),
            action.collections,
            action.fingerprint,
            export,
            exported_from=action.origin,
            by_reference=action.by_reference,
            content=action.content,
            watch=watch,
        )


def _newest(target: Bundle, manifests: tuple[Manifest, ...]) -> Bundle | None:
    if not manifests:
        return None
    return Bundle(target.address, target.ticket, manifests[0].fingerprint, manifests=manifests)


def _alone(target: Bundle, archive: ArchiveReader) -> Bundle | None:
    try:
        return _newest(target, archive.bundles([target.ticket]).get(target.ticket, ()))
    except InvalidStateError as error:
        return Bundle(target.address, target.ticket, None, trouble=error.diagnostics[0].detail, refused=True)
