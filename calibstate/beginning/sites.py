"""Which repositories a new tree declares, and by what routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import Diagnostic
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.repositories import Copy, Origin, Repository, Site
from ..model.results.beginnings import BegunRepository
from . import remarks
from .look import Sight
from .wanted import WantedInstruments, WantedRepository, usable_instruments

__all__ = ["BegunSite", "Routes", "begun_sites", "files_of_sites", "origin_of", "origins"]


def origins(declared: DesiredState) -> tuple[RepositoryAddress, ...]:
    """Return the repositories where calibrations are made, sorted."""
    addresses: list[RepositoryAddress] = []
    for address in declared.repositories:
        site, _ = declared.repository(address)
        if isinstance(site.route_of(address.name), Origin):
            addresses.append(address)
    return tuple(addresses)


def origin_of(
    given: str | None, repositories: Iterable[WantedRepository], declared: DesiredState
) -> RepositoryAddress | None:
    """Return which of the new repositories is the origin.

    Parameters
    ----------
    given
        What the command line says.
    repositories
        The new ones, in their order.
    declared
        What is declared already; where that has an origin, it stays.

    Returns
    -------
    RepositoryAddress or None
        `None`: it is declared already.

    Raises
    ------
    UsageError
        It is none of them.
    """
    already = origins(declared)
    addresses = [repository.address for repository in repositories]
    if given is None:
        if already or not addresses:
            return None
        return addresses[0]
    origin = RepositoryAddress(given)
    if origin in already:
        return None
    if already:
        raise remarks.origin_declared(given, already)
    if origin not in addresses:
        raise remarks.origin_unknown(given, addresses)
    return origin


@dataclass(frozen=True)
class Routes:
    """By what ways calibrations come to new repositories."""

    origin: RepositoryAddress | None
    """The new repository where they are made; `None`: it is declared."""

    sights: Mapping[RepositoryAddress, Sight]
    """What the new repositories showed."""

    instruments: WantedInstruments
    """What a person says of their instruments."""

    declared: DesiredState
    """What is declared already."""

    def begun(self, repository: WantedRepository) -> BegunRepository:
        """Return what is declared of a new repository.

        Parameters
        ----------
        repository
            One of those that were looked at.
        """
        address = repository.address
        instruments = self._instruments(address)
        why_not = ""
        if not instruments:
            why_not = self._why_not(address)
        elif address != self.origin:
            instruments = tuple(filter(self.is_made, instruments))
            if not instruments:
                why_not = "its calibrations are made at no repository that is declared"
        return BegunRepository(
            address,
            repository.butler,
            instruments,
            is_origin=address == self.origin,
            why_not=why_not,
            unseen=self.sights[address].unseen,
        )

    def is_made(self, instrument: str) -> bool:
        """Say whether an instrument has an origin."""
        if self.origin and instrument in self._instruments(self.origin):
            return True
        return self.declared.origin(instrument) is not None

    def _instruments(self, address: RepositoryAddress) -> tuple[str, ...]:
        """Return the instruments that a repository is to have."""
        sight = self.sights[address]
        named = self.instruments.of(address)
        # What a person says of one repository is not doubted.
        if sight.unseen or address in self.instruments.by_address:
            return named
        usable = usable_instruments(sight.instruments)
        if not named:
            return usable
        return tuple(name for name in usable if name in named)

    def _why_not(self, address: RepositoryAddress) -> str:
        """Return why nothing can be declared of a repository."""
        sight = self.sights[address]
        if sight.unseen:
            return sight.unseen
        usable = usable_instruments(sight.instruments)
        if usable:
            return f"it has {', '.join(usable)} only"
        return "it has no instrument yet"

    def remarks(self, repository: BegunRepository) -> list[Diagnostic]:
        """Return what a person should know of a repository.

        Parameters
        ----------
        repository
            What is declared of it.

        Raises
        ------
        CalibstateError
            It is the origin, and nothing is known of it.
        """
        address = repository.address
        if repository.is_origin and repository.why_not:
            raise remarks.origin_unseen(address, repository.why_not)
        diagnostics: list[Diagnostic] = []
        if repository.why_not:
            diagnostics.append(remarks.repository_left_out(address, repository.why_not))
        elif repository.unseen:
            diagnostics.append(remarks.repository_believed(address, repository.unseen))
        listed = self.sights[address].instruments
        usable = usable_instruments(listed)
        for name in listed:
            if name not in usable:
                diagnostics.append(remarks.instrument_strange(address, name))
        unmade = [name for name in self._instruments(address) if not self.is_made(name)]
        if unmade:
            diagnostics.append(remarks.instruments_without_origin(address, unmade))
        return diagnostics


def files_of_sites(declared: DesiredState) -> tuple[str, ...]:
    """Return the files of the sites that are declared already."""
    return tuple(f"sites/{name}.yaml" for name in declared.sites)


@dataclass(frozen=True)
class BegunSite:
    """A site of which a file is written."""

    noun: Site
    """What the file declares."""

    left_out: tuple[BegunRepository, ...]
    """Its repositories that are left to write by hand."""

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"sites/{self.noun.site}.yaml"


def begun_sites(repositories: Iterable[BegunRepository]) -> tuple[BegunSite, ...]:
    """Return the sites that are declared.

    Parameters
    ----------
    repositories
        What is declared of each repository.

    Returns
    -------
    tuple of BegunSite
        The origin's site first, so that a tree is sound at every moment while
        its files are written.
    """
    by_site: dict[str, list[BegunRepository]] = {}
    for repository in sorted(repositories, key=_is_copied):
        of_site = by_site.setdefault(repository.address.site, [])
        of_site.append(repository)
    sites: list[BegunSite] = []
    for name, of_site in by_site.items():
        nouns: dict[str, Repository] = {}
        left_out: list[BegunRepository] = []
        for repository in of_site:
            if repository.why_not:
                left_out.append(repository)
            else:
                nouns[repository.address.name] = _noun(repository)
        # Of a site that is not seen at all nothing is written, so that a later
        # look can declare all of it.
        if nouns:
            sites.append(BegunSite(Site(site=name, repositories=nouns), tuple(left_out)))
    return tuple(sites)


def _is_copied(repository: BegunRepository) -> bool:
    return not repository.is_origin


def _noun(repository: BegunRepository) -> Repository:
    route: Origin | Copy = Copy()
    if repository.is_origin:
        route = Origin()
    return Repository(butler=repository.butler, instruments=repository.instruments, route=route)
