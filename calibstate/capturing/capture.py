"""Capture a live chain: the files that describe it exactly, as it is.

The next plan would change nothing in any repository: what another lacks, it
skips.  What the files cannot say is refused, all of it, and nothing is
written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import Diagnostic, RefusedError, UsageError
from ..model.additions import Additions, NewEntry
from ..model.chains import ChainFile
from ..model.desired import DesiredState
from ..model.names import (
    ANY,
    InstrumentName,
    RepositoryAddress,
    TicketKey,
    collection_name_problem,
    with_code_points,
)
from ..model.results.captures import ChildFound
from ..model.tickets import Ticket
from .comparison import Comparison, UnsealedTicket, Wanted, collections_in_files
from .contents import refuse_other_contents
from .describe import describe
from .live import Live, look
from .merge import merge
from .once import PlacesToLookAt
from .others import look_at_others
from .skips import skip_elsewhere, skip_here
from .warnings import warn_of_absence_at_origin, warn_of_externals, warn_of_skips

__all__ = ["Captured", "Wanted", "capture", "look_at_roots"]


@dataclass(frozen=True)
class Captured:
    """What describes a live chain."""

    additions: Additions
    """What the tree lacks of it."""

    children: tuple[ChildFound, ...]
    """Children of the chains, in search order."""

    unsealed: tuple[UnsealedTicket, ...]
    """Tickets that are searched and have no seal."""

    files: tuple[str, ...]
    """Files that say a part of it already."""

    warnings: tuple[Diagnostic, ...]
    """What a person should know."""

    unseen: Mapping[RepositoryAddress, Diagnostic]
    """Why other repositories could not be seen."""

    instrument: InstrumentName
    """The instrument that was captured."""

    live: Live
    """What the repository showed."""

    others: tuple[Live, ...]
    """What others showed, where they were looked at."""


def capture(
    wanted: Wanted,
    desired: DesiredState,
    places: PlacesToLookAt,
    counted: Callable[[int, int], None] = lambda done, total: None,
) -> Captured:
    """Return what describes the live chains of a repository.

    Parameters
    ----------
    wanted
        The repository, the instrument and the chains.
    desired
        What is declared already.
    places
        Where to look.
    counted
        Told how many places have been looked at, of how many.

    Raises
    ------
    UnreachableError
        The repository cannot be seen.
    UsageError
        There is no such chain.
    RefusedError
        The files cannot say what is there: all that they cannot.
    """
    counted(0, 1)
    roots = wanted.roots(desired)
    live = _look_at_chains(wanted, roots, desired, places)
    description = describe(live, desired, wanted.instrument, roots, wanted.approval)
    comparison = Comparison(wanted, desired, description)
    comparison.refused += description.refused
    for name in description.chains:
        if name in desired.chains:
            merged = merge(desired.chains[name], description, desired)
            comparison.merged[name] = merged
            comparison.refused += merged.refused
    # Each of these steps needs what those before it have found.
    skip_here(comparison)
    look_at_others(comparison, places, counted)
    refuse_other_contents(comparison, places)
    skip_elsewhere(comparison)
    if comparison.refused:
        raise RefusedError(*dict.fromkeys(comparison.refused))
    warn_of_skips(comparison)
    warn_of_externals(comparison)
    warn_of_absence_at_origin(comparison)
    return Captured(
        additions=_additions(comparison),
        children=tuple(description.children),
        unsealed=tuple(comparison.unsealed_tickets),
        files=tuple(comparison.files),
        warnings=tuple(comparison.warnings),
        unseen=comparison.unseen,
        instrument=wanted.instrument,
        live=live,
        others=tuple(comparison.others.values()),
    )


def look_at_roots(
    wanted: Wanted,
    roots: tuple[str, ...],
    desired: DesiredState,
    places: PlacesToLookAt,
) -> Live:
    """Look at some chains, and at all that files name of the instrument.

    Parameters
    ----------
    wanted
        The repository and the instrument.
    roots
        The chains.
    desired
        What is declared already.
    places
        Where to look.

    Raises
    ------
    UnreachableError
        The repository cannot be seen.
    """
    butler = places.butler(wanted.address)
    in_files = collections_in_files(desired, wanted.instrument)
    # A RUN in a chain of an instrument may be of raws, unless files say of
    # what ticket it is; what belongs to no instrument is some ticket's.
    of_tickets: set[str] | None = None
    if wanted.instrument != ANY:
        of_tickets = set()
        for written in desired.tickets.values():
            of_tickets.update(written.noun.leaves)
    return look(butler, wanted.address, roots, in_files, of_tickets=of_tickets)


def _look_at_chains(
    wanted: Wanted,
    roots: tuple[str, ...],
    desired: DesiredState,
    places: PlacesToLookAt,
) -> Live:
    """Look at the chains that are wanted, and all that files name.

    Raises
    ------
    UsageError
        A chain that is asked for is none there.
    """
    for name in wanted.chains:
        problem = collection_name_problem(name)
        if problem:
            detail = f"{with_code_points(name)}: {problem}."
            raise UsageError(Diagnostic("No such chain", detail))
    live = look_at_roots(wanted, roots, desired, places)
    absent = [name for name in wanted.chains if name not in live.collections]
    # Who names no chain wants whatever the instrument has there.
    if not wanted.chains and live.collections.keys().isdisjoint(roots):
        absent = list(wanted.usual)
    if absent:
        names = ", ".join(map(with_code_points, absent))
        raise UsageError(
            Diagnostic(
                "No such chain",
                f"{wanted.address} has no collection {names}.",
                hint="Name one that it has with --chain.",
            )
        )
    for name in wanted.chains or wanted.usual:
        # What holds calibrations is searched as it is: a bare ticket.
        if live.is_chain(name) or name in live.holdings:
            continue
        if name not in live.collections:
            continue
        kind = live.collections[name].type.value
        raise UsageError(
            Diagnostic(
                "Not a chain",
                f"{name} is a {kind} collection at {wanted.address}, through which nothing is searched.",
                hint="Name a chain with --chain.",
            )
        )
    return live


def _additions(comparison: Comparison) -> Additions:
    """Return what the files of the tree lack of what is live."""
    address = comparison.wanted.address
    description = comparison.description
    tickets: list[Ticket] = []
    for ticket in description.new:
        skip = comparison.skips.get(ticket.key, {})
        tickets.append(ticket.model_copy(update={"skip": skip}))
    chains: list[ChainFile] = []
    for name in description.inner_chains_first:
        if name in comparison.merged:
            continue
        children = description.live.children(name)
        chains.append(
            ChainFile(
                chain=name,
                instrument=comparison.wanted.instrument,
                only=(address,),
                entries=tuple(description.entries(children)),
            )
        )
    # What is declared already gets only what it lacks.
    skips: dict[TicketKey, Mapping[RepositoryAddress, str]] = {}
    for key, reasons in comparison.skips.items():
        if key not in comparison.new:
            skips[key] = reasons
    entries: dict[str, tuple[NewEntry, ...]] = {}
    only: dict[str, RepositoryAddress] = {}
    expected: dict[str, dict[int, RepositoryAddress]] = {}
    for name, merged in comparison.merged.items():
        if merged.entries:
            entries[name] = tuple(merged.entries)
        if merged.only:
            only[name] = address
        if merged.expected:
            expected[name] = dict.fromkeys(merged.expected, address)
    return Additions(
        tickets=tuple(tickets),
        chains=tuple(chains),
        skips=skips,
        entries=entries,
        only=only,
        expected=expected,
        remarks=description.remarks,
        heading=f"Captured from {address} on {comparison.wanted.day}.",
    )
