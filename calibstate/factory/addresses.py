"""Where declared places are, as this host finds them."""

from __future__ import annotations

import os
import socket
from fnmatch import fnmatchcase
from pathlib import Path

from ..errors import Diagnostic, RefusedError, UnreachableError
from ..model.desired import DesiredState
from ..model.fingerprints import digest_of_lines
from ..model.names import RepositoryAddress, spelled
from ..model.repositories import Repository, Site, SiteConstruction

__all__ = ["Addresses", "sites_here"]


class Addresses:
    """Finds the URI of every place that is declared.

    Parameters
    ----------
    desired
        Where the places are, and from where they may be opened.
    """

    def __init__(self, desired: DesiredState) -> None:
        self._desired = desired
        self.slow_index: str | None = None
        """Why the butler had to read the index of repositories; `None`: it
        had not."""

    def repository(self, address: RepositoryAddress) -> str:
        """Return the URI of a repository.

        Raises
        ------
        RefusedError
            It is not declared.
        UnreachableError
            It is seen from its own site only, or its label is not known.
        """
        from ..adapters.repositories import resolve

        if address not in self._desired.repositories:
            # Nobody but the writer of a plan file of his own names one.
            raise RefusedError(
                Diagnostic(
                    "Repository is not declared",
                    f"No site declares {spelled(address)}.",
                    hint="Make the plan again with `calibstate plan -o FILE`.",
                )
            )
        site, repository = self._desired.repository(address)
        if _means_something_at_its_site_only(repository) and not _is_here(site):
            raise UnreachableError(
                Diagnostic(
                    "Repository cannot be seen from here",
                    f"seen only from {site.site}",
                    self._desired.sites[site.site].lines.at("hosts"),
                    hint=f"Run this on one of its hosts, or set CALIBSTATE_HERE={site.site} if this is one.",
                    public=f"seen only from {site.site}",
                )
            )
        return resolve(repository.butler, self._folder_of_sites, self._note_slow_index)

    def butler_digest(self, address: RepositoryAddress) -> str:
        """Return what tells whether a repository is still the same butler.

        Parameters
        ----------
        address
            The repository.
        """
        _, repository = self._desired.repository(address)
        return digest_of_lines([repository.butler])

    def construction(self, address: RepositoryAddress) -> SiteConstruction | None:
        """Return what the site of a repository says of constructions.

        Parameters
        ----------
        address
            The repository.
        """
        site, _ = self._desired.repository(address)
        return site.construction

    def source(self, uri: str) -> str:
        """Return the URI of a store of readings, which a file declares."""
        return _absolute(uri, str(Path(self._desired.root) / "sources"))

    @property
    def archive(self) -> str:
        """URI of the archive."""
        return _absolute(self._desired.settings.noun.archive, self._desired.root)

    def records(self, place: str) -> str:
        """Return the URI of the store that keeps the records of a place.

        Parameters
        ----------
        place
            A repository, the archive or Rucio.
        """
        site = self._desired.sites.get(place.partition("/")[0])
        if site and site.noun.records:
            return _absolute(site.noun.records, self._folder_of_sites)
        return _absolute(self._desired.settings.noun.records, self._desired.root)

    @property
    def _folder_of_sites(self) -> str:
        # The addresses in a site's file are relative to it.
        return str(Path(self._desired.root) / "sites")

    def _note_slow_index(self, why: str) -> None:
        self.slow_index = why


def sites_here(desired: DesiredState) -> tuple[str, ...]:
    """Return the sites whose hosts this is one of, or that we are told."""
    return tuple(name for name, site in desired.sites.items() if site.noun.hosts and _is_here(site.noun))


def _is_here(site: Site) -> bool:
    if not site.hosts:
        return True
    if here := os.environ.get("CALIBSTATE_HERE"):
        return here == site.site
    names = {socket.gethostname(), socket.getfqdn()}
    return any(fnmatchcase(name, pattern) for name in names for pattern in site.hosts)


def _means_something_at_its_site_only(repository: Repository) -> bool:
    """Say whether a butler is given by a label or an absolute path."""
    butler = repository.butler
    if "://" in butler:
        return False
    return butler.startswith("/") or not butler.startswith(".")


def _absolute(uri: str, folder: str) -> str:
    if "://" in uri:
        return uri
    return str((Path(folder) / uri).resolve())
