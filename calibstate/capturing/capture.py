"""Capture a live chain: the files that describe it exactly, as it is.

The next plan would change nothing in any repository: what another lacks, it
skips.  What the files cannot say is told, all of it, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from graphlib import TopologicalSorter

from ..engine.side_by_side import side_by_side
from ..errors import Diagnostic, InvalidStateError, RefusedError, Severity, UnreachableError, UsageError
from ..model.additions import Additions
from ..model.chains import ChainFile, ExternalEntry
from ..model.contents import CollectionType, Holding
from ..model.desired import DesiredState
from ..model.names import InstrumentName, Place, RepositoryAddress, TicketKey, collection_name_problem
from ..model.results.captures import ChildFound
from ..model.tickets import ApprovalStatus, Ticket
from ..ports.places import ReadPlaces
from .describe import Description, Live, Role, describe, look_closely
from .merge import Merged, merge

__all__ = ["Captured", "Wanted", "capture"]


@dataclass(frozen=True)
class Wanted:
    """What is to be captured."""

    address: RepositoryAddress
    instrument: InstrumentName

    chains: tuple[str, ...]
    """Chains besides ``INSTRUMENT/calib``."""

    day: str
    """Today, ``YYYY-MM-DD``."""

    @property
    def default(self) -> str:
        """The chain that is captured always."""
        return f"{self.instrument}/calib"

    @property
    def note(self) -> str:
        """What approvals refer to."""
        return f"found live at {self.address} on {self.day}"


@dataclass(frozen=True)
class Captured:
    """What describes a live chain."""

    additions: Additions
    """What the tree lacks of it."""

    found: tuple[ChildFound, ...]
    """Children of the chains, in search order."""

    unsealed: tuple[tuple[Ticket, RepositoryAddress], ...]
    """Tickets that are searched and have no seal, and where each is read."""

    files: tuple[str, ...]
    """Files that say a part of it already."""

    told: tuple[Diagnostic, ...]
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
    seen: Callable[[int, int], None] = lambda done, total: None,
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
    seen
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
    return _Capture(wanted, desired, places).capture(seen)


@dataclass
class _Capture:
    wanted: Wanted
    desired: DesiredState
    places: ReadPlaces
    refused: list[Diagnostic] = field(default_factory=list)
    told: list[Diagnostic] = field(default_factory=list)
    skips: dict[TicketKey, dict[RepositoryAddress, str]] = field(default_factory=dict)
    """What declared tickets and new ones are to skip."""

    def capture(self, seen: Callable[[int, int], None]) -> Captured:
        wanted = self.wanted
        seen(0, 1)
        live = self._look()
        told = describe(live, self.desired, wanted.instrument, self._roots, wanted.note)
        self.refused += told.refused
        merged = {
            name: merge(self.desired.chains[name], told, self.desired)
            for name in told.chains
            if name in self.desired.chains
        }
        self.refused += [d for one in merged.values() for d in one.refused]
        self._skip_here(told, merged)
        others = self._look_at_others(told, merged, seen)
        self._hold_against(told, self._expected(told, others))
        self._skip_elsewhere(told, merged, others)
        if self.refused:
            raise RefusedError(*dict.fromkeys(self.refused))
        self._warn(told)
        return Captured(
            self._additions(told, merged),
            tuple(self._found(told)),
            tuple(self._unsealed(told, others)),
            tuple(self._files(told)),
            tuple(self.told),
            wanted.instrument,
            live,
            tuple(others.values()),
        )

    # --- looking ---

    @property
    def _roots(self) -> tuple[str, ...]:
        """Return the chains that are asked for, and those declared there."""
        return tuple(
            dict.fromkeys((self.wanted.default, *self.wanted.chains, *self._declared_at(self.wanted.address)))
        )

    def _declared_at(self, address: RepositoryAddress) -> list[str]:
        """Return the chains of the instrument that are declared somewhere."""
        return [
            written.noun.chain
            for written in self.desired.chains_of(self.wanted.instrument)
            if self.desired.expects(written.noun.only, address)
        ]

    @property
    def _named(self) -> set[str]:
        """Return all collections of the instrument that files name."""
        named: set[str] = set()
        for written in self.desired.tickets_of(self.wanted.instrument):
            named |= _names(written.noun)
        for chain in self.desired.chains.values():
            named |= {e.external for e in chain.noun.entries if isinstance(e, ExternalEntry)}
        return named

    def _look(self) -> Live:
        wanted = self.wanted
        if bad := next((c for c in wanted.chains if collection_name_problem(c)), None):
            raise UsageError(Diagnostic("No such chain", f"{bad}: {collection_name_problem(bad)}."))
        live = look_closely(self.places.butler(wanted.address), wanted.address, self._roots, self._named)
        absent = [name for name in wanted.chains if name not in live.seen]
        if not wanted.chains and not any(name in live.seen for name in self._roots):
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
            if name in live.seen and not live.is_chain(name) and name not in live.held:
                kind = live.seen[name].type.value
                detail = (
                    f"{name} is a {kind} collection at {wanted.address}, through which nothing is searched."
                )
                raise UsageError(Diagnostic("Not a chain", detail, hint="Name a chain with --chain."))
        return live

    def _look_at_others(
        self, told: Description, merged: Mapping[str, Merged], seen: Callable[[int, int], None]
    ) -> dict[RepositoryAddress, Live]:
        """Look at the other repositories of the instrument, side by side."""
        addresses = [a for a in self._others() if self._matters(a, told, merged)]
        named = self._named.union(*(_names(ticket) for ticket in told.found))
        read = {leaf for ticket in self._undecided(told, merged) for leaf in ticket.leaves}
        found: dict[RepositoryAddress, Live] = {}
        looks = {address: partial(self._look_at_other, address, named, read) for address in addresses}
        for done, (address, look) in enumerate(side_by_side(looks, self.places.timeout), 1):
            try:
                found[address] = look.result()
            except UnreachableError as error:
                self.told.append(self._unseen(address, error))
            seen(done + 1, len(looks) + 1)
        return dict(sorted(found.items()))

    def _look_at_other(self, address: RepositoryAddress, named: set[str], read: set[str]) -> Live:
        return look_closely(
            self.places.butler(address), address, self._declared_at(address), named, read=read
        )

    def _undecided(self, told: Description, merged: Mapping[str, Merged]) -> list[Ticket]:
        """Return the tickets of which it matters what others hold."""
        listed, new = self._newly_listed(told, merged), {ticket.key for ticket in told.new}
        sealed = self.desired.seals.keys()
        return [t for t in told.found if t.key in new or t.key in listed or t.key not in sealed]

    def _others(self) -> list[RepositoryAddress]:
        having = self.desired.with_instrument(self.wanted.instrument)
        return [address for address in having if address != self.wanted.address]

    def _matters(self, address: RepositoryAddress, told: Description, merged: Mapping[str, Merged]) -> bool:
        """Say whether it matters what another repository has."""
        if told.new or any(one.entries for one in merged.values()):
            return True
        unsealed = [ticket for ticket in told.found if ticket.key not in self.desired.seals]
        return bool(unsealed) and address == self.desired.origin(self.wanted.instrument)

    def _unseen(self, address: RepositoryAddress, error: UnreachableError) -> Diagnostic:
        return Diagnostic(
            "Repository cannot be seen from here",
            f"{address}: {error.diagnostics[0].detail.rstrip('.')}. Whether it has what was found is not "
            "known, so no ticket skips it.",
            hint=f"Capture it where it can be seen: calibstate capture {address} {self.wanted.instrument}.",
            severity=Severity.WARNING,
        )

    # --- tickets that are not everywhere ---

    def _skip_here(self, told: Description, merged: Mapping[str, Merged]) -> None:
        """Have the repository skip what it does not have."""
        new = {t.key for name in told.chains if name not in merged for t in self._in_chain(name, told)}
        present = new.union(*(one.present for one in merged.values()))
        absent: set[TicketKey] = set().union(*(one.absent for one in merged.values()))
        for key in sorted(absent & present):
            self.refused.append(
                Diagnostic(
                    "Searched in one chain only",
                    f"{self.wanted.address} searches {key[1]} through one chain that lists it, and not "
                    "through another; a ticket is skipped everywhere or nowhere.",
                    self.desired.tickets[key].lines.at("ticket"),
                )
            )
        for written in self.desired.tickets_of(self.wanted.instrument):
            ticket = written.noun
            if ticket.approval.status is not ApprovalStatus.ADOPTED or ticket.key in present:
                continue
            if self.desired.skipped(ticket, self.wanted.address):
                continue
            if not told.live.has(ticket):
                self._skip(ticket, self.wanted.address, "not there")
            elif ticket.key in absent:
                self._skip(ticket, self.wanted.address, "not searched")

    def _in_chain(self, name: str, told: Description) -> list[Ticket]:
        children = told.live.children(name)
        return [told.tickets[child] for child in children if child in told.tickets]

    def _skip(self, ticket: Ticket, address: RepositoryAddress, why: str) -> None:
        reason = f"{why} when captured on {self.wanted.day}"
        self.skips.setdefault(ticket.key, {})[address] = reason

    def _skip_elsewhere(
        self, told: Description, merged: Mapping[str, Merged], others: Mapping[RepositoryAddress, Live]
    ) -> None:
        """Have others skip what they lack of what was found."""
        listed = self._newly_listed(told, merged)
        new = {ticket.key for ticket in told.new}
        for ticket in told.found:
            if ticket.key not in new and not listed.get(ticket.key):
                continue
            for address, other in others.items():
                if self.desired.skipped(ticket, address):
                    continue
                if why := self._why_skipped(ticket, told.live, other, listed.get(ticket.key, [])):
                    self._skip(ticket, address, why)

    def _newly_listed(
        self, told: Description, merged: Mapping[str, Merged]
    ) -> Mapping[TicketKey, list[tuple[str, str]]]:
        """Return in which declared chains tickets are listed anew, as what."""
        listed: dict[TicketKey, list[tuple[str, str]]] = {}
        for name, one in merged.items():
            owned = {entry.entry for entry in one.entries if isinstance(entry.entry, str)}
            for child in told.live.children(name):
                ticket = told.tickets.get(child)
                if ticket and (ticket.ticket in owned or child in owned):
                    listed.setdefault(ticket.key, []).append((name, child))
        return listed

    def _why_skipped(
        self, ticket: Ticket, live: Live, other: Live, listed: list[tuple[str, str]]
    ) -> str | None:
        if not other.has(ticket):
            return "not there"
        declared = set(self._declared_at(other.address))
        if any(chain in declared and child not in other.children(chain) for chain, child in listed):
            return "not searched"
        unlike = [leaf for leaf in ticket.leaves if not _alike(live.held[leaf], other.held[leaf])]
        if not unlike:
            return None
        self.told.append(
            Diagnostic(
                "Other content elsewhere",
                f"{other.address} holds something else in {', '.join(unlike)} than {live.address}; "
                f"{ticket.ticket} skips it.",
                severity=Severity.WARNING,
            )
        )
        return "holds something else"

    # --- what tickets hold ---

    def _expected(
        self, told: Description, others: Mapping[RepositoryAddress, Live]
    ) -> Mapping[TicketKey, tuple[str, Mapping[str, str]]]:
        """Return what tickets are known to hold already, and whence."""
        origin = others.get(self.desired.origin(self.wanted.instrument) or Place(""))
        expected: dict[TicketKey, tuple[str, Mapping[str, str]]] = {}
        for ticket in told.found:
            if origin and origin.has(ticket):
                fingerprints = {leaf: origin.held[leaf].fingerprint for leaf in ticket.leaves}
                expected[ticket.key] = f"what {origin.address} holds", fingerprints
        expected |= self._bundled([t.key for t in told.found if t.key not in self.desired.seals])
        for ticket in told.found:
            if seal := self.desired.seals.get(ticket.key):
                expected[ticket.key] = "what was sealed", seal.noun.fingerprints
        return expected

    def _bundled(self, keys: list[TicketKey]) -> Mapping[TicketKey, tuple[str, Mapping[str, str]]]:
        """Return what the newest bundle of each ticket holds."""
        try:
            found = self.places.archive().bundles(keys) if keys else {}
        except (InvalidStateError, UnreachableError) as error:
            detail = f"{error.diagnostics[0].detail} What it holds is not compared."
            self.told.append(Diagnostic("Archive cannot be read", detail, severity=Severity.WARNING))
            return {}
        return {key: ("what its bundle holds", manifests[0].fingerprints) for key, manifests in found.items()}

    def _hold_against(
        self, told: Description, expected: Mapping[TicketKey, tuple[str, Mapping[str, str]]]
    ) -> None:
        """Refuse a ticket that holds here what it does not elsewhere."""
        held = told.live.held
        for ticket in told.found:
            whose, fingerprints = expected.get(ticket.key, ("", {}))
            unlike = [n for n in ticket.leaves if n in held and fingerprints.get(n) != held[n].fingerprint]
            if not whose or not unlike:
                continue
            declared = self.desired.tickets.get(ticket.key)
            self.refused.append(
                Diagnostic(
                    "Other content",
                    f"{told.live.address} holds in "
                    + ", ".join(f"{name} {told.live.remark(name)}" for name in unlike)
                    + f"; that is not {whose} for {ticket.ticket}. What a ticket holds is the same "
                    "everywhere.",
                    declared.lines.at("ticket") if declared else None,
                )
            )

    def _unsealed(
        self, told: Description, others: Mapping[RepositoryAddress, Live]
    ) -> Iterator[tuple[Ticket, RepositoryAddress]]:
        here, origin = self.wanted.address, self.desired.origin(self.wanted.instrument) or Place("")
        for ticket in told.found:
            if ticket.key not in self.desired.seals:
                there = origin in others and others[origin].has(ticket)
                yield ticket, origin if there else here

    # --- what is said of it ---

    def _additions(self, told: Description, merged: Mapping[str, Merged]) -> Additions:
        new = {ticket.key for ticket in told.new}
        skipping = {key: skips for key, skips in self.skips.items() if key not in new}
        return Additions(
            tickets=tuple(
                ticket.model_copy(update={"skip": self.skips.get(ticket.key, {})}) for ticket in told.new
            ),
            chains=tuple(self._chain(name, told) for name in _inner_first(told) if name not in merged),
            skips=skipping,
            entries={name: tuple(one.entries) for name, one in merged.items() if one.entries},
            only={name: self.wanted.address for name, one in merged.items() if one.only},
            expected={
                name: dict.fromkeys(one.expected, self.wanted.address)
                for name, one in merged.items()
                if one.expected
            },
            remarks=self._remarks(told),
            heading=f"Captured from {self.wanted.address} on {self.wanted.day}.",
        )

    def _chain(self, name: str, told: Description) -> ChainFile:
        return ChainFile(
            chain=name,
            instrument=self.wanted.instrument,
            only=(self.wanted.address,),
            entries=tuple(told.entries(told.live.children(name))),
        )

    def _remarks(self, told: Description) -> Mapping[str, str]:
        remarks = {name: told.live.remark(name) for name in told.live.seen if told.live.seen[name]}
        for name, ticket in told.tickets.items():
            number = len(ticket.leaves)
            if name == ticket.collection or number > 1:
                remarks[ticket.ticket] = f"{number} collections" if number > 1 else "1 collection"
            else:
                remarks[ticket.ticket] = told.live.remark(name)
        return remarks

    def _found(self, told: Description) -> Iterator[ChildFound]:
        for chain in told.chains:
            for child in told.live.children(chain):
                yield ChildFound(chain, child, _as(child, told), told.live.remark(child))

    def _files(self, told: Description) -> Iterator[str]:
        for ticket in told.found:
            if written := self.desired.tickets.get(ticket.key):
                yield written.lines.file
            if sealed := self.desired.seals.get(ticket.key):
                yield sealed.lines.file
        yield from (self.desired.chains[c].lines.file for c in told.chains if c in self.desired.chains)

    def _warn(self, told: Description) -> None:
        new = {ticket.key for ticket in told.new}
        lacking = [f"{key[1]} at {a}" for key, at in self.skips.items() if key not in new for a in at]
        if lacking:
            self.told.append(
                Diagnostic(
                    "Skipped from now on",
                    f"{', '.join(lacking)}: not there yet, or not searched. What is captured stays as it is.",
                    hint="Take the `skip` out where it is to be deployed all the same.",
                    severity=Severity.WARNING,
                )
            )
        unknown = [
            name for name, role in told.roles.items() if role is Role.EXTERNAL and name in told.live.held
        ]
        if unknown:
            self.told.append(
                Diagnostic(
                    "Calibrations that are not deployed",
                    f"{', '.join(unknown)}: searched for calibrations, and declared as what others make.",
                    severity=Severity.WARNING,
                )
            )
        empty = [
            name
            for name, role in told.roles.items()
            if role is Role.EXTERNAL
            and name not in told.live.held
            and told.live.seen[name].type is CollectionType.CALIBRATION
        ]
        if empty:
            self.told.append(
                Diagnostic(
                    "Empty calibration collections",
                    f"{', '.join(empty)}: nothing is certified in them, so they are declared as what others "
                    "make, and deployed nowhere.",
                    hint="If an import was cut off, complete it first, and capture then.",
                    severity=Severity.WARNING,
                )
            )
        origin = self.desired.origin(self.wanted.instrument)
        if elsewhere := [t.ticket for t in told.new if origin in self.skips.get(t.key, {})]:
            self.told.append(
                Diagnostic(
                    "Not at the origin",
                    f"{', '.join(elsewhere)}: {origin} does not have it, so it goes nowhere from there.",
                    hint="Bring it to the origin before it is to be deployed anywhere else.",
                    severity=Severity.WARNING,
                )
            )


def _as(child: str, told: Description) -> str:
    match told.roles[child]:
        case Role.TICKET:
            return f"ticket {told.tickets[child].ticket}"
        case Role.BARE:
            return f"collection of the bare ticket {told.tickets[child].ticket}"
        case Role.CHAIN | Role.EXTERNAL as role:
            said: str = role.value
            return said


def _names(ticket: Ticket) -> set[str]:
    return {*ticket.leaves, *ticket.children}


def _alike(one: Holding, other: Holding) -> bool:
    return one.fingerprint == other.fingerprint and not other.unrecorded


def _inner_first(told: Description) -> Iterable[str]:
    """Return the chains, those within others first."""
    chains = told.chains
    order: TopologicalSorter[str] = TopologicalSorter()
    for name in chains:
        order.add(name, *(c for c in told.live.children(name) if c in chains))
    return order.static_order()
