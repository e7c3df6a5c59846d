"""Any declaration, and any live places that it meets.

A `Situation` is plain data, so the same one can be made again: once to see
what a run does, and once more to cut the run off in the middle.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

from hypothesis import strategies as st

from calibstate.model.chains import ChainFile
from calibstate.model.contents import CollectionType, Row
from calibstate.model.desired import DesiredState, Lines, Written
from calibstate.model.fingerprints import ticket_fingerprint
from calibstate.model.names import ARCHIVE, RUCIO, Place, TicketKey
from calibstate.model.repositories import Site
from calibstate.model.rucio import RegisteredFile, RuleState
from calibstate.model.settings import RucioSettings, Settings
from calibstate.model.tickets import Ticket
from calibstate.ports.rucio import FileToRegister
from tests.calibrations import IN_2024, INSTRUMENT, SINCE_2024
from tests.fakes.butler import MemoryButler
from tests.fakes.places import MemoryPlaces

ORIGIN, EMBARGO, SUMMIT = map(Place, ("usdf/main", "usdf/embargo", "summit/main"))
REPOSITORIES = (ORIGIN, EMBARGO, SUMMIT)
TOP, DEFAULTS = f"{INSTRUMENT}/calib", f"{INSTRUMENT}/defaults"
RAW = f"{INSTRUMENT}/raw/all"
EXTRAS = ("u/ann/bias", "u/bob/dark", "u/cy/run")
RSES = {EMBARGO: "EMBARGO_DISK", SUMMIT: "SUMMIT_DISK"}
"""Where the files of a repository arrive, if Rucio carries them."""
PREFIXES = {rse: f"mount://{rse}/main" for rse in RSES.values()}
BY_RUCIO = RucioSettings(
    # In memory the files of the origin are at memory://usdf/main/NAME.
    scope="main",
    origin_rse="ORIGIN_DISK",
    rse_root="/",
    dtn_url="davs://dtn.example",
)
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
    def dataset(self) -> str:
        """Its name in Rucio."""
        return BY_RUCIO.dataset_of(INSTRUMENT, self.name, "calib")

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

REGISTERED = ("in part", "in full", "closed", "closed too early", "with other bytes", "with more")
"""What may have become of a ticket in Rucio; the last three contradict."""

RULED = ("none", "on the way", "in part", "there", "stuck", "suspended", "ending", "of another", "for all")
"""What may have become of its rule for an RSE."""


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
    by_rucio: frozenset[str] = frozenset()
    """Repositories that Rucio carries to."""
    registered: tuple[tuple[str, str], ...] = ()
    """Ticket, and what became of it in Rucio."""
    ruled: tuple[tuple[str, str, str], ...] = ()
    """Repository, ticket, and what became of its rule."""
    shut: frozenset[Place] = frozenset()
    """Repositories whose RSE may not be written."""

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

    def in_rucio(self, ticket: TicketSpec) -> str | None:
        """Return what became of a ticket in Rucio."""
        return dict(self.registered).get(ticket.name)

    def rule(self, address: str, ticket: TicketSpec) -> str:
        """Return what became of a ticket's rule for a repository."""
        if self.in_rucio(ticket) in {None, "in part"}:
            return "none"  # In memory a rule does not grow with its dataset.
        found = {(where, name): state for where, name, state in self.ruled}
        return found.get((address, ticket.name), "none")

    def is_sound(self, ticket: TicketSpec) -> bool:
        """Say whether nothing in Rucio contradicts a ticket."""
        return self.in_rucio(ticket) in {None, "in part", "in full", "closed"}

    def is_carried(self, ticket: TicketSpec, address: str) -> bool:
        """Say whether Rucio can have all files of a ticket arrive."""
        rules = {self.rule(address, ticket)}
        if "for all" in {self.rule(a, ticket) for a in RSES}:
            rules.add("for all")
        can_come = address not in self.shut or rules != {"none"}
        return self.is_sound(ticket) and can_come and rules != {"suspended"}

    def _needs_no_import(self, ticket: TicketSpec, address: str) -> bool:
        return self.state(address, ticket) in {"whole", "without chain"}

    def _can_import(self, ticket: TicketSpec, address: str) -> bool:
        if address not in self.by_rucio:
            return True
        # A file that was recorded and is gone is not for us to bring again.
        return self.is_carried(ticket, address) and self.state(address, ticket) != "a file is gone"

    def arrives(self, ticket: TicketSpec, address: str) -> bool:
        """Say whether a ticket can be whole in a repository."""
        return (
            ticket in self.adopted
            and self.is_known(ticket)
            and not self.is_skipped(ticket, address)
            and self.state(address, ticket) != "more"
            and (self._needs_no_import(ticket, address) or self._can_import(ticket, address))
        )

    def arrives_with_files(self, ticket: TicketSpec, address: str) -> bool:
        """Say whether, with its files, a ticket can be whole in a repository.

        What was recorded where Rucio brings files lacks those that are in no
        dataset.
        """
        in_place = address in self.by_rucio and self.rule(address, ticket) == "there"
        lacking = in_place and self.in_rucio(ticket) == "closed too early"
        return self.arrives(ticket, address) and not lacking

    def wanted(self, address: str, *, files: bool = False) -> list[str]:
        """Return the declared children that a chain has in the end.

        Parameters
        ----------
        address
            The repository.
        files
            Whether every file is looked at: what lacks one is not entered.
        """
        arrives = self.arrives_with_files if files else self.arrives
        before = self.live.get(address, ())
        return [
            child
            for word in self.entries
            for ticket, child in meaning(word)
            if not self.is_skipped(ticket, address) and (arrives(ticket, address) or child in before)
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
            _written(Settings(version=1, archive="archive", records="records", rucio=BY_RUCIO)),
            {site.site: _written(site) for site in self._sites()},
            {ticket.key: _written(ticket) for ticket in self._tickets()},
            {chain.chain: _written(chain) for chain in self._chain_files()},
        )

    def places(self) -> MemoryPlaces:
        """Make the places."""
        places = MemoryPlaces(REPOSITORIES, BY_RUCIO, PREFIXES)
        for address, butler in places.butlers.items():
            self._fill(address, butler)
        for ticket in TICKETS:
            if ticket.name in self.archived:
                _archive(ticket, places)
            if state := self.in_rucio(ticket):
                self._carry(ticket, state, places)
        for address in self.shut:
            places.hands.set_writable(RSES[address], writable=False)
        return places

    def _carry(self, ticket: TicketSpec, state: str, places: MemoryPlaces) -> None:
        """Have a ticket in Rucio, and under way."""
        _register(ticket, state, places)
        for address, rse in RSES.items():
            _rule(ticket, rse, self.rule(address, ticket), places)
            there = self.state(address, ticket)
            if there and address in self.by_rucio and self.rule(address, ticket) == "there":
                _record_in_place(ticket, places.butlers[address], PREFIXES[rse])

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
                            "route": self._route(address),
                            **({"hold": "a test"} if address in self.held else {}),
                        }
                        for repository, address in here.items()
                    },
                }
            )

    def _route(self, address: Place) -> Any:
        if address in self.by_rucio:
            return {"by": "rucio", "rse": RSES[address], "prefix": PREFIXES[RSES[address]]}
        return "origin" if address == ORIGIN else "copy"

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


