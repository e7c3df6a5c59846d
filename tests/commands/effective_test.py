"""What lookups get on a night, held against what the butler gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from calibstate.factory import clock
from calibstate.model.number_ranges import ranges_in
from calibstate.model.timespans import UNBOUNDED, parse_tai
from calibstate.store.schemas import schemas
from tests import world
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites, add_ticket
from tests.golden import Golden

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
NIGHT = parse_tai("2024-11-10T12:00:00")
"""Where the observing day 20241110 begins, in TAI (SITCOMTN-032)."""

MIDNIGHT = NIGHT + 12 * HOUR


def effective(sites: Sites, *arguments: str) -> dict[str, Any]:
    """Return the document, which is as its schema says."""
    ran = sites.run("effective", "--format", "json", *arguments)
    assert ran.code in {0, 1}, ran.err
    jsonschema.validate(ran.json, schemas()["effective.json"])
    return dict(ran.json)


@pytest.fixture
def changing(deployed: Sites) -> Sites:
    """Return sites at which things change on the night, and some are odd."""
    with deployed.butler(SUMMIT) as butler:
        leaves = {
            "bias.a": ("bias", (MIDNIGHT, MIDNIGHT + DAY)),
            "dark.a": ("dark", (NIGHT - DAY, NIGHT + 3 * HOUR), (NIGHT + 6 * HOUR, UNBOUNDED[1])),
            "defects.a": ("defects", (NIGHT - 9 * DAY, NIGHT - 8 * DAY)),
        }
        add_ticket(butler, "DM-3", leaves)
        world.add_calibration(butler, f"{TOP}/DM-3/flat.odd", "flat", detectors=[2])
        children = [f"{TOP}/DM-3/flat.odd", *(f"{TOP}/DM-3/{leaf}" for leaf in leaves)]
        world.add_chain(butler, f"{TOP}/DM-3", children)
    deployed.change_chain(SUMMIT, lambda children: [f"{TOP}/DM-3", *children])
    return deployed


def name_of(ticket: str | None) -> str | None:
    """Return the ticket of what is told: nobody declared DM-3."""
    if ticket and ticket.startswith(f"{TOP}/"):
        return ticket.split("/")[2]
    return ticket


def told_at(rows: Sequence[Mapping[str, Any]], dataset_type: str, filter: str, detector: int, at: int) -> Any:
    """Return what the rows of a document say that a lookup gets."""
    for row in rows:
        if row["dataset_type"] != dataset_type or (filter and filter not in row["filters"]):
            continue
        for selection in row["selections"]:
            if parse_tai(selection["begin"]) <= at < parse_tai(selection["end"]):
                for odd in selection["odd"]:
                    if any(detector in numbers for numbers in ranges_in(odd["detectors"])):
                        return name_of(odd["ticket"])
                return name_of(selection["ticket"])
    return None


def test_it_tells_what_the_butler_finds_at_every_hour(changing: Sites) -> None:
    butler = changing.seen(SUMMIT)
    (told,) = effective(changing, SUMMIT, "--night", "20241110")["effective"]
    assert told["repositories"] == [SUMMIT]
    answers = set()
    for dataset_type, filters in (
        ("bias", [""]),
        ("dark", [""]),
        ("defects", [""]),
        ("flat", [*world.FILTERS]),
    ):
        for filter in filters:
            data_id: dict[str, Any] = {"physical_filter": filter} if filter else {}
            for detector in range(world.DETECTORS):
                for moment in (*range(NIGHT, NIGHT + DAY, HOUR), MIDNIGHT - 1, NIGHT + DAY - 1):
                    ref = butler.find_dataset(
                        dataset_type,
                        instrument=INSTRUMENT,
                        detector=detector,
                        collections=TOP,
                        timespan=world.timespan((moment, moment + 1)),
                        **data_id,
                    )
                    found = ref.run.split("/")[2] if ref else None
                    answers.add(found)
                    assert told_at(told["rows"], dataset_type, filter, detector, moment) == found
    # Else the worlds would hold nothing to be wrong about.
    assert answers == {None, "DM-2", "DM-3"}


def test_one_screen_tells_it(changing: Sites, golden: Golden) -> None:
    ran = changing.run("effective", SUMMIT, "--night", "20241110")

    assert ran.code == 0
    golden("effective/night.txt", ran.out)
    assert max(map(len, ran.out.splitlines())) < 160
    golden("effective/night.md", changing.run("effective", "--night", "20241110", "--format", "markdown").out)


def test_where_others_differ_is_told_first_and_only_for_that_time(changing: Sites) -> None:
    text = changing.run("effective", "--night", "20241110").out.splitlines()
    assert text[1] == f"{SUMMIT} selects otherwise than {ORIGIN} by {TOP}"

    # At another time there is no bias of that ticket, and the flat is as odd.
    document = effective(changing, "--night", "20240210")
    (otherwise,) = document["differences"]
    assert (otherwise["reference"], otherwise["repository"]) == (ORIGIN, SUMMIT)
    (difference,) = otherwise["differences"]
    assert difference["dataset_type"] == "flat"
    assert difference["at_reference"] == ["DM-2"]
    assert difference["lookups"] == [
        {
            "detector": 2,
            "physical_filter": ["g_01", "r_03"],
            "begin": "2024-02-10T12:00:00",
            "end": "2024-02-11T12:00:00",
        }
    ]
    # What is alike stands together.
    (alike,) = document["effective"]
    assert alike["repositories"] == [EMBARGO, ORIGIN]


def test_a_gap_of_a_whole_night_is_told(changing: Sites) -> None:
    (told,) = effective(changing, SUMMIT, "--night", "20241110", "--type", "defects")["effective"]
    (row,) = told["rows"]
    (selection,) = row["selections"]
    assert selection["ticket"] is None
    assert selection["begin"] == "2024-11-10T12:00:00"
    assert selection["end"] == "2024-11-11T12:00:00"
    assert "1 with gaps" in changing.run("effective", SUMMIT, "--night", "20241110", "--type", "defects").out


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (("--at", "1970-01-01"), "at 1970-01-01T00:00:00 (TAI)"),
        (
            ("--night", "20991231"),
            "on the night of 20991231: 2099-12-31T12:00:00 to 2100-01-01T12:00:00 (TAI)",
        ),
    ],
)
def test_the_edges_of_time_are_moments_too(deployed: Sites, words: tuple[str, str], title: str) -> None:
    ran = deployed.run("effective", ORIGIN, *words)

    assert title in ran.out
    assert "None" not in ran.out
    assert "meanwhile" not in ran.out


def test_a_place_is_shown_and_the_others_are_compared(changing: Sites) -> None:
    document = effective(changing, "--site", "usdf", "--night", "20241110")
    assert [told["repositories"] for told in document["effective"]] == [[EMBARGO, ORIGIN]]
    assert [each["repository"] for each in document["differences"]] == [SUMMIT]

    alone = effective(changing, "--site", "summit", "--night", "20241110", "--only-here")
    assert [told["repositories"] for told in alone["effective"]] == [[SUMMIT]]
    assert alone["differences"] == []


@pytest.mark.parametrize(
    ("now", "night"),
    [
        # TAI is 37 s ahead of UTC, and the day is that of TAI less 12 hours.
        ("2024-11-11T11:59:22", 20241110),
        ("2024-11-11T11:59:23", 20241111),
        ("2024-11-11T05:00:00", 20241110),
    ],
)
def test_today_is_the_observing_day(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch, now: str, night: int
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    monkeypatch.setattr(clock, "source", lambda: moment)
    document = effective(deployed)
    assert document["night"] == night
    again = effective(deployed, "--night", "today")
    assert (again["begin"], again["effective"]) == (document["begin"], document["effective"])


def test_now_is_a_moment_of_tai(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "source", lambda: datetime(2024, 11, 11, 5, 0, 0, 123, tzinfo=UTC))
    document = effective(deployed, "--at", "now")
    assert document["night"] is None
    assert document["begin"] == "2024-11-11T05:00:37"
    assert document["end"] == "2024-11-11T05:00:37.000000001"
    assert deployed.run("explain", "bias", "detector=1", "--at", "now").code == 0


def test_what_others_published_is_told_as_it_was(deployed: Sites) -> None:
    live = effective(deployed, "--night", "20241110")
    assert deployed.run("observe", "--publish").code == 0
    (deployed.path(SUMMIT) / "butler.yaml").unlink()

    published = effective(deployed, "--night", "20241110", "--observed", "published")
    assert published.pop("seen")[SUMMIT]["by"] == "published"
    assert live.pop("seen")[SUMMIT]["by"] == "live"
    assert published == live
    # What is too old is compared with nothing, and told as it was then.
    old = effective(deployed, "--night", "20241110", "--observed", "published", "--max-age", "0s")
    assert old["seen"][SUMMIT]["stale"]
    assert SUMMIT in old["unreachable"]
    (last_seen,) = old["last_seen"]
    assert last_seen["repositories"] == [SUMMIT]
    assert last_seen["rows"] == live["effective"][0]["rows"]
    asked = ("effective", "--night", "20241110", "--observed", "published", "--max-age", "0s")
    assert f"{SUMMIT} when last seen" in deployed.run(*asked).out
    ran = deployed.run("effective", "--night", "20241110")
    assert ran.code == 1
    assert f"{SUMMIT} could not be seen" in ran.err


def test_a_chain_that_is_not_there_is_told(deployed: Sites) -> None:
    with deployed.butler(SUMMIT) as butler:
        butler.collections.x_remove(TOP)
    document = effective(deployed, "--night", "20241110")
    assert document["absent"] == [{"repository": SUMMIT, "chain": TOP}]
    assert f"{SUMMIT} has no {TOP}" in deployed.run("effective", "--night", "20241110").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--night", "20241131"), "is no observing day"),
        (("--night", "tonight"), "is no observing day"),
        (("--night", "19690101"), "is no observing day"),
        (("--night", "20241110", "--at", "now"), "Both --night and --at"),
        (("--at", "yesterday"), "is no moment"),
        (("--type", "flatt"), "Did you mean flat?"),
        (("--site", "sumit"), "Did you mean summit?"),
    ],
)
def test_what_cannot_be_meant_is_refused(deployed: Sites, arguments: tuple[str, ...], words: str) -> None:
    ran = deployed.run("effective", *arguments)
    assert ran.code == 64
    assert words in ran.err


def test_it_writes_nothing(deployed: Sites) -> None:
    before = deployed.snapshot()
    deployed.run("effective")
    assert deployed.snapshot() == before
