"""The ticket that declares how its collections are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..world import CALIB, INSTRUMENT
from .products import PRODUCTS

__all__ = ["SELECTIONS", "TICKET", "VERIFIED", "certified_collections", "ticket_document"]

TICKET = "DM-48520"
TAG = "DP1"
RERUN = "20250207a"
VERIFY_RERUN = "20250210a"

_NIGHTS = (
    "((exposure.day_obs=20241208 and exposure.seq_num >= 696) "
    "or (exposure.day_obs=20241206 and exposure.seq_num >= 427))"
)
_BLOCK = "exposure.day_obs=20240806 and exposure.science_program='BLOCK-T68'"

SELECTIONS = {
    "bias": f"{_NIGHTS} and exposure.observation_type='bias'",
    "dark": f"{_NIGHTS} and exposure.observation_type='dark'",
    "flat_bootstrap": f"{_BLOCK} and exposure.observation_reason='flat' and physical_filter='r_03'",
    "ptc": f"{_BLOCK} and exposure.observation_reason='comcam_ptc' and physical_filter='r_03'",
    "flat_u": "exposure.day_obs=20241110 and exposure.seq_num in (44..63)",
    "flat_g": "exposure.day_obs=20241126 and exposure.seq_num in (21..40)",
    "flat_r": "exposure.day_obs=20241111 and exposure.seq_num in (17..36)",
    "flat_i": "exposure.day_obs=20241120 and exposure.seq_num in (41..64) and exposure.seq_num != 58",
    "flat_z": "exposure.day_obs=20241112 and exposure.seq_num in (28..48)",
    "flat_y": "exposure.day_obs=20241119 and exposure.seq_num in (21..36)",
}
"""Selections of section 7, by the exposures that they find."""

VERIFIED = {
    "science": (
        2024120100160,
        2024120700307,
        2024120700297,
        2024120300156,
        2024120700339,
        2024112000223,
    ),
    "bias": (2024102100509, 2024102600031),
    "dark": (2024102300019, 2024102300035),
}
"""Exposures of section 7's verifications; it has more biases and darks."""

LOOK_AT = {
    "bias_bootstrap": '{type: biasBootstrap, where: "detector in (0, 1)"}',
    "dark_bootstrap": '{type: darkBootstrap, where: "detector in (0, 1)"}',
    "bias": "{type: biasMosaic8}",
    "dark": "{type: darkMosaic8}",
}
"""Where section 7 has a person look before it goes on."""


def ticket_document(
    products: Sequence[str], start_from: Iterable[str], raws: str, *, each: int, look_at: bool = False
) -> str:
    """Return the text of the ticket's file.

    Parameters
    ----------
    products
        What is made, in order.
    start_from
        Collections to start from, in order.
    raws
        Collection of the raws.
    each
        How many exposures verify what has exposures of its own for that.
    look_at
        Stop where section 7 does, for a person to look.
    """
    lines = [
        f"ticket: {TICKET}",
        f"instrument: {INSTRUMENT}",
        "summary: Calibrations for DP1",
        "approval: {status: proposed}",
        "construction:",
        f"  tag: {TAG}",
        f"  rerun: {RERUN}",
        "  bootstrap: 1",
        f"  raws: {raws}",
        "  start_from:",
        *(f"    - {collection}" for collection in start_from),
        "  selections:",
        *_selections(products),
        "  make:",
        *(f"    - {_step(name, look_at=look_at)}" for name in products),
        f"  certify: {{rerun: {RERUN}, begin: null, end: null}}",
        "  verify:",
        f"    rerun: {VERIFY_RERUN}",
        *_verifications(products, each),
    ]
    text = "\n".join(lines)
    return f"{text}\n"


def certified_collections(products: Sequence[str]) -> tuple[str, ...]:
    """Return the collections that are certified, the newest first."""
    collections = []
    for name in products:
        certified = PRODUCTS[name].certified
        if certified:
            collections.append(f"{CALIB}/{TICKET}/{TAG}/{certified}.{RERUN}")
    collections.reverse()
    return tuple(collections)


def _selections(products: Sequence[str]) -> Iterator[str]:
    """Yield each selection once in full; where it returns, as the same."""
    selected = [PRODUCTS[name] for name in products if PRODUCTS[name].raws]
    # It stands with what is certified; a bootstrap refers to that.
    first: dict[str, str] = {}
    for product in sorted(selected, key=lambda product: product.certified == ""):
        first.setdefault(product.raws, product.selection)
    for product in selected:
        if first[product.raws] == product.selection:
            yield f"    {product.selection}: {SELECTIONS[product.raws]}"
        else:
            yield f"    {product.selection}: {{same_as: {first[product.raws]}}}"


def _step(name: str, *, look_at: bool) -> str:
    if look_at and name in LOOK_AT:
        return f"{{{name}: {{look_at: {LOOK_AT[name]}}}}}"
    return name


def _verifications(products: Sequence[str], each: int) -> Iterator[str]:
    """Yield what is verified: flats with the raws that they are made of."""
    flats = [name for name in products if PRODUCTS[name].dataset_type == "flat"]
    if flats:
        yield f"    science: {_exposures('science', each)}"
    for name in ("bias", "dark"):
        if name in products:
            yield f"    {name}: {_exposures(name, each)}"
    for name in flats:
        yield f"    {name}: same"


def _exposures(kind: str, each: int) -> str:
    numbers = ", ".join(str(number) for number in VERIFIED[kind][:each])
    return f"exposure in ({numbers})"
