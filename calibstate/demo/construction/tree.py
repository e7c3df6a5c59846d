"""Builds a state tree around an origin at which a ticket is made.

Two sites: the origin, which says who makes calibrations there, and a summit
that has none of them yet.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..world import CALIB, INSTRUMENT, make_butler
from .ticket import TICKET
from .world import ConstructionWorld, make_world

__all__ = ["ConstructionDemo", "build_construction", "declare_adopted"]

CORES = 2
"""Jobs of a batch that run at once."""

_PARSL = {
    "wmsServiceClass": "lsst.ctrl.bps.parsl.ParslService",
    "computeSite": "local",
    "site": {
        "local": {
            "class": "calibstate.demo.construction.onemachine.Threads",
            "cores": CORES,
        },
    },
}
"""What a site says around each template, so that Parsl runs it here."""

_PROPOSED = "approval: {status: proposed}"
_ADOPTED = "approval: {status: adopted, note: by whoever follows the demonstration}"


@dataclass(frozen=True)
class ConstructionDemo:
    """Where the demonstration of a construction is."""

    folder: Path

    world: ConstructionWorld
    """Its origin, and what a construction there names."""

    @property
    def state(self) -> Path:
        """Root of the state tree."""
        return self.folder / "state"

    @property
    def ticket_file(self) -> Path:
        """The file of the ticket that is made."""
        return _ticket_file(self.state)


def build_construction(folder: Path, products: Sequence[str], submit: str) -> ConstructionDemo:
    """Build everything in a new folder; nothing is constructed yet.

    Parameters
    ----------
    folder
        Made by this.
    products
        What the ticket makes, in order.
    submit
        What runs the templates: ``bps``, ``pipetask`` or ``here``.
    """
    folder = folder.resolve()
    world = make_world(folder, products=products, look_at=True)
    summit = folder / "summit"
    make_butler(summit, summit).close()
    (folder / "archive").mkdir()
    demo = ConstructionDemo(folder, world)
    demo.ticket_file.parent.mkdir(parents=True)
    demo.ticket_file.write_text(world.document)
    settings = demo.state / "calibstate.yaml"
    # The stand-ins' own classes read the files of the demonstration.
    settings.write_text(
        "version: 1\narchive: ../archive\nrecords: ../records\nformatters: [lsst, calibstate.demo]\n"
    )
    _write_chain(demo.state, [])
    sites = demo.state / "sites"
    sites.mkdir()
    (sites / "usdf.yaml").write_text(_origin(demo, submit))
    (sites / "summit.yaml").write_text(_summit())
    return demo


def declare_adopted(state: Path) -> None:
    """Declare in a tree that the board has adopted its ticket."""
    file = _ticket_file(state)
    text = file.read_text()
    file.write_text(text.replace(_PROPOSED, _ADOPTED))
    _write_chain(state, [TICKET])


def _ticket_file(state: Path) -> Path:
    return state / "tickets" / INSTRUMENT / f"{TICKET}.yaml"


def _write_chain(state: Path, entries: Sequence[str]) -> None:
    file = state / "chains" / f"{INSTRUMENT}.yaml"
    file.parent.mkdir(exist_ok=True)
    listed = ", ".join(entries)
    file.write_text(f"chain: {CALIB}\ninstrument: {INSTRUMENT}\nentries: [{listed}]\n")


def _origin(demo: ConstructionDemo, submit: str) -> str:
    """Return the file of the site at which calibrations are made."""
    return f"""site: usdf
repositories:
  main:
    butler: ../../repo
    instruments: [{INSTRUMENT}]
    route: origin
construction:
  submit: {submit}
  # YAML takes JSON as it is.
  bps: {json.dumps(_PARSL)}
  scratch: {demo.folder / "scratch"}
  templates:
    cp_pipe: {demo.world.cp_pipe / "bps/templates"}
    cp_verify: {demo.world.cp_verify / "bps/templates"}
"""


def _summit() -> str:
    return f"""site: summit
route: copy
repositories:
  {INSTRUMENT}:
    butler: ../../summit
    instruments: [{INSTRUMENT}]
"""
