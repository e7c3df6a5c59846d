"""Certifying datasets, and certifying them otherwise."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from typing_extensions import override

from ..model.actions import Action, Departure, Standing
from ..model.contents import Row
from ..model.names import CollectionName, TicketKey
from ..model.resources import Resource
from ..model.timespans import UNBOUNDED, Range, format_range, parse_tai
from .certified import Certification, fingerprint_of

__all__ = ["CertifyAction", "CertifyDatasets", "CertifyDatasetsAgain"]


class CertifyAction(Action):
    """Datasets are certified, on the ground that was seen."""

    ticket: str
    instrument: str
    collection: CollectionName
    """Into which collection."""

    source: CollectionName
    """The RUN that holds the datasets, by its name; or another collection."""

    dataset_type: str | None = None
    """Their type; `None`: all that the source holds."""

    datasets: str
    """Fingerprint of the datasets."""

    number: int
    """How many they are."""

    begin: str | None = None
    """TAI; `None`: since ever."""

    end: str | None = None
    """TAI; `None`: for ever."""

    held: str | None = None
    """Fingerprint of what the collection holds; `None`: nothing."""

    @property
    def key(self) -> TicketKey:
        """Instrument and ticket."""
        return TicketKey(self.instrument, self.ticket)

    @property
    def span(self) -> Range:
        """Their validity range."""
        begin, end = UNBOUNDED
        if self.begin:
            begin = parse_tai(self.begin)
        if self.end:
            end = parse_tai(self.end)
        return begin, end

    @abstractmethod
    def decertified(self, live: Certification) -> frozenset[Row]:
        """Return what the collection holds and is to hold no more."""

    @override
    def subject(self) -> Certification:
        return Certification(
            self.target,
            self.collection,
            self.span,
            self.dataset_type,
            source=self.source,
            ticket=self.key,
        )

    @override
    def standing(self, live: Resource | None) -> Standing:
        if not isinstance(live, Certification):
            return Standing.STALE
        if self._are_the_datasets(live) and live.held == live.wanted:
            return Standing.DONE
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    def _are_the_datasets(self, live: Certification) -> bool:
        return fingerprint_of(live.datasets) == self.datasets

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, Certification):
            return
        place = self.target.place
        if live.taken:
            actual = f"a {live.taken.value} collection"
            yield Departure(
                place,
                self.collection,
                "a CALIBRATION collection or none",
                actual,
            )
        if not self._are_the_datasets(live):
            expected = f"{self.number} datasets {self.datasets}"
            actual = f"{len(live.datasets)} datasets {fingerprint_of(live.datasets)}"
            yield Departure(
                place,
                self.source,
                expected,
                actual,
            )
        if fingerprint_of(live.held) != self.held:
            yield Departure(
                place,
                self.collection,
                _content(self.held),
                _content(fingerprint_of(live.held)),
            )
        if live.left:
            yield Departure(
                place,
                self.target.name,
                "a ticket that never left its origin",
                live.left,
            )

    @override
    def brings(self) -> frozenset[tuple[str, str]]:
        place = self.target.place
        names = {self.target.name, self.collection, self.key.name}
        return frozenset((place, name) for name in names)

    @override
    def changes(self) -> Iterator[str]:
        yield f"  {self.number} datasets of {self.source}"
        yield f"+ {format_range(self.span)}"


class CertifyDatasets(CertifyAction):
    """Certify datasets that are not certified yet."""

    do: ClassVar[str] = "certify"

    @override
    def decertified(self, live: Certification) -> frozenset[Row]:
        return frozenset()

    @override
    def summary(self) -> str:
        what = self.dataset_type or "datasets"
        return f"certify {self.number} {what} for {format_range(self.span)}"


class CertifyDatasetsAgain(CertifyAction):
    """Certify other datasets, or for another range, in place of others."""

    do: ClassVar[str] = "recertify"

    decertifies: tuple[str, ...]
    """What is certified no more, in words: datasets and their ranges."""

    @override
    def decertified(self, live: Certification) -> frozenset[Row]:
        return live.held - live.wanted

    @override
    def summary(self) -> str:
        what = self.dataset_type or "datasets"
        return f"certify {self.number} {what} for {format_range(self.span)}, in place of what is certified"

    @override
    def changes(self) -> Iterator[str]:
        for words in self.decertifies:
            yield f"- {words}"
        yield from super().changes()


def _content(fingerprint: str | None) -> str:
    if fingerprint is None:
        return "nothing certified"
    return f"certifications {fingerprint}"
