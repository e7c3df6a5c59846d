"""An origin and copies, with a data package and the command that reads it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tests.commands.sites import ORIGIN, TOP, Sites
from tests.commands.stock import PROGRAM
from tests.packages import FILES, commit, write_package
from tests.stand_ins.commands import plugins
from tests.stand_ins.commands.curated import CLASS

TICKET = "DM-48650"
COLLECTION = f"{TOP}/{TICKET}"
UNBOUNDED = f"{COLLECTION}/unbounded"
ROWS = 6
"""How many certifications follow from the package, with the camera."""


def package(sites: Sites) -> Path:
    """Return where the package of a world is."""
    return sites.tree.folder / "obs_lsst_data"


def make_package(sites: Sites, files: Mapping[str, str] = FILES) -> str:
    """Write the package and commit it; return its revision."""
    return commit(write_package(package(sites), files))


def declare(sites: Sites, revision: str | None, ticket: str = TICKET, **more: Any) -> None:
    """Declare a ticket whose calibrations the package holds, behind DM-1."""
    collection = f"{TOP}/{ticket}"
    curated = {"class": CLASS, "label": ticket, "collection": collection, "folder": "comCam"}
    if revision:
        curated["data"] = {"obs_lsst_data": revision}  # type: ignore[assignment]
    curated.update(more.pop("curated", {}))
    bare = more.pop("bare", [curated["collection"], f"{TOP}/{curated['label']}/unbounded"])
    sites.tree.ticket(ticket, bare=bare, curated=curated, **more)


def environment(sites: Sites, pause: Path | None = None) -> dict[str, str]:
    """Return with which variables the command is there."""
    variables = {"DAF_BUTLER_PLUGINS": plugins("curated"), "OBS_LSST_DATA_DIR": str(package(sites))}
    if pause:
        variables["CURATED_PAUSE_DIR"] = str(pause)
    return variables


class Paused:
    """The command, waiting between the camera and all else.

    Parameters
    ----------
    folder
        Where it is waited; made by this.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        for name in ("reached", "go"):
            os.mkfifo(folder / name)
        self._reached: IO[str] | None = None
        self.process = 0
        """The process of the command, once it waits."""

    def wait(self) -> None:
        """Wait until the camera is certified."""
        self._reached = (self.folder / "reached").open()
        self.process = int(self._reached.readline())

    def go_on(self) -> None:
        """Let it go on, and wait for its end."""
        (self.folder / "go").write_text("")
        self._ended()

    def kill(self) -> None:
        """Kill it."""
        os.kill(self.process, signal.SIGKILL)
        self._ended()

    def _ended(self) -> None:
        assert self._reached, "it waits"
        # The other end is closed by the end of the process.
        self._reached.read()
        self._reached.close()


def stock(
    sites: Sites, address: str = ORIGIN, label: str = TICKET, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command itself."""
    collection = more.pop("collection", COLLECTION)
    words = [str(sites.path(address)), CLASS, "--collection", collection, "--label", label]
    return subprocess.run(
        [PROGRAM, "write-curated-calibrations", *words],
        env={**os.environ, **environment(sites), **more},
        capture_output=True,
        text=True,
        check=False,
    )


def written(sites: Sites, address: str = ORIGIN, collection: str = COLLECTION) -> list[tuple[str, ...]]:
    """Return what a repository certifies: type, data ID, UUID and range."""
    return [row[1:] for row in sites.certifications(address) if row[0] == collection]
