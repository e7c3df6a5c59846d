"""A wave opens when those before have published what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from calibstate.engine.waves import look_at_waves
from calibstate.errors import InvalidStateError
from calibstate.kinds.waves import Waves
from calibstate.model.desired import DesiredState
from calibstate.model.names import Address, Place, TicketKey
from calibstate.model.reviews import PublishedReview, Reviewed
from calibstate.model.scope import Scope
from calibstate.store.statefile import load
from tests.fakes.places import MemoryPlaces
from tests.tree import Tree

TOP = "LSSTComCam/calib"
ONE, TWO, THREE = (f"{TOP}/DM-{number}" for number in (1, 2, 3))
USDF, BTS, TTS = map(Place, ("usdf/main", "bts/LSSTComCam", "tts/LSSTComCam"))
SUMMIT, ASIDE = Place("summit/LSSTComCam"), Place("aside/LSSTComCam")
WAVES = [["usdf"], ["bts", "tts"], ["summit"]]

AT = "2025-02-12T03:00:00Z"
CONTENT = {f"{TWO}/bias": "sha256:2"}


def declared(
    folder: Path,
    waves: list[list[str]] | None = None,
    skip: Mapping[str, str] | None = None,
    hold: str | None = None,
    **chain: Any,
) -> DesiredState:
    tree = Tree(folder)
    tree.settings(waves=WAVES if waves is None else waves)
    tree.site("usdf", {"main": "origin"})
    for site in ("tts", "summit", "aside"):
        tree.site(site, {"LSSTComCam": "copy"})
    held: dict[str, Any] = {"hold": hold} if hold else {}
    tree.site("bts", {"LSSTComCam": "copy"}, **held)
    for ticket in ("DM-1", "DM-2"):
        skipped: dict[str, Any] = {"skip": dict(skip)} if skip and ticket == "DM-2" else {}
        tree.ticket(ticket, "bias", **skipped)
    tree.chain(chain.pop("entries", ["DM-2", "DM-1"]), **chain)
    return load(tree.state)[0]


def published(
    address: Place, *chain: str, passed: bool = True, content: Mapping[str, str] = CONTENT
) -> PublishedReview:
    told = Reviewed(at=AT, passed=passed, why="" if passed else "files: gone", fingerprints=content)
    return PublishedReview(address=address, at=AT, tickets={"LSSTComCam/DM-2": told}, chains={TOP: chain})


def waits(
    desired: DesiredState, place: Place, *shown: PublishedReview, **more: Any
) -> tuple[str | None, ...]:
    """Return what the import of DM-2 waits for, its entry and its exit."""
    waves = Waves(desired, {review.address: review for review in shown}, **more)
    ticket = desired.tickets[TicketKey("LSSTComCam", "DM-2")].noun
    chain = Address(place=place, kind="chain", name=TOP)
    return (
        waves.import_waits(place, ticket, CONTENT),
        waves.entry_waits(chain, TWO, CONTENT),
        waves.exit_waits(chain, TWO),
    )


OPEN = (None, None, None)


def test_the_first_wave_and_sites_in_none_wait_for_nobody(tmp_path: Path) -> None:
    desired = declared(tmp_path, retired={})
    assert waits(desired, USDF) == waits(desired, ASIDE) == OPEN


def test_without_waves_nobody_waits(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[])
    assert waits(desired, SUMMIT) == OPEN


def test_all_of_the_wave_before_must_have_passed(tmp_path: Path) -> None:
    desired = declared(tmp_path)
    found = waits(desired, SUMMIT, published(BTS, TWO, ONE))
    assert (
        found[:2]
        == (f"waits for {TTS}: verify has not passed there (calibstate verify --site tts --publish)",) * 2
    )
    assert waits(desired, SUMMIT, published(BTS, TWO, ONE), published(TTS, TWO, ONE)) == OPEN
    # What the first wave shows counts for the second, not for the third.
    assert waits(desired, BTS, published(USDF, TWO, ONE)) == OPEN
    assert waits(desired, BTS)[0]


def test_what_failed_or_was_another_content_opens_nothing(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[["usdf"], ["summit"]])
    failed = waits(desired, SUMMIT, published(USDF, TWO, ONE, passed=False))
    assert failed[0] and f"{USDF}: verify failed there at {AT}: files: gone" in failed[0]
    other = waits(desired, SUMMIT, published(USDF, TWO, ONE, content={f"{TWO}/bias": "sha256:3"}))
    assert other[0] and f"verify passed there at {AT} with another content" in other[0]
    assert failed[1] and other[1]


def test_a_child_enters_only_where_the_chains_before_hold_it(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[["usdf"], ["summit"]])
    found = waits(desired, SUMMIT, published(USDF, ONE))
    assert found[0] is None
    assert found[1] and f"{TOP} did not hold it there at {AT}" in found[1]


def test_a_chain_that_the_wave_before_has_not_needs_the_review_alone(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[["usdf"], ["summit"]], only=["summit"])
    assert waits(desired, SUMMIT, published(USDF)) == OPEN


def test_where_the_wave_before_skips_a_ticket_the_one_before_that_counts(tmp_path: Path) -> None:
    desired = declared(tmp_path, skip={"bts": "no such camera", "tts": "no such camera"})
    assert waits(desired, SUMMIT)[0] == (
        f"waits for {USDF}: verify has not passed there (calibstate verify --site usdf --publish)"
    )
    assert waits(desired, SUMMIT, published(USDF, TWO, ONE))[:2] == (None, None)


def test_a_hold_in_the_wave_before_keeps_the_next_one_closed(tmp_path: Path) -> None:
    found = waits(declared(tmp_path, hold="snowed in"), SUMMIT, published(TTS, TWO, ONE))
    assert found[0] and f"{BTS}: verify has not passed there; it is on hold: snowed in" in found[0]


def test_what_is_retired_leaves_when_the_chains_before_have_lost_it(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[["usdf"], ["summit"]], entries=["DM-1"], retired={"DM-2": "wrong"})
    still = waits(desired, SUMMIT, published(USDF, TWO, ONE, passed=False))[2]
    assert still and f"{TOP} still held it there at {AT}" in still
    assert waits(desired, SUMMIT)[2]
    # It may be lost there, files and all: it only must not be searched.
    assert waits(desired, SUMMIT, published(USDF, ONE, passed=False))[2] is None


def test_it_stays_where_what_answers_instead_has_failed(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[["usdf"], ["summit"]], entries=["DM-2"], retired={"DM-1": "wrong"})
    waves = Waves(desired, {USDF: published(USDF, TWO, passed=False)})
    found = waves.exit_waits(Address(place=SUMMIT, kind="chain", name=TOP), ONE)
    assert found and "verify failed there for what answers instead: DM-2: files: gone" in found


def test_a_collection_that_no_ticket_names_is_retired_in_waves_too(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[["usdf"], ["summit"]], retired={"u/somebody/flats": "pseudo flats"})
    chain = Address(place=SUMMIT, kind="chain", name=TOP)
    there, gone = published(USDF, TWO, "u/somebody/flats"), published(USDF, TWO)
    assert Waves(desired, {USDF: there}).exit_waits(chain, "u/somebody/flats")
    assert Waves(desired, {USDF: gone}).exit_waits(chain, "u/somebody/flats") is None


def test_what_is_skipped_at_a_later_site_alone_leaves_at_once(tmp_path: Path) -> None:
    desired = declared(tmp_path, skip={"summit": "the camera left"})
    assert waits(desired, SUMMIT)[2] is None


def test_another_order_comes_in_waves(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[["usdf"], ["summit"]])
    chain = Address(place=SUMMIT, kind="chain", name=TOP)
    waves = Waves(desired, {USDF: published(USDF, ONE, TWO)})
    found = waves.order_waits(chain, (TWO, "u/somebody", ONE))
    assert found and f"{TOP} had another order there at {AT}" in found
    assert waves.order_waits(chain, (ONE, "u/somebody", TWO)) is None


def test_a_site_that_is_planned_before_counts_as_passed(tmp_path: Path) -> None:
    desired = declared(tmp_path, waves=[["usdf"], ["summit"]])
    assert waits(desired, SUMMIT, after=frozenset({"usdf"})) == OPEN


def test_only_what_the_waves_before_published_is_read(tmp_path: Path) -> None:
    places = MemoryPlaces([USDF, BTS, TTS, SUMMIT])
    for address in (USDF, BTS, SUMMIT):
        places.reviews[address] = published(address, TWO)
    desired = declared(tmp_path)
    assert set(look_at_waves(desired, Scope(sites=("usdf",)), places).shown) == set()
    assert set(look_at_waves(desired, Scope(sites=("bts",)), places).shown) == {USDF}
    assert set(look_at_waves(desired, Scope(), places).shown) == {USDF, BTS}


def test_without_waves_what_is_declared_has_the_digest_that_it_had(tmp_path: Path) -> None:
    with_waves, without = declared(tmp_path / "a"), declared(tmp_path / "b", waves=[])
    assert with_waves.digest != without.digest
    plain = declared(tmp_path / "c", waves=[])
    Tree(tmp_path / "c").settings()
    assert load(Path(plain.root))[0].digest == without.digest


@pytest.mark.parametrize(
    ("waves", "line", "told"),
    [
        ([["usdf"], ["sumit"]], 9, "`sumit` is no site. Did you mean `summit`?"),
        ([["usdf"], ["summit/LSSTComCam"]], 9, "is no site."),
        ([["usdf"], ["bts", "usdf"]], 10, "usdf is in a wave already (calibstate.yaml:8)"),
        ([["usdf"], []], 9, "must not be empty"),
        (["usdf"], 8, "must be a list"),
    ],
)
def test_a_wave_that_means_nothing_does_not_validate(
    tmp_path: Path, waves: Any, line: int, told: str
) -> None:
    with pytest.raises(InvalidStateError) as caught:
        declared(tmp_path, waves=waves)
    problem = caught.value.diagnostics[0]
    assert told in f"{problem.detail} {problem.hint}"
    assert problem.where
    assert (problem.where.file, problem.where.line) == ("calibstate.yaml", line)
