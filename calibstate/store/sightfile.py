"""Sights as they are published: canonical JSON, small.

They come from other sites, so nothing in them is believed before it was
checked: a file is as it must be in all its parts, or it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import ValidationError

from ..errors import Diagnostic, InvalidStateError
from ..model.contents import CollectionType
from ..model.names import Noun, RepositoryAddress
from ..model.number_ranges import as_ranges
from ..model.observations import Moment, Name, SeenEntry, SkymapHash
from ..model.sights import Count, Fingerprint, Ingested, Sight, SightOfChain, SightOfCollection, SightOfTicket
from ..model.timelines import Timeline
from .observationfile import first_mistake
from .timelinetable import TimelineTable, positions

__all__ = ["LARGEST", "SightDocument", "dumps", "loads"]

LARGEST = 16 * 1024 * 1024
"""Bytes beyond which a file is not one of ours; a camera of ten years takes
less than two hundred thousand."""

_LONGEST = 200
"""Characters of what was wrong."""

_OURS = ("kind", "format_version")


class ChainEntry(Noun):
    """A declared chain, as it was found live."""

    children: tuple[Name, ...]
    """In search order, as the repository lists them."""

    searched: tuple[Name, ...] | None = None
    """What is searched through it: the chain flattened, in search order.  The
    collection of a ticket stands for all of its own, where these are searched
    one after the other as they are declared.  Left out: its children."""

    selected: str = ""
    """Those of what is searched that decide a lookup anywhere: their places,
    from 0, such as ``0..3,5``."""

    effective: Fingerprint
    """The effective fingerprint; its timeline is among ``timelines``."""

    @classmethod
    def of(cls, chain: SightOfChain) -> ChainEntry:
        """Return a chain as it is written."""
        places = {name: place for place, name in enumerate(chain.searched)}
        entry = cls(
            children=chain.children,
            selected=as_ranges(places[name] for name in chain.selected),
            effective=chain.effective,
        )
        if chain.searched == chain.children:
            return entry
        return entry.model_copy(update={"searched": chain.searched})

    def chain(self, timelines: Mapping[str, Timeline]) -> SightOfChain:
        """Return what was written.

        Parameters
        ----------
        timelines
            By effective fingerprint.

        Raises
        ------
        ValueError
            Its parts do not fit together.
        """
        if self.effective not in timelines:
            raise ValueError("it has no timeline")
        searched = self.searched
        if searched is None:
            searched = self.children
        return SightOfChain(
            children=self.children,
            searched=searched,
            selected=tuple(searched[place] for place in positions(self.selected, len(searched))),
            effective=self.effective,
            timeline=timelines[self.effective],
        )


class TicketEntry(Noun):
    """A ticket, as far as it was found."""

    fingerprint: Fingerprint
    """Over those of its collections that are there, by name; equal ones hold
    the same."""

    collections: Count
    """How many of its collections are there."""

    of_collections: Count | None = None
    """How many are declared; left out: as many."""

    ingested: Ingested | None = None
    """Left out: nothing is there, or the repository does not tell."""

    whole: bool = False
    """Whether all is there as its seal and its file say: collections and their
    chain, and files as far as they were looked at."""

    @classmethod
    def of(cls, ticket: SightOfTicket) -> TicketEntry:
        """Return a ticket as it is written: what is usual is left out."""
        entry = cls(fingerprint=ticket.fingerprint, collections=ticket.collections)
        unusual: dict[str, object] = {}
        if ticket.of_collections != ticket.collections:
            unusual["of_collections"] = ticket.of_collections
        if ticket.ingested:
            unusual["ingested"] = ticket.ingested
        if ticket.whole:
            unusual["whole"] = True
        return entry.model_copy(update=unusual)

    def ticket(self) -> SightOfTicket:
        """Return what was written."""
        of_collections = self.of_collections
        if of_collections is None:
            of_collections = self.collections
        return SightOfTicket(
            fingerprint=self.fingerprint,
            collections=self.collections,
            of_collections=of_collections,
            ingested=self.ingested,
            whole=self.whole,
        )


class SightDocument(Noun):
    """What one repository showed, small."""

    format_version: Literal["2.0"] = "2.0"
    kind: Literal["sight"] = "sight"

    address: RepositoryAddress
    """The repository: ``SITE/REPOSITORY``."""

    at: Moment
    """When the look began, in UTC."""

    version: Name
    """Version of calibstate."""

    declared: Name
    """Digest of the declared state that it was made with."""

    butler: Name
    """Digest of how its butler was declared."""

    chains: Mapping[Name, ChainEntry | None]
    """Declared chains of the repository, by name; null: absent."""

    timelines: Mapping[Fingerprint, TimelineTable]
    """Which ticket wins when, by effective fingerprint."""

    tickets: Mapping[Name, TicketEntry] = {}
    """Declared tickets of the repository, as ``INSTRUMENT/TICKET``."""

    others: Mapping[Name, SightOfCollection] = {}
    """Collections that are searched and hold something, and are no declared
    ticket's; or a ticket's that is not there as it was sealed."""

    listed: Mapping[Name, SeenEntry | None] | None = None
    """Collections that were asked for, by name, but for ``chains`` and for
    those of tickets that are there whole; null for one that was absent.  Left
    out altogether: the sight does not tell."""

    skymaps: Mapping[Name, SkymapHash] | None = None
    """Hash of each registered skymap, by name; left out: nobody asked."""


def dumps(sight: Sight) -> bytes:
    """Write a sight as it is published.

    Parameters
    ----------
    sight
        Of one repository.
    """
    # Chains that select the same, such as one within another, have one.
    timelines: dict[str, TimelineTable] = {}
    chains: dict[str, ChainEntry | None] = {}
    for name, chain in sight.chains.items():
        chains[name] = None
        if chain:
            timelines[chain.effective] = TimelineTable.of(chain.timeline)
            chains[name] = ChainEntry.of(chain)
    document = SightDocument(
        format_version="2.0",
        kind="sight",
        address=sight.address,
        at=sight.at,
        version=sight.version,
        declared=sight.declared,
        butler=sight.butler,
        chains=chains,
        timelines=timelines,
        tickets={name: TicketEntry.of(ticket) for name, ticket in sight.tickets.items()},
        others=sight.others,
    )
    more: dict[str, object] = {}
    if sight.listed is not None:
        more["listed"] = _without_chains(sight.listed, sight.chains)
    if sight.skymaps is not None:
        more["skymaps"] = sight.skymaps
    document = document.model_copy(update=more)
    # What was left out is not written either.
    return document.model_dump_json(exclude_unset=True).encode() + b"\n"


def _without_chains(
    listed: Mapping[str, SeenEntry | None], chains: Mapping[str, SightOfChain | None]
) -> dict[str, SeenEntry | None]:
    """Return what was listed besides what ``chains`` tell."""
    rest = dict(listed)
    for name, chain in chains.items():
        if name in rest and rest[name] == _listed(chain):
            del rest[name]
    return rest


def _listed(chain: SightOfChain | None) -> SeenEntry | None:
    if chain is None:
        return None
    return SeenEntry(type=CollectionType.CHAINED, children=chain.children)


def loads(data: bytes, *, of: RepositoryAddress) -> Sight:
    """Read a sight.

    Parameters
    ----------
    data
        What `dumps` wrote.
    of
        The repository that it must be of.

    Raises
    ------
    InvalidStateError
        It is no sight, is of another repository, or not of this version.
    """
    if len(data) > LARGEST:
        raise _refused(of, f"it is larger than {LARGEST} bytes")
    try:
        document = SightDocument.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _refused(of, first_mistake(error)) from None
    # Both have defaults, so pydantic does not miss them.
    for word in _OURS:
        if word not in document.model_fields_set:
            raise _refused(of, f"{word}: Field required")
    if document.address != of:
        raise _refused(of, f"it is of {document.address}")
    timelines: dict[str, Timeline] = {}
    chains: dict[str, SightOfChain | None] = {}
    part = "timelines"
    try:
        for fingerprint, table in document.timelines.items():
            timelines[fingerprint] = table.timeline(fingerprint)
        for part, entry in document.chains.items():
            chains[part] = entry.chain(timelines) if entry else None
    except ValueError as error:
        raise _refused(of, f"{part}: {error}") from None
    listed = document.listed
    if listed is not None:
        listed = {name: _listed(chain) for name, chain in chains.items()} | dict(listed)
    return Sight(
        address=document.address,
        at=document.at,
        version=document.version,
        declared=document.declared,
        butler=document.butler,
        chains=chains,
        tickets={name: entry.ticket() for name, entry in document.tickets.items()},
        others=document.others,
        listed=listed,
        skymaps=document.skymaps,
    )


def _refused(address: str, why: str) -> InvalidStateError:
    # It may hold words of a file that came from anywhere.
    printable = ""
    for character in why[:_LONGEST]:
        if character.isprintable():
            printable += character
        else:
            printable += "?"
    return InvalidStateError(
        Diagnostic(
            "Not a sight",
            f"what was published of {address} cannot be read as a sight: {printable}",
            hint=f"Observe again there, with this version: calibstate observe --repository {address} "
            "--publish.",
        )
    )
