"""A ticket that Rucio is to carry, of which it knows nothing yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from tests.commands.carried import Carried
from tests.commands.sites import INSTRUMENT, LEAVES, TOP, Sites
from tests.kinds.worlds import KindWorld, edit, line_with

__all__ = ["ByRucio"]

_FILE = f"tickets/{INSTRUMENT}/DM-1.yaml"


class ByRucio(KindWorld):
    """An origin with DM-1, and two sites that Rucio carries it to."""

    place = "rucio"
    told = "DM-1"
    deployed = "DM-1"
    silent: ClassVar[Mapping[str, str]] = {
        "observe": "repositories are observed, and Rucio is none",
        "waves": "files may travel before their wave; what is searched waits",
    }

    @override
    def prepare_sites(self, sites: Sites) -> None:
        (sites.tree.state / _FILE).unlink()
        sites.tree.chain([])

    @override
    def declare(self, sites: Sites) -> None:
        sites.tree.ticket("DM-1", *LEAVES)
        sites.tree.chain(["DM-1"])

    @override
    def spoil(self, sites: Sites) -> str:
        edit(sites, _FILE, lambda said: said.update(collections=[f"{TOP}//no name"]))
        return line_with(sites, _FILE, "no name")

    @override
    def hold(self, sites: Sites) -> None:
        edit(sites, _FILE, lambda said: said.update(hold="at night"))

    @override
    def free(self, sites: Sites) -> None:
        edit(sites, _FILE, lambda said: said.pop("hold"))

    @override
    def apply(self, sites: Sites) -> int:
        assert isinstance(sites, Carried)
        sites.apply()
        sites.arrive()
        return sites.apply().code
