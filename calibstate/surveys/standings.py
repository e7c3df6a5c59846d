"""Say how each repository stands, in a word, and what a person must do there.

Nothing is compared here: it is the drift that a plan tells, gathered by
repository.  A sight that is too old counts as no sight: what it showed is told
as what was seen last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..model.approvals import Approved, SealState
from ..model.desired import DesiredState
from ..model.drift import Drift, What
from ..model.names import ARCHIVE, InstrumentName, RepositoryAddress, TicketKey
from ..model.pages import IN_SYNC, Standing, Task, TaskSort
from ..model.reviews import PublishedReview
from ..model.seen import Seen, SeenPlaces
from ..model.status import Cell, State, Status, Subject, Table

__all__ = ["standings", "tasks"]

_DEPARTURES = (
    State.CHANGED,
    State.REFUSED,
    State.UNWANTED,
    State.MISSING,
    State.NOT_SEARCHED,
    State.ON_HOLD,
    State.PENDING,
    State.MISORDERED,
    State.EXTRA,
)
"""States that say that live is not as declared; the gravest first."""

_WITH_REASON = frozenset({State.REFUSED, State.ON_HOLD, State.PENDING})
"""Those that say little without their reason."""

_UNTIL_DONE = (State.MISSING, State.NOT_SEARCHED, State.UNWANTED, State.MISORDERED)
"""Those that steps of a plan would end."""

_MOST_NAMED = 5
"""Things that are named one by one."""


@dataclass(frozen=True)
class _Departures:
    """What of one state there is at a repository."""

    state: State
    names: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        """What departs, and why where that is needed to understand it."""
        words = f"{_several(self.names)} {self.state.value}"
        if self.reasons and self.state in _WITH_REASON:
            words += f": {'; '.join(self.reasons)}"
        return words


def standings(
    desired: DesiredState,
    status: Status,
    seen: SeenPlaces,
) -> tuple[Standing, ...]:
    """Return how each repository stands.

    Parameters
    ----------
    desired
        What is declared.
    status
        How it stands with tickets.
    seen
        When the repositories were seen.
    """
    waves: dict[str, int] = {}
    for number, wave in enumerate(desired.settings.noun.waves, 1):
        waves.update(dict.fromkeys(wave, number))
    all_standings: list[Standing] = []
    for table in status.tables:
        origin = desired.origin(table.instrument)
        for index, column in enumerate(table.columns):
            address = column.repository
            departures = _departures_at(table, index)
            when_seen = seen.get(address)
            standing = Standing(
                instrument=table.instrument,
                repository=address,
                wave=waves.get(address.site, 0),
                is_origin=address == origin,
                word=_word(departures, when_seen),
                why=tuple(departure.words for departure in departures),
                seen=when_seen,
            )
            all_standings.append(standing)
    return tuple(all_standings)


def _word(departures: Sequence[_Departures], seen: Seen | None) -> str:
    # Never greener than its age.
    if seen is None or seen.stale:
        return State.UNREACHABLE.value
    gravest = State.gravest(departure.state for departure in departures)
    if gravest is None:
        return IN_SYNC
    return gravest.value


def _departures_at(table: Table, index: int) -> list[_Departures]:
    """Return what departs in a column, the gravest first."""
    names: dict[State, list[str]] = {}
    reasons: dict[State, dict[str, None]] = {}
    for row in table.rows:
        cell: Cell = row.cells[index]
        if cell.state not in _DEPARTURES:
            continue
        names.setdefault(cell.state, []).append(row.name)
        if cell.reason:
            reasons.setdefault(cell.state, {})[cell.reason] = None
    departures: list[_Departures] = []
    for state in _DEPARTURES:
        if state in names:
            because = tuple(reasons.get(state, ()))
            departures.append(_Departures(state, tuple(names[state]), because))
    return departures


def tasks(
    desired: DesiredState,
    status: Status,
    standings: Sequence[Standing],
    approvals: Sequence[Approved],
    reviews: Mapping[RepositoryAddress, PublishedReview],
) -> tuple[Task, ...]:
    """Return what a person must do, the most urgent first.

    Parameters
    ----------
    desired
        What is declared.
    status
        How it stands with tickets.
    standings
        How the repositories stand.
    approvals
        What was approved.
    reviews
        What reviews of the repositories showed.
    """
    everything: list[Task] = []
    everything.extend(_of_seals(approvals))
    for standing in standings:
        table = _table_of(status, standing.instrument)
        everything.extend(_of_repository(desired, table, standing))
        review = reviews.get(standing.repository)
        if review:
            everything.extend(_of_review(desired, standing, review))
    everything.extend(_of_archive(desired, status.beside))
    order = list(TaskSort)
    everything.sort(key=lambda task: order.index(task.sort))
    return tuple(everything)


def _table_of(status: Status, instrument: InstrumentName) -> Table:
    (table,) = (table for table in status.tables if table.instrument == instrument)
    return table


def _of_seals(approvals: Sequence[Approved]) -> Iterator[Task]:
    for approved in approvals:
        if approved.seal is SealState.DIFFERS:
            yield Task(
                TaskSort.SEAL,
                approved.instrument,
                approved.ticket,
                "is not sealed as it was approved, so nothing of it is deployed. Compare the two.",
                f"calibstate approvals --ticket {approved.name}",
            )


def _of_repository(desired: DesiredState, table: Table, standing: Standing) -> Iterator[Task]:
    instrument = standing.instrument
    address = standing.repository
    if standing.word == State.UNREACHABLE.value:
        words = "has never been seen. Look there:"
        if standing.seen:
            words = f"has not been seen since {standing.seen.at[:10]}. Look again there:"
        command = f"calibstate observe --repository {address} --publish"
        yield Task(TaskSort.LOOK, instrument, address, words, command, address)
    (index,) = (number for number, column in enumerate(table.columns) if column.repository == address)
    # Nobody is to do anything where all is on hold.
    if table.columns[index].hold is None:
        yield from _of_departures(desired, table, index)


def _of_departures(desired: DesiredState, table: Table, index: int) -> Iterator[Task]:
    """Yield what a person must do about a column."""
    instrument = table.instrument
    address = table.columns[index].repository
    site = address.site
    by_state = {departures.state: departures for departures in _departures_at(table, index)}
    lacking: list[str] = []
    for state in _UNTIL_DONE:
        if state in by_state:
            lacking.append(by_state[state].words)
    if lacking:
        words = f"is not as declared: {'; '.join(lacking)}."
        date = _adopted_since(desired, table, index)
        if date:
            words += f" Adopted since {date}."
        command = f"calibstate apply --site {site} && calibstate verify --site {site} --publish"
        yield Task(TaskSort.DEPLOY, instrument, address, f"{words} Then:", command, address)
    for state in (State.CHANGED, State.REFUSED):
        if state in by_state:
            words = f"{by_state[state].words}. Nothing is done to it; look why:"
            command = f"calibstate drift --site {site}"
            yield Task(TaskSort.DEPLOY, instrument, address, words, command, address)
    extra = by_state.get(State.EXTRA)
    if extra:
        words = f"searches {_several(extra.names)}, which no file names. "
        words += "Ask its owner, then declare it or take it off."
        yield Task(TaskSort.EXTRA, instrument, address, words, "", address)


def _adopted_since(desired: DesiredState, table: Table, index: int) -> str:
    """Return the first day on which something missing was adopted."""
    dates: list[str] = []
    for row in table.rows:
        if row.subject is not Subject.TICKET or row.cells[index].state not in _UNTIL_DONE:
            continue
        written = desired.tickets.get(TicketKey(table.instrument, row.name))
        if written and written.noun.approval.date:
            dates.append(written.noun.approval.date)
    return min(dates, default="")


def _of_review(desired: DesiredState, standing: Standing, review: PublishedReview) -> Iterator[Task]:
    failing: list[str] = []
    reviewed = 0
    for name, found in review.tickets.items():
        instrument, _, ticket = name.partition("/")
        if instrument != standing.instrument or TicketKey(instrument, ticket) not in desired.tickets:
            continue
        reviewed += 1
        if not found.passed:
            failing.append(ticket)
    if failing:
        words = f"fails {len(failing)} of {reviewed} reviews: {_several(tuple(failing))}. See why:"
        command = f"calibstate verify --repository {standing.repository}"
        yield Task(
            TaskSort.REVIEW,
            standing.instrument,
            standing.repository,
            words,
            command,
            standing.repository,
        )


def _of_archive(desired: DesiredState, beside: Sequence[Drift]) -> Iterator[Task]:
    """Yield what the archive lacks, by instrument."""
    lacking: dict[InstrumentName, list[str]] = {}
    for drift in beside:
        if drift.target.place != ARCHIVE or drift.what is not What.MISSING:
            continue
        instrument, _, ticket = drift.ticket.partition("/")
        if ticket:
            lacking.setdefault(instrument, []).append(ticket)
    for instrument, names in sorted(lacking.items()):
        origin = desired.origin(instrument)
        command = ""
        if origin:
            command = f"calibstate apply --site {origin.site}"
        words = f"lacks {_several(tuple(names))}."
        yield Task(TaskSort.ARCHIVE, instrument, "the archive", words, command, origin)


def _several(names: Sequence[str]) -> str:
    """Return names as a list, of many only the first."""
    shown = list(names[:_MOST_NAMED])
    more = len(names) - len(shown)
    if more:
        shown.append(f"{more} more")
    return ", ".join(shown)
