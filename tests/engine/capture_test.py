"""What is captured of any live chain is sound, exact, and changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from calibstate.capturing.capture import Wanted, capture
from calibstate.capturing.declare import declare, seal_captured
from calibstate.engine.converge import Run, converge
from calibstate.engine.observe import observe
from calibstate.engine.plan import make_plan
from calibstate.errors import RefusedError, UnreachableError, UsageError
from calibstate.lookups.effective import effective
from calibstate.model.chains import ExternalEntry
from calibstate.model.contents import CollectionType
from calibstate.model.desired import DesiredState
from calibstate.model.names import Place, TicketKey
from calibstate.model.plans import Basis, Plan
from calibstate.model.scope import Scope
from calibstate.store import statefile, treefile
from tests.calibrations import IN_2024, IN_2025, INSTRUMENT
from tests.fakes.butler import MemoryButler
from tests.fakes.places import MemoryPlaces
from tests.tree import Tree

TOP = f"{INSTRUMENT}/calib"
ORIGIN, SUMMIT, BASE, NEW = map(Place, ("usdf/main", "summit/main", "base/main", "new/main"))
NOW = "2026-11-23T08:00:00Z"
DAY = NOW[:10]

thorough = settings(max_examples=2000 if os.environ.get("CALIBSTATE_TEST_ALL") == "1" else 15)


@dataclass
class World:
    """A tree with sites, and the repositories in memory."""

    folder: Path
    places: MemoryPlaces

    @property
    def tree(self) -> Tree:
        return Tree(self.folder)

    @property
    def desired(self) -> DesiredState:
        return statefile.load(self.tree.state)[0]

    def butler(self, address: Place) -> MemoryButler:
        return self.places.butlers[address]

    def capture(
        self, address: Place = ORIGIN, *chains: str, seals: bool = True, instrument: str = INSTRUMENT
    ) -> list[str]:
        """Capture, and return the files that were written."""
        desired = self.desired
        captured = capture(Wanted(address, instrument, chains, DAY), desired, self.places)
        sealed = seal_captured(captured, desired, self.places, NOW).seals if seals else ()
        changed = declare(captured, desired, sealed)
        treefile.write(self.tree.state, changed)
        return [change.file for change in changed]

    def plan(self) -> Plan:
        view = observe(self.desired, Scope(), self.places)
        return make_plan(view, Basis(declared="", observed="", version="0"))

    def steps(self) -> list[tuple[str, str]]:
        """Return what would be done in repositories."""
        targets = [(step.action.do, step.action.target) for step in self.plan().steps]
        return [(do, str(target)) for do, target in targets if target.place in self.places.butlers]

    def drift(self) -> list[str]:
        """Return in what repositories are not as declared."""
        return [str(d) for d in self.plan().drift if d.target.place in self.places.butlers]

    def read(self) -> dict[str, bytes]:
        state = self.tree.state
        return {str(p.relative_to(state)): p.read_bytes() for p in sorted(state.rglob("*")) if p.is_file()}

    def text(self, file: str) -> str:
        return (self.tree.state / file).read_text()

    def deploy_to(self, address: str) -> None:
        """Deploy all that is declared to one more repository."""
        site = address.partition("/")[0]
        self.tree.site(site, {"main": "copy"})
        for file in (self.tree.state / "chains").iterdir():
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join(line for line in lines if not line.startswith("only:")))
        run = Run(self.places, lambda: NOW)
        list(converge(self.plan(), run, why="test", again=lambda failed: self.plan()))


def make_world(folder: Path, sites: Sequence[Place] = (ORIGIN, SUMMIT, BASE)) -> World:
    tree = Tree(folder)
    tree.settings()
    for address in sites:
        site, _, name = address.partition("/")
        tree.site(site, {name: "origin" if address == ORIGIN else "copy"})
    return World(folder, MemoryPlaces([*sites, NEW]))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def add_ticket(butler: MemoryButler, ticket: str, *leaves: str, kind: str = "bias") -> str:
    names = [f"{TOP}/{ticket}/{leaf}" for leaf in leaves or ("bias.20240101a",)]
    for name in names:
        butler.add_calibration(name, kind, IN_2024)
    butler.add_chain(f"{TOP}/{ticket}", names)
    return f"{TOP}/{ticket}"


def refusals(error: pytest.ExceptionInfo[RefusedError]) -> dict[str, str]:
    return {told.summary: told.detail for told in error.value.diagnostics}


# --- what a child becomes ---


def test_a_ticket_chain_becomes_a_ticket(world: World) -> None:
    butler = world.butler(ORIGIN)
    butler.add_chain(TOP, [add_ticket(butler, "DM-1", "flats/flat.a", "bias.b")])

    world.capture(seals=False)

    ticket = world.desired.tickets[TicketKey(INSTRUMENT, "DM-1")].noun
    assert ticket.collections == ("flats/flat.a", "bias.b")
    assert ticket.approval.note == f"found live at {ORIGIN} on {DAY}"
    assert ticket.approval.captured == DAY
    chain = world.desired.chains[TOP].noun
    assert (chain.entries, chain.only) == (("DM-1",), (ORIGIN,))


def test_a_full_name_stays_where_it_is_not_below_the_ticket(world: World) -> None:
    butler = world.butler(ORIGIN)
    other, inside = f"{TOP}/DM-0/bias", f"{TOP}/DM-1/{INSTRUMENT}/bias"
    for name in (other, inside):
        butler.add_calibration(name, "bias", IN_2024)
    butler.add_chain(f"{TOP}/DM-1", [other, inside])
    butler.add_chain(TOP, [f"{TOP}/DM-1"])

    world.capture()

    assert world.desired.tickets[TicketKey(INSTRUMENT, "DM-1")].noun.leaves == (other, inside)
    assert world.steps() == []


def test_a_ticket_chain_with_another_name_in_it_becomes_a_chain_of_its_own(world: World) -> None:
    butler = world.butler(ORIGIN)
    butler.add_calibration("u/observer/bias", "bias", IN_2024)
    butler.add_chain(f"{TOP}/DM-1", ["u/observer/bias"])
    butler.add_chain(TOP, [f"{TOP}/DM-1"])

    world.capture(seals=False)

    assert world.desired.chains[TOP].noun.entries == (f"{TOP}/DM-1",)
    assert world.desired.chains[f"{TOP}/DM-1"].noun.entries == ("u-observer-bias",)
    assert world.desired.tickets[TicketKey(INSTRUMENT, "u-observer-bias")].noun.bare == ("u/observer/bias",)
    assert world.steps() == []


def test_an_empty_collection_in_a_ticket_chain_makes_it_a_chain_of_its_own(world: World) -> None:
    butler = world.butler(ORIGIN)
    add_ticket(butler, "DM-1", "bias")
    butler.add_empty(f"{TOP}/DM-1/empty", CollectionType.CALIBRATION)
    butler.add_chain(f"{TOP}/DM-1", [f"{TOP}/DM-1/bias", f"{TOP}/DM-1/empty"])
    butler.add_chain(TOP, [f"{TOP}/DM-1"])

    world.capture()

    text = world.text("chains/LSSTComCam-calib-DM-1.yaml")
    assert "- DM-1 " in text
    assert f"- external: {TOP}/DM-1/empty  # CALIBRATION, empty\n    only: [{ORIGIN}]" in text
    assert world.steps() == []


def test_bare_collections_that_stand_together_are_listed_as_their_ticket(world: World) -> None:
    butler = world.butler(ORIGIN)
    bare = [f"{TOP}/DM-8", f"{TOP}/DM-8/unbounded"]
    butler.add_calibration(bare[0], "bias", IN_2024, IN_2025)
    butler.add_run(bare[1], "camera")
    butler.add_chain(TOP, [*bare, add_ticket(butler, "DM-1")])

    world.capture()

    assert world.desired.chains[TOP].noun.entries == ("DM-8", "DM-1")
    assert world.text(f"tickets/{INSTRUMENT}/DM-8.yaml").endswith(
        "bare:\n"
        f"  - {bare[0]}            # CALIBRATION: 8 bias in 2 ranges "
        "[2024-01-01T00:00:00, 2026-01-01T00:00:00)\n"
        f"  - {bare[1]}  # RUN: 1 camera\n"
        "skip:\n"
        f"  base/main: not there when captured on {DAY}\n"
        f"  summit/main: not there when captured on {DAY}\n"
    )


def test_bare_collections_that_stand_apart_are_listed_one_by_one(world: World) -> None:
    butler = world.butler(ORIGIN)
    for name in ("a", "b"):
        butler.add_calibration(f"{TOP}/DM-8/{name}", "bias", IN_2024)
    butler.add_chain(TOP, [f"{TOP}/DM-8/a", add_ticket(butler, "DM-1"), f"{TOP}/DM-8/b"])

    world.capture()

    assert world.desired.chains[TOP].noun.entries == (f"{TOP}/DM-8/a", "DM-1", f"{TOP}/DM-8/b")
    assert world.steps() == []


def test_a_bare_collection_beside_the_ticket_of_its_name_gets_a_word_of_its_own(world: World) -> None:
    butler = world.butler(ORIGIN)
    butler.add_calibration(f"{TOP}/DM-1/extra", "dark", IN_2024)
    butler.add_chain(TOP, [f"{TOP}/DM-1/extra", add_ticket(butler, "DM-1")])

    world.capture()

    assert world.desired.chains[TOP].noun.entries == ("LSSTComCam-calib-DM-1-extra", "DM-1")
    assert world.steps() == []


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("u/observer/flat-r-test", "u-observer-flat-r-test"),
        ("a:b~c+d@e", "a-b-c-d-e"),
        (".hidden", "hidden"),
        ("README", "captured-README"),
        ("~", "captured"),
        (f"{TOP}/README/x", "LSSTComCam-calib-README-x"),
        ("x" * 300, "x" * 150),
    ],
)
def test_a_name_without_pattern_gives_a_word_that_can_be_a_ticket(world: World, name: str, word: str) -> None:
    butler = world.butler(ORIGIN)
    butler.add_calibration(name, "bias", IN_2024)
    butler.add_chain(TOP, [name])

    world.capture(seals=False)

    assert world.desired.tickets[TicketKey(INSTRUMENT, word)].noun.bare == (name,)
    assert world.steps() == []


def test_names_that_make_the_same_word_become_two_tickets(world: World) -> None:
    butler = world.butler(ORIGIN)
    for name in ("u/a-b", "u/a/b"):
        butler.add_calibration(name, "bias", IN_2024)
    butler.add_chain(TOP, ["u/a-b", "u/a/b"])

    world.capture(seals=False)

    assert [t for _, t in world.desired.tickets] == ["u-a-b", "u-a-b-2"]
    assert world.steps() == []


def test_what_holds_no_calibration_is_what_others_make(world: World) -> None:
    butler = world.butler(ORIGIN)
    butler.add_run("raws", "verifyBiasStats")
    butler.add_tagged("tagged", "raws")
    butler.add_empty("nothing", CollectionType.RUN)
    butler.add_chain("nested/empty", [])
    butler.add_chain(TOP, ["raws", "tagged", "nothing", "nested/empty"])

    world.capture()

    assert world.text("chains/LSSTComCam-calib.yaml").endswith(
        "entries:\n"
        f"  - external: raws     # RUN without calibrations\n    only: [{ORIGIN}]\n"
        f"  - external: tagged   # TAGGED\n    only: [{ORIGIN}]\n"
        f"  - external: nothing  # RUN without calibrations\n    only: [{ORIGIN}]\n"
        "  - nested/empty       # CHAINED, empty\n"
    )
    assert world.desired.chains["nested/empty"].noun.entries == ()
    assert world.steps() == []


def test_calibrations_that_are_tagged_are_warned_of(world: World) -> None:
    butler = world.butler(ORIGIN)
    butler.add_run("biases", "bias")
    butler.add_tagged("tagged", "biases")
    butler.add_chain(TOP, ["tagged"])

    captured = capture(Wanted(ORIGIN, INSTRUMENT, (), DAY), world.desired, world.places)

    assert [(t.summary, "tagged" in t.detail) for t in captured.warnings] == [
        ("Calibrations that are not deployed", True)
    ]


def test_chains_within_chains_come_along_and_others_when_they_are_named(world: World) -> None:
    butler = world.butler(ORIGIN)
    butler.add_chain("a/3", [add_ticket(butler, "DM-3")])
    butler.add_chain("a/2", ["a/3", add_ticket(butler, "DM-2")])
    butler.add_chain("a/1", ["a/2"])
    butler.add_chain(TOP, ["a/1", add_ticket(butler, "DM-1")])
    butler.add_chain("defaults", [TOP, "a/3"])

    world.capture(ORIGIN, "defaults")

    chains = {name: chain.noun.entries for name, chain in world.desired.chains.items()}
    assert chains == {
        TOP: ("a/1", "DM-1"),
        "a/1": ("a/2",),
        "a/2": ("a/3", "DM-2"),
        "a/3": ("DM-3",),
        "defaults": (TOP, "a/3"),
    }
    assert world.steps() == []


def test_what_a_person_says_that_others_make_is_no_part_of_a_ticket(world: World) -> None:
    butler = world.butler(ORIGIN)
    ticket = add_ticket(butler, "DM-1", "external", "free")
    butler.add_chain(TOP, [ticket])
    world.tree.chain([{"external": f"{ticket}/external"}], "others", only=[BASE])

    world.capture()

    first, second = world.desired.chains[ticket].noun.entries
    assert (first, second) == (ExternalEntry(external=f"{ticket}/external", only=(ORIGIN,)), "DM-1")
    assert world.desired.tickets[TicketKey(INSTRUMENT, "DM-1")].noun.bare == (f"{ticket}/free",)
    assert world.steps() == []


def test_what_a_person_declared_of_another_ticket_is_no_part_of_a_ticket(world: World) -> None:
    butler = world.butler(ORIGIN)
    ticket = add_ticket(butler, "DM-1", "theirs", "free")
    butler.add_chain(TOP, [ticket])
    world.tree.ticket("DM-7", bare=[f"{ticket}/theirs"], skip={SUMMIT: "-", BASE: "-"})

    world.capture()

    assert world.desired.chains[ticket].noun.entries == ("DM-7", "DM-1")
    assert world.desired.tickets[TicketKey(INSTRUMENT, "DM-1")].noun.bare == (f"{ticket}/free",)
    assert world.steps() == []


def test_a_part_of_a_ticket_that_is_asked_for_by_itself_is_one(world: World) -> None:
    butler = world.butler(ORIGIN)
    ticket = add_ticket(butler, "DM-1", "a", "b")
    butler.add_chain(TOP, [ticket])

    world.capture(ORIGIN, f"{ticket}/a")

    assert world.desired.chains[ticket].noun.entries == ("DM-1",)
    assert world.desired.tickets[TicketKey(INSTRUMENT, "DM-1")].noun.bare == (f"{ticket}/a", f"{ticket}/b")
    assert (world.steps(), world.drift()) == ([], [])


def test_a_collection_that_is_reached_twice_is_one_thing_everywhere(world: World) -> None:
    butler = world.butler(ORIGIN)
    ticket = add_ticket(butler, "DM-1", "a", "b")
    butler.add_chain("nested", [ticket])
    butler.add_chain(TOP, [f"{ticket}/b", "nested", ticket])

    world.capture()

    assert world.desired.chains[ticket].noun.entries == (f"{ticket}/a", f"{ticket}/b")
    assert world.desired.chains[TOP].noun.entries == (f"{ticket}/b", "nested", ticket)
    assert world.steps() == []


def test_where_the_default_is_a_collection_it_is_a_ticket_that_other_chains_list(world: World) -> None:
    butler = world.butler(ORIGIN)
    butler.add_calibration(TOP, "bias", IN_2024)
    butler.add_chain("defaults", [TOP])

    world.capture(ORIGIN, "defaults")

    assert world.desired.chains["defaults"].noun.entries == ("LSSTComCam-calib",)
    assert world.desired.tickets[TicketKey(INSTRUMENT, "LSSTComCam-calib")].noun.bare == (TOP,)


@pytest.mark.parametrize("chains", [(), ("nothing/here",), ("a//b",)])
def test_a_chain_that_does_not_exist_is_a_wrong_word(world: World, chains: tuple[str, ...]) -> None:
    if chains:
        world.butler(ORIGIN).add_chain(TOP, [])
    with pytest.raises(UsageError, match="No such chain"):
        world.capture(ORIGIN, *chains)


def test_names_that_no_file_can_give_are_told_all_at_once(world: World) -> None:
    butler = world.butler(ORIGIN)
    for name in ("with space", "../up"):
        butler.add_calibration(name, "bias", IN_2024)
    butler.add_chain(TOP, ["with space", add_ticket(butler, "DM-1"), "../up"])
    before = world.read()

    with pytest.raises(RefusedError) as error:
        world.capture()

    assert [t.summary for t in error.value.diagnostics] == ["Name that no file can give"] * 2
    assert "with space" in str(error.value)
    assert "climb" in str(error.value)
    assert world.read() == before


# --- the second repository ---


def two_tickets(world: World, *addresses: Place) -> None:
    for address in addresses:
        butler = world.butler(address)
        butler.add_chain(TOP, [add_ticket(butler, "DM-2"), add_ticket(butler, "DM-1")])


def test_what_another_lacks_is_skipped_there_and_its_chain_is_awaited(world: World) -> None:
    two_tickets(world, ORIGIN)
    butler = world.butler(SUMMIT)
    butler.add_chain(TOP, [add_ticket(butler, "DM-1")])

    world.capture()

    skips = {t: written.noun.skip for (_, t), written in world.desired.tickets.items()}
    why = f"not there when captured on {DAY}"
    assert skips == {"DM-1": {BASE: why}, "DM-2": {BASE: why, SUMMIT: why}}
    assert world.steps() == []


def test_what_a_second_lacks_is_skipped_there_also_where_a_person_declared_it(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    world.capture()
    add_ticket(world.butler(ORIGIN), "DM-3")
    world.tree.ticket("DM-3", "bias.20240101a", skip={BASE: "no camera"})

    captured = capture(Wanted(SUMMIT, INSTRUMENT, (), DAY), world.desired, world.places)
    assert [(t.summary, "DM-3" in t.detail) for t in captured.warnings] == [("Skipped from now on", True)]
    written = world.capture(SUMMIT)

    assert written[:1] == [f"tickets/{INSTRUMENT}/DM-3.yaml"]
    assert world.desired.tickets[TicketKey(INSTRUMENT, "DM-3")].noun.skip == {
        BASE: "no camera",
        SUMMIT: f"not there when captured on {DAY}",
    }
    assert world.desired.chains[TOP].noun.only == (ORIGIN, SUMMIT)
    assert world.steps() == []


def test_what_a_second_has_besides_goes_in_front_of_the_next_common_child(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    butler = world.butler(SUMMIT)
    one, two = f"{TOP}/DM-1", f"{TOP}/DM-2"
    for name in ("u/front", "u/amid-1", "u/amid-2", "u/last"):
        butler.add_calibration(name, "dark", IN_2024)
    butler.add_chain(TOP, ["u/front", two, "u/amid-1", "u/amid-2", one, "u/last"])
    world.capture()

    world.capture(SUMMIT, seals=False)

    entries = ("u-front", "DM-2", "u-amid-1", "u-amid-2", "DM-1", "u-last")
    assert world.desired.chains[TOP].noun.entries == entries
    assert world.desired.tickets[TicketKey(INSTRUMENT, "u-front")].noun.skip.keys() == {ORIGIN, BASE}
    assert world.steps() == []


def with_externals(world: World, *addresses: Place) -> None:
    for address in addresses:
        butler = world.butler(address)
        butler.add_run("raws", "verifyBiasStats")
        butler.add_run("refcats", "verifyBiasStats")
        butler.add_chain(TOP, [add_ticket(butler, "DM-1"), "raws", "refcats"])


def test_what_others_make_is_expected_at_the_second_too(world: World) -> None:
    with_externals(world, ORIGIN, SUMMIT)
    world.butler(SUMMIT).add_chain(TOP, [f"{TOP}/DM-1", "refcats"])
    world.capture()

    world.capture(SUMMIT)

    only = {e.external: e.only for e in world.desired.chains[TOP].noun.entries if not isinstance(e, str)}
    assert only == {"raws": (ORIGIN,), "refcats": (ORIGIN, SUMMIT)}
    assert (world.steps(), world.drift()) == ([], [])


def test_what_others_make_and_a_file_expects_must_be_searched_where_it_is(world: World) -> None:
    with_externals(world, ORIGIN, SUMMIT)
    world.capture()
    file = world.tree.state / "chains/LSSTComCam-calib.yaml"
    file.write_text(file.read_text().replace(f"    only: [{ORIGIN}]\n", ""))
    world.butler(SUMMIT).add_chain(TOP, [f"{TOP}/DM-1", "refcats"])

    with pytest.raises(RefusedError, match=r"Declared and not searched.*`raws` is there"):
        world.capture(SUMMIT)


def test_a_declared_chain_must_be_searched_where_it_is_declared(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    butler = world.butler(ORIGIN)
    butler.add_chain("inner", [f"{TOP}/DM-1"])
    butler.add_chain(TOP, [f"{TOP}/DM-2", "inner"])
    world.capture()
    file = world.tree.state / "chains/inner.yaml"
    file.write_text(file.read_text().replace(f"only: [{ORIGIN}]\n", ""))
    world.butler(SUMMIT).add_chain(TOP, [f"{TOP}/DM-2"])

    with pytest.raises(RefusedError, match=r"Declared and not searched.*`inner` is declared"):
        world.capture(SUMMIT)


def test_a_ticket_that_one_chain_searches_and_another_does_not_is_told(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    for address in (ORIGIN, SUMMIT):
        world.butler(address).add_chain("defaults", [f"{TOP}/DM-1"])
    world.butler(SUMMIT).add_chain(TOP, [f"{TOP}/DM-2"])
    world.capture(ORIGIN, "defaults")

    with pytest.raises(RefusedError, match="Searched in one chain only"):
        world.capture(SUMMIT, "defaults")


def test_another_with_something_else_in_the_same_collections_skips_it(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    other_content(world)

    captured = capture(Wanted(ORIGIN, INSTRUMENT, (), DAY), world.desired, world.places)

    assert [t.summary for t in captured.warnings] == ["Other content elsewhere"]
    skips = {ticket.ticket: ticket.skip.get(SUMMIT) for ticket in captured.additions.tickets}
    assert skips == {"DM-1": f"holds something else when captured on {DAY}", "DM-2": None}


def test_another_instrument_of_the_repository_stays_as_it_is(world: World) -> None:
    """Its chain is listed by the first, and both share the refcats."""
    for file in (world.tree.state / "sites").iterdir():
        file.write_text(file.read_text().replace(f"- {INSTRUMENT}\n", f"- {INSTRUMENT}\n    - LATISS\n"))
    for address in (ORIGIN, SUMMIT):
        butler = world.butler(address)
        butler.add_calibration("LATISS/calib/DM-5/bias", "bias", IN_2024)
        butler.add_chain("LATISS/calib/DM-5", ["LATISS/calib/DM-5/bias"])
        butler.add_run("refcat", "verifyBiasStats")
        butler.add_chain("refcats", ["refcat"])
        butler.add_chain("LATISS/calib", ["LATISS/calib/DM-5"])
        butler.add_chain("LATISS/defaults", ["LATISS/calib", "refcats"])
        butler.add_chain(TOP, [add_ticket(butler, "DM-1"), "LATISS/calib", "refcats"])

    for address in (ORIGIN, SUMMIT):
        world.capture(address, "LATISS/defaults", instrument="LATISS")
        world.capture(address)

    assert (world.steps(), world.drift()) == ([], [])
    declared = {
        name: (c.noun.instrument, c.noun.entries, c.noun.only) for name, c in world.desired.chains.items()
    }
    both = (ORIGIN, SUMMIT)
    assert declared == {
        "LATISS/calib": ("LATISS", ("DM-5",), both),
        "LATISS/defaults": ("LATISS", ("LATISS/calib", "refcats"), both),
        "refcats": ("LATISS", (ExternalEntry(external="refcat", only=both),), both),
        TOP: (INSTRUMENT, ("DM-1", "LATISS/calib", "refcats"), both),
    }


def test_a_repository_that_cannot_be_seen_is_not_skipped_but_warned_of(world: World) -> None:
    two_tickets(world, ORIGIN)
    world.places.out_of_reach.add(BASE)

    captured = capture(Wanted(ORIGIN, INSTRUMENT, (), DAY), world.desired, world.places)

    assert (list(captured.unseen), captured.warnings) == ([BASE], ())
    assert all(ticket.skip.keys() == {SUMMIT} for ticket in captured.additions.tickets)


def test_the_repository_itself_must_be_seen(world: World) -> None:
    world.places.out_of_reach.add(ORIGIN)
    with pytest.raises(UnreachableError):
        world.capture()


def test_what_is_there_but_not_searched_is_skipped(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    world.butler(SUMMIT).add_chain(TOP, [f"{TOP}/DM-1"])
    world.capture()

    world.capture(SUMMIT)

    assert (
        world.desired.tickets[TicketKey(INSTRUMENT, "DM-2")].noun.skip[SUMMIT]
        == f"not searched when captured on {DAY}"
    )
    assert world.steps() == []


def test_what_is_captured_is_not_put_into_the_chain_of_one_captured_before(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    world.butler(ORIGIN).add_chain(TOP, [f"{TOP}/DM-1"])
    world.capture()

    world.capture(SUMMIT)

    assert (
        world.desired.tickets[TicketKey(INSTRUMENT, "DM-2")].noun.skip[ORIGIN]
        == f"not searched when captured on {DAY}"
    )
    assert world.steps() == []


def test_capturing_again_writes_nothing(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    world.capture()
    world.capture(SUMMIT)
    before = world.read()

    assert world.capture(SUMMIT) == []
    assert world.capture(ORIGIN) == []

    assert world.read() == before


def test_seals_come_later_where_they_were_left_out(world: World) -> None:
    two_tickets(world, ORIGIN)
    assert not [f for f in world.capture(seals=False) if f.startswith("seals/")]

    assert world.capture() == [f"seals/{INSTRUMENT}/DM-2.yaml", f"seals/{INSTRUMENT}/DM-1.yaml"]

    assert {seal.noun.sealed_from.repository for seal in world.desired.seals.values()} == {ORIGIN}


def test_a_ticket_that_the_origin_lacks_is_sealed_where_it_is(world: World) -> None:
    two_tickets(world, SUMMIT)

    world.capture(SUMMIT)

    assert {seal.noun.sealed_from.repository for seal in world.desired.seals.values()} == {SUMMIT}
    assert world.steps() == []


def test_a_ticket_whose_files_are_gone_is_warned_of_and_has_no_seal(world: World) -> None:
    two_tickets(world, ORIGIN)
    butler, desired = world.butler(ORIGIN), world.desired
    lost = next(d for d in butler.datasets.values() if "DM-2" in d.run)
    butler.write_file(str(lost.path), None)

    captured = capture(Wanted(ORIGIN, INSTRUMENT, (), DAY), desired, world.places)
    sealed = seal_captured(captured, desired, world.places, NOW)

    assert [seal.ticket for seal in sealed.seals] == ["DM-1"]
    assert [warning.summary for warning in sealed.warnings] == ["Ticket is not sealed"]
    assert "DM-2" in sealed.warnings[0].detail


# --- what the files cannot say ---


def another_order(world: World) -> None:
    world.butler(SUMMIT).add_chain(TOP, [f"{TOP}/DM-1", f"{TOP}/DM-2"])


def other_content(world: World) -> None:
    world.butler(SUMMIT).add_calibration(f"{TOP}/DM-1/bias.20240101a", "dark", IN_2024)


def other_collections(world: World) -> None:
    butler = world.butler(SUMMIT)
    butler.add_calibration(f"{TOP}/DM-1/more", "dark", IN_2024)
    butler.add_chain(f"{TOP}/DM-1", [f"{TOP}/DM-1/bias.20240101a", f"{TOP}/DM-1/more"])


def retired(world: World) -> None:
    file = world.tree.state / "chains/LSSTComCam-calib.yaml"
    lines = [line for line in file.read_text().splitlines() if "- DM-1" not in line]
    file.write_text("\n".join([*lines, "retired:", "  DM-1: too old", ""]))
    world.butler(ORIGIN).add_chain(TOP, [f"{TOP}/DM-2"])


def skipped(world: World) -> None:
    file = world.tree.state / f"tickets/{INSTRUMENT}/DM-1.yaml"
    file.write_text(file.read_text() + f"  {SUMMIT}: no camera\n")


def not_adopted(world: World) -> None:
    world.butler(SUMMIT).add_chain(
        TOP, [add_ticket(world.butler(SUMMIT), "DM-3"), *world.butler(SUMMIT).seen[TOP].children]
    )
    world.tree.ticket("DM-3", "bias.20240101a", status="proposed")


def by_itself(world: World) -> None:
    world.butler(SUMMIT).add_chain(TOP, [f"{TOP}/DM-2", f"{TOP}/DM-1/bias.20240101a"])


def of_another_type(world: World) -> None:
    butler = world.butler(SUMMIT)
    butler.remove(TOP)
    butler.add_calibration(TOP, "bias", IN_2024)


def in_the_way(world: World) -> None:
    """Declare a chain that the repository has under a ticket's name."""
    world.tree.chain([], f"{TOP}/DM-1/bias.20240101b", only=[BASE])
    butler = world.butler(SUMMIT)
    butler.add_calibration(f"{TOP}/DM-1/bias.20240101b", "dark", IN_2024)
    butler.add_chain(TOP, [*butler.seen[TOP].children, f"{TOP}/DM-1/bias.20240101b"])


