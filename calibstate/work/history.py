"""Tell who changed a chain, when, and in which pull request."""

from __future__ import annotations

from ..errors import CalibstateError, Diagnostic
from ..factory.past import declared_in_time
from ..model.results.trees_compared import ChainHistory, HistoryEntry
from ..model.scope import Scope
from ..past.history import history as changes_in_time
from ..views.sentences import sentences
from .scoping import undeclared
from .session import Session

__all__ = ["history"]


def history(
    session: Session, chain: str, ticket: str | None = None, limit: int | None = None
) -> ChainHistory:
    """Return the revisions that say something else of a chain.

    Parameters
    ----------
    session
        It says which tree.
    chain
        The chain.
    ticket
        Only what is about this one.
    limit
        How many revisions at most; `None`: all.

    Raises
    ------
    CalibstateError
        No revision says anything of it.
    """
    revisions = list(changes_in_time(declared_in_time(str(session.root)), chain, ticket))
    if not any(revision.changes for revision in revisions):
        # Nothing is said of what nobody declared, which is another mistake.
        desired = session.desired
        if chain not in desired.chains:
            raise undeclared("chain", chain, desired.chains)
        if ticket:
            scope = Scope(tickets=(ticket,))
            if not any(scope.has_ticket(key) for key in desired.tickets):
                tickets = {name for _, name in desired.tickets}
                raise undeclared("ticket", ticket, tickets)
        what = f"{ticket} in {chain}" if ticket else chain
        problem = f"No commit says anything of {what}."
        hint = "Commit it; `calibstate diff` tells."
        raise CalibstateError(Diagnostic("No history", problem, hint=hint))
    entries = []
    for revision in revisions:
        entry = HistoryEntry(revision, sentences(revision.changes))
        entries.append(entry)
    shown = entries[:limit]
    return ChainHistory(chain, tuple(shown), older=len(entries) - len(shown))
