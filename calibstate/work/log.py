"""Tell what was done, by whom, when, and from which commit."""

from __future__ import annotations

from ..errors import CalibstateError, Diagnostic, UsageError
from ..kinds.chain import ChainKind
from ..model.desired import DesiredState
from ..model.names import with_code_points
from ..model.outcomes import Outcome
from ..model.results.runs import RunsListed
from ..model.runs import PastRun
from ..model.scope import Scope
from ..model.tickets import Ticket
from .session import Session

__all__ = ["log"]


def log(session: Session, run: str | None, since: str, most: int) -> RunsListed:
    """Return the runs that journals tell of, the newest first.

    Parameters
    ----------
    session
        Of which repositories and tickets.
    run
        The only one that is asked for, by the name of its journal.
    since
        The name that a journal of the first moment would have; empty: all.
    most
        How many runs.

    Raises
    ------
    UsageError
        There is no such run.
    """
    desired, scope = session.desired, session.scope
    places = session.places()
    if run:
        past_run = places.past_run(run)
        if past_run is None:
            problem = Diagnostic(
                "No such run",
                f"No journal is called {with_code_points(run)}.",
                hint="`calibstate log` lists them.",
            )
            raise UsageError(problem)
        return RunsListed((past_run,), is_whole=True)
    runs: list[PastRun] = []
    unread: list[Diagnostic] = []
    for store in places.stores_of_records():
        try:
            runs += places.past_runs(store, since)
        except CalibstateError as error:
            # What other stores keep is told all the same.
            unread.extend(error.diagnostics)
    runs.sort(key=lambda past: past.id, reverse=True)
    concerned = [past for past in runs if _concerns(past, scope, desired)]
    older = max(0, len(concerned) - most)
    return RunsListed(
        tuple(concerned[:most]),
        older=older,
        unread=tuple(unread),
    )


def _concerns(run: PastRun, scope: Scope, desired: DesiredState) -> bool:
    """Say whether a run did something that was asked for."""
    if scope == Scope():
        return True
    tickets = []
    for key, written in desired.tickets.items():
        if scope.has_ticket(key):
            tickets.append(written.noun)
    is_of_all = not scope.tickets and not scope.instruments
    # Without sites and repositories, archive and Rucio are asked for too.
    is_everywhere = not scope.sites and not scope.repositories
    for outcome in run.outcomes:
        place = outcome.address.place
        if not is_everywhere and not scope.has_repository(place):
            continue
        if is_of_all:
            return True
        if any(_concerns_ticket(outcome, ticket) for ticket in tickets):
            return True
        # What is no ticket's is told to be of an instrument by its name.
        instrument, _, _ = outcome.address.name.partition("/")
        if not scope.tickets and scope.has_instrument(instrument):
            return True
    return False


def _concerns_ticket(outcome: Outcome, ticket: Ticket) -> bool:
    """Say whether a step was about a ticket, also in a chain."""
    target = outcome.address
    if target.kind == ChainKind.name:
        touched = {target.name}
        touched.update(outcome.entrants or ())
        touched.update(outcome.leavers or ())
        return not touched.isdisjoint({*ticket.children, *ticket.leaves})
    # Of a rule in Rucio the storage element follows.
    return target.name == ticket.name or target.name.startswith(f"{ticket.name}/")
