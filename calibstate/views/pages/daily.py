"""Daily verification: how it stands, and trends as small multiples.

All pictures of a test have the same scale, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from ...model.pages import PageContent
from ...store.documents.pages_daily import PointPart, TrendPage, TrendPart, daily_page, trend_pages_of
from ..printable import printable
from .addresses import daily_address
from .page import Page

__all__ = ["daily_pages", "trend_pages"]

_WIDE = 150
_HIGH = 44
_EDGE = 4
"""Pixels around what is drawn."""


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
            address = daily_address(instrument, document.exposure_kind, document.test)
            title = f"{document.exposure_kind} {document.test}"
            scale = _Scale.of(document)
            pictures = [(part, _picture(part, document, scale)) for part in document.detectors]
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
        points = [point for part in document.detectors for point in part.points]
        least = min((point.least for point in points), default=0.0)
        most = max((point.most for point in points), default=0.0)
        return cls(len(document.nights), least, most)

    def x(self, night: int) -> str:
        """Return where a night is, in pixels."""
        share = night / (self.nights - 1) if self.nights > 1 else 0.5
        return f"{_EDGE + share * (_WIDE - 2 * _EDGE):.1f}"

    def y(self, value: float) -> str:
        """Return where a value is, in pixels; what is larger is higher."""
        span = self.most - self.least
        share = (value - self.least) / span if span else 0.5
        return f"{_HIGH - _EDGE - share * (_HIGH - 2 * _EDGE):.1f}"


def _picture(part: TrendPart, document: TrendPage, scale: _Scale) -> Markup:
    """Return the trend of one detector as a picture."""
    label = escape(printable(_in_words(part, document)))
    drawn = [
        f'<svg class="trend" width="{_WIDE}" height="{_HIGH}" role="img" aria-label="{label}">',
        *_range(part.points, scale),
        f'<path class="med" d="{_line(part.points, scale)}"/>',
    ]
    for point in part.points:
        if point.failed:
            at = f'x="{scale.x(point.night)}" y="{scale.y(point.most)}"'
            drawn.append(f'<text class="fail" {at}>✗<title>{document.nights[point.night]}</title></text>')
    return Markup("".join([*drawn, "</svg>"]))


def _range(points: Sequence[PointPart], scale: _Scale) -> Iterator[str]:
    """Yield from the least to the largest amplifier, night by night."""
    for point in points:
        x = scale.x(point.night)
        yield f'<line class="amp" x1="{x}" x2="{x}" y1="{scale.y(point.least)}" y2="{scale.y(point.most)}"/>'


def _line(points: Sequence[PointPart], scale: _Scale) -> str:
    """Return the line through the medians."""
    places = [f"{scale.x(point.night)} {scale.y(point.median)}" for point in points]
    return f"M{'L'.join(places)}" if places else ""


def _in_words(part: TrendPart, document: TrendPage) -> str:
    """Return what a picture shows, for who does not see it."""
    last = part.points[-1]
    words = f"{part.detector}: median {last.median:.3g} on {document.nights[last.night]}"
    nights = [str(document.nights[point.night]) for point in part.points if point.failed]
    if nights:
        return f"{words}; failed on {', '.join(nights)}"
    return f"{words}; never failed"