@cache
def files_of(ticket: TicketSpec) -> tuple[tuple[FileToRegister, bytes], ...]:
    """Return what a ticket is to be in Rucio."""
    butler, found = _made(ticket), []
    for file in butler.stored(ticket.leaves):
        name, data = file.uri.removeprefix(f"memory://{ORIGIN}/"), butler.uris[file.uri]
        adler32 = f"{zlib.adler32(data):08x}"
        found.append((FileToRegister(name, file.uri, len(data), adler32, file.sidecar), data))
    return tuple(found)


def registered_files(ticket: TicketSpec) -> Mapping[str, RegisteredFile]:
    """Return what a ticket's dataset is to hold before it is closed."""
    uuids = {d.path: d.uuid for d in _made(ticket).datasets.values()}
    return {
        file.name: RegisteredFile(file.size, file.adler32, uuids[file.name]) for file, _ in files_of(ticket)
    }


@cache
def _made(ticket: TicketSpec) -> MemoryButler:
    butler = MemoryButler(ORIGIN)
    ticket.make(butler)
    return butler


def _register(ticket: TicketSpec, state: str, places: MemoryPlaces) -> None:
    files = [file for file, _ in files_of(ticket)]
    if state in {"in part", "closed too early"}:
        files = files[:-1]
    elif state == "with other bytes":
        files[0] = replace(files[0], adler32="0" * 8)
    elif state == "with more":
        files.append(FileToRegister("u/ann/notes", f"memory://{ORIGIN}/u/ann/notes", 1, "00620062", "{}"))
        places.shipped["u/ann/notes"] = b"b"
    places.hands.register(ticket.dataset, files)
    places.shipped |= {file.name: data for file, data in files_of(ticket)}
    if state in {"closed", "closed too early"}:
        places.hands.close(ticket.dataset)


