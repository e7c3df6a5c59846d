"""Whether what the files say agrees: each file with its name and all others.

A word that means nothing, or two things, would be found out at the worst
moment, in the middle of a deployment; so it is found here, and all of them
at once.  What a file that could not be read may have said is not held
against the others.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain as chained
from string import Formatter
from typing import Any

from ..errors import Diagnostic, Severity, Where
from .approvals import approved_otherwise
from .chains import ChainFile, ExternalEntry
from .desired import DesiredState, Lines, Written
from .names import InstrumentName, RepositoryAddress, collection_name_problem, nearest
from .repositories import Copy, Origin, Rucio, Site
from .rucio import name_problem
from .seals import Seal, covered
from .settings import Bundles, RucioSettings, Settings
from .tickets import ApprovalStatus, RucioLabel, Ticket

__all__ = ["MAX_ERRORS", "MAX_NESTING", "Claim", "Tree", "Unread", "crosscheck"]

MAX_ERRORS = 1000
"""Disagreements that are told."""

MAX_NESTING = 50
"""Declared chains within each other; real ones have two."""

_STAND_IN = Written(Settings(version=1, archive="unread", records="unread"), Lines("calibstate.yaml"))


@dataclass(frozen=True)
class Unread:
    """What files that could not be read may have declared."""

    words: frozenset[str] = frozenset()
    """Sites, tickets, collections and chains that they seem to name."""

    sites: bool = False
    """Whether a site's file is among them."""

    collections: bool = False
    """Whether they may have named any collection or chain."""

    def may_mean(self, word: str) -> bool:
        """Return whether a word may be theirs, so that it is not unknown."""
        if word in self.words or word.partition("/")[0] in self.words:
            return True
        return self.collections and "/" in word


@dataclass(frozen=True)
class Claim:
    """What one file says that a collection is."""

    what: str
    """In words."""

    where: Where
    """The line."""


@dataclass(frozen=True)
class Tree:
    """What the files of a state tree say, each for itself."""

    root: str
    """Absolute path of the tree."""

    settings: Written[Settings] | None
    """``calibstate.yaml``; `None` where it could not be read."""

    sites: Sequence[Written[Site]]
    """By file, as are the others."""

    tickets: Sequence[Written[Ticket]]
    """All tickets."""

    chains: Sequence[Written[ChainFile]]
    """All chains."""

    unread: Unread = Unread()
    """What is missing because a file could not be read."""

    seals: Sequence[Written[Seal]] = ()
    """All seals."""

    @cached_property
    def desired(self) -> DesiredState:
        """All of it together; of what is declared twice, the first."""
        return DesiredState(
            root=self.root,
            settings=self.settings or _STAND_IN,
            sites={s.noun.site: s for s in reversed(self.sites)},
            tickets={t.noun.key: t for t in reversed(self.tickets)},
            chains={c.noun.chain: c for c in reversed(self.chains)},
            seals={s.noun.key: s for s in reversed(self.seals)},
        )

    @cached_property
    def places(self) -> frozenset[str]:
        """Sites and addresses of repositories."""
        return frozenset(self.desired.sites) | frozenset(self.desired.repositories)

    @cached_property
    def instruments(self) -> frozenset[InstrumentName]:
        """Instruments that a repository has."""
        sites = (site.noun for site in self.sites)
        return frozenset(i for s in sites for r in s.repositories.values() for i in r.instruments)

    @cached_property
    def claims(self) -> Mapping[str, Claim]:
        """Collections that the files declare, and as what."""
        return dict(_claims(self))


def crosscheck(tree: Tree) -> Iterator[Diagnostic]:
    """Tell everything in which the files of a tree do not agree.

    Parameters
    ----------
    tree
        What the files say.

    Yields
    ------
    Diagnostic
        Errors, warnings and notes, in no order; of errors no more than
        anybody would read.
    """
    errors = 0
    for told in chained.from_iterable(check(tree) for check in _CHECKS):
        yield told
        errors += told.severity is Severity.ERROR
        if errors == MAX_ERRORS:
            # Looking for the nearest word to each of a hundred thousand
            # would take an hour.
            yield Diagnostic("Too many mistakes", "The rest was not looked at.", told.where)
            return


def _file_names(tree: Tree) -> Iterator[Diagnostic]:
    for site in tree.sites:
        yield from _misnamed(site, f"sites/{site.noun.site}.yaml", "site")
    for ticket in tree.tickets:
        yield from _misnamed(ticket, f"tickets/{ticket.noun.name}.yaml", "ticket")
    for seal in tree.seals:
        yield from _misnamed(seal, f"seals/{'/'.join(seal.noun.key)}.yaml", "ticket")


