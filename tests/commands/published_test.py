"""What is answered by sights is what the whole observations answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from calibstate.model.names import RepositoryAddress
from calibstate.work.session import Session
from tests import world
from tests.commands import stock
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.tree import Ran

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"
COMMANDS = (["fingerprint"], ["timeline", "usdf", "summit"], ["timeline", "summit", "--type", "flat"])


def as_it_is(sites: Sites) -> None:
    """Leave the sites as they are."""


def otherwise(sites: Sites) -> None:
    """Have the summit search something else, by hand."""
    sites.add_own(SUMMIT)
    stock.collection_chain(sites.path(SUMMIT), TOP, "u/somebody/bias", OLD)


def in_between(sites: Sites) -> None:
    """Have the summit search something between those of a ticket."""
    sites.add_own(SUMMIT)
    leaves = [f"{OLD}/bias.20240101a", "u/somebody/bias", f"{OLD}/flat.20240101a"]
    stock.collection_chain(sites.path(SUMMIT), TOP, *leaves)


def without_a_part(sites: Sites) -> None:
    """Have something gone at the summit that another ticket shadows."""
    with sites.butler(SUMMIT) as butler:
        butler.registry.decertify(f"{OLD}/flat.20240101a", "flat", world.timespan(world.IN_2025))


def emptied(sites: Sites) -> None:
    """Have nothing searched at the summit."""
    sites.change_chain(SUMMIT, lambda children: [])


CHANGES: tuple[Callable[[Sites], None], ...] = (as_it_is, otherwise, in_between, without_a_part, emptied)


def publish_all(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish what sites show, and stand where none of them is seen."""
    sites.tree.site("usdf", {"main": "origin", "embargo": "copy"}, absolute=True, hosts=["*.usdf.example"])
    sites.tree.site("summit", {"LSSTComCam": "copy"}, absolute=True, hosts=["*.cp.example"])
    for site in ("usdf", "summit"):
        monkeypatch.setenv("CALIBSTATE_HERE", site)
        ran = sites.run("observe", "--site", site, "--publish")
        assert ran.code == 0, ran.err
    monkeypatch.setenv("CALIBSTATE_HERE", "nowhere")
    monkeypatch.setenv("CALIBSTATE_OBSERVED", "published")


def answered(sites: Sites, command: list[str]) -> tuple[int, Any, str]:
    """Return what a command answers, without how old that is."""
    ran = sites.run(*command, "--format", "json")
    document = ran.json
    for age in document.get("seen", {}).values():
        assert age["by"] == "published"
        del age["age"]
    return ran.code, document, sites.run(*command).out


def published(sites: Sites, folder: str, address: str) -> Path:
    path = sites.tree.folder / "records" / folder / f"{address}.json"
    if folder == "sights":
        path = path.with_suffix("") / "newest.json"
    return path


def spoil(sites: Sites, address: str) -> None:
    """Leave nothing of an observation but its first bytes."""
    path = published(sites, "observations", address)
    head, _, _ = path.read_bytes().partition(b'"collections"')
    path.write_bytes(head + b'"collections":' + b"spoilt" * 1000)


def unreachable(ran: Ran) -> set[str]:
    return set(ran.json["unreachable"])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "unsealed"])
