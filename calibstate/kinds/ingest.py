"""Files that come in at an origin by the stock ``butler ingest-files``.

With ids that repeat, so that what a RUN will hold is known from the table of
its files, and done is what the repository shows.  The stock command takes all
or nothing: what is there in part, or otherwise, is told and left alone.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import ClassVar

from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, RefusedError, UnreachableError
from ..model.actions import Action, Departure, Standing
from ..model.contents import CollectionType, Holding, Row
from ..model.desired import Written
from ..model.drift import Drift, What
from ..model.fingerprints import collection_fingerprint
from ..model.formatters import ALLOW_IT, why_not_allowed
from ..model.ingests import FileTable, Ingest, reproducible_rows
from ..model.names import Address, CollectionName, Place, RepositoryAddress, TicketKey
from ..model.reasons import Code, Reason
from ..model.resources import Declared, Observed, Resource
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .commanding import require_commands
from .selection import Selection
from .whole import tell_rows

__all__ = ["IngestFiles", "IngestKind", "Ingested", "declared_ingests", "with_ingested"]

_REGISTER = "register-dataset-type"
_INGEST = "ingest-files"


@dataclass(frozen=True)
class Ingested(Resource):
    """Datasets of one type in a RUN of an origin."""

    ticket: TicketKey
    """Declared: its ticket."""

    entry: Ingest
    """Declared: how they come in."""

    table: str
    """Declared: path of the table within the tree."""

    formatters: tuple[str, ...] = ()
    """Declared: packages whose formatter classes may be imported."""

    digest: str = ""
    """Observed: of the table's bytes."""

    unfit: str = ""
    """Observed: why the table cannot be ingested as declared."""

    expected: frozenset[Row] = field(default=frozenset(), repr=False)
    """Observed: what the table says."""

    held: frozenset[Row] = field(default=frozenset(), repr=False)
    """Observed: what the RUN holds of the type."""

    besides: frozenset[Row] = field(default=frozenset(), repr=False)
    """Observed: what it holds of other types."""

    taken: CollectionType | None = None
    """Observed: another type of the collection, which has the name."""

    running: str = ""
    """Observed: which process ingests at present."""

    @classmethod
    def at(cls, repository: RepositoryAddress, ticket: Ticket, entry: Ingest) -> Address:
        """Return its address."""
        name = f"{ticket.name}/{entry.run}/{entry.type}"
        return Address(place=repository, kind="ingest", name=name)

    @property
    def is_done(self) -> bool:
        """Whether all is there as the table says, and nothing else."""
        return bool(self.held) and self.held == self.expected

    @override
    def declaration(self) -> Mapping[str, object]:
        return self.entry.model_dump(mode="json", exclude_none=True)

    @override
    def facts(self) -> Iterator[str]:
        held = collection_fingerprint(self.held)
        yield f"{self.address} {self.digest} {held} {self.taken}"


class IngestFiles(Action):
    """Ingest the files of a table, by the stock command."""

    do: ClassVar[str] = "ingest-files"

    ticket: str
    instrument: str
    entry: Ingest
    """How they come in."""

    table: str
    """Path of the table within the tree."""

    digest: str
    """Of the table's bytes."""

    datasets: str
    """Fingerprint of what the RUN holds then of the type."""

    number: int
    """How many datasets these are."""

    @override
    def subject(self) -> Ingested:
        return Ingested(
            self.target,
            TicketKey(self.instrument, self.ticket),
            self.entry,
            self.table,
        )

    @override
    def standing(self, live: Resource | None) -> Standing:
        if not isinstance(live, Ingested):
            return Standing.STALE
        if self.is_done(live):
            return Standing.DONE
        if live.running:
            return Standing.UNDER_WAY
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    def is_done(self, live: Ingested) -> bool:
        """Say whether it is done."""
        return bool(live.held) and collection_fingerprint(live.held) == self.datasets

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, Ingested) or self.is_done(live):
            return
        place = self.target.place
        run = self.entry.run
        if live.digest != self.digest:
            yield Departure(
                place,
                self.table,
                expected=self.digest,
                actual=live.digest or live.unfit,
            )
        if live.held:
            yield Departure(
                place,
                run,
                expected=f"no {self.entry.type}",
                actual=f"{len(live.held)}",
            )
        if live.taken:
            yield Departure(
                place,
                run,
                expected="a RUN, or nothing",
                actual=f"a {live.taken.value} collection",
            )

    @override
    def brings(self) -> frozenset[tuple[str, str]]:
        names = {self.target.name, self.entry.run}
        return frozenset((self.target.place, name) for name in names)

    @override
    def summary(self) -> str:
        return f"ingest {self.number} files of {self.table} as {self.entry.type}"

    @override
    def changes(self) -> Iterator[str]:
        yield f"+ {self.entry.run}, {self.number} {self.entry.type}, {self.entry.transfer}"
        # Who agrees to the plan should see whose files these are.
        yield f"  from {self.entry.prefix or 'where the table says'}"


