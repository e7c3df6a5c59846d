"""Put what was captured into files, and hold them against the live chains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

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
from ..model.names import InstrumentName
from ..model.scope import Scope
from ..model.seals import Seal
from ..ports.places import ReadPlaces
from ..ports.progress import Watch, unwatched
from ..store.treefile import changes, checked
from .capture import Captured
from .comparison import UnsealedTicket
from .live import Live
from .seal import make_seal

__all__ = ["CapturedSeals", "SealsTried", "Shown", "declare", "seal_captured"]

Shown = Callable[[str], AbstractContextManager[Watch]]
"""Shows how far long work has come."""


@dataclass(frozen=True)
class CapturedSeals:
    """The seals of the tickets that were captured."""

    seals: tuple[Seal, ...]

    warnings: tuple[Diagnostic, ...]
    """Why some of the tickets are not sealed."""


class SealsTried:
    """The seals that were made in a run, or why they could not be.

    To make one, every file of a ticket is read; nobody does that twice.
    """

    def __init__(self) -> None:
        self._tried: dict[tuple[object, ...], Seal | CalibstateError] = {}

    def seal(self, unsealed: UnsealedTicket, make: Callable[[], Seal]) -> Seal:
        """Return the seal of a ticket, made now or before.

        Parameters
        ----------
        unsealed
            The ticket, and where it is read.
        make
            What makes it.

        Raises
        ------
        CalibstateError
            It cannot be made, now or before.
        """
        ticket = unsealed.ticket
        key = (ticket.key, ticket.collection, ticket.leaves, unsealed.address)
        if key not in self._tried:
            try:
                self._tried[key] = make()
            except CalibstateError as error:
                self._tried[key] = error
        tried = self._tried[key]
        if isinstance(tried, CalibstateError):
            raise tried
        return tried


@dataclass(frozen=True)
class _ChainOrders:
    """The children of a chain in a repository, now and as declared."""

    chain: str

    live: tuple[str, ...]
    """Children now, in search order."""

    declared: tuple[str, ...]
    """Exactly what is declared, of what exists there."""

    unwanted: frozenset[str]
    """Children that are not to be searched any more."""

    @property
    def planned(self) -> tuple[str, ...]:
        """What `apply` would write: what nobody declared stays in place."""
        return written_order(self.declared, self.live, self.unwanted)


def declare(
    captured: Captured,
    desired: DesiredState,
    seals: Sequence[Seal] = (),
) -> tuple[FileChange, ...]:
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
    additions = replace(captured.additions, seals=tuple(seals))
    changed = changes(desired, additions)
    try:
        after, _ = checked(desired, changed)
    except InvalidStateError as error:
        unsound: list[Diagnostic] = []
        for diagnostic in error.diagnostics:
            detail = f"With what was found: {diagnostic.detail}"
            unsound.append(replace(diagnostic, detail=detail))
        raise RefusedError(*unsound) from None
    problems = [
        *_not_as_declared(captured, after),
        *_changed_elsewhere(captured, desired, after),
    ]
    if problems:
        raise RefusedError(*problems)
    return changed


def seal_captured(
    captured: Captured,
    desired: DesiredState,
    places: ReadPlaces,
    now: str,
    shown: Shown = lambda what: nullcontext(unwatched),
    tried: SealsTried | None = None,
) -> CapturedSeals:
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
    tried
        Seals of the captures before.

    Raises
    ------
    NotAsRecordedError
        A file is damaged: nobody should declare that without knowing it.
    """
    seals: list[Seal] = []
    warnings: list[Diagnostic] = []
    total = len(captured.unsealed)
    tried = tried or SealsTried()

    def make(unsealed: UnsealedTicket, number: int) -> Seal:
        name = unsealed.ticket.ticket
        with shown(f"reading {name} ({number} of {total}),") as watch:
            return make_seal(
                unsealed.ticket,
                desired,
                places,
                now,
                watch,
                address=unsealed.address,
            )

    for number, unsealed in enumerate(captured.unsealed, 1):
        ticket = unsealed.ticket
        try:
            seal = tried.seal(unsealed, partial(make, unsealed, number))
        except NotAsRecordedError:
            raise
        except CalibstateError as error:
            first = error.diagnostics[0]
            why = f"{first.summary}. {first.detail}"
            warnings.append(_not_sealed(ticket.ticket, why))
            continue
        # Names that begin with the instrument twice are not read as written.
        if seal.problem:
            why = f"{seal.problem}."
            warnings.append(_not_sealed(ticket.ticket, why))
        else:
            seals.append(seal)
    return CapturedSeals(tuple(seals), tuple(warnings))


def _not_sealed(ticket: str, why: str) -> Diagnostic:
    return Diagnostic(
        "Ticket is not sealed",
        f"{ticket}: {why}",
        hint=f"Once that is mended: calibstate seal {ticket}.",
        severity=Severity.WARNING,
    )


def _not_as_declared(captured: Captured, after: DesiredState) -> Iterator[Diagnostic]:
    """Yield the chains of the repository that the files do not say exactly."""
    address = captured.live.address
    for chain in _chains(after, captured.live, captured.instrument):
        if chain.live != chain.declared:
            now = _listed(chain.live)
            then = _listed(chain.declared)
            yield Diagnostic(
                "Not as declared",
                f"{address}: {chain.chain} searches {now}; with the files it would be {then}.",
                hint="Say with `only` in its file which repositories have the chain.",
            )


def _changed_elsewhere(captured: Captured, before: DesiredState, after: DesiredState) -> Iterator[Diagnostic]:
    """Yield the chains of others that were as declared, and would change.

    Where another differs from the files already, that is not for a capture
    to settle.
    """
    for other in captured.others:
        differed: set[str] = set()
        for chain in _chains(before, other, captured.instrument):
            if chain.live != chain.planned:
                differed.add(chain.chain)
        for chain in _chains(after, other, captured.instrument):
            if chain.live == chain.planned or chain.chain in differed:
                continue
            now = _listed(chain.live)
            then = _listed(chain.planned)
            yield Diagnostic(
                "Another would be changed",
                f"{other.address}: {chain.chain} searches {now}; "
                f"with what was found at {captured.live.address} "
                f"it would be {then}. "
                "One chain has one order everywhere.",
            )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _chains(desired: DesiredState, live: Live, instrument: InstrumentName) -> Iterator[_ChainOrders]:
    """Yield the chains of an instrument that a repository is to have."""
    scope = Scope(repositories=(live.address,), instruments=(instrument,))
    resources = [declared.resource for declared in expand(desired, scope)]
    # What others make is searched once they have made it.
    externals = {external.address.name for external in External.among(resources)}
    not_there = externals - live.collections.keys()
    for chain in Chain.among(resources):
        name = chain.address.name
        declared = tuple(child for child in chain.children if child not in not_there)
        yield _ChainOrders(
            name,
            live=live.children(name),
            declared=declared,
            unwanted=frozenset(chain.unwanted),
        )