@pytest.mark.parametrize(
    ("change", "summary", "words"),
    [
        (another_order, "Another order", (f"searches {TOP}/DM-1 before {TOP}/DM-2",)),
        (other_content, "Other content", ("4 bias", "4 dark", "what was sealed for DM-1")),
        (other_collections, "Declared as something else", ("DM-1 lists", f"{TOP}/DM-1/more")),
        (retired, "Retired and searched", ("too old",)),
        (skipped, "Skipped and searched", ("no camera",)),
        (not_adopted, "Ticket not adopted", ('DM-3, which is "proposed"',)),
        (by_itself, "Declared as something else", ("a part of DM-1",)),
        (of_another_type, "Declared as something else", ("a CALIBRATION collection at summit/main",)),
        (in_the_way, "Declared as something else", ("declared as a chain",)),
    ],
)
def test_what_the_files_cannot_say_is_told_and_nothing_is_written(
    world: World, change, summary, words
) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    world.capture()
    change(world)
    world.butler(SUMMIT).add_calibration("u/more", "dark", IN_2024)
    before = world.read()

    with pytest.raises(RefusedError) as error:
        world.capture(SUMMIT)

    assert summary in refusals(error)
    assert all(word in refusals(error)[summary] for word in words)
    assert world.read() == before


def test_another_content_at_the_origin_is_told_where_nothing_is_sealed(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT)
    other_content(world)

    with pytest.raises(RefusedError) as error:
        world.capture(SUMMIT)

    assert f"not what {ORIGIN} holds" in refusals(error)["Other content"]


