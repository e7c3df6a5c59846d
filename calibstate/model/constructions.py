"""How the collections of a ticket are made: ``construction`` in its file.

What a calibration person declares, by section 2 and 3 of DMTN-222: the raws,
what is searched, which exposures each product is made of, in which order, as
what it is certified, and on which exposures it is verified.  Everything else
follows: the variables of the templates and the names of all collections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag

from .names import CollectionName, Noun, Word, nearest
from .products import PRODUCTS, VERIFIED, Product, Verified
from .timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, Range, parse_tai

__all__ = [
    "Certifying",
    "Construction",
    "LookAt",
    "Making",
    "Recertification",
    "Recipe",
    "SameAs",
    "Verifying",
]

_RERUN = re.compile(r"[0-9]{8}[a-z]{1,2}")


def _is_rerun(text: str) -> str:
    if not _RERUN.fullmatch(text):
        raise ValueError(f"{text!r} is no iteration YYYYMMDDv, such as 20250207a")
    return text


def _is_product(word: str) -> str:
    return _known(word, PRODUCTS, "product of cp_pipe")


def _is_verification(word: str) -> str:
    return _known(word, VERIFIED, "verification of cp_verify")


def _known(word: str, words: Mapping[str, object], what: str) -> str:
    if word in words:
        return word
    near = nearest(word, words)
    hint = f"did you mean {near}?" if near else f"known are {', '.join(words)}"
    raise ValueError(f"{word!r} is no {what} that is known; {hint}")


def _is_moment(text: str) -> str:
    parse_tai(text)
    return text


def _in_one_line(where: str) -> str:
    """Fold the lines of an expression, whose breaks mean nothing."""
    return " ".join(where.split())


Rerun = Annotated[str, AfterValidator(_is_rerun)]
"""An iteration, ``YYYYMMDDv`` (DMTN-222, section 2)."""

ProductName = Annotated[str, AfterValidator(_is_product)]
"""A word of ``make``."""

Moment = Annotated[str, AfterValidator(_is_moment)]
"""A moment of TAI, ``YYYY-MM-DDTHH:MM:SS``."""

Expression = Annotated[str, AfterValidator(_in_one_line)]
"""Which data, in the butler's query language, without the instrument."""


class SameAs(Noun):
    """A selection that is another's."""

    same_as: str
    """The word of the other one."""


class LookAt(Noun):
    """Images that a person looks at before anything goes on."""

    type: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")]
    """Their dataset type, such as ``biasMosaic8``."""

    where: Expression | None = None
    """Which of them; `None`: all."""


class Making(Noun):
    """What is particular to one product."""

    rerun: Rerun | None = None
    """Its own iteration, for a retry; `None`: that of all."""

    look_at: LookAt | None = None
    """What is looked at when it is made."""


def _form(entry: object) -> str:
    """Return which form an entry has, for one message instead of two."""
    is_mapping = isinstance(entry, dict | Noun)
    return "<mapping>" if is_mapping else "<word>"


MakeEntry = Annotated[
    Annotated[ProductName, Tag("<word>")]
    | Annotated[dict[ProductName, Making], Field(min_length=1, max_length=1), Tag("<mapping>")],
    Discriminator(_form),
]
"""``defects``, or ``{bias: {look_at: …}}``."""

SelectionEntry = Annotated[
    Annotated[Expression, Tag("<word>")] | Annotated[SameAs, Tag("<mapping>")], Discriminator(_form)
]
"""An expression, or ``{same_as: bias}``."""


class Certifying(Noun):
    """As what the products are certified."""

    rerun: Rerun | None = None
    """Iteration of the certifications; `None`: that of the products."""

    begin: Moment | None = None
    """TAI; `None`: since ever."""

    end: Moment | None = None
    """TAI; `None`: for ever."""

    but_for: dict[str, str] = Field(default_factory=dict)
    """Detectors that may be missing, with the reason."""

    @property
    def range(self) -> Range:
        """Validity range in nanoseconds of TAI."""
        return _range(self.begin, self.end)


class Verifying(Noun):
    """Which exposures the products are verified with.

    Each further key is a word of cp_verify's templates, and says of which
    exposures; ``same`` are those that the product is made of.
    """

    # Its words are those of a table, and so are no fields of their own.
    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[Annotated[str, AfterValidator(_is_verification)], Expression]

    rerun: Rerun | None = None
    """Iteration of the verifications; `None`: that of the products."""

    @property
    def selections(self) -> Mapping[str, str]:
        """Which exposures, by word, in the order of the file."""
        return self.__pydantic_extra__ or {}


