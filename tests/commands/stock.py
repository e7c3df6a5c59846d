"""What people do today: the stock commands, as small functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lsst.daf.butler.script import (  # type: ignore[attr-defined]
    butlerImport,
    certifyCalibrations,
    collectionChain,
    exportCalibs,
    removeRuns,
)

__all__ = [
    "PROGRAM",
    "certify_calibrations",
    "collection_chain",
    "export_calibs",
    "import_",
    "register_skymap",
    "remove_runs",
]

PROGRAM = Path(sys.executable).parent / "butler"
"""The program, for commands that packages add to it."""


def export_calibs(repository: Path, folder: Path, *collections: str) -> None:
    """``butler export-calibs -t copy REPOSITORY FOLDER COLLECTION…``."""
    exportCalibs(str(repository), str(folder), collections, (), "copy")


def import_(repository: Path, folder: Path) -> None:
    """``butler import -t copy REPOSITORY FOLDER``, which asks for the file."""
    butlerImport(str(repository), str(folder), str(folder / "export.yaml"), "copy", ())


def collection_chain(repository: Path, chain: str, *children: str, mode: str = "redefine") -> None:
    """``butler collection-chain --mode MODE REPOSITORY CHAIN CHILD…``."""
    collectionChain(str(repository), mode, chain, children, None, flatten=False)


def remove_runs(repository: Path, run: str) -> None:
    """``butler remove-runs --force --no-confirm REPOSITORY RUN``."""
    found = removeRuns(str(repository), run)
    found.onConfirmation()


def register_skymap(repository: Path, file: Path) -> None:
    """``butler register-skymap REPOSITORY -C FILE``."""
    words = [str(PROGRAM), "register-skymap", str(repository), "-C", str(file)]
    subprocess.run(words, check=True, capture_output=True)


def certify_calibrations(
    repository: Path,
    source: str,
    collection: str,
    dataset_type: str,
    *,
    begin: str | None = None,
    end: str | None = None,
    search_all_inputs: bool = False,
) -> None:
    """``butler certify-calibrations REPOSITORY INPUT OUTPUT TYPE``."""
    certifyCalibrations(str(repository), source, collection, dataset_type, begin, end, search_all_inputs)
