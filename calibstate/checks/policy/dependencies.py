"""The dependency chart: calibrations that are made from one another.

DMTN-222, section 3.1: a change of one requires others to be built as well.
Figure 2 is a picture; what it draws is taken from the text beside it, and
from what the pipelines of lsst/cp_pipe apply (``pipelines/_ingredients``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...model.names import InstrumentName
from ...model.policy import Level
from ..judged import Judged, of_ticket
from ..rule import Finding, Findings, rule

__all__ = ["APPLIED", "CHART", "prerequisites_of"]

CHART = "DMTN-222, section 3.1 and figure 2"

_WORDS = {
    "bfk": "brighter-fatter kernel",
    "cti": "charge transfer inefficiency",
    "ptc": "photon transfer curve",
}

_WITH_GAINS = ("linearizer", "bfk", "cti")
"""Section 3.1: the gains of a photon transfer curve require these."""

_WITH_LINEARITY = ("ptc", "bfk", "cti")
"""cp_pipe: their exposures are linearized before they are measured."""

APPLIED: Mapping[str, tuple[str, ...]] = {
    "bias": ("linearizer", "ptc"),
    "bfk": ("defects", "linearizer"),
    "cti": ("defects", "linearizer", "ptc"),
    "dark": ("bias", "defects", "linearizer", "ptc"),
    "flat": ("bias", "dark", "linearizer", "ptc"),
    "linearizer": ("defects",),
    "ptc": ("defects", "linearizer"),
}
"""cp_pipe: what is applied to the exposures that each is made of.

Deferred charge (``cti``) is left out: not every camera has it.
"""


@rule(
    "D501",
    "gains-alone",
    title="Gains without what they enter",
    level=Level.NOTE,
    source=CHART,
)
def gains_alone(tree: Judged) -> Findings:
    """Find new photon transfer curves without what they require."""
    yield from _alone(tree, "ptc", _WITH_GAINS, "its gains enter each of them")


@rule(
    "D502",
    "linearizer-alone",
    title="Linearizer by itself",
    level=Level.NOTE,
    source=CHART,
)
def linearizers_alone(tree: Judged) -> Findings:
    """Find new linearizers without what is measured with them."""
    yield from _alone(tree, "linearizer", _WITH_LINEARITY, "they are measured on linearized exposures")


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
        missing = prerequisites_of(products)
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


def prerequisites_of(products: frozenset[str] | None) -> frozenset[str]:
    """Return what is applied in making some calibrations, but not of them."""
    applied: set[str] = set()
    for product in products or ():
        applied.update(APPLIED.get(product, ()))
    return frozenset(applied.difference(products or ()))


def _alone(tree: Judged, product: str, others: Sequence[str], why: str) -> Findings:
    """Find new tickets that bring a product without others that it needs."""
    for written in tree.proposed:
        ticket = written.noun
        products = tree.products[ticket.key] or frozenset()
        if product not in products:
            continue
        missing = [other for other in others if other not in products]
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
