"""What calibstate asks of a data butler repository.

A reader cannot write.  Whatever goes wrong in the repository comes back as
an error of `calibstate.errors`; a place that did not answer raises
`~calibstate.errors.UnreachableError`, which is never the same as an absent
collection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ..errors import Diagnostic
from ..model.bundles import Contents, Manifest
from ..model.contents import CollectionType, Holding, Row
from ..model.exposures import NightOfExposures
from ..model.readings import Reading
from ..model.sights import Ingested
from ..model.timespans import Range
from .progress import Watch, unwatched
from .records import Fence, unfenced

__all__ = [
    "ButlerReader",
    "ButlerWriter",
    "DayOfExposures",
    "Export",
    "ExportedFile",
    "ImportCount",
    "SeenCollection",
    "SeenExposure",
    "StoredFile",
    "TakenExposure",
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

    size: int | None = None
    """Its size in bytes as the datastore recorded it; `None`: not recorded."""

    checksum: str | None = None
    """BLAKE2b of its bytes in hex as the datastore recorded it; `None`: not
    recorded."""


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


@dataclass(frozen=True)
class SeenExposure:
    """An exposure, as the repository's dimension records tell of it."""

    exposure: int
    """Its number."""

    day_obs: int
    """Its observing day, ``YYYYMMDD``."""

    data_id: Mapping[str, str]
    """What a lookup for it is told, as text: instrument, exposure,
    physical_filter and band."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI."""


@dataclass(frozen=True)
class DayOfExposures:
    """What a RUN holds for the exposures of one observing day."""

    datasets: int
    """Datasets of one type."""

    flats_without: int
    """Flats that have no such dataset."""


@dataclass(frozen=True)
class TakenExposure:
    """An exposure, by all that readings of instruments call it."""

    exposure: int
    """Its number."""

    day_obs: int
    """Its observing day, ``YYYYMMDD``."""

    obs_id: str
    group: str
    is_flat: bool
    """Whether its type of observation is ``flat``."""


