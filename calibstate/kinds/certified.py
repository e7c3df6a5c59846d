"""What one collection certifies, as it is declared and as it was seen.

From one RUN by its name, and whole, or from a collection of another ticket;
and why what is there cannot be certified so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from typing_extensions import override

from ..model.constructed import Constructed
from ..model.constructions import Recertification, Recipe
from ..model.contents import CollectionType, Holding, Row, parse_data_id
from ..model.fingerprints import collection_fingerprint
from ..model.names import ARCHIVE, Address, CollectionName, RepositoryAddress, TicketKey
from ..model.reasons import Code, Reason
from ..model.resources import Resource
from ..model.submissions import ExpectedOutput, SeenOutput
from ..model.tickets import Ticket
from ..model.timespans import UNBOUNDED, Range, format_range
from .submission import address_of
from .whole import tell_rows

__all__ = ["Certification", "blocks", "difference", "fingerprint_of", "is_over", "problem_with"]

_MOST = 5
"""Data IDs that a sentence names."""


@dataclass(frozen=True)
class Certification(Resource):
    """Datasets that one collection certifies for one range."""

    collection: CollectionName = ""
    """The CALIBRATION collection, by its full name."""

    span: Range = UNBOUNDED
    """Declared: the range."""

    dataset_type: str | None = None
    """Declared: of which type; `None`: whatever the source holds."""

    output: ExpectedOutput | None = None
    """Declared: the product whose newest RUN it is; `None`: of none."""

    source: CollectionName | None = None
    """Declared: the collection that holds the datasets, where it is known by
    its name; observed: the RUN, or that collection."""

    but_for: Mapping[str, str] = field(default_factory=dict)
    """Declared: detectors that may be missing, with the reason."""

    ticket: TicketKey | None = None
    """Declared: its ticket."""

    is_sealed: bool = False
    """Declared: whether that is sealed."""

    until_it_left: bool = False
    """Asked: whether nothing is looked at once its ticket has left."""

    searched_by: tuple[CollectionName, ...] = ()
    """Declared: chains that search the source itself, through a ticket."""

    generated: SeenOutput = field(default_factory=SeenOutput, repr=False)
    """Observed: what was made of the product."""

    datasets: frozenset[Row] = field(default=frozenset(), repr=False)
    """Observed: the datasets, without ranges."""

    ranges: frozenset[Range] = frozenset()
    """Observed: for which the source itself certifies them."""

    held: frozenset[Row] = field(default=frozenset(), repr=False)
    """Observed: what the collection holds."""

    runs: Mapping[str, CollectionName] = field(default_factory=dict, repr=False)
    """Observed: RUNs of the datasets that it holds and should not, by UUID."""

    taken: CollectionType | None = None
    """Observed: another type of the collection, which has the name."""

    detectors: Mapping[int, str] = field(default_factory=dict, repr=False)
    """Observed: full names of detectors, where some may be missing."""

    hidden: str = ""
    """Observed: why it is not known what was made."""

    left: str = ""
    """Observed: how it is known that its ticket has left the origin."""

    unseen: str = ""
    """Observed: why that is not known."""

    @classmethod
    def at(cls, repository: RepositoryAddress, collection: CollectionName) -> Address:
        """Return the address of a certification."""
        return address_of(
            repository,
            "certification",
            collection,
        )

    @classmethod
    def of_product(
        cls,
        constructed: Constructed,
        product: Recipe,
        repository: RepositoryAddress,
    ) -> Certification | None:
        """Return as what a product is certified; `None`: it never is.

        Parameters
        ----------
        constructed
            What follows from its ticket.
        product
            The product.
        repository
            Where it is made.
        """
        collection = constructed.certification(product)
        if collection is None:
            return None
        certifying = constructed.construction.certify
        return cls(
            cls.at(repository, collection),
            collection,
            certifying.range,
            product.product.dataset_type,
            output=constructed.expected(product),
            but_for=certifying.but_for,
            ticket=constructed.ticket.key,
        )

    @classmethod
    def of_others(
        cls,
        ticket: Ticket,
        entry: Recertification,
        repository: RepositoryAddress,
    ) -> Certification:
        """Return what a ticket certifies of another collection."""
        collection = ticket.full_name(entry.certified_as)
        return cls(
            cls.at(repository, collection),
            collection,
            entry.range,
            source=entry.datasets_of,
            ticket=ticket.key,
        )

    @cached_property
    def wanted(self) -> frozenset[Row]:
        """What the collection should hold, as far as it is known."""
        begin, end = self.span
        return frozenset(row._replace(begin=begin, end=end) for row in self.datasets)

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """Data IDs that were not made, and that nobody excused."""
        return tuple(data_id for data_id in self.generated.missing if not self._is_excused(data_id))

    def _is_excused(self, data_id: str) -> bool:
        detector = parse_data_id(data_id).get("detector", "")
        names = {detector}
        if detector.isdigit():
            names.add(self.detectors.get(int(detector), detector))
        return not names.isdisjoint(self.but_for)

    @property
    def is_done(self) -> bool:
        """Whether it is certified as declared, and whole."""
        return bool(self.held) and self.held == self.wanted and not self.lacking

    @property
    def foreseen(self) -> Holding | None:
        """What the collection will hold; `None`: nobody can tell yet."""
        if problem_with(self) or not self.wanted:
            return None
        return Holding(
            self.collection,
            CollectionType.CALIBRATION,
            tuple(sorted(self.wanted)),
        )

    @override
    def declaration(self) -> Mapping[str, object]:
        source = self.source
        if self.output:
            source = self.output.output
        return {
            "collection": self.collection,
            "range": format_range(self.span),
            "source": source,
            "but_for": sorted(self.but_for),
        }

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {fingerprint_of(self.held)} {self.source} {fingerprint_of(self.datasets)}"


def problem_with(live: Certification) -> Reason | None:
    """Say why what is there cannot be certified as declared, if so."""
    if live.taken:
        detail = f"{live.collection} is a {live.taken.value} collection, and no CALIBRATION collection"
        return Reason.refused(Code.NAME_TAKEN, detail)
    if live.left:
        return Reason.refused(
            Code.LEFT_ORIGIN,
            f"{difference(live)}; {live.left}, and what has left its origin is final",
            hint="The way is a new ticket that names the datasets: "
            f"`certify: [{{as: …, datasets_of: {live.collection}, begin: …, end: …}}]`.",
        )
    if live.hidden:
        return Reason.unseen(live.address.place, f"what was made is not known: {live.hidden}")
    if not live.datasets:
        return _nothing_there(live)
    if live.lacking and live.held:
        return Reason.refused(
            Code.CONTENT_DIFFERS,
            f"{_in_words(live)}, and {len(live.held)} are certified already: {tell_rows(live.held)}",
            hint="See what is certified there, and by whom; a retry has an iteration of its own (`rerun`).",
        )
    if live.lacking:
        return Reason.awaited(Code.PARTIAL, _in_words(live))
    return _contradiction(live) or _unseen(live)


def _nothing_there(live: Certification) -> Reason:
    """Say why there is nothing that could be certified."""
    if live.output is None:
        detail = f"{live.source} holds nothing there that could be certified"
        return Reason.refused(
            Code.NOT_THERE,
            detail,
            hint="Correct `datasets_of`.",
        )
    detail = _in_words(live)
    if live.held:
        detail = f"{detail}, though {len(live.held)} are certified"
    return Reason.awaited(Code.NOT_MADE, detail)


def _contradiction(live: Certification) -> Reason | None:
    """Say why datasets and what is certified cannot stand together."""
    number = Counter((row.dataset_type, row.data_id) for row in live.datasets)
    twice = [row for row in live.datasets if number[row.dataset_type, row.data_id] > 1]
    if twice:
        return Reason.refused(
            Code.TWO_AT_ONCE,
            f"{live.source} holds more than one dataset for a data ID, and one range cannot have both: "
            f"{tell_rows(twice)}",
        )
    types = {row.dataset_type for row in live.datasets}
    others = [row for row in live.held if row.dataset_type not in types]
    if others:
        detail = f"it certifies other calibrations too: {tell_rows(others)}"
        return Reason.refused(Code.CONTENT_DIFFERS, detail)
    return None


def _unseen(live: Certification) -> Reason | None:
    if not live.unseen:
        return None
    return Reason.unseen(ARCHIVE, f"whether its ticket has left the origin is not known: {live.unseen}")


def is_over(live: Certification) -> bool:
    """Say whether it has left, and what it was made of is gone since."""
    return bool(live.left) and bool(live.held) and (not live.datasets or bool(live.lacking))


def difference(live: Certification) -> str:
    """Say how a collection does not certify what is declared."""
    number = len(live.wanted)
    beyond = live.held - live.wanted
    if not live.held:
        return f"none of {number} datasets of {live.source} is certified"
    if not beyond:
        return f"{len(live.wanted - live.held)} of {number} datasets of {live.source} are not certified"
    uuids = {row.uuid for row in live.datasets}
    others = frozenset(row for row in beyond if row.uuid not in uuids)
    if not others:
        return f"it certifies for another range than {format_range(live.span)}: {'; '.join(blocks(beyond))}"
    runs = sorted({live.runs.get(row.uuid, "a RUN that is gone") for row in others})
    words = "; ".join(blocks(others))
    return f"it certifies other datasets than those of {live.source}: {words}, of {', '.join(runs)}"


def _in_words(live: Certification) -> str:
    """Say how much of a product was made."""
    expected = len(live.generated.expected)
    dataset_type = live.dataset_type or "datasets"
    words = f"{expected - len(live.generated.missing)} of {expected} {dataset_type}"
    if live.generated.newest is None:
        return f"{words}; nothing is there yet"
    words = f"{words} in {live.generated.newest}"
    if live.lacking:
        more = len(live.lacking) - _MOST
        words = f"{words}; missing {', '.join(live.lacking[:_MOST])}"
        if more > 0:
            words = f"{words} and {more} more"
    return words


def blocks(rows: Iterable[Row]) -> tuple[str, ...]:
    """Say what is certified, range by range."""
    by_range: dict[tuple[str, int, int], int] = {}
    for row in sorted(rows):
        key = (row.dataset_type, row.begin, row.end)
        by_range[key] = by_range.get(key, 0) + 1
    words: list[str] = []
    for (dataset_type, begin, end), number in by_range.items():
        words.append(f"{number} {dataset_type} for {format_range((begin, end))}")
    return tuple(words)


def fingerprint_of(rows: frozenset[Row]) -> str | None:
    """Return the fingerprint of rows; `None` where there are none."""
    if not rows:
        return None
    return collection_fingerprint(rows)
