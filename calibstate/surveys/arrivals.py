"""How far the files that Rucio carries have come, RSE by RSE."""

from __future__ import annotations

from collections.abc import Iterator

from ..engine.observe import View
from ..kinds.rucio_rule import RucioRule
from ..model.arrivals import Arrival

__all__ = ["arrivals"]


def arrivals(view: View) -> Iterator[Arrival]:
    """Yield how far the files of datasets with rules have come, by RSE."""
    by_rse: dict[str, list[RucioRule]] = {}
    for rule in RucioRule.among(observed.resource for observed in view.observed.values()):
        if rule.lasting:
            by_rse.setdefault(rule.rse, []).append(rule)
    for rse, rules in sorted(by_rse.items()):
        there = sum(rule.available for rule in rules)
        lacking = sum(max(rule.held - rule.available, 0) for rule in rules)
        stuck = sum(_stuck(rule) for rule in rules)
        yield Arrival(rse, there, lacking - stuck, stuck)


def _stuck(rule: RucioRule) -> int:
    """Return how many files are stuck, of those that are not there."""
    stuck = rule.lasting.stuck if rule.lasting else 0
    return min(stuck, max(rule.held - rule.available, 0))
