"""Exposures that products are made of, against those of their selections.

A selection may be changed, and raws may come or go, after a product is made:
it is whole all the same, and another one than the file says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ..errors import Diagnostic, Severity
from ..kinds.generation import Generation
from ..ports.construction import ConstructionPlaces
from .look import Standing

__all__ = ["made_of_others"]

_MOST = 3
"""Exposures that a sentence names."""


def made_of_others(standings: Iterable[Standing], places: ConstructionPlaces) -> Iterator[Diagnostic]:
    """Yield which products are made of other exposures than is declared.

    As long as their intermediates are there; after that nobody can tell.

    Parameters
    ----------
    standings
        The steps, as they were seen.
    places
        Where to look.
    """
    for standing in standings:
        recipe, live = standing.step.recipe, standing.live
        if not isinstance(live, Generation) or not recipe or not recipe.product.intermediate:
            continue
        run, expected = live.output.newest, live.expected
        if run is None or expected is None:
            continue
        reader = places.construction(standing.step.repository)
        used = set(reader.used(run, recipe.product.intermediate))
        selected = set(reader.exposures(expected.raws, expected.where))
        if not used or used == selected:
            continue
        parts = []
        if beyond := used - selected:
            parts.append(f"of {_listed(beyond)}, which its selection does not find")
        if lacking := selected - used:
            parts.append(f"not of {_listed(lacking)}, which it finds")
        yield Diagnostic(
            "Made of other exposures",
            f"{run} is made {', and '.join(parts)}.",
            hint="Give the selection as it was, or make the product again with a `rerun` of its own.",
            severity=Severity.WARNING,
        )


def _listed(exposures: Collection[int]) -> str:
    """Return exposures in words; of many how many there are."""
    shown = ", ".join(str(exposure) for exposure in sorted(exposures)[:_MOST])
    more = len(exposures) - _MOST
    return f"{shown} and {more} more" if more > 0 else shown