class IngestKind(Kind[Ingested]):
    """What tickets ingest at their origins."""

    name = "ingest"
    actions = (IngestFiles,)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        for written in selection.repositories[place].tickets:
            if selection.desired.origin(written.noun.instrument) == place:
                yield from declared_ingests(written, selection)

    @override
    def observe(
        self,
        targets: Sequence[Ingested],
        places: ReadPlaces,
    ) -> Mapping[Address, Ingested | None]:
        if not targets:
            return {}
        place = targets[0].address.place
        butler = places.butler(place)
        runs = [target.entry.run for target in targets]
        there = butler.collections(runs)
        holdings = butler.holdings(runs)
        running = ""
        # Where others observed it, nobody can tell what runs there.
        with suppress(UnreachableError):
            running = places.commands(place).under_way(_INGEST)
        live: dict[Address, Ingested | None] = {}
        for target in targets:
            run = target.entry.run
            resource = _with_table(target, places)
            resource = replace(resource, running=running)
            if run in there and there[run].type is not CollectionType.RUN:
                resource = replace(resource, taken=there[run].type)
            elif run in holdings:
                resource = _with_datasets(resource, holdings[run])
            live[target.address] = resource
        return live

    @override
    def compare(self, declared: Ingested, live: Ingested | None) -> Iterator[Drift]:
        if live is None or live.is_done:
            return
        problem = _problem_with(live)
        if problem is None:
            yield Drift(
                target=declared.address,
                what=What.MISSING,
                subject=declared.entry.run,
                detail=_not_ingested(live),
            )
            return
        what = What.MISSING
        if live.held or live.taken:
            what = What.CHANGED
        yield Drift.because_of(
            problem,
            target=declared.address,
            what=what,
            subject=declared.entry.run,
        )

    @override
    def remedy(self, declared: Ingested, live: Ingested | None) -> Iterator[Action]:
        if live is None or live.is_done or _problem_with(live):
            return
        yield IngestFiles(
            target=declared.address,
            because=_not_ingested(live),
            ticket=declared.ticket.ticket,
            instrument=declared.ticket.instrument,
            entry=declared.entry,
            table=declared.table,
            digest=live.digest,
            datasets=collection_fingerprint(live.expected),
            number=len(live.expected),
        )

    @override
    def is_there(self, declared: Ingested, live: Ingested | None) -> bool:
        return live is None or live.is_done

    @override
    def obstacle(self, declared: Ingested, live: Ingested | None) -> Reason | None:
        if live is None or live.is_done:
            return None
        return _problem_with(live)

    @override
    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
        require_commands(
            action.target.place,
            _REGISTER,
            _INGEST,
            places=places,
            hint="Run this at the origin, where the butler is installed.",
        )
        return ()

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, IngestFiles), "kinds carry out their own actions"
        entry = action.entry
        place = action.target.place
        table = places.table(action.table)
        butler = places.run_commands(place)
        # Twice the same type is no error, and another one is refused.
        registered = butler.run(
            _REGISTER,
            ["--", entry.type, entry.storage_class, *entry.dimensions],
            fence,
        )
        if registered.code:
            raise _failed(_REGISTER, registered.code, registered.error, "Nothing was ingested")
        ran = butler.run(_INGEST, _arguments(entry, table), fence)
        # What it ends with proves nothing: done is what is there.
        subject = action.subject()
        live = self.observe([subject], places)[subject.address]
        if live and action.is_done(live):
            return
        number = 0
        if live:
            number = len(live.held)
        raise _failed(_INGEST, ran.code, ran.error, f"{number} of {action.number} are there")

    @override
    def sentence(self, declared: Ingested) -> str:
        return f"is ingested from {declared.table}"


