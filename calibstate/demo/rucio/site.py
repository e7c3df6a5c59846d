"""A whole Rucio site, started and stopped as one.

Server, database and transfer service are real processes and real bytes on
this machine.  Daemons run only when told to, so that whoever watches sees
each state that a rule goes through.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import Diagnostic
from .configuration import ROOT, Login, write_client, write_server
from .database import Database
from .furniture import Rse, add_account, add_rse
from .server import Request, Server, ServerFailedError, find_server
from .transfers import Transfers

if TYPE_CHECKING:
    from rucio.client import Client

__all__ = ["ORIGIN", "RSES", "SCOPE", "Rse", "RucioSite"]

SCOPE = "ancillary"
ORIGIN = "SLAC_BUTLER_DISK"
RSES = (ORIGIN, "SUMMIT_CALIB_DISK", "BASE_CALIB_DISK")
_ADMINISTRATOR = "administrator"
_BEFORE, _AFTER = (
    ("injector", "evaluator", "submitter"),
    ("poller", "finisher", "abacus-account", "abacus-rse", "abacus-collection", "cleaner"),
)


class RucioSite:
    """A server, its daemons, storage elements and what moves files.

    Parameters
    ----------
    folder
        A folder for it; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.home = self.folder / "client"
        """``RUCIO_HOME`` of those who use the site."""

        self.rses: dict[str, Rse] = {}
        python = find_server()
        (self.folder / "tokens").mkdir(parents=True, exist_ok=True)
        self.database = Database(python)
        self.server = Server(python, self.folder / "server")
        self.transfers = Transfers()
        write_server(self.folder / "server", self.database.url, python.parent.parent)
        self.log_in(ROOT)

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[RucioSite]:
        """Have a site with three storage elements and the usual scope."""
        site = cls(folder)
        try:
            site.start()
            site.furnish()
            yield site
        finally:
            site.stop()

    # Up and down

    def start(self) -> None:
        """Start everything, with an empty database."""
        self.server.launch(new=True)
        # Rucio takes longer to import than a database to come up.
        self.database.start()
        self.transfers.start()
        self.server.wait()

    def stop(self) -> None:
        """Stop everything for good; the folder stays."""
        self.server.stop()
        self.server.port.release()
        self.transfers.close()
        self.database.stop()

    def stop_server(self) -> None:
        """Let the server be down, and its daemons; nothing is lost."""
        self.server.stop()

    def start_server(self) -> None:
        """Let the server be up again, at the same port."""
        if not self.server.is_up:
            self.server.launch()
            self.server.wait()

    # What is in it

    def furnish(self) -> None:
        """Add three folders as storage elements, and the usual scope."""
        for name in RSES:
            self.add_rse(Rse.in_folder(name, self.folder / "rse" / name))
        self.add_scope(SCOPE)

    def add_rse(self, rse: Rse) -> Rse:
        """Add a storage element, reachable from all others."""
        add_rse(self.client(), rse, self.transfers.url, list(self.rses))
        self.rses[rse.name] = rse
        return rse

    def add_scope(self, name: str, login: Login = ROOT) -> None:
        """Add a scope; it has its own folder at each storage element."""
        self.client().add_scope(login.account, name)

    def add_account(self, name: str, *, admin: bool = False) -> Login:
        """Add a service account, without any quota."""
        return add_account(self.client(), name, admin=admin)

    def storage(self, rse: str, scope: str = SCOPE) -> Path:
        """Return where a storage element keeps the files of a scope."""
        folder = self.rses[rse].folder
        assert folder is not None, f"{rse} is no folder"
        return folder / scope

    # Daemons

    def round(self, *daemons: str) -> None:
        """Run daemons once each; if none is named, those of daily work.

        Raises
        ------
        ServerFailedError
            One of them failed.
        """
        if daemons:
            self._run(*daemons)
            return
        self._run(*_BEFORE)
        self.transfers.settle()
        self._run(*_AFTER)

    def drain(self, scope: str = "", rounds: int = 12) -> None:
        """Run rounds until every rule is OK, stuck or suspended.

        Parameters
        ----------
        scope
            Look at the rules of this scope only.
        rounds
            Give up after so many.
        """
        for _ in range(rounds):
            self.round()
            if not self.under_way(scope) or self.transfers.held:
                return

    def auto(self, seconds: float) -> None:
        """Run rounds by themselves, with pauses; 0 seconds: no more."""
        self.server.command("auto", str(seconds))

    def under_way(self, scope: str = "") -> int:
        """Count the rules that daemons have still to work on."""
        return int(self.server.command("under-way", *([scope] if scope else [])))

    def _run(self, *daemons: str) -> None:
        took: dict[str, str | float] = self.server.command("round", *daemons)
        failed = [f"{name}: {why}" for name, why in took.items() if isinstance(why, str)]
        if failed:
            raise ServerFailedError(Diagnostic("A daemon of Rucio failed", "\n".join(failed)))

    # Those who use it

    @property
    def url(self) -> str:
        """Where the server is, up or down."""
        return self.server.port.url

    def environment(self) -> dict[str, str]:
        """Return the variables with which a process finds the site.

        Rucio's client keeps its tokens in the folder for temporary files,
        where those of another server may lie.
        """
        return {"RUCIO_HOME": str(self.home), "TMPDIR": str(self.folder / "tokens")}

    def configure(self) -> None:
        """Let clients of this very process find the site.

        The client reads its configuration and finds the folder of its
        tokens once, so both are told anew.
        """
        os.environ["RUCIO_HOME"] = str(self.home)
        from rucio.client.baseclient import BaseClient
        from rucio.common.config import clean_cached_config

        clean_cached_config()
        BaseClient.TOKEN_PATH_PREFIX = f"{self.environment()['TMPDIR']}/.rucio_"

    def log_in(self, login: Login) -> None:
        """Let those who use the site be somebody else from now on."""
        write_client(self.home, self.url, login)

    def forget_tokens(self) -> None:
        """Expire everybody's token, as the server sees it."""
        self.server.command("forget-tokens")

    def forget_cached_tokens(self) -> None:
        """Remove the tokens that clients have kept."""
        for kept in (self.folder / "tokens").iterdir():
            shutil.rmtree(kept)

    def client(self, login: Login = ROOT) -> Client:
        """Return a client beside the configured ones, with its own tokens.

        What it asks is not in `requests`.
        """
        os.environ.setdefault("RUCIO_HOME", str(self.home))
        from rucio.client import Client

        tokens = self.folder / "administrators" / login.username

        class Administrator(Client):  # type: ignore[misc]
            TOKEN_PATH_PREFIX = f"{tokens}_"

        return Administrator(
            rucio_host=self.url,
            auth_host=self.url,
            account=login.account,
            auth_type="userpass",
            creds={"username": login.username, "password": login.password},
            user_agent=_ADMINISTRATOR,
        )

    def requests(self, since: int = 0) -> list[Request]:
        """Return what was asked of the server, oldest first.

        Parameters
        ----------
        since
            Leave out so many of the oldest.
        """
        return [r for r in self.server.requests() if r.agent != _ADMINISTRATOR][since:]

    def writes(self, since: int = 0) -> list[Request]:
        """Return those of the requests that were to change something."""
        return [request for request in self.requests(since) if request.writes]