def test_another_content_than_its_bundle_is_told_where_nothing_is_sealed(world: World) -> None:
    two_tickets(world, ORIGIN)
    world.capture(seals=False)
    run = Run(world.places, lambda: NOW)
    list(converge(world.plan(), run, why="test", again=lambda failed: world.plan()))
    assert world.capture(seals=False) == []
    world.butler(ORIGIN).add_calibration(f"{TOP}/DM-1/bias.20240101a", "dark", IN_2024)

    with pytest.raises(RefusedError) as error:
        world.capture(seals=False)

    assert "not what its bundle holds for DM-1" in refusals(error)["Other content"]


def test_a_part_of_a_bare_ticket_cannot_be_said(world: World) -> None:
    bare = [f"{TOP}/DM-8/a", f"{TOP}/DM-8/b"]
    for address in (ORIGIN, SUMMIT):
        for name in bare:
            world.butler(address).add_calibration(name, "bias", IN_2024)
        world.butler(address).add_chain(TOP, bare if address == ORIGIN else bare[:1])
    world.capture()

    with pytest.raises(RefusedError, match="A part of a ticket is searched"):
        world.capture(SUMMIT)


def test_what_stands_amid_the_collections_of_a_ticket_cannot_be_said(world: World) -> None:
    bare = [f"{TOP}/DM-8/a", f"{TOP}/DM-8/b"]
    for address in (ORIGIN, SUMMIT):
        for name in (*bare, "u/x"):
            world.butler(address).add_calibration(name, "bias", IN_2024)
        world.butler(address).add_chain(TOP, bare if address == ORIGIN else [bare[0], "u/x", bare[1]])
    world.capture()

    with pytest.raises(RefusedError, match="Amid the collections of a ticket"):
        world.capture(SUMMIT, seals=False)


