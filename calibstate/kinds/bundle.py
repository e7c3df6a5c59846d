"""A bundle: a ticket in the archive.

Every adopted ticket is archived, so that the calibrations can be brought to
any repository, and back to one that lost them (DMTN-222, section 3.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, PlanIsStaleError, Severity
from ..model import readings
from ..model.actions import Action, Departure, Standing
from ..model.bundles import Manifest
from ..model.contents import Holding
from ..model.damage import DamagedFile
from ..model.drift import Drift, What
from ..model.fingerprints import ticket_fingerprint
from ..model.names import ARCHIVE, Address, Place, RepositoryAddress, TicketKey
from ..model.reasons import Code, Reason
from ..model.resources import Declared, Need, Resource
from ..model.seals import content_digest, is_read_as
from ..model.tickets import Ticket
from ..ports.archive import ArchiveReader
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .bundle_files import BundleFiles, Reading, look_at_export, look_at_files, restore_files
from .certification import declared_certifications, there_before
from .curated import declared_curated
from .ingest import declared_ingests
from .selection import Selection

__all__ = ["Bundle", "BundleKind", "ExportBundle", "RestoreBundle", "bundle_departure", "bundle_of"]

_EXAMPLES = 3
"""Damaged files that a sentence names."""


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

    reading: readings.Reading | None = None
    """How they are read; `None` where no seal tells."""

    trouble: Reason | None = field(default=None, repr=False)
    """Why nobody can tell what the ticket holds; or, where there is a
    fingerprint, why nobody can export it at present."""

    sources: tuple[RepositoryAddress, ...] = ()
    """Declared: repositories that may hold its files, in the order in which
    they are asked for those that are damaged."""

    files: bool = False
    """Whether its files are looked at."""

    every_byte: bool = False
    """Whether they are read too, for their checksums."""

    sealed: bool = False
    """Declared: whether there is a seal, with which its bytes are compared."""

    listed: bool = False
    """Whether the list of its files is read: Rucio is compared with it."""

    only: frozenset[str] | None = None
    """The paths that are looked at, of the bundle with the fingerprint;
    `None`: all files of all bundles."""

    is_kept_from_origin: bool = False
    """Declared: whether its origin skips it, so that nobody can export it."""

    export: bool = False
    """Asked: until it is there, what its origin holds is looked at."""

    at_origin: Mapping[str, Holding] | None = field(default=None, repr=False)
    """Observed: what its collections hold at the origin; `None`: nobody
    asked."""

    manifests: tuple[Manifest, ...] = field(default=(), repr=False)
    """Observed: its bundles, newest first; the newest is what counts, unless
    one was sealed."""

    damage: Mapping[str, BundleFiles] = field(default_factory=dict, repr=False)
    """Observed: what is wrong with the files of a bundle, by fingerprint."""

    @property
    def newest(self) -> Manifest | None:
        """Observed: the bundle that was made last."""
        if not self.manifests:
            return None
        return self.manifests[0]

    @classmethod
    def at(cls, ticket: Ticket) -> Address:
        """Return the address of a ticket's bundle."""
        return Address(place=ARCHIVE, kind="bundle", name=ticket.name)

    def is_among(self, manifests: Sequence[Manifest]) -> bool:
        """Say whether one of some bundles is what this asks for."""
        return self.counting(manifests) is not None

    def counting(self, manifests: Sequence[Manifest]) -> Manifest | None:
        """Return which of some bundles, newest first, is deployed from.

        Parameters
        ----------
        manifests
            Of the ticket's bundles.
        """
        if not manifests:
            return None
        if self.content is None:
            return manifests[0]
        for manifest in manifests:
            if manifest.fingerprint != self.fingerprint:
                continue
            # Only now, since the digest needs the list of its files.
            if content_digest(manifest) == self.content and is_read_as(manifest, self.reading):
                return manifest
        return None

    @override
    def declaration(self) -> Mapping[str, object]:
        return {
            "collections": self.leaves,
            "chain": self.chain,
            "origin": self.origin,
            "by_reference": self.by_reference,
        }

    @override
    def reads(self) -> tuple[Place, ...]:
        if self.origin is None:
            return ()
        return (self.origin,)

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {self.fingerprint}"
        for fingerprint, files in sorted(self.damage.items()):
            for damaged in files.damaged:
                yield f"{self.address} {fingerprint} {damaged.file.path}: {damaged.detail}"


