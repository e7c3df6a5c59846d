"""What templates of cp_pipe leave at an origin, by plain calls of the butler.

Raws are rows of the registry only: what is expected follows from these.  A
generation is a CHAINED collection with its RUNs in front, the newest first,
and behind them what it searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lsst.daf.butler import Butler, DatasetType
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.commands.sites import INSTRUMENT, ORIGIN, TOP, Sites

DAY = 20241208
RAWS = f"{INSTRUMENT}/raw/all"
START = "LSSTComCam/calib/DM-1"

TICKET = "DM-9"
FOLDER = f"{TOP}/{TICKET}/DP1"
BIAS, DARK = f"{FOLDER}/bias.20250207a", f"{FOLDER}/dark.20250207a"
FIRST, SECOND = "20250207T010000Z", "20250208T020000Z"


def construction(*make: Any, **more: Any) -> dict[str, Any]:
    """Return how the collections of a ticket are made."""
    return {
        "tag": "DP1",
        "rerun": "20250207a",
        "raws": RAWS,
        "start_from": [START],
        "selections": {
            "bias": f"exposure.day_obs={DAY} and exposure.observation_type='science'",
            "dark": f"exposure.day_obs={DAY} and exposure.observation_type='science'",
        },
        "make": list(make or ("bias", "dark")),
        **more,
    }


def declare(sites: Sites, *make: Any, status: str = "proposed", **more: Any) -> None:
    """Declare a ticket whose collections are made."""
    collections = more.pop("collections", ())
    sites.tree.ticket(TICKET, *collections, status=status, construction=construction(*make, **more))


def add_raws(butler: Butler, detectors: Iterable[int] = range(world.DETECTORS), number: int = 2) -> None:
    """Record raws of some exposures, without files."""
    raw = DatasetType(
        "raw", butler.dimensions.conform(["instrument", "exposure", "detector"]), "StructuredDataDict"
    )
    butler.registry.registerDatasetType(raw)
    butler.collections.register(RAWS)
    data_ids = []
    for exposure in world.add_exposures(butler, DAY, *range(1, number + 1)):
        for detector in detectors:
            data_ids.append({"instrument": INSTRUMENT, "exposure": exposure, "detector": detector})
    butler.registry.insertDatasets(raw, data_ids, RAWS)


def add_generation(
    butler: Butler,
    output: str,
    dataset_type: str,
    *,
    run: str = FIRST,
    detectors: Iterable[int] = range(world.DETECTORS),
    inputs: Sequence[str] = (RAWS, f"{START}/bias.20240101a", f"{START}/flat.20240101a"),
) -> str:
    """Make what a submission makes; return the name of its RUN."""
    name = f"{output}/{run}"
    world.add_run(butler, name, dataset_type, detectors=detectors, formatter=world.STAND_IN)
    before: Sequence[str] = inputs
    if not butler.collections.register(output, CollectionType.CHAINED):
        before = butler.collections.get_info(output).children
    butler.collections.redefine_chain(output, [name, *before])
    return name


def made(sites: Sites, *, biases: Iterable[int] = range(world.DETECTORS), run: str = FIRST) -> str:
    """Make biases at the origin; return the name of their RUN."""
    with sites.butler(ORIGIN) as butler:
        return add_generation(butler, f"{FOLDER}/biasGen.20250207a", "bias", run=run, detectors=biases)
