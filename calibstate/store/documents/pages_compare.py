"""Repositories against each other: where they select otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

from ...model.names import CollectionName, InstrumentName, Noun, RepositoryAddress
from ...model.pages import PageContent
from ...model.timelinecompare import Difference, Winner, differences
from ...model.timelines import Timeline
from ...model.timespans import format_bound
from .pages import PageDocument, SeenPart, head, main_chain, seen_part
from .pages_choices import Choice, ChoicePart, choice_part
from .pages_overview import letters

__all__ = [
    "Alike",
    "AlikePart",
    "CompareDocument",
    "DifferencePart",
    "MergeCompareDocument",
    "Merged",
    "MergedPart",
    "PairPart",
    "WinnerPart",
    "alike_groups",
    "compare_documents",
    "merge_documents",
]


class Alike(NamedTuple):
    """Repositories that select the same, always and everywhere."""

    letter: str
    repositories: tuple[RepositoryAddress, ...]
    timeline: Timeline


class AlikePart(Noun):
    """Repositories that select the same, always and everywhere."""

    letter: str
    fingerprint: str
    repositories: tuple[RepositoryAddress, ...]
    seen: tuple[SeenPart | None, ...]
    """When each of them was seen."""


class PairPart(Noun):
    """Two groups that do not select the same."""

    a: str
    """Letter of the first."""

    b: str
    """Letter of the second."""

    rows: int
    """Dataset types and filters that differ."""


class WinnerPart(Noun):
    """A ticket that wins for some detectors."""

    ticket: str
    detectors: str
    """Numbers such as ``0..8``; empty: the type knows none."""


class DifferencePart(Noun):
    """A span in which two groups select otherwise."""

    dataset_type: str
    filters: tuple[str, ...]

    begin: str | None
    """TAI; null: unbounded."""

    end: str | None
    """TAI; null: unbounded."""

    a: tuple[WinnerPart, ...]
    """What wins at the first; empty: nothing is compared."""

    b: tuple[WinnerPart, ...]
    """What wins at the second; empty: nothing is compared."""


class MergedPart(Noun):
    """A merge and the one before it."""

    older: str
    """Hex digest of the commit before."""

    newer: str
    """Hex digest of the commit."""

    at: str
    """When it was merged: UTC, with ``Z``."""

    title: str

    rows: int
    """Dataset types and filters that differ."""


class CompareDocument(PageDocument):
    """Where repositories select otherwise: all of them, or two."""

    kind: Literal["page-compare"] = "page-compare"

    instrument: InstrumentName
    chain: CollectionName

    groups: tuple[AlikePart, ...]
    """Repositories that select the same are one."""

    pairs: tuple[PairPart, ...]

    a: str | None
    """Letter of the first of the two that are compared; null: none are."""

    b: str | None
    """Letter of the second; null: none are compared."""

    differences: tuple[DifferencePart, ...]
    """Of the two; by dataset type, filter and begin."""

    choices: tuple[ChoicePart, ...]
    """What any two of can be compared; empty where two are compared
    already."""

    merges: tuple[MergedPart, ...]
    """Merges that have been compared with the one before, the newest first;
    empty where two are compared already."""


class MergeCompareDocument(PageDocument):
    """What a merge changed of what is effective, as far as seals tell."""

    kind: Literal["page-compare-merge"] = "page-compare-merge"

    instrument: InstrumentName
    chain: CollectionName
    merge: MergedPart

    repository: RepositoryAddress | None
    """The repository that is followed; others may have got another part."""

    unsealed: int
    """Collections of which no seal tells what they hold, of either."""

    differences: tuple[DifferencePart, ...]
    """By dataset type, filter and begin; first is the commit before."""


class Merged(NamedTuple):
    """A merge and the one before it, with what they select."""

    older: Choice
    newer: Choice


def alike_groups(content: PageContent, instrument: InstrumentName) -> Sequence[Alike]:
    """Return repositories by what they select; the origin's group is first.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Which; those that nobody saw are left out.
    """
    chain = main_chain(content, instrument)
    groups: dict[str, list[RepositoryAddress]] = {}
    for address, letter in letters(content, instrument).items():
        groups.setdefault(letter, []).append(address)
    alike: list[Alike] = []
    for letter, addresses in groups.items():
        timeline = content.live[addresses[0]][chain or ""].timeline
        alike.append(Alike(letter, tuple(addresses), timeline))
    return alike


def compare_documents(
    content: PageContent,
    instrument: InstrumentName,
    offered: Sequence[Choice],
    merges: Sequence[MergedPart],
) -> Iterator[tuple[CompareDocument, tuple[Alike, Alike] | None]]:
    """Yield the document of all groups, then one for each two of them.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Which.
    offered
        What any two of can be compared.
    merges
        Merges that have been compared.

    Yields
    ------
    document : CompareDocument
        Of a page.
    pair : tuple of Alike or None
        The two that it compares.
    """
    chain = main_chain(content, instrument)
    groups = alike_groups(content, instrument)
    # What was declared can be compared where nobody looked yet.
    if chain is None or not (groups or len(offered) > 1):
        return
    compared: dict[tuple[Alike, Alike], tuple[Difference, ...]] = {}
    pairs: list[PairPart] = []
    # There are few groups, however many repositories there are.
    for a, b in combinations(groups, 2):
        different = differences(a.timeline, b.timeline)
        compared[a, b] = different
        pair = PairPart(a=a.letter, b=b.letter, rows=_rows(different))
        pairs.append(pair)
    parts = [_group(content, group) for group in groups]
    common: Mapping[str, object] = {
        **head(content),
        "instrument": instrument,
        "chain": chain,
        "groups": tuple(parts),
        "pairs": tuple(pairs),
    }
    # The matrix itself compares no two of them.
    nothing = {
        "a": None,
        "b": None,
        "differences": (),
        "choices": tuple(map(choice_part, offered)),
        "merges": tuple(merges),
    }
    yield CompareDocument.model_validate({**common, **nothing}), None
    for (a, b), different in compared.items():
        of_pair = {
            "a": a.letter,
            "b": b.letter,
            "differences": tuple(map(_difference, different)),
            "choices": (),
            "merges": (),
        }
        yield CompareDocument.model_validate({**common, **of_pair}), (a, b)


def merge_documents(
    content: PageContent,
    instrument: InstrumentName,
    offered: Sequence[Choice],
) -> Iterator[tuple[MergeCompareDocument, Merged]]:
    """Yield what each merge changed of what is effective, the newest first.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Which.
    offered
        What can be compared: its revisions are.
    """
    chain = main_chain(content, instrument)
    revisions = [choice for choice in offered if choice.sort == "revision"]
    for newer, older in pairwise(revisions):
        different = differences(older.timeline, newer.timeline)
        merge = MergedPart(
            older=older.about,
            newer=newer.about,
            at=newer.at,
            title=newer.title,
            rows=_rows(different),
        )
        document = MergeCompareDocument.model_validate(
            {
                **head(content),
                "instrument": instrument,
                "chain": chain,
                "merge": merge,
                "repository": newer.repository,
                "unsealed": max(older.unsealed, newer.unsealed),
                "differences": tuple(map(_difference, different)),
            }
        )
        yield document, Merged(older, newer)


def _rows(different: Iterable[Difference]) -> int:
    """Return how many dataset types and filters differ."""
    rows: set[tuple[str, str]] = set()
    for difference in different:
        for name in difference.filters or ("",):
            rows.add((difference.dataset_type, name))
    return len(rows)


def _group(content: PageContent, group: Alike) -> AlikePart:
    ages: list[SeenPart | None] = []
    for address in group.repositories:
        ages.append(seen_part(content.ages.get(address)))
    return AlikePart(
        letter=group.letter,
        fingerprint=group.timeline.fingerprint,
        repositories=group.repositories,
        seen=tuple(ages),
    )


def _difference(difference: Difference) -> DifferencePart:
    return DifferencePart(
        dataset_type=difference.dataset_type,
        filters=difference.filters,
        begin=format_bound(difference.begin),
        end=format_bound(difference.end),
        a=tuple(map(_winner, difference.a)),
        b=tuple(map(_winner, difference.b)),
    )


def _winner(winner: Winner) -> WinnerPart:
    return WinnerPart(ticket=winner.ticket, detectors=winner.detectors)
