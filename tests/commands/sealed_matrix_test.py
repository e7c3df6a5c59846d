"""Origin, bundle and destination in every combination, against a seal.

Whatever the others hold, a destination ends with what was sealed or stays as
it is.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from tests import world
from tests.commands.sites import ORIGIN, SUMMIT, TOP, Sites, make_sites

TICKET = f"{TOP}/DM-1"
BIAS = f"{TICKET}/bias.20240101a"

ORIGINS = ("as sealed", "changed", "out of reach")
BUNDLES = ("none", "as sealed", "another")
DESTINATIONS = ("nothing", "as sealed", "something else")
ALL = list(product(ORIGINS, BUNDLES, DESTINATIONS))


def silently(sites: Sites, *arguments: str) -> int:
    from calibstate.cli.app import run

    with redirect_stdout(io.StringIO()):
        return run(["-C", str(sites.tree.state), *arguments])


def keep(sites: Sites, what: Path, name: str) -> None:
    """Keep a folder as it is now, to begin with it in a test."""
    shutil.copytree(what, sites.tree.folder / "kept" / name)


def archive(sites: Sites) -> Path:
    return sites.tree.folder / "archive"


@dataclass(frozen=True)
class Kept:
    """Sites with every state of each place kept aside."""

    sites: Sites
    sealed: list[tuple[str, ...]]
    """The certifications that were sealed, as the stock butler tells them."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    sites = make_sites(tmp_path_factory.mktemp("sealed") / "sites", tickets=("DM-1",), copies=(SUMMIT,))
    keep(sites, sites.path(ORIGIN), "origin/as sealed")
    keep(sites, sites.path(SUMMIT), "destination/nothing")
    with sites.butler(ORIGIN) as butler:
        world.add_calibration(butler, BIAS, "defects", world.IN_2025)
    keep(sites, sites.path(ORIGIN), "origin/changed")
    assert silently(sites, "apply", "--yes", "--site", "usdf") == 0
    keep(sites, archive(sites), "bundle/another")
    shutil.rmtree(archive(sites))
    place(sites, "origin", "as sealed", sites.path(ORIGIN))
    assert silently(sites, "seal", "DM-1") == 0
    assert silently(sites, "apply", "--yes") == 0
    keep(sites, archive(sites), "bundle/as sealed")
    keep(sites, sites.path(SUMMIT), "destination/as sealed")
    sealed = sites.of_ticket(SUMMIT, "DM-1")
    with sites.butler(SUMMIT) as butler:
        world.add_calibration(butler, BIAS, "dark", world.IN_2025)
    keep(sites, sites.path(SUMMIT), "destination/something else")
    sites.close()
    (sites.tree.folder / "kept" / "bundle" / "none").mkdir()
    return Kept(sites, sealed)


def place(sites: Sites, kind: str, state: str, where: Path) -> None:
    """Put a place into a state that was kept."""
    shutil.rmtree(where, ignore_errors=True)
    shutil.copytree(sites.tree.folder / "kept" / kind / state, where)


@pytest.fixture
def sites(
    kept: Kept, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Sites]:
    origin, bundle, destination = request.param
    with closing(kept.sites.copied_to(tmp_path / "sites", capsys)) as copy:
        place(copy, "origin", "as sealed" if origin == "out of reach" else origin, copy.path(ORIGIN))
        place(copy, "bundle", bundle, archive(copy))
        place(copy, "destination", destination, copy.path(SUMMIT))
        if origin == "out of reach":
            (copy.path(ORIGIN) / "butler.yaml").rename(copy.path(ORIGIN) / "away.yaml")
        yield copy


def expected_code(origin: str, bundle: str, destination: str) -> int:
    if origin == "out of reach":
        return 1
    if origin == "changed" or destination == "something else":
        return 3
    return 0


@pytest.mark.parametrize(
    ("sites", "origin", "bundle", "destination"),
    [
        pytest.param(
            state, *state, id="-".join(state), marks=() if state[2] == "nothing" else pytest.mark.slow
        )
        for state in ALL
    ],
    indirect=["sites"],
)
@pytest.mark.matrix
def test_a_destination_ends_with_what_was_sealed_or_stays_as_it_is(
    kept: Kept, sites: Sites, origin: str, bundle: str, destination: str
) -> None:
    before = sites.of_ticket(SUMMIT, "DM-1")

    ran = sites.apply()

    can_be_had = bundle == "as sealed" or origin == "as sealed"
    arrives = destination == "nothing" and can_be_had
    assert sites.of_ticket(SUMMIT, "DM-1") == (kept.sealed if arrives else before)
    assert ran.code == expected_code(origin, bundle, destination), ran.out + ran.err
    if can_be_had and origin != "out of reach":
        again = sites.apply()
        assert again.code == ran.code
        assert "No steps" in again.out or "nothing to do" in again.out
