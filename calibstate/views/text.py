"""Plans, drift and messages as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from rich.text import Text

from ..model.arrivals import Arrival
from ..model.drift import Drift, LastSeen, What, command_for_all
from ..model.looked_at import LookedAt
from ..model.names import with_code_points
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan, Step
from ..model.results.drift import DriftFound
from ..model.results.plans import Applied, PlanMade, SavedPlan
from ..model.seen import SeenPlaces
from .ages import when_last_seen
from .looked_at import looked_at
from .messages import at_line, below, count, counted, indented
from .waiting import Waiting, folded

__all__ = [
    "applied",
    "arrivals",
    "drift",
    "drift_found",
    "drift_tally",
    "last_seen",
    "left_folded",
    "left_undone",
    "outcome",
    "outcome_lines",
    "outcomes_tally",
    "plan",
    "plan_made",
    "plan_of",
    "stays",
    "tally",
    "told_once",
]


STYLES = {
    What.MISSING: "yellow",
    What.CHANGED: "red",
    What.MISORDERED: "yellow",
    What.UNWANTED: "yellow",
    What.EXTRA: "cyan",
    What.UNREACHABLE: "red",
    What.PENDING: "blue",
}

RESULT_STYLES = {
    Result.BEGUN: "dim",
    Result.DONE: "green",
    Result.PENDING: "blue",
    Result.SKIPPED: "yellow",
    Result.STALE: "yellow",
    Result.REFUSED: "red",
    Result.FAILED: "red",
}

_CHANGE_STYLES = {"+": "green", "-": "red"}

MOST_CHANGES = 6
"""Lines of changes that a step shows before it folds them."""

_FIRST_CHANGES = 3
"""Lines of changes that stand before the fold; the last stands behind it."""

_COMES_BY_ITSELF = " What is under way comes by itself: run this again later, or with --wait 30m."
_RUN_AGAIN = " What is not done waits: mend what is told above and run this again."

_REMEDIED = {
    What.MISSING,
    What.UNWANTED,
    What.MISORDERED,
}
"""Drift that steps of a plan close, unless it has a reason to stay."""

_LEFT_UNDONE = (
    What.UNREACHABLE,
    What.CHANGED,
    What.MISSING,
    What.UNWANTED,
    What.MISORDERED,
    What.PENDING,
    What.EXTRA,
)
"""Drift that is left, in the order of a tally."""


_DETAIL = 14
"""Characters in front of what is told of drift."""

_PLACE = attrgetter("target.place")
_PLACE_OF_STEP = attrgetter("action.target.place")
_LIKENESS = attrgetter("what", "target.kind", "detail")
"""What drift has in common that is shown together."""


# --- drift ---


def drift(departures: Iterable[Drift], *, everything: bool = False) -> Iterator[Text]:
    """Yield drift, place by place; what is alike is shown together.

    Parameters
    ----------
    departures
        The drift.
    everything
        Whether each thing that waits is told of, also where many wait for the
        same.
    """
    waiting: Sequence[Waiting] = ()
    others: Iterable[Drift] = departures
    if not everything:
        waiting, others = folded(departures)
    hints = Hints()
    ordered = sorted(others, key=_PLACE)
    for place, group in groupby(ordered, key=_PLACE):
        yield Text(place, "bold")
        for _, alike in groupby(group, key=_LIKENESS):
            departures_alike = list(alike)
            yield _drift_line(departures_alike)
            yield from hints.lines(departures_alike)
    if waiting:
        yield Text("Waits", "bold")
    for group_of_waiting in waiting:
        yield _waiting_line(group_of_waiting)
        yield from hints.lines(group_of_waiting.drift)


def drift_found(result: DriftFound) -> Iterator[Text]:
    """Yield the drift that was found, and what it comes to."""
    departures = result.plan.drift
    yield from drift(departures, everything=result.everything)
    if result.undeclared:
        yield Text("Live chains that nobody declared", "bold")
    for chain in result.undeclared:
        yield Text.assemble(
            f"  {chain.chain} is {chain.words}: ",
            (chain.command, "cyan"),
        )
    command = command_for_all(result.undeclared)
    if command:
        yield Text.assemble("  All at once: ", (command, "cyan"))
    yield from last_seen(result.last_seen, result.ages)
    total = drift_tally(departures, result.scope)
    if result.undeclared:
        words = total.plain.rstrip(".")
        chains = count(result.undeclared, "live chain")
        total = Text(f"{words}; {chains} not declared.", "bold")
    yield total
    if not result.everything:
        yield from left_folded(departures)


def last_seen(repositories: Iterable[LastSeen], ages: SeenPlaces) -> Iterator[Text]:
    """Yield what repositories showed last that were seen too long ago.

    Parameters
    ----------
    repositories
        How they departed then from what is declared today.
    ages
        When that was.
    """
    for repository in repositories:
        address = repository.repository
        when = when_last_seen(ages[address])
        if not repository.drift:
            yield Text.assemble((address, "bold"), f" {when}: as declared")
            continue
        yield Text.assemble((address, "bold"), f" {when}:")
        for _, alike in groupby(repository.drift, key=_LIKENESS):
            yield _drift_line(list(alike))


def left_folded(departures: Iterable[Drift], how: str = "--all") -> Iterator[Text]:
    """Yield how all is told that waits, where it was told in few lines.

    Parameters
    ----------
    departures
        What was told.
    how
        The option that tells of each.
    """
    waiting, _ = folded(departures)
    if waiting:
        yield told_once(how)


def told_once(how: str = "--all") -> Text:
    """Return that what waits for the same was told once."""
    return Text(f"What waits for the same is told once; {how} tells of each.", "dim")


class Hints:
    """What to do, each said where it is met first."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def lines(self, departures: Iterable[Drift]) -> Iterator[Text]:
        """Yield what to do about drift, unless it was said before."""
        for departure in departures:
            if self.is_new(departure.hint):
                yield below(departure.hint, by=_DETAIL)

    def is_new(self, hint: str) -> bool:
        """Say whether there is something to do that was not said before."""
        if not hint or hint in self._given:
            return False
        self._given.add(hint)
        return True


