"""Looking at a source: which files are there, and which are ingested.

What is ingested is known from the repository, and which exposure a file is
about only from inside the file.  So the days are compared first, by number: a
day that has as many datasets as files has them all, and none of its files is
opened (decision 72).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ..errors import UnreachableError
from ..model.names import CollectionName, InstrumentName
from ..ports.butler import ButlerReader, TakenExposure
from ..ports.places import ReadPlaces
from ..ports.sources import LabelledFile, ListedFile
from .source_forms import SourceForm

__all__ = ["MatchedFile", "SourceLook", "UnmatchedFile", "Wanted", "look_at_files"]


@dataclass(frozen=True, order=True)
class MatchedFile:
    """A file, and the exposure that it is about."""

    file: ListedFile
    exposure: int


@dataclass(frozen=True, order=True)
class UnmatchedFile:
    """A file that is about no exposure, as far as is known."""

    file: ListedFile
    why: str


@dataclass(frozen=True)
class Wanted:
    """What is looked for, and where."""

    instrument: InstrumentName
    form: SourceForm
    run: CollectionName

    stores: tuple[str, ...]
    """Folders of days, in order of preference."""

    since: int
    """The first day."""

    waits: timedelta
    """How long after its day a file may wait for its exposure."""

    ignored: frozenset[str]
    """Names of files that are left alone."""


@dataclass(frozen=True)
class SourceLook:
    """What a look at a source showed."""

    files: int = 0
    """Files that are there, without the ignored ones."""

    missing: tuple[MatchedFile, ...] = ()
    """Their exposures have no dataset."""

    waiting: tuple[UnmatchedFile, ...] = ()
    """Their exposures may still come."""

    unmatched: tuple[UnmatchedFile, ...] = ()
    """Nothing is coming for them."""

    second: tuple[MatchedFile, ...] = ()
    """Another file is about the same exposure, and comes first."""

    lacking: Mapping[int, int] = field(default_factory=dict)
    """Flats that no file is about, by day."""

    hidden: str = ""
    """Why nothing is known; empty: all of it is."""


def look_at_files(wanted: Wanted, butler: ButlerReader, places: ReadPlaces) -> SourceLook:
    """Look at the files of a source, and at what is ingested of them.

    Parameters
    ----------
    wanted
        What is looked for.
    butler
        The repository.
    places
        Where the stores are.
    """
    try:
        return _Look(
            wanted,
            butler,
            places,
        ).shown()
    except UnreachableError as error:
        # The rest of the repository can be looked at nevertheless.
        return SourceLook(hidden=error.first.detail.rstrip("."))


class _Look:
    """One look at one source."""

    def __init__(self, wanted: Wanted, butler: ButlerReader, places: ReadPlaces) -> None:
        self._wanted = wanted
        self._butler = butler
        self._stores = [places.source(uri) for uri in wanted.stores]

    def shown(self) -> SourceLook:
        """Compare what is there with what is ingested."""
        wanted = self._wanted
        # Whoever only knows what others observed need not ask the stores.
        ingested = self._butler.exposures_by_day(
            wanted.instrument,
            wanted.run,
            wanted.form.dataset_type,
            wanted.since,
        )
        files: list[list[ListedFile]] = []
        number: dict[int, int] = {}
        for store in self._stores:
            listed = store.listed(wanted.since, [wanted.form.ending])
            of_store = [file for file in listed if file.name not in wanted.ignored]
            files.append(of_store)
            for file in of_store:
                number[file.day] = number.get(file.day, 0) + 1
        # Only days whose numbers differ are looked at more closely.
        uneven: set[int] = set()
        for day, count in number.items():
            if day not in ingested or ingested[day].datasets != count:
                uneven.add(day)
        shown = SourceLook(files=sum(number.values()))
        if uneven:
            shown = self._matched(
                shown,
                files,
                uneven,
            )
        if not wanted.form.expects_flats:
            return shown
        lacking: dict[int, int] = {}
        for day, of_day in ingested.items():
            if of_day.flats_without and not self._may_come(day):
                lacking[day] = of_day.flats_without
        return replace(
            shown,
            lacking=_without_missing(
                lacking,
                shown,
                self._flats(uneven),
            ),
        )

    def _matched(
        self, shown: SourceLook, files: Sequence[Sequence[ListedFile]], days: set[int]
    ) -> SourceLook:
        """Open the files of some days, and find their exposures."""
        wanted = self._wanted
        ingested = self._butler.exposures_with(
            wanted.instrument,
            wanted.run,
            wanted.form.dataset_type,
        )
        by_name: dict[str, list[int]] = {}
        for exposure in self._exposures(days):
            by_name.setdefault(wanted.form.name_of(exposure), []).append(exposure.exposure)
        # Exposures that a file is about already: what comes later is second.
        first: set[int] = set()
        missing: list[MatchedFile] = []
        second: list[MatchedFile] = []
        waiting: list[UnmatchedFile] = []
        unmatched: list[UnmatchedFile] = []
        for file, label in self._labels(files, days):
            # In this order: of what cannot be read nothing else is known.
            name, why = wanted.form.exposure_named(file, label)
            exposures = by_name.get(name, ()) if name else ()
            if why:
                unmatched.append(UnmatchedFile(file, why))
            elif len(exposures) > 1:
                why = f"{len(exposures)} exposures have the {wanted.form.called} `{name}`"
                unmatched.append(UnmatchedFile(file, why))
            elif not exposures:
                why = f"no exposure of that day has the {wanted.form.called} `{name}`"
                to_come = waiting if self._may_come(file.day) else unmatched
                to_come.append(UnmatchedFile(file, why))
            elif exposures[0] in first:
                second.append(MatchedFile(file, exposures[0]))
            else:
                first.add(exposures[0])
                if exposures[0] not in ingested:
                    missing.append(MatchedFile(file, exposures[0]))
        return replace(
            shown,
            missing=tuple(sorted(missing)),
            waiting=tuple(sorted(waiting)),
            unmatched=tuple(sorted(unmatched)),
            second=tuple(sorted(second)),
        )

    def _labels(
        self, files: Sequence[Sequence[ListedFile]], days: set[int]
    ) -> Iterator[tuple[ListedFile, LabelledFile]]:
        """Yield the files of some days, those of the first store first."""
        for store, of_store in zip(
            self._stores,
            files,
            strict=True,
        ):
            some = [file for file in of_store if file.day in days]
            yield from store.labels(some, self._wanted.form.keys).items()

    def _exposures(self, days: set[int]) -> Sequence[TakenExposure]:
        """Return the exposures of some days, and of those around them.

        A file of a minute after noon may be about an exposure of before.
        """
        # Days are of the calendar: the day after 30 June is no 31 June.
        around: set[int] = set()
        for day in days:
            for shift in (-1, 0, 1):
                around.add(_number(_begin(day) + timedelta(days=shift)))
        return self._butler.taken_exposures(self._wanted.instrument, sorted(around))

    def _flats(self, days: set[int]) -> Mapping[int, int]:
        """Return the flats of some days, each with its day."""
        return {taken.exposure: taken.day_obs for taken in self._exposures(days) if taken.is_flat}

    def _may_come(self, day: int) -> bool:
        """Say whether what belongs to a day may still come."""
        try:
            end = _begin(day) + timedelta(days=1)
        except (ValueError, OverflowError):
            # A repository may hold exposures of days that no calendar has.
            return False
        return self._stores[0].now() < end + self._wanted.waits


def _begin(day: int) -> datetime:
    """Return when an observing day begins.

    At 12:00 TAI, which is taken for UTC: half a minute matters to nobody who
    waits for hours.
    """
    return datetime(
        day // 10000,
        day // 100 % 100,
        day % 100,
        12,
        tzinfo=UTC,
    )


def _number(moment: datetime) -> int:
    return int(f"{moment:%Y%m%d}")


def _without_missing(
    lacking: Mapping[int, int], shown: SourceLook, flats: Mapping[int, int]
) -> dict[int, int]:
    """Return flats without a dataset less those that will have one."""
    left = dict(lacking)
    for matched in shown.missing:
        day = flats.get(matched.exposure)
        if day in left:
            left[day] -= 1
    return {day: number for day, number in left.items() if number}
