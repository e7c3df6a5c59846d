"""Fingerprints of chains side by side, and where they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from ..model.differences import Selected
from ..model.results.lookups import ChainDifference, ChainFingerprint, FingerprintsCompared
from ..model.timespans import format_range
from .data_ids import folded
from .markdown import fenced, row

__all__ = ["as_markdown", "as_text"]

_SHORT = 19
_MOST = 20
"""Differences of two repositories that are shown before they are folded."""


def as_text(result: FingerprintsCompared) -> Iterator[Text | str]:
    """Yield the repositories of each chain, and where they part.

    Those that are alike stand together.
    """
    for chain, repositories in _by_chain(result).items():
        yield Text(chain, "bold").append(f"  {_how_alike(repositories)}", "dim")
        wide = max(len(address) for address in repositories)
        by_print = sorted(repositories.items(), key=lambda item: (item[1].effective, item[0]))
        for address, fingerprint in by_print:
            line = Text(f"  {address:{wide}}  ").append(fingerprint.effective[:_SHORT], "green")
            yield line.append(f"  {len(fingerprint.collections)} collections", "dim")
    for difference in result.differences:
        yield from _difference_lines(difference)


def as_markdown(result: FingerprintsCompared) -> Iterator[str]:
    """Yield a table of the effective fingerprints, and where they part."""
    yield row("chain", "repository", "effective fingerprint", "collections")
    yield "|---|---|---|---:|"
    for chain, repositories in _by_chain(result).items():
        for address, fingerprint in repositories.items():
            yield row(chain, address, fingerprint.effective, str(len(fingerprint.collections)))
    for difference in result.differences:
        yield ""
        yield fenced(_difference_lines(difference))


def _by_chain(result: FingerprintsCompared) -> dict[str, dict[str, ChainFingerprint]]:
    chains: dict[str, dict[str, ChainFingerprint]] = {}
    for address, there in result.chains.items():
        for name, fingerprint in there.items():
            chains.setdefault(name, {})[address] = fingerprint
    return dict(sorted(chains.items()))


def _how_alike(repositories: Mapping[str, ChainFingerprint]) -> str:
    different = len({fingerprint.effective for fingerprint in repositories.values()})
    if len(repositories) == 1:
        return "at one repository only"
    return "the same everywhere" if different == 1 else f"{different} different"


def _difference_lines(difference: ChainDifference) -> Iterator[str]:
    """Yield where one repository selects otherwise than another."""
    reference, repository = difference.reference, difference.repository
    yield f"{difference.chain}: {repository} selects otherwise than {reference}"
    for found in difference.differences[:_MOST]:
        span = format_range((found.begin, found.end))
        yield f"  {found.dataset_type} {folded(found.data_ids, difference.instrument)} {span}"
        yield f"    {reference}: {_selected(found.first)}"
        yield f"    {repository}: {_selected(found.other)}"
    if len(difference.differences) > _MOST:
        yield f"  … and {len(difference.differences) - _MOST} more; --format json has all"


def _selected(what: frozenset[Selected]) -> str:
    if not what:
        return "nothing"
    names = sorted({selected.collection for selected in what})
    uuids = sorted({selected.uuid for selected in what})
    return f"{', '.join(names)} ({uuids[0]})" if len(uuids) == 1 else ", ".join(names)
