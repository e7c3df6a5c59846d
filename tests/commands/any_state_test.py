"""Promises of plan and apply, from any state of real repositories.

``tests/engine/convergence_test.py`` tries the same on many more states of
repositories in memory; here the repositories, the files and the kill are real.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler

from calibstate.model.timespans import UNBOUNDED
from tests import world
from tests.commands import cut, stock
from tests.commands.sites import LEAVES, ORIGIN, SUMMIT, TOP, Sites, make_sites

TICKETS = ("DM-1", "DM-2", "DM-3")
EXTRAS = ("u/ann/bias", "u/bob/dark")
REPOSITORY = "repo/summit-LSSTComCam"

MOST = 300 if os.environ.get("CALIBSTATE_TEST_ALL") == "1" else 40
FEW = 2
"""How many states are tried in the slow tests, and in the quick ones."""

_without_haste = settings(
    # Making a state smaller takes longer than understanding it.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def leaf(ticket: str, number: int = 0) -> str:
    return f"{TOP}/{ticket}/{list(LEAVES)[number]}"


# What people and accidents do to a ticket


def _nothing(sites: Sites, ticket: str) -> None:
    pass


def _run_is_removed(sites: Sites, ticket: str) -> None:
    stock.remove_runs(sites.path(SUMMIT), f"{leaf(ticket)}.run")


def _record_is_gone(sites: Sites, ticket: str) -> None:
    with sites.butler(SUMMIT) as butler:
        refs = butler.registry.queryDatasets("flat", collections=f"{leaf(ticket, 1)}.run")
        butler.pruneDatasets(list(refs)[:1], disassociate=False, unstore=True)


def _certification_is_gone(sites: Sites, ticket: str) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.registry.decertify(leaf(ticket), "bias", world.timespan(UNBOUNDED))


def _collection_is_removed(sites: Sites, ticket: str) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(f"{TOP}/{ticket}", [leaf(ticket, 1)])
        butler.collections.x_remove(leaf(ticket))


def _all_is_removed(sites: Sites, ticket: str) -> None:
    with sites.butler(SUMMIT) as butler:
        _unchain(butler, TOP, f"{TOP}/{ticket}")
        butler.collections.x_remove(f"{TOP}/{ticket}")
        for number in (0, 1):
            butler.collections.x_remove(leaf(ticket, number))
        butler.removeRuns([f"{leaf(ticket, number)}.run" for number in (0, 1)])


def _ticket_chain_is_empty(sites: Sites, ticket: str) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(f"{TOP}/{ticket}", [])


def _unchain(butler: Butler, chain: str, child: str) -> None:
    children = [c for c in butler.collections.get_info(chain).children if c != child]
    butler.collections.redefine_chain(chain, children)


BEFALLS: Sequence[Callable[[Sites, str], None]] = (
    _nothing,
    _run_is_removed,
    _record_is_gone,
    _certification_is_gone,
    _collection_is_removed,
    _all_is_removed,
    _ticket_chain_is_empty,
)

MOMENTS = st.tuples(
    st.sampled_from(
        [
            "before COMMIT",
            "after COMMIT",
            "after INSERT",
            "before os.replace of .fits",
            "after os.replace of .fits",
            "before os.link of .fits",
            "after os.link of .fits",
            "after os.link of .json",
            "before opening of .jsonl",
        ]
    ),
    st.integers(1, 8),
)
"""When a run is killed, if it ever comes there."""

STATES = st.fixed_dictionaries(
    {
        "befalls": st.tuples(*(st.sampled_from(BEFALLS) for _ in TICKETS)),
        "live": st.permutations([*(f"{TOP}/{ticket}" for ticket in TICKETS), *EXTRAS]).flatmap(
            lambda children: st.integers(0, len(children)).map(lambda most: tuple(children[:most]))
        ),
        "entries": st.permutations(TICKETS).flatmap(
            lambda tickets: st.integers(1, len(tickets)).map(lambda most: tuple(tickets[:most]))
        ),
        "retired": st.booleans(),
        "killed_at": MOMENTS,
    }
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites where all is as declared, to copy, never to change."""
    sites = make_sites(
        tmp_path_factory.mktemp("any") / "made", tickets=TICKETS, copies=(SUMMIT,), detectors=1
    )
    for name in EXTRAS:
        sites.add_own(SUMMIT, name)
    ended = cut.run(sites.tree.folder.parent / "run", cut.calibstate, sites.tree.state, "apply", "--yes")
    assert ended.code == 0, ended.err
    return sites


