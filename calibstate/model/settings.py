"""The settings of a state tree: ``calibstate.yaml``."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from pydantic import Field

from .names import Noun

__all__ = ["Bundles", "RucioSettings", "Settings"]


class Bundles(Enum):
    """Whether bundles carry their files."""

    FULL = "full"
    BY_REFERENCE = "by_reference"


class RucioSettings(Noun):
    """How the datasets and files of Rucio are called."""

    scope: str
    """Scope of the datasets and files."""

    dataset: str = "Dataset/{instrument}/{label}/{ticket}"
    """Name of a ticket's Rucio dataset."""

    origin_rse: str
    """RSE that the origin's datastore is."""

    rse_root: str | None = None
    """Root of the origin's files, as rucio-register wants it."""

    dtn_url: str | None = None
    """URL of the origin's data transfer node, as rucio-register wants it."""


class Settings(Noun):
    """``calibstate.yaml``."""

    version: Literal[1]
    """Version of the form of the state tree."""

    requires: str | None = None
    """Versions of calibstate that may use this tree, such as ``>=0.1``."""

    archive: Annotated[str, Field(min_length=1)]
    """URI or path of the archive; a relative path starts at this file."""

    records: Annotated[str, Field(min_length=1)]
    """URI or path of journals, locks and observations."""

    bundles: Bundles = Bundles.FULL
    """Whether bundles carry their files."""

    rucio: RucioSettings | None = None
    """Needed where a route is by Rucio."""
