"""Verdicts of a ticket's verifications, read from their statistics.

Only the newest RUN counts, by its name: through its chain a verification
that failed on its second try answers with the success of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..kinds.verification import Verification, VerificationKind
from ..model.constructed import Constructed
from ..model.names import RepositoryAddress
from ..model.products import PRODUCTS, VERIFIED
from ..model.verdicts import FailedTest, ProductVerdict, TicketVerdicts, Verdict
from ..ports.construction import ConstructionPlaces, ConstructionReader, Statistics
from .steps import ConstructionStep

__all__ = ["Failure", "failures_in", "fold", "verdicts_of"]


@dataclass(frozen=True, order=True)
class Failure:
    """One test that failed in one place."""

    test: str
    """``NOISE``."""

    detector: str
    """``R22_S11``."""

    amplifier: str
    """``C07``; empty: the detector as a whole."""

    exposure: int
    """0 where the statistics are of no exposure."""

    @property
    def words(self) -> str:
        """As cp_verify writes it: ``R22_S11 C07 NOISE``."""
        return " ".join(word for word in (self.detector, self.amplifier, self.test) if word)


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
    is_success = all(dataset.values.get("SUCCESS") is True for dataset in statistics)
    # A success that nobody wrote is none, whatever failures are listed.
    if any(not failed.known for failed in folded) or (not folded and not is_success):
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


def failures_in(statistics: Statistics) -> Iterator[Failure]:
    """Yield the failures that a dataset of statistics lists.

    Parameters
    ----------
    statistics
        ``{exposure: {SUCCESS, FAILURES}, SUCCESS}``; FAILURES may stand at the
        top too, where there are no exposures.
    """
    yield from _failures(statistics.values, 0)
    for key, part in statistics.values.items():
        if isinstance(part, Mapping) and str(key).isdigit():
            yield from _failures(part, int(key))


def _failures(part: Mapping[str, object], exposure: int) -> Iterator[Failure]:
    listed = part.get("FAILURES", ())
    if not isinstance(listed, list | tuple):
        return
    for words in listed:
        detector, *between, test = str(words).split()
        yield Failure(test, detector, " ".join(between), exposure)


def fold(failures: Iterable[Failure], word: str, known_failures: Mapping[str, str]) -> tuple[FailedTest, ...]:
    """Return failures together that are of one test and have one reason.

    Parameters
    ----------
    failures
        All of them.
    word
        The product, as ``verify`` calls it.
    known_failures
        Reasons by ``verify WORD: DETECTOR AMPLIFIER TEST``.
    """
    alike: dict[tuple[str, str], list[Failure]] = {}
    for failure in sorted(failures):
        reason = known_failures.get(f"verify {word}: {failure.words}", "")
        alike.setdefault((reason, failure.test), []).append(failure)
    folded = []
    # What nobody gave a reason for stands first.
    for (reason, test), group in sorted(alike.items()):
        amplifiers: dict[str, set[str]] = {}
        for failure in group:
            amplifiers.setdefault(failure.detector, set()).add(failure.amplifier)
        folded.append(
            FailedTest(
                test=test,
                detectors={name: tuple(sorted(names - {""})) for name, names in amplifiers.items()},
                exposures=tuple(sorted({failure.exposure for failure in group} - {0})),
                number=len(group),
                known=reason,
            )
        )
    return tuple(folded)
