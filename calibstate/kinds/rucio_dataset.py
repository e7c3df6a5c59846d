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

_EXAMPLES = 3
"""Examples of a difference that a sentence names."""


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

    known_files: Mapping[str, RegisteredFile] = field(default_factory=dict, repr=False)
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

    @property
    def is_closed(self) -> bool:
        """Observed: whether nobody attaches to it any more."""
        return self.content is not None and not self.content.is_open

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
        if self.origin is None:
            return (ARCHIVE,)
        return (ARCHIVE, self.origin)

    @override
    def facts(self) -> Iterator[str]:
        if self.content is None:
            return
        state = "closed"
        if self.content.is_open:
            state = "open"
        yield f"{self.address} {state}"
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
        if live.manifest and live.is_closed:
            return Standing.DONE
        return Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, RucioDataset):
            return
        if live.manifest is None:
            if live.is_asked:
                yield bundle_departure(
                    self.target.name,
                    self.fingerprint,
                    self.content,
                    live.bundles,
                )
            return
        differences = list(_differences(live.manifest, live))
        is_altered = any(difference.what is What.CHANGED for difference in differences)
        # What an open dataset lacks is what this step brings.
        if live.is_closed or is_altered:
            expected = "what the bundle holds, or less and be open"
            for difference in differences:
                yield Departure(
                    RUCIO,
                    live.did,
                    expected,
                    difference.detail,
                )
        if live.problem and not live.is_closed:
            yield Departure(
                RUCIO,
                live.did,
                "a Rucio that takes its files",
                live.problem,
            )

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
                yield Declared(
                    dataset,
                    written.lines.at("ticket"),
                    (Need(Bundle.at(ticket)),),
                )

    @override
    def observe(
        self,
        targets: Sequence[RucioDataset],
        places: ReadPlaces,
    ) -> Mapping[Address, RucioDataset | None]:
        rucio = places.rucio()
        archive = places.archive()
        names = [target.dataset for target in targets]
        with_sidecars = [target.dataset for target in targets if target.files]
        contents = rucio.datasets(names, sidecars=with_sidecars)
        # All have the same scope and settings, so one answers for them.
        refusal = cache(lambda: _refusal(targets[0], rucio))
        live: dict[Address, RucioDataset | None] = {}
        for target in targets:
            dataset = replace(target, content=contents.get(target.dataset))
            # A closed one is compared only where the ticket is known.
            if target.fingerprint or not dataset.is_closed:
                bundles = _bundles(target, archive)
                manifest = _bundle_that_counts(target, bundles)
                dataset = replace(dataset, manifest=manifest, bundles=bundles)
            if not dataset.is_closed:
                known_files = _known_files(dataset, rucio)
                dataset = replace(
                    dataset,
                    known_files=known_files,
                    problem=refusal(),
                )
            live[target.address] = dataset
        return live

    @override
    def compare(
        self,
        declared: RucioDataset,
        live: RucioDataset | None,
    ) -> Iterator[Drift]:
        if live is None or live.content is None:
            since = ""
            if declared.manifest:
                since = f", exported {declared.manifest.made_at},"
            yield _drift(
                declared,
                What.MISSING,
                f"{declared.did}{since} is not registered",
            )
        elif declared.manifest is None:
            detail = f"{declared.did} is registered, and was not compared with a bundle yet"
            yield _drift(declared, What.MISSING, detail)
        if live is None or declared.manifest is None:
            return
        differences = list(_differences(declared.manifest, live))
        for number, difference in enumerate(differences):
            drift = _drift(declared, difference.what, difference.detail)
            # The obstacle tells the first of them itself, and what to do.
            if live.is_closed and number == 0 and drift.what is What.MISSING:
                drift = drift.model_copy(update={"reason": Code.CLOSED_TOO_EARLY.value})
            yield drift
        if not differences and live.content and live.content.is_open:
            yield _drift(
                declared,
                What.MISSING,
                f"{declared.did} is complete and still open",
            )

    @override
    def remedy(
        self,
        declared: RucioDataset,
        live: RucioDataset | None,
    ) -> Iterator[Action]:
        drift = list(self.compare(declared, live))
        if not drift or self.obstacle(declared, live):
            return
        if not declared.fingerprint or not declared.origin:
            return
        because = drift[0].detail
        if live and live.content:
            # Somebody has begun it, so the detail does not name the dataset.
            because = f"{declared.did}: {because}"
        instrument, ticket = declared.ticket
        yield RegisterDataset(
            target=declared.address,
            because=because,
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
    def obstacle(
        self,
        declared: RucioDataset,
        live: RucioDataset | None,
    ) -> Reason | None:
        drift = list(self.compare(declared, live))
        if not drift:
            return None
        for difference in drift:
            if difference.what is What.CHANGED:
                detail = f"{declared.did}: {difference.detail}"
                return Reason.refused(Code.REGISTERED_OTHERWISE, detail)
        if declared.manifest and live and live.is_closed:
            return Reason.refused(
                Code.CLOSED_TOO_EARLY,
                f"{declared.did} is closed, and {drift[0].detail}; only an administrator can open it again, "
                f"after which an apply completes it: rucio did update --open {declared.did}",
            )
        problem = _problem_beforehand(declared, live)
        if problem:
            return Reason.refused(Code.CANNOT_REGISTER, problem)
        return None

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, RegisterDataset)
        subject = action.subject()
        bundles = _bundles(subject, places.archive())
        manifest = _bundle_that_counts(subject, bundles)
        if manifest is None:
            raise _no_bundle(action, bundles)
        rucio = places.change_rucio()
        # What a run before this one registered is not registered twice.
        files = _to_register(
            manifest,
            self._look(action, places),
            places,
            action,
        )
        if files:
            rucio.register(action.dataset, files, watch=watch, fence=fence)
        # Nothing opens a closed dataset again, so it is looked at before.
        problems = [difference.detail for difference in _differences(manifest, self._look(action, places))]
        if problems:
            detail = f"{action.scope}:{action.dataset} was not closed: {'; '.join(problems)}."
            hint = "Plan again to see what can be done."
            raise RefusedError(Diagnostic("Registered otherwise", detail, hint=hint))
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


