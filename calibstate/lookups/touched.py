"""Tell which nights a change of the declaration concerns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model.exposures import ExposuresDocument, NightOfExposures
from ..model.impacts import ChainImpact, Change, Impact
from ..model.names import InstrumentName, RepositoryAddress
from ..model.touched import Touched, TouchedAt, TouchedExposures
from .affected import Concerned

__all__ = ["touched"]

_Nights = dict[tuple[InstrumentName, NightOfExposures], bool]
"""Nights of instruments that are concerned, each with whether all of its
exposures are."""


def touched(
    impact: Impact,
    published: Mapping[RepositoryAddress, ExposuresDocument],
    unknown: Mapping[RepositoryAddress, str],
) -> TouchedExposures:
    """Return how many exposures a change of the declaration concerns.

    Parameters
    ----------
    impact
        What the change does.
    published
        Exposures of repositories, night by night.
    unknown
        Why those of others are not known.
    """
    counted: list[TouchedAt] = []
    not_known: dict[RepositoryAddress, str] = {}
    concerned: dict[Change, Concerned] = {}
    for change in impact.changes_of_content:
        if change not in concerned:
            concerned[change] = Concerned.by(change)
    impacts_at: dict[RepositoryAddress, list[ChainImpact]] = {}
    for each in impact.chains:
        # What brings the same bytes concerns no exposure.
        if concerned.keys().isdisjoint(each.changes):
            continue
        # Several chains of a repository may change alike.
        addresses = dict.fromkeys(address for address, _ in each.chains)
        for address in addresses:
            impacts_at.setdefault(address, []).append(each)
    for address, impacts in impacts_at.items():
        exposures = published.get(address)
        if exposures is None:
            reason = unknown.get(address, "nobody published them")
            not_known[address] = reason
            continue
        instruments = {each.instrument for each in impacts}
        lacking = instruments.difference(exposures.nights)
        if lacking:
            names = ", ".join(sorted(lacking))
            not_known[address] = f"those of {names} were not published"
            continue
        there = _at(exposures, impacts, concerned)
        counted.append(there)
    return TouchedExposures(tuple(counted), not_known)


def _at(
    exposures: ExposuresDocument,
    impacts: Iterable[ChainImpact],
    concerned: Mapping[Change, Concerned],
) -> TouchedAt:
    """Return how many exposures of a repository are concerned."""
    by_change: dict[Change, Touched] = {}
    by_any: _Nights = {}
    for impact in impacts:
        for change in impact.changes:
            if change not in concerned:
                continue
            nights = _nights(
                concerned[change],
                impact.instrument,
                exposures,
            )
            by_change[change] = _summed(nights)
            # Several changes may concern one night: it counts once, and in
            # full where any of them concerns all of it.
            for night, is_whole in nights.items():
                by_any[night] = is_whole or by_any.get(night, False)
    return TouchedAt(
        repository=exposures.address,
        at=exposures.at,
        touched=_summed(by_any),
        by_change=by_change,
    )


def _nights(concerned: Concerned, instrument: InstrumentName, exposures: ExposuresDocument) -> _Nights:
    """Return the nights of an instrument that a change concerns."""
    begin, end = concerned.change.span
    nights: _Nights = {}
    for night in exposures.nights[instrument]:
        data_id = {
            "instrument": instrument,
            "physical_filter": night.physical_filter,
            "band": night.band,
        }
        # A range that begins or ends within the night concerns a part of it.
        if concerned.reaches(night.begin, night.end, data_id):
            begins_within = begin <= night.begin
            ends_within = night.end <= end
            key = (instrument, night)
            nights[key] = begins_within and ends_within
    return nights


def _summed(nights: _Nights) -> Touched:
    """Return how many exposures nights have."""
    at_least = 0
    at_most = 0
    days: set[int] = set()
    for (_, night), is_whole in nights.items():
        days.add(night.day_obs)
        at_most += night.exposures
        if is_whole:
            at_least += night.exposures
    in_order = sorted(days)
    return Touched(
        nights=tuple(in_order),
        at_least=at_least,
        at_most=at_most,
    )
