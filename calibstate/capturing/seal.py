"""Make the seal of a ticket: read it at its origin, to the last byte."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from ..errors import Diagnostic, RefusedError
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.seals import Seal, SealedFrom, seal_of
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces
from ..ports.progress import Watch, unwatched
from .sealable import check_formatters, check_holdings, check_written, empty_files

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
    check_holdings(ticket, origin, holdings)
    if ticket.key not in desired.seals:
        check_written(ticket, origin, places)
    export = butler.export(ticket.leaves, chain=ticket.collection)
    check_formatters(ticket, origin, export, desired)
    # Here every file is read.
    manifest = places.archive().describe(
        ticket.key,
        ticket.leaves,
        export,
        exported_from=origin,
        watch=watch,
    )
    empty = [file.path for file in manifest.files if file.size == 0]
    if empty:
        warn(empty_files(ticket, origin, empty))
    rows = chain.from_iterable(holding.rows for holding in holdings.values())
    runs = butler.runs(row.uuid for row in rows)
    sealed_from = SealedFrom(repository=origin, at=now)
    seal = seal_of(manifest, holdings, runs, sealed_from)
    sealed_before = desired.seals.get(ticket.key)
    if sealed_before is None:
        return seal
    before = sealed_before.noun
    difference = _difference(before, seal)
    if difference:
        raise RefusedError(
            Diagnostic(
                "Sealed before, with another content",
                f"{ticket.name} was sealed on {before.sealed_from.at} as {before.digest}; "
                f"{origin} now has other {difference}, which would be {seal.digest}. "
                "What a ticket holds is final.",
                hint="Bring the origin back, or declare a new ticket in front of it. "
                "If nobody approved the seal and nothing was deployed, "
                "remove its file and seal it anew.",
            )
        )
    renewed = _renewed(before, seal)
    # Seals of earlier releases do not tell of RUNs, or of how files are read.
    unread = renewed.without_reading()
    if before not in (
        renewed,
        unread,
        renewed.without_runs(),
        unread.without_runs(),
    ):
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
        kept |= {
            "reading": before.reading,
            "digest": before.digest,
        }
    return now.model_copy(update=kept)
