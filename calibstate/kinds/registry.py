"""The kinds and their actions, by name."""

from __future__ import annotations

from typing import Any

from ..model.actions import Action
from ..model.drift import Drift
from .base import Kind
from .table import TABLE

__all__ = ["ACTIONS", "KINDS", "within"]

KINDS: dict[str, Kind[Any]] = {}
"""Kinds by name, in the order in which a ticket travels."""

ACTIONS: dict[str, type[Action]] = {}
"""Actions by their names in a plan."""

for _line in TABLE:
    _kind: Kind[Any] = _line.load()()
    KINDS[_kind.name] = _kind
    for _action in _kind.actions:
        ACTIONS[_action.do] = _action


def within(drift: Drift) -> str:
    """Return what drift is within, where its subject does not say so."""
    kind = KINDS.get(drift.target.kind)
    if kind is None:
        # A plan may be from a calibstate with more kinds.
        return ""
    return kind.within(drift)
