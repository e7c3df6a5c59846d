"""Of sights pages are made that tell what observations would tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from difflib import unified_diff

import pytest

from calibstate.store import observationfile
from tests import world
from tests.commands.page_test import Pages, made, observation, publish
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"


def nothing(sites: Sites) -> None:
    """Leave all as it is declared."""


def out_of_order(sites: Sites) -> None:
    sites.change_chain(SUMMIT, lambda children: children[::-1])


def own(sites: Sites) -> None:
    sites.add_own(SUMMIT)


def decertified(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.registry.decertify(f"{OLD}/flat.20240101a", "flat", world.timespan(world.IN_2025))


def chain_of_a_ticket(sites: Sites) -> None:
    with sites.butler(EMBARGO) as butler:
        children = butler.collections.get_info(OLD).children
        butler.collections.redefine_chain(OLD, list(children)[::-1])


def not_searched(sites: Sites) -> None:
    sites.change_chain(EMBARGO, lambda children: [name for name in children if name != NEW])


def gone(sites: Sites) -> None:
    with sites.butler(EMBARGO) as butler:
        butler.collections.redefine_chain(TOP, [OLD])
        butler.collections.redefine_chain(NEW, [])
        for name in (NEW, f"{NEW}/flat.20240101a"):
            butler.collections.x_remove(name)


def pages_by_sights(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> tuple[Pages, list[str]]:
    """Return pages that are made where observations take long to read."""
    read = read_by_sights(monkeypatch)
    return made(sites, code=0), read


def read_by_sights(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return where observations will be read that take long."""
    monkeypatch.setattr(observationfile, "READ_AT_ONCE", 10)
    read: list[str] = []
    loads = observationfile.loads

    def noted(data: bytes, name: str, *, of: str | None = None) -> object:
        read.append(of or "")
        return loads(data, name, of=of)

    monkeypatch.setattr(observationfile, "loads", noted)
    return read


def told(pages: Pages) -> dict[str, str]:
    """Return all files, without what is of the moment."""
    moment = re.compile(rb'(?m)_seconds(\{.*\})? \d+$|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\dZ)?|generated" ?.*')
    return {name: moment.sub(b"", data).decode() for name, data in pages.files.items()}


def differing(some: dict[str, str], others: dict[str, str]) -> list[str]:
    """Return the lines that differ, with their files."""
    lines: list[str] = []
    for name in sorted(some.keys() | others.keys()):
        a, b = (each.get(name, "").splitlines() for each in (some, others))
        lines += [f"{name}: {line}" for line in unified_diff(a, b, n=0, lineterm="")]
    return lines


@pytest.mark.parametrize(
    ("happened", "rows_read"),
    [
        (nothing, []),
        (out_of_order, []),
        (not_searched, []),
        (chain_of_a_ticket, [EMBARGO]),
        (gone, None),
        (own, None),
        (decertified, [SUMMIT]),
    ],
)
def test_of_sights_pages_are_what_they_are_of_observations(
    deployed: Sites,
    monkeypatch: pytest.MonkeyPatch,
    happened: Callable[[Sites], None],
    rows_read: list[str] | None,
) -> None:
    assert deployed.run("seal").code == 0
    happened(deployed)
    publish(deployed)
    by_rows = told(made(deployed))

    pages, read = pages_by_sights(deployed, monkeypatch)

    assert differing(told(pages), by_rows) == []
    # What is as it should be costs no rows.
    if rows_read is not None:
        assert sorted(set(read)) == rows_read


HAPPENED = (nothing, out_of_order, not_searched, chain_of_a_ticket, gone, own, decertified)


@pytest.mark.parametrize("happened", HAPPENED)
@pytest.mark.parametrize("command", ["status", "drift"])
def test_of_sights_a_command_tells_what_it_tells_of_observations(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch, happened: Callable[[Sites], None], command: str
) -> None:
    assert deployed.run("seal").code == 0
    happened(deployed)
    publish(deployed)
    asked = (command, "--observed", "published", "--format", "json")
    for address in (ORIGIN, EMBARGO, SUMMIT):
        # They can be seen by nobody who asks.
        deployed.path(address).rename(deployed.path(address).with_name(f"away-{address.replace('/', '-')}"))
    by_rows = deployed.run(*asked)

    read = read_by_sights(monkeypatch)
    by_sights = deployed.run(*asked)

    assert by_rows.code in {0, 2}, by_rows.err
    # The second one was asked a moment later.
    moment = re.compile(r'"age": \d+|"at": "[^"]*"')
    assert by_sights.code == by_rows.code
    rows, sights = (moment.sub("", ran.out).splitlines() for ran in (by_rows, by_sights))
    lines = list(unified_diff(rows, sights, n=0, lineterm=""))
    assert not lines, "\n".join(lines)
    if happened in {nothing, out_of_order, not_searched}:
        assert read == []


def test_a_sight_stands_for_an_observation_that_is_not_there(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deployed.run("seal").code == 0
    publish(deployed)
    observation(deployed, SUMMIT).unlink()

    pages = made(deployed)

    assert pages.standing(SUMMIT)["state"] == "in sync"


def test_a_sight_of_before_that_lists_nothing_stands_for_none(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deployed.run("seal").code == 0
    publish(deployed)
    file = deployed.tree.folder / "records" / "sights" / SUMMIT / "newest.json"
    sight = json.loads(file.read_text())
    del sight["listed"]
    file.write_text(json.dumps(sight))

    pages, read = pages_by_sights(deployed, monkeypatch)

    assert set(read) == {SUMMIT}
    assert pages.standing(SUMMIT)["state"] == "in sync"


def test_where_a_ticket_has_another_seal_by_now_the_rows_tell(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deployed.run("seal").code == 0
    publish(deployed)
    for seal in (deployed.tree.state / "seals").rglob("DM-1.yaml"):
        seal.unlink()
    by_rows = made(deployed).data()["instruments"]

    pages, read = pages_by_sights(deployed, monkeypatch)

    assert pages.data()["instruments"] == by_rows
    assert ORIGIN in read
