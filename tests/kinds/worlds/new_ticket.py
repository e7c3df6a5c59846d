"""A ticket that is new at the origin, and what it becomes on its way."""

from __future__ import annotations

from typing_extensions import override

from tests.commands.sites import INSTRUMENT, TOP, Sites
from tests.kinds.worlds import KindWorld, edit, line_with

__all__ = ["NewTicket"]

_FILE = f"tickets/{INSTRUMENT}/DM-3.yaml"


class NewTicket(KindWorld):
    """Deployed sites, and DM-3 in front of what they search."""

    told = "DM-3"

    @override
    def declare(self, sites: Sites) -> None:
        sites.make_ticket("DM-3")
        sites.tree.chain(["DM-3", "DM-2", "DM-1"])

    @override
    def spoil(self, sites: Sites) -> str:
        edit(sites, _FILE, lambda said: said.update(collections=[f"{TOP}//no name"]))
        return line_with(sites, _FILE, "no name")