class Recertification(Noun):
    """Datasets of another collection, certified with other ranges.

    They keep their UUIDs, and no file is copied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True, serialize_by_alias=True)

    certified_as: Annotated[CollectionName, Field(alias="as")]
    """The collection, relative to the ticket."""

    datasets_of: CollectionName
    """Full name of the collection whose datasets they are."""

    begin: Moment | None = None
    """TAI; `None`: since ever."""

    end: Moment | None = None
    """TAI; `None`: for ever."""

    @property
    def range(self) -> Range:
        """Validity range in nanoseconds of TAI."""
        return _range(self.begin, self.end)


@dataclass(frozen=True)
class Recipe:
    """One product of a construction."""

    product: Product
    making: Making
    rerun: str
    """Its iteration."""


class Construction(Noun):
    """``construction`` of a ticket file."""

    tag: Word
    """What the collections have in their names: ``DP1``."""

    rerun: Rerun
    """Iteration of all products that have none of their own."""

    bootstrap: Annotated[int, Field(ge=1)] = 1
    """Number of the RUNs of the bootstraps."""

    raws: CollectionName
    """The collection of the raws."""

    start_from: Annotated[tuple[CollectionName, ...], Field(min_length=1)]
    """Calibrations that are searched behind the ticket's own, in order."""

    selections: dict[str, SelectionEntry] = Field(default_factory=dict)
    """Of which exposures each product is made."""

    make: Annotated[tuple[MakeEntry, ...], Field(min_length=1)]
    """What is made, in this order."""

    certify: Certifying = Certifying()
    """As what it is certified."""

    verify: Verifying | None = None
    """On which exposures it is verified."""

    known_failures: dict[str, str] = Field(default_factory=dict)
    """Failures of the verification that the board knows of: ``verify bias:
    R22_S11 C07 NOISE``, with the reason."""

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The products, in the order in which they are made."""
        return tuple(self._recipes())

    def _recipes(self) -> Iterator[Recipe]:
        for entry in self.make:
            options = entry
            if isinstance(options, str):
                options = {options: Making()}
            for word, making in options.items():
                yield Recipe(PRODUCTS[word], making, making.rerun or self.rerun)

    @property
    def verified(self) -> tuple[Verified, ...]:
        """The verifications, in the order of the file."""
        if self.verify is None:
            return ()
        return tuple(VERIFIED[word] for word in self.verify.selections)

    def selection(self, word: str) -> str | None:
        """Return a selection as it is meant, without the instrument.

        Parameters
        ----------
        word
            A word of ``selections``.

        Returns
        -------
        str or None
            `None` where nothing is declared, or ``same_as`` goes in a circle.
        """
        passed = set()
        while word not in passed:
            passed.add(word)
            selection = self.selections.get(word)
            if not isinstance(selection, SameAs):
                return selection
            word = selection.same_as
        return None

    def expressions(self) -> Mapping[str, str | None]:
        """Return what each selection comes to in the end, by its word.

        It is `None` as for `selection`.
        """
        expressions: dict[str, str | None] = {}
        # None is followed twice: a file may hold thousands, each the same as
        # the next, and anybody may propose one.
        for word in self.selections:
            passed = []
            entry = self.selections.get(word)
            while isinstance(entry, SameAs):
                if word in expressions:
                    break
                expressions[word] = None
                passed.append(word)
                word = entry.same_as
                entry = self.selections.get(word)
            expression = expressions.get(word)
            if isinstance(entry, str):
                expression = entry
            for earlier in passed:
                expressions[earlier] = expression
        return expressions

    def selection_to_verify(self, word: str) -> str | None:
        """Return which exposures verify something; `None`: nobody says."""
        if self.verify is None:
            return None
        selection = self.verify.selections.get(word)
        if selection == "same":
            return self.selection(VERIFIED[word].selection)
        return selection


def _range(begin: str | None, end: str | None) -> Range:
    lower, upper = UNBOUNDED_BEGIN, UNBOUNDED_END
    if begin is not None:
        lower = parse_tai(begin)
    if end is not None:
        upper = parse_tai(end)
    return lower, upper
