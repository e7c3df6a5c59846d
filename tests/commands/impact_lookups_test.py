"""What impact tells is what the butler finds, before and after."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lsst.daf.butler import Butler, DatasetRef, Timespan
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.cli.demo import build_world
from calibstate.model.seals import unfold
from calibstate.model.timespans import UNBOUNDED, Range, parse_tai
from tests import real_files
from tests.lookups import Asked, associations, everything, look_up
from tests.real_files import DECAM, HSC
from tests.row_by_row import row_by_row
from tests.tree import Ran, Tree

ALL = os.environ.get("CALIBSTATE_TEST_ALL") == "1"
LOOKED_UP = 300
"""Lookups that are compared, unless all are."""

Changed = dict[tuple[str, str, int], tuple[str | None, str | None]]
"""RUN that is found before and after, by dataset type, data ID and moment."""


@dataclass(frozen=True)
class Place:
    """A tree in Git, and the origin that it speaks of."""

    tree: Tree
    origin: str
    chain: str
    tickets: Mapping[str, Sequence[str]]
    """What stands in the chain for each ticket, in search order."""

    @property
    def repository(self) -> Path:
        return self.tree.repository(self.origin)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(tree: Tree) -> None:
    git(tree.state, "init", "-q", "-b", "main")
    git(tree.state, "add", "-A")
    git(tree.state, "commit", "-q", "-m", "as it was")


@pytest.fixture(scope="module")
def comcam(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return the published LSSTComCam chain, sealed."""
    folder = tmp_path_factory.mktemp("impact") / "world"
    build_world(folder, None)
    tree = Tree(folder)
    file = tree.state / "chains" / "LSSTComCam.yaml"
    tickets = [line.strip(" -\n") for line in file.read_text().splitlines() if line.startswith("  - ")]
    seal(tree, tickets)
    commit(tree)
    bare = {"DM-48650": ("LSSTComCam/calib/DM-48650", "LSSTComCam/calib/DM-48650/unbounded")}
    named = {ticket: bare.get(ticket, (f"LSSTComCam/calib/{ticket}",)) for ticket in tickets}
    return Place(tree, "usdf/main", "LSSTComCam/calib", named)


