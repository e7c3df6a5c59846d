"""Fingerprints of chains side by side, and where they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.text import Text

from ..model.differences import Difference, Selected
from ..model.timespans import format_range
from .data_ids import folded
from .markdown import row

__all__ = ["Prints", "as_markdown", "as_text", "difference_lines", "folded"]

Prints = Mapping[str, Mapping[str, tuple[str, int]]]
"""By chain and repository: effective fingerprint, and how many collections
are searched."""

_SHORT = 19
_MOST = 20
"""Differences of two repositories that are shown before they are folded."""


def as_text(prints: Prints) -> Iterator[Text]:
    """Yield the repositories of each chain, those that are alike together."""
    for chain, repositories in prints.items():
        yield Text(chain, "bold").append(f"  {_how_alike(repositories)}", "dim")
        wide = max(len(address) for address in repositories)
        by_print = sorted(repositories.items(), key=lambda item: (item[1][0], item[0]))
        for effective, group in groupby(by_print, key=lambda item: item[1][0]):
            for address, (_, number) in group:
                line = Text(f"  {address:{wide}}  ").append(effective[:_SHORT], "green")
                yield line.append(f"  {number} collections", "dim")


def _how_alike(repositories: Mapping[str, tuple[str, int]]) -> str:
    different = len({effective for effective, _ in repositories.values()})
    if len(repositories) == 1:
        return "at one repository only"
    return "the same everywhere" if different == 1 else f"{different} different"


def as_markdown(prints: Prints) -> Iterator[str]:
    """Yield a table of the effective fingerprints."""
    yield row("chain", "repository", "effective fingerprint", "collections")
    yield "|---|---|---|---:|"
    for chain, repositories in prints.items():
        for address, (effective, number) in repositories.items():
            yield row(chain, address, effective, str(number))


def difference_lines(
    chain: str, reference: str, repository: str, found: Sequence[Difference], instrument: str
) -> Iterator[str]:
    """Yield where one repository selects otherwise than another."""
    yield f"{chain}: {repository} selects otherwise than {reference}"
    for one in found[:_MOST]:
        span = format_range((one.begin, one.end))
        yield f"  {one.dataset_type} {folded(one.data_ids, instrument)} {span}"
        yield f"    {reference}: {_selected(one.one)}"
        yield f"    {repository}: {_selected(one.other)}"
    if len(found) > _MOST:
        yield f"  … and {len(found) - _MOST} more; --format json has all"


def _selected(what: frozenset[Selected]) -> str:
    if not what:
        return "nothing"
    names = sorted({selected.collection for selected in what})
    uuids = sorted({selected.uuid for selected in what})
    return f"{', '.join(names)} ({uuids[0]})" if len(uuids) == 1 else ", ".join(names)
