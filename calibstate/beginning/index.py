"""Which repositories are new, and which of them the index brings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..errors import Diagnostic, without_secrets
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from . import remarks
from .wanted import WantedRepository, WantedSites, can_be_name, name_of

__all__ = ["NewRepositories", "new_repositories"]


@dataclass(frozen=True)
class NewRepositories:
    """Repositories that are to be declared."""

    repositories: tuple[WantedRepository, ...]
    """Those that are given, then those of the index."""

    of_index: frozenset[RepositoryAddress] = frozenset()
    """Those that only the index names."""

    remarks: tuple[Diagnostic, ...] = ()
    """What is left out, and why."""


def new_repositories(
    wanted: WantedSites, declared: DesiredState, read_index: Callable[[], Mapping[str, str]]
) -> NewRepositories:
    """Return what of all that is wanted is not declared yet.

    Parameters
    ----------
    wanted
        What the command line says.
    declared
        What is declared already; the files of its sites stay as they are.
    read_index
        Gives the addresses of the repository index, by label; asked where
        something is a label only.

    Raises
    ------
    UsageError
        The index does not have a label.
    """
    left_out: list[Diagnostic] = []
    given: list[WantedRepository] = []
    for repository in wanted.repositories:
        address = repository.address
        if address.site not in declared.sites:
            given.append(repository)
        elif address not in declared.repositories:
            left_out.append(remarks.site_kept(address))
    site = wanted.of_index
    if site in declared.sites:
        site = None
    labels: Mapping[str, str] = {}
    by_label = [repository for repository in given if repository.is_label]
    if site or by_label:
        labels = read_index()
    for repository in by_label:
        if repository.butler not in labels:
            raise remarks.label_unknown(repository.address, repository.butler, labels)
    if site is None:
        return NewRepositories(tuple(given), remarks=tuple(left_out))
    listed = _listed(site, labels, [repository.address for repository in given])
    return NewRepositories(
        (*given, *listed.repositories),
        listed.of_index,
        (*left_out, *listed.remarks),
    )


def _listed(site: str, labels: Mapping[str, str], given: Iterable[RepositoryAddress]) -> NewRepositories:
    """Return the repositories of an index as those of a site."""
    repositories: dict[RepositoryAddress, WantedRepository] = {}
    left_out: list[Diagnostic] = []
    # A label with slashes is often another name of one without.
    for label in sorted(labels, key=_is_path):
        name = name_of(label)
        address = RepositoryAddress(f"{site}/{name}")
        namesake = repositories.get(address)
        if not can_be_name(name):
            why = "its label cannot be the name of a repository"
        elif without_secrets(labels[label]) != labels[label]:
            why = "its address holds a password or a token"
        elif namesake and labels[namesake.butler] != labels[label]:
            why = f"{address} is another one already"
        else:
            if namesake is None and address not in given:
                repositories[address] = WantedRepository(address, label)
            continue
        left_out.append(remarks.label_left_out(site, label, why))
    return NewRepositories(tuple(repositories.values()), frozenset(repositories), tuple(left_out))


def _is_path(label: str) -> bool:
    return "/" in label