def _misnamed(written: Written[Any], expected: str, key: str) -> Iterator[Diagnostic]:
    if written.lines.file != expected:
        detail = f"The file declares what belongs into {expected}; nobody would look for it here."
        hint = f"Rename the file, or mend `{key}`."
        yield Diagnostic("File under another name", detail, written.lines.value_at(key), hint)


def _declared_twice(tree: Tree) -> Iterator[Diagnostic]:
    yield from _same_twice(tree.sites, "site", lambda site: site.site)
    yield from _same_twice(tree.tickets, "ticket", lambda ticket: ticket.name)
    yield from _same_twice(tree.chains, "chain", lambda chain: chain.chain)


def _same_twice(
    written: Sequence[Written[Any]], key: str, name_of: Callable[[Any], str]
) -> Iterator[Diagnostic]:
    first: dict[str, Where] = {}
    for one in written:
        name, where = name_of(one.noun), one.lines.value_at(key)
        if name in first:
            detail = f"The {key} {name} is declared in {_line(first[name])} already."
            yield Diagnostic("Declared twice", detail, where, "Keep one of the two.")
        first.setdefault(name, where)


def _settings(tree: Tree) -> Iterator[Diagnostic]:
    if tree.settings and (rucio := tree.settings.noun.rucio):
        lines = tree.settings.lines
        if problem := _template_problem(rucio.dataset):
            where = lines.value_at("rucio", "dataset")
            hint = "The default is `Dataset/{instrument}/{label}/{ticket}`."
            yield Diagnostic("Not a name of Rucio datasets", f"`{rucio.dataset}` {problem}.", where, hint)
        if not _SCOPE.fullmatch(rucio.scope):
            detail = f"`{rucio.scope}`: Rucio takes letters, digits and `. - _`."
            yield Diagnostic("Not a scope of Rucio", detail, lines.value_at("rucio", "scope"))
        if rucio.dtn_url is not None and "://" not in rucio.dtn_url:
            detail = f"`{rucio.dtn_url}` is no URL, so no file would be where Rucio looks for it."
            hint = "Give it as the RSE's protocol has it, such as https://host:port/path."
            yield Diagnostic("Not a URL", detail, lines.value_at("rucio", "dtn_url"), hint)
        if rucio.rse_root and not rucio.rse_root.startswith("/"):
            detail = f"`{rucio.rse_root}` is no absolute path."
            hint = "Give the folder above the scope's; for a bucket, write an empty word."
            yield Diagnostic("Not a root of the RSE", detail, lines.value_at("rucio", "rse_root"), hint)


_SCOPE = re.compile(r"[A-Za-z0-9_.-]+")
_SCHEMES = {"dav", "davs", "file", "gs", "http", "https", "s3", "webdav", "webdavs"}
"""What files can be recorded at; s3 may name a profile too."""


def _template_problem(template: str) -> str | None:
    try:
        parsed = [field for field in Formatter().parse(template) if field[1] is not None]
    except ValueError:
        return "has a brace without its other"
    fields = {name for _, name, _, _ in parsed if name is not None}
    if any(form or conversion for _, _, form, conversion in parsed):
        return "changes a word (`:…` or `!…`), so two tickets could share a dataset"
    if unknown := fields - {"instrument", "label", "ticket"}:
        return f"names `{{{min(unknown)}}}`; known are `{{instrument}}`, `{{label}}` and `{{ticket}}`"
    if not {"instrument", "ticket"} <= fields:
        return "lacks `{instrument}` or `{ticket}`, so two tickets would share a dataset"
    return None


def _rucio_names(tree: Tree) -> Iterator[Diagnostic]:
    """Tell of names that Rucio would refuse in the middle of a deployment."""
    settings = tree.settings.noun.rucio if tree.settings else None
    if settings is None or _template_problem(settings.dataset):
        return
    for ticket in tree.tickets:
        if _goes_by_rucio(tree, ticket.noun):
            yield from _refused_by_rucio(ticket, settings)


def _goes_by_rucio(tree: Tree, ticket: Ticket) -> bool:
    return any(
        isinstance(tree.desired.repository(address)[0].route_of(address.partition("/")[2]), Rucio)
        and not tree.desired.skipped(ticket, address)
        for address in tree.desired.with_instrument(ticket.instrument)
    )


