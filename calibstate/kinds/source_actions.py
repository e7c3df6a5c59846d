"""Ingesting readings of instruments by the command of the stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import unquote

from typing_extensions import override

from ..model.actions import Action, Departure, Standing
from ..model.contents import CollectionType
from ..model.names import Address, CollectionName, InstrumentName, Noun, RepositoryAddress
from ..model.resources import Resource
from ..ports.sources import ListedFile
from .source_look import MatchedFile, SourceLook, Wanted

__all__ = ["FilesOfDay", "IngestReadings", "Source", "by_day", "day_in_words", "days_in_words", "of_files"]

_DAYS = 10
"""Days that are told one by one; of more, months are told."""


@dataclass(frozen=True)
class Source(Resource):
    """Readings of one dataset type in one repository."""

    wanted: Wanted | None = None
    """Declared: what is looked for; `None`: only what a step is about is."""

    dataset_type: str = ""

    run: CollectionName = ""
    """The RUN that they come into."""

    exposures: frozenset[int] = frozenset()
    """Of a step: exposures that it is about."""

    shown: SourceLook = field(default_factory=SourceLook)
    """Observed: the files, and what is ingested of them."""

    left: frozenset[int] = frozenset()
    """Observed: exposures of a step that have no dataset yet."""

    taken: CollectionType | None = None
    """Observed: what the collection is, if it is no RUN."""

    under_way: str = ""
    """Observed: who ingests at present; empty: nobody does."""

    @classmethod
    def at(cls, repository: RepositoryAddress, instrument: InstrumentName, dataset_type: str) -> Address:
        """Return the address of the readings of a dataset type."""
        return Address(
            place=repository,
            kind="source",
            name=f"{instrument}/{dataset_type}",
        )

    @property
    def instrument(self) -> InstrumentName:
        """The camera, by which its name begins."""
        return self.address.name.partition("/")[0]

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {self.shown.files} files"
        for matched in self.shown.missing:
            yield f"{self.address} {matched.file.uri} {matched.exposure}"
        for unmatched in (*self.shown.waiting, *self.shown.unmatched):
            yield f"{self.address} {unmatched.file.uri} {unmatched.why}"

    @override
    def declaration(self) -> dict[str, object]:
        if self.wanted is None:
            return {}
        return {
            "from": self.wanted.stores,
            "since": str(self.wanted.since),
            "into": self.wanted.run,
            "ignore": tuple(sorted(self.wanted.ignored)),
        }


class FilesOfDay(Noun):
    """Files in the folder of one observing day."""

    day: int
    """The day, ``YYYYMMDD``."""

    folder: str
    """URI of the folder, ended by ``/``."""

    files: dict[str, int]
    """The exposure of each file, by its name as the end of a URI."""

    def listed(self) -> Iterator[MatchedFile]:
        """Yield the files with their exposures."""
        for name, exposure in self.files.items():
            yield MatchedFile(
                ListedFile(
                    self.day,
                    unquote(name),
                    f"{self.folder}{name}",
                ),
                exposure,
            )


class IngestReadings(Action):
    """Ingest files whose exposures have no dataset yet."""

    do: ClassVar[str] = "ingest-readings"

    instrument: InstrumentName
    dataset_type: str
    run: CollectionName
    """The RUN that they come into."""

    stores: tuple[str, ...]
    """Folders of days, as they are declared."""

    days: tuple[FilesOfDay, ...]
    """The files, day by day."""

    def matched(self) -> tuple[MatchedFile, ...]:
        """Return all files, with their exposures."""
        matched: list[MatchedFile] = []
        for of_day in self.days:
            matched.extend(of_day.listed())
        return tuple(matched)

    @override
    def subject(self) -> Source:
        exposures = frozenset(matched.exposure for matched in self.matched())
        return Source(
            self.target,
            dataset_type=self.dataset_type,
            run=self.run,
            exposures=exposures,
        )

    @override
    def standing(self, live: Resource | None) -> Standing:
        if not isinstance(live, Source) or any(self.departures(live)):
            return Standing.STALE
        if not live.left:
            return Standing.DONE
        # The command of a run that was killed goes on without it.
        if live.under_way:
            return Standing.UNDER_WAY
        return Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if isinstance(live, Source) and live.taken:
            place = self.target.place
            yield Departure(
                place,
                self.run,
                "a RUN",
                f"a {live.taken.value} collection",
            )

    @override
    def summary(self) -> str:
        number = len(self.matched())
        return f"ingest {of_files(number)} of {days_in_words(of_day.day for of_day in self.days)}"

    @override
    def changes(self) -> Iterator[str]:
        numbers: dict[int, int] = {}
        for of_day in self.days:
            numbers[of_day.day] = numbers.get(of_day.day, 0) + len(of_day.files)
        yield f"  into {self.run}"
        if len(numbers) <= _DAYS:
            for day, number in sorted(numbers.items()):
                yield f"+ {day_in_words(day)}: {of_files(number)}"
            return
        # A plan for years of days is to be read by somebody.
        by_month: dict[str, list[int]] = {}
        for day, number in sorted(numbers.items()):
            month = day_in_words(day)[: len("2025-06")]
            by_month.setdefault(month, []).append(number)
        for month, of_days in by_month.items():
            yield f"+ {month}: {of_files(sum(of_days))} on {len(of_days)} days"


def by_day(matched: tuple[MatchedFile, ...]) -> tuple[FilesOfDay, ...]:
    """Return files by the folders that they are in."""
    # Several stores may have files of one day.
    folders: dict[tuple[int, str], dict[str, int]] = {}
    for match in matched:
        folder, slash, name = match.file.uri.rpartition("/")
        of_folder = folders.setdefault((match.file.day, f"{folder}{slash}"), {})
        of_folder[name] = match.exposure
    days: list[FilesOfDay] = []
    for (day, folder), files in sorted(folders.items()):
        days.append(
            FilesOfDay(
                day=day,
                folder=folder,
                files=files,
            )
        )
    return tuple(days)


def days_in_words(days: Iterable[int]) -> str:
    """Say in a few words which days, given as ``YYYYMMDD``."""
    listed = sorted(set(days))
    first = day_in_words(listed[0])
    if len(listed) == 1:
        return first
    return f"{len(listed)} days, {first} to {day_in_words(listed[-1])}"


def of_files(number: int) -> str:
    """Say how many files."""
    if number == 1:
        return "1 file"
    return f"{number} files"


def day_in_words(day: int) -> str:
    """Return a day, given as ``YYYYMMDD``, as ``YYYY-MM-DD``."""
    return f"{day // 10000:04d}-{day // 100 % 100:02d}-{day % 100:02d}"