def test_sights_answer_what_observations_answer(
    deployed: Sites,
    change: Callable[[Sites], None],
    is_sealed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_sealed:
        assert deployed.run("seal", "DM-1", "DM-2").code == 0
    change(deployed)
    publish_all(deployed, monkeypatch)
    by_sights = [answered(deployed, command) for command in COMMANDS]

    shutil.rmtree(deployed.tree.folder / "records" / "sights")

    by_observations = [answered(deployed, command) for command in COMMANDS]
    assert by_sights == by_observations
    (code, document, _), *_ = by_sights
    assert code == (0 if change in {as_it_is, without_a_part} else 2)
    assert set(document["repositories"]) == {ORIGIN, EMBARGO, SUMMIT}


def test_where_all_select_the_same_no_observation_is_read(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_all(deployed, monkeypatch)
    before = [answered(deployed, command) for command in COMMANDS]
    for address in (ORIGIN, EMBARGO, SUMMIT):
        spoil(deployed, address)

    assert [answered(deployed, command) for command in COMMANDS] == before
    shutil.rmtree(deployed.tree.folder / "records" / "sights")
    ran = deployed.run("fingerprint", "--format", "json")
    assert ran.code == 1
    assert unreachable(ran) == {ORIGIN, EMBARGO, SUMMIT}
    assert ran.json["seen"] == {}


def test_where_one_selects_otherwise_the_rows_are_read_and_what_has_none_is_unreachable(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    otherwise(deployed)
    publish_all(deployed, monkeypatch)
    spoil(deployed, SUMMIT)

    ran = deployed.run("fingerprint", "--format", "json")

    assert ran.code == 1
    assert unreachable(ran) == {SUMMIT}
    assert set(ran.json["repositories"]) == set(ran.json["seen"]) == {ORIGIN, EMBARGO}
    assert "not an observation file" in ran.json["unreachable"][SUMMIT]
    assert ran.json["differences"] == []


def of_another_moment(sites: Sites) -> None:
    sight = published(sites, "sights", SUMMIT)
    sight.write_text(json.dumps(json.loads(sight.read_text()) | {"at": "2026-01-01T00:00:00Z"}))


def unreadable(sites: Sites) -> None:
    published(sites, "sights", SUMMIT).write_text("{")


def declared_otherwise(sites: Sites) -> None:
    sites.tree.chain(["DM-1", "DM-2"])


def declared_since(sites: Sites) -> None:
    sites.tree.chain(["DM-2"], "LSSTComCam/other")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("what", [of_another_moment, unreadable, declared_otherwise, declared_since])
def test_a_sight_that_would_answer_otherwise_is_not_asked(
    deployed: Sites,
    command: list[str],
    what: Callable[[Sites], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish_all(deployed, monkeypatch)
    what(deployed)
    before = answered(deployed, command)
    spoil(deployed, SUMMIT)

    ran = deployed.run(*command, "--format", "json")

    assert ran.code == 1
    assert SUMMIT in unreachable(ran)
    assert before[0] == (1 if what is declared_since else 0)


def test_a_chain_that_only_the_sight_tells_of_is_not_believed(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    otherwise(deployed)
    publish_all(deployed, monkeypatch)
    for address in (EMBARGO, SUMMIT):
        observation = published(deployed, "observations", address)
        text = observation.read_text().replace(f'"{TOP}":{{"type":"CHAINED"', '"x":{"type":"CHAINED"')
        chain = f'"collections":{{"{TOP}":null,'
        observation.write_text(text.replace('"collections":{', chain, 1))

    ran = deployed.run("fingerprint", "--format", "json")

    assert "Traceback" not in ran.err
    assert ran.json["repositories"][SUMMIT] == {"chains": {}}


@pytest.mark.parametrize("change", [as_it_is, otherwise])
def test_what_was_seen_too_long_ago_is_told_by_sights_alone(
    deployed: Sites, change: Callable[[Sites], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(deployed)
    publish_all(deployed, monkeypatch)
    monkeypatch.setenv("CALIBSTATE_MAX_AGE", "0s")
    shutil.copytree(deployed.tree.folder / "records" / "sights", deployed.tree.folder / "sights")
    shutil.rmtree(deployed.tree.folder / "records" / "sights")
    by_observations = [last_seen(deployed, command) for command in COMMANDS]

    shutil.move(deployed.tree.folder / "sights", deployed.tree.folder / "records" / "sights")
    for address in (ORIGIN, EMBARGO, SUMMIT):
        spoil(deployed, address)

    assert [last_seen(deployed, command) for command in COMMANDS] == by_observations
    assert all(by_observations)


def last_seen(sites: Sites, command: list[str]) -> Any:
    ran = sites.run(*command, "--format", "json")
    assert ran.code == 1
    return ran.json["last_seen"]


def test_what_is_observed_again_while_it_is_read_is_told_with_its_own_moment(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_all(deployed, monkeypatch)
    address = RepositoryAddress(SUMMIT)
    places = Session(deployed.tree.state, observed=("published",)).places()
    sight = places.sight_instead(address)
    assert sight is not None

    again = f"{sight.moment + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    observation = published(deployed, "observations", SUMMIT)
    observation.write_text(observation.read_text().replace(sight.at, again))

    assert places.butler(address).collections([TOP])
    assert places.seen()[address].at == again


def test_a_look_that_began_earlier_does_not_replace_what_is_published(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_all(deployed, monkeypatch)
    address = RepositoryAddress(SUMMIT)
    places = Session(deployed.tree.state).places()
    observation = published(deployed, "observations", SUMMIT)
    newest = observation.read_bytes()
    sight = places.sight(address)
    assert sight is not None
    before, ahead = "2026-01-01T00:00:00Z", "2126-01-01T00:00:00Z"

    places.publish(address, newest.replace(sight.at.encode(), before.encode()))
    assert observation.read_bytes() == newest

    # A clock that was wrong once must not keep all others away.
    observation.write_bytes(newest.replace(sight.at.encode(), ahead.encode()))
    places.publish(address, newest)
    assert observation.read_bytes() == newest