def test_a_declared_chain_that_is_not_there_is_told(world: World) -> None:
    two_tickets(world, ORIGIN)
    world.tree.chain(["DM-1"], f"{INSTRUMENT}/other")
    world.tree.ticket("DM-1", "bias.20240101a", skip={SUMMIT: "-", BASE: "-"})

    with pytest.raises(RefusedError, match="Not as declared"):
        world.capture()


def test_another_repository_is_not_reordered_by_what_is_found_here(world: World) -> None:
    """The extra that it has elsewhere in its chain is another's entry here."""
    two_tickets(world, ORIGIN, SUMMIT)
    world.capture()
    for address, children in ((ORIGIN, ["DM-2", "x", "DM-1"]), (SUMMIT, ["x", "DM-2", "DM-1"])):
        butler = world.butler(address)
        butler.add_calibration(f"{TOP}/x", "dark", IN_2024)
        butler.add_chain(TOP, [f"{TOP}/{child}" for child in children])
    before = world.read()

    with pytest.raises(RefusedError, match=f"Another would be changed: {ORIGIN}"):
        world.capture(SUMMIT)

    assert world.read() == before


def test_what_another_awaits_already_is_no_reason_to_refuse(world: World) -> None:
    two_tickets(world, ORIGIN, SUMMIT, BASE)
    world.capture()
    world.capture(SUMMIT)
    world.tree.ticket("DM-3", "bias.20240101a")
    file = world.tree.state / "chains/LSSTComCam-calib.yaml"
    file.write_text(file.read_text().replace("entries:\n", "entries:\n  - DM-3\n"))
    world.butler(BASE).add_calibration("u/x", "dark", IN_2024)
    world.butler(BASE).add_chain(TOP, ["u/x", *world.butler(BASE).seen[TOP].children])

    world.capture(BASE)

    assert world.desired.chains[TOP].noun.entries == ("DM-3", "u-x", "DM-2", "DM-1")
    assert world.desired.tickets[TicketKey(INSTRUMENT, "DM-3")].noun.skip.keys() == {BASE}


