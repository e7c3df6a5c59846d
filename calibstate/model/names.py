"""Names, as the field writes them, and the base of all nouns.

Names become parts of paths and URIs, so none of them may climb out of a
folder: no empty segment, no ``.`` and no ``..``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

__all__ = [
    "ANY",
    "ARCHIVE",
    "ISSUE_PATTERN",
    "RUCIO",
    "Address",
    "CollectionName",
    "InstrumentName",
    "IssueKey",
    "Noun",
    "Place",
    "RepositoryAddress",
    "TicketKey",
    "Word",
    "collection_name_problem",
    "is_issue_key",
    "is_word",
    "issue_key_meant",
    "nearest",
    "spelled",
    "strange_in",
    "with_code_points",
]


class Place(str):
    """Where resources live: ``SITE/REPOSITORY``, ``archive`` or ``rucio``."""

    __slots__ = ()

    @property
    def site(self) -> str:
        """The site."""
        return self.partition("/")[0]

    @property
    def name(self) -> str:
        """The repository, within its site."""
        return self.partition("/")[2]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read it as what it is in files: a text."""
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


ARCHIVE = Place("archive")
"""The place that holds the bundles."""

RUCIO = Place("rucio")
"""The place that carries files between the sites."""

# The `_` is not last: a page of the API would take it for a reference.
ISSUE_PATTERN = "^[A-Z][_A-Z0-9]*-[1-9][0-9]*$"
"""What the key of a ticket of the tracker looks like."""

_ISSUE = re.compile(ISSUE_PATTERN.removesuffix("$"))

_WORD = re.compile(r"[A-Za-z0-9._-]+")

_DASHES = re.compile("[\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d_ ]")
"""What stands for the hyphen of a key in what was copied or typed."""

_MOST_STRANGE = 5
"""Code points that a message names."""

_SEGMENT = re.compile(r"[A-Za-z0-9_.+:@~-]+")


def collection_name_problem(name: str) -> str | None:
    """Say why a string cannot be the name of a collection.

    Parameters
    ----------
    name
        A name with its segments joined by ``/``.

    Returns
    -------
    str or None
        The reason, or `None` for a good name.
    """
    # Names become paths, which must not lead out of their folders.
    for segment in name.split("/"):
        if not segment:
            return "it has an empty segment"
        if segment in {".", ".."}:
            return f"the segment {segment!r} would climb out of a folder"
        if not _SEGMENT.fullmatch(segment):
            return "it may hold letters, digits and `_ . + : @ ~ -`, with `/` between segments"
    return None


def is_issue_key(text: str) -> bool:
    """Say whether a text is the key of a ticket of the tracker."""
    return _ISSUE.fullmatch(text) is not None


def issue_key_meant(text: str) -> str | None:
    """Return the key that a text would be if it were typed by hand.

    Parameters
    ----------
    text
        What may have been copied from a page: other hyphens, characters that
        nobody sees, wide or small letters.
    """
    # Wide letters and ligatures become plain ones first.
    plain = unicodedata.normalize("NFKC", text)
    visible = ""
    for character in plain:
        # Characters of format, such as joiners, are seen by nobody.
        if unicodedata.category(character) != "Cf":
            visible += character
    key = _DASHES.sub("-", visible.strip()).upper()
    if not is_issue_key(key):
        return None
    return key


def strange_in(text: str) -> str:
    """Return the code points in a name that no eye tells from others.

    Parameters
    ----------
    text
        A name, of which each character should be printable ASCII.

    Returns
    -------
    str
        ``U+2011, U+200B``; empty where there are none.
    """
    # By number, since the eye does not tell them from those that are meant.
    strange: dict[str, None] = {}
    for number, character in enumerate(text):
        # A blank is seen where something follows on either side of it.
        is_at_edge = character == " " and (not text[:number].strip() or not text[number:].strip())
        if character.isascii() and character.isprintable() and not is_at_edge:
            continue
        code_point = f"U+{ord(character):04X}"
        strange[code_point] = None
    words = list(strange)[:_MOST_STRANGE]
    more = len(strange) - len(words)
    if more:
        words.append(f"{more} more")
    return ", ".join(words)


