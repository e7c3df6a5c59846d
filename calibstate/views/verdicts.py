"""What verifications say of products, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from ..model.verdicts import FailedTest, ProductVerdict, TicketVerdicts, Verdict
from .markdown import row, safe
from .messages import count

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
    line = Text("  ")
    line.append(f"{product.verdict.value:15}", _STYLES[product.verdict])
    line.append(f"{product.product}")
    if product.exposures:
        line.append(f"  {count(product.exposures, 'exposure')}", "dim")
    if product.outside:
        line.append(f", {product.outside} of them it was not made of", "dim")
    yield line
    if product.verdict is not Verdict.NONE and product.detail:
        yield from _wrapped(product.detail, "dim")
    for failed in product.failures:
        yield from _wrapped(_failed(failed), "yellow" if failed.known else "red")


def _wrapped(words: str, style: str) -> Iterator[Text]:
    """Yield words in lines that fit, those behind the first set in."""
    lines = textwrap.wrap(words, _WIDE, initial_indent=_MARGIN, subsequent_indent=f"{_MARGIN}  ")
    for line in lines:
        yield Text(line, style)


def in_short(products: Mapping[str, Verdict]) -> str:
    """Return which products have which verdict, the worst first.

    Parameters
    ----------
    products
        Verdicts by product.
    """
    parts = []
    for verdict in _WORST_FIRST:
        words = [product for product, given in products.items() if given is verdict]
        if words:
            parts.append(f"{verdict.value}: {', '.join(words)}")
    return "; ".join(parts)


def lacking_words(verdicts: TicketVerdicts) -> str:
    """Return what to do where no verdict is kept of a ticket."""
    return (
        f"No verdict of {verdicts.ticket} is kept. Where it is made, "
        f"`calibstate construct {verdicts.ticket} --write` keeps what its verifications say."
    )


def verdicts_as_markdown(verdicts: TicketVerdicts) -> Iterator[str]:
    """Yield what the verifications say, product by product."""
    yield f"## Verification: {verdicts.verdict.value}"
    yield ""
    yield from products_as_markdown(verdicts)


def page_of(verdicts: TicketVerdicts) -> Iterator[str]:
    """Yield a page of its own: what the verifications of a ticket say."""
    yield f"# Verification of {safe(verdicts.instrument)}/{safe(verdicts.ticket)}"
    yield ""
    yield f"**{verdicts.verdict.value}**"
    yield ""
    yield from products_as_markdown(verdicts)
    for product in verdicts.products:
        if product.run:
            yield ""
            yield f"{safe(product.product)} was read from `{product.run}`."


def products_as_markdown(verdicts: TicketVerdicts) -> Iterator[str]:
    """Yield the same without a heading."""
    yield row(*_HEADS)
    yield "|" + "---|" * len(_HEADS)
    for product in verdicts.products:
        yield row(
            product.product,
            product.verdict.value,
            str(product.exposures or ""),
            str(product.outside or ""),
            _failures(product),
        )


def _failures(product: ProductVerdict) -> str:
    words = [product.detail] if product.detail else []
    words.extend(_failed(failed) for failed in product.failures)
    return "; ".join(words)


def _failed(failed: FailedTest) -> str:
    """Return one test that failed, folded: ``NOISE in R22_S11 C07``."""
    words = failed.test
    if failed.detectors:
        words = f"{words} in {_places(failed.detectors)}"
    if failed.exposures:
        words = f"{words} ({count(len(failed.exposures), 'exposure')})"
    return f"{words}, known: {failed.known}" if failed.known else words


def _places(detectors: Mapping[str, Sequence[str]]) -> str:
    """Return detectors together that have the same amplifiers."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for detector, amplifiers in detectors.items():
        groups.setdefault(tuple(amplifiers), []).append(detector)
    # What fails in most places is what somebody has to look at first.
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    places = []
    for amplifiers, names in largest[:_MOST_GROUPS]:
        place = _named(names, "detector", "+")
        if amplifiers:
            place = f"{place} {_named(amplifiers, 'amplifier', ' ')}"
        places.append(place)
    more = sum(len(names) for _, names in largest[_MOST_GROUPS:])
    if more:
        places.append(f"and {count(more, 'more detector')}")
    return ", ".join(places)


def _named(names: Sequence[str], noun: str, mark: str) -> str:
    """Return a few names, or how many they are."""
    if len(names) <= _MOST_NAMES:
        return mark.join(names)
    return f"{len(names)} {noun}s ({names[0]}…{names[-1]})"
