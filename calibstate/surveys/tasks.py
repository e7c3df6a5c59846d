"""Say what a person must do, and by which command.

What calibstate does by itself once it is run, such as waiting for a wave or
for Rucio, is nobody's task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..model.approvals import Approved, SealState
from ..model.desired import DesiredState
from ..model.drift import What
from ..model.names import ARCHIVE, InstrumentName, RepositoryAddress, TicketKey
from ..model.pages import Standing, Task, TaskSort
from ..model.reviews import PublishedReview
from ..model.status import State, Status, Subject, Table
from .standings import Departures, departures_at, several

__all__ = ["Tasks"]

_UNTIL_DONE = (
    State.MISSING,
    State.NOT_SEARCHED,
    State.UNWANTED,
    State.MISORDERED,
)
"""States that steps of a plan would end."""

_LEFT_ALONE = (
    State.CHANGED,
    State.REFUSED,
)
"""States that no step ends."""


@dataclass(frozen=True)
class Tasks:
    """What a person must do about a tree and its repositories."""

    desired: DesiredState
    status: Status
    standings: Sequence[Standing]
    approvals: Sequence[Approved]
    reviews: Mapping[RepositoryAddress, PublishedReview]

    def all(self) -> tuple[Task, ...]:
        """Return all of them, the most urgent first."""
        tasks: list[Task] = []
        tasks.extend(self.about_seals())
        for standing in self.standings:
            tasks.extend(self.about_sight(standing))
            # What was seen too long ago is to be looked at again first.
            if standing.word != State.UNREACHABLE.value:
                tasks.extend(self.about_departures(standing))
            tasks.extend(self.about_reviews(standing))
        tasks.extend(self.about_archive())
        order = list(TaskSort)
        tasks.sort(key=lambda task: order.index(task.sort))
        return tuple(tasks)

    def about_seals(self) -> Iterator[Task]:
        """Yield tickets that are not sealed as they were approved."""
        for approved in self.approvals:
            if approved.seal is not SealState.DIFFERS:
                continue
            words = "is not sealed as it was approved, so nothing of it is deployed. Compare the two:"
            yield Task(
                TaskSort.SEAL,
                approved.instrument,
                approved.ticket,
                words,
                f"calibstate approvals --ticket {approved.name}",
            )

    def about_sight(self, standing: Standing) -> Iterator[Task]:
        """Yield that a repository is to be looked at again."""
        if standing.word != State.UNREACHABLE.value:
            return
        # Without a sight nothing else can be told of it.
        words = "has never been seen. Look there:"
        if standing.age:
            day, _, _ = standing.age.at.partition("T")
            words = f"has not been seen since {day}."
            departures = "; ".join(standing.why)
            # Whoever acts on what may be gone by now does harm.
            if departures:
                words += f" When last seen: {departures}. Look again before anything is done:"
            else:
                words += " Look again there:"
        yield self.there(standing, TaskSort.LOOK, words, look_at(standing.repository))

    def about_departures(self, standing: Standing) -> Iterator[Task]:
        """Yield what is to be done about what departs at a repository."""
        table, index = self.column(standing)
        # Nobody is to do anything where all is on hold.
        if table.columns[index].hold is not None:
            return
        site = standing.repository.site
        by_state: dict[State, Departures] = {}
        for departures in departures_at(table, index):
            by_state[departures.state] = departures
        undone: list[str] = []
        for state in _UNTIL_DONE:
            if state in by_state:
                undone.append(by_state[state].words)
        if undone:
            words = f"is not as declared: {'; '.join(undone)}."
            date = self.adopted_since(table, index)
            if date:
                words += f" Adopted since {date}."
            command = f"calibstate apply --site {site} && calibstate verify --site {site} --publish"
            yield self.there(standing, TaskSort.DEPLOY, f"{words} Then:", command)
        for state in _LEFT_ALONE:
            if state not in by_state:
                continue
            words = f"{by_state[state].words}. Nothing is done to it; look why:"
            command = f"calibstate drift --site {site}"
            yield self.there(standing, TaskSort.DEPLOY, words, command)
        # No command of ours takes off what others put there.
        extra = by_state.get(State.EXTRA)
        if extra:
            words = f"searches {several(extra.names)}, which no file names. "
            words += "Ask its owner, then declare it or take it off."
            yield self.there(standing, TaskSort.EXTRA, words)

    def about_reviews(self, standing: Standing) -> Iterator[Task]:
        """Yield that tickets of an instrument fail their reviews there."""
        review = self.reviews.get(standing.repository)
        if review is None:
            return
        failing: list[str] = []
        reviewed = 0
        for name, result in review.tickets.items():
            instrument, _, ticket = name.partition("/")
            key = TicketKey(instrument, ticket)
            # Reviews of tickets that nobody declares any more are history.
            if instrument != standing.instrument or key not in self.desired.tickets:
                continue
            reviewed += 1
            if not result.passed:
                failing.append(ticket)
        if failing:
            words = f"fails {len(failing)} of {reviewed} reviews: {several(failing)}. See why:"
            command = f"calibstate verify --repository {standing.repository}"
            yield self.there(standing, TaskSort.REVIEW, words, command)

    def about_archive(self) -> Iterator[Task]:
        """Yield what the archive lacks, by instrument."""
        # One task for an instrument, however many tickets.
        lacking: dict[InstrumentName, list[str]] = {}
        for drift in self.status.beside:
            if drift.target.place != ARCHIVE or drift.what is not What.MISSING:
                continue
            instrument, _, ticket = drift.ticket.partition("/")
            if ticket:
                lacking.setdefault(instrument, []).append(ticket)
        for instrument, names in sorted(lacking.items()):
            # Only where calibrations are made anybody can export them.
            origin = self.desired.origin(instrument)
            command = ""
            words = f"lacks {several(names)}."
            if origin:
                command = f"calibstate apply --site {origin.site}"
            for standing in self.standings:
                # Of an old sight it is not known what can be exported.
                is_old = standing.word == State.UNREACHABLE.value
                if standing.repository == origin and is_old:
                    words += f" {origin} has not been seen for long. Look again there first:"
                    command = look_at(origin)
                    break
            yield Task(
                TaskSort.ARCHIVE,
                instrument,
                "the archive",
                words,
                command,
                origin,
            )

    def there(
        self,
        standing: Standing,
        sort: TaskSort,
        words: str,
        command: str = "",
    ) -> Task:
        """Return a task at a repository."""
        return Task(
            sort,
            standing.instrument,
            standing.repository,
            words,
            command,
            standing.repository,
        )

    def column(self, standing: Standing) -> tuple[Table, int]:
        """Return where a repository stands in the tables."""
        for table in self.status.tables:
            if table.instrument != standing.instrument:
                continue
            for index, column in enumerate(table.columns):
                if column.repository == standing.repository:
                    return table, index
        # Standings are made of these very tables.
        raise AssertionError(standing.repository)

    def adopted_since(self, table: Table, index: int) -> str:
        """Return the first day on which something undone was adopted."""
        dates: list[str] = []
        for row in table.rows:
            if row.subject is not Subject.TICKET:
                continue
            if row.cells[index].state not in _UNTIL_DONE:
                continue
            key = TicketKey(table.instrument, row.name)
            written = self.desired.tickets.get(key)
            if written and written.noun.approval.date:
                dates.append(written.noun.approval.date)
        return min(dates, default="")


def look_at(address: RepositoryAddress) -> str:
    """Return the command that looks at a repository for those elsewhere."""
    return f"calibstate observe --repository {address} --publish"
