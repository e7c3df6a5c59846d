"""The kinds, in the order in which a ticket travels."""

from __future__ import annotations

from typing import Any

from ..model.actions import Action
from .base import Kind
from .bundle import BundleKind
from .chain import ChainKind
from .collection import CollectionKind
from .external import ExternalKind

__all__ = ["ACTIONS", "KINDS"]

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind for kind in (BundleKind(), CollectionKind(), ExternalKind(), ChainKind())
}
"""Kinds by name."""

ACTIONS: dict[str, type[Action]] = {a.do: a for kind in KINDS.values() for a in kind.actions}
"""Actions by their names in a plan."""
