"""What `observe --publish` keeps of repositories, small and for good."""

from __future__ import annotations

import pytest

from calibstate.factory.places import Places
from calibstate.model.names import RepositoryAddress
from calibstate.work.session import Session
from tests.commands.sites import SUMMIT, TOP, Sites
from tests.services.moto import S3

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"


@pytest.fixture(params=["folder", "s3"])
def published(request: pytest.FixtureRequest, deployed: Sites) -> Sites:
    """Return sites whose records are in a folder, or in a bucket."""
    if request.param == "s3":
        s3: S3 = request.getfixturevalue("s3")
        deployed.tree.settings(records=f"{s3.bucket('records')}/records")
    return deployed


def publish(sites: Sites, *arguments: str) -> None:
    ran = sites.run("observe", "--publish", *arguments)
    assert ran.code == 0, ran.out + ran.err


def places_of(sites: Sites) -> Places:
    session = Session(sites.tree.state)
    return session.places()


def test_a_sight_says_what_a_repository_showed(published: Sites) -> None:
    publish(published, "--site", "summit")

    sight = places_of(published).sight(RepositoryAddress(SUMMIT))

    assert sight is not None

    chain = sight.chains[TOP]
    assert chain is not None
    assert chain.children == (NEW, OLD)


# What was live


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return []


def test_what_a_site_searched_on_a_date_is_told(published: Sites) -> None:
    publish(published, "--site", "summit")
    ran = published.run("show", "--live", SUMMIT)
    print(ran.out, ran.err)
    print(published.run("show", "--live", SUMMIT, "--format", "json").out)
    print(published.run("show", "--live", SUMMIT, "--format", "markdown").out)
    print(published.run("show", "--live").err)
    print(published.run("show", "--live", "--at", "2025-01-01").err)
    print(published.run("show", "--live", "--at", "main").err)
    assert 0
