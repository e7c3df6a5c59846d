"""Daily verification: how it stands, and trends as small multiples.

All pictures of a test have the same scale, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from ...model.pages import PageContent
from ...store.documents.pages_daily import TrendPage, TrendPart, daily_page, trend_pages_of
from ..printable import printable
from .addresses import daily_address
from .page import Page

__all__ = ["daily_pages", "trend_pages"]

_WIDE = 150
_HIGH = 44
_EDGE = 4
"""Pixels around what is drawn."""

_MARK = 10
"""Pixels above it, for the mark of a failure."""


def daily_pages(content: PageContent) -> Iterator[Page]:
    """Yield a page for each instrument that is verified each day.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.daily:
        document = daily_page(content, instrument)
        title = f"Verified each day: {instrument}"
        yield Page(daily_address(instrument), title, document, instrument, "daily")


def trend_pages(content: PageContent) -> Iterator[Page]:
    """Yield a page for each test of each sort of exposure.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.daily:
        for document in trend_pages_of(content, instrument):
            names = (document.exposure_kind, document.physical_filter, document.test)
            address = daily_address(instrument, *names)
            title = " ".join(filter(None, names))
            scale = _Scale.of(document)
            # What somebody looks for stands first, among hundreds.
            failing_first = sorted(document.detectors, key=lambda part: not part.failed)
            pictures = [(part, _picture(part, document, scale)) for part in failing_first]
            more = {"pictures": pictures, "least": scale.least, "most": scale.most}
            yield Page(address, title, document, instrument, "daily", more)


@dataclass(frozen=True)
class _Scale:
    """Where nights and values are drawn."""

    nights: int
    least: float
    most: float

    @classmethod
    def of(cls, document: TrendPage) -> _Scale:
        """Return the scale of all pictures of a test."""
        # There is no detector without a value.
        least = min(min(part.least) for part in document.detectors)
        most = max(max(part.most) for part in document.detectors)
        return cls(len(document.nights), least, most)

    def x(self, night: int) -> str:
        """Return where a night is, in pixels."""
        # A single night stands in the middle.
        share = 0.5
        if self.nights > 1:
            share = night / (self.nights - 1)
        return f"{_EDGE + share * (_WIDE - 2 * _EDGE):.1f}"

    def y(self, value: float) -> str:
        """Return where a value is, in pixels; what is larger is higher."""
        # So does what is always the same.
        share = 0.5
        if self.most > self.least:
            share = (value - self.least) / (self.most - self.least)
        return f"{_HIGH - _EDGE - share * (_HIGH - 2 * _EDGE - _MARK):.1f}"


def _picture(part: TrendPart, document: TrendPage, scale: _Scale) -> Markup:
    """Return the trend of one detector as a picture."""
    label = escape(printable(_in_words(part, document)))
    nights = range(len(part.at))
    # One path for all of them: a camera has many.
    amplifiers = []
    medians = []
    for number in nights:
        x = scale.x(part.at[number])
        amplifiers.append(f"M{x} {scale.y(part.least[number])}V{scale.y(part.most[number])}")
        medians.append(f"{x} {scale.y(part.median[number])}")
    drawn = [
        f'<svg class="trend" width="{_WIDE}" height="{_HIGH}" role="img" aria-label="{label}">',
        f'<path class="amp" d="{"".join(amplifiers)}"/><path class="med" d="M{"L".join(medians)}"/>',
    ]
    for number in nights:
        if part.at[number] in part.failed:
            at = f'x="{scale.x(part.at[number])}" y="{scale.y(part.most[number])}"'
            drawn.append(f'<text class="fail" {at}>✗</text>')
    return Markup("".join([*drawn, "</svg>"]))


def _in_words(part: TrendPart, document: TrendPage) -> str:
    """Return what a picture shows, for who does not see it."""
    last = document.nights[part.at[-1]]
    words = f"{part.detector}: median {part.median[-1]:.3g} on {last}"
    nights = [str(document.nights[place]) for place in part.failed]
    if nights:
        return f"{words}; failed on {', '.join(nights)}"
    return f"{words}; never failed"
