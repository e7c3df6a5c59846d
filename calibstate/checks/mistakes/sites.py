"""Whether calibrations come from one place, and reach every other."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import Where
from ...model.desired import Written
from ...model.names import InstrumentName, RepositoryAddress, spelled
from ...model.repositories import Copy, Origin, Route, Rucio, Site
from ...model.settings import Bundles
from ..rule import Finding, Findings, mistake
from ..tree import Tree

_SCHEMES = {"dav", "davs", "file", "gs", "http", "https", "s3", "webdav", "webdavs"}
"""What files can be recorded at; s3 may name a profile too."""


@dataclass(frozen=True)
class _Reached:
    """A repository, and how calibrations reach it."""

    site: Written[Site]
    name: str
    """The repository, within its site."""

    route: Route | None

    @property
    def address(self) -> RepositoryAddress:
        """By which it is known."""
        return self.site.noun.address(self.name)

    @property
    def where(self) -> Where:
        """The line of the route: its own, or that of the whole site."""
        if self.site.noun.repositories[self.name].route:
            return self.site.lines.at("repositories", self.name, "route")
        return self.site.lines.at("route")


@mistake("No route")
def routes_missing(tree: Tree) -> Findings:
    """Find repositories that nothing says how to reach."""
    for reached in _all_reached(tree):
        if reached.route is None:
            yield Finding(
                where=reached.site.lines.at("repositories", reached.name),
                detail=f"Nothing says how calibrations reach {reached.address}.",
                hint="Give a `route`: origin, copy or rucio; here, or for the whole site.",
            )


@mistake("No settings for Rucio")
def rucio_without_settings(tree: Tree) -> Findings:
    """Find repositories reached by Rucio, which the settings do not know."""
    for reached in _all_reached(tree):
        # Of settings that cannot be read nobody can say what they lack.
        if tree.settings is None or tree.settings.noun.rucio:
            return
        if isinstance(reached.route, Rucio):
            yield Finding(
                where=reached.where,
                detail=f"{reached.address} is reached by Rucio, but `rucio` in calibstate.yaml is missing.",
                hint="Give at least its `scope` and `origin_rse`.",
            )


@mistake("Site receives at the origin")
def received_at_the_origin(tree: Tree) -> Findings:
    """Find repositories whose RSE is the one where calibrations are made."""
    origin = _origin_rse(tree)
    for reached in _all_reached(tree):
        if isinstance(reached.route, Rucio) and reached.route.rse == origin:
            yield Finding(
                where=reached.where,
                detail=(
                    f"{reached.address} would receive at {origin}, which is where the calibrations are made."
                ),
                hint="Name the RSE of the site.",
            )


@mistake("Not a prefix")
def prefixes_unfit(tree: Tree) -> Findings:
    """Find prefixes below which no file can be recorded."""
    origin = _origin_rse(tree)
    for reached in _all_reached(tree):
        route = reached.route
        if not isinstance(route, Rucio) or _is_prefix(route.prefix):
            continue
        # Of a route that is wrong as a whole it is told only that.
        if tree.settings and (not tree.settings.noun.rucio or route.rse == origin):
            continue
        yield Finding(
            where=reached.where,
            detail=(
                f"{spelled(route.prefix)} is no URI and no absolute path that files can be at, so those of "
                f"{reached.address} are nowhere."
            ),
            hint="Give the URI under which the site sees the RSE's files, such as s3://bucket/scope.",
        )


@mistake("Nothing to copy from")
def copied_without_files(tree: Tree) -> Findings:
    """Find repositories reached by copies of bundles that hold no files."""
    if tree.settings is None or tree.settings.noun.bundles is not Bundles.BY_REFERENCE:
        return
    for reached in _all_reached(tree):
        if not isinstance(reached.route, Copy):
            continue
        address = reached.address
        repository = reached.site.noun.repositories[reached.name]
        origins: set[RepositoryAddress] = set()
        for instrument in repository.instruments:
            origin = tree.desired.origin(instrument)
            if origin:
                origins.add(origin)
        # At the origin's own site the files are at hand.
        if any(origin.site != address.site for origin in origins):
            names = ", ".join(sorted(origins))
            yield Finding(
                where=reached.where,
                detail=(
                    f"{address} is reached by copy, but with `bundles: by_reference` the files stay at "
                    f"{names}."
                ),
                hint="Use `bundles: full`, or another route.",
            )


@mistake("Ticket without files to copy")
def tickets_copied_without_files(tree: Tree) -> Findings:
    """Find tickets whose bundles hold no files for those who copy them."""
    for written in tree.tickets:
        ticket = written.noun
        if ticket.bundles is not Bundles.BY_REFERENCE:
            continue
        for address in tree.desired.with_instrument(ticket.instrument):
            site, _ = tree.desired.repository(address)
            route = site.route_of(address.name)
            if not isinstance(route, Copy):
                continue
            if tree.desired.skipped(ticket, address):
                continue
            name = ticket.ticket
            yield Finding(
                where=written.lines.at("bundles"),
                detail=f"{address} is reached by copy, but the files of {name} stay at its origin.",
                hint=f"List {address} under `skip`, with the reason; or leave `bundles` out.",
            )


@mistake("No origin")
def origins_missing(tree: Tree) -> Findings:
    """Find instruments whose calibrations come from nowhere."""
    if tree.unread.sites:
        return
    for instrument in sorted(tree.instruments):
        having = tree.desired.with_instrument(instrument)
        # A site that is declared twice may have an instrument in the file
        # that does not count: then it is had nowhere.
        if having and not _origins(tree, instrument):
            yield Finding(
                where=_where_instrument(tree, having[0], instrument),
                detail=f"No repository is the origin of {instrument}, so its calibrations come from nowhere.",
                hint="Give one of its repositories `route: origin`.",
            )


@mistake("Two origins")
def origins_beside_another(tree: Tree) -> Findings:
    """Find instruments whose calibrations come from two places."""
    for instrument in sorted(tree.instruments):
        origins = _origins(tree, instrument)
        for other in origins[1:]:
            yield Finding(
                where=_where_instrument(tree, other, instrument),
                detail=(
                    f"{instrument} has an origin already, {origins[0]}; calibrations are made in one place."
                ),
            )


@mistake("One butler, two addresses")
def butlers_declared_twice(tree: Tree) -> Findings:
    """Find repositories that are declared under two addresses."""
    first: dict[str, list[tuple[Written[Site], str]]] = {}
    # Those that share a butler may be apart in pairs, so all are kept.
    for site in tree.sites:
        for name, repository in site.noun.repositories.items():
            butler = repository.butler
            address = site.noun.address(name)
            earlier = first.setdefault(_normal(butler), [])
            for other, other_name in earlier:
                if other is not site and _apart(site.noun, other.noun):
                    continue
                other_address = other.noun.address(other_name)
                hint = ""
                if other is not site:
                    hint = "If they are two, say by `hosts` of their sites where each means something.\n"
                # Often each instrument was given a name of its own.
                once = other.noun.with_instruments_of(other_name, repository)
                hint += (
                    f"If it is one, give it one name with all its instruments, and take out {address}; "
                    f"in {other.lines.file}:\n{once}"
                )
                where = site.lines.value_at("repositories", name, "butler")
                yield Finding(
                    where=where,
                    detail=(
                        f"{address} and {other_address} are both `{butler}`: one repository would be "
                        "changed by two plans."
                    ),
                    hint=hint,
                )
                break
            earlier.append((site, name))


def _all_reached(tree: Tree) -> Iterator[_Reached]:
    for site in tree.sites:
        for name in site.noun.repositories:
            route = site.noun.route_of(name)
            yield _Reached(site, name, route)


def _origin_rse(tree: Tree) -> str | None:
    """Return where Rucio takes the calibrations from, as the settings say."""
    if tree.settings is None:
        return None
    rucio = tree.settings.noun.rucio
    if rucio is None:
        return None
    return rucio.origin_rse


def _is_prefix(prefix: str) -> bool:
    """Return whether files can be recorded below a prefix."""
    scheme, separator, path = prefix.partition("://")
    if not separator:
        return prefix.startswith("/") and ".." not in prefix.split("/")
    return scheme in _SCHEMES and ".." not in path.split("/")


def _origins(tree: Tree, instrument: InstrumentName) -> list[RepositoryAddress]:
    """Return the repositories where calibrations of an instrument are made."""
    origins = []
    for address in tree.desired.with_instrument(instrument):
        site, _ = tree.desired.repository(address)
        if isinstance(site.route_of(address.name), Origin):
            origins.append(address)
    return origins


def _where_instrument(tree: Tree, address: RepositoryAddress, instrument: InstrumentName) -> Where:
    """Return where a repository says that it has an instrument."""
    site = tree.desired.sites[address.site]
    repository = site.noun.repositories[address.name]
    index = repository.instruments.index(instrument)
    return site.lines.at("repositories", address.name, "instruments", index)


def _normal(butler: str) -> str:
    """Return one spelling for all that open the same repository."""
    folder = butler.removesuffix("/butler.yaml")
    if "://" in folder:
        return folder.rstrip("/")
    # Else it is a label of the site's own index of butlers.
    is_path = "/" in folder or folder.startswith(".")
    if not is_path:
        return folder
    return posixpath.normpath(folder)


def _apart(site: Site, other: Site) -> bool:
    """Return whether labels and paths of two sites mean different things.

    Those of a site without hosts are opened anywhere, the other's included.
    """
    if not site.hosts or not other.hosts:
        return False
    return set(site.hosts) != set(other.hosts)
