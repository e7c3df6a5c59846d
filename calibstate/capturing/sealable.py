"""Refuse to seal what no site could ever use.

A seal is final, so what is wrong with a ticket has to be seen before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import Diagnostic, RefusedError, Severity
from ..kinds.collection import tell_rows
from ..kinds.curated import spoilt_at
from ..model.contents import Holding, Row
from ..model.desired import DesiredState
from ..model.formatters import ALLOW_IT, not_allowed
from ..model.names import RepositoryAddress
from ..model.seals import MOST_DATA_IDS
from ..model.tickets import Ticket
from ..ports.butler import Export
from ..ports.places import ReadPlaces
from ..store.bundle import read_contents

__all__ = ["check_formatters", "check_holdings", "check_written", "empty_files"]


def check_formatters(
    ticket: Ticket,
    origin: str,
    export: Export,
    desired: DesiredState,
) -> None:
    """Refuse to seal what no site may read.

    Parameters
    ----------
    ticket
        The ticket.
    origin
        Where it is read.
    export
        What it holds there.
    desired
        The formatters that are allowed.

    Raises
    ------
    RefusedError
        Files are read by a class that is not allowed.
    """
    whose = f"The export of {ticket.name} from {origin}"
    contents = read_contents(export.text, name=whose)
    allowed = desired.settings.noun.formatters
    for name, why in not_allowed(contents.datasets, allowed).items():
        raise RefusedError(
            Diagnostic(
                "Formatter class is not allowed",
                f"{origin}: files of {ticket.name} are read by {name}; {why}. No site would import them.",
                hint=ALLOW_IT,
            )
        )


def empty_files(ticket: Ticket, origin: str, paths: Sequence[str]) -> Diagnostic:
    """Return a warning of files without any bytes.

    Parameters
    ----------
    ticket
        The ticket.
    origin
        Where it is read.
    paths
        The files; the first three are named.
    """
    listed = ", ".join(paths[:3])
    if len(paths) > 3:
        listed += f" and {len(paths) - 3} more"
    return Diagnostic(
        "Files are empty",
        f"{origin}: files of {ticket.name} have no bytes at all: {listed}. "
        "The datastore says nothing against it, and no pipeline can use them.",
        hint="Look whether they were ever written; a seal is for what was meant.",
        severity=Severity.WARNING,
    )


def check_holdings(ticket: Ticket, origin: str, holdings: Mapping[str, Holding]) -> None:
    """Refuse to seal what is not there, or what nobody could ever find.

    Parameters
    ----------
    ticket
        The ticket.
    origin
        Where it is read.
    holdings
        What its collections hold there.

    Raises
    ------
    RefusedError
        Something that the ticket lists holds nothing; a certification finds
        nothing; or there are more than a seal may tell of.
    """
    lacking: list[str] = []
    rows: list[Row] = []
    for name in ticket.leaves:
        holding = holdings.get(name)
        if holding is None or not holding.rows:
            lacking.append(name)
        else:
            rows += holding.rows
    if lacking:
        raise RefusedError(
            Diagnostic(
                "Ticket is not at its origin",
                f"{origin} holds nothing in {', '.join(lacking)}.",
                hint="Certify it there first, or correct what the ticket lists.",
            )
        )
    never_found = [row for row in rows if row.begin >= row.end]
    if never_found:
        raise RefusedError(
            Diagnostic(
                "Certification ends before it begins",
                f"{origin}: {tell_rows(never_found)}. No exposure would ever find it.",
                hint="Decertify it there.",
            )
        )
    if len(rows) > MOST_DATA_IDS:
        raise RefusedError(
            Diagnostic(
                "Ticket is too large to be sealed",
                f"{origin} holds {len(rows):,} certifications of {ticket.name}; "
                f"a seal may tell of {MOST_DATA_IDS:,}.",
                hint="Declare it as several tickets.",
            )
        )


def check_written(ticket: Ticket, origin: RepositoryAddress, places: ReadPlaces) -> None:
    """Refuse to seal what a command has written in part.

    Parameters
    ----------
    ticket
        The ticket.
    origin
        Where it is read.
    places
        Where to look.

    Raises
    ------
    RefusedError
        It is not what a data package says, as far as that can be compared.
    """
    spoilt = spoilt_at(origin, ticket, places)
    if spoilt:
        raise RefusedError(
            Diagnostic(
                "Curated calibrations are not whole",
                f"{origin}: {spoilt.detail}.",
                hint=spoilt.hint,
            )
        )