def declared_dataset(
    selection: Selection,
    settings: RucioSettings,
    ticket: Ticket,
) -> RucioDataset:
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
    label = (ticket.rucio or RucioLabel()).label
    pfn = None
    if settings.rse_root is not None:
        pfn = expected_pfn(settings, "FILE")
    dataset = RucioDataset(
        RucioDataset.at(ticket),
        ticket.key,
        settings.scope,
        settings.dataset_of(ticket.instrument, ticket.ticket, label),
        leaves=ticket.leaves,
        origin=selection.desired.origin(ticket.instrument),
        expected_pfn=pfn,
        names=settings.names,
        files=selection.scope.files,
    )
    pin = selection.pin(ticket)
    if pin is None:
        return dataset
    return replace(
        dataset,
        fingerprint=pin.fingerprint,
        bytes_digest=pin.content,
        manifest=pin.manifest,
    )


def _known_files(
    dataset: RucioDataset,
    rucio: RucioReader,
) -> Mapping[str, RegisteredFile]:
    """Ask for the files of a bundle that may be registered already."""
    if dataset.manifest is None:
        return {}
    names: set[str] = set()
    for file in dataset.manifest.files:
        # What cannot be a name there is not known, and would be refused.
        if not name_problem(file.path, dataset.names):
            names.add(file.path)
    if dataset.files and dataset.content:
        # These were looked at with their sidecars.
        names -= dataset.content.files.keys()
    if not names:
        return {}
    return rucio.files(sorted(names))


def _bundle_that_counts(
    target: RucioDataset,
    manifests: Sequence[Manifest],
) -> Manifest | None:
    """Return the bundle that counts: the one asked for, else the newest."""
    if target.fingerprint is not None:
        return bundle_of(manifests, target.fingerprint, target.bytes_digest)
    if not manifests:
        return None
    return manifests[0]


def _bundles(target: RucioDataset, archive: ArchiveReader) -> tuple[Manifest, ...]:
    try:
        return archive.bundles([target.ticket]).get(target.ticket, ())
    except InvalidStateError:
        # The bundle says it itself.
        return ()
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


