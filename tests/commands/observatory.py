"""Four repositories of two instruments, live, of which nothing is declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.commands.sites import EMBARGO, ORIGIN, Sites
from tests.tree import Tree

SUMMIT = "summit/main"
BASE = "bts/main"
REPOSITORIES = (ORIGIN, EMBARGO, SUMMIT, BASE)
INSTRUMENTS = ("LATISS", "LSSTComCam")
OWN = "u/observer/bias"

TICKETS: Mapping[str, Sequence[str]] = {
    "LATISS": ("DM-1",),
    "LSSTComCam": ("DM-1", "DM-2"),
}
"""Tickets of each instrument, the oldest first."""


def make_observatory(folder: Path) -> Sites:
    """Make the repositories, and a tree that names them and no more.

    The summit lacks the newest ticket of LSSTComCam; somebody tries a bias at
    the base.
    """
    tree = Tree(folder)
    tree.settings()
    tree.site("usdf", {"main": "origin", "embargo": "copy"}, instruments=INSTRUMENTS)
    tree.site("summit", {"main": "copy"}, instruments=INSTRUMENTS)
    tree.site("bts", {"main": "copy"}, instruments=INSTRUMENTS)
    with world.make_repo(tree.repository(ORIGIN), detectors=1) as butler:
        world.add_instrument(butler, "LATISS", detectors=1)
        for instrument, tickets in TICKETS.items():
            for ticket in tickets[:1]:
                add_ticket(butler, instrument, ticket)
    world.clone(tree.repository(ORIGIN), tree.repository(SUMMIT))
    with Butler.from_config(str(tree.repository(ORIGIN)), writeable=True) as butler:
        for instrument, tickets in TICKETS.items():
            for ticket in tickets[1:]:
                add_ticket(butler, instrument, ticket)
    for address in (EMBARGO, BASE):
        world.clone(tree.repository(ORIGIN), tree.repository(address))
    with Butler.from_config(str(tree.repository(BASE)), writeable=True) as butler:
        world.add_calibration(butler, OWN, "bias", formatter=world.STAND_IN)
        butler.collections.prepend_chain("LSSTComCam/calib", OWN)
    return Sites(tree)


def add_ticket(butler: Butler, instrument: str, ticket: str) -> None:
    """Make a ticket, in front of the chain of its instrument."""
    names: list[str] = []
    for leaf in ("bias.20240101a", "flat.20240101a"):
        name = f"{instrument}/calib/{ticket}/{leaf}"
        kind, _, _ = leaf.partition(".")
        world.add_calibration(butler, name, kind, instrument=instrument, formatter=world.STAND_IN)
        names.append(name)
    world.add_chain(butler, f"{instrument}/calib/{ticket}", names)
    butler.collections.register(f"{instrument}/calib", CollectionType.CHAINED)
    butler.collections.prepend_chain(f"{instrument}/calib", f"{instrument}/calib/{ticket}")
