"""The kinds, in the order in which a ticket travels."""

from __future__ import annotations

from typing import Any

from ..model.actions import Action
from .base import Kind
from .bundle import BundleKind
from .chain import ChainKind
from .collection import CollectionKind
from .external import ExternalKind
from .rucio_dataset import RucioDatasetKind
from .rucio_rule import RucioRuleKind

__all__ = ["ACTIONS", "KINDS"]

_TRAVELLING: tuple[Kind[Any], ...] = (
    BundleKind(),
    RucioDatasetKind(),
    RucioRuleKind(),
    CollectionKind(),
    ExternalKind(),
    ChainKind(),
)

KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in _TRAVELLING}
"""Kinds by name."""

ACTIONS: dict[str, type[Action]] = {a.do: a for kind in KINDS.values() for a in kind.actions}
"""Actions by their names in a plan."""
