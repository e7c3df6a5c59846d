"""What is measured on: state trees and repositories of the field's size.

A ticket has 2,870 datasets, as one for LSSTCam has: fourteen for each of 205
detectors.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.tree import Tree

__all__ = ["DATASETS", "LEAVES", "copy_repository", "declare", "make_origin", "ticket_names"]

DETECTORS = 205
INSTRUMENT = "LSSTCam"
CALIB = f"{INSTRUMENT}/calib"

LEAVES = {
    **{
        f"{tag}/{name}.20250101a": name
        for tag in ("on", "off")
        for name in ("bias", "dark", "defects", "ptc")
    },
    **{f"{tag}/flat.20250101a": "flat" for tag in ("on", "off", "twilight")},
}
"""Dataset type of each collection of a ticket, in search order."""

DATASETS = DETECTORS * sum(len(world.FILTERS) if name == "flat" else 1 for name in LEAVES.values())
"""Datasets of a ticket."""


def ticket_names(count: int) -> list[str]:
    """Return the names of tickets, newest first."""
    return [f"DM-{number}" for number in range(50000 + count, 50000, -1)]


def declare(
    tree: Tree, tickets: list[str], routes: dict[str, str], leaves: Mapping[str, str] = LEAVES
) -> None:
    """Write a state tree: tickets, a chain of all of them, repositories.

    Parameters
    ----------
    tree
        Where.
    tickets
        Newest first.
    routes
        By address.
    leaves
        Dataset type of each collection of a ticket.
    """
    tree.settings()
    for site in dict.fromkeys(address.partition("/")[0] for address in routes):
        here = {a.partition("/")[2]: route for a, route in routes.items() if a.startswith(f"{site}/")}
        tree.site(site, here)
    for ticket in tickets:
        tree.ticket(ticket, *leaves)
    tree.chain(tickets)


def make_origin(path: Path, tickets: list[str], **given: str) -> None:
    """Make a repository with all tickets, chained, and real files."""
    butler = world.make_repo(path, INSTRUMENT, detectors=DETECTORS, **given)
    for ticket in reversed(tickets):
        base = f"{CALIB}/{ticket}"
        for leaf, name in LEAVES.items():
            world.add_calibration(
                butler,
                f"{base}/{leaf}",
                name,
                world.SINCE_2024,
                instrument=INSTRUMENT,
                formatter=world.STAND_IN,
            )
        world.add_chain(butler, base, [f"{base}/{leaf}" for leaf in LEAVES])
        butler.collections.register(CALIB, CollectionType.CHAINED)
        butler.collections.prepend_chain(CALIB, base)
    butler.close()


def copy_repository(source: Path, target: Path) -> None:
    """Copy a closed SQLite repository; the files in it are linked."""
    shutil.copytree(source, target, copy_function=_link_files)


def _link_files(source: str, target: str) -> str:
    if source.endswith(".fits"):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)
