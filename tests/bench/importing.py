"""Bringing a ticket to a repository, beside the stock commands and `cp`.

A shell that checks the files as calibstate does copies them, digests the
copies, and has them on the disk.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lsst.resources import ResourcePath

from calibstate.adapters.archive import Archive
from calibstate.adapters.butler.placing import Placement, place
from calibstate.model.names import TicketKey
from calibstate.ports.progress import Tally, unwatched
from tests import world
from tests.tree import Tree

from .measure import Measured, command, measure
from .worlds import CALIB, DATASETS, DETECTORS, INSTRUMENT, LEAVES, declare, make_origin, ticket_names

__all__ = ["import_large_question", "import_question", "place_question"]

FILES = 300
SIZE = 8_000_000
"""Bytes of each of the large files, besides a header."""

(TICKET,) = ticket_names(1)

LARGE = {"on/bias.20250101a": "bias", "on/dark.20250101a": "dark"}
"""Dataset type of each collection of the ticket of large files."""

COPY = """
set -eu
cp -r "$1" "$2"
find "$2" -type f -print0 | xargs -0 sha256sum > "$2.sha256"
sync --file-system "$2"
"""


@dataclass(frozen=True)
class _World:
    """A ticket in its origin and in the archive, and a repository for it."""

    tree: Tree
    bundle: Path
    """Folder of the bundle."""
    empty: Path
    """A repository with nothing in it but the instrument."""
    stock: Path
    """Where the stock commands bring it."""
    copied: Path
    """Where `cp` does."""

    @property
    def target(self) -> Path:
        """Where calibstate brings it."""
        return self.tree.repository("summit/LSSTCam")

    def clear(self) -> None:
        """Bring all back to where nothing was imported."""
        for folder in (self.target, self.stock, self.copied):
            shutil.rmtree(folder, ignore_errors=True)
        for repository in (self.target, self.stock):
            shutil.copytree(self.empty, repository)

    def ours(self, turn: int) -> None:
        """Import it by calibstate."""
        command("calibstate", "-C", self.tree.state, "apply", "--yes", "--site", "summit")

    def by_stock(self, turn: int) -> None:
        """Import it by the stock commands."""
        export = self.bundle / "export.yaml"
        command("butler", "import", self.stock, self.bundle, "--transfer", "copy", "--export-file", export)
        command("butler", "collection-chain", self.stock, CALIB, f"{CALIB}/{TICKET}")

    def by_copy(self, turn: int) -> None:
        """Copy its files, digest them, and have them on the disk."""
        command("bash", "-c", COPY, "copy", self.bundle, self.copied)


def import_question(folder: Path, turns: int) -> Measured:
    """Measure bringing one ticket to an empty repository."""
    made = _make(folder, LEAVES, lambda path: make_origin(path, [TICKET]))
    return measure(
        f"Import {DATASETS:,} files",
        {
            "calibstate apply: import, check each file, chain, look again": made.ours,
            "butler import and butler collection-chain": made.by_stock,
            "cp -r, sha256sum, sync": made.by_copy,
        },
        turns,
        before=made.clear,
    )


def import_large_question(folder: Path, turns: int) -> Measured:
    """Measure the same of files that are as large as an image."""
    made = _make(folder, LARGE, _make_large_origin)
    return measure(
        f"Import {FILES} files of {SIZE // 10**6} MB",
        {
            "calibstate apply: import, check each file, chain, look again": made.ours,
            "butler import and butler collection-chain": made.by_stock,
            "cp -r, sha256sum, sync": made.by_copy,
        },
        turns,
        before=made.clear,
    )


def place_question(folder: Path, turns: int) -> Measured:
    """Measure what of that is files alone."""
    made = _make(folder, LARGE, _make_large_origin)
    archive = Archive(str(made.tree.folder / "archive"))
    ((manifest,),) = archive.bundles([TicketKey(INSTRUMENT, TICKET)]).values()
    source = ResourcePath(archive.source(manifest), forceDirectory=True)
    root = ResourcePath(str(made.target), forceDirectory=True)
    placements = []
    for file in manifest.files:
        home, target = (folder.join(file.path, forceDirectory=False) for folder in (source, root))
        placements.append(Placement(file, home, target))
    return measure(
        f"Place {FILES} files of {SIZE // 10**6} MB",
        {
            "calibstate, without the start of Python: copy, SHA-256, on the disk": lambda turn: place(
                root, placements, Tally(unwatched, [file.size for file in manifest.files])
            ),
            "cp -r, sha256sum, sync": made.by_copy,
        },
        turns,
        before=made.clear,
    )


def _make(folder: Path, leaves: dict[str, str], make: Callable[[Path], None]) -> _World:
    tree = Tree(folder / "import", INSTRUMENT)
    routes = {"usdf/main": "origin", "summit/LSSTCam": "copy"}
    declare(tree, [TICKET], routes, leaves)
    make(tree.repository("usdf/main"))
    empty = folder / "empty"
    world.make_repo(empty, INSTRUMENT, detectors=DETECTORS).close()
    shutil.copytree(empty, tree.repository("summit/LSSTCam"))
    command("calibstate", "-C", tree.state, "apply", "--yes", "--site", "usdf")
    bundle = next((folder / "import" / "archive").rglob("manifest.json")).parent
    return _World(tree, bundle, empty, folder / "stock", folder / "copied")


def _make_large_origin(path: Path) -> None:
    padding = random.Random(0).randbytes(SIZE)
    base = f"{CALIB}/{TICKET}"
    with closing(world.make_repo(path, INSTRUMENT, detectors=DETECTORS)) as butler:
        for leaf, name in LARGE.items():
            detectors = range(DETECTORS if name == "bias" else FILES - DETECTORS)
            world.add_calibration(
                butler,
                f"{base}/{leaf}",
                name,
                world.SINCE_2024,
                instrument=INSTRUMENT,
                detectors=detectors,
                formatter=world.STAND_IN,
                padding=padding,
            )
        world.add_chain(butler, base, [f"{base}/{leaf}" for leaf in LARGE])
        world.add_chain(butler, CALIB, [base])
