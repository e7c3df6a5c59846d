"""Which worker runs what: a module at a time, and all that needs Rucio one.

A server of Rucio takes as much time to start as a dozen tests, and what is
made for a module is made once where one worker runs it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from typing_extensions import override
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]

_NEEDS_RUCIO = re.compile(r"\brucio_site\b|\bcarried: Carried\b")
"""How a module says that its tests are given a server, or sites with one."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    return _ByModule(config, log) if config.option.dist == "loadscope" else None


class _ByModule(LoadScopeScheduling):  # type: ignore[misc]
    @override
    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return "Rucio" if _needs_rucio(module) else module


@cache
def _needs_rucio(module: str) -> bool:
    return bool(_NEEDS_RUCIO.search((ROOT / module).read_text()))
