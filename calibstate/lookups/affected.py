"""Tell which exposures a change of the declaration concerns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..model.impacts import Affected, Change, Impact
from ..ports.butler import SeenExposure
from .comparing.chain_impact import holdings_of
from .seams import AMBIGUOUS, SearchedBeforeAndAfter, fits, lookups_across_seams, selector

__all__ = ["Concerned", "affected"]


_Pairs = tuple[tuple[str, str], ...]
"""Keys with their values, sorted."""


@dataclass(frozen=True)
class Concerned:
    """A change, and which exposures it can concern."""

    change: Change
    """The change."""

    selectors: Sequence[Mapping[str, str]]
    """What its data IDs ask of an exposure, each once."""

    @classmethod
    def by(cls, change: Change) -> Concerned:
        """Return a change with what its data IDs ask of an exposure.

        Parameters
        ----------
        change
            The change.
        """
        # Data IDs that differ in their detector only ask the same.
        distinct: set[_Pairs] = set()
        for data_id in change.data_ids:
            wanted = selector(data_id)
            pairs = sorted(wanted.items())
            distinct.add(tuple(pairs))
        selectors: list[Mapping[str, str]] = []
        for pairs_wanted in sorted(distinct):
            selectors.append(dict(pairs_wanted))
        return cls(change, selectors)

    def reaches(self, begin: int, end: int, data_id: Mapping[str, str]) -> bool:
        """Say whether exposures are looked up in what changes.

        Parameters
        ----------
        begin, end
            When they were taken, in nanoseconds of TAI.
        data_id
            What lookups for them are told.
        """
        # Most changes are at another time, which is seen most quickly.
        if end <= self.change.begin:
            return False
        if self.change.end <= begin:
            return False
        return any(fits(wanted, data_id) for wanted in self.selectors)


def affected(
    impact: Impact,
    exposures: Iterable[SeenExposure],
) -> tuple[Affected, ...]:
    """Return the exposures whose lookups change.

    Parameters
    ----------
    impact
        What a change does at a repository.
    exposures
        Exposures of that repository.
    """
    by_begin = sorted(exposures, key=lambda exposure: exposure.begin)
    by_number = sorted(by_begin, key=lambda exposure: exposure.exposure)
    searched: list[SearchedBeforeAndAfter] = []
    for chain in impact.chains:
        before, after = chain.searched
        searched.append(
            SearchedBeforeAndAfter(
                holdings_of(before),
                holdings_of(after),
            )
        )
    seams_of = lookups_across_seams(searched, by_begin)
    changes = [Concerned.by(change) for change in impact.changes_of_content]
    changing: list[Affected] = []
    for exposure in by_number:
        types: set[str] = set()
        for concerned in changes:
            if concerned.reaches(exposure.begin, exposure.end, exposure.data_id):
                types.add(concerned.change.dataset_type)
        failing: set[str] = set()
        # A lookup that lies across a seam may fail, whatever wins around it.
        lookups = seams_of.get(exposure.exposure, [])
        for seam in lookups:
            if seam.before != seam.after:
                types.add(seam.dataset_type)
            if seam.after is AMBIGUOUS:
                failing.add(seam.dataset_type)
        if not types:
            continue
        ambiguous = sorted(failing & types)
        changing.append(
            Affected(
                exposure.exposure,
                exposure.day_obs,
                exposure.data_id.get("physical_filter", ""),
                dataset_types=tuple(sorted(types)),
                ambiguous=tuple(ambiguous),
            )
        )
    return tuple(changing)
