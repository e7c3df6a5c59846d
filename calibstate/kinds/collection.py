"""A ticket held in a repository: its collections, datasets and files.

A registered collection says nothing about what it holds, so a ticket is
there only when every certification is, every dataset has its record in the
datastore, and, where files are looked at, every file has its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import ClassVar

from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, PlanIsStaleError, RefusedError, UnreachableError
from ..model.actions import Action, Departure, Standing
from ..model.bundles import Contents, Manifest
from ..model.contents import CollectionType, Holding
from ..model.desired import DesiredState
from ..model.drift import Drift, What
from ..model.names import ARCHIVE, Address, Place, RepositoryAddress, TicketKey
from ..model.pins import Pin
from ..model.readings import Reading
from ..model.reasons import Code, Reason
from ..model.repositories import Rucio
from ..model.resources import Declared, Need, Resource
from ..model.status import RowKey
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from ..store.bundle import check_content, check_reading, reading_of
from .base import Kind
from .bundle import Bundle, ExportBundle, bundle_departure, bundle_of
from .guarding import waiting
from .rows import TableRows
from .rucio_rule import RucioRule
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
            yield f"{self.address} {name} {holding.fingerprint} {sorted(holding.unrecorded)} {lost}"


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
        return Collection(self.target, tuple(self.collections), files=True, imported=self)

    def is_done(self, held: Mapping[str, Holding]) -> bool:
        """Say whether collections hold what it brings."""
        return all(_is_whole(held.get(name), fp) for name, fp in self.collections.items())

    @override
    def standing(self, live: Resource | None) -> Standing:
        if isinstance(live, Collection) and self.is_done(live.held):
            return Standing.DONE
        return Standing.STALE if any(self.departures(live)) else Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, Collection):
            return
        place = self.target.place
        for name, fingerprint in self.collections.items():
            seen = self.held.get(name) if self.held is not None else None
            expected = f"content {seen}" if seen else "none of that name"
            if name in live.taken:
                yield Departure(place, name, expected, f"a {live.taken[name].value} collection")
                continue
            found = live.held[name].fingerprint if name in live.held else None
            if self.held is not None and found not in {seen, fingerprint}:
                yield Departure(place, name, expected, f"content {found}" if found else "none of that name")
        if live.manifests is not None and self.bundled(live.manifests) is None:
            yield bundle_departure(self.target.name, self.fingerprint, self.content, live.manifests)

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
        for written in repository.tickets:
            ticket = written.noun
            unpinned = selection.unpinned(ticket)
            collection = Collection(
                Collection.at(place, ticket),
                ticket.leaves,
                selection.pin(ticket),
                unknown=unpinned.detail if unpinned and not unpinned.is_refused else "",
                prefix=route.prefix if isinstance(route, Rucio) else None,
                files=selection.scope.files,
                entrances=ticket.children if ticket.key in repository.listed else (),
            )
            needs = [Need(Bundle.at(ticket))]
            if isinstance(route, Rucio):
                needs.append(Need(RucioRule.at(ticket, route.rse)))
            yield Declared(collection, written.lines.at("ticket"), tuple(needs))

    @override
    def observe(
        self, targets: Sequence[Collection], places: ReadPlaces
    ) -> Mapping[Address, Collection | None]:
        if not targets:
            return {}
        butler = places.butler(targets[0].address.place)
        names = [name for target in targets for name in target.leaves]
        seen = butler.collections(names)
        with_files = {name for target in targets if target.files for name in target.leaves}
        # A fingerprint is enough of what is as it should be.
        held = dict(butler.digests([name for name in names if name not in with_files]))
        if with_files:
            looked_at = [name for name in names if name in with_files]
            held |= butler.holdings(looked_at, files=looked_at)
        live: dict[Address, Collection | None] = {}
        for target in targets:
            there = [name for name in target.leaves if name in seen]
            found = replace(
                target,
                held={name: held[name] for name in there if name in held},
                taken={name: seen[name].type for name in there if name not in held},
            )
            action = target.imported
            if action and not action.is_done(found.held):
                key = TicketKey(action.instrument, action.ticket)
                found = replace(found, manifests=places.archive().bundles([key]).get(key, ()))
            live[target.address] = found if there or action else None
        return live

    @override
    def looked_at(self, target: Collection, searched: AbstractSet[str]) -> Collection:
        # The files are looked at of what is about to be searched.
        return target if searched >= set(target.entrances) else replace(target, files=True)

    @override
    def rows(
        self, drift: Drift, table: TableRows, declared: Collection | None, live: Collection | None
    ) -> Iterator[RowKey]:
        if ticket := table.ticket_of(self.ticket(drift.target, table.desired)):
            yield RowKey.of(ticket)

    @override
    def guards_of_entry(self, action: Action, desired: DesiredState, waves: Waves) -> Iterator[Reason]:
        ticket = self.ticket(action.target, desired)
        if isinstance(action, ImportBundle) and ticket:
            yield from waiting(waves.import_waits(action.target.place, ticket.noun, action.collections))

    @override
    def compare(self, declared: Collection, live: Collection | None) -> Iterator[Drift]:
        if live is None:
            number = len(declared.leaves)
            detail = (
                f"none of its {number} collections is here" if number > 1 else "its collection is not here"
            )
            yield Drift(
                target=declared.address, what=What.MISSING, subject=declared.address.name, detail=detail
            )
            return
        differs = False
        for name in declared.leaves:
            for what, detail in _differences(name, declared.pin, live):
                differs = True
                yield Drift(target=declared.address, what=what, subject=name, detail=detail)
        if not differs:
            for what, detail in _differences_as_a_whole(declared, live):
                yield Drift(target=declared.address, what=what, subject=declared.address.name, detail=detail)

    @override
    def remedy(self, declared: Collection, live: Collection | None) -> Iterator[Action]:
        drift = list(self.compare(declared, live))
        pin = declared.pin
        if not pin or (pin.manifest and pin.manifest.by_reference and not declared.prefix):
            return
        if not drift or any(d.what is not What.MISSING for d in drift):
            return
        instrument, _, ticket = declared.address.name.partition("/")
        yield ImportBundle(
            target=declared.address,
            because=_reason(ticket, drift, live),
            ticket=ticket,
            instrument=instrument,
            fingerprint=pin.fingerprint,
            collections=dict(pin.fingerprints),
            prefix=declared.prefix,
            held=None if declared.prefix else _fingerprints(live),
            content=pin.content,
            reading=pin.reading,
        )

    @override
    def is_there(self, declared: Collection, live: Collection | None) -> bool:
        return declared.pin is not None and not any(self.compare(declared, live))

    @override
    def obstacle(self, declared: Collection, live: Collection | None) -> Reason | None:
        drift = list(self.compare(declared, live))
        if changed := next((d for d in drift if d.what is What.CHANGED), None):
            return Reason.refused(Code.CONTENT_DIFFERS, f"{changed.subject}: {changed.detail}")
        if declared.pin and (unclear := next((d for d in drift if d.what is What.PENDING), None)):
            return Reason.awaited(Code.CONTENT_UNKNOWN, f"{unclear.subject}: {unclear.detail}")
        return None

    @override
    def foresee(self, action: Action, actions: Sequence[Action], places: ReadPlaces) -> Sequence[Diagnostic]:
        assert isinstance(action, ImportBundle)
        places.butler(action.target.place).check_change()
        contents = _contents_of(action, actions, places)
        return places.butler(action.target.place).objections(contents) if contents else ()

    @override
    def apply(self, action: Action, places: WritePlaces, watch: Watch, fence: Fence) -> None:
        assert isinstance(action, ImportBundle)
        key = TicketKey(action.instrument, action.ticket)
        archive = places.archive()
        manifests = archive.bundles([key]).get(key, ())
        manifest = action.bundled(manifests)
        if manifest is None:
            raise _no_such_bundle(action, manifests)
        check_content(manifest, action.content, action.reading)
        contents, source = archive.contents(manifest), archive.source(manifest)
        # A bundle of before does not tell in its manifest how it is read.
        check_reading(reading_of(contents, tuple(action.collections)), action.reading, source)
        places.change_butler(action.target.place).import_bundle(
            manifest,
            contents,
            source,
            in_place=action.prefix,
            sealed=action.reading,
            watch=watch,
            fence=fence,
        )


def _contents_of(action: ImportBundle, actions: Sequence[Action], places: ReadPlaces) -> Contents | None:
    """Return what an import will bring: its bundle, or what becomes it."""
    for other in actions:
        if isinstance(other, ExportBundle) and (other.instrument, other.ticket) == action.key:
            return places.butler(other.origin).described(other.collections)
    archive = places.archive()
    for manifest in archive.bundles([action.key]).get(action.key, ()):
        if manifest.fingerprint == action.fingerprint:
            contents = archive.contents(manifest)
            check_reading(
                reading_of(contents, tuple(action.collections)), action.reading, archive.source(manifest)
            )
            return contents
    return None


def _is_whole(holding: Holding | None, fingerprint: str) -> bool:
    return (
        holding is not None
        and holding.fingerprint == fingerprint
        and not holding.unrecorded
        and None not in holding.sizes.values()
        and not holding.altered
    )


def _differences(name: str, pin: Pin | None, live: Collection) -> Iterator[tuple[What, str]]:
    """Yield how one collection departs from what it should hold."""
    holding = live.held.get(name)
    if name in live.taken:
        yield What.CHANGED, f"the name is taken by a {live.taken[name].value} collection"
    elif holding is None:
        yield What.MISSING, "it does not exist here"
    elif pin is not None:
        try:
            if holding.fingerprint != pin.fingerprints[name]:
                yield from _row_differences(name, holding, pin)
            yield from _file_differences(holding, pin)
        except UnreachableError as error:
            # Its rows are fetched only now.
            detail = error.first.detail
            yield What.PENDING, f"it is not as {pin.told_by} says, in what is not known; {detail}"
    elif not holding.rows:
        yield What.MISSING, "the collection holds nothing"


def _differences_as_a_whole(declared: Collection, live: Collection) -> Iterator[tuple[What, str]]:
    """Yield what no collection of a ticket shows by itself."""
    pin = declared.pin
    if pin is None and declared.unknown:
        yield (
            What.PENDING,
            f"it is here, and whether it is whole nobody can tell: {declared.unknown}, and it has no seal",
        )
    elif pin and pin.seal and not pin.manifest:
        sizes = [
            size for holding in live.held.values() for size in holding.sizes.values() if size is not None
        ]
        if detail := pin.seal.other_size(sizes):
            yield What.CHANGED, detail


def _row_differences(name: str, live: Holding, pin: Pin) -> Iterator[tuple[What, str]]:
    try:
        expected, expected_type = pin.expected_rows(name, live.rows), pin.expected_type(name)
    except RefusedError as error:
        # Nothing may be built on it, and the other tickets go on.
        yield What.CHANGED, f"it is not as {pin.told_by} says; {error.first.detail}"
        return
    except UnreachableError as error:
        why = error.first.detail
        yield What.PENDING, f"it is not as {pin.told_by} says, in what is not known; {why}"
        return
    if expected_type and live.type is not expected_type:
        yield What.CHANGED, f"it is a {live.type.value} collection; {pin.told_by} says {expected_type.value}"
        return
    have, want = set(live.rows), set(expected)
    if have == want:
        # From a seal alone the datasets are not known one by one.
        detail = f"it holds other datasets than {pin.told_by} says, for the same data IDs and ranges"
        yield What.CHANGED, detail
    if not have:
        yield What.MISSING, f"it holds none of {len(want)}: {tell_rows(want)}"
    elif lacking := want - have:
        yield What.MISSING, f"{len(lacking)} of {len(want)} are gone: {tell_rows(lacking)}"
    if beyond := have - want:
        yield What.CHANGED, f"it holds {len(beyond)} that {pin.told_by} does not: {tell_rows(beyond)}"


def _file_differences(live: Holding, pin: Pin) -> Iterator[tuple[What, str]]:
    if not live.unrecorded and not live.sizes and not live.recorded:
        return  # There is nothing to be told, and rows need not be fetched.
    by_uuid = {row.uuid: row for row in live.rows}
    if unrecorded := [by_uuid[u] for u in live.unrecorded if u in by_uuid]:
        yield What.MISSING, f"the datastore has no record of {len(unrecorded)}: {tell_rows(unrecorded)}"
    if lost := [by_uuid[u] for u, size in live.sizes.items() if size is None and u in by_uuid]:
        yield What.MISSING, f"the files of {len(lost)} are gone: {tell_rows(lost)}"
    try:
        # The files of a manifest are read for nobody who looked at no sizes.
        sizes = pin.manifest.sizes if pin.manifest and live.sizes else {}
    except InvalidStateError as error:
        yield What.CHANGED, f"whether its files are right cannot be told; {error.first.detail}"
        return
    altered = [
        by_uuid[u]
        for u, size in live.sizes.items()
        if size is not None and u in by_uuid and sizes.get(u, size) != size
    ]
    if altered:
        yield What.CHANGED, f"the files of {len(altered)} have another size: {tell_rows(altered)}"
    # The butler itself refuses to read these.
    elif damaged := [by_uuid[uuid] for uuid in live.altered if uuid in by_uuid]:
        detail = f"the files of {len(damaged)} have not the size that the datastore recorded"
        yield What.CHANGED, f"{detail}: {tell_rows(damaged)}"


def _reason(ticket: str, drift: Sequence[Drift], live: Collection | None) -> str:
    if live is None:
        return f"{ticket} is adopted and not here"
    first = drift[0]
    return f"{ticket} is not whole here: {first.subject}: {first.detail}"


def _fingerprints(live: Collection | None) -> dict[str, str]:
    held = live.held if live else {}
    return {name: holding.fingerprint for name, holding in held.items()}


def _no_such_bundle(action: ImportBundle, manifests: Sequence[Manifest]) -> PlanIsStaleError:
    departure = bundle_departure(action.target.name, action.fingerprint, action.content, manifests)
    return PlanIsStaleError(
        Diagnostic(
            "Bundle not in the archive",
            f"{departure}.",
            hint="Plan again; its export may have failed.",
        )
    )