def drift_tally(departures: Iterable[Drift], scope: LookedAt | None = None) -> Text:
    """Say in a line what drift comes to, and where, if not everywhere.

    Parameters
    ----------
    departures
        The drift.
    scope
        What was looked at.
    """
    numbers = counted(_what(departures), What)
    part = looked_at(scope)
    words = "In sync"
    if numbers:
        words = ", ".join(numbers)
    if part and numbers:
        words += f"; looked at {part}"
    elif part:
        words += f": {part}"
    return Text(f"{words}.", "bold")


def _what(departures: Iterable[Drift]) -> list[What]:
    return [departure.what for departure in departures]


def _drift_line(
    alike: list[Drift],
    *,
    with_place: bool = False,
) -> Text:
    """Return drift of several subjects that is alike, as one entry."""
    # The kinds take a while to import, and most lines are of no drift.
    from ..kinds.registry import within

    first = alike[0]
    what = first.what
    # The subject of a place that cannot be seen is the place itself.
    # What is live may differ from what is declared in what no eye sees.
    subjects = ", ".join(with_code_points(departure.subject) for departure in alike)
    if with_place and what is not What.UNREACHABLE:
        place = first.target.place
        subjects = f"{place} {subjects}"
    chain = within(first)
    context = ""
    if chain:
        context = f" in {chain}"
    detail = first.told_here
    # Of several each has a line of its own in the files.
    if len(alike) == 1:
        detail += at_line(first.declared_at)
    return _entry(what, Text.assemble(subjects, (context, "dim")), [detail])