def _refused_by_rucio(written: Written[Ticket], settings: RucioSettings) -> Iterator[Diagnostic]:
    ticket = written.noun
    label = (ticket.rucio or RucioLabel()).label
    dataset = settings.dataset_of(ticket.instrument, ticket.ticket, label)
    if problem := name_problem(dataset):
        detail = f"{ticket.ticket} goes by Rucio as the dataset `{dataset}`: {problem}."
        hint = "Mend `rucio.dataset` in calibstate.yaml, or the ticket's label."
        yield Diagnostic("Rucio would refuse the name", detail, written.lines.at("ticket"), hint)
    key = "bare" if ticket.bare else "collections"
    for index, leaf in enumerate(ticket.leaves):
        if problem := name_problem(leaf):
            detail = f"{ticket.ticket} goes by Rucio, and its files are called after `{leaf}`: {problem}."
            hint = "Certify it under another name, or skip the sites that are reached by Rucio."
            where = written.lines.value_at(key, index)
            yield Diagnostic("Rucio would refuse the name", detail, where, hint)


def _routes(tree: Tree) -> Iterator[Diagnostic]:
    for site in tree.sites:
        for name in site.noun.repositories:
            yield from _route(tree, site, name)


def _route(tree: Tree, site: Written[Site], name: str) -> Iterator[Diagnostic]:
    address = site.noun.address(name)
    within = ("repositories", name) if site.noun.repositories[name].route else ()
    where = site.lines.at(*within, "route")
    match site.noun.route_of(name):
        case None:
            detail = f"Nothing says how calibrations reach {address}."
            hint = "Give a `route`: origin, copy or rucio; here, or for the whole site."
            yield Diagnostic("No route", detail, site.lines.at("repositories", name), hint)
        case Rucio() if tree.settings and not tree.settings.noun.rucio:
            detail = f"{address} is reached by Rucio, but `rucio` in calibstate.yaml is missing."
            hint = "Give at least its `scope` and `origin_rse`."
            yield Diagnostic("No settings for Rucio", detail, where, hint)
        case Rucio(rse=rse) if tree.settings and _is_of_origin(tree.settings.noun, rse):
            detail = f"{address} would receive at {rse}, which is where the calibrations are made."
            yield Diagnostic("Site receives at the origin", detail, where, "Name the RSE of the site.")
        case Rucio(prefix=prefix) if not _is_prefix(prefix):
            detail = (
                f"`{prefix}` is no URI and no absolute path that files can be at, "
                f"so those of {address} are nowhere."
            )
            hint = "Give the URI under which the site sees the RSE's files, such as s3://bucket/scope."
            yield Diagnostic("Not a prefix", detail, where, hint)
        case Copy() if tree.settings and tree.settings.noun.bundles is Bundles.BY_REFERENCE:
            yield from _copy_without_files(tree, address, where)
        case _:
            pass


def _is_of_origin(settings: Settings, rse: str) -> bool:
    return settings.rucio is not None and settings.rucio.origin_rse == rse


def _is_prefix(prefix: str) -> bool:
    """Say whether files can be recorded below a prefix."""
    scheme, separated, path = prefix.partition("://")
    if ".." in (path if separated else prefix).split("/"):
        return False
    return scheme in _SCHEMES if separated else prefix.startswith("/")


def _copy_without_files(tree: Tree, address: RepositoryAddress, where: Where) -> Iterator[Diagnostic]:
    instruments = tree.desired.repository(address)[1].instruments
    origins = {origin for i in instruments if (origin := tree.desired.origin(i))}
    if any(_site_of(origin) != _site_of(address) for origin in origins):
        detail = (
            f"{address} is reached by copy, but with `bundles: by_reference` the files"
            f" stay at {', '.join(sorted(origins))}."
        )
        yield Diagnostic("Nothing to copy from", detail, where, "Use `bundles: full`, or another route.")


def _holds(tree: Tree) -> Iterator[Diagnostic]:
    for site in tree.sites:
        if _lacks_reason(site.noun, "hold"):
            yield _no_reason("A hold", site.lines.at("hold"))
        for name, repository in site.noun.repositories.items():
            if _lacks_reason(repository, "hold"):
                yield _no_reason("A hold", site.lines.at("repositories", name, "hold"))
    declared: tuple[Written[Any], ...] = (*tree.tickets, *tree.chains)
    for written in declared:
        if _lacks_reason(written.noun, "hold"):
            yield _no_reason("A hold", written.lines.at("hold"))


def _windows(tree: Tree) -> Iterator[Diagnostic]:
    for number, window in enumerate(tree.settings.noun.windows if tree.settings else ()):
        lines = tree.desired.settings.lines
        for index, place in enumerate(window.deny):
            yield from _known_place(tree, place, lines.value_at("windows", number, "deny", index))
        if not window.because.strip():
            yield _no_reason("A window", lines.at("windows", number, "because"))


