"""Look for a ticket at the origins of the instruments."""

from __future__ import annotations

from collections.abc import Sequence

from ..capturing.at_origin import NotAtOriginError, TicketAtOrigin, look_for_ticket
from ..errors import Diagnostic, RefusedError, UnreachableError, UsageError
from ..model.desired import DesiredState
from ..model.names import ANY, InstrumentName, TicketKey
from ..ports.places import ReadPlaces
from .given import key_given
from .scoping import undeclared
from .session import Session

__all__ = ["instruments_with_origin", "ticket_at_origin", "ticket_given"]


def instruments_with_origin(desired: DesiredState) -> list[InstrumentName]:
    """Return the instruments that have an origin, by name."""
    instruments: set[InstrumentName] = set()
    for address in desired.repositories:
        _, repository = desired.repository(address)
        for instrument in repository.instruments:
            if desired.origin(instrument):
                instruments.add(instrument)
    return sorted(instruments)


def ticket_given(
    desired: DesiredState,
    words: str,
    option: str | None,
    sources: Sequence[str],
) -> tuple[str, list[InstrumentName]]:
    """Return the ticket that a person gave, and whose it may be.

    Parameters
    ----------
    desired
        What is declared.
    words
        ``TICKET`` or ``INSTRUMENT/TICKET``.
    option
        The instrument, if it was given by itself.
    sources
        Collections, whose names may begin with an instrument.

    Raises
    ------
    UsageError
        Nobody declared the instrument, or two are named; or it is no key.
    """
    instrument, _, word = words.rpartition("/")
    if option and instrument and option != instrument:
        raise UsageError(
            Diagnostic(
                "Two instruments",
                f"{words} is of {instrument}, and --instrument says {option}.",
                hint="Give one of them.",
            )
        )
    instrument = option or instrument
    instruments = instruments_with_origin(desired)
    if instrument and instrument not in instruments:
        raise undeclared("instrument", instrument, instruments)
    of_tickets = [key.instrument for key in desired.tickets if key.ticket == word]
    # What is declared already is taken up, whatever it is called.
    if not of_tickets:
        key_given("TICKET", word)
    # What is said counts most, then what is declared, then the names.
    if instrument:
        return word, [instrument]
    if len(of_tickets) == 1:
        return word, of_tickets
    heads = {name.partition("/")[0] for name in sources}
    # Nobody means what belongs to no instrument without saying so.
    instruments = [name for name in instruments if name != ANY]
    of_sources = [name for name in instruments if name in heads]
    if not instruments:
        raise UsageError(
            Diagnostic(
                "No origin",
                "No repository of the tree is the origin of an instrument.",
                hint="Give one the route `origin`.",
            )
        )
    return word, of_sources or instruments


def ticket_at_origin(
    session: Session,
    places: ReadPlaces,
    word: str,
    instruments: Sequence[InstrumentName],
    sources: Sequence[str],
) -> TicketAtOrigin:
    """Return the collections of a ticket, at the one origin that has them.

    Parameters
    ----------
    session
        It says which tree.
    places
        Where to look.
    word
        The ticket.
    instruments
        Those of which it may be.
    sources
        A chain or collections of it; none: they are called after it.

    Raises
    ------
    RefusedError
        They cannot be deployed.
    UnreachableError
        An origin that may have them cannot be seen.
    UsageError
        No origin has them, or those of several instruments do.
    """
    tickets: list[TicketAtOrigin] = []
    unseen: list[UnreachableError] = []
    refused: list[RefusedError] = []
    absent: list[NotAtOriginError] = []
    with session.counting("looking at", "origins") as watch:
        for number, instrument in enumerate(instruments):
            watch(number, len(instruments))
            origin = session.desired.origin(instrument)
            assert origin, "only instruments with an origin are asked for"
            key = TicketKey(instrument, word)
            try:
                butler = places.butler(origin)
                tickets.append(look_for_ticket(key, sources, origin, butler))
            except UnreachableError as error:
                unseen.append(error)
            except RefusedError as error:
                refused.append(error)
            except NotAtOriginError as error:
                absent.append(error)
    if len(tickets) > 1:
        names = [f"{ticket.key.name} at {ticket.address}" for ticket in tickets]
        raise UsageError(
            Diagnostic(
                "Ticket is not clear",
                f"{word} is {' and '.join(names)}.",
                hint=f"Give one of them, such as {tickets[0].key.name}.",
            )
        )
    if tickets:
        return tickets[0]
    # An origin that cannot be seen may have what the others lack.
    problems = [*unseen, *refused, *absent]
    raise problems[0]
