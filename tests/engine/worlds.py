"""Any declaration, and any live places that it meets.

A `Situation` is plain data, so the same one can be made again: once to see
what a run does, and once more to cut the run off in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from calibstate.model.chains import ChainFile
from calibstate.model.contents import CollectionType, Row
from calibstate.model.desired import DesiredState, Lines, Written
from calibstate.model.fingerprints import ticket_fingerprint
from calibstate.model.names import ARCHIVE, TicketKey
from calibstate.model.repositories import Site
from calibstate.model.settings import Settings
from calibstate.model.tickets import Ticket
from tests.calibrations import IN_2024, INSTRUMENT, SINCE_2024
from tests.fakes.butler import MemoryButler
from tests.fakes.places import MemoryPlaces

ORIGIN, EMBARGO, SUMMIT = "usdf/main", "usdf/embargo", "summit/main"
REPOSITORIES = (ORIGIN, EMBARGO, SUMMIT)
TOP, DEFAULTS = f"{INSTRUMENT}/calib", f"{INSTRUMENT}/defaults"
RAW = f"{INSTRUMENT}/raw/all"
EXTRAS = ("u/ann/bias", "u/bob/dark", "u/cy/run")
OLD = "u/old/bias"
"""Somebody's collection that a file names as retired."""


@dataclass(frozen=True)
class TicketSpec:
    """A ticket: two collections in a chain of its own, or two bare ones."""

    name: str
    bare: bool

    @property
    def leaves(self) -> tuple[str, str]:
        return (f"{TOP}/{self.name}/bias", f"{TOP}/{self.name}/{'unbounded' if self.bare else 'dark'}")

    @property
    def chain(self) -> str | None:
        return None if self.bare else f"{TOP}/{self.name}"

    @property
    def children(self) -> tuple[str, ...]:
        """What stands for it in a chain that lists it."""
        return (self.chain,) if self.chain else self.leaves

    def make(self, where: MemoryButler, parts: int = 2) -> None:
        """Make its collections, or the first of them, by hand."""
        first, second = self.leaves
        where.add_calibration(first, "bias", IN_2024)
        if parts > 1 and self.bare:
            where.add_run(second, "camera")
        elif parts > 1:
            where.add_calibration(second, "dark", SINCE_2024)


TICKETS = tuple(TicketSpec(f"DM-{n}", bare=n in {2, 4}) for n in range(1, 6))
BY_NAME = {ticket.name: ticket for ticket in TICKETS}

STATES = ("whole", "without chain", "part", "a file is gone", "a record is gone", "decertified", "more")
"""What may have become of a ticket in a repository; `more` contradicts."""


