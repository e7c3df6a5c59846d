"""Explaining lookups, beside the butler's own and plain SQL for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from lsst.daf.butler import Butler
from sqlalchemy import Connection

from calibstate.factory.places import Places
from calibstate.lookups.explaining.explain import explain
from calibstate.model.explanations import Question
from calibstate.model.scope import Scope
from calibstate.store import statefile
from tests import world
from tests.tree import Tree

from .measure import Measured, measure
from .reading import DAY, TICKETS, make, opened
from .worlds import CALIB, DATASETS, INSTRUMENT, LEAVES, declare, ticket_names

__all__ = ["explain_question"]

LOOKUPS = 10
"""One takes too short to be measured."""

CANDIDATES = TICKETS * list(LEAVES.values()).count("flat")
"""Collections that hold a flat for each data ID."""

NOON = world.SINCE_2024[0] + DAY // 2


def explain_question(folder: Path, turns: int) -> Measured:
    """Measure ten lookups in a chain of ten tickets, each by itself."""
    tree = Tree(folder / "explain", INSTRUMENT)
    declare(tree, ticket_names(TICKETS), {"usdf/main": "origin"})
    repository = tree.repository("usdf/main")
    leaves = make(repository, 1, None)
    with closing(Butler.from_config(str(repository), writeable=True)) as butler:
        world.add_chain(butler, CALIB, leaves)
    desired, _ = statefile.load(tree.state)
    places = Places(desired)
    asked = [{"detector": str(number), "physical_filter": "r_03"} for number in range(LOOKUPS)]

    def ours(turn: int) -> None:
        for data_id in asked:
            question = Question(INSTRUMENT, "flat", data_id, NOON)
            (told,) = explain(desired, Scope(), places, question).answers
            _check(len(told.explanation.candidates), told.run)

    def by_butler(butler: Butler) -> Callable[[int], None]:
        def look_up(turn: int) -> None:
            for data_id in asked:
                whole = {"instrument": INSTRUMENT, **data_id, "detector": int(data_id["detector"])}
                now = world.timespan((NOON, NOON + 1))
                found = butler.find_dataset("flat", whole, collections=CALIB, timespan=now)
                _check(CANDIDATES, found)

        return look_up

    with (
        opened(repository) as (_, _, connection),
        closing(Butler.from_config(str(repository))) as butler,
    ):
        return measure(
            f"Explain {LOOKUPS} lookups in a chain of {TICKETS * DATASETS:,} certifications",
            {
                "calibstate: the search, all candidates, the reasons": ours,
                "`find_dataset`: the winner alone": by_butler(butler),
                "the candidates by plain SQL": _by_sql(connection, asked),
            },
            turns,
        )


def _by_sql(connection: Connection, asked: Sequence[Mapping[str, str]]) -> Callable[[int], None]:
    """Return what reads the certifications of each data ID."""
    table = connection.exec_driver_sql(
        "SELECT calibration_association_table FROM dataset_type WHERE name = 'flat'"
    ).scalar()
    query = (
        f"SELECT c.name, a.dataset_id, a.timespan_begin, a.timespan_end FROM {table} a "
        "JOIN dataset_type t ON t.id = a.dataset_type_id "
        "JOIN collection c ON c.collection_id = a.collection_id "
        "WHERE t.name = 'flat' AND a.detector = ? AND a.physical_filter = ?"
    )

    def rows(turn: int) -> None:
        for data_id in asked:
            values = (int(data_id["detector"]), data_id["physical_filter"])
            _check(len(connection.exec_driver_sql(query, values).fetchall()), query)
        connection.rollback()

    return rows


def _check(candidates: int, found: object) -> None:
    if candidates != CANDIDATES or not found:
        raise RuntimeError(f"{candidates} candidates, not {CANDIDATES}, and {found}")
