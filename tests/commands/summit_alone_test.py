"""A site that has all it needs is judged, and changed, with all others away.

The summit has its tickets, its own records, and their seals in the tree.  The
archive, the records of the others, Rucio and the USDF are away: they refuse,
or let everybody in and never say a word.  What the summit has itself may be
slow.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from calibstate.demo.rucio.configuration import ROOT, write_client
from calibstate.demo.rucio.site import RucioSite
from tests import world
from tests.commands.carried import ARRIVES_AT, Carried, carry, make_origin
from tests.commands.conftest import as_before
from tests.commands.sites import INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites
from tests.services.moto import S3
from tests.services.postgres import Postgres
from tests.services.silent import silent
from tests.services.slow import slow
from tests.tree import Ran

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"

AT_SUMMIT = ("--site", "summit")

LOOKUP = ("explain", "bias", "detector=1", "--at", "2024-06-01", "--site", "summit")


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """Return a port at which nobody listens, and that nobody else takes."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


def rewrite(file: Path, **more: Any) -> None:
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **more}))


def send_away(sites: Sites, port: int, monkeypatch: pytest.MonkeyPatch, database: int | None = None) -> None:
    """Have all but the summit answer at a port, if anybody does there.

    Parameters
    ----------
    sites
        What is changed.
    port
        Where the archive and the records are.
    monkeypatch
        Sets what the clients read.
    database
        Where the databases of the USDF are; the same unless told.
    """
    monkeypatch.setenv("S3_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loopback")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback-secret")
    state = sites.tree.state
    rewrite(state / "calibstate.yaml", archive="s3://usdf/archive", records="s3://usdf/records")
    summit = state / "sites" / "summit.yaml"
    if "records" not in yaml.safe_load(summit.read_text()):
        rewrite(summit, records="../../records-summit")
    for folder in (sites.tree.folder / "repo").glob("usdf-*"):
        ask_database(folder, f"postgresql://calib@127.0.0.1:{database or port}/{folder.name}")
    if isinstance(sites, Carried):
        write_client(sites.rucio.home, f"http://127.0.0.1:{port}", ROOT)
        sites.rucio.configure()


def ask_database(repository: Path, database: str) -> None:
    """Have a repository ask another database."""
    butler = repository / "butler.yaml"
    said = yaml.safe_load(butler.read_text())
    said["registry"]["db"] = database
    butler.write_text(yaml.safe_dump(said))


def serve_summit(s3: S3, monkeypatch: pytest.MonkeyPatch, port: int | None = None) -> None:
    """Have the summit's own object store at its port, or at another."""
    at = port or urlsplit(s3.endpoint).port
    monkeypatch.setenv("LSST_RESOURCES_S3_PROFILE_summit", f"http://loopback:secret@127.0.0.1:{at}")


@pytest.fixture
def served(sites: Sites, postgres: Postgres, s3: S3, monkeypatch: pytest.MonkeyPatch) -> Sites:
    """Return sites whose summit has its database and its object store."""
    serve_summit(s3, monkeypatch)
    datastore, records = (s3.bucket().replace("s3://", "s3://summit@") for _ in range(2))
    shutil.rmtree(sites.path(SUMMIT))
    world.make_repo(
        sites.path(SUMMIT),
        db=postgres.url,
        namespace=postgres.namespace(),
        datastore_root=f"{datastore}/datastore/",
    ).close()
    rewrite(sites.tree.state / "sites" / "summit.yaml", records=f"{records}/records")
    ran = sites.apply()
    assert ran.code == 0, ran.out + ran.err
    return sites


@pytest.fixture(scope="session")
def origin_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_origin(tmp_path_factory.mktemp("carried") / "two", ("DM-1", "DM-2"))


