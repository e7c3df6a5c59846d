"""Read what the sites of the waves before have published."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import UnreachableError
from ..kinds.waves import Waves
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.reviews import PublishedReview
from ..model.scope import Scope
from ..ports.places import ReadPlaces

__all__ = ["look_at_waves"]


def look_at_waves(desired: DesiredState, scope: Scope, places: ReadPlaces) -> Waves:
    """Read what the waves before those that are asked for have published.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where it was published.
    """
    shown: dict[RepositoryAddress, PublishedReview] = {}
    unreadable: dict[RepositoryAddress, str] = {}
    for address in _earlier(desired, scope):
        try:
            if review := places.published_review(address):
                shown[address] = review
        except UnreachableError as error:
            unreadable[address] = error.first.detail.rstrip(".")
    return Waves(desired, shown, unreadable)


def _earlier(desired: DesiredState, scope: Scope) -> Iterator[RepositoryAddress]:
    """Yield the repositories of each wave before one that is asked for."""
    waves = desired.settings.noun.waves
    asked = {address.site for address in desired.repositories if scope.has_repository(address)}
    last = max((number for number, wave in enumerate(waves) if asked & set(wave)), default=0)
    sites = {site for wave in waves[:last] for site in wave}
    yield from (address for address in desired.repositories if address.site in sites)
