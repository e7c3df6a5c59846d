"""A ticket held in a repository: its collections, datasets and files.

A registered collection says nothing about what it holds, so a ticket is
there only when every certification is, every dataset has its record in the
datastore, and, where files are looked at, every file has its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import ClassVar

from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, PlanIsStaleError, RefusedError, UnreachableError
from ..model.actions import Action, Departure, Standing
from ..model.bundles import BundleFile, Contents, Manifest
from ..model.contents import CollectionType, Holding, Row
from ..model.desired import DesiredState
from ..model.drift import Drift, What
from ..model.names import ARCHIVE, Address, Place, RepositoryAddress, TicketKey
from ..model.pins import Pin
from ..model.readings import Reading
from ..model.reasons import Code, Reason
from ..model.repositories import Origin, Rucio
from ..model.resources import Declared, Need, Resource
from ..model.tickets import Ticket
from ..ports.butler import SeenCollection
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from ..store.bundle import check_content, check_reading, reading_of
from .base import Kind
from .bundle import Bundle, ExportBundle, bundle_departure, bundle_of
from .certification import Certification, declared_certifications, there_before
from .guarding import waiting
from .ingest import Ingested, declared_ingests
from .rucio_rule import RucioRule
from .same_content import FilesOf, OtherUuids, other_uuids
from .selection import Selection
from .waves import Waves
from .whole import tell_rows

__all__ = ["Collection", "CollectionKind", "ImportBundle", "tell_rows"]


@dataclass(frozen=True)
class Collection(Resource):
    """The CALIBRATION and RUN collections of one ticket in one repository."""

    leaves: tuple[str, ...] = ()
    """Full names, in search order."""

    pin: Pin | None = None
    """Declared: what they hold; `None` where nobody can tell."""

    unknown: str = ""
    """Declared: why nobody can tell what they hold, where that is awaited."""

    prefix: str | None = None
    """Declared: URI under which their files arrive and stay; `None`: they are
    copied into the datastore."""

    made_here: frozenset[str] = frozenset()
    """Declared: those that are certified or ingested here as files declare it,
    of which that tells."""

    entrances: tuple[str, ...] = ()
    """Declared: by which names a declared chain searches them; until it does,
    their files are looked at."""

    files: bool = False
    """Whether their files are looked at."""

    imported: ImportBundle | None = None
    """Asked: until this is done, the bundles of its ticket are looked at."""

    manifests: tuple[Manifest, ...] | None = field(default=None, repr=False)
    """Observed: those; `None`: nobody asked."""

    held: Mapping[str, Holding] = field(default_factory=dict)
    """Observed: what they hold, by collection."""

    taken: Mapping[str, CollectionType] = field(default_factory=dict)
    """Observed: names that are taken by a chain."""

    files_of: FilesOf | None = field(default=None, repr=False, compare=False)
    """Observed: reads the files of one of them, once; asked only where
    nothing but UUIDs differs."""

    @classmethod
    def at(cls, repository: RepositoryAddress, ticket: Ticket) -> Address:
        """Return the address of what a ticket is in a repository."""
        return Address(place=repository, kind="collection", name=ticket.name)

    @override
    def declaration(self) -> Mapping[str, object]:
        return {"collections": self.leaves, "prefix": self.prefix}

    @override
    def reads(self) -> tuple[Place, ...]:
        return (ARCHIVE,)

    @override
    def facts(self) -> Iterator[str]:
        for name, holding in sorted(self.held.items()):
            lost = sorted(uuid for uuid, size in holding.sizes.items() if size is None)
            unrecorded = sorted(holding.unrecorded)
            yield f"{self.address} {name} {holding.fingerprint} {unrecorded} {lost}"


class ImportBundle(Action):
    """Add to a repository what a bundle holds and it lacks."""

    do: ClassVar[str] = "import-bundle"

    ticket: str
    instrument: str
    fingerprint: str
    """Ticket fingerprint of the bundle."""

    collections: dict[str, str]
    """Fingerprint that each collection will have, in search order."""

    prefix: str | None = None
    """URI under which the files are already, and are recorded; `None`: they
    are copied from the bundle."""

    held: dict[str, str] | None = None
    """Fingerprint of each collection that is there, as the plan saw it;
    `None`: others may add to them meanwhile."""

    content: str | None = None
    """Digest that the bytes of the bundle must have; `None` where nothing was
    sealed."""

    reading: Reading | None = None
    """How they must be read; `None` where no seal tells."""

    @property
    def key(self) -> TicketKey:
        """Instrument and ticket."""
        return TicketKey(self.instrument, self.ticket)

    @override
    def subject(self) -> Collection:
        return Collection(
            self.target,
            tuple(self.collections),
            files=True,
            imported=self,
        )

    def is_done(self, held: Mapping[str, Holding]) -> bool:
        """Say whether collections hold what it brings."""
        for name, fingerprint in self.collections.items():
            holding = held.get(name)
            if holding is None or not _is_whole(holding, fingerprint):
                return False
        return True

    @override
    def standing(self, live: Resource | None) -> Standing:
        if isinstance(live, Collection) and self.is_done(live.held):
            return Standing.DONE
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, Collection):
            return
        for name, fingerprint in self.collections.items():
            yield from self._departures_of(name, fingerprint, live)
        if live.manifests is not None and self.bundled(live.manifests) is None:
            yield bundle_departure(
                self.target.name,
                self.fingerprint,
                self.content,
                live.manifests,
            )

    def _departures_of(
        self,
        name: str,
        fingerprint: str,
        live: Collection,
    ) -> Iterator[Departure]:
        """Yield how one collection is neither as the plan saw it nor done."""
        planned = None
        if self.held is not None:
            planned = self.held.get(name)
        expected = _content_or_none(planned)
        if name in live.taken:
            actual = f"a {live.taken[name].value} collection"
            yield Departure(self.target.place, name, expected, actual)
            return
        if self.held is None:
            # Others may add to it meanwhile.
            return
        actual_fingerprint = None
        if name in live.held:
            actual_fingerprint = live.held[name].fingerprint
        if actual_fingerprint not in {planned, fingerprint}:
            actual = _content_or_none(actual_fingerprint)
            yield Departure(self.target.place, name, expected, actual)

    def bundled(self, manifests: Sequence[Manifest]) -> Manifest | None:
        """Return the bundle that it imports, if it is among some."""
        return bundle_of(manifests, self.fingerprint, self.content)

    @override
    def brings(self) -> frozenset[tuple[str, str]]:
        return frozenset((self.target.place, name) for name in self.collections)

    @override
    def summary(self) -> str:
        if self.prefix is not None:
            return f"record {self.ticket} in place ({len(self.collections)} collections)"
        return f"import {self.ticket} from its bundle ({len(self.collections)} collections)"

    @override
    def changes(self) -> Iterator[str]:
        if self.prefix is not None:
            yield f"  files in place at {self.prefix}"


class CollectionKind(Kind[Collection]):
    """Tickets held in repositories."""

    name = "collection"
    actions = (ImportBundle,)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        repository = selection.repositories[place]
        route = repository.route
        prefix = None
        if isinstance(route, Rucio):
            prefix = route.prefix
        for written in repository.tickets:
            ticket = written.noun
            unknown = ""
            unpinned = selection.unpinned(ticket)
            if unpinned and not unpinned.is_refused:
                unknown = unpinned.detail
            made_here: set[str] = set()
            if isinstance(route, Origin):
                certifications = declared_certifications(written, selection)
                resources = Certification.among(declared.resource for declared in certifications)
                made_here.update(resource.collection for resource in resources)
                ingests = declared_ingests(written, selection)
                ingested = Ingested.among(declared.resource for declared in ingests)
                made_here.update(resource.entry.run for resource in ingested)
            # Only a chain that lists the ticket searches it here.
            entrances: tuple[str, ...] = ()
            if ticket.key in repository.listed:
                entrances = ticket.children
            collection = Collection(
                Collection.at(place, ticket),
                ticket.leaves,
                selection.pin(ticket),
                unknown=unknown,
                prefix=prefix,
                made_here=frozenset(made_here),
                files=selection.scope.files,
                entrances=entrances,
            )
            # Files come from the bundle, or by a rule that brings them there.
            needs = [Need(Bundle.at(ticket))]
            if isinstance(route, Rucio):
                needs.append(Need(RucioRule.at(ticket, route.rse)))
            yield Declared(collection, written.lines.at("ticket"), tuple(needs))

    @override
    def observe(
        self,
        targets: Sequence[Collection],
        places: ReadPlaces,
    ) -> Mapping[Address, Collection | None]:
        if not targets:
            return {}
        butler = places.butler(targets[0].address.place)
        names: list[str] = []
        with_files: set[str] = set()
        for target in targets:
            names.extend(target.leaves)
            if target.files:
                with_files.update(target.leaves)
        there = butler.collections(names)
        # A fingerprint is enough of what is as it should be.
        held = dict(butler.digests([name for name in names if name not in with_files]))
        if with_files:
            looked_at = [name for name in names if name in with_files]
            held.update(butler.holdings(looked_at, files=looked_at))
        live: dict[Address, Collection | None] = {}
        for target in targets:
            collection = _as_there(target, there, held)
            collection = replace(
                collection,
                files_of=cache(partial(_read_files, target.address, places)),
            )
            action = target.imported
            if action and not action.is_done(collection.held):
                # What it waits for is its bundle, which may be another by now.
                bundles = places.archive().bundles([action.key])
                collection = replace(collection, manifests=bundles.get(action.key, ()))
            # What is to be imported is looked at even where nothing is there.
            is_there = any(name in there for name in target.leaves)
            live[target.address] = None
            if is_there or action:
                live[target.address] = collection
        return live

    @override
    def looked_at(
        self,
        target: Collection,
        searched: AbstractSet[str],
    ) -> Collection:
        if searched >= set(target.entrances):
            return target
        # The files are looked at of what is about to be searched.
        return replace(target, files=True)

    @override
    def guards_of_entry(
        self,
        action: Action,
        desired: DesiredState,
        waves: Waves,
    ) -> Iterator[Reason]:
        ticket = self.ticket(action.target, desired)
        if isinstance(action, ImportBundle) and ticket:
            repository = action.target.place
            yield from waiting(waves.import_waits(repository, ticket.noun, action.collections))

    @override
    def compare(
        self,
        declared: Collection,
        live: Collection | None,
    ) -> Iterator[Drift]:
        ticket = declared.address.name
        if live is None and declared.made_here:
            # What is to be made here tells of itself.
            if declared.made_here.issuperset(declared.leaves):
                return
            live = replace(declared, held={})
        if live is None:
            number = len(declared.leaves)
            detail = "its collection is not here"
            if number > 1:
                detail = f"none of its {number} collections is here"
            yield _drift(declared, ticket, _Difference(What.MISSING, detail))
            return
        differs = False
        for name in declared.leaves:
            if name in declared.made_here:
                continue
            for difference in _differences(name, declared.pin, live):
                differs = True
                yield _drift(declared, name, difference)
        if not differs:
            for difference in _differences_as_a_whole(declared, live):
                yield _drift(declared, ticket, difference)

    @override
    def remedy(
        self,
        declared: Collection,
        live: Collection | None,
    ) -> Iterator[Action]:
        drift = list(self.compare(declared, live))
        pin = declared.pin
        if pin is None:
            return
        if pin.manifest and pin.manifest.by_reference and not declared.prefix:
            # Such a bundle has no files that could be copied from it.
            return
        # What is there with another content is never overwritten.
        if not drift or any(difference.what is not What.MISSING for difference in drift):
            return
        instrument, _, ticket = declared.address.name.partition("/")
        held: dict[str, str] | None = None
        if not declared.prefix:
            held = _fingerprints(live)
        yield ImportBundle(
            target=declared.address,
            because=_reason(ticket, drift, live),
            ticket=ticket,
            instrument=instrument,
            fingerprint=pin.fingerprint,
            collections=dict(pin.fingerprints),
            prefix=declared.prefix,
            held=held,
            content=pin.content,
            reading=pin.reading,
        )

    @override
    def is_there(self, declared: Collection, live: Collection | None) -> bool:
        return declared.pin is not None and not any(self.compare(declared, live))

    @override
    def obstacle(
        self,
        declared: Collection,
        live: Collection | None,
    ) -> Reason | None:
        drift = list(self.compare(declared, live))
        # A contradiction counts more than what nobody can tell, and most where
        # more than UUIDs differs.
        changed = [difference for difference in drift if difference.what is What.CHANGED]
        changed.sort(key=lambda difference: difference.reason)
        for difference in changed:
            detail = f"{difference.subject}: {difference.detail}"
            code = Code.CONTENT_DIFFERS
            if difference.reason == Code.SAME_CONTENT.value:
                code = Code.SAME_CONTENT
            return Reason.refused(code, detail, hint=difference.hint)
        for difference in drift:
            if declared.pin and difference.what is What.PENDING:
                detail = f"{difference.subject}: {difference.detail}"
                return Reason.awaited(Code.CONTENT_UNKNOWN, detail)
        return None

    @override
    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
        assert isinstance(action, ImportBundle)
        butler = places.butler(action.target.place)
        butler.check_change()
        contents = _contents_of(action, actions, places)
        if not contents:
            return ()
        return butler.objections(contents)

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, ImportBundle)
        archive = places.archive()
        manifests = archive.bundles([action.key]).get(action.key, ())
        manifest = action.bundled(manifests)
        if manifest is None:
            raise _no_such_bundle(action, manifests)
        # Nothing is written before all that was sealed is compared.
        check_content(manifest, action.content, action.reading)
        contents = archive.contents(manifest)
        source = archive.source(manifest)
        # A bundle of before does not tell in its manifest how it is read.
        reading = reading_of(contents, tuple(action.collections))
        check_reading(reading, action.reading, source)
        butler = places.change_butler(action.target.place)
        butler.import_bundle(
            manifest,
            contents,
            source,
            in_place=action.prefix,
            sealed=action.reading,
            watch=watch,
            fence=fence,
        )


@dataclass(frozen=True)
class _Difference:
    """How a collection, or a ticket as a whole, is not as it should be."""

    what: What
    detail: str
    reason: str = ""
    """Why it is left so, in a word, where that is not plain."""

    hint: str = ""

    waits_for: str = ""
    """What is awaited before more can be told."""


def _drift(declared: Collection, subject: str, difference: _Difference) -> Drift:
    return Drift(
        target=declared.address,
        what=difference.what,
        subject=subject,
        detail=difference.detail,
        reason=difference.reason,
        hint=difference.hint,
        waits_for=difference.waits_for,
    )


def _read_files(address: Address, places: ReadPlaces, name: str) -> Mapping[str, BundleFile]:
    """Read the files of a collection where they are."""
    export = places.butler(address.place).export([name], to_read=True)
    # As a bundle of them would be described; nothing is written.
    manifest = places.archive().describe(
        TicketKey.of(address.name),
        [name],
        export,
        exported_from=address.place,
    )
    files: dict[str, BundleFile] = {}
    for file in manifest.files:
        for uuid in file.datasets:
            files[uuid] = file
    return files


def _content_or_none(fingerprint: str | None) -> str:
    """Say what a collection holds, or that there is none."""
    if not fingerprint:
        return "none of that name"
    return f"content {fingerprint}"


def _as_there(
    target: Collection,
    there: Mapping[str, SeenCollection],
    held: Mapping[str, Holding],
) -> Collection:
    """Return what a ticket is in a repository.

    A collection of a name that holds nothing to be looked at is a chain.
    """
    its_own: dict[str, Holding] = {}
    taken: dict[str, CollectionType] = {}
    for name in target.leaves:
        if name not in there:
            continue
        if name in held:
            its_own[name] = held[name]
        else:
            taken[name] = there[name].type
    return replace(target, held=its_own, taken=taken)


def _contents_of(
    action: ImportBundle,
    actions: Sequence[Action],
    places: ReadPlaces,
) -> Contents | None:
    """Return what an import will bring: its bundle, or what becomes it."""
    for other in actions:
        if not isinstance(other, ExportBundle):
            continue
        if TicketKey(other.instrument, other.ticket) == action.key:
            # The bundle is not made yet, and will be what the origin has.
            collections = there_before(other.collections, actions, other.origin)
            return places.butler(other.origin).described(collections)
    archive = places.archive()
    bundles = archive.bundles([action.key])
    for manifest in bundles.get(action.key, ()):
        if manifest.fingerprint == action.fingerprint:
            contents = archive.contents(manifest)
            reading = reading_of(contents, tuple(action.collections))
            check_reading(reading, action.reading, archive.source(manifest))
            return contents
    return None


def _is_whole(holding: Holding, fingerprint: str) -> bool:
    """Say whether a collection has all certifications, records and files."""
    return (
        holding.fingerprint == fingerprint
        and not holding.unrecorded
        and None not in holding.sizes.values()
        and not holding.altered
    )


def _differences(
    name: str,
    pin: Pin | None,
    live: Collection,
) -> Iterator[_Difference]:
    """Yield how one collection departs from what it should hold."""
    holding = live.held.get(name)
    if name in live.taken:
        detail = f"the name is taken by a {live.taken[name].value} collection"
        yield _Difference(What.CHANGED, detail)
    elif holding is None:
        yield _Difference(What.MISSING, "it does not exist here")
    elif pin is not None:
        try:
            if holding.fingerprint != pin.fingerprints[name]:
                yield from _row_differences(name, holding, pin, live.files_of)
            yield from _file_differences(holding, pin)
        except UnreachableError as error:
            # Its rows are fetched only now.
            yield _unclear(pin, error)
    elif not holding.rows:
        yield _Difference(What.MISSING, "the collection holds nothing")


def _unclear(pin: Pin, error: UnreachableError) -> _Difference:
    """Return that a collection differs, in what cannot be looked at."""
    detail = f"it is not as {pin.witness} says, in what is not known; {error.first.detail}"
    return _Difference(What.PENDING, detail)


def _differences_as_a_whole(
    declared: Collection,
    live: Collection,
) -> Iterator[_Difference]:
    """Yield what no collection of a ticket shows by itself."""
    pin = declared.pin
    if pin is None:
        if declared.unknown:
            detail = (
                f"it is here, and whether it is whole nobody can tell: {declared.unknown}, and it has no seal"
            )
            yield _Difference(What.PENDING, detail, waits_for=declared.unknown)
        return
    if pin.seal is None or pin.manifest:
        return
    # A seal knows sizes only all together, without names.
    sizes: list[int] = []
    for holding in live.held.values():
        sizes.extend(size for size in holding.sizes.values() if size is not None)
    other_size = pin.seal.other_size(sizes)
    if other_size:
        yield _Difference(What.CHANGED, other_size)


def _row_differences(
    name: str,
    live: Holding,
    pin: Pin,
    files_of: FilesOf | None,
) -> Iterator[_Difference]:
    """Yield how the certifications of a collection are not as pinned."""
    try:
        expected = pin.expected_rows(name, live.rows)
        expected_type = pin.expected_type(name)
    except RefusedError as error:
        # Nothing may be built on it, and the other tickets go on.
        detail = f"it is not as {pin.witness} says; {error.first.detail}"
        yield _Difference(What.CHANGED, detail)
        return
    except UnreachableError as error:
        yield _unclear(pin, error)
        return
    if expected_type and live.type is not expected_type:
        detail = f"it is a {live.type.value} collection; {pin.witness} says {expected_type.value}"
        yield _Difference(What.CHANGED, detail)
        return
    # Rows differ in their dataset, their data ID or their range.
    have = set(live.rows)
    want = set(expected)
    if have == want:
        # From a seal alone the datasets are not known one by one.
        detail = f"it holds other datasets than {pin.witness} says, for the same data IDs and ranges"
        yield _Difference(What.CHANGED, detail)
        return
    others = files_of and other_uuids(live, expected, pin, files_of)
    if others:
        yield _difference_of_uuids(others)
        return
    lacking = want - have
    if not have:
        detail = f"it holds none of {len(want)}: {tell_rows(want)}"
        yield _Difference(What.MISSING, detail)
    elif lacking:
        detail = f"{len(lacking)} of {len(want)} are gone: {tell_rows(lacking)}"
        yield _Difference(What.MISSING, detail)
    beyond = have - want
    if beyond:
        detail = f"it holds {len(beyond)} that {pin.witness} does not: {tell_rows(beyond)}"
        yield _Difference(What.CHANGED, detail)


def _difference_of_uuids(others: OtherUuids) -> _Difference:
    if not others.is_same:
        return _Difference(What.CHANGED, f"it holds {others.words}")
    return _Difference(
        What.CHANGED,
        others.words,
        Code.SAME_CONTENT.value,
        "Somebody made them here, too. Lookups go on as they are; to have one set everywhere, declare a new "
        "ticket in front of this one, and skip this one here once that is searched.",
    )


def _file_differences(live: Holding, pin: Pin) -> Iterator[_Difference]:
    """Yield how the files of a collection are not as they should be."""
    if not live.unrecorded and not live.sizes and not live.recorded:
        return  # There is nothing to be told, and rows need not be fetched.
    rows = {row.uuid: row for row in live.rows}
    unrecorded = [rows[uuid] for uuid in live.unrecorded if uuid in rows]
    if unrecorded:
        detail = f"the datastore has no record of {len(unrecorded)}: {tell_rows(unrecorded)}"
        yield _Difference(What.MISSING, detail)
    lost = [rows[uuid] for uuid, size in live.sizes.items() if size is None and uuid in rows]
    if lost:
        detail = f"the files of {len(lost)} are gone: {tell_rows(lost)}"
        yield _Difference(What.MISSING, detail)
    try:
        resized = _resized(live, rows, pin)
    except InvalidStateError as error:
        detail = f"whether its files are right cannot be told; {error.first.detail}"
        yield _Difference(What.CHANGED, detail)
        return
    if resized:
        detail = f"the files of {len(resized)} have another size: {tell_rows(resized)}"
        yield _Difference(What.CHANGED, detail)
        return
    # The butler itself refuses to read these.
    altered = [rows[uuid] for uuid in live.altered if uuid in rows]
    if altered:
        detail = f"the files of {len(altered)} have not the size that the datastore recorded"
        yield _Difference(What.CHANGED, f"{detail}: {tell_rows(altered)}")


def _resized(live: Holding, rows: Mapping[str, Row], pin: Pin) -> list[Row]:
    """Return the datasets whose files have not the size of the manifest."""
    # The files of a manifest are read for nobody who looked at no sizes.
    if pin.manifest is None or not live.sizes:
        return []
    expected = pin.manifest.sizes
    resized: list[Row] = []
    for uuid, size in live.sizes.items():
        if size is None or uuid not in rows:
            continue
        if expected.get(uuid, size) != size:
            resized.append(rows[uuid])
    return resized


def _reason(ticket: str, drift: Sequence[Drift], live: Collection | None) -> str:
    if live is None:
        return f"{ticket} is adopted and not here"
    return f"{ticket} is not whole here: {drift[0].subject}: {drift[0].detail}"


def _fingerprints(live: Collection | None) -> dict[str, str]:
    if live is None:
        return {}
    return {name: holding.fingerprint for name, holding in live.held.items()}


def _no_such_bundle(
    action: ImportBundle,
    manifests: Sequence[Manifest],
) -> PlanIsStaleError:
    departure = bundle_departure(
        action.target.name,
        action.fingerprint,
        action.content,
        manifests,
    )
    hint = "Plan again; its export may have failed."
    return PlanIsStaleError(Diagnostic("Bundle not in the archive", f"{departure}.", hint=hint))
