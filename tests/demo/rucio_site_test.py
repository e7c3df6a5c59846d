"""The site that tests and the demonstration talk to is a real Rucio."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from requests.exceptions import ConnectionError
from rucio.common.exception import CannotAuthenticate, InsufficientAccountLimit

from calibstate.demo.rucio.configuration import ROOT
from calibstate.demo.rucio.database import Database
from calibstate.demo.rucio.host import wait_for_database
from calibstate.demo.rucio.server import Request, ServerFailedError, ServerMissingError, find_server
from calibstate.demo.rucio.site import RSES, RucioSite

from .datasets import add_rule, make_dataset

SUMMIT = RSES[1]


def running(*words: str) -> set[int]:
    """Return the processes whose commands have one of some words."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,args="], check=True, capture_output=True, text=True
    ).stdout
    return {int(line.split()[0]) for line in listed.splitlines() if any(word in line for word in words)}


def test_what_users_ask_is_written_down_and_what_administrators_ask_is_not(
    rucio_site: RucioSite, scope: str
) -> None:
    from rucio.client import Client

    before = len(rucio_site.requests())
    make_dataset(rucio_site, scope)
    assert rucio_site.requests(before) == []
    user = Client()
    assert list(user.list_replicas([{"scope": scope, "name": "DM-1"}], sort="random"))
    user.get_did(scope, "DM-1")
    assert rucio_site.requests(before) != []
    assert rucio_site.writes(before) == []
    user.set_metadata(scope, "DM-1", "lifetime", 1000)
    assert [request.method for request in rucio_site.writes(before)] == ["POST"]


@pytest.mark.slow
def test_the_server_comes_back_with_all_it_knew(rucio_site: RucioSite, scope: str) -> None:
    make_dataset(rucio_site, scope)
    client = rucio_site.client()
    rucio_site.stop_server()
    with pytest.raises(ConnectionError):
        client.get_did(scope, "DM-1")
    rucio_site.start_server()
    assert client.get_did(scope, "DM-1")["open"] is False
    rucio_site.round()


def test_an_expired_token_is_renewed_by_the_client(rucio_site: RucioSite) -> None:
    from rucio.client import Client

    user = Client()
    user.whoami()  # Now the server has the token in memory, too.
    before = len(rucio_site.requests())
    rucio_site.forget_tokens()
    assert user.whoami()["account"] == "root"
    refused, renewed, *answered = (request.status for request in rucio_site.requests(before))
    assert (refused, renewed) == (401, 200)
    assert max(answered) < 400


@pytest.mark.parametrize(
    ("method", "path", "writes"),
    [
        ("GET", "/dids/ancillary/DM-1", False),
        ("POST", "/replicas/list", False),
        ("POST", "/replicas/dids", False),
        ("POST", "/dids/bulkmeta", False),
        ("POST", "/replicas", True),
        ("POST", "/dids/ancillary/DM-1/dids", True),
        ("POST", "/rules/", True),
        ("PUT", "/dids/ancillary/list", True),
        ("DELETE", "/rules/0123", True),
    ],
)
def test_asking_by_post_is_no_write(method: str, path: str, writes: bool) -> None:
    assert Request(method, path, 200, "-").writes is writes


def test_daemons_can_run_by_themselves(rucio_site: RucioSite, scope: str) -> None:
    make_dataset(rucio_site, scope)
    rule = add_rule(rucio_site.client(), scope, SUMMIT)
    rucio_site.auto(0.3)
    deadline = time.monotonic() + 60
    # Asking must not keep the rounds from being run.
    while rucio_site.under_way(scope) and time.monotonic() < deadline:
        pass
    rucio_site.auto(0)
    assert rucio_site.client().get_replication_rule(rule)["state"] == "OK"


def test_a_wrong_password_is_refused(rucio_site: RucioSite) -> None:
    from rucio.client import Client

    rucio_site.log_in(replace(ROOT, password="wrong"))
    rucio_site.forget_cached_tokens()
    rucio_site.configure()
    try:
        with pytest.raises(CannotAuthenticate):
            Client()
    finally:
        rucio_site.log_in(ROOT)
        rucio_site.configure()
    assert Client().whoami()["account"] == "root"


def test_a_host_that_dies_is_told(rucio_site: RucioSite) -> None:
    assert rucio_site.server.pid is not None
    os.kill(rucio_site.server.pid, signal.SIGKILL)
    with pytest.raises(ServerFailedError, match="Rucio's server ended"):
        rucio_site.round()
    rucio_site.start_server()
    rucio_site.round()


def test_an_account_without_quota_makes_no_rule(rucio_site: RucioSite, scope: str) -> None:
    make_dataset(rucio_site, scope)
    login = rucio_site.add_account(f"robot{uuid4().hex[:8]}")
    with pytest.raises(InsufficientAccountLimit):
        add_rule(rucio_site.client(login), scope, SUMMIT)


@pytest.mark.slow
def test_the_wheel_serves_where_the_machine_has_no_postgresql(
    rucio_site: RucioSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calibstate.demo.rucio.database._of_the_system", lambda: None)
    monkeypatch.setattr("calibstate.demo.rucio.database._of_the_path", lambda: None)
    database = Database(find_server())
    database.start()
    try:
        wait_for_database(database.url)
        with psycopg.connect(database.url.replace("+psycopg", "")) as connection:
            assert connection.execute("SHOW data_directory").fetchone() == (str(database.folder / "data"),)
    finally:
        database.stop()
    assert not database.folder.exists()


@pytest.mark.slow
def test_a_database_that_has_only_just_begun_can_be_stopped(rucio_site: RucioSite) -> None:
    database = Database(find_server())
    database.start()
    database.stop()
    assert not database.folder.exists()


def test_a_server_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CALIBSTATE_RUCIO_SERVER", str(tmp_path / "python"))
    with pytest.raises(ServerMissingError, match="Rucio's server is not installed"):
        find_server()


@pytest.mark.slow
def test_nothing_outlives_a_parent_that_is_killed(rucio_site: RucioSite, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from calibstate.demo.rucio.site import RucioSite\n"
        "with RucioSite.running(Path(sys.argv[1])) as site:\n"
        "    print(site.database.folder, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "site"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    folder = parent.stdout.readline().strip()
    assert Path(folder, "data").exists()
    children = running(folder, str(tmp_path)) - {parent.pid}
    assert len(children) >= 3  # The host, the keeper of the database, the database.
    watched = {os.pidfd_open(child) for child in children}
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    for one in watched:
        assert select.select([one], [], [], 30)[0], "a process outlived its parent"
        os.close(one)
    assert running(folder, str(tmp_path)) == set()
    assert not Path(folder).exists()


def test_an_environment_may_be_named_by_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CALIBSTATE_RUCIO_SERVER", str(tmp_path))
    with pytest.raises(ServerMissingError):
        find_server()
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)

    assert find_server() == python
