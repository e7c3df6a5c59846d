"""When files are to be ingested, and when not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from typing_extensions import override

from calibstate.errors import CalibstateError, Diagnostic, LockedError, RefusedError, UnreachableError
from calibstate.kinds.ingest import Ingested, IngestFiles, IngestKind
from calibstate.model.actions import Standing
from calibstate.model.drift import What
from calibstate.model.ingests import FileRow, FileTable, Ingest, reproducible_rows
from calibstate.model.names import Address, Place, RepositoryAddress, TicketKey
from calibstate.ports.commands import Ran
from calibstate.ports.progress import unwatched
from calibstate.ports.records import unfenced
from tests.fakes.commands import MemoryCommands
from tests.fakes.places import MemoryPlaces

ORIGIN = Place("usdf/main")
NAME = "tickets/any/DM-1.csv"
ENTRY = Ingest(
    run="refcats/DM-1/gaia",
    type="gaia",
    dimensions=("htm7",),
    storage_class="SimpleCatalog",
    table="DM-1.csv",
    prefix="../../incoming",
    transfer="direct",
)
TABLE = FileTable(
    "/tree/tickets/any/DM-1.csv",
    "sha256:" + "0" * 64,
    ("htm7",),
    (FileRow("a.fits", ("1",)), FileRow("b.fits", ("2",))),
)
WANTED = Ingested(
    Address(place=ORIGIN, kind="ingest", name="any/DM-1/refcats/DM-1/gaia/gaia"),
    TicketKey("any", "DM-1"),
    ENTRY,
    NAME,
)
KIND = IngestKind()


@pytest.fixture
def places() -> MemoryPlaces:
    """Return an origin whose butler ingests what it is told to."""
    places = MemoryPlaces([ORIGIN])
    places.tables[NAME] = TABLE

    def ingest(arguments: Sequence[str]) -> Ran:
        put(places, len(TABLE.rows))
        return Ran(0, "")

    places.programs[ORIGIN].known = {
        "register-dataset-type": lambda arguments: Ran(0, ""),
        "ingest-files": ingest,
    }
    return places


def put(places: MemoryPlaces, number: int) -> None:
    """Have some of the datasets in the RUN."""
    rows = sorted(reproducible_rows(ENTRY.run, ENTRY.type, TABLE))
    places.butlers[ORIGIN].add_ingested(ENTRY.run, rows[:number])


def look(places: MemoryPlaces) -> Ingested:
    live = KIND.observe([WANTED], places)[WANTED.address]
    assert live
    return live


def step(places: MemoryPlaces) -> IngestFiles:
    (action,) = KIND.remedy(WANTED, look(places))
    assert isinstance(action, IngestFiles)
    return action


def test_nothing_there_is_a_step_and_then_nothing_is_to_be_done(places: MemoryPlaces) -> None:
    action = step(places)
    assert action.standing(look(places)) is Standing.READY

    KIND.apply(action, places, unwatched, unfenced)

    live = look(places)
    assert action.standing(live) is Standing.DONE
    assert KIND.is_there(WANTED, live)
    assert not list(KIND.compare(WANTED, live))
    assert not list(KIND.remedy(WANTED, live))


def test_a_part_is_a_contradiction_and_no_step(places: MemoryPlaces) -> None:
    action = step(places)
    put(places, 1)

    live = look(places)
    (drift,) = KIND.compare(WANTED, live)

    assert drift.what is What.CHANGED
    assert not list(KIND.remedy(WANTED, live))
    problem = KIND.obstacle(WANTED, live)
    assert problem and problem.is_refused
    assert action.standing(live) is Standing.STALE


def test_what_somebody_ingests_just_now_is_waited_for(places: MemoryPlaces) -> None:
    action = step(places)
    places.programs[ORIGIN].running = "ingest-files"

    live = look(places)
    (drift,) = KIND.compare(WANTED, live)

    assert drift.what is What.PENDING
    assert not list(KIND.remedy(WANTED, live))
    assert action.standing(live) is Standing.UNDER_WAY


class SeenByOthers(MemoryPlaces):
    """An origin of which only an observation is here, not its host."""

    @override
    def commands(self, address: RepositoryAddress) -> MemoryCommands:
        raise UnreachableError(Diagnostic("Not here", "seen only from usdf"))


def test_what_others_observed_tells_enough() -> None:
    places = SeenByOthers([ORIGIN])
    places.tables[NAME] = TABLE
    assert list(KIND.remedy(WANTED, look(places)))

    put(places, 2)

    assert KIND.is_there(WANTED, look(places))


def test_another_table_makes_the_step_stale(places: MemoryPlaces) -> None:
    action = step(places)
    places.tables[NAME] = TABLE._replace(digest="sha256:" + "1" * 64)

    assert action.standing(look(places)) is Standing.STALE
    assert NAME in action.moved(look(places))


@pytest.mark.parametrize("code", [0, 1])
def test_with_what_the_command_ends_proves_nothing(places: MemoryPlaces, code: int) -> None:
    places.programs[ORIGIN].known["ingest-files"] = lambda arguments: Ran(code, "")

    with pytest.raises(CalibstateError, match=r"0 of 2 are there"):
        KIND.apply(step(places), places, unwatched, unfenced)


def test_what_is_there_counts_though_the_command_failed(places: MemoryPlaces) -> None:
    def ingest(arguments: Sequence[str]) -> Ran:
        put(places, 2)
        return Ran(1, "ConnectionError: the answer was lost")

    places.programs[ORIGIN].known["ingest-files"] = ingest

    KIND.apply(step(places), places, unwatched, unfenced)


def test_nothing_is_taken_for_an_option_and_ids_repeat(places: MemoryPlaces) -> None:
    told: list[Sequence[str]] = []
    ingest = places.programs[ORIGIN].known["ingest-files"]

    def listen(arguments: Sequence[str]) -> Ran:
        told.append(arguments)
        return ingest(arguments)

    places.programs[ORIGIN].known["ingest-files"] = listen

    KIND.apply(step(places), places, unwatched, unfenced)

    (arguments,) = told
    assert list(arguments) == [
        *("--id-generation-mode", "DATAID_TYPE_RUN", "--transfer", "direct", "--prefix", "/tree/incoming/"),
        *("--", "gaia", "refcats/DM-1/gaia", TABLE.path),
    ]


def test_nothing_is_run_by_who_is_locked_out(places: MemoryPlaces) -> None:
    action = step(places)

    def fence() -> None:
        raise LockedError(Diagnostic("Locked", "Somebody else has it."))

    with pytest.raises(LockedError):
        KIND.apply(action, places, unwatched, fence)

    assert not look(places).held


def test_a_butler_without_the_command_is_told_beforehand(places: MemoryPlaces) -> None:
    action = step(places)
    del places.programs[ORIGIN].known["ingest-files"]

    with pytest.raises(RefusedError, match="no command `ingest-files`"):
        KIND.foresee(action, [action], places)
