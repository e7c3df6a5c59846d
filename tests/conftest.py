"""What all tests share: real services on loopback, found or started."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.golden import Golden, golden_file

pytest_plugins = [
    "pytester",
    "tests.sampling",
    "tests.workers",
    "tests.services.jira",
    "tests.services.moto",
    "tests.services.postgres",
    "tests.services.rucio",
    "tests.services.silent",
    "tests.services.webhook",
]


# No test depends on how fast the machine is, so no example has a deadline.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


def pytest_configure() -> None:
    # Who is started in the background, or by nohup, ignores these, and so
    # would the processes that tests send them to.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # Nobody sits at the terminals that tests make.
    os.environ["CALIBSTATE_PAGER"] = "cat"


def pytest_collection_finish() -> None:
    if "lsst.daf.butler" in sys.modules:
        from tests.opening import open_quickly

        open_quickly()
    # What was imported stays, and looking through it again and again for
    # garbage takes a tenth of the time of all tests.
    gc.collect()
    gc.freeze()
    gc.disable()


_ENOUGH_TO_COLLECT = 2_000_000
"""Objects made and not freed, after which garbage is worth looking for: some
hundred megabytes."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    # Between tests, and never within: most of what a test makes is gone by
    # then, and is not looked through.
    if gc.get_count()[0] > _ENOUGH_TO_COLLECT:
        gc.collect()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    # In the end pytest looks for garbage five times, to tell of what went
    # wrong in its removal: once is enough.
    gc.collect()
    gc.freeze()


_CACHES = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def _cache_of_worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # What a user has in his cache is nobody's business here.
    folder = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _cache_of_its_own(_cache_of_worlds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It is made by the first who keeps something in it.
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache_of_worlds / str(next(_CACHES))))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Return what holds an output to the file of a name."""
    return golden_file(update=request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def demo_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a demonstration world that nobody may change."""
    from calibstate.cli.demo import build_world

    return build_world(tmp_path_factory.mktemp("demo") / "calibstate-demo", None).folder
