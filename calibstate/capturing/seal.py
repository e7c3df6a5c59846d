"""Make the seal of a ticket: read it at its origin, to the last byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import Diagnostic, RefusedError, Severity
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
    holdings = butler.holdings(ticket.leaves)
    _check_holdings(ticket, origin, holdings)
    export = butler.export(ticket.leaves, chain=ticket.collection)
    _check_formatters(ticket, origin, export, desired)
    # Here every file is read.
    manifest = places.archive().describe(ticket.key, ticket.leaves, export, exported_from=origin, watch=watch)
    empty = [file.path for file in manifest.files if file.size == 0]
    if empty:
        warn(_empty_files(ticket, origin, empty))
    runs = butler.runs(row.uuid for holding in holdings.values() for row in holding.rows)
    seal = seal_of(manifest, holdings, runs, SealedFrom(repository=origin, at=now))
    sealed_before = desired.seals.get(ticket.key)
    if sealed_before is None:
        return seal
    before = sealed_before.noun
    difference = _difference(before, seal)
    if difference:
        raise RefusedError(
            Diagnostic(
                "Sealed before, with another content",
                f"{ticket.name} was sealed on {before.sealed_from.at} as {before.digest}; {origin} now has "
                f"other {difference}, which would be {seal.digest}. What a ticket holds is final.",
                hint="Bring the origin back, or declare a new ticket in front of it. If nobody approved the "
                "seal and nothing was deployed, remove its file and seal it anew.",
            )
        )
    renewed = _renewed(before, seal)
    if before not in _forms(renewed):
        raise RefusedError(
            Diagnostic(
                "Seal was edited",
                f"The seal of {ticket.name} has the right digest, and says of its content what is not so.",
                sealed_before.lines.at("ticket"),
                "Take it back from Git, or remove it and seal the ticket anew: the digest will be the same.",
            )
        )
    return renewed


def _difference(before: Seal, now: Seal) -> str:
    """Say what is other than it was sealed; nothing: it is the same."""
    if now.fingerprint != before.fingerprint:
        return "datasets or ranges"
    if now.content != before.content:
        return "bytes"
    if now.reading is None:
        return ""
    return now.reading.differs_from(before.reading)


def _renewed(before: Seal, now: Seal) -> Seal:
    """Return a seal of the same content, with what stays as it was sealed.

    That is from where it was sealed, and what people may correct: how the
    files are read.
    """
    kept: dict[str, Any] = {"sealed_from": before.sealed_from}
    if before.reading is not None:
        kept |= {"reading": before.reading, "digest": before.digest}
    return now.model_copy(update=kept)


def _forms(seal: Seal) -> Iterator[Seal]:
    """Yield a seal as it is made now, and as it was made in earlier releases.

    Those did not tell of RUNs, or of how files are read.
    """
    for form in (seal, seal.without_reading()):
        yield form
        yield form.without_runs()


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


def _empty_files(ticket: Ticket, origin: str, paths: Sequence[str]) -> Diagnostic:
    listed = ", ".join(paths[:3])
    if len(paths) > 3:
        listed += f" and {len(paths) - 3} more"
    return Diagnostic(
        "Files are empty",
        f"{origin}: files of {ticket.name} have no bytes at all: {listed}. The datastore says nothing "
        "against it, and no pipeline can use them.",
        hint="Look whether they were ever written; a seal is for what was meant.",
        severity=Severity.WARNING,
    )


def _check_holdings(ticket: Ticket, origin: str, holdings: Mapping[str, Holding]) -> None:
    """Refuse to seal what is not there, or what nobody could find or read.

    Raises
    ------
    RefusedError
        Something that the ticket lists holds nothing; a certification finds
        nothing; or there are more than a seal may tell of.
    """
    lacking = [name for name in ticket.leaves if name not in holdings or not holdings[name].rows]
    if lacking:
        raise RefusedError(
            Diagnostic(
                "Ticket is not at its origin",
                f"{origin} holds nothing in {', '.join(lacking)}.",
                hint="Certify it there first, or correct what the ticket lists.",
            )
        )
    rows = [row for name in ticket.leaves for row in holdings[name].rows]
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
                f"{origin} holds {len(rows):,} certifications of {ticket.name}; a seal may tell of "
                f"{MOST_DATA_IDS:,}.",
                hint="Declare it as several tickets.",
            )
        )
