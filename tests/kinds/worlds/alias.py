"""Aliases, a kind of these tests: one is not at the sites yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from tests.commands.sites import INSTRUMENT, TOP, Sites
from tests.kinds.worlds import KindWorld


class _World(KindWorld):
    kind = "alias"
    told = "best"
    silent: ClassVar[Mapping[str, str]] = {
        "impact": "what is found through it is told of no chain",
        "waves": "it says nothing of waves",
    }

    @override
    def declare(self, sites: Sites) -> None:
        self._write(sites, f"{TOP}/DM-1")

    @override
    def spoil(self, sites: Sites) -> str:
        self._write(sites, "not//a name")
        return "aliases/best.yaml:3"

    def _write(self, sites: Sites, of: str) -> None:
        path = sites.tree.state / "aliases" / "best.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"alias: best\ninstrument: {INSTRUMENT}\nof: {of}\n")


WORLD = _World()