# --- any chain ---


LEAVES = ("bias", "dark", "camera")


@dataclass(frozen=True)
class Shape:
    """What a repository has: leaves, and chains over what is before them."""

    leaves: Mapping[str, str]
    """Kind of each."""
    chains: Mapping[str, tuple[str, ...]]
    """Children of each chain; the last is the default one."""


NAMES = (
    f"{TOP}/DM-1/a",
    f"{TOP}/DM-1/b",
    f"{TOP}/DM-2",
    f"{TOP}/DM-2/unbounded",
    f"{TOP}/DM-3/{INSTRUMENT}/a",
    "u/observer/x",
    "DM-1",
    "skymaps",
)
CHAINS = (f"{TOP}/DM-1", f"{TOP}/DM-3", f"{TOP}/DM-4", "refcats", "u/own")
KINDS = ("calibration", "calibration", "two ranges", "run", "raws", "tagged", "empty", "no range")


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    leaves = {
        name: draw(st.sampled_from(KINDS)) for name in draw(st.lists(st.sampled_from(NAMES), unique=True))
    }
    chains: dict[str, tuple[str, ...]] = {}
    for name in draw(st.lists(st.sampled_from(CHAINS), unique=True, max_size=4)):
        below = [child for child in (*leaves, *chains) if child != name]
        chains[name] = tuple(draw(st.lists(st.sampled_from(below), unique=True, max_size=4)) if below else ())
    below = [*leaves, *chains]
    chains[TOP] = tuple(draw(st.lists(st.sampled_from(below), unique=True)) if below else ())
    return Shape(leaves, chains)


