"""What `observe --publish` keeps of repositories, small and for good."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from calibstate.errors import UnreachableError
from calibstate.factory.places import Places
from calibstate.lookups.fingerprint import look_at_chains
from calibstate.model.contents import CollectionType
from calibstate.model.names import RepositoryAddress, TicketKey
from calibstate.model.scope import Scope
from calibstate.model.sights import Sight
from calibstate.model.timelines import fold
from calibstate.work.session import Session
from tests import world
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.services.moto import S3

STAMP = "%Y%m%dT%H%M%SZ"
NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"


@pytest.fixture(params=["folder", "s3"])
def published(request: pytest.FixtureRequest, deployed: Sites) -> Sites:
    """Return sites whose records are in a folder, or in a bucket."""
    if request.param == "s3":
        s3: S3 = request.getfixturevalue("s3")
        into_bucket(deployed, s3.bucket("records"))
    return deployed


def into_bucket(sites: Sites, bucket: str) -> None:
    sites.tree.settings()
    settings = sites.tree.state / "calibstate.yaml"
    settings.write_text(settings.read_text().replace("../records", f"{bucket}/records"))


def publish(sites: Sites, *arguments: str) -> None:
    ran = sites.run("observe", "--publish", *arguments)
    assert ran.code == 0, ran.out + ran.err


def places_of(sites: Sites) -> Places:
    session = Session(sites.tree.state)
    return session.places()


def kept(sites: Sites, address: str = SUMMIT) -> list[str]:
    """Return the names of the sights that are kept in a folder."""
    folder = sites.tree.folder / "records" / "sights" / address
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def published_at(sites: Sites, at: str, *arguments: str) -> None:
    """Publish a sight of the summit as if it were made then.

    Parameters
    ----------
    sites
        Their records are in a folder.
    at
        As the names of files have it.
    *arguments
        Of the command.
    """
    before = set(sights_in(sites).glob("*Z.json"))
    publish(sites, "--site", "summit", *arguments)
    date_back(sites, at, before)


def sights_in(sites: Sites) -> Path:
    """Return the folder of the sights of the summit."""
    return sites.tree.folder / "records" / "sights" / SUMMIT


def date_back(sites: Sites, at: str, but: Collection[Path] = ()) -> None:
    """Have sights of the summit be as if they were made then.

    Parameters
    ----------
    sites
        Their records are in a folder.
    at
        As the names of files have it.
    but
        Files that stay as they are.
    """
    folder = sights_in(sites)
    moment = f"{datetime.strptime(at, STAMP).replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}"
    for path in {*folder.glob("*Z.json"), folder / "newest.json"} - set(but):
        document = json.loads(path.read_text())
        path.write_text(json.dumps(document | {"at": moment}) + "\n")
        if path.name != "newest.json":
            path.rename(folder / f"{at}.json")


def sight_of(sites: Sites, address: str = SUMMIT) -> Sight:
    sight = places_of(sites).sight(RepositoryAddress(address))
    assert sight is not None
    return sight


# What is in it


def test_a_sight_says_what_a_repository_showed(published: Sites) -> None:
    published.add_own(SUMMIT)
    publish(published, "--site", "summit")

    sight = sight_of(published)

    session = Session(published.tree.state)
    live = look_at_chains(session.desired, Scope(sites=("summit",)), session.places())
    seen = live.chains[RepositoryAddress(SUMMIT)]
    assert set(seen) == set(sight.chains)
    for name, chain in seen.items():
        there = sight.chains[name]
        assert there is not None
        assert there.effective == chain.resolved.fingerprint
        expected = fold(chain.resolved, tickets_of(session))
        assert there.timeline == expected
    chain_there = sight.chains[TOP]
    assert chain_there is not None
    with published.butler(SUMMIT) as butler:
        children = butler.collections.get_info(TOP).children
    assert chain_there.children == children
    assert NEW in chain_there.searched
    assert not any(name.startswith(f"{NEW}/") for name in chain_there.searched)


def tickets_of(session: Session) -> dict[str, str]:
    tickets: dict[str, str] = {}
    for written in session.desired.tickets.values():
        tickets.update(dict.fromkeys(written.noun.leaves, written.noun.ticket))
    return tickets


def test_a_ticket_has_the_fingerprint_of_its_seal_and_the_day_it_arrived(published: Sites) -> None:
    assert published.run("seal", "DM-1", "DM-2").code == 0
    publish(published)
    origin, summit = sight_of(published, ORIGIN), sight_of(published)

    ticket = summit.tickets["LSSTComCam/DM-1"]
    assert ticket.fingerprint == origin.tickets["LSSTComCam/DM-1"].fingerprint
    session = Session(published.tree.state)
    seal = session.desired.seals[TicketKey("LSSTComCam", "DM-1")].noun
    assert ticket.fingerprint == seal.fingerprint
    assert (ticket.collections, ticket.of_collections) == (2, 2)
    assert not any(name.startswith(OLD) for name in summit.others)
    arrived = origin.tickets["LSSTComCam/DM-1"].ingested
    assert arrived
    assert ticket.ingested
    # It was made at the origin, and came to the summit later.
    assert arrived.last <= ticket.ingested.first <= ticket.ingested.last <= summit.at


def test_of_a_ticket_that_is_not_as_it_was_sealed_each_collection_is_told(deployed: Sites) -> None:
    assert deployed.run("seal", "DM-1", "DM-2").code == 0
    flat = f"{OLD}/flat.20240101a"
    with deployed.butler(SUMMIT) as butler:
        butler.registry.decertify(flat, "flat", world.timespan(world.IN_2025))
    publish(deployed, "--site", "summit")

    others = sight_of(deployed).others

    assert others[flat].type is CollectionType.CALIBRATION
    assert others[flat].count
    assert f"{OLD}/bias.20240101a" in others
    assert not any(name.startswith(NEW) for name in others)


def test_an_absent_chain_is_told_from_one_that_nobody_asked_for(sites: Sites) -> None:
    publish(sites, "--site", "summit")

    assert sight_of(sites).chains[TOP] is None
    assert sight_of(sites).tickets["LSSTComCam/DM-1"].collections == 0
    assert sight_of(sites).tickets["LSSTComCam/DM-1"].ingested is None


def test_a_sight_is_made_of_an_observation_where_only_that_was_published(deployed: Sites) -> None:
    publish(deployed, "--site", "summit")
    made = sight_of(deployed)
    shutil.rmtree(deployed.tree.folder / "records" / "sights")

    again = sight_of(deployed)

    assert again.chains == made.chains
    assert (again.at, again.declared, again.version) == (made.at, made.declared, made.version)
    assert {name: ticket.fingerprint for name, ticket in again.tickets.items()} == {
        name: ticket.fingerprint for name, ticket in made.tickets.items()
    }


def test_nobody_published_anything(deployed: Sites) -> None:
    places = places_of(deployed)

    assert places.sight(RepositoryAddress(SUMMIT)) is None
    assert list(places.sights(RepositoryAddress(SUMMIT))) == []


# What is kept


def test_a_sight_is_kept_where_it_shows_something_else_than_the_one_before(deployed: Sites) -> None:
    published_at(deployed, "20260101T000000Z")
    published_at(deployed, "20260102T000000Z")
    assert kept(deployed) == ["20260101T000000Z.json", "newest.json"]

    deployed.change_chain(SUMMIT, lambda children: children[1:])
    published_at(deployed, "20260103T000000Z")

    assert kept(deployed) == ["20260101T000000Z.json", "20260103T000000Z.json", "newest.json"]
    history = list(places_of(deployed).sights(RepositoryAddress(SUMMIT)))
    assert [sight.at[:10] for sight in history] == ["2026-01-03", "2026-01-01"]


def test_sights_are_kept_in_a_bucket_as_in_a_folder(deployed: Sites, s3: S3) -> None:
    bucket = s3.bucket("records")
    into_bucket(deployed, bucket)
    publish(deployed, "--site", "summit")
    publish(deployed, "--site", "summit")

    looks = places_of(deployed).sights(RepositoryAddress(SUMMIT)).kept

    (look,) = looks
    folder = "records/sights/summit/LSSTComCam"
    assert f"{folder}/{look.began:{STAMP}}.json" in s3.keys(bucket)
    assert f"{folder}/newest.json" in s3.keys(bucket)


def seen_otherwise(sight: Sight, at: str, children: tuple[str, ...]) -> Sight:
    """Return a sight as if another look had shown other children."""
    chain = sight.chains[TOP]
    assert chain is not None
    chains = {**sight.chains, TOP: chain.model_copy(update={"children": children})}
    return sight.model_copy(update={"at": at, "chains": chains})


def test_looks_that_begin_within_one_second_are_all_kept(published: Sites) -> None:
    publish(published, "--site", "summit")
    places, address = places_of(published), RepositoryAddress(SUMMIT)
    seen = sight_of(published)
    later = "2126-01-01T00:00:00Z"
    looks = [seen_otherwise(seen, later, (name,)) for name in ("a", "b", "c")]

    for look in looks:
        places.publish_sight(look)

    history = places_of(published).sights(address)
    assert list(history) == [*reversed(looks), seen]
    assert history.newest == looks[-1]
    assert [look.number for look in history.kept] == [3, 2, 1, 1]


def test_names_of_sights_are_sorted_as_they_were_written(deployed: Sites) -> None:
    published_at(deployed, "20260101T000000Z")
    places, seen = places_of(deployed), sight_of(deployed)

    for name in ("a", "b"):
        places.publish_sight(seen_otherwise(seen, seen.at, (name,)))
    places.publish_sight(seen_otherwise(seen, "2026-01-01T00:00:01Z", ("c",)))

    names = kept(deployed)
    assert names == [
        "20260101T000000Z.json",
        "20260101T000000Z_02.json",
        "20260101T000000Z_03.json",
        "20260101T000001Z.json",
        "newest.json",
    ]


def test_a_look_that_began_earlier_is_kept_and_does_not_become_the_newest(published: Sites) -> None:
    publish(published, "--site", "summit")
    places, newest = places_of(published), sight_of(published)
    late = seen_otherwise(newest, "2026-01-01T00:00:00Z", ("a",))

    places.publish_sight(late)
    places.publish_sight(newest.model_copy(update={"at": "2026-01-02T00:00:00Z"}))

    history = places_of(published).sights(RepositoryAddress(SUMMIT))
    assert history.newest == newest
    assert list(history) == [newest, late]


def test_a_look_of_a_clock_that_goes_wrong_is_replaced_by_the_next(deployed: Sites) -> None:
    publish(deployed, "--site", "summit")
    places, seen = places_of(deployed), sight_of(deployed)
    places.publish_sight(seen_otherwise(seen, "2126-01-01T00:00:00Z", ("a",)))

    publish(deployed, "--site", "summit")

    assert sight_of(deployed).at < "2126"


# Looks at a part


@pytest.fixture
def of_two(deployed: Sites) -> Sites:
    """Return sites whose summit is declared to have a second instrument."""
    tree = deployed.tree
    tree.site("summit", {"LSSTComCam": "copy"}, instruments=[tree.instrument, "LATISS"])
    usdf = tree.state / "sites" / "usdf.yaml"
    declared = yaml.safe_load(usdf.read_text())
    declared["repositories"]["main"]["instruments"] = [tree.instrument, "LATISS"]
    usdf.write_text(yaml.safe_dump(declared))
    other = replace(tree, instrument="LATISS")
    other.ticket("DM-1", "bias")
    other.chain(["DM-1"], "LATISS/calib")
    return deployed


@pytest.mark.parametrize(
    "narrowing", [("--instrument", "LSSTComCam"), ("--instrument", "LATISS"), ("--exclude", "DM-2")]
)
def test_a_look_at_a_part_is_not_published(of_two: Sites, narrowing: tuple[str, str]) -> None:
    publish(of_two, "--site", "summit")
    before = of_two.snapshot()
    file = of_two.tree.folder / "part.json"

    ran = of_two.run("observe", "--publish", "summit", "-o", str(file), *narrowing)

    assert ran.code == 64
    assert "Only a part would be published" in ran.err
    assert f"{SUMMIT} would be looked at in part only" in ran.err
    assert narrowing[0] in ran.err
    assert of_two.snapshot() == before
    assert of_two.run("observe", "summit", "-o", str(file), *narrowing).code == 0


def test_a_look_that_leaves_out_nothing_of_a_repository_is_published(of_two: Sites) -> None:
    for narrowing in (["--instrument", "LSSTComCam", EMBARGO], ["--exclude", "usdf/*"], ["--files"]):
        publish(of_two, *narrowing)

    assert set(sight_of(of_two).chains) == {TOP, "LATISS/calib"}
    assert set(sight_of(of_two, EMBARGO).chains) == {TOP}


def test_a_look_of_before_a_chain_was_declared_is_no_break_in_since_when(deployed: Sites) -> None:
    published_at(deployed, "20260101T000000Z")
    places, seen = places_of(deployed), sight_of(deployed)
    without = {name: chain for name, chain in seen.chains.items() if name != TOP}
    untold = seen.model_copy(update={"at": "2026-01-02T00:00:00Z", "chains": without})
    places.publish_sight(untold)
    again = seen.model_copy(update={"at": "2026-01-03T00:00:00Z"})
    places.publish_sight(again)

    history = places_of(deployed).sights(RepositoryAddress(SUMMIT))

    assert history.since(TOP, again) == seen.moment


# What was live


def test_what_a_site_searched_on_a_date_is_told(deployed: Sites) -> None:
    published_at(deployed, "20260101T000000Z")
    deployed.change_chain(SUMMIT, lambda children: children[1:])
    published_at(deployed, "20260103T000000Z")
    published_at(deployed, "20260105T000000Z")

    def told(*arguments: str) -> dict[str, Any]:
        ran = deployed.run("show", "--live", SUMMIT, "--format", "json", *arguments)
        assert ran.code == 0, ran.err
        repository: dict[str, Any] = ran.json["repositories"][SUMMIT]
        return repository

    then = told("--at", "2026-01-02T12:00:00Z")
    assert then["chains"][TOP]["children"] == [NEW, OLD]
    assert (then["at"], then["until"]) == ("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z")
    now = told()
    assert now["chains"][TOP]["children"] == [OLD]
    assert now["chains"][TOP]["declared"] == [NEW, OLD]
    assert now["chains"][TOP]["since"] == "2026-01-03T00:00:00Z"
    assert now["at"] == "2026-01-05T00:00:00Z"
    text = deployed.run("show", "--live", SUMMIT).out.splitlines()
    assert text[:2] == [
        f"{SUMMIT} as seen at 2026-01-05T00:00:00Z",
        f"  {TOP}: not as declared, seen so since 2026-01-03T00:00:00Z",
    ]
    assert "    declared instead:" in text
    markdown = deployed.run("show", "--live", SUMMIT, "--format", "markdown").out
    assert f"- {TOP}: not as declared" in markdown


def test_before_the_first_look_nothing_is_told(deployed: Sites) -> None:
    published_at(deployed, "20260101T000000Z")

    ran = deployed.run("show", "--live", SUMMIT, "--at", "2025-12-31T00:00:00Z")

    assert ran.code == 1
    assert f"{SUMMIT} could not be seen: nobody published what it showed by then" in ran.err


def test_what_was_live_has_no_revision(deployed: Sites) -> None:
    ran = deployed.run("show", "--live", "--at", "main")
    assert ran.code == 64
    assert "`main` is no date" in ran.err
    assert deployed.run("show", "--live", "--at", "2025-02-30").code == 64
    assert deployed.run("show", "--live", "--plan", "plan.json").code == 64


# What cannot be read


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace('"2.0"', '"9.0"', 1),
        lambda text: text.replace('"sight"', '"observations"', 1),
        lambda text: text.replace(SUMMIT, ORIGIN, 1),
        lambda text: text.replace("bias", "bi\\u202eas", 1),
    ],
    ids=["half", "empty", "future", "other", "of another repository", "bidi"],
)
def test_a_sight_that_cannot_be_read_costs_its_own_site_only(
    deployed: Sites, spoil: Callable[[str], str]
) -> None:
    publish(deployed)
    newest = deployed.tree.folder / "records" / "sights" / SUMMIT / "newest.json"
    newest.write_text(spoil(newest.read_text()))

    ran = deployed.run("show", "--live", "--format", "json")

    assert ran.code == 1
    assert set(ran.json["repositories"]) == {ORIGIN, EMBARGO}
    (unseen,) = ran.json["unreachable"]
    assert "cannot be read as a sight" in unseen["detail"]
    assert "\u202e" not in unseen["detail"]
    assert "Traceback" not in ran.err
    # Whoever observes again has it repaired.
    publish(deployed, "--site", "summit")
    assert deployed.run("show", "--live").code == 0


def test_a_sight_of_another_butler_is_not_taken_for_this_one(deployed: Sites) -> None:
    publish(deployed, "--site", "summit")
    newest = deployed.tree.folder / "records" / "sights" / SUMMIT / "newest.json"
    newest.write_text(json.dumps(json.loads(newest.read_text()) | {"butler": "another"}))

    with pytest.raises(UnreachableError, match="of another butler"):
        places_of(deployed).sight(RepositoryAddress(SUMMIT))


def declare_another_butler(sites: Sites) -> None:
    site = sites.tree.state / "sites" / "summit.yaml"
    site.write_text(site.read_text().replace("summit-LSSTComCam", "summit-new"))


@pytest.mark.parametrize("date", [[], ["--at", "2026-01-02T00:00:00Z"]])
def test_what_another_butler_searched_is_not_told_as_what_is_live(
    deployed: Sites, date: Sequence[str]
) -> None:
    published_at(deployed, "20260101T000000Z")
    assert deployed.run("show", "--live", SUMMIT, *date).code == 0
    declare_another_butler(deployed)

    ran = deployed.run("show", "--live", SUMMIT, "--format", "json", *date)

    assert ran.code == 1
    assert ran.json["repositories"] == {}
    (unseen,) = ran.json["unreachable"]
    assert "what was published of summit/LSSTComCam at 2026-01-01T00:00:00Z is of another butler" in str(
        unseen
    )


def test_since_when_is_counted_of_one_butler_only(deployed: Sites) -> None:
    published_at(deployed, "20260101T000000Z")
    declare_another_butler(deployed)
    deployed.path(SUMMIT).rename(deployed.path(SUMMIT).with_name("summit-new"))
    published_at(deployed, "20260103T000000Z")

    ran = deployed.run("show", "--live", SUMMIT, "--format", "json")

    assert ran.code == 0
    assert ran.json["repositories"][SUMMIT]["chains"][TOP]["since"] == "2026-01-03T00:00:00Z"


def test_on_a_date_the_butler_that_was_declared_then_is_told_of(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
    deployed.commit()
    published_at(deployed, "20260102T000000Z")
    declare_another_butler(deployed)

    now = deployed.run("show", "--live", SUMMIT)
    then = deployed.run("show", "--live", SUMMIT, "--at", "2026-01-03T00:00:00Z")

    assert (now.code, then.code) == (1, 0)
    assert f"{SUMMIT} as seen at 2026-01-02T00:00:00Z" in then.out
