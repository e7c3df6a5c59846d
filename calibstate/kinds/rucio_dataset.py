"""A ticket registered in Rucio: a closed dataset of the bundle's files.

Closing a dataset says only that nobody attaches to it, and Rucio keeps what
was registered first without a word.  So a ticket is registered only when the
names, sizes, checksums and sidecars are those of its bundle; before that the
dataset is not closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import ClassVar

from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, PlanIsStaleError, RefusedError, UnreachableError
from ..model.actions import Action, Departure, Standing
from ..model.bundles import BundleFile, Manifest
from ..model.drift import Drift, What
from ..model.names import ARCHIVE, RUCIO, Address, Place, RepositoryAddress, TicketKey
from ..model.reasons import Code, Reason
from ..model.resources import Declared, Need, Resource
from ..model.rucio import RegisteredDataset, RegisteredFile, expected_pfn, name_problem
from ..model.settings import RucioNames, RucioSettings
from ..model.tickets import RucioLabel, Ticket
from ..ports.archive import ArchiveReader
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from ..ports.rucio import FileToRegister, RucioReader
from .base import Kind
from .bundle import Bundle, bundle_departure, bundle_of
from .selection import Selection

__all__ = ["RegisterDataset", "RucioDataset", "RucioDatasetKind", "declared_dataset", "rses_of"]

_TOLD = 3
"""Examples of a difference that are told."""


@dataclass(frozen=True)
class RucioDataset(Resource):
    """The Rucio dataset of a ticket."""

    ticket: TicketKey
    """Instrument and ticket."""

    scope: str
    dataset: str
    """Name within the scope."""

    fingerprint: str | None = None
    """Of the ticket; `None` where nobody can tell what it holds."""

    leaves: tuple[str, ...] = ()
    """Its collections at the origin."""

    origin: RepositoryAddress | None = None
    """Where its files are."""

    expected_pfn: str | None = None
    """Declared: URL that the settings build for the name ``FILE``; `None`
    where they do not say."""

    names: RucioNames = field(default_factory=RucioNames)
    """Declared: which names the server takes."""

    files: bool = False
    """Whether sidecars of a closed dataset are looked at too."""

    bytes_digest: str | None = None
    """Declared: digest that the bundle's bytes must have; `None` where nothing
    was sealed."""

    is_asked: bool = False
    """Asked: tell the bundles of the ticket that are there."""

    bundles: tuple[Manifest, ...] = field(default=(), repr=False)
    """Observed: those."""

    manifest: Manifest | None = field(default=None, repr=False)
    """What it must hold; `None` before the ticket is exported."""

    content: RegisteredDataset | None = field(default=None, repr=False)
    """Observed: what it holds."""

    known: Mapping[str, RegisteredFile] = field(default_factory=dict, repr=False)
    """Observed, until it is whole: its files that Rucio knows already."""

    problem: str = ""
    """Observed: why nothing could be registered."""

    @classmethod
    def at(cls, ticket: Ticket) -> Address:
        """Return the address of a ticket's dataset."""
        return Address(place=RUCIO, kind="rucio_dataset", name=ticket.name)

    @property
    def did(self) -> str:
        """Scope and name, as Rucio's own commands take them."""
        return f"{self.scope}:{self.dataset}"

    @override
    def declaration(self) -> Mapping[str, object]:
        return {
            "scope": self.scope,
            "dataset": self.dataset,
            "collections": self.leaves,
            "origin": self.origin,
            "pfn": self.expected_pfn,
        }

    @override
    def reads(self) -> tuple[Place, ...]:
        return (ARCHIVE, self.origin) if self.origin else (ARCHIVE,)

    @override
    def facts(self) -> Iterator[str]:
        if self.content:
            yield f"{self.address} {'open' if self.content.is_open else 'closed'}"
            for name, file in sorted(self.content.files.items()):
                yield f"{self.address} {name} {file.size} {file.adler32}"


