"""New repositories: which are wanted, what they show, what is declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from ..errors import Diagnostic, Severity, UsageError
from ..model.desired import DesiredState
from ..model.results.beginnings import BegunRepository
from ..ports.places import ReadPlaces
from . import remarks
from .index import new_repositories
from .look import look, second_names, with_new
from .sites import Routes, origin_of
from .wanted import wanted_instruments, wanted_sites
from .wishes import Wishes

__all__ = ["BegunRepositories", "Reach", "begun_repositories"]


@dataclass(frozen=True)
class Reach:
    """How this host reaches repositories that nobody has declared."""

    site_here: str | None
    """The site whose host it is said to be."""

    read_index: Callable[[], Mapping[str, str]]
    """Gives the addresses of the repository index, by label."""

    open_places: Callable[[DesiredState], ReadPlaces]
    """Gives the places of a tree."""

    counting: Callable[[], AbstractContextManager[Callable[[int, int], None]]]
    """Gives what is told how many of them were looked at."""


@dataclass(frozen=True)
class BegunRepositories:
    """What is to be declared of new repositories."""

    repositories: tuple[BegunRepository, ...]
    remarks: tuple[Diagnostic, ...]


def begun_repositories(wishes: Wishes, declared: DesiredState, reach: Reach) -> BegunRepositories:
    """Look at the repositories that are wanted and not declared yet.

    Parameters
    ----------
    wishes
        What is wanted.
    declared
        What is declared already.
    reach
        How they are reached.

    Raises
    ------
    CalibstateError
        Nothing is known of the origin, or the index cannot be read.
    UsageError
        What is wanted means nothing.
    """
    diagnostics: list[Diagnostic] = []
    instruments = wanted_instruments(wishes.instruments)
    words = wishes.sites
    if not words and not declared.sites:
        if reach.site_here is None:
            raise remarks.site_wanted(reach.read_index())
        words = (reach.site_here,)
    new = new_repositories(wanted_sites(words), declared, reach.read_index)
    if new.remarks and not new.repositories and not declared.sites:
        # What was left out was all that there is.
        raise UsageError(*(replace(remark, severity=Severity.ERROR) for remark in new.remarks))
    places = reach.open_places(with_new(declared, new.repositories))
    others = second_names(new, declared.repositories, places)
    repositories = [repository for repository in new.repositories if repository.address not in others]
    origin = origin_of(wishes.origin, repositories, declared)
    diagnostics.extend(new.remarks)
    if not repositories:
        return BegunRepositories((), tuple(diagnostics))
    with reach.counting() as progress:
        sights = look([repository.address for repository in repositories], places, progress)
    routes = Routes(origin, sights, instruments, declared)
    begun = tuple(map(routes.begun, repositories))
    for second, first in others.items():
        diagnostics.append(remarks.second_name(second, first))
    for repository in begun:
        diagnostics.extend(routes.remarks(repository))
    if origin and not wishes.origin and len(begun) > 1:
        diagnostics.append(remarks.origin_taken(origin))
    return BegunRepositories(begun, tuple(diagnostics))
