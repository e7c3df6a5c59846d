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

__all__ = ["listed", "made_of_others"]

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
        step = standing.step
        live = standing.live
        if not isinstance(live, Generation) or step.recipe is None:
            continue
        run = live.output.newest
        intermediate = step.recipe.product.intermediate
        if run is None or live.expected is None or not intermediate:
            continue
        reader = places.construction(step.repository)
        used = set(reader.used(run, intermediate))
        selected = set(
            reader.exposures(
                live.expected.raws,
                live.expected.where,
            )
        )
        if not used or used == selected:
            continue
        parts = []
        beyond = used - selected
        if beyond:
            parts.append(f"of {listed(beyond)}, which its selection does not find")
        lacking = selected - used
        if lacking:
            parts.append(f"not of {listed(lacking)}, which it finds")
        sentence = ", and ".join(parts)
        yield Diagnostic(
            "Made of other exposures",
            f"{run} is made {sentence}.",
            hint="Give the selection as it was, or make the product again with a `rerun` of its own.",
            severity=Severity.WARNING,
        )


def listed(exposures: Collection[int]) -> str:
    """Return exposures in words; of many the first, and how many more.

    Parameters
    ----------
    exposures
        Their numbers, in any order.
    """
    words = []
    for exposure in sorted(exposures)[:_MOST]:
        words.append(str(exposure))
    shown = ", ".join(words)
    more = len(exposures) - _MOST
    if more > 0:
        return f"{shown} and {more} more"
    return shown
