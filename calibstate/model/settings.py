"""The settings of a state tree: ``calibstate.yaml``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .names import Noun, spelled
from .policy import PolicySettings
from .windows import Window

__all__ = [
    "RUBIN",
    "Bundles",
    "Guards",
    "Keep",
    "RetentionSettings",
    "RucioNames",
    "RucioSettings",
    "Settings",
    "is_met",
]

_COMPARED: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}

_CLAUSE = re.compile(r"(>=|<=|==|!=|>|<)\s*([0-9]{1,9}(?:\.[0-9]{1,9}){0,9})")


RUBIN = ("lsst",)
"""Packages of formatters where no settings name others."""


class Bundles(Enum):
    """Whether bundles carry their files."""

    FULL = "full"
    BY_REFERENCE = "by_reference"


_ONE_CLASS = r"\[(?:[^\[\]\\]|\\.)+\]"

NAME_PATTERN = re.compile(rf"\^(?:{_ONE_CLASS})?{_ONE_CLASS}[*+]\$")
"""The form of a pattern of names.  More could take for ever to search by, and
a stranger's pull request may set it."""


def _is_name_pattern(pattern: str) -> str:
    if not NAME_PATTERN.fullmatch(pattern):
        raise ValueError("it is no `^[CHARACTERS]*$`, nor that with one other `[…]` for the first character")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"it is no pattern: {error}") from None
    return pattern


class RucioNames(Noun):
    """Which names the Rucio server takes; unless told, Rubin's."""

    pattern: Annotated[str, AfterValidator(_is_name_pattern)] = r"^[\w\.\-\+\~/]*$"
    """Characters of a name, as `NAME` in the schema of the server's policy:
    one class of characters, and perhaps another for the first of them."""

    length: Annotated[int, Field(ge=1, le=4000)] = 500
    """Characters at most, as `NAME_LENGTH` in the same place."""


class RucioSettings(Noun):
    """How the datasets and files of Rucio are called."""

    scope: str
    """Scope of the datasets and files."""

    dataset: str = "Dataset/{instrument}/{label}/{ticket}"
    """Name of a ticket's Rucio dataset."""

    origin_rse: str
    """RSE that the origin's datastore is."""

    rse_root: str | None = None
    """Root of the origin's files, as rucio-register wants it."""

    dtn_url: str | None = None
    """URL of the origin's data transfer node, as rucio-register wants it."""

    names: RucioNames = RucioNames()
    """Which names the server takes."""

    def dataset_of(self, instrument: str, ticket: str, label: str) -> str:
        """Return the name of a ticket's Rucio dataset, without the scope."""
        return self.dataset.format(instrument=instrument, ticket=ticket, label=label)


class Guards(Noun):
    """What is not done without a person who says why."""

    chain_changes: Annotated[int, Field(ge=0)] = 10
    """Children that one step may take out of a chain or move within it;
    additions do not count."""


Days = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}d$")]
"""A number of days, such as ``90d``."""


class Keep(Noun):
    """How long something is kept that nobody needs any more."""

    intermediates: Days | None = None
    """After the adoption of a ticket, what its templates made and nobody
    certified; `None`: nothing is said."""

    @property
    def for_intermediates(self) -> timedelta | None:
        """The same, as a span of time."""
        if self.intermediates is None:
            return None
        days = self.intermediates.removesuffix("d")
        return timedelta(days=int(days))


class RetentionSettings(Noun):
    """What `calibstate retention` goes by; nothing is ever deleted."""

    keep: Keep = Keep()
    """For how long something is not offered."""


Wave = Annotated[tuple[str, ...], Field(min_length=1)]
"""Sites that a change comes to at the same time."""


Package = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
"""A package of Python, such as ``lsst``, or the full name of a class."""


class Settings(Noun):
    """``calibstate.yaml``."""

    version: Literal[1]
    """Version of the form of the state tree."""

    requires: str | None = None
    """Versions of calibstate that may use this tree, such as ``>=0.1``."""

    archive: Annotated[str, Field(min_length=1)]
    """URI or path of the archive; a relative path starts at this file."""

    records: Annotated[str, Field(min_length=1)]
    """URI or path of journals, locks and observations."""

    bundles: Bundles = Bundles.FULL
    """Whether bundles carry their files."""

    guards: Guards = Guards()
    """What is not done without a person who says why."""

    waves: tuple[Wave, ...] = ()
    """Sites that a change comes to one after the other: each wave when
    `verify` of the one before has passed."""

    windows: tuple[Window, ...] = ()
    """When nothing is changed, and where."""

    retention: RetentionSettings = RetentionSettings()
    """What is not offered to be cleaned up yet."""

    policy: PolicySettings = PolicySettings()
    """Which of the policy's rules count, and for whom not."""

    formatters: tuple[Package, ...] = RUBIN
    """Packages whose formatter classes may be imported to read the files of
    bundles, or full names of single classes."""

    rucio: RucioSettings | None = None
    """Needed where a route is by Rucio."""


def is_met(requires: str, version: str) -> bool:
    """Return whether a version is one that a tree may be used with.

    Parameters
    ----------
    requires
        Clauses such as ``>=0.1``, joined with ``,``; all must hold.
    version
        A version that begins with numbers joined by dots.

    Raises
    ------
    ValueError
        A clause cannot be read.
    """
    # What follows the numbers, such as `.dev3`, makes no other version.
    numbers = re.match(r"[0-9]+(\.[0-9]+)*", version)
    have: tuple[int, ...] = (0,)
    if numbers:
        have = _number(numbers[0])
    all_met = True
    # All clauses are read, so that one that cannot be is told in any case.
    for part in requires.split(","):
        clause = part.strip()
        match = _CLAUSE.fullmatch(clause)
        if not match:
            symbols = ", ".join(_COMPARED)
            raise ValueError(f"{spelled(clause)} is not a version after one of {symbols}")
        compare = _COMPARED[match[1]]
        if not compare(have, _number(match[2])):
            all_met = False
    return all_met


def _number(version: str) -> tuple[int, ...]:
    """Return a version to compare by: 1.0 is 1."""
    # Zeros at the end say nothing, and would make a version a later one.
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