@pytest.fixture
def brought(
    origin_of_two: Path, rucio_site: RucioSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Carried]:
    """Return sites whose summit has what Rucio brought, recorded in place."""
    arrives_at = {SUMMIT: ARRIVES_AT[SUMMIT]}
    sites = carry(
        origin_of_two, tmp_path / "sites", rucio_site, capsys, arrives_at=arrives_at, tickets=("DM-1", "DM-2")
    )
    with closing(sites):
        assert sites.apply().code == 4
        sites.arrive()
        ran = sites.apply()
        assert ran.code == 0, ran.out + ran.err
        yield sites
        rucio_site.log_in(ROOT)
        rucio_site.configure()
        as_before(rucio_site)


@pytest.fixture
def where(request: pytest.FixtureRequest) -> str:
    """Return the fixture of the sites, of which the summit is one."""
    return getattr(request, "param", "deployed")


@pytest.fixture
def sealed(where: str, request: pytest.FixtureRequest) -> Sites:
    """Return sites with all as declared, of which both tickets are sealed."""
    sites: Sites = request.getfixturevalue(where)
    ran = sites.run("seal", "DM-1", "DM-2")
    assert ran.code == 0, ran.out + ran.err
    return sites


LIMIT = 5
"""Seconds for which who is silent is waited for."""


