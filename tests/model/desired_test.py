"""What a tree declares does not depend on how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from calibstate.errors import Where
from calibstate.model.desired import DesiredState, Lines
from calibstate.model.names import Place, TicketKey
from calibstate.store.statefile import load
from tests.written import GOOD, spoilt, written


@pytest.fixture
def desired(tmp_path: Path) -> DesiredState:
    return load(written(tmp_path))[0]


def digest(root: Path, changes: Mapping[str, str | None]) -> str:
    return load(written(root, changes))[0].digest


def rewritten(text: str) -> str:
    """Return the same declaration as somebody else would write it."""
    return "# another hand\n" + yaml.safe_dump(yaml.safe_load(text), default_flow_style=True, sort_keys=True)


def test_the_digest_is_of_what_is_said_only(tmp_path: Path) -> None:
    other = {file: rewritten(text) for file, text in GOOD.items()}
    renamed: dict[str, str | None] = {"chains/LATISS.yaml": None, "chains/x.yaml": GOOD["chains/LATISS.yaml"]}
    as_it_is = digest(tmp_path / "a", {})
    assert digest(tmp_path / "b", other) == as_it_is
    assert digest(tmp_path / "c", renamed) == as_it_is
    assert as_it_is.startswith("sha256:")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("calibstate.yaml", "../archive", "../archives"),
        ("sites/tts.yaml", "route: copy", "route: copy\nhold: not now"),
        (
            "sites/usdf.yaml",
            "instruments: [LATISS, LSSTCam]\n    route: copy",
            "instruments: [LATISS]\n    route: copy",
        ),
        ("tickets/LATISS/DM-1.yaml", "TAXICAB-1", "TAXICAB-2"),
        ("tickets/LATISS/DM-3.yaml", "no use there", "no use at all"),
        ("chains/LATISS.yaml", "  - DM-1\n  - LATISS/calib/DM-2\n", "  - LATISS/calib/DM-2\n  - DM-1\n"),
        ("chains/LATISS.yaml", "only: [usdf/main]", "only: [usdf]"),
    ],
)
def test_every_word_counts_in_the_digest(file: str, old: str, new: str, tmp_path: Path) -> None:
    assert digest(tmp_path / "a", {}) != digest(tmp_path / "b", spoilt(file, old, new))


def test_routes_without_fields_differ_in_the_digest(tmp_path: Path) -> None:
    def of(folder: str, *routes: str) -> str:
        names = dict(zip("rq", routes, strict=True))
        lines = "".join(
            f"  {n}: {{butler: /{n}, instruments: [Cam], route: {r}}}\n" for n, r in names.items()
        )
        kept = {
            "calibstate.yaml": GOOD["calibstate.yaml"],
            "sites/s.yaml": f"site: s\nrepositories:\n{lines}",
        }
        return digest(tmp_path / folder, dict.fromkeys(GOOD) | kept)

    assert of("a", "origin", "copy") == of("b", "{by: origin}", "{by: copy}")
    assert of("c", "origin", "copy") != of("d", "copy", "origin")


def test_repositories_are_addressed_in_order(desired: DesiredState) -> None:
    assert desired.repositories == ("summit/LATISS", "tts/LATISS", "usdf/embargo", "usdf/main")
    assert desired.with_instrument("LSSTCam") == ("usdf/embargo", "usdf/main")
    assert desired.with_instrument("HSC") == ()


def test_an_address_gives_the_repository_and_its_site(desired: DesiredState) -> None:
    site, repository = desired.repository(Place("summit/LATISS"))
    assert (site.site, repository.butler) == ("summit", "/repo/LATISS")


@pytest.mark.parametrize("address", ["usdf/LATISS", "nowhere/main", "usdf"])
def test_an_unknown_address_is_a_key_error(address: str, desired: DesiredState) -> None:
    with pytest.raises(KeyError):
        desired.repository(Place(address))


def test_the_origin_is_where_the_route_says(desired: DesiredState) -> None:
    assert desired.origin("LATISS") == "usdf/main"
    assert desired.origin("HSC") is None


def test_a_ticket_is_skipped_by_site_or_by_repository(tmp_path: Path) -> None:
    skip = {
        **spoilt("tickets/LATISS/DM-3.yaml", "  tts: no use there", "  tts: all of it\n  usdf/main: this one")
    }
    desired = load(written(tmp_path, skip))[0]
    ticket = desired.tickets[TicketKey("LATISS", "DM-3")].noun
    assert [desired.skipped(ticket, address) for address in desired.repositories] == [
        None,
        "all of it",
        None,
        "this one",
    ]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ((), True),
        (("usdf",), True),
        (("usdf/main",), True),
        (("usdf/embargo", "tts"), False),
        (("us",), False),
    ],
)
def test_only_names_sites_or_repositories(
    only: tuple[str, ...], expected: bool, desired: DesiredState
) -> None:
    assert desired.expects(only, Place("usdf/main")) is expected


def test_tickets_and_chains_of_an_instrument_come_by_name(desired: DesiredState) -> None:
    assert [t.noun.ticket for t in desired.tickets_of("LATISS")] == ["DM-1", "DM-2", "DM-3"]
    assert [c.noun.chain for c in desired.chains_of("LATISS")] == ["LATISS/calib", "LATISS/defaults"]
    assert desired.tickets_of("LSSTCam") == ()
    assert desired.chains_of("LSSTCam") == ()


def test_a_word_means_a_ticket_a_bare_collection_or_a_chain(desired: DesiredState) -> None:
    ticket, bare = desired.tickets[TicketKey("LATISS", "DM-1")], desired.tickets[TicketKey("LATISS", "DM-2")]

    def meant(word: str) -> tuple[object, ...]:
        meaning = desired.meaning(word, "LATISS")
        assert meaning
        return (meaning.children, meaning.ticket, meaning.chain)

    assert meant("DM-1") == (("LATISS/calib/DM-1",), ticket, None)
    assert meant("DM-2") == (("LATISS/calib/DM-2", "LATISS/calib/DM-2/unbounded"), bare, None)
    assert meant("LATISS/calib/DM-2/unbounded") == (("LATISS/calib/DM-2/unbounded",), bare, None)
    assert meant("LATISS/calib") == (("LATISS/calib",), None, desired.chains["LATISS/calib"])


@pytest.mark.parametrize("word", ["DM-4", "LATISS/calib/DM-1", "LATISS", "refcats"])
def test_other_words_mean_nothing(word: str, desired: DesiredState) -> None:
    assert desired.meaning(word, "LATISS") is None


def test_the_same_ticket_of_another_instrument_is_not_meant(desired: DesiredState) -> None:
    assert desired.meaning("DM-1", "LSSTCam") is None
    assert desired.ticket_named("DM-1", "LSSTCam") is None
    assert desired.ticket_named("DM-1", "LATISS") is desired.tickets[TicketKey("LATISS", "DM-1")]


def test_a_word_that_is_a_ticket_and_a_chain_means_the_ticket(tmp_path: Path) -> None:
    chain = {"chains/x.yaml": "chain: DM-1\ninstrument: LATISS\nentries: []\n"}
    meaning = load(written(tmp_path, chain))[0].meaning("DM-1", "LATISS")
    assert meaning and meaning.ticket and not meaning.chain


def test_lines_without_marks_point_at_the_file() -> None:
    assert Lines("f.yaml").at("a", 1) == Where("f.yaml", 1, 1)


def test_every_noun_knows_its_file(desired: DesiredState) -> None:
    assert str(desired.tickets[TicketKey("LATISS", "DM-1")].lines.value_at("approval", "status")) == (
        "tickets/LATISS/DM-1.yaml:4:11"
    )
    assert (
        str(desired.chains["LATISS/calib"].lines.at("retired", "LATISS/calib/DM-0"))
        == "chains/LATISS.yaml:9:3"
    )
