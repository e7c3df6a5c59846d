"""What is on hold takes nothing, whichever way it would be brought."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from calibstate.engine.guards import guarded
from calibstate.kinds.rucio_rule import AddRule, BoostRule, KeepRule
from calibstate.model.actions import Action
from calibstate.model.desired import DesiredState
from calibstate.model.guards import Allowed, Guard
from calibstate.model.names import RUCIO, Address
from calibstate.store.statefile import load
from tests.tree import Tree

RSE = "SUMMIT_CALIB_DISK"
PASSED = Allowed(guards=(Guard.HOLD,), because="for a test")
ABOUT: dict[str, Any] = {
    "target": Address(place=RUCIO, kind="rucio_rule", name=f"LATISS/DM-1/{RSE}"),
    "because": "no rule brings it",
    "ticket": "DM-1",
    "instrument": "LATISS",
    "scope": "ancillary",
    "dataset": "Dataset/LATISS/calib/DM-1",
    "rse": RSE,
}
ACTIONS = [AddRule(**ABOUT), KeepRule(**ABOUT, rule="r1"), BoostRule(**ABOUT, rule="r1")]


def declared(folder: Path, *, held: tuple[str, ...], skip: tuple[str, ...] = ()) -> DesiredState:
    """Return what two repositories at one RSE, some on hold, declare."""
    tree = Tree(folder, instrument="LATISS")
    tree.settings(rucio={"scope": "ancillary", "origin_rse": "ORIGIN"})
    tree.site("usdf", {"main": "origin"})
    for site in ("bts", "summit"):
        route = {"by": "rucio", "rse": RSE, "prefix": "s3://b/p"}
        hold: dict[str, Any] = {"hold": f"{site} is snowed in"} if site in held else {}
        tree.site(site, {"LATISS": route}, **hold)
    tree.ticket("DM-1", "bias.20240101a", skip=dict.fromkeys(skip, "not there"))
    return load(tree.state)[0]


@pytest.mark.parametrize("action", ACTIONS, ids=[action.do for action in ACTIONS])
@pytest.mark.parametrize(
    ("held", "skip", "why"),
    [
        ((), (), ""),
        (("summit",), (), ""),
        (("bts", "summit"), (), f"{RSE} is on hold: bts is snowed in; summit is snowed in"),
        (("summit",), ("bts",), f"{RSE} is on hold: summit is snowed in"),
    ],
    ids=["nobody", "one of two", "both", "the only one that wants it"],
)
def test_a_rule_is_stopped_where_nobody_takes_its_files(
    tmp_path: Path, action: Action, held: tuple[str, ...], skip: tuple[str, ...], why: str
) -> None:
    desired = declared(tmp_path, held=held, skip=skip)
    stop = guarded(action, desired, Allowed())
    assert (stop.detail if stop else "") == why
    assert guarded(action, desired, PASSED) is None