def _waves(tree: Tree) -> Iterator[Diagnostic]:
    lines, first = tree.desired.settings.lines, dict[str, Where]()
    for number, wave in enumerate(tree.settings.noun.waves if tree.settings else ()):
        for index, site in enumerate(wave):
            where = lines.value_at("waves", number, index)
            if site not in tree.desired.sites and not tree.unread.may_mean(site):
                hint = _did_you_mean(site, tree.desired.sites) or "Waves are of sites, not of repositories."
                yield Diagnostic("Unknown site", f"`{site}` is no site.", where, hint)
            elif site in first:
                detail = f"{site} is in a wave already ({_line(first[site])}); it has its turn once."
                yield Diagnostic("Site in two waves", detail, where, "Keep one of the two.")
            first.setdefault(site, where)


def _lacks_reason(noun: Any, key: str) -> bool:
    return key in noun.model_fields_set and not (getattr(noun, key) or "").strip()


def _no_reason(what: str, where: Where) -> Diagnostic:
    detail = f"{what} without a reason cannot be judged by whoever comes after."
    return Diagnostic("Reason missing", detail, where, "Say why, in a few words.")


def _origins(tree: Tree) -> Iterator[Diagnostic]:
    for instrument in sorted(tree.instruments):
        having = tree.desired.with_instrument(instrument)
        origins = [a for a in having if _is_origin(tree, a)]
        if not origins and not tree.unread.sites:
            detail = f"No repository is the origin of {instrument}, so its calibrations come from nowhere."
            hint = "Give one of its repositories `route: origin`."
            yield Diagnostic("No origin", detail, _where_instrument(tree, having[0], instrument), hint)
        for other in origins[1:]:
            detail = f"{instrument} has an origin already, {origins[0]}; calibrations are made in one place."
            yield Diagnostic("Two origins", detail, _where_instrument(tree, other, instrument))


def _is_origin(tree: Tree, address: RepositoryAddress) -> bool:
    site, _ = tree.desired.repository(address)
    return isinstance(site.route_of(address.partition("/")[2]), Origin)


def _where_instrument(tree: Tree, address: RepositoryAddress, instrument: InstrumentName) -> Where:
    site, _, name = address.partition("/")
    written = tree.desired.sites[site]
    index = written.noun.repositories[name].instruments.index(instrument)
    return written.lines.at("repositories", name, "instruments", index)


def _known_instruments(tree: Tree) -> Iterator[Diagnostic]:
    if tree.unread.sites:
        return
    told: set[str] = set()
    declared: tuple[Written[Any], ...] = (*tree.tickets, *tree.chains)
    for written in declared:
        instrument = written.noun.instrument
        if instrument in tree.instruments or instrument in told:
            continue
        # One word for an instrument: its tickets may be hundreds.
        told.add(instrument)
        detail = f"No repository has the instrument {instrument}."
        hint = _did_you_mean(instrument, tree.instruments) or "List it under `instruments` of a repository."
        yield Diagnostic("Unknown instrument", detail, written.lines.value_at("instrument"), hint)


def _same_butler(tree: Tree) -> Iterator[Diagnostic]:
    first: dict[str, list[tuple[Written[Site], str]]] = {}
    for site in tree.sites:
        for name, repository in site.noun.repositories.items():
            before = first.setdefault(_normal(repository.butler), [])
            for other, other_name in before:
                if other is site or not _apart(site.noun, other.noun):
                    yield _two_addresses(site, name, other, other_name)
                    break
            before.append((site, name))


def _normal(butler: str) -> str:
    """Return one spelling for all that open the same repository."""
    folder = butler.removesuffix("/butler.yaml")
    if "://" in folder:
        return folder.rstrip("/")
    is_path = "/" in folder or folder.startswith(".")
    return posixpath.normpath(folder) if is_path else folder


def _apart(site: Site, other: Site) -> bool:
    """Return whether labels and paths of two sites mean different things.

    Those of a site without hosts are opened anywhere, the other's included.
    """
    return bool(site.hosts) and bool(other.hosts) and set(site.hosts) != set(other.hosts)


def _two_addresses(site: Written[Site], name: str, other: Written[Site], other_name: str) -> Diagnostic:
    address, before = site.noun.address(name), other.noun.address(other_name)
    butler = site.noun.repositories[name].butler
    detail = f"{address} and {before} are both `{butler}`: one repository would be changed by two plans."
    hint = (
        "" if other is site else "If they are two, say by `hosts` of their sites where each means something."
    )
    return Diagnostic(
        "One butler, two addresses", detail, site.lines.value_at("repositories", name, "butler"), hint
    )


