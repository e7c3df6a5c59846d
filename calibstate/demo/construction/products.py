"""What can be made, of which raws, and what must have been made before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..world import CALIB, FILTERS
from .pipelines import CP_PIPE, CP_VERIFY, Tasks
from .tasks import CORRECTIONS

__all__ = ["PRODUCTS", "SECTION_7", "START_FROM", "Product", "start_from"]


@dataclass(frozen=True)
class Product:
    """Something that a ticket has made."""

    pipeline: str
    """Name of its file."""

    dataset_type: str

    raws: str = ""
    """Which exposures it is made of; empty: of none."""

    selection: str = ""
    """Name of the selection of those."""

    certified: str = ""
    """Name of the collection, before the rerun; empty: it is a bootstrap."""


PRODUCTS = {
    "bias_bootstrap": Product(
        pipeline="cpBiasBootstrap",
        dataset_type="biasBootstrap",
        raws="bias",
        selection="bias_bootstrap",
    ),
    "dark_bootstrap": Product(
        pipeline="cpDarkBootstrap",
        dataset_type="darkBootstrap",
        raws="dark",
        selection="dark_bootstrap",
    ),
    "flat_bootstrap": Product(
        pipeline="cpFlatBootstrap",
        dataset_type="flatBootstrap",
        raws="flat_bootstrap",
        selection="flat_bootstrap",
    ),
    "defects": Product(
        pipeline="cpDefects",
        dataset_type="defects",
        certified="defects",
    ),
    "linearizer": Product(
        pipeline="cpLinearizer",
        dataset_type="linearizer",
        raws="ptc",
        selection="ptc_linearizer",
        certified="linearizer",
    ),
    "cti": Product(
        pipeline="cpCti",
        dataset_type="cti",
        raws="ptc",
        selection="ptc_cti",
        certified="cti",
    ),
    "ptc": Product(
        pipeline="cpPtc",
        dataset_type="ptc",
        raws="ptc",
        selection="ptc",
        certified="ptc",
    ),
    "bfk": Product(
        pipeline="cpBfk",
        dataset_type="bfk",
        raws="ptc",
        selection="ptc_bfk",
        certified="bfk",
    ),
    "bias": Product(
        pipeline="cpBias",
        dataset_type="bias",
        raws="bias",
        selection="bias",
        certified="bias",
    ),
    "dark": Product(
        pipeline="cpDark",
        dataset_type="dark",
        raws="dark",
        selection="dark",
        certified="dark",
    ),
    **{
        f"flat_{band}": Product(
            pipeline="cpFlat",
            dataset_type="flat",
            raws=f"flat_{band}",
            selection=f"flat_{band}",
            certified=f"flat-{band}",
        )
        for band in FILTERS
    },
}
"""By the name that a ticket has for it, in the order of making them."""

SECTION_7 = tuple(name for name in PRODUCTS if name not in {"linearizer", "ptc", "bfk"})
"""What DMTN-222 section 7 makes."""

START_FROM = {
    f"{CALIB}/DM-48650": "crosstalk",
    f"{CALIB}/DM-47447/gainFixup/ptc.20241107a": "ptc",
    f"{CALIB}/DM-46360/isrTaskLSST/linearizer.20240926a": "linearizer",
    f"{CALIB}/DM-46360/isrTaskLSST/bfk.20240926a": "bfk",
    f"{CALIB}/DM-46360/isrTaskLSST/ptc.20240926a": "ptc",
}
"""Collections that section 7 starts from, in order, and what is in them."""


def start_from(products: Sequence[str]) -> dict[str, str]:
    """Return the collections that products start from, and what is in them.

    Parameters
    ----------
    products
        What is made, in order.  What they need and section 7 makes itself is
        taken from the ticket that first made calibrations for IsrTaskLSST.
    """
    collections = dict(START_FROM)
    available = set(START_FROM.values())
    for name in products:
        product = PRODUCTS[name]
        # What is made is verified, which applies all that comes before it.
        needed = [*_asked_for(CP_PIPE[product.pipeline]), *_needed_to_verify(name)]
        for dataset_type in needed:
            if dataset_type not in available and dataset_type != product.dataset_type:
                collections[f"{CALIB}/DM-46360/isrTaskLSST/{dataset_type}.20240926a"] = dataset_type
        available.add(product.dataset_type)
    return collections


def _asked_for(pipeline: Tasks) -> Iterator[str]:
    """Yield the calibrations that the tasks of a pipeline look up."""
    for task in pipeline.values():
        config = task["config"]
        for switch, name in CORRECTIONS.items():
            if config.get(switch):
                yield config.get(f"connections.{name}", name)


def _needed_to_verify(name: str) -> Iterator[str]:
    kind, _, _ = name.partition("_")
    if PRODUCTS[name].certified and kind in {"bias", "dark", "flat"}:
        yield from _asked_for(CP_VERIFY[f"verify{kind.capitalize()}"])
