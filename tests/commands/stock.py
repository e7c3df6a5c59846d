"""What people do today: the stock commands, as small functions."""

from __future__ import annotations

from pathlib import Path

from lsst.daf.butler.script import (  # type: ignore[attr-defined]
    butlerImport,
    certifyCalibrations,
    collectionChain,
    exportCalibs,
    removeRuns,
)

__all__ = ["certify_calibrations", "collection_chain", "export_calibs", "import_", "remove_runs"]


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
