"""Tell what lookups get on a night, or at a moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..lookups.fingerprint import Fingerprints, look_at_chains
from ..lookups.nights import (
    absent_chains,
    dataset_types,
    of_dataset_types,
    selecting_otherwise,
    what_lookups_get,
)
from ..model.nights import While
from ..model.results.lookups import EffectiveFound, WhatLookupsGet
from .scoping import undeclared
from .session import Session

__all__ = ["effective"]


def effective(session: Session, when: While, types: Collection[str] = ()) -> EffectiveFound:
    """Return what lookups get, type by type and filter by filter.

    All repositories are looked at, so that it can be told where one differs,
    unless nobody but a site's own places is asked; those that the session is
    narrowed to are shown.

    Parameters
    ----------
    session
        Where to look, and what is shown.
    when
        The time that is asked for.
    types
        The dataset types that are shown; without any, all are.

    Raises
    ------
    UsageError
        No lookup gets one of the dataset types.
    """
    desired, shown = session.desired, session.scope
    scope = shown
    if not session.only_here:
        scope = replace(shown, sites=(), repositories=())
    places = session.places()
    with session.counting("looking at", "repositories") as watch:
        live = look_at_chains(desired, scope, places, watch)
    session.listener.report(places.relied_on())
    _check_types(live, types)
    live = of_dataset_types(live, types)
    too_old = places.seen_too_long_ago()
    last_seen: tuple[WhatLookupsGet, ...] = ()
    if too_old:
        narrowed = replace(scope, sites=(), repositories=too_old)
        seen_last = look_at_chains(desired, narrowed, places.as_last_seen())
        seen_last = of_dataset_types(seen_last, types)
        last_seen = what_lookups_get(desired, seen_last, when, narrowed)
    return EffectiveFound(
        when,
        what_lookups_get(desired, live, when, shown),
        selecting_otherwise(desired, live, when),
        tuple(absent_chains(desired, live, scope)),
        live.unreachable,
        places.seen(live.unreachable),
        last_seen,
    )


def _check_types(live: Fingerprints, types: Collection[str]) -> None:
    if not types:
        return
    existing = dataset_types(live)
    # Where nothing could be seen nobody knows which there are.
    if not existing:
        return
    for name in types:
        if name not in existing:
            raise undeclared("dataset type", name, existing)