def build(shape: Shape, butler: MemoryButler) -> None:
    for number, (name, kind) in enumerate(shape.leaves.items()):
        type_ = LEAVES[number % len(LEAVES)]
        match kind:
            case "calibration":
                butler.add_calibration(name, type_, IN_2024)
            case "two ranges":
                butler.add_calibration(name, type_, IN_2024, IN_2025)
            case "run":
                butler.add_run(name, type_)
            case "raws":
                butler.add_run(name, "verifyBiasStats")
            case "tagged":
                butler.add_run(f"{name}.run", type_)
                butler.add_tagged(name, f"{name}.run")
            case "empty":
                butler.add_empty(name, CollectionType.CALIBRATION)
            case "no range":
                butler.add_empty(name, CollectionType.RUN)
    for name, children in shape.chains.items():
        butler.add_chain(name, children)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        yield Path(made)


def fresh(folder: Path) -> World:
    shutil.rmtree(folder / "state", ignore_errors=True)
    return make_world(folder)


@given(shape=shapes())
@thorough
def test_whatever_is_captured_is_sound_and_changes_nothing(folder: Path, shape: Shape) -> None:
    world = fresh(folder)
    build(shape, world.butler(ORIGIN))

    world.capture()

    assert (world.steps(), world.drift()) == ([], [])
    assert world.capture() == []


