"""Fingerprints of chains side by side, and where they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from ..model.differences import Selected
from ..model.fingerprints import collection_fingerprint
from ..model.results.lookups import ChainDifference, ChainFingerprint, FingerprintsCompared
from ..model.timespans import format_range
from .data_ids import folded
from .markdown import fenced, row
from .messages import left_out

__all__ = ["as_markdown", "as_text"]

_Fingerprints = dict[str, ChainFingerprint]
"""Of a chain, by repository."""

_OF_NOTHING = collection_fingerprint(())
"""Effective fingerprint of a chain through which no calibration is found."""

_SHORT = 19
"""Characters of a fingerprint that a terminal shows."""

_MOST = 20
"""Differences of two repositories that are shown before they are folded."""


def as_text(result: FingerprintsCompared) -> Iterator[Text | str]:
    """Yield the repositories of each chain, and where they part.

    Those that are alike stand together.
    """
    chains = _by_chain(result)
    for chain, repositories in chains.items():
        yield _heading(chain, repositories)
        widest = max(repositories, key=len)
        wide = len(widest)
        # Those with the same fingerprint stand together.
        alike_together = []
        for address, fingerprint in repositories.items():
            pair = (fingerprint.effective, address)
            alike_together.append(pair)
        alike_together.sort()
        for effective, address in alike_together:
            short = effective[:_SHORT]
            fingerprint = repositories[address]
            number = len(fingerprint.collections)
            yield Text.assemble(
                f"  {address:{wide}}  ",
                (short, "green"),
                (f"  {number} collections", "dim"),
            )
    for difference in result.differences:
        yield from _difference_lines(difference)


def as_markdown(result: FingerprintsCompared) -> Iterator[str]:
    """Yield a table of the effective fingerprints, and where they part."""
    yield row(
        "chain",
        "repository",
        "effective fingerprint",
        "collections",
    )
    yield "|---|---|---|---:|"
    chains = _by_chain(result)
    for chain, repositories in chains.items():
        for address, fingerprint in repositories.items():
            number = len(fingerprint.collections)
            yield row(
                chain,
                address,
                fingerprint.effective,
                str(number),
            )
    for difference in result.differences:
        yield ""
        yield fenced(_difference_lines(difference))


def _by_chain(result: FingerprintsCompared) -> Mapping[str, _Fingerprints]:
    """Return the fingerprints by chain and repository."""
    # The result has them the other way round: by repository, then by chain.
    chains: dict[str, _Fingerprints] = {}
    for address, fingerprints in result.chains.items():
        for name, fingerprint in fingerprints.items():
            repositories = chains.setdefault(name, {})
            repositories[address] = fingerprint
    return dict(sorted(chains.items()))


def _heading(chain: str, repositories: _Fingerprints) -> Text:
    """Return a chain, and whether it is the same at all repositories."""
    effective = {fingerprint.effective for fingerprint in repositories.values()}
    different = len(effective)
    # A chain at one place is the same there, which says nothing.
    if len(repositories) == 1:
        verdict = "at one repository only"
    elif effective == {_OF_NOTHING}:
        verdict = _verdict_on_collections(repositories)
    elif different == 1:
        verdict = "the same everywhere"
    else:
        verdict = f"{different} different"
    return Text.assemble(
        chain,
        (f"  {verdict}", "dim"),
        style="bold",
    )


def _verdict_on_collections(repositories: _Fingerprints) -> str:
    """Say whether repositories search the same, where no calibration is.

    What is no calibration, such as a reference catalogue, is in no effective
    fingerprint, so that one tells nothing of it.
    """
    searched: set[tuple[tuple[str, str], ...]] = set()
    for fingerprint in repositories.values():
        in_order = tuple(fingerprint.collections.items())
        searched.add(in_order)
    if len(searched) == 1:
        return "no calibrations; the same collections everywhere"
    return f"no calibrations; {len(searched)} different lists of collections"


def _difference_lines(difference: ChainDifference) -> Iterator[str]:
    """Yield where one repository selects otherwise than another."""
    chain = difference.chain
    instrument = difference.instrument
    reference = difference.reference
    repository = difference.repository
    yield f"{chain}: {repository} selects otherwise than {reference}"
    parts = difference.differences
    for part in parts[:_MOST]:
        dataset_type = part.dataset_type
        data_ids = folded(part.data_ids, instrument)
        span = format_range((part.begin, part.end))
        at_reference = _selected(part.first)
        at_repository = _selected(part.other)
        yield f"  {dataset_type} {data_ids} {span}"
        yield f"    {reference}: {at_reference}"
        yield f"    {repository}: {at_repository}"
    for words in left_out(parts, _MOST):
        yield f"  {words}"


def _selected(datasets: frozenset[Selected]) -> str:
    """Return the collections that decide, and the dataset if it is one."""
    if not datasets:
        return "nothing"
    # Data IDs that differ alike are shown as one, though each of them has a
    # dataset of its own.
    collections = set()
    uuids = set()
    for dataset in datasets:
        collections.add(dataset.collection)
        uuids.add(dataset.uuid)
    names = ", ".join(sorted(collections))
    if len(uuids) > 1:
        return names
    uuid = uuids.pop()
    return f"{names} ({uuid})"
