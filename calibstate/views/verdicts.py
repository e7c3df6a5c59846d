"""What verifications say of products, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from ..model.verdicts import FailedTest, ProductVerdict, TicketVerdicts, Verdict
from .links import Links
from .markdown import row, safe
from .messages import count, grouped

__all__ = [
    "in_short",
    "lacking_words",
    "page_of",
    "products_as_markdown",
    "verdict_lines",
    "verdicts_as_markdown",
]

_WIDE = 80
_MARGIN = " " * 10

_MOST_GROUPS = 4
"""Groups of detectors, with the same amplifiers, that are told."""

_MOST_NAMES = 3
"""Detectors or amplifiers that are named together."""

_STYLES = {
    Verdict.PASSED: "green",
    Verdict.KNOWN: "yellow",
    Verdict.FAILED: "red",
    Verdict.NONE: "dim",
}

_WORST_FIRST = (Verdict.FAILED, Verdict.NONE, Verdict.KNOWN, Verdict.PASSED)

_HEADS = ("product", "verdict", "exposures", "it was not made of", "failures")


def verdict_lines(product: ProductVerdict) -> Iterator[Text]:
    """Yield the verdict of a product, and what failed."""
    verdict = product.verdict
    line = Text("  ")
    line.append(verdict.value.ljust(15), _STYLES[verdict])
    line.append(product.product)
    if product.exposures:
        exposures = count(product.exposures, "exposure")
        line.append("  ")
        line.append(exposures, "dim")
    outside = product.outside
    if outside:
        line.append(f", {outside} of them it was not made of", "dim")
    yield line
    detail = product.detail
    # Where there is no verdict the step itself says why.
    if detail and verdict is not Verdict.NONE:
        yield from _wrapped(detail, "dim")
    for failed in product.failures:
        style = "red"
        if failed.known:
            style = "yellow"
        words = _failed(failed)
        yield from _wrapped(words, style)


def _wrapped(words: str, style: str) -> Iterator[Text]:
    """Yield words in lines that fit, those behind the first set in."""
    deeper = _MARGIN + "  "
    lines = textwrap.wrap(
        words,
        _WIDE,
        initial_indent=_MARGIN,
        subsequent_indent=deeper,
    )
    for line in lines:
        yield Text(line, style)


def in_short(products: Mapping[str, Verdict]) -> str:
    """Return which products have which verdict, the worst first.

    Parameters
    ----------
    products
        Verdicts by product.
    """
    by_verdict = grouped(products, products.__getitem__)
    parts = []
    for verdict in _WORST_FIRST:
        names = ", ".join(by_verdict.get(verdict, ()))
        if names:
            parts.append(f"{verdict.value}: {names}")
    return "; ".join(parts)


def lacking_words(verdicts: TicketVerdicts) -> str:
    """Return what to do where no verdict is kept of a ticket."""
    ticket = verdicts.ticket
    command = f"calibstate construct {ticket} --write"
    return f"No verdict of {ticket} is kept. Where it is made, `{command}` keeps what its verifications say."


def verdicts_as_markdown(verdicts: TicketVerdicts) -> Iterator[str]:
    """Yield what the verifications say, product by product."""
    yield f"## Verification: {verdicts.verdict.value}"
    yield ""
    yield from products_as_markdown(verdicts)


def page_of(verdicts: TicketVerdicts) -> Iterator[str]:
    """Yield a page of its own: what the verifications of a ticket say."""
    instrument = safe(verdicts.instrument)
    ticket = safe(verdicts.ticket)
    verdict = verdicts.verdict.value
    yield f"# Verification of {instrument}/{ticket}"
    yield ""
    yield f"**{verdict}**"
    yield ""
    yield from products_as_markdown(verdicts)
    for product in verdicts.products:
        run = product.run
        if run:
            name = safe(product.product)
            yield ""
            yield f"{name} was read from `{run}`."


def products_as_markdown(verdicts: TicketVerdicts, links: Links | None = None) -> Iterator[str]:
    """Yield the same without a heading.

    Parameters
    ----------
    verdicts
        What the verifications say.
    links
        Where Jira is; `None`: nothing is linked.
    """
    links = links or Links()
    yield row(*_HEADS)
    yield "|" + "---|" * len(_HEADS)
    for product in verdicts.products:
        exposures = product.exposures or ""
        outside = product.outside or ""
        words: list[str] = []
        if product.detail:
            words.append(product.detail)
        for failed in product.failures:
            failure = _failed(failed)
            words.append(failure)
        failures = "; ".join(words)
        cells = [
            product.product,
            product.verdict.value,
            str(exposures),
            str(outside),
        ]
        # Reasons name the tickets that explain them.
        linked = links.sentence(failures)
        yield f"{row(*cells)} {linked} |"


def _failed(failed: FailedTest) -> str:
    """Return one test that failed, folded: ``NOISE in R22_S11 C07``."""
    words = failed.test
    detectors = failed.detectors
    if detectors:
        places = _places(detectors)
        words += f" in {places}"
    exposures = failed.exposures
    if exposures:
        number = count(exposures, "exposure")
        words += f" ({number})"
    reason = failed.known
    if reason:
        words += f", known: {reason}"
    return words


def _places(detectors: Mapping[str, Sequence[str]]) -> str:
    """Return detectors together that have the same amplifiers."""
    by_amplifiers = grouped(detectors, lambda detector: tuple(detectors[detector]))
    # What fails in most places is what somebody has to look at first.
    groups = sorted(by_amplifiers.items(), key=lambda group: len(group[1]), reverse=True)
    places: list[str] = []
    more = 0
    for amplifiers, alike in groups:
        if len(places) == _MOST_GROUPS:
            more += len(alike)
            continue
        place = _named(alike, "detector", "+")
        if amplifiers:
            place += " "
            place += _named(amplifiers, "amplifier", " ")
        places.append(place)
    if more:
        detectors_left = count(more, "more detector")
        places.append(f"and {detectors_left}")
    return ", ".join(places)


def _named(names: Sequence[str], noun: str, mark: str) -> str:
    """Return a few names, or how many they are."""
    number = len(names)
    if number <= _MOST_NAMES:
        return mark.join(names)
    first, *_, last = names
    return f"{number} {noun}s ({first}…{last})"
