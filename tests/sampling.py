"""What of large matrices is run by day, and in which shares all is by night.

``@pytest.mark.matrix`` keeps so many of a test's cases that each value of each
parameter occurs; ``@pytest.mark.matrix(4)`` keeps four.  Which ones is always
the same for the same cases.  The others are marked *slow*.  A case that is
marked so itself is none of these.

``--share 2/5`` runs the second fifth of all that would be run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any
from zlib import crc32

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", metavar="K/N", type=_share, help="run only the Kth of N shares of the tests")


def _share(text: str) -> tuple[int, int]:
    number, of = (int(word) for word in text.split("/"))
    if not 1 <= number <= of:
        raise ValueError(text)
    return number, of


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    matrices: dict[str, list[pytest.Item]] = defaultdict(list)
    sizes: dict[str, tuple[int, ...]] = {}
    for item in items:
        marker = item.get_closest_marker("matrix")
        # What is slow anyway is not sampled.
        if marker and not item.get_closest_marker("slow"):
            name = item.nodeid.partition("[")[0]
            matrices[name].append(item)
            sizes[name] = marker.args
    for name, cases in matrices.items():
        for case in set(cases).difference(_sample(name, cases, *sizes[name])):
            case.add_marker(pytest.mark.slow)
    if share := config.getoption("share"):
        number, of = share
        items[:] = [item for item in items if crc32(item.nodeid.encode()) % of == number - 1]


def _sample(name: str, cases: Sequence[pytest.Item], size: int | None = None) -> Sequence[pytest.Item]:
    """Return some cases of a test.

    Parameters
    ----------
    name
        Of the test: tests of one matrix have different samples.
    cases
        All of them.
    size
        How many; `None`: enough to have each value of each parameter.
    """
    shuffled = Random(name).sample(cases, len(cases))
    if size is not None:
        return shuffled[:size]
    sample = []
    missing = set().union(*map(_values, cases))
    while missing:
        sample.append(max(shuffled, key=lambda case: len(missing & _values(case))))
        missing -= _values(sample[-1])
    return sample


def _values(case: Any) -> set[tuple[str, int]]:
    """Return the parameters of a case, each with the identity of its value."""
    # The values of a list of cases are the same objects in each of them.
    return {(name, id(value)) for name, value in case.callspec.params.items()}
