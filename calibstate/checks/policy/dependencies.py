"""The dependency chart: calibrations that are made from one another.

DMTN-222, section 3.1: a change of one requires others to be built as well.
Figure 2 is a picture; what it draws is taken from the text beside it, and
from what the pipelines of lsst/cp_pipe apply (``pipelines/_ingredients``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model.names import InstrumentName
from .judged import Finding, Judged, of_ticket

__all__ = ["APPLIED", "gains_alone", "linearizers_alone", "prerequisites_missing", "prerequisites_of"]

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


def gains_alone(tree: Judged) -> Iterator[Finding]:
    """Find new photon transfer curves without what they require."""
    yield from _alone(tree, "ptc", _WITH_GAINS, "its gains enter each of them")


def linearizers_alone(tree: Judged) -> Iterator[Finding]:
    """Find new linearizers without what is measured with them."""
    yield from _alone(tree, "linearizer", _WITH_LINEARITY, "they are measured on linearized exposures")


def prerequisites_missing(tree: Judged) -> Iterator[Finding]:
    """Find new calibrations made of what the instrument does not have."""
    held: dict[InstrumentName, set[str]] = {}
    unsure: set[InstrumentName] = set()
    for ticket in tree.adopted:
        products = tree.products[ticket.noun.key]
        held.setdefault(ticket.noun.instrument, set()).update(products or ())
        if products is None:
            unsure.add(ticket.noun.instrument)
    for ticket in tree.proposed:
        instrument = ticket.noun.instrument
        missing = prerequisites_of(tree.products[ticket.noun.key]) - held.get(instrument, set())
        if missing and instrument not in unsure:
            yield Finding(
                ticket.lines.at("ticket"),
                f"{ticket.noun.ticket} is made with {_listed(sorted(missing))}, which neither it nor any "
                f"adopted ticket of {instrument} brings.",
                "Say which it was made with: in the ticket's `summary`, or by a ticket that declares it.",
                of_ticket(ticket.noun),
            )


def prerequisites_of(products: frozenset[str] | None) -> frozenset[str]:
    """Return what is applied in making some calibrations, but not of them."""
    if products is None:
        return frozenset()
    return frozenset(one for made in products for one in APPLIED.get(made, ())) - products


def _alone(tree: Judged, product: str, others: tuple[str, ...], why: str) -> Iterator[Finding]:
    for ticket in tree.proposed:
        products = tree.products[ticket.noun.key] or frozenset()
        missing = [other for other in others if other not in products]
        if product in products and missing:
            new = _WORDS.get(product, product)
            yield Finding(
                ticket.lines.at("ticket"),
                f"{ticket.noun.ticket} brings a new {new} without {_listed(missing)}: {why}.",
                "Build them too, or tell the board why the old ones still hold.",
                of_ticket(ticket.noun),
            )


def _listed(products: list[str]) -> str:
    words = [_WORDS.get(product, product) for product in products]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