def test_a_few_states_come_to_what_is_declared(
    whole: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _try(whole, tmp_path, capsys, FEW)


@pytest.mark.slow
def test_many_states_come_to_what_is_declared(
    whole: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _try(whole, tmp_path, capsys, MOST)


def _try(whole: Sites, folder: Path, capsys: Any, examples: int) -> None:
    numbers = count()

    @settings(_without_haste, max_examples=examples)
    @given(state=STATES)
    def check(state: dict[str, Any]) -> None:
        here = folder / str(next(numbers))
        with closing(whole.copied_to(here / "sites", capsys)) as sites:
            _bring_about(sites, state)
            _check(sites, state, here)
        shutil.rmtree(here)

    check()


def _bring_about(sites: Sites, state: dict[str, Any]) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(TOP, state["live"])
    for ticket, befalls in zip(TICKETS, state["befalls"], strict=True):
        befalls(sites, ticket)
    left = [ticket for ticket in TICKETS if ticket not in state["entries"]]
    retired = dict.fromkeys(left, "replaced") if state["retired"] else {}
    sites.tree.chain(state["entries"], retired=retired)
    # The origin is as its chain is declared.
    kept = () if retired else tuple(left)
    stock.collection_chain(sites.path(ORIGIN), TOP, *(f"{TOP}/{t}" for t in (*state["entries"], *kept)))


def _check(sites: Sites, state: dict[str, Any], here: Path) -> None:
    own = _own(sites)
    before = sites.snapshot()
    live = sites.chain(SUMMIT)
    assert sites.run("plan").code in {0, 2}
    assert sites.snapshot() == before, "planning writes nothing"

    killed = cut.run(
        here / "killed", cut.calibstate, sites.tree.state, "apply", "--yes", killed_at=state["killed_at"]
    )
    assert killed.code in {0, -9}, killed.err
    ran = sites.apply()
    assert ran.code == 0, ran.out + ran.err

    drift = sites.run("drift", "--files", "--format", "json")
    assert {d["what"] for d in drift.json["drift"]} <= {"extra"}, drift.out
    for ticket in TICKETS:
        assert sites.of_ticket(SUMMIT, ticket) == sites.of_ticket(ORIGIN, ticket)
    assert sites.without_file(SUMMIT) == sites.leftovers() == sites.locks() == []

    # Nothing undeclared is touched.
    assert _own(sites) == own
    retired = {f"{TOP}/{t}" for t in TICKETS if state["retired"] and t not in state["entries"]}
    declared = [f"{TOP}/{ticket}" for ticket in state["entries"]]
    assert list(sites.chain(SUMMIT)) == _wanted(live, declared, retired)

    done = sites.snapshot("repo", "archive")
    assert sites.apply().code == 0
    assert sites.snapshot("repo", "archive") == done, "a second apply writes nothing"


def _wanted(live: Sequence[str], declared: Sequence[str], retired: Iterable[str]) -> list[str]:
    """Return the declared order, others in front of whom they stood."""
    in_front: dict[str, list[str]] = {}
    others: list[str] = []
    for child in (child for child in live if child not in set(retired)):
        if child in declared:
            in_front[child], others = others, []
        else:
            others.append(child)
    return [one for child in declared for one in (*in_front.get(child, ()), child)] + others


def _own(sites: Sites) -> tuple[Any, ...]:
    """Return what is at the summit and belongs to no ticket."""
    rows = [row for row in sites.certifications(SUMMIT) if row[0] in EXTRAS]
    files = {path: sha for path, sha in sites.files(SUMMIT).items() if path.startswith("u/")}
    assert rows
    return rows, files