def _ticket_contents(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.tickets:
        ticket, lines = written.noun, written.lines
        if ticket.collections and ticket.bare:
            detail = f"{ticket.ticket} has both `collections` and `bare`; it is deployed in one way."
            hint = "`bare` is for collections that stand in chains by themselves."
            yield Diagnostic("Collections and bare", detail, lines.at("bare"), hint)
        elif not ticket.leaves:
            detail = f"{ticket.ticket} names no collections, so there is nothing to deploy."
            hint = "Give `collections`, in search order; or `bare`."
            yield Diagnostic("Ticket without collections", detail, _of_key(lines, ticket), hint)


def _of_key(lines: Lines, ticket: Ticket) -> Where:
    for key in ("collections", "bare"):
        if key in ticket.model_fields_set:
            return lines.at(key)
    return lines.at("ticket")


def _approvals(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.tickets:
        approval = written.noun.approval
        if approval.status is ApprovalStatus.ADOPTED and not (approval.taxicab or approval.note):
            detail = f"{written.noun.ticket} is adopted, but nothing says where that was decided."
            hint = "Give `taxicab`, or a `note` for what is older than the board's records."
            where = written.lines.at("approval", "status")
            yield Diagnostic("Adopted without a record", detail, where, hint)


def _seals(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.seals:
        seal = written.noun
        ticket = tree.desired.tickets.get(seal.key)
        if seal.problem:
            hint = f"Take it back from Git, or make it anew: calibstate seal {seal.ticket}."
            detail = f"A seal is never edited by hand: {seal.problem}."
            yield Diagnostic("Seal was edited", detail, written.lines.at("digest"), hint)
        elif ticket is None:
            if not tree.unread.may_mean(seal.ticket):
                detail = f"{'/'.join(seal.key)} is sealed, and no file declares it."
                yield Diagnostic("Seal of no ticket", detail, written.lines.at("ticket"), "Remove it.")
        elif tuple(seal.fingerprints) != ticket.noun.leaves:
            detail = (
                f"{seal.ticket} was sealed with {', '.join(seal.collections)}; its file lists "
                f"other collections, or another order. What a ticket holds is final."
            )
            where = ticket.lines.at("bare" if ticket.noun.bare else "collections")
            yield Diagnostic("Ticket is not as sealed", detail, where, "Declare a new ticket in front of it.")
        yield from _unreadable_coverage(written)
    for ticket in tree.tickets:
        yield from _approved_otherwise(tree, ticket)


def _approved_otherwise(tree: Tree, written: Written[Ticket]) -> Iterator[Diagnostic]:
    # No error: a refused ticket stops only what needs it.
    if told := approved_otherwise(written, tree.desired.seals.get(written.noun.key)):
        yield replace(told, detail=f"{written.noun.ticket}: {told.detail}. It is refused.")


def _unreadable_coverage(written: Written[Seal]) -> Iterator[Diagnostic]:
    for name, sealed in written.noun.collections.items():
        for dataset_type, said in sealed.types.items():
            where = written.lines.at("collections", name, "types", dataset_type, "coverage")
            try:
                number = sum(1 for _ in covered(said.coverage, written.noun.instrument))
            except ValueError as error:
                yield Diagnostic(
                    "Coverage cannot be read", f"{error}.", where, "Seals are made, not written."
                )
                continue
            if number != said.datasets:
                detail = f"{name} covers {number} data IDs of {dataset_type}, and says {said.datasets}."
                yield Diagnostic("Seal was edited", detail, where, "Take it back from Git.")


def _unsealed(tree: Tree) -> Iterator[Diagnostic]:
    unsealed = [
        written
        for written in tree.tickets
        if written.noun.approval.status is ApprovalStatus.ADOPTED
        and written.noun.key not in tree.desired.seals
    ]
    for instrument in sorted({written.noun.instrument for written in unsealed}):
        first, *more = [written for written in unsealed if written.noun.instrument == instrument]
        names = ", ".join(written.noun.ticket for written in (first, *more))
        detail = (
            f"{len(more) + 1} adopted of {instrument}: {names}. They are deployed as their bundles or "
            "their origin show them, and nobody can tell that this is what was approved."
        )
        hint = f"calibstate seal {names.replace(',', '')}"
        yield Diagnostic("Tickets without a seal", detail, first.lines.at("ticket"), hint, Severity.WARNING)


def _skips(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.tickets:
        for place, reason in written.noun.skip.items():
            where = written.lines.at("skip", place)
            yield from _known_place(tree, place, where)
            if not reason.strip():
                yield _no_reason(f"Skipping {place}", where)


def _onlys(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.chains:
        chain, lines = written.noun, written.lines
        for index, place in enumerate(chain.only):
            yield from _known_place(tree, place, lines.at("only", index))
        for number, entry in enumerate(chain.entries):
            if isinstance(entry, ExternalEntry):
                for index, place in enumerate(entry.only):
                    yield from _known_place(tree, place, lines.at("entries", number, "only", index))


def _known_place(tree: Tree, place: str, where: Where) -> Iterator[Diagnostic]:
    if place not in tree.places and not tree.unread.may_mean(place):
        detail = f"`{place}` is neither a site nor a repository."
        hint = _did_you_mean(place, tree.places) or "A repository is written SITE/REPOSITORY."
        yield Diagnostic("Unknown site or repository", detail, where, hint)


def _chains_somewhere(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.chains:
        chain = written.noun
        having = tree.desired.with_instrument(chain.instrument)
        unsure = tree.unread.sites or not having or not set(chain.only) <= tree.places
        if unsure or any(tree.desired.expects(chain.only, address) for address in having):
            continue
        detail = f"None of the places in `only` has {chain.instrument}, so {chain.chain} is nowhere."
        yield Diagnostic("Chain without a repository", detail, written.lines.at("only"), "", Severity.WARNING)


def _claims(tree: Tree) -> Iterator[tuple[str, Claim]]:
    """Give the name of each collection that the files declare."""
    for written in tree.tickets:
        ticket, lines = written.noun, written.lines
        if ticket.collection and not ticket.bare:
            yield ticket.collection, Claim(f"the ticket collection of {ticket.name}", lines.at("ticket"))
        key = "bare" if ticket.bare else "collections"
        for index, leaf in enumerate(ticket.leaves):
            yield leaf, Claim(f"a collection of {ticket.name}", lines.at(key, index))
    for chain in tree.chains:
        yield chain.noun.chain, Claim("a declared chain", chain.lines.value_at("chain"))


def _clashes(tree: Tree) -> Iterator[Diagnostic]:
    first: dict[str, Claim] = {}
    for name, claim in _claims(tree):
        before = first.setdefault(name, claim)
        if before is claim:
            continue
        if before.what != claim.what:
            detail = f"`{name}` is {claim.what}, but also {before.what} ({_line(before.where)})."
            yield Diagnostic("One collection, two meanings", detail, claim.where)
        elif before.where.path == claim.where.path:
            # The same in two files is told as what is declared twice.
            detail = f"`{name}` stands in line {before.where.line} already."
            yield Diagnostic("Collection listed twice", detail, claim.where, "Delete one of the two.")


def _entries(tree: Tree) -> Iterator[Diagnostic]:
    for chain in tree.chains:
        for index, entry in enumerate(chain.noun.entries):
            where = chain.lines.at("entries", index)
            if isinstance(entry, ExternalEntry):
                yield from _external(tree, entry, chain.lines.value_at("entries", index, "external"))
            elif tree.desired.meaning(entry, chain.noun.instrument) is None:
                yield from _unknown_entry(tree, entry, chain.noun, where)


def _external(tree: Tree, entry: ExternalEntry, where: Where) -> Iterator[Diagnostic]:
    if claim := tree.claims.get(entry.external):
        detail = f"`{entry.external}` is {claim.what} ({_line(claim.where)}), so it is ours to make."
        yield Diagnostic("External is declared", detail, where, "List it without `external`.")


def _unknown_entry(tree: Tree, entry: str, chain: ChainFile, where: Where) -> Iterator[Diagnostic]:
    if tree.unread.may_mean(entry):
        return
    if ticket := _ticket_around(tree, entry):
        detail = f"`{entry}` is made and deployed as part of the ticket {ticket.name}."
        yield Diagnostic("Entry is part of a ticket", detail, where, f"List the ticket: {ticket.ticket}.")
        return
    detail = f"`{entry}` is no ticket of {chain.instrument}, no collection of a bare ticket, and no chain."
    hint = _did_you_mean(entry, _entry_words(tree, chain.instrument))
    hint = hint or "For what others make write `external: NAME`."
    yield Diagnostic("Entry that means nothing", detail, where, hint)


def _ticket_around(tree: Tree, name: str) -> Ticket | None:
    tickets = (written.noun for written in tree.tickets)
    return next((t for t in tickets if not t.bare and name in (t.collection, *t.leaves)), None)


def _entry_words(tree: Tree, instrument: InstrumentName) -> set[str]:
    tickets = [t.noun for t in tree.desired.tickets_of(instrument)]
    bare = {name for t in tickets for name in t.bare}
    return {t.ticket for t in tickets} | bare | set(tree.desired.chains)


def _listed(tree: Tree, chain: Written[ChainFile]) -> Iterator[tuple[str, Where]]:
    """Give the collections that a chain lists, with the line of each."""
    for index, entry in enumerate(chain.noun.entries):
        where = chain.lines.at("entries", index)
        for child in _children(tree, entry, chain.noun.instrument):
            yield child, where


def _children(tree: Tree, entry: str | ExternalEntry, instrument: InstrumentName) -> tuple[str, ...]:
    if isinstance(entry, ExternalEntry):
        return (entry.external,)
    meaning = tree.desired.meaning(entry, instrument)
    return meaning.children if meaning else (entry,)


def _listed_twice(tree: Tree) -> Iterator[Diagnostic]:
    for chain in tree.chains:
        first: dict[str, Where] = {}
        told: set[Where] = set()
        for child, where in _listed(tree, chain):
            before = first.setdefault(child, where)
            if before != where and where not in told:
                told.add(where)
                detail = f"`{child}` is listed by line {before.line} already; only its first place counts."
                yield Diagnostic("Listed twice", detail, where, "Delete one of the two.")


def _not_adopted(tree: Tree) -> Iterator[Diagnostic]:
    for chain in tree.chains:
        for ticket in _tickets_listed(tree, chain.noun):
            approval = ticket.noun.approval
            if approval.status is ApprovalStatus.ADOPTED:
                continue
            board = approval.taxicab or "its approval"
            still = "" if approval.status is ApprovalStatus.REJECTED else "still "
            detail = (
                f"{ticket.noun.ticket} is listed in {chain.noun.chain}, but {board} is"
                f' {still}"{approval.status.value}".\n'
                "Calibrations are deployed once the TAXICAB has adopted them."
            )
            hint = f"To leave it out for now, move it from `entries` to `retired` in {chain.lines.file}."
            where = ticket.lines.at("approval", "status")
            yield Diagnostic("Ticket not adopted", detail, where, hint)


def _tickets_listed(tree: Tree, chain: ChainFile) -> Iterable[Written[Ticket]]:
    """Return the tickets that a chain lists, each once."""
    words = (entry for entry in chain.entries if isinstance(entry, str))
    meanings = (tree.desired.meaning(word, chain.instrument) for word in words)
    tickets = (meaning.ticket for meaning in meanings if meaning and meaning.ticket)
    return {ticket.noun.key: ticket for ticket in tickets}.values()


def _retired(tree: Tree) -> Iterator[Diagnostic]:
    for chain in tree.chains:
        listed = dict(reversed(list(_listed(tree, chain))))
        for word, reason in chain.noun.retired.items():
            where = chain.lines.at("retired", word)
            yield from _retired_word(tree, word, chain.noun, where)
            if not reason.strip():
                yield _no_reason(f"Retiring {word}", where)
            children = _children(tree, word, chain.noun.instrument)
            if both := next((child for child in children if child in listed), None):
                detail = f"{word} is retired, but line {listed[both].line} lists it."
                yield Diagnostic("Listed and retired", detail, where, "Delete one of the two.")


def _retired_word(tree: Tree, word: str, chain: ChainFile, where: Where) -> Iterator[Diagnostic]:
    """Refuse what can be no collection; what is gone need not be known."""
    if tree.desired.meaning(word, chain.instrument) or tree.unread.may_mean(word):
        return
    if "/" not in word and word not in _externals(tree):
        detail = f"`{word}` is no ticket of {chain.instrument}, and no collection or chain of the tree."
        hint = _did_you_mean(word, _entry_words(tree, chain.instrument) | _externals(tree))
        yield Diagnostic("Retired word that means nothing", detail, where, hint)
    elif problem := collection_name_problem(word):
        detail = f"`{word}` cannot be a collection: {problem}."
        yield Diagnostic("Retired word that means nothing", detail, where)


def _externals(tree: Tree) -> set[str]:
    entries = (entry for chain in tree.chains for entry in chain.noun.entries)
    return {entry.external for entry in entries if isinstance(entry, ExternalEntry)}


def _nesting(tree: Tree) -> Iterator[Diagnostic]:
    below = {name: _chains_below(tree, chain.noun) for name, chain in tree.desired.chains.items()}
    depths = _depths(below)
    # Chains that are in a circle, or hold one, have no depth.
    left = {name: inner for name, inner in below.items() if name not in depths}
    while left:
        circle = _a_circle(left)
        yield _in_a_circle(tree, circle)
        left = _without(left, circle)
    if depths and max(depths.values()) > MAX_NESTING:
        name = max(sorted(depths), key=depths.__getitem__)
        detail = f"{name} holds more than {MAX_NESTING} chains, each within the one before."
        yield Diagnostic("Chains nested too deeply", detail, tree.desired.chains[name].lines.at("entries"))


def _chains_below(tree: Tree, chain: ChainFile) -> set[str]:
    words = (entry for entry in chain.entries if isinstance(entry, str))
    meanings = (tree.desired.meaning(word, chain.instrument) for word in words)
    return {meaning.chain.noun.chain for meaning in meanings if meaning and meaning.chain}


def _depths(below: Mapping[str, set[str]]) -> dict[str, int]:
    """Return how many levels of chains each chain holds.

    Worked out from the bottom, since chains may be nested deeper than
    Python's stack.
    """
    above: dict[str, list[str]] = {name: [] for name in below}
    for name, inner in below.items():
        for one in inner:
            above[one].append(name)
    waiting = {name: len(inner) for name, inner in below.items()}
    ready = [name for name, number in waiting.items() if number == 0]
    depths = dict.fromkeys(ready, 0)
    for name in ready:
        for outer in above[name]:
            depths[outer] = max(depths.get(outer, 0), depths[name] + 1)
            waiting[outer] -= 1
            if waiting[outer] == 0:
                ready.append(outer)
    return {name: depths[name] for name in ready}


def _a_circle(below: Mapping[str, set[str]]) -> list[str]:
    """Return one circle of chains, all of which lead into one."""
    path = [min(below)]
    while (inner := min(i for i in below[path[-1]] if i in below)) not in path:
        path.append(inner)
    return path[path.index(inner) :]


def _without(below: Mapping[str, set[str]], circle: Sequence[str]) -> dict[str, set[str]]:
    """Return what leads into a circle still, without one of them."""
    rest = {name: inner.difference(circle) & below.keys() for name, inner in below.items()}
    depths = _depths({name: inner for name, inner in rest.items() if name not in circle})
    return {name: inner for name, inner in rest.items() if name not in circle and name not in depths}


def _in_a_circle(tree: Tree, circle: Sequence[str]) -> Diagnostic:
    chain = tree.desired.chains[circle[0]]
    entry = chain.noun.entries.index(circle[1 % len(circle)])
    told = (*circle, circle[0]) if len(circle) < 10 else (*circle[:9], "…")
    detail = f"{' → '.join(told)}: a search would never end."
    return Diagnostic("Circle of chains", detail, chain.lines.at("entries", entry), "Take one of them out.")


def _listed_nowhere(tree: Tree) -> Iterator[Diagnostic]:
    named = {child for chain in tree.chains for child, _ in _listed(tree, chain)}
    named |= {child for chain in tree.chains for child in _retired_children(tree, chain.noun)}
    for written in tree.tickets:
        ticket = written.noun
        adopted = ticket.approval.status is ApprovalStatus.ADOPTED
        if not adopted or named.intersection(ticket.children):
            continue
        detail = f"{ticket.ticket} is adopted, but no chain lists it; it is deployed all the same."
        hint = f"List it in a chain of {ticket.instrument}."
        where = written.lines.at("ticket")
        yield Diagnostic("Ticket in no chain", detail, where, hint, Severity.NOTE)


def _retired_children(tree: Tree, chain: ChainFile) -> Iterator[str]:
    for word in chain.retired:
        yield from _children(tree, word, chain.instrument)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    near = nearest(word, known)
    return f"Did you mean `{near}`?" if near else ""


def _site_of(address: RepositoryAddress) -> str:
    return address.partition("/")[0]


def _line(where: Where) -> str:
    return f"{where.path}:{where.line}"


_CHECKS: tuple[Callable[[Tree], Iterator[Diagnostic]], ...] = (
    _file_names,
    _declared_twice,
    _settings,
    _rucio_names,
    _routes,
    _holds,
    _waves,
    _windows,
    _origins,
    _known_instruments,
    _same_butler,
    _ticket_contents,
    _approvals,
    _seals,
    _unsealed,
    _skips,
    _onlys,
    _chains_somewhere,
    _clashes,
    _entries,
    _listed_twice,
    _not_adopted,
    _retired,
    _nesting,
    _listed_nowhere,
)
