"""Put what was captured into files, and hold them against the live chains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from ..engine.expand import expand
from ..errors import (
    CalibstateError,
    Diagnostic,
    InvalidStateError,
    NotAsRecordedError,
    RefusedError,
    Severity,
)
from ..kinds.chain import Chain, written_order
from ..kinds.external import External
from ..model.desired import DesiredState
from ..model.files import FileChange
from ..model.names import InstrumentName, RepositoryAddress
from ..model.scope import Scope
from ..model.seals import Seal
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces
from ..ports.progress import Watch, unwatched
from ..store.treefile import changes, checked
from .capture import Captured
from .describe import Live
from .seal import make_seal

__all__ = ["Shown", "declare", "seal_captured"]

Shown = Callable[[str], AbstractContextManager[Watch]]
"""Shows how far long work has come."""


def declare(captured: Captured, desired: DesiredState, seals: Sequence[Seal] = ()) -> tuple[FileChange, ...]:
    """Return the files that say what was captured; nothing is written.

    Parameters
    ----------
    captured
        What was found.
    desired
        What is declared already.
    seals
        Seals of the tickets among it.

    Raises
    ------
    RefusedError
        A file cannot be added to; the tree would not be sound; or a chain
        would be changed: one of the repository, or one of another that was
        as declared.
    """
    changed = changes(desired, replace(captured.additions, seals=tuple(seals)))
    try:
        after, _ = checked(desired, changed)
    except InvalidStateError as error:
        unsound = [replace(d, detail=f"With what was found: {d.detail}") for d in error.diagnostics]
        raise RefusedError(*unsound) from None
    _require_settled(captured, desired, after)
    return changed


def seal_captured(
    captured: Captured,
    desired: DesiredState,
    places: ReadPlaces,
    now: str,
    shown: Shown = lambda what: nullcontext(unwatched),
) -> tuple[tuple[Seal, ...], tuple[Diagnostic, ...]]:
    """Return the seals of what has none, and why some cannot be made.

    Parameters
    ----------
    captured
        What was found.
    desired
        What is declared already.
    places
        Where every file is read.
    now
        The time in UTC, with ``Z``.
    shown
        Shows how far each ticket has come.
    """
    seals, told = [], []
    for number, (ticket, address) in enumerate(captured.unsealed, 1):
        with shown(f"reading {ticket.ticket} ({number} of {len(captured.unsealed)}),") as watch:
            made = _sealed(ticket, address, desired, places, now, watch)
        if isinstance(made, Seal):
            seals.append(made)
        else:
            told.append(made)
    return tuple(seals), tuple(told)


def _sealed(
    ticket: Ticket,
    address: RepositoryAddress,
    desired: DesiredState,
    places: ReadPlaces,
    now: str,
    watch: Watch,
) -> Seal | Diagnostic:
    try:
        made = make_seal(ticket, desired, places, now, watch, address=address)
    except NotAsRecordedError:
        raise  # Nobody should declare damaged files without knowing it.
    except CalibstateError as error:
        first = error.diagnostics[0]
        return _without_seal(ticket, f"{first.summary}. {first.detail}")
    # Names that begin with the instrument twice are not read as written.
    return _without_seal(ticket, f"{made.problem}.") if made.problem else made


def _without_seal(ticket: Ticket, why: str) -> Diagnostic:
    return Diagnostic(
        "Ticket is not sealed",
        f"{ticket.ticket}: {why}",
        hint=f"Once that is mended: calibstate seal {ticket.ticket}.",
        severity=Severity.WARNING,
    )


def _require_settled(captured: Captured, before: DesiredState, after: DesiredState) -> None:
    """Refuse a declaration that would change a chain.

    A chain of the repository; or one of another, that was as declared.
    """
    address = captured.live.address
    told = [
        Diagnostic(
            "Not as declared",
            f"{address}: {chain} searches {_listed(have)}; with the files it would be {_listed(after)}.",
            hint="Say with `only` in its file which repositories have the chain.",
        )
        for chain, have, after in _chains(after, captured.live, captured.instrument, exactly=True)
        if have != after
    ]
    for other in captured.others:
        already = {
            chain for chain, have, after in _chains(before, other, captured.instrument) if have != after
        }
        told += [
            Diagnostic(
                "Another would be changed",
                f"{other.address}: {chain} searches {_listed(have)}; with what was found at {address} it "
                f"would be {_listed(after)}. One chain has one order everywhere.",
            )
            for chain, have, after in _chains(after, other, captured.instrument)
            if have != after and chain not in already
        ]
    if told:
        raise RefusedError(*told)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _chains(
    desired: DesiredState, live: Live, instrument: InstrumentName, *, exactly: bool = False
) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Yield the chains of an instrument, as they are and as they would be.

    Extras stay where they are, unless it is asked what is declared exactly.
    """
    scope = Scope(repositories=(live.address,), instruments=(instrument,))
    resources = [declared.resource for declared in expand(desired, scope)]
    gone = {external.address.name for external in External.among(resources)} - live.seen.keys()
    for chain in Chain.among(resources):
        have = live.children(chain.address.name)
        declared = tuple(child for child in chain.children if child not in gone)
        unwanted = frozenset(chain.unwanted)
        yield (
            chain.address.name,
            have,
            declared if exactly else written_order(declared, have, unwanted),
        )
