"""What is left at an origin over the years, by plain calls of the butler."""

from __future__ import annotations

import os
from pathlib import Path

from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.commands.generations import FIRST, SECOND, add_generation
from tests.commands.sites import ORIGIN, TOP, Sites

FOLDER = f"{TOP}/DM-6/DP1"
CERTIFIED = f"{FOLDER}/bias.20250207a"
UNSEARCHED = f"{TOP}/DM-5/bias.20240601a"
BIASES = f"{FOLDER}/biasGen.20250207a"
VERIFIED = f"{FOLDER}/verifyBias.20250210a"
BOOTSTRAPS = f"{FOLDER}/darkBootstrapGen.20250207a"
DEFECTS = f"{FOLDER}/defectGen.20250207a"
STATISTICS = "verifyBiasStats"

LONG_AGO = 1_700_000_000
"""Seconds since 1970: a moment of 2023."""


def leave_behind(sites: Sites) -> None:
    """Make what nobody needs, of each class but that which is selected.

    DM-1 stands behind DM-2, which shadows it; DM-5 and DM-6 are in no chain
    and no file.
    """
    with sites.butler(ORIGIN) as butler:
        world.add_calibration(butler, UNSEARCHED, "bias", formatter=world.STAND_IN)
        # What was searched stands in the chains of outputs for ever.
        start = [f"{TOP}/DM-1"]
        bootstrap = add_generation(butler, BOOTSTRAPS, "dark", run="run1", inputs=start)
        defects = add_generation(butler, DEFECTS, "defects", inputs=[bootstrap])
        add_generation(butler, BIASES, "bias", run=FIRST, inputs=start)
        second = add_generation(butler, BIASES, "bias", run=SECOND, inputs=start)
        # What each exposure was corrected to stands beside what came of it.
        world.add_run(butler, second, STATISTICS, formatter=world.STAND_IN)
        world.add_run(butler, second, "ptc", formatter=world.STAND_IN)
        add_generation(butler, VERIFIED, STATISTICS, inputs=start)
        for collection, dataset_type, run in (
            (CERTIFIED, "bias", second),
            (f"{FOLDER}/defects.20250207a", "defects", defects),
        ):
            butler.collections.register(collection, CollectionType.CALIBRATION)
            refs = butler.query_datasets(dataset_type, collections=run)
            butler.registry.certify(collection, refs, world.timespan(world.SINCE_2024))
    leave_litter(sites)


def leave_litter(sites: Sites, *, changed: float = LONG_AGO) -> Path:
    """Leave a file below the folder of a RUN that no dataset has."""
    file = sites.path(ORIGIN) / BIASES / FIRST / "bias" / "cut-off.fits"
    file.write_bytes(b"x" * 100)
    os.utime(file, (changed, changed))
    return file
