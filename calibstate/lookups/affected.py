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

    def fits(self, exposure: SeenExposure) -> bool:
        """Say whether one of the data IDs is looked up for an exposure."""
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
        searched.append(SearchedBeforeAndAfter(holdings_of(before), holdings_of(after)))
    seams_of = lookups_across_seams(searched, by_begin)
    concerned = [_Concerned(change, _selectors(change.data_ids)) for change in impact.changes]
    changing: list[Affected] = []
    for exposure in sorted(by_begin, key=lambda exposure: exposure.exposure):
        types: set[str] = set()
        failing: set[str] = set()
        for candidate in concerned:
            change = candidate.change
            # Most changes are at another time, which is seen most quickly.
            if exposure.end <= change.begin or change.end <= exposure.begin:
                continue
            if candidate.fits(exposure):
                types.add(change.dataset_type)
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


def _selectors(data_ids: Iterable[str]) -> list[dict[str, str]]:
    """Return what data IDs ask of an exposure, each once."""
    distinct: set[tuple[tuple[str, str], ...]] = set()
    for data_id in data_ids:
        pairs = selector(data_id).items()
        distinct.add(tuple(sorted(pairs)))
    return [dict(pairs) for pairs in sorted(distinct)]
