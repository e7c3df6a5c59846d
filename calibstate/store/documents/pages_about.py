"""What pages were made of, and how it stands in a few words for machines."""

from __future__ import annotations

from typing import Literal

from ...model.names import InstrumentName, Noun, RepositoryAddress
from ...model.pages import IN_SYNC, PageContent
from .base import FORMAT
from .pages import PageDocument, SeenPart, head, public, seen_part
from .pages_overview import letters

__all__ = [
    "AboutDocument",
    "AboutProblem",
    "AboutSource",
    "StatusPage",
    "StatusRepository",
    "about_document",
    "status_page",
]


class AboutSource(Noun):
    """A repository that pages tell of."""

    repository: RepositoryAddress
    seen: SeenPart | None
    """Null: nobody saw it."""

    reviewed: str | None
    """When its chains were reviewed last: UTC; null: no review is
    published."""


class AboutProblem(Noun):
    """A mistake of the tree."""

    summary: str
    detail: str
    """Without paths of machines, addresses and people."""

    hint: str


class AboutDocument(PageDocument):
    """What pages were made of: how old each source is, and what is wrong."""

    kind: Literal["page-about"] = "page-about"

    sources: tuple[AboutSource, ...]
    """In the order of the waves."""

    runs: int
    """Journals that were read."""

    merges: int
    """Commits of the main branch that say something else."""

    problems: tuple[AboutProblem, ...]
    """Mistakes of the tree as it is."""


class StatusRepository(Noun):
    """How one repository stands, with one instrument."""

    instrument: InstrumentName
    repository: RepositoryAddress

    state: str
    """``in sync``, or the gravest state there."""

    in_sync: bool
    letter: str
    """What it selects, as on the overview; empty: not known."""

    seen: SeenPart | None
    """Null: nobody saw it."""


class StatusPage(Noun):
    """How all repositories stand, in few words."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["page-status"] = "page-status"

    generated: str
    """When it was made: UTC, with ``Z``."""

    version: str
    """Of calibstate."""

    sound: bool
    """Whether the tree has no mistakes, and every source could be read."""

    repositories: tuple[StatusRepository, ...]
    """By instrument, then in the order of the waves."""


def about_document(content: PageContent) -> AboutDocument:
    """Return what pages were made of.

    Parameters
    ----------
    content
        All that is known.
    """
    sources: dict[RepositoryAddress, AboutSource] = {}
    for standing in content.standings:
        address = standing.repository
        review = content.reviews.get(address)
        sources[address] = AboutSource(
            repository=address,
            seen=seen_part(standing.age),
            reviewed=review.at if review else None,
        )
    problems: list[AboutProblem] = []
    for diagnostic in content.unsound:
        problem = AboutProblem(
            summary=diagnostic.summary,
            detail=public(diagnostic.public or diagnostic.detail),
            hint=public(diagnostic.hint),
        )
        problems.append(problem)
    return AboutDocument.model_validate(
        {
            **head(content),
            "sources": tuple(sources.values()),
            "runs": len(content.runs),
            "merges": len(content.merges),
            "problems": tuple(problems),
        }
    )


def status_page(content: PageContent) -> StatusPage:
    """Return how all repositories stand.

    Parameters
    ----------
    content
        All that is known.
    """
    repositories: list[StatusRepository] = []
    for instrument in content.instruments:
        letter_of = letters(content, instrument)
        for standing in content.standings:
            if standing.instrument != instrument:
                continue
            repository = StatusRepository(
                instrument=instrument,
                repository=standing.repository,
                state=standing.word,
                in_sync=standing.word == IN_SYNC,
                letter=letter_of.get(standing.repository, ""),
                seen=seen_part(standing.age),
            )
            repositories.append(repository)
    return StatusPage(
        generated=content.at,
        version=content.version,
        sound=not content.unsound and not content.unread,
        repositories=tuple(repositories),
    )