class ExportBundle(Action):
    """Write a ticket to the archive."""

    do: ClassVar[str] = "export-bundle"

    ticket: str
    instrument: str
    origin: RepositoryAddress
    """Repository that it is exported from."""

    fingerprint: str
    """The ticket fingerprint that the origin has and the bundle must have."""

    collections: tuple[str, ...]
    """In search order."""

    chain: str | None
    by_reference: bool = False

    content: str | None = None
    """Digest that the bytes must have; `None` where nothing was sealed."""

    reading: readings.Reading | None = None
    """How they must be read; `None` where no seal tells."""

    @override
    def subject(self) -> Bundle:
        key = TicketKey(self.instrument, self.ticket)
        return Bundle(
            self.target,
            key,
            self.fingerprint,
            self.collections,
            self.chain,
            self.origin,
            self.by_reference,
            self.content,
            self.reading,
            export=True,
        )

    @override
    def standing(self, live: Resource | None) -> Standing:
        if isinstance(live, Bundle) and self.is_done(live.manifests):
            return Standing.DONE
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    def is_done(self, manifests: Sequence[Manifest]) -> bool:
        """Say whether its bundle is among some."""
        if not self.content:
            # Without a seal only the newest counts.
            manifests = manifests[:1]
        return bundle_of(manifests, self.fingerprint, self.content) is not None

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, Bundle):
            return
        if live.newest and not self.content:
            yield Departure(
                ARCHIVE,
                self.target.name,
                f"no bundle, or one with content {self.fingerprint}",
                f"one with {live.newest.fingerprint}",
            )
        if live.at_origin is None:
            return
        fingerprints: list[tuple[str, str]] = []
        for name in self.collections:
            holding = live.at_origin.get(name)
            if holding is None:
                yield Departure(
                    self.origin,
                    name,
                    "the collection",
                    "none of that name",
                )
                continue
            fingerprints.append((name, holding.fingerprint))
        if len(fingerprints) < len(self.collections):
            return
        # All are there, and come to a fingerprint of the whole ticket.
        at_origin = ticket_fingerprint(fingerprints)
        if at_origin != self.fingerprint:
            yield Departure(
                self.origin,
                self.target.name,
                f"content {self.fingerprint}",
                f"content {at_origin}",
            )

    @override
    def summary(self) -> str:
        return f"export {self.ticket} from {self.origin} ({len(self.collections)} collections)"


class RestoreBundle(Action):
    """Write files of a bundle again that are gone or were altered.

    The bundle stays what it is: what is written has the size and the SHA-256
    that its manifest says.  What is found in the place of a file is kept.
    """

    do: ClassVar[str] = "restore-bundle"

    ticket: str
    instrument: str
    fingerprint: str
    """Ticket fingerprint of the bundle."""

    files: tuple[DamagedFile, ...]
    """What is written again, and what was found in its place."""

    sources: tuple[RepositoryAddress, ...]
    """Repositories that are asked for the bytes, one after the other."""

    @override
    def subject(self) -> Bundle:
        return Bundle(
            self.target,
            TicketKey(self.instrument, self.ticket),
            self.fingerprint,
            files=True,
            every_byte=True,
            only=frozenset(damaged.file.path for damaged in self.files),
        )

    @override
    def standing(self, live: Resource | None) -> Standing:
        if not isinstance(live, Bundle) or any(self.departures(live)):
            return Standing.STALE
        if live.damage[self.fingerprint].damaged:
            return Standing.READY
        return Standing.DONE

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, Bundle):
            yield bundle_departure(
                self.target.name,
                self.fingerprint,
                None,
                (),
            )
            return
        now = live.damage.get(self.fingerprint)
        if now is None:
            yield bundle_departure(
                self.target.name,
                self.fingerprint,
                None,
                live.manifests,
            )
            return
        for problem in now.problems:
            yield self._departure(
                problem.path,
                "a file that can be read",
                problem.detail,
            )
        planned = {damaged.file.path: damaged for damaged in self.files}
        for damaged in now.damaged:
            path = damaged.file.path
            expected = planned[path]
            # What is in its place is moved aside, so it must be what was seen.
            if not expected.is_as_found(damaged):
                yield self._departure(
                    path,
                    f"that {expected.detail}",
                    f"that {damaged.detail}",
                )

    def _departure(
        self,
        path: str,
        expected: str,
        actual: str,
    ) -> Departure:
        return Departure(
            ARCHIVE,
            f"{self.target.name}/{path}",
            expected,
            actual,
        )

    @override
    def brings(self) -> frozenset[tuple[str, str]]:
        # The bundle stays what it is.
        return frozenset()

    @override
    def summary(self) -> str:
        return f"restore {len(self.files)} damaged files of {self.ticket} in the archive"

    @override
    def changes(self) -> Iterator[str]:
        for damaged in self.files:
            detail = damaged.detail
            if not damaged.is_gone:
                detail = f"{detail}; what is there is kept in .damaged/"
            yield f"+ {damaged.file.path} ({detail})"


