"""Certifying what was made, beside the stock commands."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.tree import Tree

from .measure import Measured, command, measure
from .worlds import CALIB, DATASETS, LEAVES, copy_repository, declare, make_origin, ticket_names

__all__ = ["certify_question"]

(OLD,) = ticket_names(1)
NEW = "DM-60001"
BEGIN = "2024-06-01T00:00:00"


@dataclass(frozen=True)
class _World:
    """An origin with one ticket, whose datasets are certified again."""

    tree: Tree
    before: Path
    """The repository before it."""
    stock: Path
    """Where the stock commands certify."""

    @property
    def origin(self) -> Path:
        """Where calibstate certifies."""
        return self.tree.repository("usdf/main")

    def clear(self) -> None:
        """Bring both repositories back to where nothing was certified."""
        for repository in (self.origin, self.stock):
            shutil.rmtree(repository, ignore_errors=True)
            copy_repository(self.before, repository)

    def ours(self, turn: int) -> None:
        """Certify by calibstate."""
        command("calibstate", "-C", self.tree.state, "certify", NEW, "--yes")

    def by_stock(self, turn: int) -> None:
        """Certify by the stock commands, one collection after the other."""
        new = [f"{CALIB}/{NEW}/{leaf}" for leaf in LEAVES]
        for collection, (leaf, name) in zip(new, LEAVES.items(), strict=True):
            run = f"{CALIB}/{OLD}/{leaf}.run"
            command(
                "butler", "certify-calibrations", "--begin-date", BEGIN, self.stock, run, collection, name
            )
        command("butler", "collection-chain", self.stock, f"{CALIB}/{NEW}", *new)


def certify_question(folder: Path, turns: int) -> Measured:
    """Measure certifying the datasets of one ticket again."""
    tree = Tree(folder / "tree", instrument="LSSTCam")
    declare(tree, [OLD], {"usdf/main": "origin"})
    entries = [{"as": leaf, "datasets_of": f"{CALIB}/{OLD}/{leaf}", "begin": BEGIN} for leaf in LEAVES]
    tree.ticket(NEW, *LEAVES, status="proposed", certify=entries)
    before = folder / "before"
    make_origin(before, [OLD])
    of_one = _World(tree, before, folder / "stock")
    return measure(
        f"Certify {DATASETS:,} datasets in {len(LEAVES)} collections",
        {
            "calibstate certify: compare, certify, chain, look again": of_one.ours,
            "butler certify-calibrations for each, and butler collection-chain": of_one.by_stock,
        },
        turns,
        before=of_one.clear,
    )