def declared_ingests(written: Written[Ticket], selection: Selection) -> Iterator[Declared]:
    """Yield what a ticket ingests at its origin.

    Nothing once it has left the origin: what it holds is final then.

    Parameters
    ----------
    written
        The ticket.
    selection
        What is declared, and what tickets hold as far as that is known.
    """
    ticket = written.noun
    origin = selection.maker(ticket)
    if origin is None:
        return
    folder = posixpath.dirname(written.lines.file)
    for index, entry in enumerate(ticket.ingest):
        resource = Ingested(
            Ingested.at(origin, ticket, entry),
            ticket.key,
            entry,
            table=posixpath.join(folder, entry.table),
            formatters=selection.desired.settings.noun.formatters,
        )
        yield Declared(resource, written.lines.at("ingest", index))


def with_ingested(
    held: Mapping[CollectionName, Holding],
    repository: RepositoryAddress,
    ticket: Ticket,
    observed: Mapping[Address, Observed],
) -> dict[CollectionName, Holding]:
    """Return what collections hold once all of a ticket is ingested.

    A RUN of which that is not known is left out, whatever it holds now.

    Parameters
    ----------
    held
        What they hold now.
    repository
        The origin.
    ticket
        The ticket.
    observed
        What was seen.
    """
    foreseen = dict(held)
    rows: dict[CollectionName, set[Row]] = {}
    unknown: set[CollectionName] = set()
    for entry in ticket.ingest:
        address = Ingested.at(repository, ticket, entry)
        # It has left the origin, or another site asks.
        if address not in observed:
            continue
        live = Ingested.of(observed[address].resource)
        if live is None:
            continue
        if not live.is_done and _problem_with(live):
            unknown.add(entry.run)
        of_run = rows.setdefault(entry.run, set())
        of_run.update(live.expected, live.besides)
    for run, of_run in rows.items():
        foreseen[run] = Holding(run, CollectionType.RUN, tuple(sorted(of_run)))
    for run in unknown:
        foreseen.pop(run, None)
    return foreseen


def _with_table(target: Ingested, places: ReadPlaces) -> Ingested:
    """Return a target with what its table says."""
    try:
        table = places.table(target.table)
    except RefusedError as error:
        return replace(target, unfit=error.first.detail.rstrip("."))
    entry = target.entry
    expected = reproducible_rows(entry.run, entry.type, table)
    unfit = _unfit(target, table, len(expected))
    return replace(target, digest=table.digest, unfit=unfit, expected=expected)


def _unfit(target: Ingested, table: FileTable, number: int) -> str:
    """Say why a table cannot be ingested as declared; empty: it can.

    Parameters
    ----------
    target
        What is declared.
    table
        The table.
    number
        How many data IDs it has.
    """
    entry = target.entry
    if set(table.dimensions) != set(entry.dimensions):
        columns = ", ".join(table.dimensions)
        declared = ", ".join(entry.dimensions)
        return f"{target.table} has the dimensions ({columns}), and declared are ({declared})"
    # Two files for one data ID would be two datasets in one place.
    if number != len(table.rows) or not number:
        return f"{target.table} has {len(table.rows)} rows for {number} data IDs"
    if entry.prefix:
        return ""
    for row in table.rows:
        if not _is_absolute(row.file):
            return f"{target.table} names {row.file}, and no `prefix` says where that is"
    return ""


