"""Whether calibrations come from one place, and reach every other."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from ...errors import Diagnostic, Where
from ...model.desired import Written
from ...model.names import InstrumentName, RepositoryAddress
from ...model.repositories import Copy, Origin, Rucio, Site
from ...model.settings import Bundles, Settings
from .tree import Checks, Tree
from .words import did_you_mean

__all__ = ["CHECKS"]

_SCHEMES = {"dav", "davs", "file", "gs", "http", "https", "s3", "webdav", "webdavs"}
"""What files can be recorded at; s3 may name a profile too."""


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
        hint = did_you_mean(instrument, tree.instruments) or "List it under `instruments` of a repository."
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


def _site_of(address: RepositoryAddress) -> str:
    return address.site


CHECKS: Checks = (
    _routes,
    _origins,
    _known_instruments,
    _same_butler,
)
"""What is looked at here."""
