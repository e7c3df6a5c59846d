"""The schemas of registries that are read here.

The tables are no promise of the butler's, so each part of a schema has to have
the version with which reading it was tried.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DATASTORE", "TRIED", "NotTriedError"]

TRIED: Mapping[str, tuple[str, str]] = {
    "attributes": ("lsst.daf.butler.registry.attributes.DefaultButlerAttributeManager", "1.0.1"),
    "collections": (
        "lsst.daf.butler.registry.collections.synthIntKey.SynthIntKeyCollectionManager",
        "2.0.0",
    ),
    "datasets": (
        "lsst.daf.butler.registry.datasets.byDimensions._manager.ByDimensionsDatasetRecordStorageManagerUUID",
        "2.0.0",
    ),
    "dimensions": (
        "lsst.daf.butler.registry.dimensions.static.StaticDimensionRecordStorageManager",
        "6.0.2",
    ),
    "opaque": ("lsst.daf.butler.registry.opaque.ByNameOpaqueTableStorageManager", "0.2.0"),
}
"""Class and version of each part of the schema that is read here."""

DATASTORE = "lsst.daf.butler.datastores.fileDatastore.FileDatastore"
"""The one class of datastores whose records are known."""


class NotTriedError(Exception):
    """A repository is not as those that were tried; its text says in what."""
