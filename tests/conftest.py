"""What all tests share: real services on loopback, found or started."""

from __future__ import annotations

import pytest

from tests.golden import Golden, golden_file

pytest_plugins = [
    "tests.services.jira",
    "tests.services.moto",
    "tests.services.postgres",
    "tests.services.rucio",
    "tests.services.silent",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Return what holds an output to the file of a name."""
    return golden_file(update=request.config.getoption("--update-golden"))
