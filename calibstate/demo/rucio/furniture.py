"""What a new Rucio needs before anything can be moved.

Rucio is silent about most of what is missing: without distances there are no
sources, without a limit no quota, without ``fts`` at both ends no transfer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from .configuration import Login

if TYPE_CHECKING:
    from rucio.client import Client

__all__ = ["Rse", "add_account", "add_rse"]

ENOUGH = 10**15
"""Bytes; more than anybody asks for here."""

_PROTOCOLS = {"file": "rucio.rse.protocols.posix.Default", "s3": "rucio.rse.protocols.gfal.NoRename"}


@dataclass(frozen=True)
class Rse:
    """A storage element."""

    name: str
    url: str
    """URL of its root; a file's is this, ``/SCOPE/`` and its name."""

    folder: Path | None = None
    """Its root, if that is a folder."""

    @classmethod
    def in_folder(cls, name: str, folder: Path) -> Rse:
        """Return a storage element that is a folder of this machine."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(name, f"file://localhost{folder}", folder)

    @classmethod
    def in_bucket(cls, name: str, endpoint: str, bucket: str) -> Rse:
        """Return a storage element that is a bucket of an S3 server."""
        return cls(name, f"s3://{urlparse(endpoint).netloc}/{bucket}")

    def protocol(self) -> dict[str, Any]:
        """Return how Rucio builds URLs."""
        parts = urlparse(self.url)
        may = {"read": 1, "write": 1, "delete": 1}
        by_third_party = {"third_party_copy_read": 1, "third_party_copy_write": 1}
        return {
            "scheme": parts.scheme,
            "hostname": parts.hostname,
            "port": parts.port or 0,
            "prefix": f"{parts.path}/",
            "impl": _PROTOCOLS[parts.scheme],
            "domains": {"lan": may, "wan": {**may, **by_third_party}},
        }


def add_rse(client: Client, rse: Rse, fts: str, others: Iterable[str]) -> None:
    """Add a storage element, one step away from all others.

    Parameters
    ----------
    client
        An administrator's.
    rse
        What to add.
    fts
        URL of the service that moves files.
    others
        Names of the storage elements that are there.
    """
    client.add_rse(rse.name, deterministic=True, volatile=False, rse_type="DISK")
    client.add_protocol(rse.name, rse.protocol())
    client.add_rse_attribute(rse.name, "fts", fts)
    client.add_rse_attribute(rse.name, "lfn2pfn_algorithm", "identity")
    client.set_local_account_limit("root", rse.name, ENOUGH)
    for other in others:
        client.add_distance(rse.name, other, {"distance": 1})
        client.add_distance(other, rse.name, {"distance": 1})


def add_account(client: Client, name: str, *, admin: bool) -> Login:
    """Add a service account that logs in with a password."""
    login = Login(name, name, f"{name}-loopback-only")
    mail = "nobody@localhost"
    client.add_account(name, "SERVICE", mail)
    client.add_identity(name, login.username, "USERPASS", mail, default=True, password=login.password)
    if admin:
        client.add_account_attribute(name, "admin", value=True)
    return login
