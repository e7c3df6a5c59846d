"""Origins at which calibrations are made, with the tree that says how.

What is seen here is asked of the stock butler, never of calibstate.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from lsst.daf.butler import Butler

from calibstate.demo.construction.world import SMALL, ConstructionWorld, make_world
from calibstate.demo.world import make_butler
from tests.tree import Ran, Tree

__all__ = ["BPS", "CHAIN", "INSTRUMENT", "TICKET", "Construction", "make_construction"]

INSTRUMENT = "LSSTComCam"
TICKET = "DM-48520"
BPS = {
    "wmsServiceClass": "lsst.ctrl.bps.parsl.ParslService",
    "computeSite": "local",
    "site": {"local": {"class": "calibstate.demo.construction.onemachine.Threads", "cores": 1}},
}
"""What a site says of BPS where all jobs run on this machine."""

CHAIN = f"{INSTRUMENT}/calib/{TICKET}"


@dataclass(frozen=True)
class Construction:
    """A state tree, and the origin at which its ticket is made."""

    tree: Tree
    world: ConstructionWorld
    capsys: Any = None

    def run(self, *arguments: str) -> Ran:
        """Run a command on the tree in this process."""
        return self.tree.run(self.capsys, *arguments)

    def construct(self, *arguments: str) -> Ran:
        """Construct the ticket."""
        return self.run("construct", TICKET, *arguments)

    @property
    def file(self) -> Path:
        """The ticket's file."""
        return self.tree.state / f"tickets/{INSTRUMENT}/{TICKET}.yaml"

    def change(self, old: str, new: str) -> None:
        """Change a word of the ticket's file."""
        text = self.file.read_text()
        assert old in text, f"{old!r} is not in the ticket"
        self.file.write_text(text.replace(old, new))

    @contextmanager
    def butler(self, *, writeable: bool = False) -> Iterator[Butler]:
        """Open the origin."""
        with Butler.from_config(str(self.world.repository), writeable=writeable) as butler:
            yield butler

    def made(self) -> dict[str, list[str]]:
        """Return the data IDs of what was made, by RUN without its time."""
        made: dict[str, list[str]] = {}
        with self.butler() as butler:
            for run in sorted(butler.collections.query(f"{CHAIN}/*")):
                if butler.collections.get_info(run).type.name != "RUN":
                    continue
                parent = run.rpartition("/")[0]
                for dataset_type in _types(butler):
                    refs = butler.query_datasets(dataset_type, run, explain=False, find_first=False)
                    made.setdefault(parent, []).extend(_data_ids(refs))
        return {name: sorted(ids) for name, ids in made.items()}

    def certified(self) -> dict[str, list[str]]:
        """Return what is certified, by collection: type, data ID and range."""
        certified: dict[str, list[str]] = {}
        with self.butler() as butler:
            for dataset_type in _types(butler):
                for row in butler.registry.queryDatasetAssociations(dataset_type, f"{CHAIN}/*"):
                    if row.timespan is None:
                        continue
                    words = f"{dataset_type} {_data_id(row.ref)} {row.timespan}"
                    certified.setdefault(row.collection, []).append(words)
        return {name: sorted(rows) for name, rows in sorted(certified.items())}

    def chain(self) -> tuple[str, ...]:
        """Return the children of the ticket collection."""
        with self.butler() as butler:
            return tuple(butler.collections.get_info(CHAIN).children)

    def copied_to(self, folder: Path, capsys: Any = None) -> Construction:
        """Return a copy of everything, in a folder that is made by this."""
        shutil.copytree(self.tree.folder, folder, symlinks=True)
        moved = Construction(Tree(folder), _moved(self.world, self.tree.folder, folder), capsys)
        moved.declare_sites()
        return moved

    def declare_sites(self, submit: str = "here", bps: Mapping[str, Any] | None = None) -> None:
        """Say who makes calibrations, and where."""
        usdf = {
            "site": "usdf",
            "repositories": {
                "main": {
                    "butler": str(self.world.repository),
                    "instruments": [INSTRUMENT],
                    "route": "origin",
                }
            },
            "construction": {
                "submit": submit,
                "bps": dict(bps or {}),
                "scratch": str(self.tree.folder / "scratch"),
                "templates": {
                    "cp_pipe": str(self.world.cp_pipe / "bps/templates"),
                    "cp_verify": str(self.world.cp_verify / "bps/templates"),
                },
            },
        }
        summit = {
            "site": "summit",
            "route": "copy",
            "repositories": {
                "LSSTComCam": {"butler": str(self.tree.folder / "summit"), "instruments": [INSTRUMENT]}
            },
        }
        for site in (usdf, summit):
            file = self.tree.state / f"sites/{site['site']}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(yaml.safe_dump(site, sort_keys=False))


CALIBRATIONS = (
    "biasBootstrap",
    "darkBootstrap",
    "flatBootstrap",
    "defects",
    "cti",
    "bias",
    "dark",
    "flat",
    "verifyBiasStats",
    "verifyDarkStats",
    "verifyFlatStats",
)
"""Types of what a construction of these tests makes."""


def make_construction(
    folder: Path,
    capsys: Any = None,
    *,
    products: Sequence[str] = SMALL,
    look_at: bool = False,
    templates: Path | None = None,
    database: str | None = None,
) -> Construction:
    """Build an origin and a second site, and the tree that declares them.

    Parameters
    ----------
    folder
        Made by this.
    capsys
        What captures the output of commands.
    products, look_at, templates, database
        As for `make_world`.
    """
    world = make_world(
        folder / "world", products=products, look_at=look_at, templates=templates, database=database
    )
    make_butler(folder / "summit", folder / "summit").close()
    tree = Tree(folder)
    state = tree.state
    state.mkdir(exist_ok=True)
    (state / "calibstate.yaml").write_text("version: 1\narchive: ../archive\nrecords: ../records\n")
    construction = Construction(tree, world, capsys)
    construction.file.parent.mkdir(parents=True)
    construction.file.write_text(world.document)
    (state / "chains").mkdir()
    construction.declare_sites()
    return construction


def middleware(construction: Construction) -> dict[str, str]:
    """Return the environment in which the middleware finds the pipelines."""
    return {
        **os.environ,
        "CP_PIPE_DIR": str(construction.world.cp_pipe),
        "CP_VERIFY_DIR": str(construction.world.cp_verify),
    }


def _moved(world: ConstructionWorld, before: Path, after: Path) -> ConstructionWorld:
    """Return a world whose files were copied to another folder."""
    from dataclasses import replace

    return replace(
        world,
        repository=after / world.repository.relative_to(before),
        cp_pipe=after / world.cp_pipe.relative_to(before),
        cp_verify=after / world.cp_verify.relative_to(before),
    )


def _types(butler: Butler) -> list[str]:
    """Return those of our types that a repository knows by now."""
    known = {dataset_type.name for dataset_type in butler.registry.queryDatasetTypes(...)}
    return [name for name in CALIBRATIONS if name in known]


def _data_ids(refs: Sequence[Any]) -> list[str]:
    return [f"{ref.datasetType.name} {_data_id(ref)}" for ref in refs]


def _data_id(ref: Any) -> str:
    required = ref.dataId.required
    return ",".join(f"{key}={required[key]}" for key in sorted(required))