class RegisterDataset(Action):
    """Register a ticket's files in Rucio, verify them, close the dataset."""

    do: ClassVar[str] = "register-dataset"

    ticket: str
    instrument: str
    origin: RepositoryAddress
    """Repository whose files are registered."""

    scope: str
    dataset: str
    """Name of the Rucio dataset, without its scope."""

    fingerprint: str
    """Ticket fingerprint of the bundle that says what it must hold."""

    collections: tuple[str, ...]
    """At the origin, in search order."""

    content: str | None = None
    """Digest that the bundle's bytes must have; `None` where nothing was
    sealed."""

    @override
    def subject(self) -> RucioDataset:
        key = TicketKey(self.instrument, self.ticket)
        return RucioDataset(
            self.target,
            key,
            self.scope,
            self.dataset,
            self.fingerprint,
            self.collections,
            files=True,
            bytes_digest=self.content,
            is_asked=True,
        )

    @override
    def standing(self, live: Resource | None) -> Standing:
        if not isinstance(live, RucioDataset):
            return Standing.READY
        if any(self.departures(live)):
            return Standing.STALE
        is_closed = live.content is not None and not live.content.is_open
        return Standing.DONE if live.manifest and is_closed else Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, RucioDataset):
            return
        if live.manifest is None:
            if live.is_asked:
                yield bundle_departure(self.target.name, self.fingerprint, self.content, live.bundles)
            return
        differences = list(_differences(live.manifest, live))
        is_closed = live.content is not None and not live.content.is_open
        if is_closed or any(what is What.CHANGED for what, _ in differences):
            expected = "what the bundle holds, or less and be open"
            for _, found in differences:
                yield Departure(RUCIO, live.did, expected, found)
        if live.problem and not is_closed:
            yield Departure(RUCIO, live.did, "a Rucio that takes its files", live.problem)

    @override
    def brings(self) -> frozenset[tuple[str, str]]:
        return frozenset({(RUCIO, f"{self.scope}:{self.dataset}")})

    @override
    def summary(self) -> str:
        return f"register {self.ticket} as {self.scope}:{self.dataset} and close it"


class RucioDatasetKind(Kind[RucioDataset]):
    """Tickets in Rucio."""

    name = "rucio_dataset"
    place = RUCIO
    actions = (RegisterDataset,)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        settings = selection.desired.settings.noun.rucio
        if settings is None:
            return
        for written in selection.tickets:
            ticket = written.noun
            if rses_of(selection, ticket):
                dataset = declared_dataset(selection, settings, ticket)
                yield Declared(dataset, written.lines.at("ticket"), (Need(Bundle.at(ticket)),))

    @override
    def observe(
        self, targets: Sequence[RucioDataset], places: ReadPlaces
    ) -> Mapping[Address, RucioDataset | None]:
        rucio, archive = places.rucio(), places.archive()
        found = rucio.datasets([t.dataset for t in targets], sidecars=[t.dataset for t in targets if t.files])
        refusal = cache(lambda: _refusal(targets[0], rucio))
        live: dict[Address, RucioDataset | None] = {}
        for target in targets:
            content = found.get(target.dataset)
            seen = replace(target, content=content)
            if target.fingerprint or content is None or content.is_open:
                bundles = _bundles(target, archive)
                seen = replace(seen, manifest=_bundled(target, bundles), bundles=bundles)
            if content is None or content.is_open:
                seen = replace(seen, known=_known(seen, rucio), problem=refusal())
            live[target.address] = seen
        return live

    @override
    def compare(self, declared: RucioDataset, live: RucioDataset | None) -> Iterator[Drift]:
        if live is None or live.content is None:
            since = f", exported {declared.manifest.made_at}," if declared.manifest else ""
            yield _drift(declared, What.MISSING, f"{declared.did}{since} is not registered")
        elif declared.manifest is None:
            detail = f"{declared.did} is registered, and was not compared with a bundle yet"
            yield _drift(declared, What.MISSING, detail)
        if live is None or declared.manifest is None:
            return
        differences = [_drift(declared, what, told) for what, told in _differences(declared.manifest, live)]
        is_closed = live.content is not None and not live.content.is_open
        for number, drift in enumerate(differences):
            # The obstacle tells the first of them itself, and what to do.
            is_told_there = is_closed and number == 0 and drift.what is What.MISSING
            reason = Code.CLOSED_TOO_EARLY.value if is_told_there else ""
            yield drift.model_copy(update={"reason": reason})
        if not differences and live.content and live.content.is_open:
            yield _drift(declared, What.MISSING, f"{declared.did} is complete and still open")

    @override
    def remedy(self, declared: RucioDataset, live: RucioDataset | None) -> Iterator[Action]:
        drift = list(self.compare(declared, live))
        if not drift or self.obstacle(declared, live) or not declared.fingerprint or not declared.origin:
            return
        instrument, ticket = declared.ticket
        started = live is not None and live.content is not None
        yield RegisterDataset(
            target=declared.address,
            because=f"{declared.did}: {drift[0].detail}" if started else drift[0].detail,
            ticket=ticket,
            instrument=instrument,
            origin=declared.origin,
            scope=declared.scope,
            dataset=declared.dataset,
            fingerprint=declared.fingerprint,
            collections=declared.leaves,
            content=declared.bytes_digest,
        )

    @override
    def is_there(self, declared: RucioDataset, live: RucioDataset | None) -> bool:
        return declared.manifest is not None and not any(self.compare(declared, live))

    @override
    def obstacle(self, declared: RucioDataset, live: RucioDataset | None) -> Reason | None:
        drift = list(self.compare(declared, live))
        if not drift:
            return None
        if changed := next((d for d in drift if d.what is What.CHANGED), None):
            return Reason.refused(Code.REGISTERED_OTHERWISE, f"{declared.did}: {changed.detail}")
        if declared.manifest and live and live.content and not live.content.is_open:
            return Reason.refused(Code.CLOSED_TOO_EARLY, _closed_too_early(declared, drift[0].detail))
        if problem := _preflight(declared, live):
            return Reason.refused(Code.CANNOT_REGISTER, problem)
        return None

    @override
    def apply(self, action: Action, places: WritePlaces, watch: Watch, fence: Fence) -> None:
        assert isinstance(action, RegisterDataset)
        subject = action.subject()
        bundles = _bundles(subject, places.archive())
        manifest = _bundled(subject, bundles)
        if manifest is None:
            raise _no_bundle(action, bundles)
        rucio = places.change_rucio()
        if files := _to_register(manifest, self._look(action, places), places, action):
            rucio.register(action.dataset, files, watch=watch, fence=fence)
        if problems := [told for _, told in _differences(manifest, self._look(action, places))]:
            raise RefusedError(
                Diagnostic(
                    "Registered otherwise",
                    f"{action.scope}:{action.dataset} was not closed: {'; '.join(problems)}.",
                    hint="Plan again to see what can be done.",
                )
            )
        fence()
        rucio.close(action.dataset)

    def _look(self, action: RegisterDataset, places: ReadPlaces) -> RucioDataset:
        subject = action.subject()
        return self.observe([subject], places)[action.target] or subject


