"""What the tables of ``state/README.md`` say is what the files declare."""

from __future__ import annotations

import re
from collections.abc import Iterator

from calibstate.model.desired import DesiredState
from calibstate.model.names import RepositoryAddress, TicketKey
from calibstate.model.repositories import Origin
from calibstate.store.statefile import load
from tests.tree import ROOT

STATE = ROOT / "state"
DEFAULTS = "LSSTComCam/DP1/defaults"


def declared() -> DesiredState:
    desired, _ = load(STATE)
    return desired


def rows(head: str) -> Iterator[list[str]]:
    """Yield the cells of the rows of a table, by what its head begins with."""
    text = (STATE / "README.md").read_text()
    _, _, table = text.partition(f"| {head} |")
    body, _, _ = table.partition("\n\n")
    for line in body.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("| ").split(" | ")]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_each_facility_is_declared_as_the_table_says() -> None:
    desired = declared()
    told: set[str] = set()
    for _, repository, instruments, cell in rows("facility"):
        for address in words(cell):
            if address == "any":
                continue
            told.add(address)
            site, noun = desired.repository(RepositoryAddress(address))
            listed = list(noun.instruments)
            assert ("any" in listed) == ("with `any`" in cell), address
            assert bool(noun.hold) == ("on hold" in cell), address
            is_origin = isinstance(site.route_of(RepositoryAddress(address).name), Origin)
            assert is_origin == ("the origin" in cell), address
            if "not given" not in instruments:
                assert [name for name in listed if name != "any"] == instruments.split(", "), address
                pattern = re.escape(repository.strip("`")).replace("…", ".*")
                assert re.fullmatch(pattern, noun.butler), address
    assert told == set(desired.repositories)


def test_each_product_is_declared_as_the_table_says() -> None:
    desired = declared()
    told: set[str] = set()
    tickets: set[TicketKey] = set()
    for product, _, cell in rows("product"):
        names = words(cell)
        if not names:
            assert "nothing" in cell, product
            continue
        if cell.startswith("the chain"):
            told.add(names[0])
            entries = desired.chains[names[0]].noun.entries
            keys = {TicketKey.of(name) for name in names[1:]}
            tickets |= keys
            assert not keys or {key.ticket for key in keys} == set(entries), product
        elif "external" in cell:
            told.add(names[0])
        else:
            tickets |= {TicketKey.of(name) for name in names}
    defaults = desired.chains[DEFAULTS].noun
    external = set(defaults.external)
    assert told == external | {entry for entry in defaults.entries if isinstance(entry, str)}
    assert tickets <= set(desired.tickets)
    # What belongs to no instrument is told here, all of it.
    assert {key for key in desired.tickets if key.instrument == "any"} <= tickets
