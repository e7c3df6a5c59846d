"""Externals: others have not made a collection yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from tests.commands.sites import INSTRUMENT, Sites
from tests.kinds.worlds import KindWorld, edit

_FILE = f"chains/{INSTRUMENT}-calib.yaml"


class _World(KindWorld):
    kind = "external"
    told = "refcats"
    silent: ClassVar[Mapping[str, str]] = {
        "plan": "others make it",
        "hold": "others make it",
        "guards": "others make it",
        "waves": "others make it",
        "apply": "others make it",
        "log": "others make it",
    }

    @override
    def declare(self, sites: Sites) -> None:
        edit(sites, _FILE, lambda said: said["entries"].append({"external": "refcats"}))

    @override
    def spoil(self, sites: Sites) -> str:
        edit(sites, _FILE, lambda said: said["entries"][-1].update(external="../refcats"))
        line = (sites.tree.state / _FILE).read_text().splitlines().index("- external: ../refcats") + 1
        return f"{_FILE}:{line}"


WORLD = _World()