class BundleKind(Kind[Bundle]):
    """Tickets in the archive."""

    name = "bundle"
    place = ARCHIVE
    actions = (ExportBundle, RestoreBundle)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        desired = selection.desired
        settings = desired.settings.noun
        for written in selection.tickets:
            ticket = written.noun
            origin = desired.origin(ticket.instrument)
            is_kept_from_origin = origin is not None and desired.skipped(ticket, origin) is not None
            bundle = Bundle(
                Bundle.at(ticket),
                ticket.key,
                None,
                ticket.leaves,
                ticket.collection,
                origin,
                by_reference=desired.bundled_by_reference(ticket),
                trouble=selection.unpinned(ticket),
                sources=_sources(selection, ticket),
                sealed=ticket.key in desired.seals,
                listed=settings.rucio is not None,
                files=selection.scope.files,
                every_byte=selection.scope.every_byte,
                is_kept_from_origin=is_kept_from_origin,
            )
            pin = selection.pin(ticket)
            if pin:
                bundle = replace(
                    bundle,
                    fingerprint=pin.fingerprint,
                    content=pin.content,
                    reading=pin.reading,
                    trouble=pin.awaits,
                )
            # What its origin is to certify, ingest or write is exported after
            # that.
            needs: list[Need] = []
            for certification in declared_certifications(written, selection):
                need = Need(certification.address)
                needs.append(need)
            for ingest in declared_ingests(written, selection):
                need = Need(ingest.address)
                needs.append(need)
            for curated in declared_curated(written, selection):
                need = Need(curated.address)
                needs.append(need)
            yield Declared(bundle, written.lines.at("ticket"), tuple(needs))

    @override
    def observe(
        self,
        targets: Sequence[Bundle],
        places: ReadPlaces,
    ) -> Mapping[Address, Bundle | None]:
        archive = places.archive()
        try:
            bundles = archive.bundles([target.ticket for target in targets])
        except InvalidStateError:
            # A manifest that cannot be read stops its own ticket only.
            return {target.address: _alone(target, archive) for target in targets}
        live: dict[Address, Bundle | None] = {}
        for target in targets:
            manifests = bundles.get(target.ticket, ())
            try:
                bundle = _newest(target, manifests, archive)
            except InvalidStateError as error:
                bundle = _in_trouble(target, error)
            # The origin is asked about what is still to be exported.
            if target.export and target.origin and not target.is_among(manifests):
                at_origin = places.butler(target.origin).digests(target.leaves)
                bundle = bundle or Bundle(target.address, target.ticket, None)
                bundle = replace(bundle, at_origin=at_origin)
            live[target.address] = bundle
        return live

    @override
    def remarks(self, live: Bundle) -> Iterator[Diagnostic]:
        if live.newest and len(live.manifests) > 1:
            yield Diagnostic(
                "Several bundles of a ticket",
                f"{live.address.name} has {len(live.manifests)} in the archive; "
                f"the newest counts, of {live.newest.made_at}.",
                severity=Severity.WARNING,
            )

    @override
    def compare(self, declared: Bundle, live: Bundle | None) -> Iterator[Drift]:
        if live is None:
            # What only others have, such as what was captured there, has no
            # way into the archive; whoever lacks it says so.
            if not declared.is_kept_from_origin:
                yield _drift(declared, What.MISSING, "it is not in the archive")
        elif live.trouble:
            yield _drift(declared, What.CHANGED, live.trouble.detail)
        elif not declared.is_among(live.manifests):
            detail = f"{len(live.manifests)} in the archive, and none is what was sealed"
            yield _drift(declared, What.MISSING, detail)
        else:
            yield from _damage(declared, live)

    @override
    def remedy(self, declared: Bundle, live: Bundle | None) -> Iterator[Action]:
        if declared.trouble:
            return
        if live:
            yield from _restoring(declared, live)
            if declared.is_among(live.manifests):
                return
        if declared.fingerprint is None or declared.origin is None:
            return
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
            reading=declared.reading,
        )

    @override
    def is_there(self, declared: Bundle, live: Bundle | None) -> bool:
        if live is None or declared.trouble:
            return False
        counting = declared.counting(live.manifests)
        return counting is not None and not _files_of(counting, live).damaged

    @override
    def obstacle(self, declared: Bundle, live: Bundle | None) -> Reason | None:
        return declared.trouble

    @override
    def contradiction(self, declared: Bundle) -> Reason | None:
        if declared.trouble and declared.trouble.is_refused:
            return declared.trouble
        return None

    @override
    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
        if isinstance(action, ExportBundle):
            collections = there_before(action.collections, actions, action.origin)
            if collections:
                places.butler(action.origin).check_export(collections)
        return ()

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        if isinstance(action, RestoreBundle):
            manifest = _bundle_to_restore(action, places)
            # Only what the manifest still says is written again.
            files = set(manifest.files)
            damaged = [damaged for damaged in action.files if damaged.file in files]
            restore_files(
                manifest,
                damaged,
                action.sources,
                places,
                watch,
                fence,
            )
            return
        assert isinstance(action, ExportBundle)
        butler = places.butler(action.origin)
        # The archive takes it only with the fingerprint of the plan.
        export = butler.export(action.collections, chain=action.chain)
        places.change_archive().add_bundle(
            TicketKey(action.instrument, action.ticket),
            action.collections,
            action.fingerprint,
            export,
            exported_from=action.origin,
            by_reference=action.by_reference,
            content=action.content,
            reading=action.reading,
            watch=watch,
            fence=fence,
        )


