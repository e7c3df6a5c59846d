"""One world and one browser for all tests of pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.page.browsing import Browsed, executable, launched, served
from tests.page.worlds import make_world


@pytest.fixture(scope="session")
def pages_made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the pages of a rich world, to read, never to change."""
    return make_world(tmp_path_factory.mktemp("page") / "world")


# Its event loop runs on between tests, so it ends with its module.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a real browser, or skip and tell why."""
    with launched() as started:
        yield started


@pytest.fixture(scope="module")
def site(browser: Any, pages_made_once: Path) -> Iterator[Browsed]:
    """Return the pages of a rich world, in a browser."""
    executable()
    with served(pages_made_once) as http:
        yield Browsed(browser, pages_made_once, http)
