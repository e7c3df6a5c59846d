"""Datasets of another ticket, certified again with other ranges."""

from __future__ import annotations

from lsst.daf.butler import Timespan

from calibstate.model.timespans import parse_tai
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

OLD = f"{TOP}/DM-1/bias.20240101a"
NEW = f"{TOP}/DM-3/again/bias.20240301a"
ENTRY = {"as": "again/bias.20240301a", "datasets_of": OLD}


def declare(sites: Sites, *, adopted: bool = True, **dates: str | None) -> None:
    """Declare a ticket that certifies the biases of DM-1 again."""
    sites.tree.ticket(
        "DM-3",
        "again/bias.20240301a",
        status="adopted" if adopted else "proposed",
        certify=[{**ENTRY, **dates}],
    )
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])


def found(sites: Sites, address: str, day: str) -> str | None:
    """Return the collection's RUN in which a bias is found at a moment."""
    moment = parse_tai(f"{day}T00:00:00")
    ref = sites.seen(address).find_dataset(
        "bias",
        instrument=INSTRUMENT,
        detector=1,
        collections=TOP,
        timespan=Timespan(None, None, _nsec=(moment, moment + 1)),
    )
    return ref.run if ref else None


def test_a_new_ticket_certifies_the_datasets_of_another_for_another_range(deployed: Sites) -> None:
    declare(deployed, begin="2023-06-01T00:00:00", end=None)
    files = {address: deployed.files(address) for address in (ORIGIN, EMBARGO, SUMMIT)}
    assert found(deployed, SUMMIT, "2023-07-01") is None
    planned = deployed.run("plan")
    assert planned.code == 2
    ran = deployed.apply()
    assert ran.code == 0
    for address in (ORIGIN, EMBARGO, SUMMIT):
        assert found(deployed, address, "2023-07-01") == f"{OLD}.run"
        assert deployed.files(address) == files[address]
    assert deployed.of_ticket(ORIGIN, "DM-3") == deployed.of_ticket(SUMMIT, "DM-3")
    again = deployed.run("plan")
    assert (again.code, again.out.count("certify")) == (0, 0), again.out
