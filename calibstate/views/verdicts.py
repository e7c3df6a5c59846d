"""What verifications say of products, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..model.verdicts import FailedTest, ProductVerdict, TicketVerdicts, Verdict
from .markdown import row
from .messages import count

__all__ = ["verdict_lines", "verdicts_as_markdown"]

_MOST = 8
"""Detectors that are named."""

_STYLES = {
    Verdict.PASSED: "green",
    Verdict.KNOWN: "yellow",
    Verdict.FAILED: "red",
    Verdict.NONE: "dim",
}


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
    for failed in product.failures:
        style = "yellow" if failed.known else "red"
        yield Text(f"          {_failed(failed)}", style)


def verdicts_as_markdown(verdicts: TicketVerdicts) -> Iterator[str]:
    """Yield what the verifications say, product by product."""
    yield f"## Verification: {verdicts.verdict.value}"
    yield ""
    yield row("product", "verdict", "exposures", "not made of", "failures")
    yield "|---|---|---|---|---|"
    for product in verdicts.products:
        yield row(
            product.product,
            product.verdict.value,
            str(product.exposures or ""),
            str(product.outside or ""),
            _failures(product),
        )


def _failures(product: ProductVerdict) -> str:
    if product.detail:
        return product.detail
    return "; ".join(_failed(failed) for failed in product.failures)


def _failed(failed: FailedTest) -> str:
    """Return one test that failed, folded."""
    places = []
    for detector, amplifiers in list(failed.detectors.items())[:_MOST]:
        places.append(" ".join((detector, *amplifiers)))
    more = len(failed.detectors) - _MOST
    if more > 0:
        places.append(f"{count(more, 'more detector')}")
    words = f"{failed.test} in {', '.join(places)} ({count(len(failed.exposures), 'exposure')})"
    return f"{words}, known: {failed.known}" if failed.known else words
