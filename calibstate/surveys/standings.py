"""Say how each repository stands, in a word, and what departs there.

Nothing is compared here: it is the drift that a plan tells, gathered by
repository.  A sight that is too old counts as no sight: what it showed is told
as what was seen last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.desired import DesiredState
from ..model.pages import IN_SYNC, Standing
from ..model.seen import SeenPlaces
from ..model.status import DEPARTURES, State, Status, Table

__all__ = ["Departures", "departures_at", "several", "standings"]

_WITH_REASON = frozenset(
    {
        State.REFUSED,
        State.ON_HOLD,
        State.PENDING,
    }
)
"""Those that say little without their reason."""

_MOST_NAMED = 5
"""Things that are named one by one."""


@dataclass(frozen=True)
class Departures:
    """What of one state there is at a repository."""

    state: State
    names: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        """What departs, and why where that is needed to understand it."""
        names = several(self.names)
        words = f"{names} {self.state.value}"
        if self.reasons and self.state in _WITH_REASON:
            because = "; ".join(self.reasons)
            words += f": {because}"
        return words


def standings(
    desired: DesiredState,
    status: Status,
    ages: SeenPlaces,
) -> tuple[Standing, ...]:
    """Return how each repository stands.

    Parameters
    ----------
    desired
        What is declared.
    status
        How it stands with tickets.
    ages
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
            age = ages.get(address)
            departures = departures_at(table, index)
            gravest = State.gravest(each.state for each in departures)
            word = IN_SYNC
            if gravest:
                word = gravest.value
            # Never greener than its age.
            if age is None or age.stale:
                word = State.UNREACHABLE.value
            why = [each.words for each in departures]
            standing = Standing(
                instrument=table.instrument,
                repository=address,
                wave=waves.get(address.site, 0),
                is_origin=address == origin,
                word=word,
                why=tuple(why),
                age=age,
            )
            all_standings.append(standing)
    return tuple(all_standings)


def departures_at(table: Table, index: int) -> list[Departures]:
    """Return what departs in a column of a table, the gravest first.

    Parameters
    ----------
    table
        How it stands with an instrument.
    index
        Which column.
    """
    names: dict[State, list[str]] = {}
    reasons: dict[State, dict[str, None]] = {}
    for row in table.rows:
        cell = row.cells[index]
        if cell.state not in DEPARTURES:
            continue
        names.setdefault(cell.state, []).append(row.name)
        # Many wait for the same, which is told once.
        if cell.reason:
            reasons.setdefault(cell.state, {})[cell.reason] = None
    departures: list[Departures] = []
    for state in DEPARTURES:
        if state not in names:
            continue
        because = reasons.get(state, {})
        departure = Departures(
            state,
            tuple(names[state]),
            tuple(because),
        )
        departures.append(departure)
    return departures


def several(names: Sequence[str]) -> str:
    """Return names as a list, of many only the first."""
    named = list(names[:_MOST_NAMED])
    more = len(names) - len(named)
    if more:
        named.append(f"{more} more")
    return ", ".join(named)