def _sources(selection: Selection, ticket: Ticket) -> tuple[RepositoryAddress, ...]:
    """Return the repositories that should hold a ticket, the origin first."""
    desired = selection.desired
    origin = desired.origin(ticket.instrument)
    holding = []
    if origin:
        holding.append(origin)
    for address in desired.with_instrument(ticket.instrument):
        if address != origin and not desired.skipped(ticket, address):
            holding.append(address)
    return tuple(holding)


def _newest(
    target: Bundle,
    manifests: tuple[Manifest, ...],
    archive: ArchiveReader,
) -> Bundle | None:
    """Look at the bundles of a ticket; the newest gives the fingerprint."""
    if not manifests:
        return None
    damage: dict[str, BundleFiles] = {}
    for manifest in manifests:
        # What is wrong with its list is told of this ticket, and now.
        if target.sealed:
            _ = manifest.content
        if target.listed or target.files:
            _ = len(manifest.files)
    for manifest in manifests:
        # A target that names paths means those of its own bundle.
        is_meant = target.only is None or target.fingerprint == manifest.fingerprint
        if target.files and is_meant:
            damage[manifest.fingerprint] = _look_at_files(target, manifest, archive)
    return Bundle(
        target.address,
        target.ticket,
        manifests[0].fingerprint,
        manifests=manifests,
        damage=damage,
    )


def _alone(target: Bundle, archive: ArchiveReader) -> Bundle | None:
    """Look at the bundles of one ticket, without the others."""
    try:
        bundles = archive.bundles([target.ticket])
        return _newest(target, bundles.get(target.ticket, ()), archive)
    except InvalidStateError as error:
        return _in_trouble(target, error)


def _in_trouble(target: Bundle, error: InvalidStateError) -> Bundle:
    """Return a ticket of which a manifest cannot be read."""
    trouble = Reason.refused(Code.BUNDLE_UNREADABLE, error.first.detail)
    return Bundle(target.address, target.ticket, None, trouble=trouble)


def _look_at_files(
    target: Bundle,
    manifest: Manifest,
    archive: ArchiveReader,
) -> BundleFiles:
    """Look at the files of a bundle that a target asks for."""
    reading = Reading(every_byte=target.every_byte)
    if target.only is not None:
        wanted = [file for file in manifest.files if file.path in target.only]
        return look_at_files(manifest, wanted, archive, reading)
    files = look_at_files(manifest, manifest.files, archive, reading)
    export = look_at_export(manifest, archive)
    return replace(files, problems=(*export.problems, *files.problems))