@pytest.fixture
def away(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a port at which nobody listens, or nobody says a word."""
    # Rucio is asked again and again for as long.
    monkeypatch.setenv("CALIBSTATE_TIMEOUT", f"{LIMIT}s")
    port: int = request.getfixturevalue(getattr(request, "param", "refusing_port"))
    return port


@pytest.fixture
def alone(sealed: Sites, away: int, monkeypatch: pytest.MonkeyPatch) -> Sites:
    """Return sites of which only the summit answers."""
    send_away(sealed, away, monkeypatch)
    return sealed


def _everywhere(*sample: tuple[str, str]) -> pytest.MarkDecorator:
    """Try where the summit's places are, and how the others are away."""
    names = {
        "deployed": "SQLite and folders",
        "served": "PostgreSQL and S3",
        "brought": "by Rucio",
        "refusing_port": "refusing",
        "silent_port": "silent",
    }
    pairs = product(("deployed", "served", "brought"), ("refusing_port", "silent_port"))
    parameters = [
        pytest.param(
            *pair,
            id=", ".join(names[name] for name in pair),
            marks=[] if pair in sample else [pytest.mark.slow],
        )
        for pair in pairs
    ]
    return pytest.mark.parametrize(("where", "away"), parameters, indirect=True)


EMBEDDED = ("deployed", "refusing_port")
SERVED = ("served", "refusing_port")


def files_of_new(sites: Sites) -> list[Path]:
    return [sites.path(SUMMIT) / name for name in sites.files(SUMMIT) if "DM-2" in name]


def states(ran: Ran) -> dict[str, str]:
    """Return how each ticket stands at the summit."""
    (table,) = ran.json["tables"]
    return {row["name"]: row["cells"][0]["state"] for row in table["rows"] if row["subject"] == "ticket"}


def drift(ran: Ran) -> set[tuple[str, str]]:
    return {(found["what"], found["subject"]) for found in ran.json["drift"]}


def winner(ran: Ran) -> str:
    (explanation,) = ran.json["explanations"]
    found: str = explanation["winner"]["ticket"]
    return found


def check_agreement(sites: Sites, searched: dict[str, str], missing: set[tuple[str, str]], code: int) -> None:
    """Have every command that looks say the same of the summit."""
    status = sites.run("status", *AT_SUMMIT, "--format", "json")
    assert (states(status), status.code) == (searched, code), status.out + status.err
    found = sites.run("drift", *AT_SUMMIT, "--format", "json")
    assert (drift(found), found.code) == (missing, code), found.out + found.err
    others = {"archive", "rucio"} if isinstance(sites, Carried) else {"archive"}
    assert {unseen["place"] for unseen in found.json["unseen"]} == others
    assert all(other in found.err for other in others), "a person is told who could not be seen"


@_everywhere(EMBEDDED)
def test_what_is_live_whole_and_sealed_is_searched_whoever_is_away(alone: Sites) -> None:
    check_agreement(alone, {"DM-2": "searched", "DM-1": "searched"}, set(), 0)
    verified = alone.run("verify", *AT_SUMMIT, "--bytes")
    assert verified.code == 0, verified.out + verified.err
    explained = alone.run(*LOOKUP, "--format", "json")
    assert (explained.code, winner(explained)) == (0, "DM-2")
    assert alone.run("fingerprint", *AT_SUMMIT).code == 0
    assert alone.run("plan", *AT_SUMMIT).code == 0


@_everywhere(SERVED)
def test_a_ticket_is_taken_out_and_put_back_with_all_others_away(alone: Sites) -> None:
    alone.tree.chain(["DM-1"], retired={"DM-2": "a wrong flat"})
    taken_out = alone.apply(*AT_SUMMIT)
    assert taken_out.code == 0, taken_out.out + taken_out.err
    assert alone.chain(SUMMIT) == (OLD,)
    check_agreement(alone, {"DM-1": "searched", "DM-2": "retired"}, set(), 0)

    alone.tree.chain(["DM-2", "DM-1"])
    assert drift(alone.run("drift", *AT_SUMMIT, "--format", "json")) == {("missing", NEW)}
    put_back = alone.apply(*AT_SUMMIT)
    assert put_back.code == 0, put_back.out + put_back.err
    assert alone.chain(SUMMIT) == (NEW, OLD)
    check_agreement(alone, {"DM-2": "searched", "DM-1": "searched"}, set(), 0)
    assert alone.run("verify", *AT_SUMMIT).code == 0


def test_since_when_a_ticket_is_searched_is_told_by_the_journals_of_the_site(alone: Sites) -> None:
    for entries, retired in ((["DM-1"], {"DM-2": "a wrong flat"}), (["DM-2", "DM-1"], {})):
        alone.tree.chain(entries, retired=retired)
        assert alone.apply(*AT_SUMMIT).code == 0
    journals = alone.tree.folder / "records-summit" / "journal"
    run = max(file.stem for file in journals.glob("*.jsonl"))
    explained = alone.run(*LOOKUP, "--format", "json")
    since = explained.json["explanations"][0]["winner"]["since"]
    assert (since["run"], since["unknown"]) == (run, None)
    assert f"DM-2 is searched since {since['at']}, by run {run}" in explained.err

    alone.tree.chain(["DM-1"], retired={"DM-2": "a wrong flat"})
    assert alone.apply(*AT_SUMMIT).code == 0
    alone.change_chain(SUMMIT, lambda children: [NEW, *children])
    by_hand = alone.run(*LOOKUP, "--format", "json").json["explanations"][0]["winner"]["since"]
    assert by_hand["run"] is None
    assert "no journal tells who put it back" in by_hand["unknown"]


def test_what_is_not_whole_here_waits_for_who_is_away(alone: Sites) -> None:
    for file in files_of_new(alone):
        file.unlink()
    ran = alone.run("drift", *AT_SUMMIT, "--files", "--format", "json")
    assert ran.code == 1, ran.out
    assert {what for what, _ in drift(ran)} == {"unreachable", "pending"}
    assert states(alone.run("status", *AT_SUMMIT, "--files", "--format", "json"))["DM-2"] == "pending"
    applied = alone.apply(*AT_SUMMIT, "--files")
    assert applied.code == 1, applied.out


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("decertified", marks=pytest.mark.slow),
        "other datasets",
        pytest.param("another size", marks=pytest.mark.slow),
    ],
)
def test_what_is_not_as_sealed_is_told_with_all_others_away(alone: Sites, how: str) -> None:
    leaf = f"{NEW}/bias.20240101a"
    if how == "another size":
        files_of_new(alone)[0].write_bytes(b"short")
    else:
        with alone.butler(SUMMIT) as butler:
            butler.registry.decertify(leaf, "bias", world.timespan(world.SINCE_2024))
            if how == "other datasets":
                refs = butler.query_datasets("bias", f"{OLD}/bias.20240101a.run", find_first=False)
                butler.registry.certify(leaf, refs, world.timespan(world.SINCE_2024))
    words = ("drift", *AT_SUMMIT, "--files", "--format", "json")
    found = drift(alone.run(*words))
    expected = {
        "decertified": {("pending", leaf), ("unreachable", "archive")},
        "other datasets": {("changed", leaf)},
        "another size": {("changed", leaf)},
    }
    assert found == expected[how]
    assert alone.run("verify", *AT_SUMMIT, "--ticket", "DM-2").code == 1
    state = states(alone.run("status", *AT_SUMMIT, "--files", "--format", "json"))["DM-2"]
    assert state == ("pending" if how == "decertified" else "changed")


