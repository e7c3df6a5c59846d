"""What can be compared: what is declared now and was, what repositories show.

Each has a key, by which an address names it for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from ...model.names import CollectionName, InstrumentName, Noun, RepositoryAddress
from ...model.pages import PageContent
from ...model.timelines import Timeline
from .pages import main_chain, public, repositories_of

__all__ = ["Choice", "ChoicePart", "ChoiceSort", "choice_part", "choices"]

ChoiceSort = Literal["declared", "live", "sight", "revision"]

_DECLARED = "declared"
"""Key of what is declared now."""

_SHORT = 10
"""Digits of a commit, as addresses have them."""


class Choice(NamedTuple):
    """Something that can be compared."""

    key: str
    sort: ChoiceSort
    about: str
    """The repository, or the commit; empty: the tree as it is."""

    at: str
    """When it was so: UTC, with ``Z``."""

    title: str
    """Of a revision; else empty."""

    timeline: Timeline

    unsealed: int
    """Collections of which no seal tells what they hold."""

    repository: RepositoryAddress | None = None
    """Of a revision: where it was so."""


class ChoicePart(Noun):
    """Something that can be compared with anything else."""

    key: str
    """By which the address of a page names it."""

    sort: ChoiceSort
    """Declared now, live as it was seen last, seen before, or declared by a
    revision."""

    about: str
    """The repository, or the commit; empty: the tree as it is."""

    at: str
    """When it was so: UTC, with ``Z``."""

    title: str
    """Of a revision; else empty."""

    fingerprint: str
    """The effective fingerprint; empty of what is declared, which has none."""

    unsealed: int
    """Collections of which no seal tells what they hold."""


def choices(content: PageContent, instrument: InstrumentName) -> tuple[Choice, ...]:
    """Return what can be compared of an instrument.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Which.
    """
    chain = main_chain(content, instrument)
    if chain is None:
        return ()
    everything: list[Choice] = []
    # The search that most repositories have stands for the declaration.
    for search in content.declared.get(chain, ())[:1]:
        unsealed = len(search.unsealed)
        now = Choice(_DECLARED, "declared", "", content.at, "", search.timeline, unsealed)
        everything.append(now)
    everything.extend(_seen(content, instrument, chain))
    for then in content.revisions:
        # The chain may be younger than the commit.
        selected = then.chains.get(chain)
        if selected is None:
            continue
        revision = then.revision
        declared_then = Choice(
            revision.commit[:_SHORT],
            "revision",
            revision.commit,
            revision.at,
            public(revision.title),
            selected.timeline,
            selected.unsealed,
            selected.repository,
        )
        everything.append(declared_then)
    return tuple(everything)


def choice_part(choice: Choice) -> ChoicePart:
    """Return something that can be compared, as a document has it."""
    return ChoicePart(
        key=choice.key,
        sort=choice.sort,
        about=choice.about,
        at=choice.at,
        title=choice.title,
        fingerprint=choice.timeline.fingerprint,
        unsealed=choice.unsealed,
    )


def _seen(
    content: PageContent,
    instrument: InstrumentName,
    chain: CollectionName,
) -> Iterator[Choice]:
    """Yield what repositories show, each followed by what it showed before."""
    for address in repositories_of(content, instrument):
        age = content.ages.get(address)
        live = content.live.get(address, {}).get(chain)
        last = ""
        if age and live:
            last = live.fingerprint
            yield Choice(address, "live", address, age.at, "", live.timeline, 0)
        yield from _before(content, address, chain, last)


def _before(
    content: PageContent,
    address: RepositoryAddress,
    chain: CollectionName,
    last: str,
) -> Iterator[Choice]:
    for sight in content.kept.get(address, ()):
        there = sight.chains.get(chain)
        # Other chains changed, or content that decides nothing.
        if there is None or there.effective == last:
            continue
        last = there.effective
        yield Choice(f"{address}@{sight.at}", "sight", address, sight.at, "", there.timeline, 0)
