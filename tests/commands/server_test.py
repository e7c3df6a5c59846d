"""A repository behind a butler server is read, and never changed."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.commands.sites import SUMMIT, TOP, Sites

uvicorn = pytest.importorskip("uvicorn", reason="the butler's server is not installed")
pytest.importorskip("httpx2", reason="what asks a butler server is not installed")


def _app() -> Any:
    try:
        from lsst.daf.butler.remote_butler.server import create_app
    except ImportError as error:
        pytest.skip(f"the butler's server does not work here: {error}")
    return create_app()


@pytest.fixture
def served(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    """Return sites of which the summit's is declared by its server."""
    repositories = {"main": {"config_uri": str(deployed.path(SUMMIT)), "authorized_groups": ["*"]}}
    monkeypatch.setenv("DAF_BUTLER_SERVER_REPOSITORIES", json.dumps(repositories))
    monkeypatch.setenv("DAF_BUTLER_SERVER_GAFAELFAWR_URL", "DISABLED")
    monkeypatch.setenv("DAF_BUTLER_SERVER_AUTHENTICATION", "rubin_science_platform")
    monkeypatch.setenv("BUTLER_RUBIN_ACCESS_TOKEN", "none")
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(_app(), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    site, repository = SUMMIT.split("/")
    file = deployed.tree.state / "sites" / f"{site}.yaml"
    said = yaml.safe_load(file.read_text())
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/api/butler/repo/main/butler.yaml"
    said["repositories"][repository]["butler"] = url
    file.write_text(yaml.safe_dump(said, sort_keys=False))
    yield deployed
    server.should_exit = True
    thread.join()


def test_a_server_is_read_by_every_command_that_looks_and_never_changed(served: Sites) -> None:
    looked = served.run("fingerprint", "--format", "json")

    assert looked.code == 0
    assert served.run("drift").code == 0
    assert served.run("status").code == 0
    assert served.run("plan").code == 0
    assert served.run("verify", "--repository", SUMMIT).code == 0
    drift = served.run("drift", "--files")
    assert drift.code == 0
    assert "Read through a server" in drift.err
    looked = served.run("explain", "bias", "detector=0", "--repository", SUMMIT, "--at", "2024-02-01")
    assert looked.code == 0
    assert "wins" in looked.out

    kept = served.run("retention", "--format", "json")
    assert kept.code == 0, kept.err
    lines = kept.json["repositories"][SUMMIT]["lines"]
    assert {line["retention_class"] for line in lines} == {"A", "B"}
    # A server tells of no files.
    assert {(line["files"], line["bytes"]) for line in lines} == {(None, None)}

    # The server keeps its settings, so this is no test of its own.
    served.change_chain(SUMMIT, lambda children: children[1:])
    before = served.chain(SUMMIT)

    planned = served.run("plan")
    applied = served.run("apply", "--yes")

    assert planned.code == 3
    assert "can be read and not be changed" in planned.out
    assert applied.code == 3
    assert served.chain(SUMMIT) == before
    assert TOP in applied.out
