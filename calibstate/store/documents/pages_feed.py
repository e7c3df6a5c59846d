"""What happened, the newest first, as a page and as a feed have it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Literal
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid5

from ...model.names import Noun
from ...model.pages import IN_SYNC, PageContent
from ...model.runs import PastRun
from ...model.status import State
from .pages import PageDocument, head, public

__all__ = ["EntrySort", "FeedDocument", "FeedEntry", "feed_document", "feed_id"]

_OWNED_SINCE = "2026"
"""Year of the ids: whoever has the host published there then (RFC 4151)."""

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
"""Hosts that can stand in an id."""

_NAMESPACE = UUID("827f88de-e820-53ee-8e60-0ba553d8d5d5")
"""Of ids that are told by their words alone."""

_MOST = 300
"""Entries of a feed; what is older has pages of its own still."""

_DIGEST = 16

EntrySort = Literal["merge", "run", "review", "state", "sight"]


class FeedEntry(Noun):
    """Something that happened."""

    id: str
    """A URI that stays: a ``tag:`` of the host of the pages; a ``urn:uuid:``
    where nobody says where they will be."""

    sort: EntrySort

    at: str
    """UTC, with ``Z``: of a state, when it was seen, or seen first."""

    title: str

    why: str
    """More of it, where there is more to tell."""

    about: str
    """The commit, the run, or the repository."""

    ticket: str = ""
    """The ticket that it is about, as ``INSTRUMENT/TICKET``; else empty."""


class FeedDocument(PageDocument):
    """What happened: merges, runs, failing reviews, states, old sights."""

    kind: Literal["page-feed"] = "page-feed"

    entries: tuple[FeedEntry, ...]
    """The newest first."""

    left_out: int
    """Older ones."""


def feed_document(content: PageContent) -> FeedDocument:
    """Return the document of the feed's page.

    Parameters
    ----------
    content
        All that is known.
    """
    entries = [
        *_merges(content),
        *_runs(content),
        *_reviews(content),
        *_states(content),
        *_turns(content),
        *_sights(content),
    ]
    # Of the same moment the order is that of their ids, always.
    entries.sort(key=lambda entry: (entry.at, entry.id), reverse=True)
    return FeedDocument.model_validate(
        {
            **head(content),
            "entries": tuple(entries[:_MOST]),
            "left_out": max(0, len(entries) - _MOST),
        }
    )


def feed_id(content: PageContent) -> str:
    """Return the id of the feed itself: that of the tree's first commit.

    Parameters
    ----------
    content
        All that is known.
    """
    if not content.merges:
        return _id(content, "feed")
    # It stays the same wherever the pages are published.
    first = content.merges[-1].revision.commit
    return _id(content, f"feed/{first}")


def _id(content: PageContent, words: str) -> str:
    """Return a URI that never changes, by words that never do.

    Only who publishes pages may coin ids of their host; where no address is
    known, an id belongs to nobody.
    """
    parts = urlsplit(content.wishes.url)
    host = (parts.hostname or "").lower()
    if not _HOST.fullmatch(host):
        return uuid5(_NAMESPACE, words).urn
    # A host may have pages of several trees.
    folder = quote(parts.path.strip("/"))
    return f"tag:{host},{_OWNED_SINCE}:{folder}/{quote(words)}"


def _merges(content: PageContent) -> Iterator[FeedEntry]:
    for merge in content.merges:
        revision = merge.revision
        why = ""
        if merge.problems:
            why = f"it has {merge.problems} mistakes"
        elif content.wishes.people:
            why = f"by {', '.join(map(public, revision.authors))}"
        title = public(revision.title)
        if revision.pull_request:
            title = f"#{revision.pull_request} {title}"
        yield FeedEntry(
            id=_id(content, f"merge/{revision.commit}"),
            sort="merge",
            at=revision.at,
            title=title,
            why=why,
            about=revision.commit,
        )


def _runs(content: PageContent) -> Iterator[FeedEntry]:
    for run in content.runs:
        # What has no line has no moment either.
        if not run.at:
            continue
        yield FeedEntry(
            id=_id(content, f"run/{run.id}"),
            sort="run",
            at=run.at,
            title=f"Run {run.state.value}: {_steps_in_words(run)}",
            why=public(run.reason),
            about=run.id,
        )


def _steps_in_words(run: PastRun) -> str:
    """Return how many of which operations were at which places."""
    numbers: dict[tuple[str, str], int] = {}
    for outcome in run.outcomes:
        key = (outcome.do, outcome.address.place)
        numbers[key] = numbers.get(key, 0) + 1
    words: list[str] = []
    for (do, place), number in numbers.items():
        words.append(f"{number} {do} at {place}")
    return public(", ".join(words) or "no steps")


def _reviews(content: PageContent) -> Iterator[FeedEntry]:
    """Yield the reviews that tickets do not pass."""
    for address, review in sorted(content.reviews.items()):
        for name, reviewed in sorted(review.tickets.items()):
            instrument, _, ticket = name.partition("/")
            if reviewed.passed or instrument not in content.instruments:
                continue
            yield FeedEntry(
                id=_id(content, f"review/{address}/{name}/{reviewed.at}"),
                sort="review",
                at=reviewed.at,
                title=f"{ticket} fails its review at {address}",
                why=public(reviewed.why),
                about=address,
                ticket=name,
            )


def _states(content: PageContent) -> Iterator[FeedEntry]:
    """Yield how repositories stand: each state once, however often seen."""
    for standing in content.standings:
        # What nobody can see now is told by its old sight.
        if standing.age is None or standing.word == State.UNREACHABLE.value:
            continue
        why = "; ".join(map(public, standing.why))
        # The same state for the same reasons is one entry, for good.
        digest = sha256(f"{standing.word}\n{why}".encode()).hexdigest()[:_DIGEST]
        title = f"{standing.repository} is {standing.word}"
        if standing.word != IN_SYNC:
            title = f"{standing.repository} is not as declared: {standing.word}"
        yield FeedEntry(
            id=_id(content, f"state/{standing.repository}/{standing.instrument}/{digest}"),
            sort="state",
            at=standing.age.at,
            title=title,
            why=why,
            about=standing.repository,
        )


def _turns(content: PageContent) -> Iterator[FeedEntry]:
    """Yield when repositories began or ceased to search as declared."""
    for turn in content.turns:
        if turn.instrument not in content.instruments:
            continue
        title = f"{turn.repository} does not search {turn.chain} as declared any more"
        why: list[str] = []
        if turn.lacking:
            why.append(f"not searched: {', '.join(turn.lacking)}")
        if turn.besides:
            why.append(f"searched besides: {', '.join(turn.besides)}")
        if not why:
            why.append("all is searched, in another order")
        if turn.is_as_declared:
            title = f"{turn.repository} now searches {turn.chain} as declared"
            why = []
        yield FeedEntry(
            id=_id(content, f"turn/{turn.repository}/{turn.chain}/{turn.at}"),
            sort="state",
            at=turn.at,
            title=title,
            why=public("; ".join(why)),
            about=turn.repository,
        )


def _sights(content: PageContent) -> Iterator[FeedEntry]:
    """Yield sights that became too old, or are of the future."""
    for address, age in sorted(content.ages.items()):
        if not age.stale:
            continue
        yield FeedEntry(
            id=_id(content, f"sight/{address}/{age.at}"),
            sort="sight",
            at=age.at,
            title=f"{address} has not been seen since",
            why="it is too long ago to rely on",
            about=address,
        )