@pytest.fixture(scope="module")
def both_cameras(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return the published DECam and HSC calibrations in one repository."""
    tree = Tree(tmp_path_factory.mktemp("impact") / "real", instrument="HSC")
    tree.settings(formatters=real_files.FORMATTERS)
    tree.site("usdf", {"main": "origin"})
    repository = tree.repository("usdf/main")
    real_files.load(HSC, repository)
    other = tree.folder / "decam"
    real_files.load(DECAM, other)
    with (
        real_files.stack(),
        Butler.from_config(str(repository), writeable=True) as butler,
        Butler.from_config(str(other)) as source,
    ):
        bring(butler, source, "DECam/calib")
        certify_otherwise(butler, "HSC/calib/gen2/20180117", "HSC/calib/again")
        certify_otherwise(butler, "DECam/calib", "DECam/calib/again")
    tickets = {
        "curated": ("HSC/calib/curated",),
        "gen2": ("HSC/calib/gen2/20180117",),
        "decam": ("DECam/calib",),
        "again": ("HSC/calib/again", "DECam/calib/again"),
    }
    for ticket, names in tickets.items():
        tree.ticket(ticket, bare=list(names))
    tree.chain(list(tickets), "HSC/both")
    seal(tree, list(tickets))
    commit(tree)
    return Place(tree, "usdf/main", "HSC/both", tickets)


def bring(butler: Butler, source: Butler, collection: str) -> None:
    """Have a CALIBRATION collection of one repository in another too."""
    certified = [(ref, span) for name, ref, span in associations(source) if name == collection]
    refs = list({ref.id: ref for ref, _ in certified}.values())
    butler.transfer_from(source, refs, transfer="copy", register_dataset_types=True, transfer_dimensions=True)
    butler.collections.register(collection, CollectionType.CALIBRATION)
    for ref, span in certified:
        butler.registry.certify(collection, [ref], Timespan(None, None, _nsec=span))


def certify_otherwise(butler: Butler, collection: str, into: str) -> None:
    """Certify datasets for the ranges of others of the same data ID.

    One that has no other is certified for half of its own.
    """
    by_data_id: dict[object, list[tuple[DatasetRef, Range]]] = {}
    for name, ref, span in associations(butler):
        if name == collection:
            by_data_id.setdefault((ref.datasetType.name, ref.dataId), []).append((ref, span))
    butler.collections.register(into, CollectionType.CALIBRATION)
    for certified in by_data_id.values():
        certified.sort(key=lambda one: one[1])
        for (ref, (begin, end)), (_, other) in zip(certified, certified[1:] + certified[:1], strict=True):
            span = other if len(certified) > 1 else (begin, (begin + end) // 2)
            butler.registry.certify(into, [ref], Timespan(None, None, _nsec=span))


def seal(tree: Tree, tickets: Sequence[str]) -> None:
    process = tree.spawn("seal", *tickets)
    _, err = process.communicate()
    assert process.returncode == 0, err


def without(ticket: str) -> Callable[[list[str]], list[str]]:
    return lambda order: [one for one in order if one != ticket]


def in_front(ticket: str) -> Callable[[list[str]], list[str]]:
    return lambda order: [ticket, *without(ticket)(order)]


def last(ticket: str) -> Callable[[list[str]], list[str]]:
    return lambda order: [*without(ticket)(order), ticket]


def sampled(orders: Iterable[str], *always: str) -> list[Any]:
    return [pytest.param(one, marks=() if one in always else pytest.mark.slow) for one in orders]


ORDERS = {
    "reversed": lambda order: order[::-1],
    "the newest flats leave": without("DM-48520"),
    "the illumination correction leaves": without("DM-48955"),
    "the flats of all filters come first": in_front("DM-47499"),
    "an older ticket comes first": in_front("DM-47197"),
    "the newest defects go last": last("DM-47365"),
    "half of it leaves": lambda order: order[::2],
    "all but one leaves": lambda order: order[-1:],
}


@pytest.mark.parametrize("order", sampled(ORDERS, "half of it leaves"))
def test_every_lookup_in_the_comcam_chain_changes_as_told(
    comcam: Place, order: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(comcam, ORDERS[order], capsys)


REAL_ORDERS = {
    "other ranges over both": in_front("again"),
    "DECam over HSC and both by other ranges": lambda order: ["again", "decam", "curated", "gen2"],
    "only other ranges stay": lambda order: ["again"],
    "HSC alone": without("decam"),
    "DECam alone": lambda order: ["decam"],
    "gen2 leaves": without("gen2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("order", REAL_ORDERS)
def test_every_lookup_in_real_files_changes_as_told(
    both_cameras: Place, order: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(both_cameras, REAL_ORDERS[order], capsys)


@pytest.mark.parametrize(
    "order", sampled(["half of it leaves", "reversed", "all but one leaves"], "half of it leaves")
)
def test_what_enters_is_told_as_what_leaves_backwards(
    comcam: Place, order: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(comcam, ORDERS[order], capsys, backwards=True)


def hold(
    place: Place,
    order: Callable[[list[str]], list[str]],
    capsys: pytest.CaptureFixture[str],
    *,
    backwards: bool = False,
) -> None:
    """Hold what is told to what the butler finds."""
    declared = list(place.tickets)
    with changed(place, order(declared), backwards=backwards):
        sealed = told(place, place.tree.run(capsys, "impact", "HEAD", "--format", "json"))
        live = told(
            place, place.tree.run(capsys, "impact", "HEAD", "--format", "json", "--live", place.origin)
        )
    before, after = (declared, order(declared)) if not backwards else (order(declared), declared)
    assert live == sealed
    with Butler.from_config(str(place.repository), writeable=True) as butler:
        children = [[name for ticket in one for name in place.tickets[ticket]] for one in (before, after)]
        asked = moments(butler)
        found = looked_up(butler, children, asked)
        assert predicted(sealed, asked) == found
        assert found
    for one in sealed:
        assert one["what"] == word(one, before, place)


class changed:  # noqa: N801 - it reads as a word
    """A tree with another order; or Git with it, and the tree as declared."""

    def __init__(self, place: Place, order: Sequence[str], *, backwards: bool) -> None:
        self.place, self.order, self.backwards = place, order, backwards

    def __enter__(self) -> None:
        state = self.place.tree.state
        self.file = next(
            file
            for file in (state / "chains").iterdir()
            if f"chain: {self.place.chain}\n" in file.read_text()
        )
        self.right = self.file.read_text()
        self.file.write_text(with_order(self.right, list(self.place.tickets), self.order))
        if self.backwards:
            git(state, "checkout", "-q", "--detach")
            git(state, "commit", "-q", "-a", "-m", "another order")
            self.file.write_text(self.right)

    def __exit__(self, *_: object) -> None:
        if self.backwards:
            git(self.place.tree.state, "checkout", "-q", "-f", "main")
        self.file.write_text(self.right)


def with_order(text: str, declared: Sequence[str], order: Sequence[str]) -> str:
    """Return a chain file with other entries; what leaves is retired."""
    head = text[: text.index("entries:")]
    entries = "".join(f"  - {ticket}\n" for ticket in order)
    leaving = "".join(f"  {ticket}: for a test\n" for ticket in declared if ticket not in order)
    return f"{head}entries:\n{entries}" + (f"retired:\n{leaving}" if leaving else "")


def told(place: Place, ran: Ran) -> list[dict[str, Any]]:
    """Return the changes at the origin, in its chain."""
    assert ran.code == 0, ran.err
    there = {"repository": place.origin, "chain": place.chain}
    changes = [one for one in ran.json["changes"] if there in one["chains"]]
    # Which others change alike is no matter here.
    return [{**one, "chains": [there]} for one in changes]


def moments(butler: Butler) -> list[tuple[Asked, int]]:
    asked = [(one, moment) for one in everything(butler) for moment in one.moments()]
    return asked if ALL else Random("impact").sample(asked, min(LOOKED_UP, len(asked)))


def looked_up(
    butler: Butler, children: Sequence[Sequence[str]], asked: Sequence[tuple[Asked, int]]
) -> Changed:
    """Return what the butler finds otherwise through one chain and another."""
    names = ("tests/before", "tests/after")
    for name, has in zip(names, children, strict=True):
        butler.collections.register(name, CollectionType.CHAINED)
        butler.collections.redefine_chain(name, has)
    found: Changed = {}
    uuids: dict[str, str] = {}
    with butler.registry.caching_context():
        for one, moment in asked:
            was, is_now = (look_up(butler, one, name, moment) for name in names)
            if was != is_now:
                runs = tuple(run_of(butler, uuid, uuids) for uuid in (was, is_now))
                found[one.dataset_type, one.text, moment] = (runs[0], runs[1])
    return found


def run_of(butler: Butler, uuid: str | None, known: dict[str, str]) -> str | None:
    if uuid is not None and uuid not in known:
        (ref,) = butler.get_many_datasets([uuid])
        known[uuid] = ref.run
    return known[uuid] if uuid else None


def predicted(changes: Sequence[Mapping[str, Any]], asked: Sequence[tuple[Asked, int]]) -> Changed:
    by_key: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for change in changes:
        for data_id in unfold(change["data_ids"], change["instrument"]):
            by_key.setdefault((change["dataset_type"], data_id), []).append(change)
    return {
        (one.dataset_type, one.text, moment): (run(change["before"]), run(change["after"]))
        for one, moment in asked
        for change in by_key.get((one.dataset_type, one.text), ())
        if bound(change["begin"], UNBOUNDED[0]) <= moment < bound(change["end"], UNBOUNDED[1])
    }


def run(via: Mapping[str, str] | None) -> str | None:
    return via["run"] if via else None


def bound(text: str | None, unbounded: int) -> int:
    return unbounded if text is None else parse_tai(text)


def word(change: Mapping[str, Any], before: Sequence[str], place: Place) -> str:
    """Return what a change is, from the words' meaning."""
    was, is_now = change["before"], change["after"]
    if was is None or is_now is None:
        return "newly covered" if was is None else "lost"
    owners = [name for ticket in before for name in place.tickets[ticket]]
    had = any(is_now["collection"] == name or is_now["collection"].startswith(f"{name}/") for name in owners)
    return "reverted" if had else "replaced"


@pytest.mark.parametrize("place", ["comcam", pytest.param("both_cameras", marks=pytest.mark.slow)])
def test_row_by_row_the_same_is_told_to_the_byte(
    place: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    at: Place = request.getfixturevalue(place)
    until = ("--observed-until", "2025-02-11")
    live = ("--live", at.origin, "--exposures", "day_obs > 0")
    asked = [(), ("--format", "json"), ("--format", "markdown"), live, (*live, "--format", "json")]
    with changed(at, list(at.tickets)[::2], backwards=False):
        together = [at.tree.run(capsys, "impact", "HEAD", *until, *more) for more in asked]
        with row_by_row():
            singly = [at.tree.run(capsys, "impact", "HEAD", *until, *more) for more in asked]
    assert together == singly
    assert together[1].json["changes"]


def test_the_document_fits_its_schema(comcam: Place, capsys: pytest.CaptureFixture[str]) -> None:
    from jsonschema import Draft202012Validator

    from calibstate.store.schemas import schemas

    with changed(comcam, list(comcam.tickets)[1:], backwards=False):
        ran = comcam.tree.run(capsys, "impact", "HEAD", "--format", "json")

    Draft202012Validator(schemas()["impact.json"]).validate(json.loads(ran.out))