def rses_of(selection: Selection, ticket: Ticket) -> tuple[str, ...]:
    """Return the RSEs at which repositories await a ticket, sorted.

    Those that are asked for; and all others, where the origin is, since the
    steps in Rucio belong to the site of the origin.

    Parameters
    ----------
    selection
        What is asked for.
    ticket
        The ticket.
    """
    desired, scope = selection.desired, selection.scope
    origin = desired.origin(ticket.instrument)
    at_origin = origin is not None and scope.has_repository(origin)
    rses: set[str] = set()
    for address in desired.with_instrument(ticket.instrument):
        rse = desired.rse_of(address)
        is_asked_for = scope.has_repository(address) or (at_origin and not scope.leaves_out(address))
        if rse and is_asked_for and not desired.skipped(ticket, address):
            rses.add(rse)
    return tuple(sorted(rses))


def declared_dataset(selection: Selection, settings: RucioSettings, ticket: Ticket) -> RucioDataset:
    """Return the dataset that a ticket is to become.

    Parameters
    ----------
    selection
        What is asked for.
    settings
        How datasets are named.
    ticket
        The ticket.
    """
    pin = selection.pin(ticket)
    label = (ticket.rucio or RucioLabel()).label
    return RucioDataset(
        RucioDataset.at(ticket),
        ticket.key,
        settings.scope,
        settings.dataset_of(ticket.instrument, ticket.ticket, label),
        pin.fingerprint if pin else None,
        ticket.leaves,
        selection.desired.origin(ticket.instrument),
        expected_pfn(settings, "FILE") if settings.rse_root is not None else None,
        names=settings.names,
        files=selection.scope.files,
        bytes_digest=pin.content if pin else None,
        manifest=pin.manifest if pin else None,
    )


def _known(seen: RucioDataset, rucio: RucioReader) -> Mapping[str, RegisteredFile]:
    """Ask for the files of a bundle that may be registered already."""
    # What cannot be a name there is not known, and would be refused.
    files = seen.manifest.files if seen.manifest else ()
    names = {file.path for file in files if not name_problem(file.path, seen.names)}
    if seen.files and seen.content:
        names -= seen.content.files.keys()  # They were asked for.
    return rucio.files(sorted(names)) if names else {}


def _bundled(target: RucioDataset, manifests: Sequence[Manifest]) -> Manifest | None:
    """Return the bundle that counts: the one asked for, else the newest."""
    if target.fingerprint is None:
        return next(iter(manifests), None)
    return bundle_of(manifests, target.fingerprint, target.bytes_digest)


def _bundles(target: RucioDataset, archive: ArchiveReader) -> tuple[Manifest, ...]:
    try:
        return archive.bundles([target.ticket]).get(target.ticket, ())
    except InvalidStateError:
        return ()  # The bundle tells it.
    except UnreachableError:
        if target.is_asked:
            raise
        # An archive that is away says so itself, and does not hide Rucio.
        return ()


