"""What a source tells of its files, and what is done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calibstate.errors import CalibstateError, RefusedError
from calibstate.kinds import source as source_module
from calibstate.kinds.source import IngestReadings, Source, SourceKind
from calibstate.kinds.source_forms import FORMS
from calibstate.kinds.source_look import Wanted
from calibstate.model.actions import Standing
from calibstate.model.contents import CollectionType
from calibstate.model.drift import What
from calibstate.model.names import RepositoryAddress
from calibstate.ports.commands import Ran
from calibstate.ports.progress import unwatched
from calibstate.ports.records import unfenced
from tests.annex import electrometer_path
from tests.calibrations import INSTRUMENT
from tests.fakes.butler import MemoryButler
from tests.fakes.places import MemoryPlaces
from tests.fakes.sources import MemorySource

KIND = SourceKind()
MAIN = RepositoryAddress("usdf/main")
RUN = f"{INSTRUMENT}/calib/photodiode"
FIRST, OTHER = "memory://103/", "memory://102/"
DAY = 20250607


@dataclass
class World:
    """A repository in memory, and stores of readings."""

    places: MemoryPlaces = field(default_factory=lambda: MemoryPlaces([MAIN]))
    commands: list[Sequence[str]] = field(default_factory=list)
    """Arguments of each command that was run."""

    passes_over: set[str] = field(default_factory=set)
    """Names of files that the command takes in nowhere."""

    dataset_type: str = "photodiode"

    @property
    def butler(self) -> MemoryButler:
        return self.places.butlers[MAIN]

    def store(self, uri: str = FIRST) -> MemorySource:
        return self.places.source(uri)

    def declared(self, *stores: str, ignored: Sequence[str] = (), run: str = RUN) -> Source:
        wanted = Wanted(
            instrument=INSTRUMENT,
            form=FORMS[self.dataset_type],
            run=run,
            stores=stores or (FIRST,),
            since=DAY,
            waits=timedelta(hours=24),
            ignored=frozenset(ignored),
        )
        address = Source.at(MAIN, INSTRUMENT, self.dataset_type)
        return Source(address, wanted=wanted, dataset_type=self.dataset_type, run=run)

    def live(self, declared: Source) -> Source:
        live = KIND.observe([declared], self.places)[declared.address]
        assert live
        return live

    def add(self, seq: int, *, day: int = DAY, store: str = FIRST, **said: Any) -> int:
        """Take an exposure, and write its file."""
        group = f"{day}T20#{seq}"
        exposure = self.butler.add_exposure(day, seq, group=group, observation_type="flat")
        self.write(seq, {"GROUPID": group, **said}, day=day, store=store)
        return exposure

    def write(self, number: int, said: Any, *, day: int = DAY, store: str = FIRST) -> str:
        """Write a file, and return its name."""
        path = electrometer_path(day, number)
        self.store(store).files[path] = said
        return path.rpartition("/")[2]

    def action(self, declared: Source) -> IngestReadings:
        (action,) = KIND.remedy(declared, self.live(declared))
        assert isinstance(action, IngestReadings)
        return action

    def apply(self, action: IngestReadings) -> None:
        KIND.apply(action, self.places, unwatched, unfenced)

    def give_command(self, code: int = 0, error: str = "") -> None:
        """Add the command, which takes in what is not to be passed over."""

        def ingest(arguments: Sequence[str]) -> Ran:
            self.commands.append(arguments)
            *options, instrument = arguments[:4]
            locations = arguments[4:]
            assert instrument == INSTRUMENT
            # A name that begins like an option is none behind `--`.
            assert options == [f"--output-run={RUN}", "--transfer=copy", "--"]
            for location in locations:
                store = self.store(FIRST if location.startswith(FIRST) else OTHER)
                said = store.files[location.removeprefix(store.uri)]
                if said and location.rpartition("/")[2] not in self.passes_over:
                    (exposure,) = (e for e, c in self.butler.called.items() if c.group == said["GROUPID"])
                    self.butler.add_reading(RUN, "photodiode", exposure)
            return Ran(code, error)

        self.places.programs[MAIN].known["ingest-photodiode"] = ingest


@pytest.fixture
def world() -> World:
    return World()


def drift(world: World, declared: Source) -> list[tuple[What, str, str]]:
    found = KIND.compare(declared, world.live(declared))
    return [(one.what, one.subject, one.reason) for one in found]


# What is told


def test_a_file_whose_exposure_has_no_dataset_is_missing(world: World) -> None:
    world.add(1)
    world.add(2)

    assert drift(world, world.declared()) == [(What.MISSING, "photodiode", "")]
    assert [match.file.name for match in world.live(world.declared()).shown.missing] == [
        "EM103_O_20250607_000001.fits",
        "EM103_O_20250607_000002.fits",
    ]


def test_a_day_with_as_many_datasets_as_files_is_not_opened(world: World) -> None:
    for day in (DAY, DAY + 1):
        for seq in (1, 2):
            world.butler.add_reading(RUN, "photodiode", world.add(seq, day=day))
    world.add(3, day=DAY + 1)

    assert drift(world, world.declared()) == [(What.MISSING, "photodiode", "")]
    assert {name[8:16] for name in world.store().opened} == {str(DAY + 1)}


def test_a_day_with_more_datasets_than_files_is_opened(world: World) -> None:
    for seq in (1, 2):
        world.butler.add_reading(RUN, "photodiode", world.butler.add_exposure(DAY, seq))
    world.add(3)

    assert drift(world, world.declared()) == [(What.MISSING, "photodiode", "")]


def test_what_is_ignored_is_neither_counted_nor_opened_nor_ingested(world: World) -> None:
    world.butler.add_reading(RUN, "photodiode", world.add(1))
    name = world.write(2, {"GROUPID": "bad"})

    assert drift(world, world.declared(ignored=[name])) == []
    assert world.store().opened == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "it has no GROUPID"),
        ({"GROUPID": "20250607T20"}, "its GROUPID is `20250607T20`, and not of the form X#Y"),
        ({"GROUPID": "#1"}, "its GROUPID is `#1`, and not of the form X#Y"),
        ({"GROUPID": "1#2#3"}, "its GROUPID is `1#2#3`, and not of the form X#Y"),
        ({"GROUPID": "1#1"}, "no exposure of that day has the group `1#1`"),
        (None, "it is listed, and is not there"),
    ],
)
def test_a_file_that_fits_no_exposure_is_named_with_the_reason(world: World, said: Any, why: str) -> None:
    name = world.write(7, said)

    (told,) = KIND.compare(world.declared(), world.live(world.declared()))

    assert (told.what, told.subject, told.detail, told.reason) == (
        What.MISSING,
        name,
        why,
        "file-unmatched",
    )
    assert "`ignore`" in told.hint
    assert list(KIND.remedy(world.declared(), world.live(world.declared()))) == []


def test_a_file_that_fits_several_exposures_fits_none(world: World) -> None:
    for seq in (1, 2):
        world.butler.add_exposure(DAY, seq, group="1#1")
    world.write(7, {"GROUPID": "1#1"})

    (told,) = KIND.compare(world.declared(), world.live(world.declared()))

    assert told.detail == "2 exposures have the group `1#1`"


def test_a_file_may_be_about_an_exposure_of_the_day_before(world: World) -> None:
    exposure = world.butler.add_exposure(DAY, 1, group="1#1")
    world.write(7, {"GROUPID": "1#1"}, day=DAY + 1)

    assert [match.exposure for match in world.live(world.declared()).shown.missing] == [exposure]


@pytest.mark.parametrize(
    ("at", "what"),
    [
        # The day ends at 12:00 TAI of 8 June.
        (datetime(2025, 6, 9, 11, 59, tzinfo=UTC), What.PENDING),
        (datetime(2025, 6, 9, 12, 0, tzinfo=UTC), What.MISSING),
    ],
)
def test_a_file_waits_for_its_exposure_so_long_and_no_longer(world: World, at: datetime, what: What) -> None:
    name = world.write(7, {"GROUPID": "1#1"})
    world.store().at = at

    expected = {
        What.PENDING: [(What.PENDING, "photodiode", "exposure-awaited")],
        What.MISSING: [(What.MISSING, name, "file-unmatched")],
    }
    assert drift(world, world.declared()) == expected[what]


def test_of_two_files_about_an_exposure_that_of_the_first_store_counts(world: World) -> None:
    world.add(1, store=OTHER)
    world.write(9, {"GROUPID": f"{DAY}T20#1"})

    live = world.live(world.declared(FIRST, OTHER))

    assert [match.file.uri for match in live.shown.missing] == [f"{FIRST}{electrometer_path(DAY, 9)}"]
    assert [match.file.uri for match in live.shown.second] == [f"{OTHER}{electrometer_path(DAY, 1)}"]
    (note,) = KIND.remarks(live)
    assert (note.summary, "EM103_O_20250607_000001.fits" in note.detail) == ("Second files", True)

    (missing,) = world.live(world.declared(OTHER, FIRST)).shown.missing
    assert missing.file.uri == f"{OTHER}{electrometer_path(DAY, 1)}"


def test_a_second_file_is_no_drift_once_the_first_is_ingested(world: World) -> None:
    world.butler.add_reading(RUN, "photodiode", world.add(1))
    world.write(9, {"GROUPID": f"{DAY}T20#1"})

    assert drift(world, world.declared()) == []
    assert world.live(world.declared()).shown.second


def test_flats_of_the_last_day_of_the_calendar_are_told(world: World) -> None:
    day = 99991231
    world.butler.add_exposure(day, 1, observation_type="flat")

    live = world.live(world.declared())

    assert live.shown.lacking == {day: 1}


def test_flats_that_no_file_is_about_are_told_once_no_file_may_come(world: World) -> None:
    world.add(1)
    world.butler.add_exposure(DAY, 2, observation_type="flat")
    world.butler.add_exposure(DAY, 3, observation_type="bias")
    declared = world.declared()

    (note,) = KIND.remarks(world.live(declared))
    assert note.detail == "LSSTComCam/photodiode at usdf/main: no file is about 1 flat of 2025-06-07."

    world.store().at = datetime(2025, 6, 8, tzinfo=UTC)
    assert list(KIND.remarks(world.live(declared))) == []


def test_a_store_without_files_is_told(world: World) -> None:
    (note,) = KIND.remarks(world.live(world.declared()))
    assert note.summary == "Source is empty"


def test_of_a_store_that_is_away_nothing_is_known(world: World) -> None:
    world.add(1)
    world.store().is_away = True
    live = world.live(world.declared())

    obstacle = KIND.obstacle(world.declared(), live)

    assert obstacle
    assert obstacle.code.value == "place-unseen"
    assert obstacle.is_awaited
    assert not KIND.is_there(world.declared(), live)
    assert list(KIND.remedy(world.declared(), live)) == []


def test_a_collection_of_another_type_is_refused(world: World) -> None:
    world.butler.add_empty(RUN, CollectionType.TAGGED)
    live = world.live(world.declared())

    obstacle = KIND.obstacle(world.declared(), live)

    assert obstacle
    assert obstacle.detail == f"{RUN} is a TAGGED collection, and readings come into a RUN"
    assert drift(world, world.declared()) == [(What.MISSING, RUN, "name-taken")]


@pytest.mark.parametrize(("way", "is_open"), [("Open", True), ("Close", False)])
def test_a_profile_must_say_what_its_name_says(way: str, is_open: bool) -> None:
    world = World(dataset_type=f"shutterMotionProfile{way}")
    world.butler.add_exposure(DAY, 1)
    world.butler.add_exposure(DAY, 2)
    for seq, says in ((1, is_open), (2, not is_open)):
        obs_id = f"MC_O_{DAY}_{seq:06d}"
        world.store().files[f"2025/06/07/{obs_id}_shutterMotionProfile{way}.json"] = {
            "obsId": obs_id,
            "motionProfile.isOpen": says,
        }
    live = world.live(world.declared())

    assert [match.exposure for match in live.shown.missing] == [2025060700001]
    assert [match.why for match in live.shown.unmatched] == [
        f"its isOpen is {not is_open}, which is not what its name says"
    ]


# What is done


def test_what_is_missing_is_ingested_and_then_nothing_is(world: World) -> None:
    world.give_command()
    for seq in (1, 2):
        world.add(seq)
    action = world.action(world.declared())
    assert action.standing(look(world, action)) is Standing.READY

    world.apply(action)

    assert action.standing(look(world, action)) is Standing.DONE
    assert drift(world, world.declared()) == []
    world.apply(action)
    assert len(world.commands) == 1


def look(world: World, action: IngestReadings) -> Any:
    subject = action.subject()
    return KIND.observe([subject], world.places)[subject.address]


def test_a_step_looks_at_no_store(world: World) -> None:
    world.give_command()
    world.add(1)
    action = world.action(world.declared())
    world.store().is_away = True

    assert action.standing(look(world, action)) is Standing.READY
    world.apply(action)
    assert action.standing(look(world, action)) is Standing.DONE


def test_only_files_that_fit_an_exposure_are_given_to_the_command(world: World) -> None:
    world.give_command()
    world.add(1)
    world.write(7, {"GROUPID": "bad"})
    world.write(8, {"GROUPID": "1#1"})

    world.apply(world.action(world.declared()))

    ((*_, location),) = world.commands
    assert location == f"{FIRST}{electrometer_path(DAY, 1)}"


def test_many_files_are_given_so_many_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_AT_ONCE", 2)
    world.give_command()
    for seq in range(1, 6):
        world.add(seq)

    world.apply(world.action(world.declared()))

    assert [len(arguments) - 4 for arguments in world.commands] == [2, 2, 1]


def test_a_command_that_fails_after_the_rest_has_done_that_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "_AT_ONCE", 2)
    world.give_command(1, "RuntimeError: Failed to ingest 1 entries")
    for seq in range(1, 5):
        world.add(seq)
    world.passes_over = {"EM103_O_20250607_000001.fits"}
    action = world.action(world.declared())

    with pytest.raises(CalibstateError) as failure:
        world.apply(action)

    assert "left out EM103_O_20250607_000001.fits: RuntimeError: Failed" in failure.value.first.detail
    assert [match.file.name for match in world.live(world.declared()).shown.missing] == [
        "EM103_O_20250607_000001.fits"
    ]


def test_a_command_that_passes_over_a_file_is_not_believed(world: World) -> None:
    world.give_command(0)
    world.add(1)
    world.passes_over = {"EM103_O_20250607_000001.fits"}

    with pytest.raises(CalibstateError, match="it said nothing of them"):
        world.apply(world.action(world.declared()))


def test_a_command_that_fails_for_all_is_not_run_for_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "_AT_ONCE", 1)
    world.give_command(1, "OperationalError: disk is full")
    for seq in (1, 2, 3):
        world.add(seq)
    world.passes_over = {f"EM103_O_20250607_{seq:06d}.fits" for seq in (1, 2, 3)}

    with pytest.raises(CalibstateError, match="disk is full"):
        world.apply(world.action(world.declared()))

    assert len(world.commands) == 1


def test_nothing_is_begun_while_somebody_ingests(world: World) -> None:
    world.give_command()
    world.add(1)
    action = world.action(world.declared())
    world.places.programs[MAIN].running = "ingest-photodiode"
    live = world.live(world.declared())

    assert action.standing(look(world, action)) is Standing.UNDER_WAY
    assert list(KIND.remedy(world.declared(), live)) == []
    obstacle = KIND.obstacle(world.declared(), live)
    assert obstacle
    assert obstacle.code.value == "under-way"


def test_a_step_is_refused_beforehand_where_the_command_is_not_there(world: World) -> None:
    world.add(1)
    action = world.action(world.declared())

    with pytest.raises(RefusedError, match="no command `ingest-photodiode`"):
        KIND.foresee(action, [action], world.places)

    world.give_command()
    assert KIND.foresee(action, [action], world.places) == ()


def test_a_step_is_stale_where_the_run_is_another_collection(world: World) -> None:
    world.add(1)
    action = world.action(world.declared())
    world.butler.add_empty(RUN, CollectionType.TAGGED)

    assert action.standing(look(world, action)) is Standing.STALE
    assert action.moved(look(world, action)).endswith("expected a RUN; found a TAGGED collection")


def test_a_step_for_years_of_days_is_told_by_months(world: World) -> None:
    for day in range(20250607, 20250631):
        world.add(1, day=day)
    for day in range(20250701, 20250704):
        world.add(1, day=day)

    action = world.action(world.declared())

    assert action.summary() == "ingest 27 files of 27 days, 2025-06-07 to 2025-07-03"
    assert list(action.changes()) == [
        f"  into {RUN}",
        "+ 2025-06: 24 files on 24 days",
        "+ 2025-07: 3 files on 3 days",
    ]
