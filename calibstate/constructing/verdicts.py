"""Verdicts of a ticket's verifications, read from their statistics.

Only the newest RUN counts, by its name: through its chain a verification
that failed on its second try answers with the success of the first.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..kinds.verification import Verification, VerificationKind
from ..model.constructed import Constructed
from ..model.names import RepositoryAddress
from ..model.products import PRODUCTS, VERIFIED
from ..model.verdicts import ProductVerdict, TicketVerdicts, Verdict
from ..ports.construction import ConstructionPlaces, ConstructionReader
from .failures import failures_in, fold
from .steps import ConstructionStep

__all__ = ["verdicts_of"]


def verdicts_of(
    constructed: Constructed,
    steps: Iterable[ConstructionStep],
    repository: RepositoryAddress,
    places: ConstructionPlaces,
) -> TicketVerdicts:
    """Return what the newest verifications of a ticket say.

    Parameters
    ----------
    constructed
        What follows from the ticket.
    steps
        Its steps.
    repository
        Where it was verified.
    places
        Where to look.
    """
    targets: dict[str, Verification] = {}
    for step in steps:
        resource = step.resource
        if isinstance(resource, Verification) and VERIFIED[step.word].has_verdict:
            targets[step.word] = resource
    live = VerificationKind().observe(list(targets.values()), places)
    reader = places.construction(repository)
    products = []
    for word, target in targets.items():
        verification = live[target.address]
        assert verification, "a look tells of each verification"
        products.append(_verdict(word, verification, constructed, reader))
    ticket = constructed.ticket
    return TicketVerdicts(ticket=ticket.ticket, instrument=ticket.instrument, products=tuple(products))


def _verdict(
    word: str, verification: Verification, constructed: Constructed, reader: ConstructionReader
) -> ProductVerdict:
    """Return what the newest RUN of one verification says."""
    run, expected = verification.output.newest, verification.expected
    if run is None or expected is None or not verification.is_done:
        detail = VerificationKind().words(verification)
        return ProductVerdict(product=word, verdict=Verdict.NONE, run=run, detail=detail)
    statistics = reader.statistics(run, expected.dataset_type)
    failures = [failure for dataset in statistics for failure in failures_in(dataset)]
    reasons = constructed.construction.known_failures
    folded = fold(failures, word, reasons)
    verdict = Verdict.PASSED
    if folded:
        verdict = Verdict.KNOWN
    if any(not failed.known for failed in folded):
        verdict = Verdict.FAILED
    exposures = reader.exposures(expected.raws, expected.where)
    # What was searched then, whatever the ticket collection searches now.
    folder = f"{constructed.chain}/"
    collections = [name for name in verification.output.inputs if name.startswith(folder)]
    made_of = _made_of(word, constructed, reader)
    return ProductVerdict(
        product=word,
        verdict=verdict,
        run=run,
        exposures=len(exposures),
        outside=len(set(exposures) - made_of),
        failures=folded,
        collections=tuple(collections),
    )


def _made_of(word: str, constructed: Constructed, reader: ConstructionReader) -> set[int]:
    """Return the exposures that a product is made of, by its selection."""
    product = PRODUCTS.get(word)
    if product is None or product.selection is None:
        return set()
    selection = constructed.construction.selection(product.selection)
    if selection is None:
        return set()
    where = constructed.where(selection, product.condition)
    return set(reader.exposures(constructed.construction.raws, where))
