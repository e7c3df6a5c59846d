"""Show what repositories were seen to search, now or on a date."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from ..engine.expand import expand, places_of
from ..errors import CalibstateError, Diagnostic, UnreachableError, UsageError
from ..factory.places import Places
from ..kinds.chain import Chain
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress, spelled
from ..model.observations import stamp
from ..model.results.live import LiveChain, LiveChains, LiveRepository
from ..model.revisions import instant
from ..model.scope import Scope
from ..model.sights import children_of
from .revisions import declared_at, desired_at
from .scoping import check_scope
from .session import Session

__all__ = ["show_live"]

_Children = Mapping[str, tuple[str, ...]]
"""Of declared chains, by name."""


def show_live(session: Session, at: str | None = None) -> LiveChains:
    """Return what repositories were seen to search, by what was published.

    No repository is asked.

    Parameters
    ----------
    session
        It says which repositories.
    at
        A date; `None`: what was seen last.

    Raises
    ------
    UsageError
        It is no date, or something that was asked for is not declared.
    """
    scope = session.requested
    check_scope(session.desired, scope)
    desired: DesiredState | None = session.desired
    moment, declared_unknown = None, ""
    if at is not None:
        moment = _moment(at)
        try:
            desired = desired_at(declared_at(session, at))
        except CalibstateError as error:
            desired, declared_unknown = None, error.first.detail
    places = session.places()
    repositories: list[LiveRepository] = []
    unreachable: dict[RepositoryAddress, Diagnostic] = {}
    for address in session.desired.in_order_of_waves(places_of(session.desired, scope)):
        try:
            repositories.append(_live(places, address, moment, desired))
        except UnreachableError as error:
            unreachable[address] = error.first
    asked_for = stamp(moment) if moment else None
    return LiveChains(asked_for, tuple(repositories), unreachable, declared_unknown)


def _moment(at: str) -> datetime:
    try:
        moment = instant(at)
    except ValueError as error:
        raise UsageError(Diagnostic("No such date", f"{spelled(at)}: {error}.")) from None
    if moment is None:
        hint = "Give a date, such as 2025-02-11 or 2025-02-11T03:00:00Z."
        detail = f"{spelled(at)} is no date, and what was live has no revisions."
        raise UsageError(Diagnostic("Not a date", detail, hint=hint))
    return moment


def _declared(desired: DesiredState, address: RepositoryAddress) -> _Children:
    """Return the chains that are declared of a repository."""
    # It need not have been declared then.
    if address not in desired.repositories:
        return {}
    resources = [each.resource for each in expand(desired, Scope(repositories=(address,)))]
    children: dict[str, tuple[str, ...]] = {}
    for chain in Chain.among(resources):
        if chain.address.place == address:
            children[chain.address.name] = chain.children
    return children


def _live(
    places: Places, address: RepositoryAddress, moment: datetime | None, desired: DesiredState | None
) -> LiveRepository:
    """Return what was seen of a repository.

    Raises
    ------
    UnreachableError
        Nobody published that, it cannot be read, or is of another butler.
    """
    history = places.sights(address)
    sight = history.at(moment)
    # Versions of before published no sight, and kept nothing of before.
    if history.newest is None and sight is None:
        sight = places.sight(address)
        if sight and moment and sight.moment > moment:
            sight = None
    if sight is None:
        detail = "nobody published what it showed"
        if moment:
            detail += " by then"
        hint = "Publish it there: calibstate observe --publish."
        raise UnreachableError(Diagnostic("Never seen", f"{detail}.", hint=hint))
    declared: _Children = {}
    if desired is None:
        places.check_butler(sight)
    else:
        places.check_butler(sight, desired)
        declared = _declared(desired, address)
    until = history.after(sight.moment) if moment else None
    chains: list[LiveChain] = []
    for name in sight.chains:
        since: str | None = None
        # One of before may be one that cannot be read.
        with suppress(UnreachableError):
            since = stamp(history.since(name, sight))
        children = children_of(sight, name)
        chains.append(LiveChain(name, children, declared.get(name), since))
    return LiveRepository(address, sight.at, stamp(until) if until else None, tuple(chains))
