"""What `observe --publish` keeps of the exposures of repositories."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from calibstate.errors import UnreachableError
from calibstate.factory.places import Places
from calibstate.model.exposures import NightOfExposures
from calibstate.model.names import RepositoryAddress
from calibstate.work.session import Session
from tests import world
from tests.calibrations import exposure_span
from tests.commands.sites import ORIGIN, SUMMIT, Sites


def places_of(sites: Sites) -> Places:
    return Session(sites.tree.state).places()


def publish(sites: Sites, *arguments: str) -> None:
    ran = sites.run("observe", "--publish", *arguments)
    assert ran.code == 0, ran.out + ran.err


def test_exposures_are_published_night_by_night(deployed: Sites) -> None:
    with deployed.butler(SUMMIT) as butler:
        world.add_exposures(butler, 20250608, 1, 2)
        world.add_exposures(butler, 20250609, 1, physical_filter="r_03")
    publish(deployed)

    places = places_of(deployed)
    there = places.exposures(RepositoryAddress(SUMMIT))
    elsewhere = places.exposures(RepositoryAddress(ORIGIN))

    assert there
    assert elsewhere
    begin, end = exposure_span(20250608, 1)[0], exposure_span(20250608, 2)[1]
    assert there.nights == {
        "LSSTComCam": (
            NightOfExposures(20250608, "g_01", "g", 2, begin, end),
            NightOfExposures(20250609, "r_03", "r", 1, *exposure_span(20250609, 1)),
        )
    }
    # That there are none is something else than that nobody knows.
    assert elsewhere.nights == {"LSSTComCam": ()}


def test_of_what_nobody_published_nothing_is_known(deployed: Sites) -> None:
    publish(deployed, "--site", "summit")

    assert places_of(deployed).exposures(RepositoryAddress(ORIGIN)) is None


def spoilt(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def spoil(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-20],
        lambda text: "",
        lambda text: "[]",
        spoilt(lambda document: document.update(address="usdf/main")),
        spoilt(lambda document: document.update(kind="sight")),
        spoilt(lambda document: document.pop("format_version")),
        spoilt(lambda document: document["nights"]["LSSTComCam"][0].append(1)),
        spoilt(lambda document: document["nights"]["LSSTComCam"][0].__setitem__(0, "20250608")),
        spoilt(lambda document: document["nights"]["LSSTComCam"][0].__setitem__(1, "\x1b[31m")),
        spoilt(lambda document: document["nights"]["LSSTComCam"][0].__setitem__(3, -5)),
        spoilt(lambda document: document["nights"]["LSSTComCam"][0].__setitem__(4, 2**70)),
    ],
)
def test_what_is_no_such_file_is_refused_in_words(deployed: Sites, spoil: Callable[[str], str]) -> None:
    with deployed.butler(SUMMIT) as butler:
        world.add_exposures(butler, 20250608, 1)
    publish(deployed)
    file = deployed.tree.folder / "records" / "exposures" / f"{SUMMIT}.json"
    file.write_text(spoil(file.read_text()))

    with pytest.raises(UnreachableError, match="cannot be read as exposures by night") as refused:
        places_of(deployed).exposures(RepositoryAddress(SUMMIT))

    assert str(refused.value).isprintable() or "\n" in str(refused.value)
    assert "\x1b" not in str(refused.value)
    # What one site published costs the others nothing.
    assert places_of(deployed).exposures(RepositoryAddress(ORIGIN))


def test_exposures_of_another_butler_are_not_those_of_this_one(deployed: Sites) -> None:
    publish(deployed)
    file = deployed.tree.folder / "records" / "exposures" / f"{SUMMIT}.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | {"butler": "sha256:" + "0" * 64}))

    with pytest.raises(UnreachableError, match="are of another one"):
        places_of(deployed).exposures(RepositoryAddress(SUMMIT))


def test_a_repository_that_tells_of_no_exposures_is_observed_all_the_same(deployed: Sites) -> None:
    database = deployed.path(SUMMIT) / "gen3.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE exposure RENAME TO elsewhere")

    ran = deployed.run("observe", "--publish", "--site", "summit")

    assert ran.code == 0, ran.err
    assert f"no exposures of {SUMMIT} are published" in ran.err
    places = places_of(deployed)
    assert places.exposures(RepositoryAddress(SUMMIT)) is None
    assert places.sight(RepositoryAddress(SUMMIT))