def _refusal(target: RucioDataset, rucio: RucioReader) -> str:
    """Say why Rucio would take no file, as far as can be seen before."""
    if not rucio.has_scope():
        return (
            f"Rucio has no scope {target.scope}; an administrator makes one: "
            f"rucio scope add --account {rucio.account} {target.scope}"
        )
    if target.expected_pfn is None:
        return ""
    pfn = rucio.pfn("FILE")
    if pfn is None:
        return "the RSE of the origin does not exist; see `rucio.origin_rse` in calibstate.yaml"
    if pfn != target.expected_pfn:
        return (
            f"the RSE of the origin has its files at {pfn.removesuffix('FILE')}, but `dtn_url` and `scope` "
            f"in calibstate.yaml build {target.expected_pfn.removesuffix('FILE')}"
        )
    return ""


def _preflight(declared: RucioDataset, live: RucioDataset | None) -> str:
    """Say why a registration would be refused."""
    if declared.expected_pfn is None:
        return "`rse_root` and `dtn_url` are not declared in calibstate.yaml, so its files cannot be named"
    if live and live.problem:
        return live.problem
    files = declared.manifest.files if declared.manifest else ()
    bad = [(file.path, problem) for file in files if (problem := name_problem(file.path, declared.names))]
    return f"{bad[0][0]} cannot be a name in Rucio: {bad[0][1]}" if bad else ""


def _differences(manifest: Manifest, live: RucioDataset) -> Iterator[tuple[What, str]]:
    """Yield how what is registered departs from a bundle."""
    held = live.content.files if live.content else {}
    if wrong := list(_wrong(manifest.files, {**held, **live.known})):
        yield What.CHANGED, f"Rucio knows otherwise {_told(wrong)}"
    if live.content is None:
        return
    if beyond := sorted(held.keys() - {file.path for file in manifest.files}):
        yield What.CHANGED, f"it holds {len(beyond)} that the bundle does not: {_told(beyond)}"
    if lacking := _lacking(manifest, live.content):
        detail = f"{len(lacking)} of {len(manifest.files)} files are not in it: {_told(lacking)}"
        yield What.MISSING, detail


def _lacking(manifest: Manifest, content: RegisteredDataset) -> list[str]:
    return sorted({file.path for file in manifest.files} - content.files.keys())


def _wrong(files: Iterable[BundleFile], registered: Mapping[str, RegisteredFile]) -> Iterator[str]:
    for file in files:
        have = registered.get(file.path)
        if have is None:
            continue
        if (have.size, have.adler32) != (file.size, file.adler32):
            yield (
                f"{file.path} ({have.size} bytes with adler32 {have.adler32}; "
                f"the bundle has {file.size} with {file.adler32})"
            )
        elif have.uuid is not None and have.uuid not in file.datasets:
            yield f"{file.path} (as dataset {have.uuid}; the bundle has {', '.join(file.datasets)})"


def _told(items: Sequence[str]) -> str:
    rest = f" and {len(items) - _TOLD} more" if len(items) > _TOLD else ""
    return ", ".join(items[:_TOLD]) + rest


def _drift(about: RucioDataset, what: What, detail: str) -> Drift:
    return Drift(target=about.address, what=what, subject=about.address.name, detail=detail)


def _closed_too_early(declared: RucioDataset, lacks: str) -> str:
    return (
        f"{declared.did} is closed, and {lacks}; only an administrator can open it again, "
        f"after which an apply completes it: rucio did update --open {declared.did}"
    )


def _no_bundle(action: RegisterDataset, bundles: Sequence[Manifest]) -> PlanIsStaleError:
    departure = bundle_departure(action.target.name, action.fingerprint, action.content, bundles)
    return PlanIsStaleError(
        Diagnostic(
            "Bundle not in the archive",
            f"{departure}.",
            hint="Plan again; its export may have failed.",
        )
    )


def _to_register(
    manifest: Manifest, live: RucioDataset, places: ReadPlaces, action: RegisterDataset
) -> list[FileToRegister]:
    """Return the files that the dataset lacks, as the origin has them."""
    lacking = set(_lacking(manifest, live.content or RegisteredDataset(is_open=True)))
    if not lacking:
        return []
    stored = {file.uuid: file for file in places.butler(action.origin).stored(action.collections)}
    if gone := [f.path for f in manifest.files if f.path in lacking and f.datasets[0] not in stored]:
        raise RefusedError(
            Diagnostic(
                "Datasets are gone from the origin",
                f"{action.origin} lacks what the bundle holds: {_told(gone)}. Nothing was registered.",
                hint="Bring them back to the origin from the bundle: calibstate apply, then run this again.",
            )
        )
    return [
        FileToRegister(
            file.path,
            stored[file.datasets[0]].uri,
            file.size,
            file.adler32,
            stored[file.datasets[0]].sidecar,
        )
        for file in manifest.files
        if file.path in lacking
    ]