class ButlerReader(Protocol):
    """A repository to look at."""

    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that exist, looked at anew."""
        ...

    def names_below(self, folder: str) -> Sequence[str]:
        """Return the names of collections below another name, in their order.

        Parameters
        ----------
        folder
            What they begin with, without the ``/`` behind it.
        """
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

    def digests(self, names: Iterable[str], *, calibrations_only: bool = False) -> Mapping[str, Holding]:
        """Return what collections hold, for who will hardly look at a row.

        The same as `holdings` without files; but where something tells their
        fingerprints and numbers more quickly, rows are fetched once somebody
        looks at one, as `~calibstate.model.contents.RowsOnDemand`.

        Parameters
        ----------
        names, calibrations_only
            As for `holdings`.
        """
        return self.holdings(names, calibrations_only=calibrations_only)

    def ingested(self, names: Iterable[str]) -> Mapping[str, Ingested]:
        """Return when the datasets of collections arrived, as recorded.

        Parameters
        ----------
        names
            RUN, TAGGED and CALIBRATION collections.

        Returns
        -------
        mapping
            By name.  One that does not exist, or holds nothing, is left out;
            so are all where that is not told.
        """
        return {}

    def export(
        self, collections: Sequence[str], *, chain: str | None = None, to_read: bool = False
    ) -> Export:
        """Return the description of collections, and where their files are.

        Parameters
        ----------
        collections
            CALIBRATION and RUN collections.  Of a RUN all datasets are
            exported, of a CALIBRATION collection all that are certified.
        chain
            A ticket chain over them, in this order, to be described too.
        to_read
            Whether it is for somebody who only reads the files, wherever they
            are; no bundle can be made of files within zip files.

        Raises
        ------
        RefusedError
            A collection does not exist, or the datastore has no record of a
            dataset.
        """
        ...

    def check_change(self) -> None:
        """Look whether anything can be changed here, from wherever.

        Raises
        ------
        RefusedError
            It can be read only: it is behind a butler server.
        """
        ...

    def check_export(self, collections: Sequence[str]) -> None:
        """Look whether collections could be exported; no file is read.

        Raises
        ------
        RefusedError
            As of `export`; or files are read by a class that is not allowed.
        """
        ...

    def objections(self, contents: Contents) -> Sequence[Diagnostic]:
        """Return why a bundle could not be imported, as far as it is told.

        Dimensions, dataset types, dimension records, formatters and
        datastores are looked at; datasets, ranges and files are not.

        Parameters
        ----------
        contents
            What the bundle says, or will say.

        Returns
        -------
        sequence of Diagnostic
            Notes among them tell of what differs and does not matter.
        """
        ...

    def described(self, collections: Sequence[str]) -> Contents | None:
        """Return what an export of collections would say of its datasets.

        Certifications are left out.

        Parameters
        ----------
        collections
            CALIBRATION and RUN collections.

        Returns
        -------
        Contents or None
            `None` where not every dataset is recorded in one file, or in one
            member of a zip file.

        Raises
        ------
        RefusedError
            A collection does not exist.
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

    def lookup(self, chain: str, dataset_type: str, data_id: str, span: Range) -> str | None:
        """Return the UUID that the butler's own lookup finds.

        Parameters
        ----------
        chain
            Where it searches; any collection.
        dataset_type, data_id
            What is looked up; the data ID as ``key=value`` joined with ``,``.
        span
            What the validity range must overlap.  The butler takes an
            unbounded one for no condition at all, which an EMPTY range meets
            too.

        Returns
        -------
        str or None
            `None` where nothing is found, or the butler does not know the
            chain, the dataset type or a value of the data ID.

        Raises
        ------
        RefusedError
            It finds several in one collection and refuses to choose.
        UsageError
            The data ID lacks what the dataset type asks for.
        """
        ...

    def looking_up(self) -> AbstractContextManager[None]:
        """Return a span in which many lookups are quicker.

        What a chain searches is read once in it, so that what others change
        meanwhile may not be seen.
        """
        ...

    def runs(self, uuids: Iterable[str]) -> Mapping[str, str]:
        """Return the RUN of each dataset; unknown ones are left out."""
        ...

    def detectors(self, instrument: str) -> Mapping[int, str]:
        """Return the full name of each detector, such as ``R22_S11``.

        Empty where the instrument is not known.
        """
        ...

    def filters(self, instrument: str) -> Mapping[str, str]:
        """Return the band of each physical filter.

        Without those that have none; empty where the instrument is not known.
        """
        ...

    def instruments(self) -> Sequence[str]:
        """Return the names of all instruments that are registered, sorted."""
        ...

    def skymaps(self) -> Mapping[str, str]:
        """Return the hash of each registered skymap in hex, by name."""
        ...

    def exposures(self, instrument: str, where: str = "") -> Sequence[SeenExposure]:
        """Return exposures, by number.

        Parameters
        ----------
        instrument
            Their instrument.
        where
            An expression of the butler's query language; empty: all.

        Raises
        ------
        UsageError
            The butler does not understand the expression.
        """
        ...

    def nights(self, instrument: str) -> Sequence[NightOfExposures]:
        """Return how many exposures there are, by observing day and filter.

        Those without a timespan are left out: no lookup can be for them.

        Parameters
        ----------
        instrument
            Their instrument.
        """
        ...

    def exposures_by_day(
        self, instrument: str, run: str, dataset_type: str, since: int
    ) -> Mapping[int, DayOfExposures]:
        """Return what a RUN holds for exposures, by their observing days.

        Days without an exposure are left out.

        Parameters
        ----------
        instrument
            Their instrument.
        run
            The RUN; it may not exist.
        dataset_type
            A type with the dimensions instrument and exposure; the
            repository may not know it.
        since
            The first day, ``YYYYMMDD``.
        """
        ...

    def exposures_with(self, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
        """Return the exposures that have a dataset of a type in a RUN.

        Parameters
        ----------
        instrument, run, dataset_type
            As for `exposures_by_day`.
        """
        ...

    def taken_exposures(self, instrument: str, days: Iterable[int]) -> Sequence[TakenExposure]:
        """Return the exposures of some observing days, by number.

        Parameters
        ----------
        instrument
            Their instrument.
        days
            The days, ``YYYYMMDD``.
        """
        ...


class ButlerWriter(ButlerReader, Protocol):
    """A repository to change."""

    def set_chain(
        self,
        name: str,
        children: Sequence[str],
        *,
        expected: Sequence[str] | None,
        fence: Fence = unfenced,
    ) -> None:
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
        fence
            Asked directly before what cannot be taken back.

        Raises
        ------
        PlanIsStaleError
            The chain is no longer as ``expected``; nothing changed.
        RefusedError
            A child does not exist, the chain would hold itself, or the name
            is taken by a collection of another type; nothing changed.
        """
        ...

    def certify(
        self,
        collection: str,
        uuids: Sequence[str],
        span: Range,
        *,
        expected: Collection[Row] = (),
        decertified: Collection[Row] = (),
        fence: Fence = unfenced,
    ) -> int:
        """Certify datasets for a range, in one transaction.

        The collection is made, if need be.  What it holds is read first, under
        a lock: where it holds already what it is to hold nothing is written.

        Parameters
        ----------
        collection
            The CALIBRATION collection.
        uuids
            The datasets.
        span
            Their validity range, never an empty one.
        expected
            All that the collection holds now; nothing where it does not exist.
        decertified
            What of that it is to hold no more: exactly these, and no other
            row is cut.
        fence
            Asked directly before what cannot be taken back.

        Returns
        -------
        int
            How many datasets were certified; 0 where they all were before.

        Raises
        ------
        PlanIsStaleError
            The collection holds neither what is expected nor what it is to
            hold; nothing changed.
        RefusedError
            A dataset is not there or is no calibration, the range is empty,
            two datasets would be valid at once for one data ID, or the name
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
        sealed: Reading | None = None,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
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
        sealed
            How the files are read, as it was sealed; `None` where no seal
            tells.  The bundle is held to it before.  Bookkeeping of new
            dimension records that is not as sealed is refused, and other
            documentation of collections is left out.
        watch
            Told of progress in files that are read: those that nobody
            recorded and those that are placed.
        fence
            Asked directly before what cannot be taken back.

        Raises
        ------
        RefusedError
            Something there contradicts the bundle, a formatter class cannot
            be imported, or a file of the bundle is missing or altered; with
            ``in_place``, a file has not arrived or is damaged.  Nothing was
            written.
        """
        ...