def test_of_a_ticket_without_a_seal_all_say_that_nobody_can_tell(
    deployed: Sites, refusing_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_away(deployed, refusing_port, monkeypatch)
    status = deployed.run("status", *AT_SUMMIT, "--format", "json")
    found = deployed.run("drift", *AT_SUMMIT, "--format", "json")
    verified = deployed.run("verify", *AT_SUMMIT)
    assert (status.code, found.code, verified.code) == (1, 1, 1)
    assert set(states(status).values()) == {"pending"}
    names = {f"{INSTRUMENT}/DM-1", f"{INSTRUMENT}/DM-2"}
    assert drift(found) == {("unreachable", "archive"), *(("pending", name) for name in names)}
    assert "nobody can tell" in status.out
    assert "nobody can tell" in verified.out


def test_who_asks_for_all_is_told_that_the_others_could_not_be_seen(alone: Sites) -> None:
    ran = alone.run("drift", "--format", "json")
    assert ran.code == 1
    assert drift(ran) == {("unreachable", place) for place in ("archive", ORIGIN, "usdf/embargo")}


COMMANDS = {
    "status": ("status",),
    "drift": ("drift",),
    "plan": ("plan",),
    "verify": ("verify",),
    "fingerprint": ("fingerprint",),
    "explain": LOOKUP[:-2],
    "apply": ("apply", "--yes"),
}

TRIES = 3
"""How often the client of S3 asks before it gives up."""


def _each() -> Iterator[Any]:
    sample = {("the summit", "apply"), ("all", "drift")}
    for pair in product(["the summit", "all"], COMMANDS):
        yield pytest.param(*pair, id="-".join(pair), marks=[] if pair in sample else [pytest.mark.slow])


@pytest.mark.parametrize(("whose", "command"), list(_each()))
def test_who_is_silent_is_waited_for_once(
    sealed: Sites, monkeypatch: pytest.MonkeyPatch, command: str, whose: str
) -> None:
    sealed.tree.chain(["DM-1"], retired={"DM-2": "a wrong flat"})
    narrowed = AT_SUMMIT if whose == "the summit" else ()
    # On a slow machine the summit, too, may not answer within two seconds.
    for limit in (2, 8, 32):
        with silent() as store, silent() as database:
            send_away(sealed, store.port, monkeypatch, database.port)
            ran = sealed.run(*COMMANDS[command], *narrowed, "--timeout", f"{limit}s")
        if f"{SUMMIT}: it did not answer" not in ran.out + ran.err:
            break
    assert len(store.connections) <= TRIES, ran.err
    # Each of the two repositories is asked once, at the same time.
    assert len(database.connections) <= (0 if narrowed else 2), ran.err
    assert "Traceback" not in ran.err
    if narrowed:
        assert ran.code == (2 if command in {"status", "drift", "plan"} else 1 if command == "verify" else 0)
    if narrowed and command == "apply":
        assert sealed.chain(SUMMIT) == (OLD,)


def test_only_here_asks_nobody_else(sealed: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed.tree.chain(["DM-1"], retired={"DM-2": "a wrong flat"})
    with silent() as server:
        send_away(sealed, server.port, monkeypatch)
        for command in COMMANDS.values():
            ran = sealed.run(*command, *AT_SUMMIT, "--only-here")
            assert "Traceback" not in ran.err
        assert sealed.run("drift", "--only-here").code == 64
        monkeypatch.setenv("CALIBSTATE_ONLY_HERE", "1")
        assert sealed.run("drift", *AT_SUMMIT).code == 0
        assert server.connections == []
    assert sealed.chain(SUMMIT) == (OLD,)


LOOKS = (
    ("status", "--files"),
    ("drift", "--files"),
    ("plan",),
    ("verify",),
    ("fingerprint",),
    LOOKUP[:-2],
)


def without_times(document: Any) -> Any:
    """Return a document without what tells when it was made."""
    if isinstance(document, list):
        return [without_times(value) for value in document]
    if isinstance(document, dict):
        passing = {"at", "created", "seconds", "began", "ended"}
        return {key: without_times(value) for key, value in document.items() if key not in passing}
    return document


def results(sites: Sites) -> list[tuple[int, Any]]:
    """Return what every command that looks says of the summit."""
    runs = [sites.run(*command, *AT_SUMMIT, "--format", "json") for command in LOOKS]
    return [(ran.code, without_times(ran.json)) for ran in runs]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["served"], indirect=True)
def test_a_summit_whose_every_answer_is_late_is_told_of_as_if_it_were_quick(
    alone: Sites, postgres: Postgres, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = results(alone)
    assert [code for code, _ in quick] == [0] * len(LOOKS)
    database, store = urlsplit(postgres.url), urlsplit(s3.endpoint)
    assert database.port
    assert store.port
    with slow(database.port) as late_database, slow(store.port) as late_store:
        url = postgres.url.replace(f":{database.port}/", f":{late_database.port}/")
        ask_database(alone.path(SUMMIT), url)
        serve_summit(s3, monkeypatch, late_store.port)
        assert results(alone) == quick
        # One look alone takes longer than who is silent is waited for.
        assert late_database.longest > LIMIT + 1
        assert late_store.late

        alone.tree.chain(["DM-1"], retired={"DM-2": "a wrong flat"})
        taken_out = alone.apply(*AT_SUMMIT)
        assert taken_out.code == 0, taken_out.out + taken_out.err
        assert alone.chain(SUMMIT) == (OLD,)
        alone.tree.chain(["DM-2", "DM-1"])
        put_back = alone.apply(*AT_SUMMIT)
        assert put_back.code == 0, put_back.out + put_back.err
        assert alone.chain(SUMMIT) == (NEW, OLD)
        assert "did not answer" not in taken_out.err + put_back.err


@pytest.mark.slow
@pytest.mark.parametrize("where", ["served"], indirect=True)
def test_files_that_trickle_are_read_to_their_end(
    alone: Sites, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = urlsplit(s3.endpoint)
    assert store.port
    words = ("verify", *AT_SUMMIT, "--bytes", "--format", "json")
    quick = alone.run(*words)
    assert quick.code == 0, quick.out + quick.err
    with slow(store.port, piece=64) as trickling:
        serve_summit(s3, monkeypatch, trickling.port)
        ran = alone.run(*words)
    assert (ran.code, without_times(ran.json)) == (0, without_times(quick.json)), ran.err
    # Each answer is within the limit, and all of them are far beyond it.
    assert trickling.seconds > LIMIT + 1


@pytest.mark.slow
@pytest.mark.parametrize("away", ["refusing_port", "silent_port"], indirect=True)
def test_what_rucio_has_not_brought_waits_with_words(
    brought: Carried, away: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought.make_ticket("DM-3")
    brought.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert brought.apply("--site", "usdf").code == 4
    assert brought.run("seal", "DM-1", "DM-2", "DM-3").code == 0
    send_away(brought, away, monkeypatch)

    status = brought.run("status", *AT_SUMMIT, "--format", "json")
    assert (states(status), status.code) == ({"DM-3": "pending", "DM-2": "searched", "DM-1": "searched"}, 1)
    found = brought.run("drift", *AT_SUMMIT, "--format", "json")
    waiting = [one for one in found.json["drift"] if one["what"] == "pending"]
    assert {one["subject"].partition("DM-3")[1] for one in waiting} == {"DM-3"}
    assert all("could not be seen" in one["detail"] for one in waiting)

    applied = brought.apply(*AT_SUMMIT)
    assert applied.code == 1, applied.out + applied.err
    assert "DM-3" in applied.out
    assert brought.chain(SUMMIT) == (NEW, OLD)
