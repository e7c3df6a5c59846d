"""Read what the sites of the waves before have published."""

from __future__ import annotations

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
    wanted = {address.site for address in desired.repositories if scope.has_repository(address)}
    # Whoever is in a later wave waits for the sites of all earlier ones, so
    # the last wave that is asked for counts.
    sites_before: set[str] = set()
    sites_so_far: set[str] = set()
    for wave in desired.settings.noun.waves:
        if wanted.intersection(wave):
            sites_before = set(sites_so_far)
        sites_so_far.update(wave)
    shown: dict[RepositoryAddress, PublishedReview] = {}
    unreadable: dict[RepositoryAddress, str] = {}
    for address in desired.repositories:
        if address.site not in sites_before:
            continue
        try:
            review = places.published_review(address)
        except UnreachableError as error:
            unreadable[address] = error.first.detail.rstrip(".")
            continue
        if review:
            shown[address] = review
    return Waves(desired, shown, unreadable)
