"""Capture a live chain: the files that describe it exactly, as it is.

The next plan would change nothing in any repository: what another lacks, it
skips.  What the files cannot say is refused, all of it, and nothing is
written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from ..errors import Diagnostic, RefusedError, UsageError
from ..model.additions import Additions
from ..model.chains import ChainFile
from ..model.desired import DesiredState
from ..model.names import InstrumentName, RepositoryAddress, collection_name_problem
from ..model.results.captures import ChildFound
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces
from .comparison import Comparison, Wanted, collections_in_files, declared_chains
from .contents import refuse_other_contents
from .describe import Description, Role, describe
from .live import Live, look
from .merge import merge
from .others import look_at_others
from .skips import skip_elsewhere, skip_here
from .warnings import warn

__all__ = ["Captured", "UnsealedTicket", "Wanted", "capture"]


@dataclass(frozen=True)
class UnsealedTicket:
    """A ticket without a seal, and where it is read to make one."""

    ticket: Ticket
    address: RepositoryAddress


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

    instrument: InstrumentName
    """The instrument that was captured."""

    live: Live
    """What the repository showed."""

    others: tuple[Live, ...]
    """What others showed, where they were looked at."""


def capture(
    wanted: Wanted,
    desired: DesiredState,
    places: ReadPlaces,
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
    # Chains that are declared there are captured too, whoever asks.
    declared = declared_chains(desired, wanted.instrument, wanted.address)
    roots = tuple(dict.fromkeys((wanted.default, *wanted.chains, *declared)))
    live = _look_at_chains(wanted, roots, desired, places)
    description = describe(live, desired, wanted.instrument, roots, wanted.note)
    known_chains = [name for name in description.chains if name in desired.chains]
    merged = {name: merge(desired.chains[name], description, desired) for name in known_chains}

    # Each of these steps needs what those before it have found.
    comparison = Comparison(wanted, desired, description, merged)
    comparison.refused += description.refused
    for merged_chain in merged.values():
        comparison.refused += merged_chain.refused
    skip_here(comparison)
    look_at_others(comparison, places, counted)
    refuse_other_contents(comparison, places)
    skip_elsewhere(comparison)
    if comparison.refused:
        raise RefusedError(*dict.fromkeys(comparison.refused))
    warn(comparison)
    return Captured(
        _additions(comparison),
        tuple(_children(description)),
        tuple(_unsealed(comparison)),
        tuple(_files(comparison)),
        tuple(comparison.warnings),
        wanted.instrument,
        live,
        tuple(comparison.others.values()),
    )


def _look_at_chains(
    wanted: Wanted, roots: tuple[str, ...], desired: DesiredState, places: ReadPlaces
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
            raise UsageError(Diagnostic("No such chain", f"{name}: {problem}."))
    in_files = collections_in_files(desired, wanted.instrument)
    live = look(places.butler(wanted.address), wanted.address, roots, in_files)
    absent = [name for name in wanted.chains if name not in live.collections]
    if not wanted.chains and not any(name in live.collections for name in roots):
        absent = [wanted.default]
    if absent:
        raise UsageError(
            Diagnostic(
                "No such chain",
                f"{wanted.address} has no collection {', '.join(absent)}.",
                hint="Name one that it has with --chain.",
            )
        )
    for name in wanted.chains or (wanted.default,):
        if name not in live.collections or live.is_chain(name) or name in live.holdings:
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
    address, day = comparison.wanted.address, comparison.wanted.day
    description, merged = comparison.description, comparison.merged
    tickets: list[Ticket] = []
    for ticket in description.new:
        skip = comparison.skips.get(ticket.key, {})
        tickets.append(ticket.model_copy(update={"skip": skip}))
    chains: list[ChainFile] = []
    for name in _inner_first(description):
        if name not in merged:
            entries = tuple(description.entries(description.live.children(name)))
            instrument = comparison.wanted.instrument
            chains.append(ChainFile(chain=name, instrument=instrument, only=(address,), entries=entries))
    changed = {name: chain for name, chain in merged.items() if chain.expected}
    return Additions(
        tickets=tuple(tickets),
        chains=tuple(chains),
        skips={key: skips for key, skips in comparison.skips.items() if key not in comparison.new},
        entries={name: tuple(chain.entries) for name, chain in merged.items() if chain.entries},
        only={name: address for name, chain in merged.items() if chain.only},
        expected={name: dict.fromkeys(chain.expected, address) for name, chain in changed.items()},
        remarks=_remarks(description),
        heading=f"Captured from {address} on {day}.",
    )


def _inner_first(description: Description) -> Iterator[str]:
    """Yield the chains, those within others first."""
    chains = description.chains
    order: TopologicalSorter[str] = TopologicalSorter()
    for name in chains:
        inner = [child for child in description.live.children(name) if child in chains]
        order.add(name, *inner)
    yield from order.static_order()


def _remarks(description: Description) -> Mapping[str, str]:
    """Return what collections and tickets hold, for comments in files."""
    live = description.live
    remarks = {name: live.remark(name) for name in live.collections}
    for name, ticket in description.tickets.items():
        if len(ticket.leaves) > 1:
            remarks[ticket.ticket] = f"{len(ticket.leaves)} collections"
        elif name == ticket.collection:
            remarks[ticket.ticket] = "1 collection"
        else:
            remarks[ticket.ticket] = live.remark(name)
    return remarks


def _children(description: Description) -> Iterator[ChildFound]:
    """Yield the children of the chains, each with what it is declared as."""
    for chain in description.chains:
        for child in description.live.children(chain):
            role = description.roles[child]
            declared_as = role.value
            if role is Role.TICKET:
                declared_as = f"ticket {description.tickets[child].ticket}"
            elif role is Role.BARE:
                declared_as = f"collection of the bare ticket {description.tickets[child].ticket}"
            yield ChildFound(chain, child, declared_as, description.live.remark(child))


def _unsealed(comparison: Comparison) -> Iterator[UnsealedTicket]:
    """Yield tickets without a seal: at the origin, where it has them."""
    origin = comparison.origin
    at_origin = comparison.others.get(origin) if origin else None
    for ticket in comparison.unsealed:
        if at_origin and at_origin.has(ticket):
            yield UnsealedTicket(ticket, at_origin.address)
        else:
            yield UnsealedTicket(ticket, comparison.wanted.address)


def _files(comparison: Comparison) -> Iterator[str]:
    """Yield the files that say a part of it already."""
    desired = comparison.desired
    for ticket in comparison.reached:
        if ticket.key in desired.tickets:
            yield desired.tickets[ticket.key].lines.file
        if ticket.key in desired.seals:
            yield desired.seals[ticket.key].lines.file
    for name in comparison.merged:
        yield desired.chains[name].lines.file
