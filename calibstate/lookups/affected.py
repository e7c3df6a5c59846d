"""Tell which exposures a change of the declaration concerns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..model.impacts import Affected, Change, Impact
from ..ports.butler import SeenExposure
from .comparing.chain_impact import holdings_of
from .seams import AMBIGUOUS, SearchedBeforeAndAfter, fits, lookups_across_seams, selector

__all__ = ["affected"]


@dataclass(frozen=True)
class _Concerned:
    """A change, and which exposures it can concern."""

    change: Change

    selectors: Sequence[Mapping[str, str]]
    """What its data IDs ask of an exposure, each once."""

    @classmethod
    def by(cls, change: Change) -> _Concerned:
        """Return a change with what its data IDs ask of an exposure."""
        distinct: set[tuple[tuple[str, str], ...]] = set()
        for data_id in change.data_ids:
            pairs = selector(data_id).items()
            distinct.add(tuple(sorted(pairs)))
        selectors = [dict(pairs) for pairs in sorted(distinct)]
        return cls(change, selectors)

    def reaches(self, exposure: SeenExposure) -> bool:
        """Say whether an exposure is looked up in what changes."""
        # Most changes are at another time, which is seen most quickly.
        if exposure.end <= self.change.begin:
            return False
        if self.change.end <= exposure.begin:
            return False
        return any(fits(wanted, exposure.data_id) for wanted in self.selectors)


def affected(impact: Impact, exposures: Iterable[SeenExposure]) -> tuple[Affected, ...]:
    """Return the exposures whose lookups change.

    Parameters
    ----------
    impact
        What a change does at a repository.
    exposures
        Exposures of that repository.
    """
    by_begin = sorted(exposures, key=lambda exposure: exposure.begin)
    searched: list[SearchedBeforeAndAfter] = []
    for chain in impact.chains:
        before, after = chain.searched
        holdings_before = holdings_of(before)
        holdings_after = holdings_of(after)
        searched.append(SearchedBeforeAndAfter(holdings_before, holdings_after))
    seams_of = lookups_across_seams(searched, by_begin)
    concerned = [_Concerned.by(change) for change in impact.changes]
    changing: list[Affected] = []
    for exposure in sorted(by_begin, key=lambda exposure: exposure.exposure):
        types = {change.change.dataset_type for change in concerned if change.reaches(exposure)}
        failing: set[str] = set()
        # A lookup that lies across a seam may fail, whatever wins around it.
        for seam in seams_of.get(exposure.exposure, []):
            if seam.before != seam.after:
                types.add(seam.dataset_type)
            if seam.after is AMBIGUOUS:
                failing.add(seam.dataset_type)
        if types:
            changing.append(
                Affected(
                    exposure.exposure,
                    exposure.day_obs,
                    exposure.data_id.get("physical_filter", ""),
                    dataset_types=tuple(sorted(types)),
                    ambiguous=tuple(sorted(failing & types)),
                )
            )
    return tuple(changing)