@given(shape=shapes())
@thorough
def test_captured_and_deployed_anew_it_selects_the_same(folder: Path, shape: Shape) -> None:
    world = fresh(folder)
    tagged = "tagged" in shape.leaves.values()
    build(shape, world.butler(ORIGIN))
    world.capture()

    world.deploy_to(NEW)

    there = effective(world.butler(NEW), TOP).fingerprint
    assert tagged or there == effective(world.butler(ORIGIN), TOP).fingerprint


@given(one=shapes(), other=shapes(), first=st.sampled_from([ORIGIN, SUMMIT]))
@thorough
def test_a_second_repository_is_described_or_refused_and_then_nothing_is_written(
    folder: Path, one: Shape, other: Shape, first: Place
) -> None:
    world = fresh(folder)
    build(one, world.butler(first))
    second = SUMMIT if first == ORIGIN else ORIGIN
    build(other, world.butler(second))

    for number, address in enumerate((first, second), 1):
        before = world.read()
        try:
            world.capture(address)
            event(f"{number}: described")
        except RefusedError as error:
            event(f"{number}: refused: {error.diagnostics[0].summary}")
            assert world.read() == before
        assert (world.steps(), world.drift()) == ([], [])


# --- cut off ---


class Killed(BaseException):
    """What nothing catches."""


