"""A chain as declared: search order, and what is not to be searched any more."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .names import CollectionName, InstrumentName, Noun

__all__ = ["ChainFile", "ExternalEntry"]


class ExternalEntry(Noun):
    """A child that others make: expected, never made, never removed."""

    external: CollectionName
    """Name of the collection."""

    only: tuple[str, ...] = ()
    """Sites or repositories where it is expected; none: everywhere."""


class ChainFile(Noun):
    """``chains/*.yaml``."""

    chain: CollectionName
    """Name of the CHAINED collection."""

    instrument: InstrumentName
    """Its instrument."""

    only: tuple[str, ...] = ()
    """Sites or repositories that have it; none: all with the instrument."""

    entries: tuple[Annotated[str, Field(min_length=1)] | ExternalEntry, ...]
    """Search order, newest first: a ticket, one collection of a bare ticket,
    another declared chain, or what others make."""

    retired: dict[str, str] = {}
    """Tickets or collections that are not to be searched any more, each with
    the reason."""
