"""Bundles: a new ticket is not in the archive yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from tests.commands.sites import INSTRUMENT, Sites
from tests.kinds.worlds import edit
from tests.kinds.worlds.new_ticket import NewTicket


class _World(NewTicket):
    kind = "bundle"
    place = "archive"
    silent: ClassVar[Mapping[str, str]] = {
        "observe": "repositories are observed, and the archive is none",
        "waves": "a bundle is made before the first wave, at no site",
    }

    @override
    def hold(self, sites: Sites) -> None:
        edit(sites, f"tickets/{INSTRUMENT}/DM-3.yaml", lambda said: said.update(hold="at night"))

    @override
    def free(self, sites: Sites) -> None:
        edit(sites, f"tickets/{INSTRUMENT}/DM-3.yaml", lambda said: said.pop("hold"))


WORLD = _World()