def _waiting_line(waiting: Waiting) -> Text:
    """Return what waits for the same as one entry."""
    why = waiting.why + at_line(waiting.declared_at)
    return _entry(What.PENDING, Text(waiting.names), [f"at {waiting.places}", why])


def _entry(what: What, about: Text, details: Iterable[str]) -> Text:
    """Return a word with what it is about, and details under that."""
    entry = Text.assemble("  ", (f"{what.value:11} ", STYLES[what]), about)
    indent = " " * _DETAIL
    for detail in details:
        entry.append(f"\n{indent}{detail}", "dim")
    return entry


# --- plans ---


def plan(
    planned: Plan,
    scope: LookedAt | None = None,
    *,
    everything: bool = False,
) -> Iterator[Text]:
    """Yield the steps of a plan, what stays undone, and what it comes to.

    Parameters
    ----------
    planned
        The plan.
    scope
        What was looked at for it.
    everything
        Whether each thing that waits is told of.
    """
    # What a step is for stands in a column, behind the longest of the names.
    wide = 0
    for step in planned.steps:
        name = step.action.target.name
        wide = max(wide, len(name))
    # In the order in which they are carried out: a place may come again.
    by_place = groupby(planned.steps, key=_PLACE_OF_STEP)
    for place, steps in by_place:
        yield Text(place, "bold")
        for step in steps:
            yield from _step_lines(step, wide)
    yield from stays(planned, left_undone(planned), everything=everything)
    total = tally(planned, scope)
    yield Text(total, "bold")


def plan_of(result: SavedPlan) -> Iterator[Text]:
    """Yield the plan that a result holds."""
    return plan(result.plan)


def plan_made(result: PlanMade) -> Iterator[Text]:
    """Yield a plan that follows from a look."""
    yield from last_seen(result.last_seen, result.ages)
    yield from plan(result.plan, result.scope, everything=result.everything)
    if not result.everything:
        yield from left_folded(left_undone(result.plan), "`calibstate plan --all`")


def stays(
    planned: Plan,
    undone: Sequence[Drift],
    *,
    everything: bool = False,
) -> Iterator[Text]:
    """Yield what a plan leaves undone, and why.

    Parameters
    ----------
    planned
        The plan.
    undone
        The drift that is not told elsewhere.
    everything
        Whether each thing that waits is told of.
    """
    if undone:
        yield Text("Not mended by this plan", "bold")
    waiting: Sequence[Waiting] = ()
    others = undone
    if not everything:
        waiting, others = folded(undone)
    hints = Hints()
    # Drift that a step closes is shown by the step.
    for _, group in groupby(others, key=_PLACE):
        for _, alike in groupby(group, key=_LIKENESS):
            departures_alike = list(alike)
            yield _drift_line(departures_alike, with_place=True)
            yield from hints.lines(departures_alike)
    for group_of_waiting in waiting:
        yield _waiting_line(group_of_waiting)
        yield from hints.lines(group_of_waiting.drift)
    if planned.refused:
        yield Text("Refused", "bold red")
    # They stand under a heading of their own, and with all that is to be done.
    hints = Hints()
    for refusal in planned.refused:
        place = refusal.target.place
        name = refusal.target.name
        reason = refusal.reason
        where = at_line(refusal.declared_at)
        yield Text(f"  {place} {name}: {reason}{where}")
        if hints.is_new(refusal.hint):
            yield below(refusal.hint, "dim", by=4)


def left_undone(planned: Plan) -> list[Drift]:
    """Return the drift that no step closes, and that nothing refused tells."""
    refused = {refusal.target for refusal in planned.refused}
    undone: list[Drift] = []
    for departure in planned.drift:
        # What a step would close has no reason to stay.
        stays_for_a_reason = bool(departure.reason) and departure.target not in refused
        if departure.what not in _REMEDIED or stays_for_a_reason:
            undone.append(departure)
    return undone


