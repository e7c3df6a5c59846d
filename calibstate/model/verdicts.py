"""What cp_verify found: which products pass, and which tests fail where.

A verdict is of one RUN.  That it is there does not say that a product may be
used: the board decides that, and a ticket may name failures that it knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from .names import CollectionName, InstrumentName, Noun, TicketKey, Word

__all__ = ["FailedTest", "ProductVerdict", "TicketVerdicts", "Verdict"]


class Verdict(Enum):
    """What a verification says of a product."""

    PASSED = "passed"

    KNOWN = "known failures"
    """Nothing failed but what the ticket gives a reason for."""

    FAILED = "failed"

    NONE = "no verdict"
    """It was not verified, or not all of it was."""


class FailedTest(Noun):
    """One test that failed in some places, and all that is alike together."""

    test: str
    """Its name, such as ``NOISE``."""

    detectors: Mapping[str, tuple[str, ...]]
    """Amplifiers by detector; of none: the detector as a whole.  Without any
    detector: exposures as a whole."""

    exposures: tuple[int, ...]
    """In which exposures, sorted."""

    number: int
    """How many failures it is."""

    known: str = ""
    """Why the board need not mind; empty: nobody gave a reason."""


class ProductVerdict(Noun):
    """What the newest verification of a product says."""

    product: str
    """Its word in ``verify``."""

    verdict: Verdict

    run: CollectionName | None = None
    """The RUN that was read; `None`: there is none."""

    detail: str = ""
    """Why there is no verdict."""

    exposures: int = 0
    """Exposures that were verified."""

    outside: int = 0
    """Those of them that the product was not made of."""

    failures: tuple[FailedTest, ...] = ()
    """By test; what has a reason stands behind the rest."""

    collections: tuple[CollectionName, ...] = ()
    """Collections of the ticket that it was verified with, in the order in
    which they were searched."""


class TicketVerdicts(Noun):
    """What is said of all products of a ticket."""

    ticket: Word
    """Name of the ticket."""

    instrument: InstrumentName
    """Camera that it is for."""

    products: tuple[ProductVerdict, ...]
    """In the order in which they are verified."""

    @property
    def key(self) -> TicketKey:
        """By which the ticket is known."""
        return TicketKey(self.instrument, self.ticket)

    @property
    def by_product(self) -> Mapping[str, Verdict]:
        """The verdict of each product."""
        return {product.product: product.verdict for product in self.products}

    @property
    def verdict(self) -> Verdict:
        """The worst of them."""
        verdicts = {product.verdict for product in self.products}
        for verdict in (Verdict.FAILED, Verdict.NONE, Verdict.KNOWN):
            if verdict in verdicts:
                return verdict
        return Verdict.PASSED if verdicts else Verdict.NONE
