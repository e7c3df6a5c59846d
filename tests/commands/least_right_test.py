"""Who looks needs to be able to look, and nothing more."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests import world
from tests.commands.sites import SUMMIT, Sites
from tests.services.moto import S3
from tests.services.postgres import Postgres

READING: Sequence[Sequence[str]] = (
    ["drift"],
    ["drift", "--files"],
    ["plan"],
    ["status"],
    ["fingerprint"],
    ["explain", "bias", "detector=0", "--at", "2024-06-01T00:00:00"],
    ["verify", "--bytes"],
    ["observe", "-o", "FILE"],
    ["doctor"],
)

REFUSED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>only to read</Message></Error>'


@contextmanager
def only_to_read(server: str) -> Iterator[tuple[str, list[str]]]:
    """Open a way to S3 for who may only read; keep what else was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _read(self) -> None:
            behind = HTTPConnection(urlsplit(server).netloc)
            behind.request(self.command, self.path, headers=dict(self.headers))
            answer = behind.getresponse()
            body = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            behind.close()

        def _refuse(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response_only(403)
            self.send_header("Content-Length", str(len(REFUSED)))
            self.end_headers()
            self.wfile.write(REFUSED)

        do_GET = do_HEAD = _read  # noqa: N815
        do_PUT = do_POST = do_DELETE = _refuse  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}", asked
    finally:
        http.shutdown()
        http.server_close()


def run_all(sites: Sites) -> dict[str, int]:
    observed = str(sites.tree.folder / "observed.json")
    return {
        " ".join(command): sites.run(*(observed if word == "FILE" else word for word in command)).code
        for command in READING
    }


@pytest.fixture
def elsewhere(sites: Sites, s3: S3, postgres: Postgres) -> Iterator[tuple[Sites, str]]:
    """Return deployed sites, one in PostgreSQL and S3, and its schema."""
    namespace = postgres.namespace()
    shutil.rmtree(sites.path(SUMMIT))
    root = f"{s3.bucket('datastore')}/files/"
    world.make_repo(sites.path(SUMMIT), db=postgres.url, namespace=namespace, datastore_root=root).close()
    settings = sites.tree.state / "calibstate.yaml"
    text = settings.read_text()
    for name in ("archive", "records"):
        text = text.replace(f"{name}: ../{name}", f"{name}: {s3.bucket(name)}/{name}")
    settings.write_text(text)
    applied = sites.apply()
    assert applied.code == 0, applied.out + applied.err
    yield sites, namespace
    sites.close()


def test_a_role_that_may_select_and_keys_that_may_read_are_enough_to_look(
    elsewhere: tuple[Sites, str], s3: S3, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites, namespace = elsewhere
    reader = f"reader_{namespace[-8:]}"
    postgres.execute(f"CREATE ROLE {reader} LOGIN")
    postgres.execute(f"GRANT USAGE ON SCHEMA {namespace} TO {reader}")
    postgres.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {namespace} TO {reader}")
    file = sites.path(SUMMIT) / "butler.yaml"
    said = yaml.safe_load(file.read_text())
    said["registry"]["db"] = postgres.url.replace("calib@", f"{reader}@")
    file.write_text(yaml.safe_dump(said))
    with only_to_read(s3.endpoint) as (endpoint, asked):
        monkeypatch.setenv("S3_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        codes = run_all(sites)
    assert set(codes.values()) == {0}, codes
    assert asked == []


def test_whoever_writes_is_refused_there(
    elsewhere: tuple[Sites, str], s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites, _ = elsewhere
    sites.tree.chain(["DM-1", "DM-2"])
    with only_to_read(s3.endpoint) as (endpoint, asked):
        monkeypatch.setenv("S3_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        ran = sites.apply()
    assert ran.code == 1
    assert asked
    assert "Traceback" not in ran.err


def test_no_reading_command_writes_a_byte_into_folders(deployed: Sites) -> None:
    before = deployed.snapshot("repo", "archive", "records")
    codes = run_all(deployed)
    assert set(codes.values()) == {0}, codes
    assert deployed.snapshot("repo", "archive", "records") == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: not run")
def test_folders_that_may_only_be_read_are_enough_to_look(deployed: Sites) -> None:
    folders = [deployed.tree.folder / name for name in ("repo", "archive", "records")]
    everything = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    modes = {path: path.stat().st_mode for path in everything}
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        codes = run_all(deployed)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert set(codes.values()) == {0}, codes