def _files_of(manifest: Manifest, live: Bundle) -> BundleFiles:
    return live.damage.get(manifest.fingerprint, BundleFiles())


def _damage(declared: Bundle, live: Bundle) -> Iterator[Drift]:
    """Yield what is wrong with the files of the bundle that counts."""
    counting = declared.counting(live.manifests)
    if counting is None:
        return
    files = _files_of(counting, live)
    if not files.damaged and not files.problems:
        # The list of its files, which may be long, is not read for nothing.
        return
    gone = [damaged for damaged in files.damaged if damaged.is_gone]
    altered = [damaged for damaged in files.damaged if not damaged.is_gone]
    total = len(counting.files)
    if gone:
        detail = f"{len(gone)} of {total} files of its bundle are gone: {_examples(gone)}"
        yield _drift(declared, What.MISSING, detail)
    if altered:
        detail = f"{len(altered)} of {total} files of its bundle were altered: {_examples(altered)}"
        yield _drift(declared, What.CHANGED, detail)
    for problem in files.problems:
        yield _drift(declared, What.CHANGED, problem.detail)


def _examples(files: Sequence[DamagedFile]) -> str:
    """Name the first of some files, and how many more there are."""
    details = [f"{damaged.file.path} ({damaged.detail})" for damaged in files[:_EXAMPLES]]
    examples = ", ".join(details)
    more = len(files) - _EXAMPLES
    if more > 0:
        return f"{examples} and {more} more"
    return examples


def _drift(declared: Bundle, what: What, detail: str) -> Drift:
    return Drift(
        target=declared.address,
        what=what,
        subject=declared.address.name,
        detail=detail,
    )


def _restoring(declared: Bundle, live: Bundle) -> Iterator[Action]:
    """Yield what writes the damaged files of a bundle again."""
    counting = declared.counting(live.manifests)
    if counting is None or not declared.sources:
        return
    damaged = _files_of(counting, live).damaged
    if not damaged:
        return
    total = len(counting.files)
    instrument, ticket = declared.ticket
    yield RestoreBundle(
        target=declared.address,
        because=f"{len(damaged)} of {total} files of its bundle are gone or were altered",
        ticket=ticket,
        instrument=instrument,
        fingerprint=counting.fingerprint,
        files=damaged,
        sources=declared.sources,
    )


def _bundle_to_restore(action: RestoreBundle, places: WritePlaces) -> Manifest:
    """Return the manifest of the bundle that an action restores."""
    key = TicketKey(action.instrument, action.ticket)
    bundles = places.archive().bundles([key])
    for manifest in bundles.get(key, ()):
        if manifest.fingerprint == action.fingerprint:
            return manifest
    raise PlanIsStaleError(
        Diagnostic(
            "Bundle not in the archive",
            f"{action.instrument}/{action.ticket} with fingerprint {action.fingerprint} is not there.",
            hint="Plan again.",
        )
    )


def bundle_of(
    manifests: Iterable[Manifest],
    fingerprint: str,
    content: str | None,
) -> Manifest | None:
    """Return a bundle, if it is among some.

    Parameters
    ----------
    manifests
        The bundles of its ticket.
    fingerprint
        The ticket fingerprint that it must have.
    content
        Digest that its bytes must have; `None` where nothing was sealed.
    """
    for manifest in manifests:
        if manifest.fingerprint != fingerprint:
            continue
        # In any case, so that a list that cannot be read is refused here.
        digest = content_digest(manifest)
        if content is None or content == digest:
            return manifest
    return None


def bundle_departure(
    name: str,
    fingerprint: str,
    content: str | None,
    manifests: Iterable[Manifest],
) -> Departure:
    """Return the fact that a bundle is not in the archive.

    Parameters
    ----------
    name
        Name of the ticket.
    fingerprint, content
        As for `bundle_of`.
    manifests
        The bundles of the ticket that are there.
    """
    expected = f"a bundle with content {fingerprint}"
    if content:
        expected += f" and bytes {content}"
    there = [f"one with {m.fingerprint} and bytes {content_digest(m)}" for m in manifests]
    return Departure(
        ARCHIVE,
        name,
        expected,
        ", ".join(there) or "no bundle",
    )