def _rule(ticket: TicketSpec, rse: str, state: str, places: MemoryPlaces) -> None:
    hands = places.hands
    if state == "none":
        return
    if state == "for all":
        rule = hands.add_by_hand(ticket.dataset, *sorted(PREFIXES), account="ann")
    else:
        rule = hands.add_by_hand(ticket.dataset, rse, account="ann" if state == "of another" else None)
    if state == "in part":
        places.arrive(ticket.dataset, rse, 1)
    elif state == "there":
        places.arrive(ticket.dataset, rse)
    elif state == "stuck":
        hands.fail(ticket.dataset, rse, "no route to host")
    elif state == "suspended":
        hands.say(rule, RuleState.SUSPENDED)
    elif state == "ending":
        hands.expire(rule)


def _record_in_place(ticket: TicketSpec, butler: MemoryButler, prefix: str) -> None:
    """Have a ticket recorded where its files have arrived."""
    for uuid in _made(ticket).datasets.keys() & butler.datasets.keys():
        dataset = butler.datasets[uuid]
        if dataset.path is None:
            continue
        if butler.read_file(dataset.path) is None:
            del butler.uris[f"{prefix}/{dataset.path}"]
        else:
            butler.write_file(dataset.path, None)
        butler.datasets[uuid] = replace(dataset, path=f"{prefix}/{dataset.path}")


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
    key = TicketKey(INSTRUMENT, ticket.name)
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
    if draw(st.booleans()):
        situation = _with_rucio(draw, situation)
    return _with_chains(draw, situation)


def _with_rucio(draw: st.DrawFn, situation: Situation) -> Situation:
    by_rucio = draw(st.sampled_from([frozenset({SUMMIT}), frozenset(RSES)]))
    registered = {name: draw(st.sampled_from(REGISTERED)) for name in sorted(draw(st.frozensets(_NAMES)))}
    ruled = [(a, name, draw(st.sampled_from(RULED))) for a in sorted(by_rucio) for name in registered]
    shut = draw(st.sampled_from([frozenset(), frozenset(), frozenset({SUMMIT})]))
    return replace(
        situation, by_rucio=by_rucio, registered=tuple(registered.items()), ruled=tuple(ruled), shut=shut
    )


def _spelled(name: str, *, whole: bool) -> Sequence[str]:
    """Return a ticket as its name, or as its bare collections."""
    ticket = BY_NAME[name]
    return [name] if whole or not ticket.bare else ticket.leaves


def _with_chains(draw: st.DrawFn, situation: Situation) -> Situation:
    chains = []
    for address in REPOSITORIES:
        there = [child for t in TICKETS for child in _entered(situation.state(address, t), t)]
        chosen = draw(st.lists(st.sampled_from([*EXTRAS, OLD, *there]), unique=True))
        if bool(chosen) or draw(st.booleans()):
            chains.append((address, tuple(chosen)))
    return replace(situation, chains=tuple(chains))


def _entered(state: str | None, ticket: TicketSpec) -> tuple[str, ...]:
    """Return what of a ticket may stand in a chain."""
    if state is None or state in {"without chain", "part"}:
        return ()
    return ticket.children


PLACES = (*REPOSITORIES, ARCHIVE, RUCIO)

out_of_reach = st.one_of(st.just(frozenset()), _some(PLACES))
"""Places that do not answer."""
