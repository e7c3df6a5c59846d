"""Sights as they are published: canonical JSON, small.

They come from other sites, so nothing in them is believed before it was
checked: a file is as it must be in all its parts, or it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from ..errors import Diagnostic, InvalidStateError
from ..model.names import Noun, RepositoryAddress
from ..model.observations import Moment, Name, SeenEntry, SkymapHash
from ..model.sights import Fingerprint, Sight, SightOfChain, SightOfCollection, SightOfTicket
from ..model.timelinedocument import TimelineEntry
from .observationfile import first_mistake

__all__ = ["LARGEST", "SightDocument", "dumps", "loads"]

LARGEST = 16 * 1024 * 1024
"""Bytes beyond which a file is not one of ours; a camera of ten years takes
some hundred thousand."""

_LONGEST = 200
"""Characters of what was wrong."""

_OURS = ("kind", "format_version")
_TEXTS = TypeAdapter(list[Name])
_NUMBERS = re.compile(r"[0-9]{1,9}(\.\.[0-9]{1,9})?(,[0-9]{1,9}(\.\.[0-9]{1,9})?)*")


class ChainEntry(Noun):
    """A declared chain, as it was found live."""

    children: tuple[Name, ...]
    """In search order, as the repository lists them."""

    searched: tuple[Name, ...]
    """What is searched through it: the chain flattened, in search order.  The
    collection of a ticket stands for all of its own, where these are searched
    one after the other as they are declared."""

    selected: tuple[Name, ...] = ()
    """Those of ``searched`` that decide a lookup anywhere, in that order."""

    effective: Fingerprint
    """The effective fingerprint; its timeline is among ``timelines``."""


class SightDocument(Noun):
    """What one repository showed, small."""

    format_version: Literal["1.0"] = "1.0"
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

    timelines: Mapping[Fingerprint, TimelineEntry]
    """Which ticket wins when, by effective fingerprint."""

    tickets: Mapping[Name, SightOfTicket] = {}
    """Declared tickets of the repository, as ``INSTRUMENT/TICKET``."""

    others: Mapping[Name, SightOfCollection] = {}
    """Collections that are searched and hold something, and are no declared
    ticket's; or a ticket's that is not there as it was sealed."""

    listed: Mapping[Name, SeenEntry | None] | None = None
    """Collections that were asked for, by name, but for those of tickets that
    are there whole; null for one that was absent.  Null altogether: the sight
    does not tell."""

    skymaps: Mapping[Name, SkymapHash] | None = None
    """Hash of each registered skymap, by name; null: nobody asked."""


def dumps(sight: Sight) -> bytes:
    """Write a sight as it is published.

    Parameters
    ----------
    sight
        Of one repository.
    """
    chains: dict[str, ChainEntry | None] = {}
    # Chains that select the same, such as one within another, have one.
    timelines: dict[str, TimelineEntry] = {}
    for name, chain in sight.chains.items():
        chains[name] = None
        if chain:
            timelines[chain.effective] = chain.timeline
            chains[name] = ChainEntry(
                children=chain.children,
                searched=chain.searched,
                selected=chain.selected,
                effective=chain.effective,
            )
    document = SightDocument(
        address=sight.address,
        at=sight.at,
        version=sight.version,
        declared=sight.declared,
        butler=sight.butler,
        chains=chains,
        timelines=timelines,
        tickets=sight.tickets,
        others=sight.others,
        listed=sight.listed,
        skymaps=sight.skymaps,
    )
    return document.model_dump_json().encode() + b"\n"


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
        # Words of a timeline are any text, and a terminal must obey none.
        _TEXTS.validate_python(list(_texts_of(document)), strict=True)
    except ValidationError as error:
        raise _refused(of, first_mistake(error)) from None
    # Both have defaults, so pydantic does not miss them.
    for word in _OURS:
        if word not in document.model_fields_set:
            raise _refused(of, f"{word}: Field required")
    if document.address != of:
        raise _refused(of, f"it is of {document.address}")
    return Sight(
        address=document.address,
        at=document.at,
        version=document.version,
        declared=document.declared,
        butler=document.butler,
        chains=_chains_of(document),
        tickets=document.tickets,
        others=document.others,
        listed=document.listed,
        skymaps=document.skymaps,
    )


def _chains_of(document: SightDocument) -> Mapping[str, SightOfChain | None]:
    for fingerprint, timeline in document.timelines.items():
        if timeline.fingerprint != fingerprint:
            raise _refused(document.address, "a timeline is not of its fingerprint")
        try:
            timeline.timeline()
        except ValueError as error:
            raise _refused(document.address, f"timelines: {error}") from None
    chains: dict[str, SightOfChain | None] = {}
    for name, entry in document.chains.items():
        chains[name] = None
        if entry is None:
            continue
        if entry.effective not in document.timelines:
            raise _refused(document.address, f"{name} has no timeline")
        chains[name] = SightOfChain(
            children=entry.children,
            searched=entry.searched,
            selected=entry.selected,
            effective=entry.effective,
            timeline=document.timelines[entry.effective],
        )
    return chains


def _texts_of(document: SightDocument) -> Iterator[str]:
    """Yield the words of timelines, those that stand for numbers excepted."""
    for timeline in document.timelines.values():
        yield from timeline.tickets
        for row in timeline.rows:
            yield row.dataset_type
            yield from row.filters
            _check_numbers(document, row.detectors)
            for odd in row.odd.values():
                for _, detectors in odd:
                    _check_numbers(document, detectors)


def _check_numbers(document: SightDocument, text: str) -> None:
    if text and not _NUMBERS.fullmatch(text):
        raise _refused(document.address, f"timelines: {text} are no detectors")


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