def is_word(text: str) -> bool:
    """Say whether a text can be the name of a site, a ticket or the like."""
    # `.` and `..` are folders, in whatever path the word becomes part of.
    return _WORD.fullmatch(text) is not None and text.strip(".") != ""


def with_code_points(text: str, shown: str = "") -> str:
    """Return a word with the code points of what is strange in it.

    Every message that refuses or compares a word has it from here: else two
    words that look alike would be told apart by nobody.

    Parameters
    ----------
    text
        The word: a name, a path, a moment.
    shown
        How it is shown, where that is not as it is.
    """
    shown = shown or text
    strange = strange_in(text)
    if strange:
        return f"{shown} (with {strange})"
    return shown


def spelled(text: str) -> str:
    """Return a name that is refused, in quotes, with what is strange in it."""
    return with_code_points(text, f"`{text}`")


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the known word that somebody probably meant, if one is near.

    Parameters
    ----------
    word
        What was written.
    choices
        What could have been written.
    """
    by_folded: dict[str, str] = {}
    # Of words that differ in their case only, the first counts.
    for choice in sorted(choices, reverse=True):
        by_folded[choice.casefold()] = choice
    near = get_close_matches(word.casefold(), by_folded, n=1)
    if not near:
        return None
    return by_folded[near[0]]


def _collection_name(name: str) -> str:
    problem = collection_name_problem(name)
    if problem:
        raise ValueError(f"{name!r} is not the name of a collection: {problem}")
    return name


def _no_climbing(word: str) -> str:
    if not is_word(word):
        raise ValueError(f"{word!r} would climb out of a folder")
    return word


Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$"), AfterValidator(_no_climbing)]
"""A ticket, a site or a repository: letters, digits, ``. - _``."""

InstrumentName = Word
"""The camera, as the butler names it; or `ANY`."""

ANY: InstrumentName = "any"
"""Stands where an instrument stands, for what belongs to none: reference
catalogues, pretrained models.  No butler has an instrument of this name."""

IssueKey = Annotated[str, StringConstraints(pattern=ISSUE_PATTERN)]
"""Key of a ticket of the tracker: ``TAXICAB-15``, ``DM-47447``."""

CollectionName = Annotated[str, AfterValidator(_collection_name)]
"""A butler collection."""


RepositoryAddress = Place
"""A place that is a repository."""


class TicketKey(NamedTuple):
    """Which ticket: those of two instruments may have one name."""

    instrument: str
    ticket: str

    @property
    def name(self) -> str:
        """``INSTRUMENT/TICKET``."""
        return f"{self.instrument}/{self.ticket}"

    @classmethod
    def of(cls, name: str) -> TicketKey:
        """Return the key of ``INSTRUMENT/TICKET``."""
        instrument, _, ticket = name.partition("/")
        return cls(instrument, ticket)


class Noun(BaseModel):
    """Base of what is read from or written to files: frozen and strict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with some values changed.

        Parameters
        ----------
        update
            Values by name; they are not checked.
        deep
            Whether the values are copied, too.
        """
        copy = super().model_copy(update=update, deep=deep)
        # What was worked out of the old values is not so of the new ones.
        fields = type(self).model_fields
        for name in list(copy.__dict__):
            if name not in fields:
                del copy.__dict__[name]
        return copy


class Address(Noun):
    """Where a resource lives, and what it is called there."""

    place: Place
    """A repository (``summit/LSSTCam``), ``archive`` or ``rucio``; what is
    locked."""

    kind: str
    """Name of the resource's kind."""

    name: str
    """Name within the place and the kind."""

    @override
    def __str__(self) -> str:
        return f"{self.place}:{self.kind}:{self.name}"
