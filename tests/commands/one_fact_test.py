"""One fact that a step stands on is changed after the plan was saved.

The plan is refused, by the fact's name, and nothing is written; what no step
stands on changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.commands import stock
from tests.commands.sites import INSTRUMENT, LEAVES, ORIGIN, SUMMIT, TOP, Sites

OLD, NEW, NEWEST = f"{TOP}/DM-1", f"{TOP}/DM-2", f"{TOP}/DM-3"
LEAF, OTHER_LEAF = (f"{NEW}/{leaf}" for leaf in ("bias.20240101a", "flat.20240101a"))
THEIRS = "u/somebody/bias"
CHAIN_FILE = f"chains/{INSTRUMENT}-calib.yaml"


@dataclass(frozen=True)
class Fact:
    """Something that is changed, and what the refusal names."""

    name: str
    change: Callable[[Sites], object]
    told: str = ""
    """Of what no step stands on: nothing."""
    often: bool = False
    """Whether it is among the sample that is always tried."""


# What is changed at the repository of a chain that is about to be written


def redefine(children: Callable[[list[str]], list[str]], name: str = NEW) -> Callable[[Sites], None]:
    return lambda sites: sites.change_chain(SUMMIT, children, name)


def put_theirs_in_front(sites: Sites) -> None:
    sites.add_own(SUMMIT, THEIRS)
    sites.change_chain(SUMMIT, lambda children: [THEIRS, *children], NEW)


def put_a_chain_below(sites: Sites) -> None:
    sites.add_own(SUMMIT, THEIRS)
    stock.collection_chain(sites.path(SUMMIT), "u/somebody/chain", THEIRS)
    sites.change_chain(SUMMIT, lambda children: [*children, "u/somebody/chain"], NEW)


def turn_into_a_chain(sites: Sites) -> None:
    """Put a chain of the same name where a collection was."""
    with sites.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(NEW, [])
        butler.registry.removeCollection(LEAF)
        world.add_chain(butler, LEAF, [f"{LEAF}.run"])
        butler.collections.redefine_chain(NEW, [LEAF, OTHER_LEAF])


def decertify(address: str, leaf: str) -> Callable[[Sites], None]:
    def change(sites: Sites) -> None:
        with sites.butler(address) as butler:
            dataset_type = leaf.rpartition("/")[2].partition(".")[0]
            butler.registry.decertify(leaf, dataset_type, world.timespan(world.IN_2024))

    return change


def certify_theirs(address: str, leaf: str) -> Callable[[Sites], None]:
    def change(sites: Sites) -> None:
        with sites.butler(address) as butler:
            refs = world.add_run(butler, "u/somebody/run", "dark")
            butler.registry.certify(leaf, refs, world.timespan(world.IN_2025))

    return change


def forget_a_file(sites: Sites) -> None:
    """Take a dataset out of the datastore, and leave its certification."""
    with sites.butler(SUMMIT) as butler:
        ref = next(iter(butler.registry.queryDatasets("bias", collections=f"{LEAF}.run")))
        butler.pruneDatasets([ref], disassociate=False, unstore=True)


def a_file_of(sites: Sites, ticket: str) -> Path:
    name = next(name for name in sites.files(SUMMIT) if f"/{ticket}/" in name)
    return sites.path(SUMMIT) / name


def cut(sites: Sites) -> None:
    file = a_file_of(sites, "DM-2")
    file.write_bytes(file.read_bytes()[:5])


def cut_and_record_so(sites: Sites) -> None:
    """Cut a file, so that its bundle alone knows how large it was."""
    cut(sites)
    with closing(sqlite3.connect(sites.path(SUMMIT) / "gen3.sqlite3")) as database, database:
        path = a_file_of(sites, "DM-2").relative_to(sites.path(SUMMIT))
        database.execute("UPDATE file_datastore_records SET file_size = 5 WHERE path = ?", (str(path),))
        assert database.execute("SELECT changes()").fetchone() == (1,)


def hand_chain(*children: str) -> Callable[[Sites], None]:
    return lambda sites: sites.change_chain(SUMMIT, lambda live: list(children))


def chain_of_others(sites: Sites) -> None:
    sites.add_own(SUMMIT, THEIRS)
    sites.change_chain(SUMMIT, lambda children: [THEIRS, *children])


# What is changed in a file


def edit(file: str, **more: object) -> Callable[[Sites], None]:
    def change(sites: Sites) -> None:
        path = sites.tree.state / file
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **more}))

    return change


def edit_ticket(ticket: str, **more: object) -> Callable[[Sites], None]:
    return edit(f"tickets/{INSTRUMENT}/{ticket}.yaml", **more)


def move_repository(sites: Sites) -> None:
    """Declare that the repository is somewhere else; it is a copy there."""
    path = sites.tree.state / "sites" / "summit.yaml"
    declared = yaml.safe_load(path.read_text())
    butler = declared["repositories"]["LSSTComCam"]["butler"]
    declared["repositories"]["LSSTComCam"]["butler"] = f"{butler}/../{Path(butler).name}"
    path.write_text(yaml.safe_dump(declared))


def declare_an_instrument(sites: Sites) -> None:
    path = sites.tree.state / "sites" / "usdf.yaml"
    declared = yaml.safe_load(path.read_text())
    declared["repositories"]["main"]["instruments"].append("LATISS")
    path.write_text(yaml.safe_dump(declared))
    approval = {"status": "proposed", "note": "made for a test"}
    ticket = {"ticket": "DM-9", "instrument": "LATISS", "approval": approval, "collections": ["bias"]}
    (sites.tree.state / "tickets" / "LATISS").mkdir()
    (sites.tree.state / "tickets" / "LATISS" / "DM-9.yaml").write_text(yaml.safe_dump(ticket))


def comment(sites: Sites) -> None:
    path = sites.tree.state / "chains" / f"{INSTRUMENT}-calib.yaml"
    path.write_text(f"# Ask Ann before.\n{path.read_text()}")


CHAIN = (
    Fact("the ticket chain lacks a child", redefine(lambda live: live[:1]), f"{NEW} in {SUMMIT}", often=True),
    Fact("the ticket chain is empty", redefine(lambda live: []), f"{NEW} in {SUMMIT}"),
    Fact("the ticket chain is turned round", redefine(lambda live: live[::-1]), f"{NEW} in {SUMMIT}"),
    Fact("somebody is in front in the ticket chain", put_theirs_in_front, THEIRS, often=True),
    Fact("a chain of somebody's is below it", put_a_chain_below, "u/somebody/chain"),
    Fact("a collection is a chain now", turn_into_a_chain, LEAF),
    Fact("a range is decertified", decertify(SUMMIT, OTHER_LEAF), f"{OTHER_LEAF} in {SUMMIT}"),
    Fact("a range is certified", certify_theirs(SUMMIT, LEAF), f"{LEAF} in {SUMMIT}"),
    Fact("a file is not recorded", forget_a_file, "1 are not recorded in the datastore: bias", often=True),
    Fact("a file is gone", lambda sites: a_file_of(sites, "DM-2").unlink(), "1 have no file"),
    Fact("a file is cut", cut, "1 have a file of another size"),
    Fact("a file is cut, and recorded so", cut_and_record_so, "size than the bundle says", often=True),
    Fact("the chain is empty", hand_chain(), "found no children"),
    Fact("somebody is in the chain", chain_of_others, f"found children {THEIRS}"),
    Fact("the order is another one", edit(CHAIN_FILE, entries=["DM-1", "DM-2"]), "children"),
    Fact(
        "a child is retired",
        edit(CHAIN_FILE, entries=["DM-2"], retired={"DM-1": "replaced"}),
        "children was",
    ),
    Fact("the ticket is skipped", edit_ticket("DM-2", skip={"summit": "not yet"}), "children was"),
    Fact("the ticket is on hold", edit_ticket("DM-2", hold="wait"), "DM-2 is on hold: wait"),
    Fact("the repository is elsewhere", move_repository, f"address of {SUMMIT}", often=True),
)


def take_name(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        world.add_chain(butler, f"{NEWEST}/bias.20240101a", [])


def begin_leaf(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.register(f"{NEWEST}/bias.20240101a", CollectionType.CALIBRATION)


def remove_at_origin(sites: Sites) -> None:
    stock.remove_runs(sites.path(ORIGIN), f"{NEWEST}/bias.20240101a.run")


def withdraw(sites: Sites) -> None:
    edit_ticket("DM-3", approval={"status": "flagged"})(sites)
    edit(CHAIN_FILE, entries=["DM-2", "DM-1"])(sites)


TICKET = (
    Fact("the origin has another content", decertify(ORIGIN, f"{NEWEST}/bias.20240101a"), f"in {ORIGIN}"),
    Fact("the origin lost a run", remove_at_origin, f"in {ORIGIN}", often=True),
    Fact("a name is taken", take_name, f"{NEWEST}/bias.20240101a in {SUMMIT}", often=True),
    Fact("somebody has begun a collection", begin_leaf, f"{NEWEST}/bias.20240101a in {SUMMIT}"),
    Fact(
        "the ticket has other collections",
        edit_ticket("DM-3", collections=[*LEAVES][:1]),
        "collections was",
    ),
    Fact(
        "the archive is elsewhere",
        edit("calibstate.yaml", archive="../state/../archive"),
        "address of archive was",
    ),
    Fact("the ticket is no more adopted", withdraw, "DM-3"),
)

UNRELATED = (
    Fact("a summary", edit_ticket("DM-2", summary="Said otherwise"), often=True),
    Fact("a note of a site", edit("sites/summit.yaml", note="Ask Ann before", title="The summit")),
    Fact("hosts", edit("sites/summit.yaml", hosts=["*"])),
    Fact(
        "a report", edit_ticket("DM-1", approval={"status": "adopted", "note": "x", "report": "https://a.b"})
    ),
    Fact("another instrument", declare_an_instrument),
    Fact("a comment", comment),
    Fact("another collection there", lambda sites: sites.add_own(SUMMIT, THEIRS)),
    Fact("a child that is searched already", redefine(lambda live: live[::-1], OLD)),
    Fact("a file of what is searched already", lambda sites: a_file_of(sites, "DM-1").unlink()),
)


def each(facts: tuple[Fact, ...]) -> pytest.MarkDecorator:
    marks = [() if fact.often else pytest.mark.slow for fact in facts]
    cases = [pytest.param(fact, marks=mark, id=fact.name) for fact, mark in zip(facts, marks, strict=True)]
    return pytest.mark.parametrize("fact", cases)


@pytest.fixture(scope="module")
def with_a_chain_to_write(sites_deployed_once: Sites, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites with a saved plan that puts DM-2 in front; to copy."""
    sites = sites_deployed_once.copied_to(tmp_path_factory.mktemp("one-fact") / "chain", Unheard())
    sites.change_chain(SUMMIT, lambda live: [OLD])
    assert sites.run("plan", "-o", str(sites.tree.folder / "plan.json")).code == 2
    steps = json.loads((sites.tree.folder / "plan.json").read_text())["steps"]
    assert [step["do"] for step in steps] == ["prepend-to-chain"]
    return sites


