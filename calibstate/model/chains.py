"""A chain as declared: search order, and what is to be searched no more."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from .names import ANY, CollectionName, InstrumentName, Noun

__all__ = ["ChainFile", "Entry", "ExternalEntry", "moved", "usual_chains"]


class ExternalEntry(Noun):
    """A child that others make: expected, never made, never removed."""

    external: CollectionName
    """Name of the collection."""

    only: tuple[str, ...] = ()
    """Sites or repositories where it is expected; none: everywhere."""


def _form_of(entry: Any) -> str:
    # Told apart by form, so that a mistake is told once, not per alternative.
    if isinstance(entry, dict | ExternalEntry):
        return "<external>"
    return "<word>"


Entry = Annotated[
    Annotated[str, Field(min_length=1), Tag("<word>")] | Annotated[ExternalEntry, Tag("<external>")],
    Discriminator(_form_of),
]
"""A ticket, one collection of a bare ticket, another declared chain; or what
others make."""


class ChainFile(Noun):
    """``chains/*.yaml``."""

    chain: CollectionName
    """Name of the CHAINED collection."""

    instrument: InstrumentName
    """Its instrument; ``any`` for what belongs to none."""

    only: tuple[str, ...] = ()
    """Sites or repositories that have it; none: all with the instrument."""

    entries: tuple[Entry, ...]
    """Search order, newest first: a ticket, one collection of a bare ticket,
    another declared chain, or what others make."""

    hold: str | None = None
    """Reason for writing it nowhere at present."""

    retired: dict[str, str] = Field(default_factory=dict)
    """Tickets or collections that are not to be searched any more, each with
    the reason."""

    @property
    def external(self) -> tuple[CollectionName, ...]:
        """Collections that others make, in search order."""
        collections = []
        for entry in self.entries:
            if isinstance(entry, ExternalEntry):
                collections.append(entry.external)
        return tuple(collections)


_OF_NO_INSTRUMENT = ("refcats", "pretrained_models")
"""Chains of reference catalogues and of models, as Rubin's repositories have
them."""


def usual_chains(instrument: InstrumentName) -> tuple[CollectionName, ...]:
    """Return the chains that an instrument has by convention.

    Parameters
    ----------
    instrument
        The instrument; or ``any``, for what belongs to none.
    """
    if instrument == ANY:
        return _OF_NO_INSTRUMENT
    return (f"{instrument}/calib",)


def moved(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return children that change their place among what stays.

    As few as can be: all others keep their order.

    Parameters
    ----------
    before, after
        Children in search order.

    Returns
    -------
    tuple of str
        In the order that they get.
    """
    place = {child: number for number, child in enumerate(before)}
    stays = [child for child in after if child in place]
    # The longest run of growing places stays (by patience sorting): `tops`
    # holds, by length of a run, the smallest place that one can end at.
    tops: list[int] = []
    ranks: list[int] = []
    for child in stays:
        place_before = place[child]
        rank = bisect_left(tops, place_before)
        # It ends a longer run than any before, or a run of that length at a
        # smaller place, which more children can follow.
        tops[rank : rank + 1] = [place_before]
        ranks.append(rank)
    # The run is read from its end: the last child of each rank belongs to it.
    wanted = len(tops) - 1
    kept: set[str] = set()
    ranked = list(zip(stays, ranks, strict=True))
    for child, rank in reversed(ranked):
        if rank == wanted:
            kept.add(child)
            wanted -= 1
    return tuple(child for child in stays if child not in kept)
