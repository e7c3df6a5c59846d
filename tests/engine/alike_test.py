"""Data IDs that are looked at together get what each gets by itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from calibstate.lookups.affected import affected
from calibstate.lookups.alike import Alike
from calibstate.lookups.impact import impact
from calibstate.model.chains import ChainFile
from calibstate.model.contents import Block, CollectionType, Holding, Row
from calibstate.model.desired import DesiredState, Lines, Written
from calibstate.model.names import Place, TicketKey
from calibstate.model.repositories import Site
from calibstate.model.scope import Scope
from calibstate.model.seals import Seal, SealedCollection, SealedFrom, SealedType, extent
from calibstate.model.settings import Settings
from calibstate.model.tickets import Ticket
from calibstate.ports.butler import SeenCollection, SeenExposure
from tests.row_by_row import row_by_row

INSTRUMENT = "LSSTComCam"
TOP, OTHER = f"{INSTRUMENT}/calib", f"{INSTRUMENT}/other"
DAYS: list[str | None] = [None, *(f"2024-01-0{day}T00:00:00" for day in range(1, 6))]
TICKETS = {"DM-1": ("a", "b"), "DM-2": ("a",), "DM-3": ("a",), "DM-4": ("u/cy/one", "u/cy/two")}
BARE = {"DM-4"}
RAW = "u/ann/raw"
FOUND = frozenset({"bias", "flat"})

ALL = os.environ.get("CALIBSTATE_TEST_ALL") == "1"
many = settings(deadline=None, max_examples=1000 if ALL else 15)

spans = st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map(
    lambda pair: (
        {"begin": "empty", "end": "empty"}
        if pair[0] and pair[1] and pair[0] >= pair[1]
        else {"begin": pair[0], "end": pair[1]}
    )
)
detectors = st.sampled_from(["0..3", "0..1", "2..3", "1", "0,2", 3, ["0", "1", "2", "3"]])
filters = st.sampled_from(["g_01", ["g_01", "r_03"], "r_03"])
runs = st.none() | st.sampled_from(["u/run/1", "u/run/2"])


@st.composite
def entries(draw: st.DrawFn, dataset_type: str) -> dict[str, Any]:
    named: dict[str, Any] = {"detector": draw(detectors)}
    if dataset_type == "flat":
        named["physical_filter"] = draw(filters)
    run = draw(runs)
    return {**named, **draw(spans), **({"run": run} if run else {})}


@st.composite
def sealed_types(draw: st.DrawFn) -> dict[str, SealedType]:
    found = {}
    for dataset_type in draw(st.sets(st.sampled_from(sorted(FOUND)), min_size=0)):
        coverage = tuple(draw(st.lists(entries(dataset_type), min_size=1, max_size=4)))
        found[dataset_type] = SealedType(datasets=extent(coverage), run=draw(runs), coverage=coverage)
    return dict(sorted(found.items()))


@st.composite
def seals(draw: st.DrawFn, ticket: str) -> Seal:
    digest = f"sha256:{'0' * 64}"
    return Seal(
        ticket=ticket,
        instrument=INSTRUMENT,
        fingerprint=digest,
        content=digest,
        digest=digest,
        sealed_from=SealedFrom(repository="usdf/main", at="2025-01-01T00:00:00.000Z"),
        files=1,
        bytes=1,
        full_names=ticket in BARE,
        collections={
            name: SealedCollection(fingerprint=digest, types=draw(sealed_types())) for name in TICKETS[ticket]
        },
    )


def names_of(ticket: str) -> list[str]:
    names = TICKETS[ticket]
    return list(names) if ticket in BARE else [f"{TOP}/{ticket}/{name}" for name in names]


def written(noun: Any) -> Written[Any]:
    return Written(noun, Lines("a.yaml", {}, {}))


def site(name: str, repositories: Mapping[str, str]) -> Site:
    said = {
        repository: {"butler": f"/{name}/{repository}", "instruments": [INSTRUMENT], "route": route}
        for repository, route in repositories.items()
    }
    return Site.model_validate({"site": name, "repositories": said})


@st.composite
def declarations(draw: st.DrawFn) -> DesiredState:
    """Return some declaration of tickets that are sealed, or not."""
    words = [*TICKETS, "u/cy/two"]
    listed = draw(st.permutations(words))[: draw(st.integers(0, len(words)))]
    if "DM-4" in listed and "u/cy/two" in listed:
        listed.remove("u/cy/two")
    own: list[Any] = [{"external": RAW}] if draw(st.booleans()) else []
    skipping = draw(st.sets(st.sampled_from([*TICKETS]), max_size=2))
    tickets = [
        Ticket.model_validate(
            {
                "ticket": ticket,
                "instrument": INSTRUMENT,
                "approval": {"status": "adopted", "note": "a test"},
                "bare" if ticket in BARE else "collections": names_of(ticket),
                "skip": {"summit": "a test"} if ticket in skipping else {},
            }
        )
        for ticket in TICKETS
    ]
    said = {"instrument": INSTRUMENT}
    chains = [
        ChainFile.model_validate({**said, "chain": TOP, "entries": listed}),
        ChainFile.model_validate({**said, "chain": OTHER, "entries": [*own, TOP], "only": ["usdf"]}),
    ]
    sealed = draw(st.sets(st.sampled_from([*TICKETS]), min_size=2))
    sites = [site("usdf", {"main": "origin", "embargo": "copy"}), site("summit", {"main": "copy"})]
    return DesiredState(
        "/state",
        written(Settings(version=1, archive="archive", records="records")),
        {one.site: written(one) for one in sites},
        {ticket.key: written(ticket) for ticket in tickets},
        {chain.chain: written(chain) for chain in chains},
        {TicketKey(INSTRUMENT, ticket): written(draw(seals(ticket))) for ticket in sorted(sealed)},
    )


@dataclass
class Live:
    """A repository that holds whatever it holds."""

    held: Mapping[str, Holding]
    extra: Sequence[str]

    def collections(self, names: Any) -> Mapping[str, SeenCollection]:
        there = {name: SeenCollection(name, CollectionType.CALIBRATION) for name in self.held}
        there[TOP] = SeenCollection(TOP, CollectionType.CHAINED, tuple(self.extra))
        return {name: there[name] for name in names if name in there}

    def holdings(self, names: Any, *, calibrations_only: bool = False) -> Mapping[str, Holding]:
        return {name: self.held[name] for name in names if name in self.held}

    def runs(self, uuids: Any) -> Mapping[str, str]:
        return {uuid: f"u/run/{uuid[-1]}" for uuid in uuids}


bounds = st.integers(0, 12)
rows = st.builds(
    Row,
    st.sampled_from(sorted(FOUND)),
    st.sampled_from([f"detector={n},instrument={INSTRUMENT}" for n in range(4)]),
    st.sampled_from([f"{n}-{run}" for n in range(3) for run in range(2)]),
    bounds,
    bounds,
)
LEAVES = [name for ticket in TICKETS for name in names_of(ticket)]


@st.composite
def repositories(draw: st.DrawFn) -> Live:
    names = draw(st.sets(st.sampled_from([*LEAVES, RAW, "u/bob/extra"]), min_size=1))
    held = {
        name: Holding(name, CollectionType.CALIBRATION, tuple(draw(st.lists(rows, max_size=8))))
        for name in sorted(names)
    }
    return Live(held, draw(st.lists(st.sampled_from(sorted(names)), unique=True, max_size=3)))


@many
@given(ticket=st.sampled_from([*TICKETS]), data=st.data())
def test_the_blocks_of_a_seal_stand_for_its_rows(ticket: str, data: st.DataObject) -> None:
    seal = data.draw(seals(ticket))

    assert seal.blocks.keys() == seal.holdings.keys()
    for name, blocks in seal.blocks.items():
        assert in_rows(blocks) == set(seal.holdings[name].rows)


@many
@given(held=st.lists(rows))
def test_the_blocks_of_a_collection_stand_for_its_rows(held: list[Row]) -> None:
    blocks = Holding("a", CollectionType.CALIBRATION, tuple(held)).blocks

    assert in_rows(blocks) == set(held)
    assert len({(b.dataset_type, b.uuid, b.begin, b.end) for b in blocks}) == len(blocks)


def in_rows(blocks: Sequence[Block]) -> set[Row]:
    return {Row(b.dataset_type, data_id, b.uuid, b.begin, b.end) for b in blocks for data_id in b.data_ids}


@many
@given(before=st.none() | declarations(), after=declarations())
def test_seals_tell_the_same_row_by_row(before: DesiredState | None, after: DesiredState) -> None:
    told = impact(before, after, Scope())

    with row_by_row():
        assert impact(before, after, Scope()) == told
    event(f"{len(told.changes)} changes" if len(told.changes) < 3 else "more changes")


@many
@given(before=declarations(), after=declarations(), live=repositories(), data=st.data())
def test_a_repository_tells_the_same_row_by_row(
    before: DesiredState, after: DesiredState, live: Any, data: st.DataObject
) -> None:
    begins = data.draw(st.lists(bounds, max_size=3))
    exposures = [SeenExposure(n, 20240101, {}, begin, begin + 2) for n, begin in enumerate(begins)]
    asked = Scope(repositories=(Place("usdf/main"),))
    told = impact(before, after, asked, live)

    with row_by_row():
        singly = impact(before, after, asked, live)
        assert singly == told
        assert affected(singly, exposures) == affected(told, exposures)


def test_a_camera_with_one_history_is_looked_at_once() -> None:
    whole = frozenset(f"detector={n}" for n in range(189))
    blocks = [Block("bias", whole, f"run-{day}", day, day + 9) for day in range(500)]

    alike = Alike.among(blocks)

    assert len(alike.narrowed("a", blocks).rows) == 500
    assert alike.all_of("bias", ["detector=0"]) == tuple(sorted(whole))


def test_one_detector_that_was_certified_otherwise_is_looked_at_by_itself() -> None:
    whole, but_one = frozenset("abcd"), frozenset("abd")
    blocks = [Block("bias", whole, "run-1", 0, 9), Block("bias", but_one, "run-2", 3, 9)]

    alike = Alike.among([*blocks, Block("dark", whole, "run-3", 0, 9)])

    assert {row.data_id for row in alike.narrowed("x", blocks).rows} == {"a", "c"}
    assert alike.all_of("bias", ["c", "a"]) == ("a", "b", "c", "d")
    assert alike.all_of("bias", ["c"]) == ("c",)
