"""Four butlers of somebody who has never heard of calibstate.

An observatory with two cameras: a main repository at the USDF, where
calibrations are made, a copy beside it, the summit one ticket behind, and a
test stand that lacks two and has a flat of its own.  A new ticket has just
been made.  They are filled with the stock butler alone; no state tree is here.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler

from tests import world

LABELS = ("usdf-main", "usdf-embargo", "summit", "bts")
"""Folders of the butlers, the one where calibrations are made first."""

NEW = "DM-40006"
"""A ticket that is made, and searched nowhere."""

COMCAM: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "DM-40001": {"bias.20240101a": ("bias", world.SINCE_2024), "dark.20240101a": ("dark", world.SINCE_2024)},
    "DM-40002": {"defects.20240110a": ("defects", world.SINCE_2024)},
    "DM-40003": {"flat-g.20240115a": ("flat", world.IN_2024)},
    "DM-40004": {"bias.20240201a": ("bias", world.SINCE_2024), "ptc.20240201a": ("ptc", world.SINCE_2024)},
    "DM-40005": {"flat.20240205a": ("flat", world.IN_2025)},
}
"""What is searched of LSSTComCam where they are made; the newest last."""

LATISS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "DM-30001": {"bias.20240102a": ("bias", world.SINCE_2024)},
    "DM-30002": {"defects.20240111a": ("defects", world.SINCE_2024)},
    "DM-30003": {"dark.20240206a": ("dark", world.IN_2025)},
}
"""The same of LATISS."""

LACKING: Mapping[str, Sequence[str]] = {
    "usdf-main": (),
    "usdf-embargo": (),
    "summit": ("DM-40005",),
    "bts": ("DM-40004", "DM-40005", "DM-30003"),
}
"""Tickets that a butler does not have."""


def make_strangers(folder: Path) -> Path:
    """Make the butlers, and an index that names them.

    Parameters
    ----------
    folder
        Made by this.

    Returns
    -------
    Path
        The index, as ``$DAF_BUTLER_REPOSITORY_INDEX`` names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for lacking in dict.fromkeys(LACKING.values()):
        labels = [label for label in LABELS if LACKING[label] == lacking]
        _make(folder / labels[0], lacking)
        for label in labels[1:]:
            shutil.copytree(folder / labels[0], folder / label)
    with Butler.from_config(str(folder / LABELS[0]), writeable=True) as butler:
        made = {"bias.20240301a": ("bias", world.SINCE_2024), "flat.20240301a": ("flat", world.SINCE_2024)}
        world.add_ticket(butler, world.INSTRUMENT, NEW, made)
    with Butler.from_config(str(folder / "bts"), writeable=True) as butler:
        world.add_calibration(butler, "u/observer/flat-test", "flat", world.IN_2025)
        butler.collections.prepend_chain("LSSTComCam/calib", "u/observer/flat-test")
    index = folder / "index.yaml"
    index.write_text("".join(f"{label}: {folder / label}\n" for label in LABELS))
    return index


def _make(folder: Path, lacking: Sequence[str]) -> None:
    """Make one butler with all tickets but some."""
    with world.make_repo(folder) as butler:
        world.add_instrument(butler, "LATISS")
        for instrument, tickets in (("LSSTComCam", COMCAM), ("LATISS", LATISS)):
            for ticket, leaves in tickets.items():
                if ticket not in lacking:
                    world.add_ticket(butler, instrument, ticket, leaves, top=f"{instrument}/calib")
