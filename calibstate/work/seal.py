"""Write down what tickets contain, from their origins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..capturing.seal import make_seal
from ..errors import Diagnostic, UsageError
from ..model.desired import DesiredState
from ..model.results.tickets import SealWritten
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..store import sealfile
from .scoping import check_scope
from .session import Session

__all__ = ["seal"]


def seal(session: Session, tickets: Sequence[str]) -> Iterator[SealWritten]:
    """Seal tickets one after the other; every file of them is read.

    Parameters
    ----------
    session
        It says which tree.
    tickets
        Tickets, or ``INSTRUMENT/TICKET``.

    Yields
    ------
    SealWritten
        Each as soon as its file is written.

    Raises
    ------
    RefusedError
        An origin does not hold a ticket, or not what was sealed before.
    UsageError
        A ticket is not declared, or is one of several instruments.
    """
    desired = session.desired
    places = session.places()
    for ticket in _asked(desired, tickets):
        warnings: list[Diagnostic] = []
        with session.listener.progress("reading") as watch:
            contents = make_seal(ticket, desired, places, session.utc_now(), watch, warn=warnings.append)
        session.listener.report(warnings)
        path = sealfile.write(Path(desired.root), contents)
        relative = str(path.relative_to(desired.root))
        yield SealWritten(relative, contents.files, contents.bytes, contents.digest)


def _asked(desired: DesiredState, words: Sequence[str]) -> list[Ticket]:
    """Return the tickets that words name."""
    scope = Scope(tickets=tuple(words))
    check_scope(desired, scope)
    tickets = [written.noun for key, written in sorted(desired.tickets.items()) if scope.has_ticket(key)]
    for word in words:
        several = [ticket.name for ticket in tickets if ticket.ticket == word]
        if len(several) > 1:
            raise UsageError(
                Diagnostic(
                    "Ticket of several instruments",
                    f"{word} is declared for {', '.join(several)}.",
                    hint=f"Name one: calibstate seal {several[0]}.",
                )
            )
    return tickets