def tally(planned: Plan, scope: LookedAt | None = None) -> str:
    """Say in a line what a plan comes to, and where, if not everywhere.

    Parameters
    ----------
    planned
        The plan.
    scope
        What was looked at for it.
    """
    steps = planned.steps
    if steps:
        places = set(map(_PLACE_OF_STEP, steps))
        number_of_steps = count(steps, "step")
        number_of_places = count(places, "place")
        start = f"{number_of_steps} at {number_of_places}"
    elif planned.drift or planned.refused:
        start = "No steps"
    else:
        start = "In sync: nothing to do"
    parts = [start]
    refused = len(planned.refused)
    if refused:
        parts.append(f"{refused} refused")
    parts += counted(_what(left_undone(planned)), _LEFT_UNDONE)
    words = ", ".join(parts)
    part = looked_at(scope)
    if part:
        words += f"; looked at {part}"
    return f"{words}."


def _step_lines(step: Step, wide: int) -> Iterator[Text]:
    """Yield a step, and what it changes, folded where that is long."""
    number = step.id
    action = step.action
    do = action.do
    name = action.target.name
    because = action.because
    yield Text.assemble(
        f"  {number:>3}  ",
        (f"{do:17}", "green"),
        f" {name:{wide}}",
        (f"  {because}", "dim"),
    )
    changes = list(action.changes())
    if len(changes) > MOST_CHANGES:
        # The first and the last show from where to where it goes.
        first = changes[:_FIRST_CHANGES]
        last = changes[-1]
        more = len(changes) - _FIRST_CHANGES - 1
        fold = f"  … {more} more"
        changes = [*first, fold, last]
    for change in changes:
        mark = change[:1]
        style = _CHANGE_STYLES.get(mark, "dim")
        yield below(change, style, by=7)


# --- outcomes ---


def outcomes_tally(outcomes: Iterable[Outcome]) -> Text:
    """Say in a line what a run came to, and how to go on."""
    results = [outcome.result for outcome in outcomes]
    numbers = ", ".join(counted(results, Result))
    undone = set(results)
    undone.discard(Result.DONE)
    advice = ""
    if undone:
        advice = _RUN_AGAIN
    # What is skipped only waits for what is under way.
    undone.discard(Result.SKIPPED)
    if undone == {Result.PENDING}:
        advice = _COMES_BY_ITSELF
    words = f"{numbers}.{advice}"
    return Text(words, "bold")


def applied(result: Applied) -> Iterator[Text | str]:
    """Yield what a run left undone, and what it came to."""
    if result.ended_by is not None:
        return
    latest = result.latest
    first = result.first
    # What the first plan left undone was shown with it.
    is_same_drift = latest.drift == first.drift
    if not is_same_drift or latest.refused != first.refused:
        # Why a step is not done was told with what became of it.
        without_steps = [departure for departure in latest.drift if departure.what not in _REMEDIED]
        yield from stays(latest, without_steps)
    if result.outcomes:
        yield outcomes_tally(result.outcomes)
    yield from result.passed.sentences


def outcome(ended: Outcome) -> Text:
    """Return what became of a step."""
    step = ended.step
    result = ended.result
    # What was done as it was planned needs no other words.
    detail = ""
    if result is not Result.DONE:
        detail = indented(f"\n{ended.detail}", 7)
    return Text.assemble(
        f"  {step:>3}  ",
        (f"{result.value:8}", RESULT_STYLES[result]),
        f" {ended.action}",
        detail,
    )


def outcome_lines(ended: Outcome) -> Iterator[Text]:
    """Yield what became of a step; that it was begun is not shown."""
    if ended.result is not Result.BEGUN:
        yield outcome(ended)


def arrivals(counts: Iterable[Arrival]) -> Iterator[str]:
    """Yield how far the files that Rucio carries have come, by RSE."""
    for arrival in counts:
        rse = arrival.rse
        there = arrival.there
        under_way = arrival.on_their_way
        stuck = arrival.stuck
        yield f"{rse}: {there} there, {under_way} on their way, {stuck} stuck"
