"""``python -m tests.bench.construction_queries REPO``: what a look needs.

The butler is asked by its own interface, each selection once, for all that
tells how the construction of section 7 stands, and nothing is said of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from lsst.daf.butler import Butler

from calibstate.demo.construction.ticket import TICKET, ticket_document
from calibstate.demo.construction.world import RAWS, SECTION_7
from calibstate.model.constructed import Constructed
from calibstate.model.submissions import ExpectedOutput
from calibstate.model.tickets import Ticket
from calibstate.store.yamlsource import read_yaml

__all__ = ["constructed"]


def constructed() -> Constructed:
    """Return what follows from the ticket of section 7."""
    document = ticket_document(SECTION_7, ["LSSTComCam/calib/DM-48650"], RAWS, each=2)
    data = read_yaml(document.encode(), f"{TICKET}.yaml").data
    return Constructed(Ticket.model_validate(data))


def ask(repository: str) -> None:
    """Ask the butler for all that a look needs."""
    of_ticket = constructed()
    recipes = of_ticket.recipes.values()
    expected = [of_ticket.expected(recipe) for recipe in recipes]
    expected += [of_ticket.verification_expected(one) for one in of_ticket.construction.verified]
    with Butler.from_config(repository) as butler:
        _select(butler, expected)
        for output in expected:
            newest, *_ = butler.collections.get_info(output.output).children
            butler.query_datasets(output.dataset_type, newest, find_first=False, limit=None)
        for recipe in recipes:
            collection = of_ticket.certification(recipe)
            if collection:
                rows = butler.registry.queryDatasetAssociations(recipe.product.dataset_type, collection)
                list(rows)
        butler.collections.get_info(of_ticket.chain)


def _select(butler: Butler, expected: Iterable[ExpectedOutput]) -> None:
    """Ask for the data IDs of each selection, and for its exposures."""
    selections = {(output.where, output.dimensions) for output in expected}
    selections |= {(where, ("exposure",)) for where, _ in selections}
    for where, dimensions in sorted(selections):
        with butler.query() as query:
            list(query.join_dataset_search("raw", [RAWS]).where(where).data_ids(("instrument", *dimensions)))


if __name__ == "__main__":
    ask(sys.argv[1])
