"""Verify the calibration exposures of a day, and tell what came of it.

Without ``run`` nothing is written.  What has a result is never verified
twice, so it can be run every hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from ..constructing.alarms import NightsBefore, alarms_of
from ..constructing.daily import DayLook, KindLook, look_at_day
from ..constructing.dailymetrics import metrics_of
from ..constructing.exposures import listed
from ..constructing.taking import why_not
from ..engine.hold import Patience
from ..errors import CalibstateError, Diagnostic, LockedError, RefusedError, UnreachableError, UsageError
from ..factory.metrics import metric_store
from ..factory.traced import traced
from ..lookups.searched import tickets_of_collections
from ..model.daily import Daily, VerifiedDay
from ..model.dailyrecords import DailyAttempt, DailyRecord
from ..model.desired import DesiredState, Written
from ..model.names import RepositoryAddress
from ..model.number_ranges import as_ranges
from ..model.repositories import SiteConstruction
from ..model.results.daily import DailyShown, DailyVerdict, ExposureVerdict, Sending
from ..model.submissions import PipelineSubmission
from ..ports.daily import DailyRecords
from ..ports.metrics import MetricStore
from ..ports.records import Locks
from .alarms import tell_alarms
from .scoping import undeclared
from .session import Session
from .telling import Telling

if TYPE_CHECKING:
    from ..factory.places import Places

_MOST = 3
"""Causes that a message names."""

__all__ = ["DailyRun", "Verifying", "alone", "daily_file", "daily_of", "lock_of", "repository_of", "show"]


@dataclass(frozen=True)
class Verifying:
    """A day of an instrument that is verified."""

    session: Session
    places: Places
    day: VerifiedDay

    @property
    def daily(self) -> Daily:
        """How it is verified."""
        return self.day.daily

    @cached_property
    def records(self) -> DailyRecords:
        """What is kept of it."""
        return self.places.daily_records(self.day.repository, self.daily.instrument)

    def look(self) -> DayLook:
        """Look which exposures have a result."""
        tickets = tickets_of_collections(self.session.desired)
        with self.session.listener.progress("looking at exposures"):
            return look_at_day(self.day, self.records.read(self.day.day), self.places, tickets)


def daily_of(session: Session, instrument: str, day: int) -> Verifying:
    """Return a day of an instrument, as it is declared to be verified.

    Parameters
    ----------
    session
        What the state tree declares.
    instrument
        The camera.
    day
        Observing day, ``YYYYMMDD``.

    Raises
    ------
    RefusedError
        The day is before the first one that is verified.
    UsageError
        No file says how exposures of the instrument are verified.
    """
    files = _files(session.desired)
    written = files.get(instrument)
    if written is None:
        raise undeclared("instrument with a file in daily/", instrument, files)
    daily = written.noun
    if day < daily.since_day:
        raise RefusedError(
            Diagnostic(
                "Day is not verified",
                f"{day} is before {daily.since}, since when exposures of {instrument} are verified.",
                written.lines.value_at("since"),
                hint="Name a later day with --day, or write an earlier one under `since`.",
            )
        )
    repository = repository_of(session.desired, instrument)
    site, _ = session.desired.repository(repository)
    settings = site.construction or SiteConstruction()
    verified = VerifiedDay(daily, repository, day, settings.user_prefix)
    return Verifying(session, session.places(), verified)


def daily_file(desired: DesiredState, instrument: str) -> Daily | None:
    """Return how exposures of an instrument are verified; `None`: not.

    Parameters
    ----------
    desired
        What the state tree declares.
    instrument
        The camera.
    """
    written = _files(desired).get(instrument)
    return written.noun if written else None


def repository_of(desired: DesiredState, instrument: str) -> RepositoryAddress:
    """Return where exposures of an instrument are verified.

    Parameters
    ----------
    desired
        What the state tree declares.
    instrument
        One that has a file of daily verification.
    """
    at = _files(desired)[instrument].noun.at
    if at is not None:
        return RepositoryAddress(at)
    origin = desired.origin(instrument)
    assert origin, "a tree without one was refused"
    return origin


def _files(desired: DesiredState) -> Mapping[str, Written[Daily]]:
    files: Any = desired.own.get("daily", {})
    return cast(Mapping[str, Written[Daily]], files)


def lock_of(instrument: str) -> str:
    """Return what is held while exposures of an instrument are verified.

    It is no repository: deploying need not wait for a pipeline.
    """
    return f"daily/{instrument}"


@contextmanager
def alone(verifying: Verifying, lock_timeout: timedelta) -> Iterator[Locks]:
    """Keep others from verifying the same exposures, and give what does so.

    Parameters
    ----------
    verifying
        The day.
    lock_timeout
        How long is waited for another run.

    Raises
    ------
    LockedError
        Another run verifies exposures of the instrument.
    """
    session = verifying.session
    instrument = verifying.daily.instrument
    records = verifying.places.records(verifying.day.repository)
    patience = Patience(
        lock_timeout,
        session.listener.note,
        session.stop,
        session.stop.sleep,
    )
    hold = partial(
        records.locks.hold,
        lock_of(instrument),
        why=f"daily {instrument}",
    )
    with ExitStack() as stack:
        word = patience.enter(stack, hold)
        if word:
            session.listener.note(word)
        yield records.locks


def show(verifying: Verifying) -> DailyShown:
    """Return which exposures of a day have a result, and what it says.

    Parameters
    ----------
    verifying
        The day.
    """
    return _shown(verifying, verifying.look())


def _shown(verifying: Verifying, look: DayLook, new: Sequence[int] = ()) -> DailyShown:
    daily = verifying.daily
    exposures: list[ExposureVerdict] = []
    for kind in look.kinds:
        for exposure in kind.exposures:
            verdict = _verdict(kind, exposure, look)
            verdict = replace(verdict, is_new=exposure in new)
            exposures.append(verdict)
    return DailyShown(
        daily.instrument,
        verifying.day.repository,
        daily.chain,
        verifying.day.day,
        tuple(exposures),
        alarms_of(daily, look.record, verifying.records),
    )


def _verdict(kind: KindLook, exposure: int, look: DayLook) -> ExposureVerdict:
    """Return what is known of an exposure."""
    raws = kind.raws[exposure]
    result = look.record.result_of(exposure)
    if result is None or exposure in kind.without:
        verdict = DailyVerdict.RUNNING if kind.running else DailyVerdict.NONE
        return ExposureVerdict(kind.kind, exposure, verdict, physical_filter=raws.physical_filter)
    # Of what nobody wrote down nobody can say that it is stale.
    now = ""
    is_stale = False
    if result.against:
        now = look.again(result.against).fingerprint
        is_stale = now != result.against.fingerprint
    verdict = DailyVerdict.PASSED
    if result.has_failed:
        verdict = DailyVerdict.FAILED
    # However it ended, it says nothing of what is effective now.
    if is_stale:
        verdict = DailyVerdict.STALE
    return ExposureVerdict(
        kind.kind,
        exposure,
        verdict,
        run=result.run,
        against=result.against,
        now=now,
        detectors=result.detectors,
        physical_filter=raws.physical_filter,
        without=as_ranges(result.without(raws.detectors)),
    )


def _store_of(verifying: Verifying) -> MetricStore:
    """Return where metrics are sent."""
    daily = verifying.daily
    if daily.send is None:
        file = _files(verifying.session.desired)[daily.instrument]
        raise UsageError(
            Diagnostic(
                "Nowhere to send",
                f"Nothing says where the metrics of {daily.instrument} are sent.",
                file.lines.at("instrument"),
                hint="Give `send: {sasquatch: {url: https://…, namespace: lsst.dm}}`.",
            )
        )
    session = verifying.session
    store = metric_store(daily.send.sasquatch, session.timeout)
    return traced(store, "Sasquatch", session.requests)


@dataclass
class DailyRun:
    """One run that verifies what has no result, or sends metrics."""

    verifying: Verifying

    verifies: bool = True
    """Whether exposures without a result are verified."""

    sends: bool = False
    """Whether metrics are sent that were not sent yet."""

    again: bool = False
    """Whether what is stale is verified once more."""

    lock_timeout: timedelta = timedelta()
    """How long is waited for another run."""

    telling: Telling = field(default_factory=Telling)
    """How people are told of alarms."""

    problems: list[Diagnostic] = field(default_factory=list)
    """What kept exposures from being verified."""

    _submitted: dict[str, tuple[PipelineSubmission, tuple[int, ...]]] = field(default_factory=dict)
    """What was run, and for which exposures, by sort."""

    _kept: DailyRecord | None = None
    """What the store holds of the day."""

    def run(self) -> DailyShown:
        """Verify the exposures that have no result, one run for each sort.

        Raises
        ------
        LockedError
            Another run verifies exposures of the instrument.
        RefusedError
            As of `look_at_day`.
        UsageError
            Metrics are to be sent, and nobody says where to.
        """
        verifying = self.verifying
        store = _store_of(verifying) if self.sends else None
        with alone(verifying, self.lock_timeout) as locks:
            look = verifying.look()
            self._kept = verifying.records.read(verifying.day.day)
            before = {result.exposure: result.uuid for result in look.record.results}
            for kind in look.kinds:
                if verifying.session.stop() or not self.verifies:
                    break
                wanted = self.wanted(kind, look)
                # What runs already goes on without us.
                if wanted and not kind.running:
                    look = replace(look, record=self._verify(kind, wanted, look, locks))
            look = verifying.look()
            if look.record.results or look.record.attempts:
                self._keep(look.record)
            self.problems.extend(self._not_verified(look))
            sending = self.send(look.record, store) if store else None
            self.alarm(look)
        # One that was verified again has another dataset.
        new = []
        for result in look.record.results:
            if before.get(result.exposure) != result.uuid:
                new.append(result.exposure)
        return replace(
            _shown(verifying, look, new),
            has_run=self.verifies,
            is_interrupted=verifying.session.stop(),
            problems=tuple(self.problems),
            sending=sending,
        )

    def wanted(self, kind: KindLook, look: DayLook) -> tuple[int, ...]:
        """Return the exposures of a sort that are to be verified now.

        Parameters
        ----------
        kind
            What was seen of the sort.
        look
            What was seen of the day.
        """
        wanted = list(kind.without)
        if not self.again:
            return tuple(wanted)
        for exposure in kind.exposures:
            verdict = _verdict(kind, exposure, look)
            if verdict.verdict is DailyVerdict.STALE:
                wanted.append(exposure)
        return tuple(sorted(wanted))

    def _verify(
        self,
        kind: KindLook,
        wanted: tuple[int, ...],
        look: DayLook,
        locks: Locks,
    ) -> DailyRecord:
        """Run the pipeline of a sort, and return what is kept by now."""
        day = self.verifying.day
        session = self.verifying.session
        runner = self.verifying.places.batches(day.repository)
        submission = day.submission(kind.kind, kind.output, wanted)
        record = look.record
        try:
            types = runner.takes(submission) or ()
            needs = runner.needs(submission) or ()
            left = look.what_can_be_verified(kind, wanted, needs)
            self.problems.extend(why_not(left, kind.kind, self.verifying.daily.chain))
            if not left.exposures:
                return record
            results = map(record.result_of, left.exposures)
            submission = day.submission(
                kind.kind,
                kind.output,
                left.exposures,
                left.without,
                [result.uuid for result in results if result],
            )
            # Written down first: of a run that is cut off nobody could say
            # later what its results were verified against.
            for against, exposures in look.by_what_they_take(kind, left.exposures, types).items():
                attempt = DailyAttempt(
                    kind=kind.kind,
                    exposures=exposures,
                    raws=tuple(len(kind.raws[exposure].detectors) for exposure in exposures),
                    output=kind.output,
                    against=against,
                    begun=session.utc_now(),
                )
                record = record.with_attempt(attempt)
            self._keep(record)
            runner.leave_when(session.stop)
            fence = partial(locks.check, lock_of(self.verifying.daily.instrument))
            with session.listener.progress(f"verifying {kind.kind}") as watch:
                runner.submit(submission, watch, fence)
        except (LockedError, UnreachableError):
            raise
        except CalibstateError as error:
            # The other sorts are verified all the same.
            self.problems.extend(error.diagnostics)
        else:
            self._submitted[kind.kind] = (submission, left.exposures)
        return record

    def alarm(self, look: DayLook) -> None:
        """Tell people of alarms that they do not know of.

        Parameters
        ----------
        look
            What was seen of the day.
        """
        verifying = self.verifying
        record = self._kept or look.record
        after, problems = tell_alarms(
            verifying.session,
            _shown(verifying, look),
            record,
            NightsBefore(verifying.day.day, verifying.records),
            self.telling,
        )
        self.problems.extend(problems)
        if after.told != record.told:
            self._keep(after)

    def _keep(self, record: DailyRecord) -> None:
        """Keep what is known of the day, where that is new."""
        if record != self._kept:
            self.verifying.records.keep(record)
        self._kept = record

    def send(self, record: DailyRecord, store: MetricStore) -> Sending:
        """Send the metrics that were not sent yet, and keep which were.

        Parameters
        ----------
        record
            What is kept of the day.
        store
            Where they are sent.
        """
        daily = self.verifying.daily
        assert daily.send, "there is a store"
        everything = list(metrics_of(record))
        wanted = [metric for metric in everything if metric.id not in record.sent]
        sent: list[str] = []

        def taken(ids: Sequence[str]) -> None:
            # At once: who is cut off here sends the rest only.
            sent.extend(ids)
            self._keep(record.with_sent(sent))

        problem: Diagnostic | None = None
        try:
            with self.verifying.session.listener.progress("sending metrics"):
                store.send(wanted, taken)
        except UnreachableError as error:
            problem = error.first
        return Sending(
            daily.send.sasquatch.url,
            sent=len(sent),
            before=len(everything) - len(wanted),
            unsent=len(wanted) - len(sent),
            problem=problem,
        )

    def _not_verified(self, look: DayLook) -> Iterator[Diagnostic]:
        """Yield why exposures have no result although their pipeline ran."""
        runner = self.verifying.places.batches(self.verifying.day.repository)
        for kind in look.kinds:
            submission, exposures = self._submitted.get(kind.kind, (None, ()))
            without = set(exposures).intersection(kind.without)
            if submission is None or kind.running or not without:
                continue
            words = []
            for cause in runner.causes(submission):
                error = cause.error.rstrip(".")
                words.append(f"{cause.task} {cause.data_id}: {error}")
            why = "; ".join(words[:_MOST]) or "nobody tells why"
            yield Diagnostic(
                "Exposures were not verified",
                f"The pipeline of {kind.kind} ran, without a result for {listed(without)}: {why}.",
                hint=f"See the log: {runner.look(submission).log}.",
            )
