"""Rucio on loopback: one real server, with daemons, for a whole session."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from calibstate.demo.rucio.server import ServerMissingError, find_server
from calibstate.demo.rucio.site import RucioSite


@pytest.fixture(scope="session")
def rucio_site(request: pytest.FixtureRequest) -> Iterator[RucioSite]:
    """Start it, and let clients of this process find it."""
    try:
        find_server()
    except ServerMissingError as missing:
        pytest.skip(f"Rucio not run: {missing.diagnostics[0].detail}")
    folder = Path(tempfile.mkdtemp(prefix="calibstate-site-"))
    began = time.monotonic()
    try:
        with RucioSite.running(folder) as site:
            _tell(request.config, f"Rucio was ready in {time.monotonic() - began:.1f} s.")
            site.configure()
            yield site
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tell(config: pytest.Config, words: str) -> None:
    """Say something now, past what captures the output of tests."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stderr.write(f"\n{words}\n")
