"""A certification: datasets of one RUN, certified for a range at the origin.

From a RUN by its name, and whole: the first child of a chain may hold one of
three detectors, and what a chain answers behind it is another ticket's.  Done
is what the collection holds, compared row by row.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, cast

from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, PlanIsStaleError, Severity, UnreachableError
from ..model.actions import Action, Departure, Standing
from ..model.constructed import Constructed
from ..model.constructions import Recertification, Recipe
from ..model.contents import CollectionType, Holding, Row, parse_data_id
from ..model.desired import DesiredState, Written
from ..model.drift import Drift, What
from ..model.fingerprints import collection_fingerprint
from ..model.names import ARCHIVE, Address, CollectionName, Place, RepositoryAddress, TicketKey
from ..model.reasons import Code, Reason, Weight
from ..model.resources import Declared, Observed, Resource
from ..model.status import RowKey
from ..model.submissions import ExpectedOutput, SeenOutput
from ..model.tickets import Ticket
from ..model.timespans import UNBOUNDED, Range, format_bound, format_range, parse_tai
from ..ports.construction import ConstructionPlaces
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .rows import TableRows
from .selection import Selection
from .submission import address_of
from .waves import Waves
from .whole import tell_rows

__all__ = [
    "Certification",
    "CertificationKind",
    "CertifyDatasets",
    "CertifyDatasetsAgain",
    "certifications_of",
    "declared_certifications",
    "foreseen_at",
    "there_before",
]

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

    left: str = ""
    """Observed: how it is known that its ticket has left the origin."""

    unseen: str = ""
    """Observed: why that is not known."""

    @classmethod
    def at(cls, repository: RepositoryAddress, collection: CollectionName) -> Address:
        """Return the address of a certification."""
        return address_of(
            repository,
            CertificationKind.name,
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
            is_sealed=constructed.is_sealed,
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
        yield f"{self.address} {_fingerprint(self.held)} {self.source} {_fingerprint(self.datasets)}"


class CertifyAction(Action):
    """Datasets are certified, on the ground that was seen."""

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
        instrument, _, rest = self.target.name.partition("/")
        return Certification(
            self.target,
            self.collection,
            self.span,
            self.dataset_type,
            source=self.source,
            ticket=TicketKey(instrument, rest.partition("/")[0]),
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
        return _fingerprint(live.datasets) == self.datasets

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
            actual = f"{len(live.datasets)} datasets {_fingerprint(live.datasets)}"
            yield Departure(
                place,
                self.source,
                expected,
                actual,
            )
        if _fingerprint(live.held) != self.held:
            yield Departure(
                place,
                self.collection,
                _content(self.held),
                _content(_fingerprint(live.held)),
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
        subject = self.subject()
        names = {self.target.name, self.collection}
        if subject.ticket:
            names.add(subject.ticket.name)
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


class CertificationKind(Kind[Certification]):
    """What origins certify."""

    name = "certification"
    actions = (CertifyDatasets, CertifyDatasetsAgain)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        for written in selection.repositories[place].tickets:
            if selection.desired.origin(written.noun.instrument) == place:
                yield from declared_certifications(written, selection)

    @override
    def observe(
        self,
        targets: Sequence[Certification],
        places: ReadPlaces,
    ) -> Mapping[Address, Certification | None]:
        if not targets:
            return {}
        departed = _Departed(targets, places)
        live: dict[Address, Certification | None] = {}
        looked_at: list[Certification] = []
        for target in targets:
            target = replace(
                target,
                left=departed.how(target),
                unseen=departed.unseen,
            )
            live[target.address] = None
            # What has been deployed costs no look.
            if not (target.left and target.until_it_left):
                looked_at.append(target)
        for seen_now in _look(looked_at, places):
            live[seen_now.address] = seen_now
        return live

    @override
    def compare(
        self,
        declared: Certification,
        live: Certification | None,
    ) -> Iterator[Drift]:
        if live is None or live.is_done or _is_over(live):
            return
        what = What.MISSING
        if live.held or live.taken:
            what = What.CHANGED
        problem = problem_with(live)
        detail = _difference(live)
        reason = ""
        if problem:
            detail = problem.detail
            reason = problem.code.value
        yield Drift(
            target=declared.address,
            what=what,
            subject=declared.collection,
            detail=detail,
            reason=reason,
        )

    @override
    def remedy(
        self,
        declared: Certification,
        live: Certification | None,
    ) -> Iterator[Action]:
        if live is None or live.is_done or _is_over(live) or problem_with(live):
            return
        assert live.source, "what has datasets has a source"
        begin, end = live.span
        ground = {
            "target": declared.address,
            "because": _difference(live),
            "collection": declared.collection,
            "source": live.source,
            "dataset_type": declared.dataset_type,
            "datasets": _fingerprint(live.datasets),
            "number": len(live.datasets),
            "begin": format_bound(begin),
            "end": format_bound(end),
            "held": _fingerprint(live.held),
        }
        beyond = live.held - live.wanted
        if beyond:
            yield CertifyDatasetsAgain.model_validate({**ground, "decertifies": _blocks(beyond)})
        else:
            yield CertifyDatasets.model_validate(ground)

    @override
    def is_there(self, declared: Certification, live: Certification | None) -> bool:
        return live is None or live.is_done or _is_over(live)

    @override
    def obstacle(
        self,
        declared: Certification,
        live: Certification | None,
    ) -> Reason | None:
        if live is None or live.is_done or _is_over(live):
            return None
        return problem_with(live)

    @override
    def guards(
        self,
        action: Action,
        desired: DesiredState,
        waves: Waves,
    ) -> Iterator[Reason]:
        if isinstance(action, CertifyDatasetsAgain):
            yield Reason(
                Code.RECERTIFY,
                f"{action.collection} would no longer certify {'; '.join(action.decertifies)}; if that is "
                "meant: --allow recertify --because REASON",
                Weight.GUARDED,
            )

    @override
    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
        places.butler(action.target.place).check_change()
        return ()

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, CertifyAction), "kinds carry out their own actions"
        subject = action.subject()
        live = self.observe([subject], places)[subject.address]
        departures = [str(departure) for departure in action.departures(live)]
        if departures or live is None:
            detail = f"{'; '.join(departures)}."
            raise PlanIsStaleError(
                Diagnostic(
                    "Plan is stale",
                    detail,
                    hint="Plan again.",
                )
            )
        places.change_butler(action.target.place).certify(
            action.collection,
            sorted(row.uuid for row in live.datasets),
            action.span,
            expected=live.held,
            decertified=action.decertified(live),
            fence=fence,
        )

    @override
    def remarks(self, live: Certification) -> Iterator[Diagnostic]:
        begin, end = live.span
        outside = sorted(span for span in live.ranges if span[0] < begin or span[1] > end)
        # Where the source answers for a longer time, it goes on to do so.
        if not outside or not live.searched_by:
            return
        yield Diagnostic(
            "Range stays open",
            f"{live.collection} is for {format_range(live.span)}, and {live.source} certifies the same "
            f"datasets for {', '.join(format_range(span) for span in outside)}: exposures that are in that "
            f"range alone find them as before through {', '.join(live.searched_by)}.",
            hint=f"To close the range, take {live.source} out of there: name the other collections of its "
            "ticket in a new one, and list the old one under `retired`.",
            severity=Severity.NOTE,
        )

    @override
    def rows(
        self,
        drift: Drift,
        table: TableRows,
        declared: Certification | None,
        live: Certification | None,
    ) -> Iterator[RowKey]:
        ticket = table.ticket_of(self.ticket(drift.target, table.desired))
        if ticket:
            yield RowKey.of(ticket)

    @override
    def sentence(self, declared: Certification) -> str:
        return f"certifies for {format_range(declared.span)}"


def declared_certifications(
    written: Written[Ticket],
    selection: Selection,
) -> Iterator[Declared]:
    """Yield what a ticket's origin is to certify of what the ticket lists.

    Nothing once it has left the origin: what it holds is final then.

    Parameters
    ----------
    written
        The ticket.
    selection
        What is declared, and what tickets hold as far as that is known.
    """
    ticket = written.noun
    desired = selection.desired
    origin = desired.origin(ticket.instrument)
    # Another site's part of a plan has no steps at the origin.
    if origin is None or origin not in selection.repositories:
        return
    if desired.skipped(ticket, origin):
        return
    pin = selection.pin(ticket)
    if ticket.key in desired.seals or (pin and pin.manifest):
        return
    for declared in certifications_of(
        written,
        desired,
        origin,
    ):
        assert isinstance(declared.resource, Certification), "it is what they are"
        if declared.resource.collection in ticket.leaves:
            resource = replace(declared.resource, until_it_left=True)
            yield replace(declared, resource=resource)


def foreseen_at(
    repository: RepositoryAddress,
    names: Iterable[CollectionName],
    observed: Mapping[Address, Observed],
) -> Mapping[CollectionName, Holding]:
    """Return what collections will hold once they are certified.

    Parameters
    ----------
    repository
        Where.
    names
        The collections.
    observed
        What was seen of the certifications.
    """
    foreseen: dict[CollectionName, Holding] = {}
    for name in names:
        looked_at = observed.get(Certification.at(repository, name))
        if looked_at is None:
            continue
        certification = Certification.of(looked_at.resource)
        if certification and certification.foreseen:
            foreseen[name] = certification.foreseen
    return foreseen


def there_before(
    collections: Sequence[CollectionName],
    actions: Sequence[Action],
) -> tuple[CollectionName, ...]:
    """Return the collections that can be looked at before any action is done.

    Parameters
    ----------
    collections
        Collections of an origin.
    actions
        Actions, some of which certify.
    """
    certified = {action.collection for action in actions if isinstance(action, CertifyAction)}
    return tuple(name for name in collections if name not in certified)


def certifications_of(
    written: Written[Ticket],
    desired: DesiredState,
    repository: RepositoryAddress,
    prefix: str = "",
) -> Iterator[Declared]:
    """Yield all that a ticket certifies, in the order in which it is made.

    Parameters
    ----------
    written
        The ticket.
    desired
        All that is declared.
    repository
        Where it is certified.
    prefix
        What stands before the names of all collections, in a trial.
    """
    ticket = written.noun
    is_sealed = ticket.key in desired.seals
    if ticket.construction:
        constructed = Constructed(ticket, prefix, is_sealed)
        for product in constructed.recipes.values():
            certification = Certification.of_product(
                constructed,
                product,
                repository,
            )
            if certification:
                where = written.lines.at("construction", "certify")
                yield Declared(certification, where)
    for index, entry in enumerate(ticket.certify):
        certification = Certification.of_others(
            ticket,
            entry,
            repository,
        )
        certification = replace(
            certification,
            is_sealed=is_sealed,
            searched_by=tuple(_searching(entry.datasets_of, desired)),
        )
        yield Declared(certification, written.lines.at("certify", index))


def problem_with(live: Certification) -> Reason | None:
    """Say why what is there cannot be certified as declared, if so."""
    if live.taken:
        detail = f"{live.collection} is a {live.taken.value} collection, and no CALIBRATION collection"
        return Reason.refused(Code.NAME_TAKEN, detail)
    if live.left:
        return Reason.refused(
            Code.LEFT_ORIGIN,
            f"{_difference(live)}; {live.left}, and what has left its origin is final",
            hint="The way is a new ticket that names the datasets: "
            f"`certify: [{{as: …, datasets_of: {live.collection}, begin: …, end: …}}]`.",
        )
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


def _is_over(live: Certification) -> bool:
    """Say whether it has left, and what it was made of is gone since."""
    return bool(live.left) and bool(live.held) and (not live.datasets or bool(live.lacking))


def _difference(live: Certification) -> str:
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
        return f"it certifies for another range than {format_range(live.span)}: {'; '.join(_blocks(beyond))}"
    runs = sorted({live.runs.get(row.uuid, "a RUN that is gone") for row in others})
    blocks = "; ".join(_blocks(others))
    return f"it certifies other datasets than those of {live.source}: {blocks}, of {', '.join(runs)}"


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


def _blocks(rows: Iterable[Row]) -> tuple[str, ...]:
    """Say what is certified, range by range."""
    by_range: dict[tuple[str, int, int], int] = {}
    for row in sorted(rows):
        key = (row.dataset_type, row.begin, row.end)
        by_range[key] = by_range.get(key, 0) + 1
    words: list[str] = []
    for (dataset_type, begin, end), number in by_range.items():
        words.append(f"{number} {dataset_type} for {format_range((begin, end))}")
    return tuple(words)


def _fingerprint(rows: frozenset[Row]) -> str | None:
    """Return the fingerprint of rows; `None` where there are none."""
    if not rows:
        return None
    return collection_fingerprint(rows)


def _content(fingerprint: str | None) -> str:
    if fingerprint is None:
        return "nothing certified"
    return f"certifications {fingerprint}"


def _searching(collection: CollectionName, desired: DesiredState) -> Iterator[CollectionName]:
    """Yield the declared chains that search a collection of a ticket."""
    for name, chain in sorted(desired.chains.items()):
        for entry in chain.noun.entries:
            if not isinstance(entry, str):
                continue
            meaning = desired.meaning(entry, chain.noun.instrument)
            ticket = meaning.ticket if meaning else None
            if ticket and collection in {*ticket.noun.leaves, *ticket.noun.children}:
                yield name
                break


class _Departed:
    """Which tickets have left their origin: sealed, or in the archive."""

    def __init__(self, targets: Sequence[Certification], places: ReadPlaces) -> None:
        self.unseen = ""
        """Why the archive does not tell."""
        self._bundled: set[TicketKey] = set()
        keys = {target.ticket for target in targets if target.ticket and not target.is_sealed}
        try:
            for key, manifests in places.archive().bundles(keys).items():
                if manifests:
                    self._bundled.add(key)
        except InvalidStateError:
            # A bundle that cannot be read was a bundle once.
            self._bundled.update(keys)
        except UnreachableError as error:
            self.unseen = error.first.detail.rstrip(".")

    def how(self, target: Certification) -> str:
        """Say how a ticket has left its origin; empty: it has not."""
        if target.is_sealed:
            return "its ticket is sealed"
        if target.ticket in self._bundled:
            return "its ticket is in the archive"
        return ""


def _look(
    targets: Sequence[Certification],
    places: ReadPlaces,
) -> Iterator[Certification]:
    """Look at collections, and at what is to be certified into them."""
    if not targets:
        return
    place = targets[0].address.place
    butler = places.butler(place)
    outputs = _outputs(targets, places)
    names: list[CollectionName] = []
    for target in targets:
        names.append(target.collection)
        if target.source and not target.output:
            names.append(target.source)
    there = butler.collections(names)
    held = butler.holdings(names, calibrations_only=True)
    for target in targets:
        collection = there.get(target.collection)
        taken = None
        if collection and collection.type is not CollectionType.CALIBRATION:
            taken = collection.type
        elif collection:
            target = replace(target, held=frozenset(held[target.collection].rows))
        target = replace(target, taken=taken)
        if target.output:
            target = _with_product(target, outputs[target.output.output])
        elif target.source and target.source in held:
            target = _with_datasets(target, held[target.source])
        if target.but_for and target.generated.missing and target.output:
            target = replace(target, detectors=butler.detectors(target.output.instrument))
        uuids = {row.uuid for row in target.datasets}
        others = sorted({row.uuid for row in target.held if row.uuid not in uuids})
        if others:
            target = replace(target, runs=butler.runs(others))
        yield target


def _outputs(
    targets: Sequence[Certification],
    places: ReadPlaces,
) -> Mapping[str, SeenOutput]:
    """Look at what has been made of products."""
    expected = [target.output for target in targets if target.output]
    if not expected:
        return {}
    # Only places where calibrations are made are asked for these.
    making = cast(ConstructionPlaces, places)
    return making.construction(targets[0].address.place).outputs(expected)


def _with_product(target: Certification, output: SeenOutput) -> Certification:
    assert target.dataset_type, "a product has a type"
    datasets = frozenset(
        Row(
            target.dataset_type,
            data_id,
            uuid,
            *UNBOUNDED,
        )
        for data_id, uuid in output.datasets.items()
    )
    return replace(
        target,
        generated=output,
        source=output.newest,
        datasets=datasets,
    )


def _with_datasets(target: Certification, holding: Holding) -> Certification:
    begin, end = UNBOUNDED
    datasets: set[Row] = set()
    ranges: set[Range] = set()
    for row in holding.rows:
        if target.dataset_type in {None, row.dataset_type}:
            datasets.add(row._replace(begin=begin, end=end))
            ranges.add((row.begin, row.end))
    return replace(
        target,
        datasets=frozenset(datasets),
        ranges=frozenset(ranges),
    )
