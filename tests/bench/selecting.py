"""A whole fingerprint of a repository, beside plain SQL for the same rows."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from lsst.daf.butler import Butler

from calibstate.factory.places import Places
from calibstate.lookups.fingerprint import look_at_chains
from calibstate.model.scope import Scope
from calibstate.store import statefile
from tests import world
from tests.tree import Tree

from .measure import Measured, measure
from .reading import TICKETS, by_sql, make, opened
from .worlds import CALIB, DATASETS, INSTRUMENT, declare, ticket_names

__all__ = ["fingerprint_question"]


def fingerprint_question(folder: Path, turns: int) -> Measured:
    """Measure reading, resolving and digesting a chain of ten tickets."""
    tree = Tree(folder / "fingerprint", INSTRUMENT)
    declare(tree, ticket_names(TICKETS), {"usdf/main": "origin"})
    repository, total = tree.repository("usdf/main"), TICKETS * DATASETS
    leaves = make(repository, 1, None)
    with closing(Butler.from_config(str(repository), writeable=True)) as butler:
        world.add_chain(butler, CALIB, leaves)
    desired, _ = statefile.load(tree.state)
    places = Places(desired)

    def ours(turn: int) -> None:
        ((_, chains),) = look_at_chains(desired, Scope(), places).chains.items()
        if len(chains[CALIB].collections) != len(leaves):
            raise RuntimeError(f"{len(chains[CALIB].collections)} collections, not {len(leaves)}")
        _ = chains[CALIB].resolved.fingerprint

    with opened(repository) as (_, _, connection):
        return measure(
            f"Fingerprint a chain of {total:,} certifications",
            {
                "calibstate: read, resolve, digest": ours,
                "the rows with their names by plain SQL": by_sql(connection, repository, total),
            },
            turns,
        )
