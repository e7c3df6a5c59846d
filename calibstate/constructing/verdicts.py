"""Verdicts of a ticket's verifications, read from their statistics.

Only the newest RUN counts, by its name: through its chain a verification
that failed on its second try answers with the success of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..kinds.verification import Verification, VerificationKind
from ..model.constructed import Constructed
from ..model.names import RepositoryAddress
from ..model.products import PRODUCTS, VERIFIED
from ..model.verdicts import ProductVerdict, TicketVerdicts, Verdict
from ..ports.construction import ConstructionPlaces, ConstructionReader
from .failures import Failure, failures_in, fold
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
        target = Verification.of(step.resource)
        if target and VERIFIED[step.word].has_verdict:
            targets[step.word] = target
    kind = VerificationKind()
    wanted = list(targets.values())
    live = kind.observe(wanted, places)
    reader = places.construction(repository)
    products = []
    for word, target in targets.items():
        verification = live[target.address]
        assert verification, "a look tells of each verification"
        product = _verdict(word, verification, constructed, reader)
        products.append(product)
    ticket = constructed.ticket
    return TicketVerdicts(
        ticket=ticket.ticket,
        instrument=ticket.instrument,
        products=tuple(products),
    )


def _verdict(
    word: str,
    verification: Verification,
    constructed: Constructed,
    reader: ConstructionReader,
) -> ProductVerdict:
    """Return what the newest RUN of one verification says."""
    run = verification.output.newest
    expected = verification.expected
    if run is None or expected is None or not verification.is_done:
        return ProductVerdict(
            product=word,
            verdict=Verdict.NONE,
            run=run,
            detail=VerificationKind().words(verification),
        )
    statistics = reader.statistics(run, expected)
    if not statistics:
        lacking = f"{expected.dataset_type} was left out"
        detail = f"{lacking}, and {expected.otherwise} tells of no test, or cannot be read here"
        return ProductVerdict(product=word, verdict=Verdict.NONE, run=run, detail=detail)
    failures: list[Failure] = []
    for dataset in statistics:
        failures.extend(failures_in(dataset))
    construction = constructed.construction
    folded = fold(failures, word, construction.known_failures)
    verdict = Verdict.PASSED
    if folded:
        verdict = Verdict.KNOWN
    if any(not failed.known for failed in folded):
        verdict = Verdict.FAILED
    exposures = reader.exposures(expected.raws, expected.where)
    # What was searched then, whatever the ticket collection searches now.
    folder = f"{constructed.chain}/"
    inputs = verification.output.inputs
    collections = [name for name in inputs if name.startswith(folder)]
    # What the product is made of, by its selection; nothing of what this
    # ticket only verifies.
    made_of: Sequence[int] = ()
    product = PRODUCTS.get(word)
    if product and product.selection is not None:
        selection = construction.selection(product.selection)
        if selection is not None:
            where = constructed.where(selection, product.condition)
            made_of = reader.exposures(construction.raws, where)
    outside = set(exposures).difference(made_of)
    return ProductVerdict(
        product=word,
        verdict=verdict,
        run=run,
        exposures=len(exposures),
        outside=len(outside),
        failures=folded,
        collections=tuple(collections),
    )
