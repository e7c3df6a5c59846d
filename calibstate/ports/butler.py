"""What calibstate asks of a data butler repository.

A reader cannot write.  Whatever goes wrong in the repository comes back as
an error of `calibstate.errors`; a place that did not answer raises
`~calibstate.errors.UnreachableError`, which is never the same as an absent
collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..model.bundles import Contents, Manifest
from ..model.contents import CollectionType, Holding
from .progress import Watch, unwatched

__all__ = [
    "ButlerReader",
    "ButlerWriter",
    "Export",
    "ExportedFile",
    "ImportCount",
    "SeenCollection",
    "StoredFile",
]


@dataclass(frozen=True)
class SeenCollection:
    """A collection, as the repository lists it."""

    name: str
    type: CollectionType
    children: tuple[str, ...] = ()
    """In search order; empty unless CHAINED."""


@dataclass(frozen=True)
class ExportedFile:
    """A file that an export refers to."""

    path: str
    """Path that ``export.yaml`` gives."""

    uri: str
    """Where its bytes are now."""


@dataclass(frozen=True)
class Export:
    """Everything about some collections but the bytes of their files."""

    text: str
    """``export.yaml``, with relative paths only."""

    files: tuple[ExportedFile, ...]
    """The files behind those paths, each path once."""


@dataclass(frozen=True)
class StoredFile:
    """A dataset and its file, as others are told of it."""

    uuid: str
    """UUID of the dataset."""

    uri: str
    """Where its file is."""

    sidecar: str
    """The butler's reference to the dataset as JSON, with the records of its
    dimensions."""


@dataclass(frozen=True)
class ImportCount:
    """What an import did."""

    placed: int
    """Files placed."""

    recorded: int
    """Datasets recorded."""

    certified: int
    """Certifications added."""


class ButlerReader(Protocol):
    """A repository to look at."""

    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that exist, looked at anew."""
        ...

    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        """Return what collections hold, all read together.

        Parameters
        ----------
        names
            CALIBRATION, RUN or TAGGED collections.  Those that do not exist,
            and CHAINED ones, are left out of the answer.
        files
            Those of them whose files are looked at too: `Holding.sizes`.
        calibrations_only
            Ask only what is selected: leave out datasets of types that are
            no calibrations, so that a RUN full of raws costs nothing, and do
            not look at the datastore (`Holding.unrecorded` is empty).
        """
        ...

    def export(self, collections: Sequence[str], *, chain: str | None = None) -> Export:
        """Return the description of collections, and where their files are.

        Parameters
        ----------
        collections
            CALIBRATION and RUN collections.  Of a RUN all datasets are
            exported, of a CALIBRATION collection all that are certified.
        chain
            A ticket chain over them, in this order, to be described too.

        Raises
        ------
        RefusedError
            A collection does not exist, or the datastore has no record of a
            dataset.
        """
        ...

    def stored(self, collections: Sequence[str]) -> Sequence[StoredFile]:
        """Return the datasets of collections, each with its file.

        Parameters
        ----------
        collections
            CALIBRATION and RUN collections; all datasets of a RUN, of a
            CALIBRATION collection all that are certified.

        Raises
        ------
        RefusedError
            A collection does not exist, or the datastore has no record of a
            dataset.
        """
        ...


class ButlerWriter(ButlerReader, Protocol):
    """A repository to change."""

    def set_chain(self, name: str, children: Sequence[str], *, expected: Sequence[str] | None) -> None:
        """Give a chain its children, in one transaction.

        Parameters
        ----------
        name
            The CHAINED collection.
        children
            Children in search order.
        expected
            Children that it has now; `None` where it does not exist and is
            made by this.

        Raises
        ------
        PlanIsStaleError
            The chain is no longer as ``expected``; nothing changed.
        RefusedError
            A child does not exist, the chain would hold itself, or the name
            is taken by a collection of another type; nothing changed.
        """
        ...

    def import_bundle(
        self,
        manifest: Manifest,
        contents: Contents,
        source: str,
        *,
        in_place: str | None = None,
        watch: Watch = unwatched,
    ) -> ImportCount:
        """Add what a bundle holds and the repository lacks.

        Dimension records, dataset types, RUNs, CALIBRATION collections,
        files, records and certifications; never a chain.  What is there
        already stays as it is, so a second call changes nothing and a call
        after an interruption completes.

        Parameters
        ----------
        manifest, contents
            The bundle.
        source
            URI of the bundle's folder.
        in_place
            URI or absolute path of a folder in which others have put the
            bundle's files, each at its path.  They are recorded by their
            URIs there, and no file is placed, moved or looked for in
            ``source``: the bundle may be one by reference.  A dataset that
            is recorded already stays recorded where it is.  Without it,
            files are copied into the repository's own datastore.
        watch
            Told of progress in files that are read: those that nobody
            recorded and those that are placed.

        Raises
        ------
        RefusedError
            Something there contradicts the bundle, a formatter class cannot
            be imported, or a file of the bundle is missing or altered; with
            ``in_place``, a file has not arrived or is damaged.  Nothing was
            written.
        """
        ...
