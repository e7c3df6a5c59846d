"""A look at repositories that nobody has declared yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from ..engine.side_by_side import side_by_side
from ..errors import CalibstateError
from ..model.desired import DesiredState, Lines, Written
from ..model.names import ANY, RepositoryAddress
from ..model.repositories import Copy, Repository, Site
from ..ports.places import ReadPlaces
from . import remarks
from .index import NewRepositories
from .wanted import WantedRepository

__all__ = ["Sight", "look", "second_names", "with_new"]


@dataclass(frozen=True)
class Sight:
    """What a look at a repository showed."""

    instruments: tuple[str, ...] = ()
    """All that are registered, sorted."""

    unseen: str = ""
    """Why it could not be seen; empty where it was."""


def with_new(declared: DesiredState, repositories: Iterable[WantedRepository]) -> DesiredState:
    """Return a tree with repositories of which no instrument is known yet.

    Parameters
    ----------
    declared
        What is declared already.
    repositories
        The new ones; none of their sites is declared.
    """
    by_site: dict[str, dict[str, Repository]] = {}
    for repository in repositories:
        # `any` stands for what the look is to tell.
        noun = Repository(butler=repository.butler, instruments=(ANY,), route=Copy())
        of_site = by_site.setdefault(repository.address.site, {})
        of_site[repository.address.name] = noun
    sites = dict(declared.sites)
    for name, nouns in by_site.items():
        site = Site(site=name, repositories=nouns)
        sites[name] = Written(site, Lines(f"sites/{name}.yaml"))
    return DesiredState(
        declared.root,
        declared.settings,
        sites,
        declared.tickets,
        declared.chains,
    )


def look(
    addresses: Collection[RepositoryAddress],
    places: ReadPlaces,
    progress: Callable[[int, int], None],
) -> Mapping[RepositoryAddress, Sight]:
    """Return what repositories show, side by side.

    Parameters
    ----------
    addresses
        The repositories.
    places
        How they are reached.
    progress
        Told how many of them were looked at, of how many.
    """

    def instruments_at(address: RepositoryAddress) -> tuple[str, ...]:
        return tuple(places.butler(address).instruments())

    looks = {address: partial(instruments_at, address) for address in addresses}
    sights: dict[RepositoryAddress, Sight] = {}
    for address, answer in side_by_side(looks, places.timeout):
        try:
            sights[address] = Sight(answer.result())
        except CalibstateError as error:
            sights[address] = Sight(unseen=error.first.detail)
        progress(len(sights), len(looks))
    return sights


def second_names(
    new: NewRepositories, declared: Iterable[RepositoryAddress], places: ReadPlaces
) -> Mapping[RepositoryAddress, RepositoryAddress]:
    """Return what the index lists under a second name, and refuse all else.

    Parameters
    ----------
    new
        The repositories that are to be declared.
    declared
        Those that are.
    places
        How they are reached; only their configurations are read.

    Returns
    -------
    dict
        By the second name the first.

    Raises
    ------
    UsageError
        A person gives one butler two names.
    """
    butlers = {repository.address: repository.butler for repository in new.repositories}
    addresses = [*declared, *butlers]
    questions = {address: partial(places.identity, address) for address in addresses}
    answers = dict(side_by_side(questions, places.timeout))
    first_names: dict[str, RepositoryAddress] = {}
    others: dict[RepositoryAddress, RepositoryAddress] = {}
    # In their order, so that it is always the later name that is the second.
    for address in addresses:
        # Of what cannot be seen its address has to do.
        identity = butlers.get(address, address)
        if answers[address].exception() is None:
            identity = answers[address].result()
        first = first_names.setdefault(identity, address)
        if first == address:
            continue
        if address not in new.of_index:
            raise remarks.one_butler(first, address, butlers)
        others[address] = first
    return others
