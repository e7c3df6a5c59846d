"""The repositories that a new tree is to declare, as a person names them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import without_secrets
from ..model.names import ANY, RepositoryAddress, is_word
from . import remarks

__all__ = [
    "WantedInstruments",
    "WantedRepository",
    "WantedSites",
    "absolute",
    "can_be_name",
    "name_of",
    "usable_instruments",
    "wanted_instruments",
    "wanted_sites",
]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CONFIGURATIONS = ("butler.yaml", "butler.json")
"""Files of a repository that may stand for its folder."""

_LONGEST = 100
"""Characters of a name that becomes the name of a file."""


@dataclass(frozen=True)
class WantedRepository:
    """A butler that a new tree is to declare."""

    address: RepositoryAddress

    butler: str
    """A label of the repository index, a URI or an absolute path."""

    @property
    def is_label(self) -> bool:
        """Whether the repository index says where it is."""
        return "/" not in self.butler

    @classmethod
    def named(cls, word: str) -> WantedRepository:
        """Return a repository that is given with its butler.

        Parameters
        ----------
        word
            ``SITE=BUTLER``, or ``SITE/REPOSITORY=BUTLER``.

        Raises
        ------
        UsageError
            No file could say so.
        """
        names, _, butler = word.partition("=")
        site, has_name, name = names.partition("/")
        if not can_be_site(site):
            raise remarks.site_unnamed(site, word)
        if not butler.strip():
            raise remarks.butler_missing(word)
        if not butler.isprintable():
            raise remarks.address_unwritable(f"The butler of {names}", butler)
        if without_secrets(butler) != butler:
            raise remarks.secret_in_address(f"The butler of {names}")
        place = absolute(butler)
        if not has_name:
            name = name_of(place)
        if not can_be_name(name):
            raise remarks.repository_unnamed(name, site, butler)
        return cls(RepositoryAddress(f"{site}/{name}"), place)


@dataclass(frozen=True)
class WantedSites:
    """What the options ``--site`` say."""

    repositories: tuple[WantedRepository, ...]
    """Those whose butlers are given."""

    of_index: str | None
    """The site that has all repositories of the index; `None`: none has."""


@dataclass(frozen=True)
class WantedInstruments:
    """What the options ``--instrument`` say."""

    everywhere: tuple[str, ...] = ()
    """Those of all repositories."""

    by_address: Mapping[RepositoryAddress, tuple[str, ...]] = field(default_factory=dict)
    """Those of single repositories."""

    def of(self, address: RepositoryAddress) -> tuple[str, ...]:
        """Return those that a person names for a repository."""
        return self.by_address.get(address, self.everywhere)


def wanted_sites(words: Iterable[str]) -> WantedSites:
    """Return the repositories that options name.

    Parameters
    ----------
    words
        Each ``SITE=BUTLER``, ``SITE/REPOSITORY=BUTLER``, or a site that has
        what the repository index lists.

    Raises
    ------
    UsageError
        One of them means nothing, or two mean the same.
    """
    repositories: dict[RepositoryAddress, WantedRepository] = {}
    sites_of_index: dict[str, None] = {}
    for word in words:
        if "=" in word:
            repository = WantedRepository.named(word)
            if repository.address in repositories:
                raise remarks.repository_named_twice(repository.address)
            repositories[repository.address] = repository
        elif can_be_site(word):
            sites_of_index[word] = None
        else:
            raise remarks.site_unnamed(word, word)
    if len(sites_of_index) > 1:
        raise remarks.two_sites_of_index(sites_of_index)
    return WantedSites(tuple(repositories.values()), next(iter(sites_of_index), None))


def can_be_site(site: str) -> bool:
    """Say whether a site can be called so.

    Parameters
    ----------
    site
        A name that becomes the name of a file, which is passed over if it
        begins as those of hidden files do.
    """
    return can_be_name(site) and not site.startswith((".", "README"))


def can_be_name(name: str) -> bool:
    """Say whether a repository can be called so."""
    return is_word(name) and len(name) <= _LONGEST


def absolute(place: str) -> str:
    """Return an address that means the same in any folder.

    Parameters
    ----------
    place
        A label, a URI or a path; what begins with ``.`` or holds a ``/`` is a
        path, and so is the name of a butler's folder that is here.
    """
    if _SCHEME.match(place):
        return place
    is_word = "/" not in place and not place.startswith((".", "~"))
    if is_word and not any((Path(place) / name).is_file() for name in _CONFIGURATIONS):
        return place
    path = Path(place).expanduser()
    # Links are kept: they may be what a facility calls its repositories by.
    return os.path.abspath(path)  # noqa: PTH100


def name_of(butler: str) -> str:
    """Return what a repository is called after its address.

    Parameters
    ----------
    butler
        A label, a URI or a path.
    """
    folder, _, last = butler.rstrip("/").rpartition("/")
    if last in _CONFIGURATIONS:
        _, _, last = folder.rpartition("/")
    return last


def wanted_instruments(words: Iterable[str]) -> WantedInstruments:
    """Return the instruments that options name.

    Parameters
    ----------
    words
        Each an instrument, or ``SITE/REPOSITORY=INSTRUMENT``.

    Raises
    ------
    UsageError
        One cannot be the name of an instrument.
    """
    everywhere: list[str] = []
    by_address: dict[RepositoryAddress, tuple[str, ...]] = {}
    for word in words:
        place, has_place, instrument = word.rpartition("=")
        if not is_word(instrument):
            raise remarks.instrument_unnamed(instrument, word)
        if not has_place:
            everywhere.append(instrument)
            continue
        address = RepositoryAddress(place)
        before = by_address.get(address, ())
        by_address[address] = (*before, instrument)
    return WantedInstruments(tuple(everywhere), by_address)


def usable_instruments(names: Iterable[str]) -> tuple[str, ...]:
    """Return the instruments that a tree can declare.

    Parameters
    ----------
    names
        As a butler lists them.
    """
    usable: list[str] = []
    for name in names:
        # No butler means by `any` what a tree means by it.
        if is_word(name) and name != ANY:
            usable.append(name)
    return tuple(usable)
