"""How far the files that Rucio carries have come, RSE by RSE."""

from __future__ import annotations

from collections.abc import Iterator

from ..engine.observe import View
from ..kinds.rucio_rule import RucioRule
from ..model.arrivals import Arrival

__all__ = ["arrivals"]


def arrivals(view: View) -> Iterator[Arrival]:
    """Yield how far the files of datasets with rules have come, by RSE."""
    resources = [observed.resource for observed in view.observed.values()]
    by_rse: dict[str, list[RucioRule]] = {}
    for rule in RucioRule.among(resources):
        if rule.lasting:
            rules = by_rse.setdefault(rule.rse, [])
            rules.append(rule)
    for rse, rules in sorted(by_rse.items()):
        there = 0
        lacking = 0
        stuck = 0
        for rule in rules:
            missing = max(rule.held - rule.available, 0)
            there += rule.available
            lacking += missing
            # Rucio counts a file as stuck that has come another way since.
            if rule.lasting:
                stuck += min(rule.lasting.stuck, missing)
        yield Arrival(rse, there, lacking - stuck, stuck)