@dataclass(frozen=True)
class Situation:
    """What is declared and what is there."""

    proposed: frozenset[str] = frozenset()
    """Tickets that are not adopted."""
    entries: tuple[str, ...] = ()
    """Words of the chain: tickets, and collections of bare ones."""
    retired: tuple[str, ...] = ()
    skipped: frozenset[tuple[str, str]] = frozenset()
    """Tickets and the sites or repositories that do not get them."""
    at_origin: frozenset[str] = frozenset()
    archived: frozenset[str] = frozenset()
    arrived: tuple[tuple[str, str, str], ...] = ()
    """Repository, ticket, and what became of it there."""
    chains: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Repository and live children of the chain; none: there is no chain."""
    raws: frozenset[str] = frozenset()
    """Repositories that have what others make."""
    defaults: tuple[str, ...] = ()
    """Sites that have the defaults chain; none: nobody declares it."""
    held: frozenset[str] = frozenset()
    """Repositories on hold."""

    @cached_property
    def live(self) -> Mapping[str, tuple[str, ...]]:
        return dict(self.chains)

    @cached_property
    def adopted(self) -> tuple[TicketSpec, ...]:
        return tuple(ticket for ticket in TICKETS if ticket.name not in self.proposed)

    def is_skipped(self, ticket: TicketSpec, address: str) -> bool:
        return bool({(ticket.name, address), (ticket.name, address.partition("/")[0])} & self.skipped)

    def state(self, address: str, ticket: TicketSpec) -> str | None:
        """Return what became of a ticket in a repository."""
        if address == ORIGIN:
            return "whole" if ticket.name in self.at_origin else None
        found = {(where, name): state for where, name, state in self.arrived}
        return found.get((address, ticket.name))

    def is_known(self, ticket: TicketSpec) -> bool:
        """Say whether anybody can tell what a ticket holds."""
        return ticket.name in self.at_origin | self.archived

    def arrives(self, ticket: TicketSpec, address: str) -> bool:
        """Say whether a ticket can be whole in a repository."""
        return (
            ticket in self.adopted
            and self.is_known(ticket)
            and not self.is_skipped(ticket, address)
            and self.state(address, ticket) != "more"
        )

    def wanted(self, address: str) -> list[str]:
        """Return the declared children that a chain has in the end."""
        before = self.live.get(address, ())
        return [
            child
            for word in self.entries
            for ticket, child in meaning(word)
            if not self.is_skipped(ticket, address) and (self.arrives(ticket, address) or child in before)
        ]

    def unwanted(self, address: str) -> set[str]:
        """Return the children that are not to be searched."""
        gone = {child for word in self.retired for _, child in meaning(word)} | ({OLD} & set(self.retired))
        skipped = {
            child
            for word in self.entries
            for ticket, child in meaning(word)
            if self.is_skipped(ticket, address)
        }
        return gone | skipped

    def extras(self, address: str) -> list[str]:
        """Return the live children that no file names."""
        named = {child for word in self.entries for _, child in meaning(word)}
        return [c for c in self.live.get(address, ()) if c not in named | self.unwanted(address)]

    def declared(self) -> DesiredState:
        """Return the declared state."""
        return DesiredState(
            "/state",
            _written(Settings(version=1, archive="archive", records="records")),
            {site.site: _written(site) for site in self._sites()},
            {ticket.key: _written(ticket) for ticket in self._tickets()},
            {chain.chain: _written(chain) for chain in self._chain_files()},
        )

    def places(self) -> MemoryPlaces:
        """Make the places."""
        places = MemoryPlaces(REPOSITORIES)
        for address, butler in places.butlers.items():
            self._fill(address, butler)
        for ticket in TICKETS:
            if ticket.name in self.archived:
                _archive(ticket, places)
        return places

    def _sites(self) -> Iterator[Site]:
        for name in ("usdf", "summit"):
            here = {a.partition("/")[2]: a for a in REPOSITORIES if a.startswith(f"{name}/")}
            yield Site.model_validate(
                {
                    "site": name,
                    "repositories": {
                        repository: {
                            "butler": f"/{address}",
                            "instruments": [INSTRUMENT],
                            "route": "origin" if address == ORIGIN else "copy",
                            **({"hold": "a test"} if address in self.held else {}),
                        }
                        for repository, address in here.items()
                    },
                }
            )

    def _tickets(self) -> Iterator[Ticket]:
        for ticket in TICKETS:
            status = "proposed" if ticket.name in self.proposed else "adopted"
            yield Ticket.model_validate(
                {
                    "ticket": ticket.name,
                    "instrument": INSTRUMENT,
                    "approval": {"status": status, "note": "a test"},
                    "bare" if ticket.bare else "collections": list(ticket.leaves),
                    "skip": {place: "a test" for name, place in sorted(self.skipped) if name == ticket.name},
                }
            )

    def _chain_files(self) -> Iterator[ChainFile]:
        retired = dict.fromkeys(self.retired, "a test")
        said: dict[str, Any] = {"chain": TOP, "instrument": INSTRUMENT, "entries": list(self.entries)}
        yield ChainFile.model_validate({**said, "retired": retired})
        if self.defaults:
            entries = [TOP, {"external": RAW}]
            only = list(self.defaults)
            yield ChainFile.model_validate({**said, "chain": DEFAULTS, "entries": entries, "only": only})

    def _fill(self, address: str, butler: MemoryButler) -> None:
        for name, type_ in zip((*EXTRAS, OLD), ("bias", "dark", None, "bias"), strict=True):
            if type_:
                butler.add_calibration(name, type_)
            else:
                butler.add_run(name, "camera")
        if address in self.raws:
            butler.add_empty(RAW, CollectionType.RUN)
        for ticket in TICKETS:
            if state := self.state(address, ticket):
                _arrive(ticket, state, butler)
        if address in self.live:
            butler.add_chain(TOP, self.live[address])


def meaning(word: str) -> list[tuple[TicketSpec, str]]:
    """Return the children that a word of a chain stands for."""
    if word in BY_NAME:
        return [(BY_NAME[word], child) for child in BY_NAME[word].children]
    return [(ticket, word) for ticket in TICKETS if ticket.bare and word in ticket.leaves]


def truth() -> Mapping[str, frozenset[Row]]:
    """Return what each collection of a ticket is to hold."""
    butler = MemoryButler("truth")
    for ticket in TICKETS:
        ticket.make(butler)
    held = butler.holdings([leaf for ticket in TICKETS for leaf in ticket.leaves])
    return {name: frozenset(holding.rows) for name, holding in held.items()}


def _arrive(ticket: TicketSpec, state: str, butler: MemoryButler) -> None:
    ticket.make(butler, parts=1 if state == "part" else 2)
    first = ticket.leaves[0]
    uuid = butler.members[first][0][0]
    path = butler.datasets[uuid].path
    assert path
    if state == "a file is gone":
        butler.write_file(path, None)
    elif state == "a record is gone":
        butler.forget(uuid)
    elif state == "decertified":
        butler.decertify(first, uuid)
    elif state == "more":
        butler.add_calibration(first, "defects", run="u/somebody/defects")
    if ticket.chain and state not in {"without chain", "part"}:
        butler.add_chain(ticket.chain, ticket.leaves)


def _archive(ticket: TicketSpec, places: MemoryPlaces) -> None:
    """Have a bundle of a ticket, whether its origin still has it or not."""
    source = MemoryButler(f"gone/{ticket.name}", places.uris)
    ticket.make(source)
    held = source.holdings(ticket.leaves)
    fingerprint = ticket_fingerprint((name, held[name].fingerprint) for name in ticket.leaves)
    export = source.export(ticket.leaves, chain=ticket.chain)
    key: TicketKey = (INSTRUMENT, ticket.name)
    places.bundles.add_bundle(key, ticket.leaves, fingerprint, export, exported_from=ORIGIN)


def _written(noun: Any) -> Written[Any]:
    return Written(noun, Lines("a-test.yaml"))


# --- any situation ---

_NAMES = st.sampled_from([ticket.name for ticket in TICKETS])


def _some(items: Sequence[Any]) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(items))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Draw anything that a sound state tree may say and may meet."""
    proposed = draw(_some([t.name for t in TICKETS[:2]]))
    listed = [name for name in draw(st.permutations([t.name for t in TICKETS])) if name not in proposed]
    entries, rest = listed[: (cut := draw(st.integers(0, 5)))], listed[cut:]
    spelled = [word for name in entries for word in _spelled(name, whole=draw(st.booleans()))]
    retired = [word for word in [*rest, *sorted(proposed), OLD] if draw(st.booleans())]
    at_origin = draw(st.frozensets(_NAMES)) | draw(st.sampled_from([frozenset(), frozenset(BY_NAME)]))
    arrived = [
        (address, name, draw(st.sampled_from(STATES)))
        for address in (EMBARGO, SUMMIT)
        for name in draw(st.lists(_NAMES, unique=True))
    ]
    situation = Situation(
        proposed=proposed,
        entries=tuple(spelled),
        retired=tuple(retired),
        skipped=draw(
            st.frozensets(st.tuples(_NAMES, st.sampled_from([*REPOSITORIES[1:], "summit"])), max_size=2)
        ),
        at_origin=at_origin,
        archived=draw(st.frozensets(_NAMES)),
        arrived=tuple(arrived),
        raws=draw(_some(REPOSITORIES)),
        defaults=draw(st.sampled_from([(), ("usdf",), ("usdf", "summit")])),
        held=draw(st.sampled_from([frozenset(), frozenset(), frozenset({SUMMIT})])),
    )
    return _with_chains(draw, situation)


def _spelled(name: str, *, whole: bool) -> Sequence[str]:
    """Return a ticket as its name, or as its bare collections."""
    ticket = BY_NAME[name]
    return [name] if whole or not ticket.bare else ticket.leaves


def _with_chains(draw: st.DrawFn, situation: Situation) -> Situation:
    chains = []
    for address in REPOSITORIES:
        there = [child for t in TICKETS for child in _entered(situation.state(address, t), t)]
        chosen = draw(st.lists(st.sampled_from([*EXTRAS, OLD, *there]), unique=True))
        if chosen or draw(st.booleans()):
            chains.append((address, tuple(chosen)))
    return replace(situation, chains=tuple(chains))


def _entered(state: str | None, ticket: TicketSpec) -> tuple[str, ...]:
    """Return what of a ticket may stand in a chain."""
    if state is None or state in {"without chain", "part"}:
        return ()
    return ticket.children


PLACES = (*REPOSITORIES, ARCHIVE)

out_of_reach = st.one_of(st.just(frozenset()), _some(PLACES))
"""Places that do not answer."""
