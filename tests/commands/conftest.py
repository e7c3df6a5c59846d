"""Worlds that are made once and copied for each test."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from pathlib import Path

import pytest

from calibstate.demo.rucio.site import RucioSite
from tests.commands.carried import Carried, carry, make_origin
from tests.commands.catalogues import make_with_catalogues
from tests.commands.generations import add_raws
from tests.commands.observatory import make_observatory
from tests.commands.sites import ORIGIN, Sites, make_sites


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("CALIBSTATE_")]:
        monkeypatch.delenv(name)
    # On GitHub a comment would link its own commit.
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DAF_BUTLER_REPOSITORY_INDEX", raising=False)


@pytest.fixture(scope="session")
def sites_made_once(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites to copy, never to change."""
    return make_sites(tmp_path_factory.mktemp("sites") / "made")


@pytest.fixture(scope="session")
def sites_deployed_once(sites_made_once: Sites, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites where all is as declared, to copy, never to change."""
    sites = sites_made_once.copied_to(tmp_path_factory.mktemp("sites") / "deployed")
    with redirect_stdout(io.StringIO()):
        from calibstate.cli.app import run

        assert run(["-C", str(sites.tree.state), "apply", "--yes"]) == 0
    return sites


@pytest.fixture
def sites(sites_made_once: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Sites]:
    """Return an origin with DM-1 and DM-2, and two copies without them."""
    with closing(sites_made_once.copied_to(tmp_path / "sites", capsys)) as copy:
        yield copy


@pytest.fixture
def deployed(
    sites_deployed_once: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Sites]:
    """Return the same sites after the first apply."""
    with closing(sites_deployed_once.copied_to(tmp_path / "sites", capsys)) as copy:
        yield copy


@pytest.fixture(scope="session")
def catalogues_made_once(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites with a catalogue and a model, to copy."""
    return make_with_catalogues(tmp_path_factory.mktemp("catalogues") / "made")


@pytest.fixture
def catalogues(
    catalogues_made_once: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Sites]:
    """Return an origin with a catalogue and a model, which nobody else has."""
    with closing(catalogues_made_once.copied_to(tmp_path / "sites", capsys)) as copy:
        yield copy


@pytest.fixture(scope="session")
def observatory_made_once(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return two instruments at four repositories, undeclared, to copy."""
    return make_observatory(tmp_path_factory.mktemp("observatory") / "made")


@pytest.fixture
def live(observatory_made_once: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Sites]:
    """Return two instruments at four repositories, none of it declared."""
    with closing(observatory_made_once.copied_to(tmp_path / "live", capsys)) as copy:
        yield copy


@pytest.fixture(scope="session")
def origin_with_raws_once(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return an origin with raws and an older ticket, to copy."""
    sites = make_sites(tmp_path_factory.mktemp("raws") / "made", tickets=("DM-1",), copies=())
    with sites.butler(ORIGIN) as butler:
        add_raws(butler)
    return sites


@pytest.fixture
def origin(
    origin_with_raws_once: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Sites]:
    """Return an origin with raws, at which templates are run."""
    with closing(origin_with_raws_once.copied_to(tmp_path / "sites", capsys)) as copy:
        yield copy


@pytest.fixture(scope="session")
def origin_made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an origin with DM-1 whose files are in a folder of their own."""
    return make_origin(tmp_path_factory.mktemp("carried") / "made")


@pytest.fixture
def carried(
    origin_made_once: Path, rucio_site: RucioSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Carried]:
    """Return an origin with DM-1, and two sites that Rucio carries it to."""
    with closing(carry(origin_made_once, tmp_path / "sites", rucio_site, capsys)) as sites:
        yield sites
        as_before(rucio_site)


def as_before(rucio: RucioSite) -> None:
    """Undo what a test did to the server."""
    rucio.transfers.fault = None
    rucio.transfers.mend()
    rucio.transfers.go_on()
    rucio.transfers.start()
    rucio.auto(0)
    rucio.start_server()