def _with_datasets(target: Ingested, holding: Holding) -> Ingested:
    """Return a target with what its RUN holds."""
    held: set[Row] = set()
    besides: set[Row] = set()
    for row in holding.rows:
        if row.dataset_type == target.entry.type:
            held.add(row)
        else:
            besides.add(row)
    return replace(target, held=frozenset(held), besides=frozenset(besides))


def _problem_with(live: Ingested) -> Reason | None:
    """Say why what is there is not ingested as declared, and cannot be."""
    run = live.entry.run
    if live.taken:
        detail = f"{run} is a {live.taken.value} collection, and no RUN"
        return Reason.refused(Code.NAME_TAKEN, detail)
    if live.unfit:
        return Reason.refused(Code.TABLE_UNFIT, live.unfit)
    formatter = live.entry.formatter
    if formatter:
        why = why_not_allowed(formatter, live.formatters)
        if why:
            return Reason.refused(Code.TABLE_UNFIT, f"{formatter}: {why}", hint=ALLOW_IT)
    if live.running:
        return Reason.awaited(Code.INGESTING, f"butler {_INGEST} runs as {live.running}")
    # What is there in part came by another hand: the command takes all files
    # of a table or none.
    if live.held:
        return _contradiction(live)
    return None


def _contradiction(live: Ingested) -> Reason:
    """Say how a RUN holds something else than its table says."""
    run = live.entry.run
    lacking = live.expected - live.held
    beyond = live.held - live.expected
    if not beyond:
        return Reason.refused(
            Code.CONTENT_DIFFERS,
            f"{len(live.held)} of {len(live.expected)} are in {run}; missing {tell_rows(lacking)}",
            hint=f"`butler {_INGEST}` takes all or nothing: ingest the rest by hand with "
            "`--id-generation-mode DATAID_TYPE_RUN`, or take those rows out of the table.",
        )
    expected = {row.data_id for row in live.expected}
    others = {row.data_id for row in beyond}
    if others & expected:
        detail = f"{run} holds data IDs of the table under other ids: {tell_rows(beyond)}"
        hint = "Somebody ingested them otherwise. Leave `ingest` out, and what is there is deployed as it is."
        return Reason.refused(Code.CONTENT_DIFFERS, detail, hint=hint)
    detail = f"{run} holds {len(beyond)} that {live.table} does not name: {tell_rows(beyond)}"
    hint = "Add them to the table; or leave `ingest` out, and what is there is deployed as it is."
    return Reason.refused(Code.CONTENT_DIFFERS, detail, hint=hint)


def _not_ingested(live: Ingested) -> str:
    return f"none of {len(live.expected)} {live.entry.type} of {live.table} is ingested"


def _arguments(entry: Ingest, table: FileTable) -> list[str]:
    """Return what the stock command is told behind the repository."""
    arguments = [
        "--id-generation-mode",
        "DATAID_TYPE_RUN",
        "--transfer",
        entry.transfer,
    ]
    if entry.formatter:
        arguments.append("--formatter")
        arguments.append(entry.formatter)
    if entry.prefix:
        prefix = entry.prefix
        if not _is_absolute(prefix):
            folder = posixpath.dirname(table.path)
            prefix = posixpath.join(folder, prefix)
            prefix = posixpath.normpath(prefix)
        arguments.append("--prefix")
        arguments.append(f"{prefix}/")
    # Behind this nothing is taken for an option.
    return [*arguments, "--", entry.type, entry.run, table.path]


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or "://" in path


def _failed(command: str, code: int, error: str, progress: str) -> CalibstateError:
    error = error or "it tells of no error"
    return CalibstateError(
        Diagnostic(
            "Files were not ingested",
            f"butler {command} ended with {code}: {error}. {progress}.",
            hint="Run this again once the cause is gone; what is there is left alone.",
        )
    )