def _problem_beforehand(declared: RucioDataset, live: RucioDataset | None) -> str:
    """Say why a registration would be refused."""
    if declared.expected_pfn is None:
        return "`rse_root` and `dtn_url` are not declared in calibstate.yaml, so its files cannot be named"
    if live and live.problem:
        return live.problem
    if declared.manifest is None:
        return ""
    for file in declared.manifest.files:
        problem = name_problem(file.path, declared.names)
        if problem:
            return f"{file.path} cannot be a name in Rucio: {problem}"
    return ""


@dataclass(frozen=True)
class _Difference:
    """How what is registered departs from a bundle, in one respect."""

    what: What
    detail: str


def _differences(manifest: Manifest, live: RucioDataset) -> Iterator[_Difference]:
    """Yield how what is registered departs from a bundle."""
    held: Mapping[str, RegisteredFile] = {}
    if live.content:
        held = live.content.files
    # What Rucio has under these names would be attached as it is.
    wrong = list(_wrong_files(manifest.files, {**held, **live.known_files}))
    if wrong:
        yield _Difference(What.CHANGED, f"Rucio knows otherwise {_examples(wrong)}")
    if live.content is None:
        return
    paths = {file.path for file in manifest.files}
    beyond = sorted(held.keys() - paths)
    if beyond:
        detail = f"it holds {len(beyond)} that the bundle does not: {_examples(beyond)}"
        yield _Difference(What.CHANGED, detail)
    lacking = sorted(paths - held.keys())
    if lacking:
        total = len(manifest.files)
        detail = f"{len(lacking)} of {total} files are not in it: {_examples(lacking)}"
        yield _Difference(What.MISSING, detail)


def _wrong_files(
    files: Iterable[BundleFile],
    registered: Mapping[str, RegisteredFile],
) -> Iterator[str]:
    """Yield the files of a bundle that are registered with other facts."""
    for file in files:
        have = registered.get(file.path)
        if have is None:
            continue
        if have.size != file.size or have.adler32 != file.adler32:
            yield (
                f"{file.path} ({have.size} bytes with adler32 {have.adler32}; "
                f"the bundle has {file.size} with {file.adler32})"
            )
        elif have.uuid is not None and have.uuid not in file.datasets:
            uuids = ", ".join(file.datasets)
            yield f"{file.path} (as dataset {have.uuid}; the bundle has {uuids})"


def _examples(items: Sequence[str]) -> str:
    """Name the first of some items, and how many more there are."""
    examples = ", ".join(items[:_EXAMPLES])
    more = len(items) - _EXAMPLES
    if more > 0:
        return f"{examples} and {more} more"
    return examples


def _drift(declared: RucioDataset, what: What, detail: str) -> Drift:
    return Drift(
        target=declared.address,
        what=what,
        subject=declared.address.name,
        detail=detail,
    )


def _no_bundle(action: RegisterDataset, bundles: Sequence[Manifest]) -> PlanIsStaleError:
    departure = bundle_departure(
        action.target.name,
        action.fingerprint,
        action.content,
        bundles,
    )
    hint = "Plan again; its export may have failed."
    return PlanIsStaleError(Diagnostic("Bundle not in the archive", f"{departure}.", hint=hint))


def _to_register(
    manifest: Manifest,
    live: RucioDataset,
    places: ReadPlaces,
    action: RegisterDataset,
) -> list[FileToRegister]:
    """Return the files that the dataset lacks, as the origin has them."""
    held: Mapping[str, RegisteredFile] = {}
    if live.content:
        held = live.content.files
    lacking = [file for file in manifest.files if file.path not in held]
    if not lacking:
        return []
    butler = places.butler(action.origin)
    stored = {file.uuid: file for file in butler.stored(action.collections)}
    gone = []
    to_register = []
    for file in lacking:
        # Several datasets may share a file; the first speaks for all.
        at_origin = stored.get(file.datasets[0])
        if at_origin is None:
            gone.append(file.path)
            continue
        to_register.append(
            FileToRegister(
                file.path,
                at_origin.uri,
                file.size,
                file.adler32,
                at_origin.sidecar,
            )
        )
    if gone:
        raise RefusedError(
            Diagnostic(
                "Datasets are gone from the origin",
                f"{action.origin} lacks what the bundle holds: {_examples(gone)}. Nothing was registered.",
                hint="Bring them back to the origin from the bundle: calibstate apply, then run this again.",
            )
        )
    return to_register
