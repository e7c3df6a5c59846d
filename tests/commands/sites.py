"""Sites with real repositories: a tree, what it speaks of, and what is there.

What is seen here is asked of the stock butler and of the file system, never
of calibstate.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.services.postgres import Postgres
from tests.tree import Ran, Tree

INSTRUMENT = "LSSTComCam"
TOP = "LSSTComCam/calib"

ORIGIN = "usdf/main"
EMBARGO = "usdf/embargo"
SUMMIT = "summit/LSSTComCam"

LEAVES: Mapping[str, Sequence[Any]] = {
    "bias.20240101a": ("bias", world.SINCE_2024),
    "flat.20240101a": ("flat",),
}
"""What a ticket of these tests is made of."""


@dataclass(frozen=True)
class Sites:
    """A state tree and the real repositories that it speaks of."""

    tree: Tree
    capsys: Any = None
    _open: dict[tuple[str, int], Butler] = field(default_factory=dict)
    """Repositories that are looked at; opening one takes its time."""

    def run(self, *arguments: str) -> Ran:
        """Run a command on the tree in this process."""
        return self.tree.run(self.capsys, *arguments)

    def run_with_limit(self, *arguments: str, until: Callable[[Ran], bool]) -> tuple[Ran, int]:
        """Run a command with a limit that is enough for whoever answers.

        On a slow machine a place that is not silent may not answer within a
        second either, so longer limits are tried.

        Parameters
        ----------
        arguments
            Of the command, without a limit.
        until
            Says whether all that are not silent had answered.

        Returns
        -------
        tuple [Ran, int]
            What the last one did, and its limit in seconds.
        """
        for limit in (1, 4, 16, 64):
            ran = self.run(*arguments, "--timeout", f"{limit}s")
            if until(ran):
                break
        return ran, limit

    def apply(self, *arguments: str) -> Ran:
        """Apply without being asked."""
        return self.run("apply", "--yes", *arguments)

    def copied_to(self, folder: Path, capsys: Any = None) -> Sites:
        """Return a copy of everything, in a folder that is made by this."""
        shutil.copytree(self.tree.folder, folder)
        return Sites(replace(self.tree, folder=folder), capsys)

    def path(self, address: str) -> Path:
        return self.tree.repository(address)

    @contextmanager
    def butler(self, address: str) -> Iterator[Butler]:
        """Open a repository to change it."""
        with Butler.from_config(str(self.path(address)), writeable=True) as butler:
            yield butler

    def seen(self, address: str) -> Butler:
        """Return a repository to look at, as it is now."""
        database = self.path(address) / "gen3.sqlite3"
        key = (address, database.stat().st_ino if database.exists() else 0)
        if key not in self._open:
            self._open[key] = Butler.from_config(str(self.path(address)), writeable=False)
        self._open[key].registry.refresh()
        return self._open[key]

    def commit(self) -> None:
        """Commit the state tree as it is."""
        git = ["git", "-C", str(self.tree.folder), "-c", "user.name=N", "-c", "user.email=n@example.org"]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "add", "state"], check=True)
        subprocess.run([*git, "commit", "-qm", "As it is"], check=True)

    def close(self) -> None:
        """Close the repositories that were looked at."""
        while self._open:
            self._open.popitem()[1].close()

    def make_ticket(
        self,
        ticket: str,
        leaves: Mapping[str, Sequence[Any]] = LEAVES,
        *,
        declared: bool = True,
        **more: Any,
    ) -> None:
        """Make a ticket at the origin, and declare it."""
        with self.butler(ORIGIN) as butler:
            add_ticket(butler, ticket, leaves)
        if declared:
            self.tree.ticket(ticket, *leaves, **more)

    def add_own(self, address: str, name: str = "u/somebody/bias") -> str:
        """Make a collection that no file names."""
        with self.butler(address) as butler:
            world.add_calibration(butler, name, "bias")
        return name

    def chain(self, address: str, name: str = TOP) -> tuple[str, ...]:
        return tuple(self.seen(address).collections.get_info(name).children)

    def has(self, address: str, name: str) -> bool:
        return name in self.seen(address).collections.query("*")

    def change_chain(self, address: str, change: Callable[[list[str]], list[str]], name: str = TOP) -> None:
        """Change a chain by hand."""
        children = change(list(self.chain(address, name)))
        with self.butler(address) as butler:
            butler.collections.redefine_chain(name, children)

    def certifications(self, address: str) -> list[tuple[str, ...]]:
        """Return every certification; one that stands twice twice."""
        butler = self.seen(address)
        types = list(butler.registry.queryDatasetTypes(...))
        names = butler.collections.query("*", collection_types=CollectionType.CALIBRATION)
        return sorted(
            _row(association)
            for dataset_type in types
            for association in butler.registry.queryDatasetAssociations(
                dataset_type, collections=names, collectionTypes={CollectionType.CALIBRATION}
            )
        )

    def of_ticket(self, address: str, ticket: str) -> list[tuple[str, ...]]:
        """Return the certifications in a ticket's collections."""
        return [row for row in self.certifications(address) if row[0].startswith(f"{TOP}/{ticket}/")]

    def files(self, address: str) -> dict[str, str]:
        """Return the SHA-256 of every file of the datastore, by its path."""
        root = self.path(address)
        return {str(path.relative_to(root)): _sha256(path) for path in sorted(root.rglob("*.fits"))}

    def without_file(self, address: str) -> list[str]:
        """Return the datasets that are recorded and have no file."""
        butler = self.seen(address)
        lost = []
        for dataset_type in butler.registry.queryDatasetTypes(...):
            for ref in set(butler.registry.queryDatasets(dataset_type, collections=...)):
                if not butler.getURI(ref).exists():
                    lost.append(str(ref.id))
        return sorted(lost)

    def found(self, address: str, dataset_type: str, chain: str = TOP, **data_id: Any) -> str | None:
        """Return the UUID that a lookup in 2024 gives."""
        ref = self.seen(address).find_dataset(
            dataset_type,
            instrument=INSTRUMENT,
            collections=chain,
            timespan=world.timespan(world.IN_2024),
            **data_id,
        )
        return str(ref.id) if ref else None

    def snapshot(self, *parts: str) -> dict[str, tuple[str, int, int]]:
        """Return what tells whether any file was written.

        Parameters
        ----------
        *parts
            Folders beside the state tree; all without any.
        """
        folder = self.tree.folder
        roots = [folder / part for part in parts] or [folder]
        files = (path for root in roots for path in sorted(root.rglob("*")) if path.is_file())
        return {
            str(path.relative_to(folder)): (_sha256(path), path.stat().st_mtime_ns, path.stat().st_ino)
            for path in files
        }

    def leftovers(self) -> list[str]:
        """Return our temporary files that are still there."""
        return sorted(str(p.relative_to(self.tree.folder)) for p in self.tree.folder.rglob(".calibstate-*"))

    def locks(self) -> list[str]:
        return sorted(path.name for path in (self.tree.folder / "records" / "locks").glob("*.json"))

    def bundle(self, ticket: str) -> Path:
        """Return the folder of a ticket's only bundle."""
        (manifest,) = (self.tree.folder / "archive" / INSTRUMENT / ticket).glob("*/manifest.json")
        return manifest.parent

    def bundled_files(self, ticket: str) -> list[Path]:
        return sorted(self.bundle(ticket).rglob("*.fits"))


