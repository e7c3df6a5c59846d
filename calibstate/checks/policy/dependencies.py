"""The dependency chart: calibrations that are made from one another.

DMTN-222, section 3.1: a change of one requires others to be built as well.
Which ones is taken from what the pipelines of lsst/cp_pipe apply, camera by
camera: figure 2 draws the order of the former IsrTask.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...model.names import InstrumentName
from ...model.policy import Level
from ...model.products import PRODUCTS, READ_FROM, needs_of
from ..judged import Judged, of_ticket
from ..rule import Finding, Findings, rule

__all__ = ["CHART", "prerequisites_of"]

CHART = f"DMTN-222, section 3.1, and the pipelines of {READ_FROM}"

_WORDS = {
    "bfk": "brighter-fatter kernel",
    "cti": "charge transfer inefficiency",
    "electrobfdistortionmatrix": "electrostatic distortion matrix",
    "ptc": "photon transfer curve",
}

_IN_TICKETS = [product for product in PRODUCTS.values() if product.certified and product.is_asked_for]

_ORDER = tuple(dict.fromkeys(product.dataset_type for product in _IN_TICKETS))
"""Calibrations that a change of another calls for, in the order in which they
are made."""


@rule(
    "D501",
    "gains-alone",
    title="Gains without what they enter",
    level=Level.NOTE,
    source=CHART,
)
def gains_alone(tree: Judged) -> Findings:
    """Find new photon transfer curves without what they require."""
    yield from _alone(tree, "ptc", "its gains enter each of them")


@rule(
    "D502",
    "linearizer-alone",
    title="Linearizer by itself",
    level=Level.NOTE,
    source=CHART,
)
def linearizers_alone(tree: Judged) -> Findings:
    """Find new linearizers without what is measured with them."""
    yield from _alone(tree, "linearizer", "they are made of linearized exposures")


@rule(
    "D503",
    "prerequisite-missing",
    title="Made with what nobody has",
    level=Level.NOTE,
    source=CHART,
)
def prerequisites_missing(tree: Judged) -> Findings:
    """Find new calibrations made of what the instrument does not have."""
    held: dict[InstrumentName, set[str]] = {}
    # Instruments with an adopted ticket of which nobody knows what it brings.
    unsure: set[InstrumentName] = set()
    for written in tree.adopted:
        instrument = written.noun.instrument
        products = tree.products[written.noun.key]
        if products is None:
            unsure.add(instrument)
        else:
            held.setdefault(instrument, set()).update(products)

    for written in tree.proposed:
        ticket = written.noun
        products = tree.products[ticket.key]
        missing = prerequisites_of(products, ticket.instrument)
        missing -= held.get(ticket.instrument, set())
        if not missing or ticket.instrument in unsure:
            continue
        yield Finding(
            where=written.lines.at("ticket"),
            detail=(
                f"{ticket.ticket} is made with {_listed(sorted(missing))}, which neither it nor any adopted "
                f"ticket of {ticket.instrument} brings."
            ),
            hint="Say which it was made with: in the ticket's `summary`, or by a ticket that declares it.",
            of=of_ticket(ticket),
        )


def prerequisites_of(products: frozenset[str] | None, instrument: InstrumentName) -> frozenset[str]:
    """Return what is applied in making some calibrations, but not of them."""
    applied: set[str] = set()
    for dataset_type in _ORDER:
        if dataset_type.casefold() in (products or ()):
            applied.update(needs_of(dataset_type, instrument))
    return frozenset(applied.difference(products or ()))


def _made_with(product: str, instrument: InstrumentName) -> tuple[str, ...]:
    """Return what is made with a calibration, in order."""
    dependents = []
    for dataset_type in _ORDER:
        if product in needs_of(dataset_type, instrument):
            dependents.append(dataset_type.casefold())
    return tuple(dependents)


def _alone(tree: Judged, product: str, why: str) -> Findings:
    """Find new tickets that bring a product without what is made with it."""
    for written in tree.proposed:
        ticket = written.noun
        products = tree.products[ticket.key] or frozenset()
        if product not in products:
            continue
        dependents = _made_with(product, ticket.instrument)
        missing = [other for other in dependents if other not in products]
        if not missing:
            continue
        word = _WORDS.get(product, product)
        yield Finding(
            where=written.lines.at("ticket"),
            detail=f"{ticket.ticket} brings a new {word} without {_listed(missing)}: {why}.",
            hint="Build them too, or tell the board why the old ones still hold.",
            of=of_ticket(ticket),
        )


def _listed(products: Sequence[str]) -> str:
    """Return products as people list them: ``bias, dark and flat``."""
    *words, last = (_WORDS.get(product, product) for product in products)
    return f"{', '.join(words)} and {last}" if words else last
