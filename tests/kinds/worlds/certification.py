"""Certifications: a new ticket certifies another one's datasets again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from tests.commands.sites import INSTRUMENT, ORIGIN, TOP, Sites
from tests.kinds.worlds import KindWorld, edit, line_with

_FILE = f"tickets/{INSTRUMENT}/DM-3.yaml"
_NAME = "again/bias.20240301a"


class _World(KindWorld):
    kind = "certification"
    place = ORIGIN
    told = "DM-3"
    silent: ClassVar[Mapping[str, str]] = {
        "waves": "it is made at the origin, in front of the first wave",
    }

    @override
    def declare(self, sites: Sites) -> None:
        of = f"{TOP}/DM-1/bias.20240101a"
        entry = {"as": _NAME, "datasets_of": of, "begin": "2023-06-01T00:00:00", "end": None}
        sites.tree.ticket("DM-3", _NAME, certify=[entry])
        sites.tree.chain(["DM-3", "DM-2", "DM-1"])

    @override
    def spoil(self, sites: Sites) -> str:
        edit(sites, _FILE, lambda said: said["certify"][0].update(datasets_of="no//name"))
        return line_with(sites, _FILE, "no//name")


WORLD = _World()