def make_sites(
    folder: Path,
    *,
    tickets: Sequence[str] = ("DM-1", "DM-2"),
    copies: Sequence[str] = (EMBARGO, SUMMIT),
    detectors: int = world.DETECTORS,
    postgres: Postgres | None = None,
) -> Sites:
    """Make an origin with tickets, and copies that have none of them yet.

    Parameters
    ----------
    folder
        Where the state tree and all else is made.
    tickets
        Tickets, the oldest first; the newest is in front of the chain.
    copies
        Repositories of the route ``copy``.
    detectors
        Number of detectors of the instrument.
    postgres
        Where the registries are; SQLite in each repository without it.
    """
    tree = Tree(folder)
    tree.settings()
    for site in dict.fromkeys(address.partition("/")[0] for address in (ORIGIN, *copies)):
        here = {a.partition("/")[2]: "copy" for a in copies if a.startswith(f"{site}/")}
        tree.site(site, {**({"main": "origin"} if site == "usdf" else {}), **here})
    for ticket in tickets:
        tree.ticket(ticket, *LEAVES)
    tree.chain(list(reversed(tickets)))
    if postgres:
        for address in (ORIGIN, *copies):
            path, schema = tree.repository(address), postgres.namespace()
            world.make_repo(path, db=postgres.url, namespace=schema, detectors=detectors).close()
    else:
        world.make_repo(tree.repository(ORIGIN), detectors=detectors).close()
        for address in copies:
            world.clone(tree.repository(ORIGIN), tree.repository(address))
    sites = Sites(tree)
    with sites.butler(ORIGIN) as butler:
        for ticket in tickets:
            add_ticket(butler, ticket, LEAVES)
            butler.collections.register(TOP, CollectionType.CHAINED)
            butler.collections.prepend_chain(TOP, f"{TOP}/{ticket}")
    return sites


def add_ticket(butler: Butler, ticket: str, leaves: Mapping[str, Sequence[Any]]) -> None:
    """Make a ticket of files that the stock import reads too."""
    names = [f"{TOP}/{ticket}/{leaf}" for leaf in leaves]
    for name, (dataset_type, *ranges) in zip(names, leaves.values(), strict=True):
        world.add_calibration(butler, name, dataset_type, *ranges, formatter=world.STAND_IN)
    world.add_chain(butler, f"{TOP}/{ticket}", names)


def _row(association: Any) -> tuple[str, ...]:
    ref = association.ref
    data_id = ",".join(f"{k}={v}" for k, v in sorted(ref.dataId.required.items()))
    return (association.collection, ref.datasetType.name, data_id, str(ref.id), str(association.timespan))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