@pytest.fixture(scope="module")
def with_a_ticket_to_bring(sites_deployed_once: Sites, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites with a saved plan that brings DM-3; to copy."""
    sites = sites_deployed_once.copied_to(tmp_path_factory.mktemp("one-fact") / "ticket", Unheard())
    sites.make_ticket("DM-3")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert sites.run("plan", "-o", str(sites.tree.folder / "plan.json")).code == 2
    return sites


class Unheard:
    """Takes nothing of what is written."""

    def readouterr(self) -> tuple[str, str]:
        return "", ""


def refused(made: Sites, folder: Path, capsys: pytest.CaptureFixture[str], fact: Fact) -> None:
    with closing(made.copied_to(folder / "sites", capsys)) as sites:
        fact.change(sites)
        before = sites.snapshot("repo", "archive")
        ran = sites.apply(str(sites.tree.folder / "plan.json"))
        assert (ran.code, sites.snapshot("repo", "archive") == before) == (3, True), ran.err
        assert fact.told in ran.err
        assert sites.locks() == []


@each(CHAIN)
def test_a_chain_is_not_written_when_one_fact_has_changed(
    with_a_chain_to_write: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str], fact: Fact
) -> None:
    refused(with_a_chain_to_write, tmp_path, capsys, fact)


@each(TICKET)
def test_a_ticket_is_not_brought_when_one_fact_has_changed(
    with_a_ticket_to_bring: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str], fact: Fact
) -> None:
    refused(with_a_ticket_to_bring, tmp_path, capsys, fact)


@each(UNRELATED)
def test_what_no_step_stands_on_makes_no_plan_stale(
    with_a_chain_to_write: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str], fact: Fact
) -> None:
    with closing(with_a_chain_to_write.copied_to(tmp_path / "sites", capsys)) as sites:
        fact.change(sites)
        ran = sites.apply(str(sites.tree.folder / "plan.json"))
        assert (ran.code, sites.chain(SUMMIT)) == (0, (NEW, OLD)), ran.err
