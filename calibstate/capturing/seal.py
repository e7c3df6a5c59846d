"""Make the seal of a ticket: read it at its origin, to the last byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import Diagnostic, RefusedError, Severity, Where
from ..kinds.collection import tell_rows
from ..model.contents import Holding
from ..model.desired import DesiredState
from ..model.formatters import ALLOW_IT, not_allowed
from ..model.names import RepositoryAddress
from ..model.seals import MOST_DATA_IDS, Seal, SealedFrom, seal_of
from ..model.tickets import Ticket
from ..ports.butler import Export
from ..ports.places import ReadPlaces
from ..ports.progress import Watch, unwatched
from ..store.bundle import read_contents

__all__ = ["make_seal"]


def make_seal(
    ticket: Ticket,
    desired: DesiredState,
    places: ReadPlaces,
    now: str,
    watch: Watch = unwatched,
    *,
    address: RepositoryAddress | None = None,
    warn: Callable[[Diagnostic], None] = lambda diagnostic: None,
) -> Seal:
    """Return what a ticket contains, at its origin unless told.

    The one that is there already is returned, if it says the same.

    Parameters
    ----------
    ticket
        The ticket, approved or not.
    desired
        The whole declared state.
    places
        Where to look.
    now
        The time in UTC, with ``Z``.
    watch
        Told of progress in files, each of which is read.
    address
        Where it is read, if not at its origin: a ticket of old may be
        elsewhere only.
    warn
        Told what is sealed, and hardly meant.

    Raises
    ------
    RefusedError
        The origin does not hold what the ticket lists, or more than a seal
        may tell of; or the ticket was sealed with another content before.
    """
    origin = address or desired.origin(ticket.instrument)
    assert origin, "a tree whose instrument has no origin does not validate"
    butler = places.butler(origin)
    held = _whole(ticket, origin, butler.holdings(ticket.leaves))
    export = butler.export(ticket.leaves, chain=ticket.collection)
    _check_formatters(ticket, origin, export, desired)
    described = places.archive().describe(
        ticket.key, ticket.leaves, export, exported_from=origin, watch=watch
    )
    if empty := [file.path for file in described.files if file.size == 0]:
        warn(_empty(ticket, origin, empty))
    runs = butler.runs(row.uuid for holding in held.values() for row in holding.rows)
    made = seal_of(described, held, runs, SealedFrom(repository=origin, at=now))
    before = desired.seals.get(ticket.key)
    if before is None:
        return made
    if difference := _difference(before.noun, made):
        raise _sealed_otherwise(ticket, before.noun, made, origin, difference)
    # What people may correct stays as it was sealed.
    again = _sealed_again(before.noun, made)
    # Seals of before they told of RUNs, or of how files are read, get that.
    earlier = (again, again.without_reading())
    if before.noun not in (*earlier, *(seal.without_runs() for seal in earlier)):
        raise _edited(ticket, before.lines.at("ticket"))
    return again


def _difference(before: Seal, made: Seal) -> str:
    """Say what is other than it was sealed; nothing: it is the same."""
    if made.fingerprint != before.fingerprint:
        return "datasets or ranges"
    if made.content != before.content:
        return "bytes"
    return made.reading.differs_from(before.reading) if made.reading else ""


def _sealed_again(before: Seal, made: Seal) -> Seal:
    again = made.model_copy(update={"sealed_from": before.sealed_from})
    if before.reading is None:
        return again
    return again.model_copy(update={"reading": before.reading, "digest": before.digest})


def _check_formatters(ticket: Ticket, origin: str, export: Export, desired: DesiredState) -> None:
    """Refuse to seal what no site may read.

    Raises
    ------
    RefusedError
        Files are read by a class that is not allowed.
    """
    datasets = read_contents(export.text, name=f"The export of {ticket.name} from {origin}").datasets
    for name, why in not_allowed(datasets, desired.settings.noun.formatters).items():
        raise RefusedError(
            Diagnostic(
                "Formatter class is not allowed",
                f"{origin}: files of {ticket.name} are read by {name}; {why}. No site would import them.",
                hint=ALLOW_IT,
            )
        )


def _empty(ticket: Ticket, origin: str, paths: Sequence[str]) -> Diagnostic:
    rest = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return Diagnostic(
        "Files are empty",
        f"{origin}: files of {ticket.name} have no bytes at all: {', '.join(paths[:3])}{rest}. The datastore "
        "says nothing against it, and no pipeline can use them.",
        hint="Look whether they were ever written; a seal is for what was meant.",
        severity=Severity.WARNING,
    )


def _whole(ticket: Ticket, origin: str, held: Mapping[str, Holding]) -> Mapping[str, Holding]:
    if lacking := [name for name in ticket.leaves if name not in held or not held[name].rows]:
        raise RefusedError(
            Diagnostic(
                "Ticket is not at its origin",
                f"{origin} holds nothing in {', '.join(lacking)}.",
                hint="Certify it there first, or correct what the ticket lists.",
            )
        )
    if empty := [row for name in ticket.leaves for row in held[name].rows if row.begin >= row.end]:
        raise RefusedError(
            Diagnostic(
                "Certification ends before it begins",
                f"{origin}: {tell_rows(empty)}. No exposure would ever find it.",
                hint="Decertify it there.",
            )
        )
    if (rows := sum(len(held[name].rows) for name in ticket.leaves)) > MOST_DATA_IDS:
        raise RefusedError(
            Diagnostic(
                "Ticket is too large to be sealed",
                f"{origin} holds {rows:,} certifications of {ticket.name}; a seal may tell of "
                f"{MOST_DATA_IDS:,}.",
                hint="Declare it as several tickets.",
            )
        )
    return held


def _edited(ticket: Ticket, where: Where) -> RefusedError:
    return RefusedError(
        Diagnostic(
            "Seal was edited",
            f"The seal of {ticket.name} has the right digest, and says of its content what is not so.",
            where,
            "Take it back from Git, or remove it and seal the ticket anew: the digest will be the same.",
        )
    )


def _sealed_otherwise(ticket: Ticket, before: Seal, made: Seal, origin: str, difference: str) -> RefusedError:
    return RefusedError(
        Diagnostic(
            "Sealed before, with another content",
            f"{ticket.name} was sealed on {before.sealed_from.at} as {before.digest}; {origin} now has other "
            f"{difference}, which would be {made.digest}. What a ticket holds is final.",
            hint="Bring the origin back, or declare a new ticket in front of it. If nobody approved the seal "
            "and nothing was deployed, remove its file and seal it anew.",
        )
    )
