"""Ingests: files of a catalogue have not come in at the origin yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import yaml
from typing_extensions import override

from tests import world
from tests.commands.sites import ORIGIN, Sites
from tests.kinds.worlds import KindWorld, edit, line_with

_FILE = "tickets/any/DM-50001.yaml"
_RUN = "refcats/DM-50001/gaia_dr4"

_TICKET = {
    "ticket": "DM-50001",
    "instrument": "any",
    "approval": {"status": "adopted", "note": "made for a test"},
    "bare": [_RUN],
    "ingest": [
        {
            "run": _RUN,
            "type": "gaia_dr4",
            "dimensions": ["htm7"],
            "storage_class": "SimpleCatalog",
            "table": "DM-50001.csv",
            "prefix": "../../../incoming/gaia_dr4",
            "transfer": "copy",
            "formatter": world.STAND_IN,
        }
    ],
}


class _World(KindWorld):
    kind = "ingest"
    place = ORIGIN
    told = "DM-50001"
    silent: ClassVar[Mapping[str, str]] = {
        "impact": "nothing is looked up through it before a chain searches it",
        "waves": "it is made at the origin, in front of the first wave",
    }

    @override
    def declare(self, sites: Sites) -> None:
        site, _, name = ORIGIN.partition("/")

        def have_any(said: dict[str, Any]) -> None:
            said["repositories"][name]["instruments"].append("any")

        edit(sites, f"sites/{site}.yaml", have_any)
        folder = sites.tree.state / "tickets/any"
        folder.mkdir()
        (sites.tree.state / _FILE).write_text(yaml.safe_dump(_TICKET, sort_keys=False))
        (folder / "DM-50001.csv").write_text("filename,htm7\n147456.ecsv,147456\n")
        incoming = sites.tree.folder / "incoming/gaia_dr4"
        incoming.mkdir(parents=True)
        (incoming / "147456.ecsv").write_text("stars\n")

    @override
    def spoil(self, sites: Sites) -> str:
        edit(sites, _FILE, lambda said: said["ingest"][0].update(transfer="teleport"))
        return line_with(sites, _FILE, "teleport")


WORLD = _World()
