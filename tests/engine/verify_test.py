"""A review says of a deployment what a brute-force search of it says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler, DatasetRef
from lsst.daf.butler.registry import (  # type: ignore[attr-defined]
    CollectionType,
    ConflictingDefinitionError,
)
from typing_extensions import override

from calibstate.adapters.repositories import open_reader
from calibstate.errors import Diagnostic, RefusedError
from calibstate.model.effective import Effective, Resolved
from calibstate.model.names import Place
from calibstate.model.pins import Pin
from calibstate.model.tickets import Ticket
from calibstate.model.timespans import UNBOUNDED, UNBOUNDED_BEGIN, UNBOUNDED_END, Range
from calibstate.ports.butler import ButlerReader
from calibstate.reviewing.content import lacking
from calibstate.reviewing.expect import Expected
from calibstate.reviewing.look_closely import SearchedChain, Showed, look_closely
from calibstate.reviewing.lookups import check_lookups, sample
from calibstate.reviewing.selection import check_selection
from calibstate.store import statefile
from tests import world
from tests.calibrations import INSTRUMENT
from tests.fakes.butler import MemoryButler
from tests.tree import Tree

ALL = os.environ.get("CALIBSTATE_TEST_ALL") == "1"

DETECTORS = 2
RUNS = ("run0", "run1", "run2")
ADDRESS = Place("usdf/main")


# --- the sample of lookups ---


spans = st.sampled_from([UNBOUNDED, (3, 7), (5, UNBOUNDED_END), (UNBOUNDED_BEGIN, 9)])
won = st.lists(
    st.tuples(st.sampled_from(["bias", "flat"]), st.integers(0, 4), st.sampled_from("gr"), spans),
    unique_by=lambda one: one[:3],
)


@given(won)
def test_a_sample_tries_every_value_type_and_edge(drawn: list[tuple[str, int, str, Range]]) -> None:
    winners = [
        Effective(type_, f"detector={detector},physical_filter={filter_}", *span, "uuid", "collection")
        for type_, detector, filter_, span in drawn
    ]
    asked = list(sample(winners))

    assert {type_ for type_, _, _ in asked} == {w.dataset_type for w in winners}
    tried = {pair for _, data_id, _ in asked for pair in data_id.split(",")}
    assert tried == {pair for w in winners for pair in w.data_id.split(",")}
    edges = {(w.dataset_type, moment) for w in winners for moment in (w.begin, w.end - 1)}
    edges |= {(w.dataset_type, w.begin - 1) for w in winners if w.begin > UNBOUNDED_BEGIN}
    edges |= {(w.dataset_type, w.end) for w in winners if w.end < UNBOUNDED_END}
    assert {(type_, moment) for type_, _, moment in asked} == edges
    assert {(type_, data_id) for type_, data_id, _ in asked} <= {(w.dataset_type, w.data_id) for w in winners}


def test_a_sample_is_not_the_whole_product() -> None:
    winners = [
        Effective("flat", f"detector={d},physical_filter={f}", *UNBOUNDED, "uuid", "collection")
        for d in range(189)
        for f in "ugrizy"
    ]
    assert len(list(sample(winners))) == 189 + 5


class Contrary(MemoryButler):
    """A butler that finds what nobody thinks."""

    def __init__(self, answer: str | None) -> None:
        super().__init__()
        self._answer = answer

    @override
    def lookup(self, chain: str, dataset_type: str, data_id: str, span: Range) -> str | None:
        if self._answer == "several":
            raise RefusedError(Diagnostic("Lookup is ambiguous", "There are two."))
        return self._answer


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("right", None),
        ("another", "the butler's own lookup finds another one than calibstate"),
        (None, "the butler's own lookup finds another one than calibstate"),
        ("several", "There are two."),
    ],
)
def test_a_butler_that_does_not_agree_is_told(answer: str | None, detail: str | None) -> None:
    won = Resolved((Effective("bias", "detector=1", *UNBOUNDED, "right", "leaf"),))
    chain = SearchedChain("calib", ("leaf",), ("leaf",), won, won)
    showed = Showed(ADDRESS, Contrary(answer), {}, {}, (chain,))
    ticket = Ticket(ticket="DM-1", instrument=INSTRUMENT, approval={"status": "adopted"}, bare=("leaf",))  # type: ignore[arg-type]
    checked = check_lookups(ticket, showed)
    assert checked.result.passed == (detail is None)
    assert {finding.detail for finding in checked.findings} == ({detail} if detail else set())


# --- brute force ---

Certified = tuple[str, tuple[int, ...], Range]
"""RUN, detectors and range."""

ranges = st.one_of(
    st.tuples(st.integers(1, 8), st.integers(1, 4)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    st.sampled_from([UNBOUNDED, (5, UNBOUNDED_END), (UNBOUNDED_BEGIN, 5)]),
)
certified = st.lists(
    st.tuples(st.sampled_from(RUNS), st.sampled_from([(0,), (1,), (0, 1)]), ranges), min_size=1, max_size=3
)


@dataclass(frozen=True)
class Tampering:
    """What somebody did by hand."""

    extra: Sequence[Certified] | None
    """Entry in front of the chain."""
    order: Sequence[int]
    """Places that the tickets have in the chain now."""
    without: int | None
    """A ticket that is taken out of it."""
    decertified: tuple[int, int, Range] | None
    """Ticket, detector and range."""


@dataclass
class Workshop:
    """A repository in which deployments are made, each with its names."""

    folder: Path
    butler: Butler
    reader: ButlerReader
    refs: dict[tuple[str, int], DatasetRef]
    numbers: Iterator[int] = field(default_factory=count)

    def certify(self, name: str, wanted: Iterable[Certified]) -> str:
        self.butler.collections.register(name, CollectionType.CALIBRATION)
        for run, detectors, span in wanted:
            refs = [self.refs[run, detector] for detector in detectors]
            try:
                self.butler.registry.certify(name, refs, world.timespan(span))
            except ConflictingDefinitionError:
                continue  # The butler lets nothing overlap.
        return name

    def find(self, chain: str, detector: int, moment: int) -> str | None:
        ref = self.butler.find_dataset(
            "bias",
            instrument=INSTRUMENT,
            detector=detector,
            collections=chain,
            timespan=world.timespan((moment, moment + 1)),
        )
        return str(ref.id) if ref else None


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    butler = world.make_repo(folder / "repo" / ADDRESS.replace("/", "-"), detectors=DETECTORS)
    refs = {(run, int(r.dataId["detector"])): r for run in RUNS for r in world.add_run(butler, run, "bias")}
    reader = open_reader(str(folder / "repo" / ADDRESS.replace("/", "-")))
    yield Workshop(folder, butler, reader, refs)
    reader.close()
    butler.close()


class OnePlace:
    """The repository alone."""

    def __init__(self, reader: ButlerReader) -> None:
        self._reader = reader

    def butler(self, address: str) -> ButlerReader:
        assert address == ADDRESS
        return self._reader


def moments(deployed: Sequence[Sequence[Certified]], tampering: Tampering) -> list[int]:
    """Return moments in every range that anything can have."""
    told = [span for leaf in (*deployed, tampering.extra or ()) for _, _, span in leaf]
    told += [tampering.decertified[2]] if tampering.decertified else []
    edges = {UNBOUNDED_BEGIN, *(edge for span in told for edge in span)}
    return sorted(edge for edge in edges if edge < UNBOUNDED_END)


@settings(
    max_examples=100 if ALL else 5,
    derandomize=not ALL,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(deployed=st.lists(certified, min_size=1, max_size=3), data=st.data())
def selection_passes_where_brute_force_finds_no_other(
    workshop: Workshop, answers: set[bool], deployed: list[list[Certified]], data: st.DataObject
) -> None:
    number, tickets = next(workshop.numbers), range(len(deployed))
    tampering = Tampering(
        data.draw(st.none() | certified),
        data.draw(st.permutations(tickets) | st.just(list(tickets))),
        data.draw(st.none() | st.none() | st.sampled_from(tickets)),
        data.draw(st.none() | st.tuples(st.sampled_from(tickets), st.sampled_from((0, 1)), ranges)),
    )
    tree = Tree(workshop.folder)
    names, top = [f"DM-{number}-{ticket}" for ticket in tickets], f"{INSTRUMENT}/calib{number}"
    desired = declare(tree, names, top)

    # As declared, twice: once for good, once to be tampered with.
    leaves = [
        workshop.certify(f"{INSTRUMENT}/calib/{name}/bias", leaf)
        for name, leaf in zip(names, deployed, strict=True)
    ]
    wished = [workshop.certify(f"wish/{name}", leaf) for name, leaf in zip(names, deployed, strict=True)]
    held = workshop.reader.holdings(leaves)
    for name, leaf in zip(names, leaves, strict=True):
        world.add_chain(workshop.butler, f"{INSTRUMENT}/calib/{name}", [leaf])
    tamper(workshop, tampering, names, leaves, top)

    ours = {key: written.noun for key, written in desired.tickets.items() if key[1] in names}
    expected = {
        key: Expected(
            ticket,
            prints := {leaf: held[leaf].fingerprint for leaf in ticket.leaves},
            "a test",
            pin=Pin(prints, "a test", lambda: held),
        )
        for key, ticket in ours.items()
    }
    showed = look_closely(desired, ADDRESS, [INSTRUMENT], ours.values(), expected, OnePlace(workshop.reader))  # type: ignore[arg-type]
    asked = moments(deployed, tampering)
    for place, ticket in enumerate(ours[INSTRUMENT, name] for name in names):
        told = check_selection(ticket, showed, lacking(expected[ticket.key], showed)).result.passed
        assert told == brute_force(workshop, wished, place, top, asked), ticket.ticket
        assert check_lookups(ticket, showed).findings == ()
        answers.add(told)


def test_selection_passes_where_brute_force_finds_no_other(workshop: Workshop) -> None:
    answers: set[bool] = set()
    selection_passes_where_brute_force_finds_no_other(workshop, answers)
    assert answers == {True, False}


def declare(tree: Tree, names: Sequence[str], top: str) -> Any:
    """Return the declaration of some tickets and their chain alone."""
    for file in [*tree.state.rglob("DM-*.yaml"), *tree.state.glob("chains/*.yaml")]:
        file.unlink()
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    for name in names:
        tree.ticket(name, "bias")
    tree.chain(list(names), top)
    desired, _ = statefile.load(tree.state)
    return desired


def tamper(
    workshop: Workshop, tampering: Tampering, names: Sequence[str], leaves: Sequence[str], top: str
) -> None:
    children = [f"{INSTRUMENT}/calib/{names[place]}" for place in tampering.order]
    if tampering.without is not None:
        children.remove(f"{INSTRUMENT}/calib/{names[tampering.without]}")
    if tampering.extra is not None:
        children.insert(0, workshop.certify(f"extra/{names[0]}", tampering.extra))
    if tampering.decertified:
        ticket, detector, span = tampering.decertified
        data_ids = [{"instrument": INSTRUMENT, "detector": detector}]
        workshop.butler.registry.decertify(leaves[ticket], "bias", world.timespan(span), dataIds=data_ids)
    world.add_chain(workshop.butler, top, children)


def brute_force(
    workshop: Workshop, wished: Sequence[str], place: int, top: str, asked: Iterable[int]
) -> bool:
    """Say whether a ticket is found wherever it is the first to answer."""
    for detector in range(DETECTORS):
        for moment in asked:
            answers = [workshop.find(collection, detector, moment) for collection in wished[: place + 1]]
            is_first = answers[-1] is not None and not any(answers[:-1])
            if is_first and workshop.find(top, detector, moment) != answers[-1]:
                return False
    return True