def kill_at(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die where a file would get its name; its temporary one is left."""
    rename, left = os.replace, [number]

    def replace(source: Path, target: Path) -> None:
        if "/state/" in str(target):
            if not left[0]:
                raise Killed
            left[0] -= 1
        rename(source, target)

    monkeypatch.setattr("calibstate.store.treefile.os.replace", replace)


def second_site(folder: Path) -> World:
    """Return a world whose second repository needs files of every kind."""
    world = make_world(folder)
    two_tickets(world, ORIGIN, SUMMIT)
    world.capture()
    butler = world.butler(SUMMIT)
    butler.add_calibration("u/x", "dark", IN_2024)
    butler.add_run("raws", "verifyBiasStats")
    butler.add_chain("inner", ["u/x", "raws"])
    butler.add_chain("outer", ["inner", add_ticket(butler, "DM-3")])
    butler.add_chain(TOP, ["outer", f"{TOP}/DM-1"])
    return world


@pytest.mark.parametrize("number", range(8))
def test_cut_off_between_two_files_it_is_completed_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    whole = second_site(tmp_path / "whole")
    written = whole.capture(SUMMIT)
    assert len(written) == 8
    world = second_site(tmp_path / "cut")

    with monkeypatch.context() as patch:
        kill_at(number, patch)
        with pytest.raises(Killed):
            world.capture(SUMMIT)
    statefile.load(world.tree.state)
    world.capture(SUMMIT)

    assert world.read() == whole.read()
    assert world.steps() == []
