"""A source: readings of instruments that become datasets of exposures.

A file that is there and whose exposure is known is missing until its dataset
is shown in the RUN.  What the command that ingests it says of itself proves
nothing: it ends with 0 when it has passed over a file that it cannot read,
and with 1 when it has taken in all but one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, Severity
from ..model.actions import Action
from ..model.contents import CollectionType
from ..model.desired import Written
from ..model.drift import Drift, What
from ..model.names import Address, Place
from ..model.reasons import Code, Reason, Weight
from ..model.resources import Declared
from ..model.sources import Feed, Sources
from ..model.status import RowKey, Subject
from ..ports.butler import ButlerReader
from ..ports.commands import Ran
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import FILES, Watch
from ..ports.records import Fence
from .base import Kind
from .commanding import require_commands
from .rows import TableRows
from .selection import Selection
from .source_actions import IngestReadings, Source, by_day, day_in_words, days_in_words, of_files
from .source_checks import FORM, sources_of
from .source_forms import FORMS
from .source_look import MatchedFile, UnmatchedFile, Wanted, look_at_files

__all__ = ["IngestReadings", "Source", "SourceKind"]

_AT_ONCE = 250
"""Files that one command is given: their names fit on a command line, and a
run that is cut off has lost little."""

_NAMED = 5
"""Files that a sentence names."""


class SourceKind(Kind[Source]):
    """Readings of instruments."""

    name = "source"
    actions = (IngestReadings,)
    form = FORM

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        for written in sources_of(selection.desired):
            sources = written.noun
            if place not in selection.desired.with_instrument(sources.instrument):
                continue
            if not selection.scope.has_instrument(sources.instrument):
                continue
            if selection.desired.expects(sources.at, place):
                yield from _declared(
                    written,
                    sources,
                    place,
                )

    @override
    def observe(
        self,
        targets: Sequence[Source],
        places: ReadPlaces,
    ) -> Mapping[Address, Source | None]:
        if not targets:
            return {}
        place = targets[0].address.place
        butler = places.butler(place)
        there = butler.collections([target.run for target in targets])
        live: dict[Address, Source | None] = {}
        for target in targets:
            collection = there.get(target.run)
            if collection and collection.type is not CollectionType.RUN:
                live[target.address] = replace(target, taken=collection.type)
                continue
            if target.wanted:
                target = replace(
                    target,
                    shown=look_at_files(
                        target.wanted,
                        butler,
                        places,
                    ),
                )
            else:
                ingested = butler.exposures_with(
                    target.instrument,
                    target.run,
                    target.dataset_type,
                )
                target = replace(target, left=target.exposures - ingested)
            # Nobody needs to know who ingests where nothing is missing.
            if target.shown.missing or target.left:
                command = FORMS[target.dataset_type].command
                target = replace(target, under_way=places.commands(place).under_way(command))
            live[target.address] = target
        return live

    @override
    def compare(self, declared: Source, live: Source | None) -> Iterator[Drift]:
        if live is None:
            return
        shown = live.shown
        if live.taken or shown.hidden:
            problem = self.obstacle(declared, live)
            assert problem, "it is why nothing is known"
            yield _drift(
                declared,
                What.MISSING,
                declared.run,
                problem.detail,
                problem.code,
            )
        if shown.missing:
            days = days_in_words(matched.file.day for matched in shown.missing)
            detail = f"{of_files(len(shown.missing))} of {days} with an exposure here and no dataset"
            yield _drift(
                declared,
                What.MISSING,
                declared.dataset_type,
                detail,
            )
        for day in sorted({unmatched.file.day for unmatched in shown.waiting}):
            waiting = [unmatched for unmatched in shown.waiting if unmatched.file.day == day]
            detail = f"{_named(waiting)} of {day_in_words(day)} may wait for their exposures"
            yield _drift(
                declared,
                What.PENDING,
                declared.dataset_type,
                detail,
                Code.EXPOSURE_AWAITED,
            )
        for unmatched in shown.unmatched:
            drift = _drift(
                declared,
                What.MISSING,
                unmatched.file.name,
                unmatched.why,
                Code.FILE_UNMATCHED,
            )
            hint = "If it is not to be ingested, list its name under `ignore`, with the reason."
            yield drift.model_copy(update={"hint": hint})

    @override
    def remedy(self, declared: Source, live: Source | None) -> Iterator[Action]:
        if live is None or not live.shown.missing or live.under_way:
            return
        assert declared.wanted, "what is declared is looked for"
        days = days_in_words(matched.file.day for matched in live.shown.missing)
        yield IngestReadings(
            target=declared.address,
            because=f"{of_files(len(live.shown.missing))} of {days} with an exposure here and no dataset",
            instrument=declared.wanted.instrument,
            dataset_type=declared.dataset_type,
            run=declared.run,
            stores=declared.wanted.stores,
            days=by_day(live.shown.missing),
        )

    @override
    def is_there(self, declared: Source, live: Source | None) -> bool:
        return live is not None and not live.shown.missing and not self.obstacle(declared, live)

    @override
    def obstacle(self, declared: Source, live: Source | None) -> Reason | None:
        if live is None:
            return None
        if live.taken:
            detail = f"{declared.run} is a {live.taken.value} collection, and readings come into a RUN"
            return Reason.refused(Code.NAME_TAKEN, detail)
        if live.shown.hidden:
            return Reason(
                Code.PLACE_UNSEEN,
                live.shown.hidden,
                Weight.UNREACHABLE,
            )
        if live.under_way:
            return Reason.awaited(Code.UNDER_WAY, f"they are being ingested by {live.under_way}")
        return None

    @override
    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
        assert isinstance(action, IngestReadings), "kinds carry out their own actions"
        require_commands(
            action.target.place,
            FORMS[action.dataset_type].command,
            places=places,
            hint="Set up the Rubin stack with obs_lsst, then run this again.",
        )
        return ()

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, IngestReadings), "kinds carry out their own actions"
        _Ingestion(
            action,
            places,
            watch,
            fence,
        ).carry_out()

    @override
    def remarks(self, live: Source) -> Iterator[Diagnostic]:
        shown = live.shown
        if live.wanted is None or shown.hidden or live.taken:
            return
        what = f"{live.address.name} at {live.address.place}"
        if not shown.files:
            detail = (
                f"{what}: no file ends with {live.wanted.form.ending} in {', '.join(live.wanted.stores)}."
            )
            yield Diagnostic(
                "Source is empty",
                detail,
                severity=Severity.NOTE,
            )
        if shown.second:
            detail = f"{what}: of their exposures other files come first: {_named(shown.second)}."
            yield Diagnostic(
                "Second files",
                detail,
                severity=Severity.NOTE,
            )
        if shown.lacking:
            number = sum(shown.lacking.values())
            flats = "1 flat" if number == 1 else f"{number} flats"
            detail = f"{what}: no file is about {flats} of {days_in_words(shown.lacking)}."
            yield Diagnostic(
                "Flats without a file",
                detail,
                severity=Severity.NOTE,
            )

    @override
    def rows(
        self,
        drift: Drift,
        table: TableRows,
        declared: Source | None,
        live: Source | None,
    ) -> Iterator[RowKey]:
        instrument, _, _ = drift.target.name.partition("/")
        if instrument == table.instrument:
            yield RowKey(Subject.RESOURCE, drift.target.name)

    @override
    def sentence(self, declared: Source) -> str:
        assert declared.wanted, "what is declared is looked for"
        stores = ", ".join(declared.wanted.stores)
        return f"comes from {stores} since {day_in_words(declared.wanted.since)} into {declared.run}"

    @override
    def within(self, drift: Drift) -> str:
        return drift.target.name


class _Ingestion:
    """Files that are given to the command, so many at a time."""

    def __init__(self, action: IngestReadings, places: WritePlaces, watch: Watch, fence: Fence) -> None:
        self._action = action
        self._places = places
        self._place = action.target.place
        self._form = FORMS[action.dataset_type]
        self._watch = watch
        self._fence = fence

    def carry_out(self) -> None:
        """Give the command what is not ingested yet, and look what came.

        Raises
        ------
        CalibstateError
            Files were passed over; all others are ingested.
        """
        # What others have ingested since the plan was made is left out.
        matched = self._left(self._action.matched())
        total = len(matched)
        passed_over: list[MatchedFile] = []
        last = Ran(0, "")
        for begin in range(
            0,
            total,
            _AT_ONCE,
        ):
            some = matched[begin : begin + _AT_ONCE]
            ran = self._run(some)
            # Whatever it ended with, what is in the RUN now says what came.
            left = self._left(some)
            self._watch(
                FILES,
                begin + len(some),
                total,
            )
            passed_over.extend(left)
            if left:
                last = ran
            # What takes in nothing and fails would fail for the next as well.
            if ran.code and len(left) == len(some):
                break
        if passed_over:
            raise self._failed(passed_over, last)

    def _left(self, matched: Sequence[MatchedFile]) -> list[MatchedFile]:
        butler: ButlerReader = self._places.butler(self._place)
        ingested = butler.exposures_with(
            self._action.instrument,
            self._action.run,
            self._action.dataset_type,
        )
        return [match for match in matched if match.exposure not in ingested]

    def _run(self, matched: Sequence[MatchedFile]) -> Ran:
        with ExitStack() as stack:
            locations = [match.file.uri for match in matched]
            if self._form.by_folder:
                # Of files that are named by themselves each would be taken
                # for an opening and for a closing; and a folder of the store
                # holds others too.
                locations = [stack.enter_context(copies) for copies in self._copies(matched)]
            return self._places.run_commands(self._place).run(
                self._form.command,
                [
                    f"--output-run={self._action.run}",
                    "--transfer=copy",
                    # Behind this nothing is taken for an option.
                    "--",
                    self._action.instrument,
                    *locations,
                ],
                self._fence,
            )

    def _copies(self, matched: Sequence[MatchedFile]) -> Iterator[AbstractContextManager[str]]:
        """Yield folders with copies of files, while they are needed."""
        for uri in self._action.stores:
            store = self._places.source(uri)
            files = [match.file for match in matched if match.file.uri.startswith(store.uri)]
            if files:
                yield store.copied(files)

    def _failed(self, passed_over: Sequence[MatchedFile], ran: Ran) -> CalibstateError:
        words = ran.error or "it said nothing of them"
        return CalibstateError(
            Diagnostic(
                "Files were not ingested",
                f"butler {self._form.command} ended with {ran.code} and left out {_named(passed_over)}: "
                f"{words}. All else of the step that was given to it is ingested.",
                hint="Look at the files; those that are not to be ingested are listed under `ignore`.",
            )
        )


def _declared(written: Written[Sources], sources: Sources, place: Place) -> Iterator[Declared]:
    for form in FORMS.values():
        feed: Feed | None = getattr(sources, form.field)
        if feed is None:
            continue
        wanted = Wanted(
            instrument=sources.instrument,
            form=form,
            run=feed.into,
            stores=feed.stores,
            since=feed.since_day,
            waits=feed.waits,
            ignored=frozenset(feed.ignore),
        )
        source = Source(
            Source.at(
                place,
                sources.instrument,
                form.dataset_type,
            ),
            wanted=wanted,
            dataset_type=form.dataset_type,
            run=feed.into,
        )
        yield Declared(source, written.lines.at(form.field))


def _drift(declared: Source, what: What, subject: str, detail: str, code: Code | None = None) -> Drift:
    reason = code.value if code else ""
    return Drift(
        target=declared.address,
        what=what,
        subject=subject,
        detail=detail,
        reason=reason,
    )


def _named(files: Sequence[MatchedFile] | Sequence[UnmatchedFile]) -> str:
    """Name some of the files, and say how many there are."""
    names = ", ".join(match.file.name for match in files[:_NAMED])
    if len(files) > _NAMED:
        return f"{len(files)} files ({names}, …)"
    return names
