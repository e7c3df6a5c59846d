"""Which exposures of a day have a result, and which results they have.

Done is what a RUN of the day's own outputs holds, never what is found through
their chains: these keep what was searched when they were made.  pipetask adds
to an output only as long as it searches the same, so each time that the chain
has moved the next letter is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..errors import Diagnostic, RefusedError
from ..lookups.effective import effective, flatten
from ..model.contents import parse_data_id
from ..model.daily import DailyKind, VerifiedDay
from ..model.dailyrecords import Against, DailyRecord, ExposureResult
from ..model.effective import Resolved
from ..model.nights import While, clipped
from ..model.submissions import BatchState, SeenOutput
from ..model.timelinecompare import digest_within
from ..model.timelines import fold
from ..model.timespans import Range
from ..ports.butler import ButlerReader, SeenExposure
from ..ports.construction import ConstructionPlaces, ConstructionReader
from .measured import MeasuredDetector, detector_results, measured_detector
from .taking import Raws, Searched, Verifiable, narrowed, verifiable

__all__ = ["DayLook", "KindLook", "look_at_day"]


@dataclass(frozen=True)
class KindLook:
    """What was seen of the exposures of one sort."""

    kind: DailyKind
    raws: Mapping[int, Raws]
    """The raws of each exposure, by its number in order."""

    output: str
    """Where the next run writes to."""

    without: tuple[int, ...]
    """Exposures that have no result, or have got more raws since."""

    running: str = ""
    """How it is known that its pipeline runs; empty: it does not."""

    @property
    def exposures(self) -> tuple[int, ...]:
        """Exposures that have raws, sorted."""
        return tuple(self.raws)


@dataclass(frozen=True)
class DayLook:
    """What was seen of a day."""

    kinds: tuple[KindLook, ...]
    """By sort, in the order of the file."""

    record: DailyRecord
    """What is kept of the day, with all results that the repository has.  An
    exposure that is to be verified may have one, of before."""

    searched: Searched
    """What is searched for its exposures."""

    resolved: Resolved
    """What is effective on that day."""

    span: Range
    """From when until when that day is, in nanoseconds of TAI."""

    tickets: Mapping[str, str] = field(default_factory=dict)
    """Ticket of each collection."""

    answers: dict[Against, Against] = field(default_factory=dict)
    """By what was to be told: exposures of a sort want the same."""

    def against(self, types: Collection[str], raws: Raws) -> Against:
        """Return what is effective now for an exposure.

        Parameters
        ----------
        types
            Dataset types that its pipeline takes; none: all.
        raws
            The exposure.
        """
        question = Against(
            types=tuple(sorted(types)),
            fingerprint="",
            physical_filter=raws.physical_filter,
            detectors=raws.folded_detectors,
        )
        return self.again(question)

    def by_what_they_take(
        self,
        kind: KindLook,
        exposures: Sequence[int],
        types: Collection[str],
    ) -> Mapping[Against, tuple[int, ...]]:
        """Return exposures of a sort by what is effective for them now.

        Parameters
        ----------
        kind
            What was seen of the sort.
        exposures
            Their numbers.
        types
            Dataset types that their pipeline takes; none: all.
        """
        alike: dict[Against, tuple[int, ...]] = {}
        for exposure in exposures:
            against = self.against(types, kind.raws[exposure])
            others = alike.get(against, ())
            alike[against] = (*others, exposure)
        return alike

    def what_can_be_verified(
        self,
        kind: KindLook,
        wanted: Sequence[int],
        needs: Collection[str],
    ) -> Verifiable:
        """Return what can be verified of what is wanted.

        Parameters
        ----------
        kind
            What was seen of the sort.
        wanted
            Exposures.
        needs
            Dataset types that their pipeline cannot be run without.
        """
        wanted_raws = [kind.raws[exposure] for exposure in wanted]
        return verifiable(wanted_raws, needs, self.searched)

    def again(self, before: Against) -> Against:
        """Return what is effective now for what was verified before.

        Parameters
        ----------
        before
            What it was verified against.
        """
        question = before.model_copy(update={"fingerprint": "", "selects": ""})
        if question in self.answers:
            return self.answers[question]
        taken = narrowed(self.resolved, question)
        timeline = fold(taken, self.tickets)
        answer = question.model_copy(
            update={
                "fingerprint": taken.fingerprint,
                "selects": digest_within(timeline, self.span),
            }
        )
        self.answers[question] = answer
        return answer


def look_at_day(
    day: VerifiedDay,
    kept: DailyRecord | None,
    places: ConstructionPlaces,
    tickets: Mapping[str, str],
) -> DayLook:
    """Look which exposures of a day were verified.

    Parameters
    ----------
    day
        The day, and where.
    kept
        What is kept of it; `None`: nothing is.
    places
        Where to look.
    tickets
        Ticket of each collection that is declared.

    Raises
    ------
    RefusedError
        There is no such chain, or no letter is left.
    UnreachableError
        The repository does not answer.
    """
    butler = places.butler(day.repository)
    searched = _searched(day, butler)
    record = kept or DailyRecord(
        instrument=day.daily.instrument,
        day=day.day,
        repository=day.repository,
        chain=day.daily.chain,
    )
    # What is kept was verified with another chain where the file has changed.
    record = record.model_copy(
        update={
            "repository": day.repository,
            "chain": day.daily.chain,
        }
    )
    where = f"exposure.day_obs={day.day}"
    exposures: dict[int, SeenExposure] = {}
    for exposure in butler.exposures(day.daily.instrument, where):
        exposures[exposure.exposure] = exposure
    kinds = []
    results: dict[int, ExposureResult] = {}
    for kind in day.daily.verify:
        looking = _Looking(day, kind, record, places, exposures)
        look = looking.look(searched)
        results.update(looking.results)
        kinds.append(look)
    night = While.of_number(day.day)
    resolved = effective(butler, day.daily.chain)
    dimensions: dict[str, frozenset[str]] = {}
    for winner in resolved.winners:
        if winner.dataset_type not in dimensions:
            dimensions[winner.dataset_type] = frozenset(parse_data_id(winner.data_id))
    return DayLook(
        tuple(kinds),
        record.with_results(results.values()),
        # What is effective at other times is nobody's affair here.
        Searched(searched, resolved, dimensions),
        clipped(resolved, night.span),
        night.span,
        tickets,
    )


def _searched(day: VerifiedDay, butler: ButlerReader) -> tuple[str, ...]:
    """Return what pipetask searches, chains as what is in them."""
    existing = butler.collections(day.inputs)
    for name in day.inputs:
        if name not in existing:
            raise RefusedError(
                Diagnostic(
                    "Nothing to verify with",
                    f"{name} does not exist at {day.repository}.",
                    hint="Correct `chain` and `raws` in the file of daily verification.",
                )
            )
    # The keys of a dictionary keep the order in which they are searched.
    leaves: dict[str, None] = {}
    for name in day.inputs:
        below = flatten(butler, name)
        leaves.update(dict.fromkeys(below))
    return tuple(leaves)


_Measured = dict[int, dict[str, MeasuredDetector]]
"""By exposure, and name of the detector."""


class _Looking:
    """A look at the exposures of one sort."""

    def __init__(
        self,
        day: VerifiedDay,
        kind: DailyKind,
        record: DailyRecord,
        places: ConstructionPlaces,
        exposures: Mapping[int, SeenExposure],
    ) -> None:
        self.results: dict[int, ExposureResult] = {}
        """The newest by exposure."""
        self._day = day
        self._kind = kind
        self._record = record
        self._places = places
        self._exposures = exposures
        self._reader: ConstructionReader = places.construction(day.repository)

    def look(self, searched: tuple[str, ...]) -> KindLook:
        """Return what is seen, and gather the results.

        Parameters
        ----------
        searched
            What pipetask would search now.
        """
        names = self._day.outputs(self._kind)
        expected = [self._day.by_exposure(self._kind, name) for name in names]
        outputs = self._reader.outputs(expected)
        runs: dict[str, str] = {}
        for output in outputs.values():
            for run in (output.newest, *output.older):
                if run is None:
                    continue
                _, _, moment = run.rpartition("/")
                runs[run] = moment
        # They are called after the time, whatever their letter is; what is
        # newer counts.
        in_order = sorted(
            runs,
            key=runs.__getitem__,
            reverse=True,
        )
        for run in in_order:
            self.gather(run)
        raws = self.raws(names[0])
        without = []
        for exposure, of_exposure in raws.items():
            result = self.results.get(exposure)
            if result is None or self.has_more(of_exposure, result):
                without.append(exposure)
        look = KindLook(
            self._kind,
            raws,
            _first_fitting(outputs, searched),
            tuple(without),
        )
        return replace(look, running=self.running(look))

    def has_more(self, raws: Raws, result: ExposureResult) -> bool:
        """Return whether an exposure has got more raws since it was verified.

        Parameters
        ----------
        raws
            Those that it has.
        result
            The newest.
        """
        before = result.raws
        if before is None:
            before = self._record.raws_of(raws.exposure.exposure)
        # They come one by one: who was too early looked at some of them.
        return before is not None and len(raws.detectors) > before

    def raws(self, output: str) -> dict[int, Raws]:
        """Return the raws of each exposure.

        Parameters
        ----------
        output
            Any output of the day: all are made of the same raws.
        """
        by_detector = self._day.by_detector(self._kind, output)
        outputs = self._reader.outputs([by_detector])
        detectors: dict[int, list[int]] = {}
        for words in outputs[output].expected:
            data_id = parse_data_id(words)
            exposure = int(data_id["exposure"])
            # One may have come since exposures were asked for.
            if exposure in self._exposures:
                numbers = detectors.setdefault(exposure, [])
                numbers.append(int(data_id["detector"]))
        raws: dict[int, Raws] = {}
        for exposure, numbers in sorted(detectors.items()):
            raws[exposure] = Raws(self._exposures[exposure], tuple(sorted(numbers)))
        return raws

    def running(self, look: KindLook) -> str:
        """Return how it is known that a pipeline of these runs.

        Parameters
        ----------
        look
            What was seen so far.
        """
        outputs = set()
        # One that was begun before the chain moved has another letter.
        for attempt in self._record.attempts:
            if attempt.kind == self._kind:
                outputs.add(attempt.output)
        # Where nothing is missing, nobody needs to know where batches are.
        if not look.without or not outputs:
            return ""
        runner = self._places.batches(self._day.repository)
        for output in sorted(outputs):
            submission = self._day.submission(
                self._kind,
                output,
                look.without,
            )
            batch = runner.look(submission)
            if batch.state is BatchState.RUNNING:
                return batch.detail
        return ""

    def gather(self, run: str) -> None:
        """Add the results of a RUN, where no newer one is known.

        Parameters
        ----------
        run
            A RUN below one of the day's outputs.
        """
        output, _, _ = run.rpartition("/")
        expected = self._day.by_exposure(self._kind, output)
        measured: _Measured | None = None
        for statistics in self._reader.statistics(run, expected):
            data_id = parse_data_id(statistics.data_id)
            exposure = int(data_id["exposure"])
            if exposure in self.results:
                continue
            kept = self._record.result_of(exposure)
            # What was kept of this very dataset is not read again.
            if kept and kept.uuid == statistics.uuid:
                self.results[exposure] = kept
                continue
            # What was measured fills many files, and is read only once.
            if measured is None:
                measured = self.measured(run, output)
            of_exposure = measured.get(exposure, {})
            against = self._record.against(output, exposure)
            detectors = detector_results(statistics, of_exposure)
            result = ExposureResult(
                kind=self._kind,
                exposure=exposure,
                uuid=statistics.uuid,
                run=run,
                against=against,
                raws=self._record.raws_of(exposure),
                detectors=detectors,
            )
            self.results[exposure] = result

    def measured(self, run: str, output: str) -> _Measured:
        """Return what a RUN measured, by exposure and name of detector.

        Parameters
        ----------
        run
            The RUN.
        output
            The output that it is below.
        """
        measured: _Measured = {}
        expected = self._day.by_detector(self._kind, output)
        names = self._reader.detectors(self._day.daily.instrument)
        for statistics in self._reader.statistics(run, expected):
            data_id = parse_data_id(statistics.data_id)
            number = int(data_id["detector"])
            exposure = int(data_id["exposure"])
            of_exposure = measured.setdefault(exposure, {})
            # A detector is called as in the statistics of its exposure.
            name = names.get(number, f"detector {number}")
            of_exposure[name] = measured_detector(number, statistics)
        return measured


def _first_fitting(outputs: Mapping[str, SeenOutput], searched: tuple[str, ...]) -> str:
    """Return the first letter that pipetask would write to."""
    for name, output in outputs.items():
        # pipetask adds to no output that was begun with other inputs.
        fits = output.inputs == searched
        if fits or not output.is_there:
            return name
    raise RefusedError(
        Diagnostic(
            "No letter is left",
            f"All of {', '.join(outputs)} were made when other collections were searched.",
            hint="Remove outputs of that day that nobody needs.",
        )
    )
