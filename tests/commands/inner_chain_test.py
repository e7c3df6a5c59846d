"""Chains within chains, made with one ticket of several.

What enters with an inner chain is all that it searches, also of tickets that
the command leaves alone.
"""

from __future__ import annotations

import pytest

from tests.commands.sites import ORIGIN, SUMMIT, TOP, Sites

INNER = "LSSTComCam/defaults"
OUTER = "LSSTComCam/everything"


@pytest.mark.parametrize("words", [("--ticket", "DM-2"), ("--ticket", "DM-1"), ()], ids=" ".join)
def test_chains_of_chains_are_made_with_one_ticket(sites: Sites, words: tuple[str, ...]) -> None:
    sites.tree.chain([TOP], INNER)
    sites.tree.chain([INNER], OUTER)

    applied = sites.apply(*words)

    assert applied.code == 0, applied.out
    for address in (ORIGIN, SUMMIT):
        assert sites.chain(address, OUTER) == (INNER,)
        assert sites.chain(address, INNER) == (TOP,)
    assert sites.run("plan", *words).code == 0


def test_a_chain_enters_one_that_is_there_with_one_ticket(deployed: Sites) -> None:
    deployed.tree.chain(["DM-2"], INNER)
    assert deployed.apply().code == 0
    deployed.tree.chain(["DM-2", TOP], INNER)

    applied = deployed.apply("--ticket", "DM-1")

    assert applied.code == 0, applied.out
    assert deployed.chain(SUMMIT, INNER) == (f"{TOP}/DM-2", TOP)
