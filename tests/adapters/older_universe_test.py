"""Exposures of repositories that an older butler made."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsst.daf.butler import Butler, DimensionConfig

from calibstate.adapters.butler.exposures import count_by_day, find_taken
from calibstate.ports.butler import DayOfExposures, TakenExposure

CONFIGS = "resource://lsst.daf.butler/configs/old_dimensions"
DAY = 20250607


@pytest.mark.parametrize("version", [2, 5, 6])
def test_exposures_of_an_older_universe_have_their_groups(tmp_path: Path, version: int) -> None:
    universe = DimensionConfig(f"{CONFIGS}/daf_butler_universe{version}.yaml")
    Butler.makeRepo(str(tmp_path / "repo"), dimensionConfig=universe)
    with Butler.from_config(str(tmp_path / "repo"), writeable=True) as butler:
        registry = butler.registry
        registry.insertDimensionData("instrument", {"name": "LATISS"})
        registry.insertDimensionData("physical_filter", {"instrument": "LATISS", "name": "r", "band": "r"})
        exposure = {"instrument": "LATISS", "id": 1, "physical_filter": "r", "obs_id": "AT_1"}
        exposure |= {"day_obs": DAY, "observation_type": "flat"}
        if version < 6:
            registry.insertDimensionData("exposure", exposure | {"group_name": "x#1"})
        else:
            registry.insertDimensionData("group", {"instrument": "LATISS", "name": "x#1"})
            registry.insertDimensionData("day_obs", {"instrument": "LATISS", "id": DAY})
            registry.insertDimensionData("exposure", exposure | {"group": "x#1"})

        days = count_by_day(butler, "LATISS", "LATISS/calib/photodiode", "photodiode", DAY)
        taken = find_taken(butler, "LATISS", [DAY])

    assert days == {DAY: DayOfExposures(0, 1)}
    assert taken == [TakenExposure(1, DAY, "AT_1", "x#1", is_flat=True)]
