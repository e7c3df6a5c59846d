"""Everything that is declared, with the file and line of each word.

What a state tree means does not depend on how it is written: comments, file
names and formatting are no part of the digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from ..errors import Where
from .chains import ChainFile
from .forms import Form
from .guards import Hold
from .names import Address, CollectionName, InstrumentName, Noun, Place, RepositoryAddress, TicketKey
from .repositories import Origin, Repository, Rucio, Site
from .scope import Scope
from .seals import Seal
from .settings import Bundles, Settings
from .tickets import Ticket
from .verdicts import TicketVerdicts

__all__ = ["DesiredState", "KeyPath", "Lines", "Mark", "Meaning", "Written"]

KeyPath = tuple[str | int, ...]
"""Keys and indices that lead to a value within a file."""

Mark = tuple[int, int]
"""Line and column, counted from 1."""

N = TypeVar("N", bound=Noun)


@dataclass(frozen=True)
class Lines:
    """Where each value of one file stands."""

    file: str
    """The file, relative to the root of the tree."""

    names: Mapping[KeyPath, Mark] = field(default_factory=dict)
    """Where each value begins to be told: its key in a mapping, itself in a
    list."""

    values: Mapping[KeyPath, Mark] = field(default_factory=dict)
    """Where each value itself begins."""

    def at(self, *path: str | int) -> Where:
        """Return where a value is told: its key, or its place in a list.

        Parameters
        ----------
        *path
            Keys and indices.  What the file does not hold stands at its
            nearest ancestor that it does.
        """
        return self._nearest(self.names, path)

    def value_at(self, *path: str | int) -> Where:
        """Return where a value itself begins, behind its key."""
        return self._nearest(self.values, path)

    def _nearest(self, marks: Mapping[KeyPath, Mark], path: KeyPath) -> Where:
        # From the value itself upward to the whole file, which is the path
        # without any key.
        for end in range(len(path), -1, -1):
            ancestor = path[:end]
            mark = marks.get(ancestor)
            if mark:
                return Where(self.file, *mark)
        return Where(self.file, 1)


@dataclass(frozen=True)
class Written(Generic[N]):
    """What a person wrote, and where."""

    noun: N
    """What is declared."""

    lines: Lines
    """Where each of its values stands."""


@dataclass(frozen=True)
class Meaning:
    """What one word of a chain's entries stands for.

    Exactly one of ``ticket`` and ``chain`` is given.
    """

    children: tuple[CollectionName, ...]
    """Collections that stand in the chain for it, in search order."""

    ticket: Written[Ticket] | None = None
    """The ticket that is named, or whose bare collection is."""

    chain: Written[ChainFile] | None = None
    """The other declared chain that is named."""


@dataclass(frozen=True)
class DesiredState:
    """All of a state tree, checked.

    Nothing in it may be changed, the mappings included.
    """

    root: str
    """Absolute path of the tree; no part of the digest."""

    settings: Written[Settings]
    """``calibstate.yaml``."""

    sites: Mapping[str, Written[Site]]
    """Sites by name."""

    tickets: Mapping[TicketKey, Written[Ticket]]
    """Tickets by instrument and ticket."""

    chains: Mapping[str, Written[ChainFile]]
    """Chains by name of the collection."""

    seals: Mapping[TicketKey, Written[Seal]] = field(default_factory=dict)
    """Seals by instrument and ticket."""

    verdicts: Mapping[TicketKey, Written[TicketVerdicts]] = field(default_factory=dict)
    """Verdicts of verifications by instrument and ticket; no part of the
    digest, for they tell of what is declared."""

    own: Mapping[str, Mapping[str, Written[Noun]]] = field(default_factory=dict)
    """What kinds declare by files of their own, by folder and name."""

    beside: Mapping[str, Written[Noun] | None] = field(default_factory=dict)
    """What the files say that stand beside kinds' own, by file; `None`: it
    could not be read."""

    forms: tuple[Form, ...] = ()
    """The forms of those files; no part of the digest."""

    besides: tuple[str, ...] = ()
    """What else is at its root, but for what is hidden and for readers; no
    part of the digest."""

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` of what is declared, however it is written.

        How it is judged, when it may be applied, what runs by itself, how
        exposures are verified each day and how long what is left over is kept
        are no part of it: they change no plan.
        """
        not_declared = {"policy", "retention", "windows"}
        # Without waves it is what it was before there were any.
        if not self.settings.noun.waves:
            not_declared.add("waves")
        tickets: dict[str, Any] = {}
        for key, ticket in self.tickets.items():
            # Without either it is what it was before there were any.
            besides = set()
            if not ticket.noun.certify:
                besides.add("certify")
            if not ticket.noun.ingest:
                besides.add("ingest")
            tickets[key.name] = _plain(ticket, besides)
        # What is sealed is in the digest of the seal, whatever its form.
        seals: dict[str, str] = {}
        for key, seal in self.seals.items():
            name = "/".join(key)
            seals[name] = seal.noun.digest
        declared: dict[str, Any] = {
            "settings": _plain(self.settings, besides=not_declared),
            # Who makes and brings calibrations is no part of what they are.
            "sites": _all_plain(self.sites, besides={"construction", "watch"}),
            "tickets": tickets,
            "chains": _all_plain(self.chains),
            "seals": seals,
        }
        # Without kinds' own files it is what it was before there were any.
        own = self._own_plain()
        if any(own.values()):
            declared["own"] = own
        if self.beside:
            beside: dict[str, Any] = {}
            for file, written in self.beside.items():
                # Of a sound tree each of them could be read.
                assert written, file
                beside[file] = _plain(written)
            declared["beside"] = beside
        # One text for one declaration: sorted, and without blanks.
        text = json.dumps(
            declared,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        digest = hashlib.sha256(text.encode())
        return f"sha256:{digest.hexdigest()}"

    def _own_plain(self) -> dict[str, Any]:
        """Return what kinds' own files declare, but for what no plan brings
        anywhere.
        """
        aside = set()
        for form in self.forms:
            if not form.is_deployed:
                aside.add(form.folder)
        own: dict[str, Any] = {}
        for folder, files in self.own.items():
            if folder not in aside:
                own[folder] = _all_plain(files)
        return own

    @cached_property
    def repositories(self) -> tuple[RepositoryAddress, ...]:
        """Addresses of all repositories, sorted."""
        addresses: list[RepositoryAddress] = []
        for written in self.sites.values():
            site = written.noun
            addresses.extend(map(site.address, site.repositories))
        return tuple(sorted(addresses))

    def repository(self, address: RepositoryAddress) -> tuple[Site, Repository]:
        """Return a repository and its site.

        Raises
        ------
        KeyError
            No site declares it.
        """
        site, _, name = address.partition("/")
        noun = self.sites[site].noun
        return noun, noun.repositories[name]

    def verdicts_of(self, key: TicketKey) -> TicketVerdicts | None:
        """Return what verifications say of a ticket, as it is kept.

        Of a construction without one there are no products, so no verdict;
        `None` where nothing is constructed here and nothing kept.
        """
        kept = self.verdicts.get(key)
        if kept:
            return kept.noun
        ticket = self.tickets.get(key)
        if ticket and ticket.noun.construction:
            return TicketVerdicts(ticket=key.ticket, instrument=key.instrument, products=())
        return None

    def origin(self, instrument: InstrumentName) -> RepositoryAddress | None:
        """Return where the calibrations of an instrument are made."""
        return self._origins.get(instrument)

    def owner(self, target: Address) -> RepositoryAddress | None:
        """Return the repository to whose site the steps at an address belong.

        A repository itself; for the archive and Rucio, whose names begin with
        an instrument, that instrument's origin.
        """
        if target.place in self.repositories:
            return target.place
        instrument, _, _ = target.name.partition("/")
        return self.origin(instrument)

    def records_elsewhere(self, site: str) -> str | None:
        """Return the store of a site's records if it is another site's.

        The settings' store is that of the archive, so of the sites where
        calibrations are made.  What a relative path means is told by the
        place of the tree, and is at hand.

        Parameters
        ----------
        site
            The site.

        Returns
        -------
        str or None
            The path or URI; `None` where the site has a store of its own.
        """
        sites_with_origin = {origin.site for origin in self._origins.values()}
        noun = self.sites[site].noun
        if site in sites_with_origin or not noun.repositories:
            return None
        shared = self.settings.noun.records
        store = noun.records or shared
        # What is relative lies beside the tree, wherever that is.
        if "://" not in store and not store.startswith("/"):
            return None
        # The servers where sites with an origin keep their records.
        servers = {_server(shared)}
        for name in sites_with_origin:
            origin_site = self.sites[name].noun
            records = origin_site.records or shared
            servers.add(_server(records))
        if _server(store) not in servers:
            return None
        return store

    def with_instrument(self, instrument: InstrumentName) -> tuple[RepositoryAddress, ...]:
        """Return the repositories that have an instrument, sorted."""
        return self._by_instrument.get(instrument, ())

    def words_of_tickets(self, scope: Scope, instrument: InstrumentName) -> set[str]:
        """Return the words by which chains may list what is asked for.

        Parameters
        ----------
        scope
            It says which tickets are asked for.
        instrument
            Whose tickets.
        """
        words: set[str] = set()
        for key, written in self.tickets.items():
            if key.instrument != instrument or not scope.has_ticket(key):
                continue
            words.add(key.ticket)
            words.update(written.noun.children)
            words.update(written.noun.leaves)
        return words

    def in_order_of_waves(self, repositories: Iterable[RepositoryAddress]) -> tuple[RepositoryAddress, ...]:
        """Return repositories in the order in which a change comes to them.

        Sites that no wave names wait for nobody, and come first; those of one
        wave are in the order of their names.
        """
        waves: dict[str, int] = {}
        for number, wave in enumerate(self.settings.noun.waves, 1):
            waves.update(dict.fromkeys(wave, number))
        return tuple(sorted(repositories, key=lambda address: (waves.get(address.site, 0), address)))

    def rse_of(self, address: RepositoryAddress) -> str | None:
        """Return where Rucio brings a repository's files, if it does."""
        site, _ = self.repository(address)
        _, _, name = address.partition("/")
        route = site.route_of(name)
        if not isinstance(route, Rucio):
            return None
        return route.rse

    def bundled_by_reference(self, ticket: Ticket) -> bool:
        """Return whether the files of a ticket stay where they are."""
        bundles = ticket.bundles or self.settings.noun.bundles
        return bundles is Bundles.BY_REFERENCE

    def awaiting(self, ticket: Ticket, rse: str) -> tuple[RepositoryAddress, ...]:
        """Return the repositories that await a ticket at an RSE, sorted."""
        addresses = []
        for address in self.with_instrument(ticket.instrument):
            if self.rse_of(address) != rse:
                continue
            if not self.skipped(ticket, address):
                addresses.append(address)
        return tuple(addresses)

    def hold_of(self, address: RepositoryAddress) -> Hold | None:
        """Return why nothing is changed at a repository; `None`: it may."""
        site, _, name = address.partition("/")
        written = self.sites[site]
        repository = written.noun.repositories[name]
        # A repository's own hold is told rather than that of its site.
        if not repository.hold:
            return _hold(address, written)
        where = written.lines.at("repositories", name, "hold")
        return Hold(address, repository.hold, where)

    def hold_of_ticket(self, key: TicketKey) -> Hold | None:
        """Return why nothing is done with a ticket; `None`: it may."""
        _, name = key
        return _hold(name, self.tickets.get(key))

    def hold_of_chain(self, name: CollectionName) -> Hold | None:
        """Return why a declared chain is written nowhere; `None`: it may."""
        return _hold(name, self.chains.get(name))

    def ticket_with(self, child: CollectionName) -> Written[Ticket] | None:
        """Return the ticket that stands in chains as a collection, if any."""
        return self._by_child.get(child)

    def skipped(self, ticket: Ticket, address: RepositoryAddress) -> str | None:
        """Return why a repository does not get a ticket; `None` if it does."""
        # A reason for the repository weighs more than one for its site.
        site = Place(address).site
        reason_for_site = ticket.skip.get(site)
        return ticket.skip.get(address, reason_for_site)

    def expects(self, only: Iterable[str], address: RepositoryAddress) -> bool:
        """Return whether an ``only`` names a repository; an empty one does.

        Parameters
        ----------
        only
            Sites and repositories.
        address
            The repository.
        """
        named = frozenset(only)
        if not named:
            return True
        site = Place(address).site
        return address in named or site in named

    def has_chain(self, address: RepositoryAddress, chain: ChainFile) -> bool:
        """Return whether a repository is to have a declared chain."""
        _, repository = self.repository(address)
        if chain.instrument not in repository.instruments:
            return False
        return self.expects(chain.only, address)

    def retired(self, chain: ChainFile) -> frozenset[CollectionName]:
        """Return the collections that a chain is not to search any more."""
        collections: set[CollectionName] = set()
        for word in chain.retired:
            meaning = self.meaning(word, chain.instrument)
            if meaning:
                collections.update(meaning.children)
            else:
                # It may be a collection that nobody declares.
                collections.add(word)
        return frozenset(collections)

    def tickets_of(self, instrument: InstrumentName) -> tuple[Written[Ticket], ...]:
        """Return the tickets of an instrument, by name."""
        tickets = []
        for key in sorted(self.tickets):
            if key.instrument == instrument:
                tickets.append(self.tickets[key])
        return tuple(tickets)

    def chains_of(self, instrument: InstrumentName) -> tuple[Written[ChainFile], ...]:
        """Return the chains of an instrument, by name."""
        chains = []
        for name in sorted(self.chains):
            chain = self.chains[name]
            if chain.noun.instrument == instrument:
                chains.append(chain)
        return tuple(chains)

    def chains_searching(self, collection: CollectionName) -> tuple[CollectionName, ...]:
        """Return the declared chains that search a collection of a ticket."""
        names = []
        for name, chain in sorted(self.chains.items()):
            for entry in chain.noun.entries:
                meaning = None
                if isinstance(entry, str):
                    meaning = self.meaning(entry, chain.noun.instrument)
                if meaning is None or meaning.ticket is None:
                    continue
                ticket = meaning.ticket.noun
                if collection in (*ticket.leaves, *ticket.children):
                    names.append(name)
                    break
        return tuple(names)

    def ticket_named(self, word: str, instrument: InstrumentName) -> Written[Ticket] | None:
        """Return the ticket of an instrument that a word names, if any."""
        key = TicketKey(instrument, word)
        return self.tickets.get(key)

    def meaning(self, word: str, instrument: InstrumentName) -> Meaning | None:
        """Return what an entry of a chain stands for.

        A word is read as a ticket first, then as one collection of a bare
        ticket, then as another declared chain.

        Parameters
        ----------
        word
            The entry.
        instrument
            Instrument of the chain that lists it.

        Returns
        -------
        Meaning or None
            `None` for a word that means nothing.
        """
        ticket = self.ticket_named(word, instrument)
        if ticket:
            return Meaning(ticket.noun.children, ticket=ticket)
        ticket = self._by_bare_collection.get((instrument, word))
        if ticket:
            return Meaning((word,), ticket=ticket)
        chain = self.chains.get(word)
        if chain:
            return Meaning((word,), chain=chain)
        return None

    @cached_property
    def _by_instrument(self) -> Mapping[InstrumentName, tuple[RepositoryAddress, ...]]:
        """Repositories of each instrument; asked for with every ticket."""
        by_instrument: dict[InstrumentName, list[RepositoryAddress]] = {}
        for address in self.repositories:
            _, repository = self.repository(address)
            # An instrument may be listed twice, and has it once.
            for instrument in dict.fromkeys(repository.instruments):
                addresses = by_instrument.setdefault(instrument, [])
                addresses.append(address)
        return {instrument: tuple(addresses) for instrument, addresses in by_instrument.items()}

    @cached_property
    def _origins(self) -> Mapping[InstrumentName, RepositoryAddress]:
        """The origin of each instrument; of several the first counts."""
        origins: dict[InstrumentName, RepositoryAddress] = {}
        for instrument, addresses in self._by_instrument.items():
            for address in addresses:
                site, _, name = address.partition("/")
                route = self.sites[site].noun.route_of(name)
                if isinstance(route, Origin):
                    origins.setdefault(instrument, address)
        return origins

    @cached_property
    def _by_bare_collection(self) -> Mapping[tuple[str, str], Written[Ticket]]:
        """Bare tickets by instrument and each of their collections."""
        tickets: dict[tuple[str, str], Written[Ticket]] = {}
        for ticket in self.tickets.values():
            instrument = ticket.noun.instrument
            for name in ticket.noun.bare:
                tickets[instrument, name] = ticket
        return tickets

    @cached_property
    def _by_child(self) -> Mapping[CollectionName, Written[Ticket]]:
        """Tickets by each collection that stands in chains for them."""
        tickets: dict[CollectionName, Written[Ticket]] = {}
        for ticket in self.tickets.values():
            for child in ticket.noun.children:
                tickets[child] = ticket
        return tickets


def _hold(
    what: str,
    written: Written[Site] | Written[Ticket] | Written[ChainFile] | None,
) -> Hold | None:
    """Return the hold that a file declares as a whole, if it does."""
    if written is None:
        return None
    reason = written.noun.hold
    if not reason:
        return None
    where = written.lines.at("hold")
    return Hold(what, reason, where)


def _plain(written: Written[Any], besides: set[str] | None = None) -> Any:
    """Return what a file declares, as JSON has it."""
    return written.noun.model_dump(
        mode="json",
        exclude_none=True,
        exclude=besides,
    )


def _all_plain(
    files: Mapping[str, Written[Any]],
    besides: set[str] | None = None,
) -> dict[str, Any]:
    return {name: _plain(written, besides) for name, written in files.items()}


def _server(uri: str) -> str:
    """Return what keeps a store: a bucket, or the folder itself."""
    scheme, is_uri, rest = uri.partition("://")
    if not is_uri:
        return uri.rstrip("/")
    server, _, _ = rest.partition("/")
    return f"{scheme}://{server}"
