"""A chain as declared: search order, and what is to be searched no more."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from .names import CollectionName, InstrumentName, Noun

__all__ = ["ChainFile", "Entry", "ExternalEntry"]


class ExternalEntry(Noun):
    """A child that others make: expected, never made, never removed."""

    external: CollectionName
    """Name of the collection."""

    only: tuple[str, ...] = ()
    """Sites or repositories where it is expected; none: everywhere."""


def _form_of(entry: Any) -> str:
    # Told apart by form, so that a mistake is told once, not per alternative.
    return "<external>" if isinstance(entry, dict | ExternalEntry) else "<word>"


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
    """Its instrument."""

    only: tuple[str, ...] = ()
    """Sites or repositories that have it; none: all with the instrument."""

    entries: tuple[Entry, ...]
    """Search order, newest first: a ticket, one collection of a bare ticket,
    another declared chain, or what others make."""

    retired: dict[str, str] = Field(default_factory=dict)
    """Tickets or collections that are not to be searched any more, each with
    the reason."""
