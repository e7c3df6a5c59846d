"""Tell which ticket wins when, through chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ..errors import Diagnostic, UsageError
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress, nearest, spelled
from ..model.results.timelines import ChainTimeline, TimelinesDrawn
from ..model.scope import Scope
from ..model.timelines import Timeline
from .revisions import declared_at, desired_at
from .scoping import check_scope
from .session import Session

__all__ = ["timeline"]


def timeline(
    session: Session,
    words: Sequence[str] = (),
    at: str | None = None,
    base: str | None = None,
    types: Sequence[str] = (),
) -> TimelinesDrawn:
    """Return which ticket wins when, as declared, or live at repositories.

    Parameters
    ----------
    session
        It says which tree, and which part of it.
    words
        Chains, or places to look at; empty: all declared chains.
    at
        A revision or a date, for what was declared; `None`: now.
    base
        The revision or date that is compared with; `None`: none.
    types
        Dataset types that are asked for; empty: all.

    Raises
    ------
    UsageError
        Something that was asked for is not declared, or no type has such a
        name.
    """
    desired, of = session.desired, "the working tree"
    if at is not None:
        revision = declared_at(session, at)
        desired, of = desired_at(revision), revision.words
    # A name with a slash may be either.
    chains = [word for word in words if word in desired.chains]
    places = [word for word in words if word not in desired.chains]
    if chains and places:
        hint = "Ask for one after the other."
        raise UsageError(Diagnostic("Chains and places", f"{', '.join(words)} are of both.", hint=hint))
    if places:
        if at is not None or base is not None:
            detail = f"--at and --base are of what is declared, and {', '.join(places)} would be looked at."
            raise UsageError(Diagnostic("A place has no revisions", detail, hint="Name a chain, or nothing."))
        return _checked(partial(_live, session, desired), types)
    # The chains that were named stand among the repositories.
    repositories: list[RepositoryAddress] = []
    for address in session.requested.repositories:
        if address not in chains:
            repositories.append(address)
    scope = replace(session.requested, repositories=tuple(repositories))
    check_scope(desired, scope)
    return _checked(partial(_declared, session, desired, scope, of, base, chains), types)


def _declared(
    session: Session,
    desired: DesiredState,
    scope: Scope,
    of: str,
    base: str | None,
    chains: Sequence[str],
    types: Sequence[str],
) -> TimelinesDrawn:
    # With this numpy is imported.
    from ..lookups.timelines import declared_timelines

    # Without a base nothing is compared.
    before, words = None, None
    if base is not None:
        revision = declared_at(session, base)
        before, words = revision.desired, revision.words
    drawn = declared_timelines(before, desired, scope, compares=base is not None, types=types)
    if chains:
        drawn = tuple(each for each in drawn if each.chain in chains)
    return TimelinesDrawn(drawn, of, words, tuple(types))


def _live(session: Session, desired: DesiredState, types: Sequence[str]) -> TimelinesDrawn:
    from ..lookups.timelines import live_timelines

    places = session.places()
    with session.counting("looking at", "repositories") as watch:
        live = live_timelines(desired, session.scope, places, watch)
    session.listener.report(places.relied_on())
    too_old = places.seen_too_long_ago()
    last_seen: tuple[ChainTimeline, ...] = ()
    if too_old:
        narrowed = replace(session.scope, sites=(), repositories=too_old)
        then = live_timelines(desired, narrowed, places.as_last_seen())
        last_seen = _drawn(desired, then.results, types)
    return TimelinesDrawn(
        _drawn(desired, live.results, types),
        "live",
        None,
        tuple(types),
        live.unreachable,
        places.seen(live.unreachable),
        last_seen,
    )


def _drawn(
    desired: DesiredState,
    timelines: Mapping[RepositoryAddress, Mapping[str, Timeline]],
    types: Sequence[str],
) -> tuple[ChainTimeline, ...]:
    """Return timelines of live chains, by chain."""
    drawn: list[ChainTimeline] = []
    for address in desired.in_order_of_waves(timelines):
        for name, folded in timelines[address].items():
            if types:
                rows = [row for row in folded.rows if row.dataset_type in types]
                folded = replace(folded, rows=tuple(rows))
            instrument = desired.chains[name].noun.instrument
            timeline = ChainTimeline(name, instrument, (address,), folded)
            drawn.append(timeline)
    drawn.sort(key=lambda each: each.chain)
    return tuple(drawn)


def _checked(draw: Callable[[Sequence[str]], TimelinesDrawn], types: Sequence[str]) -> TimelinesDrawn:
    """Return timelines of types, each of which anything is found of.

    Parameters
    ----------
    draw
        Draws timelines of some types; of all, where there are none.
    types
        Those that are asked for.
    """
    drawn = draw(types)
    found_types = _types_of(drawn)
    # Where only changes are told, or all types, none is missing.
    missing = [word for word in types if word not in found_types]
    if not missing or drawn.base is not None:
        return drawn
    others = _types_of(draw(()))
    # Where nothing is sealed or seen, nobody can say.
    if not others:
        return drawn
    hint = "`calibstate timeline` tells of all."
    near = nearest(missing[0], others)
    if near:
        hint = f"Did you mean {near}?"
    detail = f"No calibration of type {spelled(missing[0])} is found."
    raise UsageError(Diagnostic("No such type", detail, hint=hint))


def _types_of(drawn: TimelinesDrawn) -> set[str]:
    types: set[str] = set()
    for chain in (*drawn.chains, *drawn.last_seen):
        types.update(row.dataset_type for row in chain.timeline.rows)
    return types
