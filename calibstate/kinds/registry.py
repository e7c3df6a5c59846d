"""The kinds and their actions, by name."""

from __future__ import annotations

from typing import Any

from ..model.actions import Action
from ..model.drift import Drift
from .base import Kind
from .table import TABLE

__all__ = ["ACTIONS", "KINDS", "within"]

_TRAVELLING: tuple[Kind[Any], ...] = tuple(line.load()() for line in TABLE)

KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in _TRAVELLING}
"""Kinds by name, in the order in which a ticket travels."""

ACTIONS: dict[str, type[Action]] = {a.do: a for kind in _TRAVELLING for a in kind.actions}
"""Actions by their names in a plan."""


def within(drift: Drift) -> str:
    """Return what drift is within, where its subject does not say so."""
    kind = KINDS.get(drift.target.kind)
    return kind.within(drift) if kind else ""
