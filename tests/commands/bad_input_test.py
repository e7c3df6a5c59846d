"""Bad input, from the command line to the places and back.

Whatever is wrong is told in our words with the right exit code, and costs
nothing: no file, no row, no chain.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from calibstate.cli import screen
from calibstate.kinds.registry import ACTIONS
from calibstate.store import planfile
from tests import world
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.services.postgres import Postgres
from tests.tree import ROOT, Ran

FILES = 12
"""Files of each ticket."""

LOOKS = ("drift", "plan", "apply")
"""Commands that look at the places."""
ALL = ("validate", "show", *LOOKS)

Spoil = Callable[[Sites], Any]


def ask(sites: Sites, command: str, *arguments: str) -> Ran:
    ran = sites.run(command, *(["--yes"] if command == "apply" else []), *arguments)
    assert_told(ran)
    return ran


def assert_told(ran: Ran) -> None:
    """Hold every output to what people may be told."""
    said = ran.out + ran.err
    for never in ("Traceback", "Unexpected error", "defect of calibstate", "s3cret"):
        assert never not in said, said


def error(ran: Ran) -> str:
    """Return what was told to people, on one line."""
    return " ".join((ran.out + ran.err).split())


# --- the state tree ---


def write(name: str, content: str | bytes) -> Spoil:
    def spoil(sites: Sites) -> None:
        path = sites.tree.state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return spoil


def change(name: str, **said: Any) -> Spoil:
    def spoil(sites: Sites) -> None:
        path = sites.tree.state / name
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **said}, sort_keys=False))

    return spoil


DM_1 = "tickets/LSSTComCam/DM-1.yaml"
CHAIN = "chains/LSSTComCam-calib.yaml"

_LAUGHS = "\n".join(
    [
        "a: &a [x, x]",
        *(f"{n}: &{n} [*{p}, *{p}]" for p, n in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)),
    ]
)

TREES: dict[str, tuple[Spoil, str, str]] = {
    "a tab": (write(DM_1, "ticket: DM-1\n\tinstrument: X\n"), DM_1, "2"),
    "an unclosed bracket": (write(CHAIN, "chain: LSSTComCam/calib\nentries: [DM-2,\n"), CHAIN, ""),
    "no text at all": (write(DM_1, bytes(range(256))), DM_1, ""),
    "not UTF-8": (write(DM_1, "ticket: DM-1\nsummary: Tölölö\n".encode("latin-1")), DM_1, ""),
    "empty": (write(DM_1, ""), DM_1, ""),
    "a list": (write(DM_1, "- ticket\n- DM-1\n"), DM_1, "1"),
    "a tag that builds": (write(DM_1, "ticket: !!python/object/apply:os.system [true]\n"), DM_1, "1"),
    "a billion laughs": (write(DM_1, _LAUGHS), DM_1, ""),
    "two documents": (write(DM_1, "ticket: DM-1\n---\nticket: DM-2\n"), DM_1, ""),
    "a key twice": (write(DM_1, "ticket: DM-1\nticket: DM-1\n"), DM_1, "2"),
    "a number for a name": (change(DM_1, ticket=1), DM_1, "1"),
    "text for a list": (change(DM_1, collections="bias.20240101a"), DM_1, "6"),
    "a list for a mapping": (change(DM_1, approval=["adopted"]), DM_1, "4"),
    "an unknown status": (change(DM_1, approval={"status": "adoptd", "note": "n"}), DM_1, "4"),
    "an unknown key": (change(DM_1, colections=[]), DM_1, ""),
    "a climbing name": (change(DM_1, collections=["../../etc"]), DM_1, "7"),
    "an entry of nobody": (change(CHAIN, entries=["DM-2", "DM-1", "DM-99"]), CHAIN, "6"),
    "a route of nobody": (write("sites/summit.yaml", "site: summit\nrepositories: {x: {butler: ./x, "
                                "instruments: [LSSTComCam], route: by-hand}}\n"), "sites/summit.yaml", ""),
    "a version that is none": (change("calibstate.yaml", version="one"), "calibstate.yaml", "1"),
    "no records": (write("calibstate.yaml", "version: 1\narchive: ../archive\n"), "calibstate.yaml", ""),
    "one butler by one path twice": (
        write("sites/bts.yaml", "site: bts\nrepositories: {x: {butler: ../../repo/summit-LSSTComCam, "
              "instruments: [LSSTComCam], route: copy}}\n"), "sites/", ""),
}  # fmt: skip


@pytest.mark.parametrize("wrong", TREES)
def test_a_tree_that_is_wrong_is_told_by_every_command_and_nothing_is_touched(sites, wrong):
    spoil, file, line = TREES[wrong]
    spoil(sites)
    before = sites.snapshot()
    for command in ALL:
        ran = ask(sites, command)
        assert ran.code == 1, error(ran)
        assert f"{file}:{line}" in error(ran) if line else file in error(ran)
    assert sites.snapshot() == before


def test_all_that_is_wrong_is_told_at_once(sites):
    for wrong in ("a tab", "an entry of nobody", "a route of nobody"):
        TREES[wrong][0](sites)
    told = error(ask(sites, "validate"))
    assert all(f"{TREES[wrong][1]}:" in told for wrong in ("a tab", "a route of nobody"))


@pytest.mark.parametrize(
    ("root", "variable", "words"),
    [
        ("nowhere", None, "-C names nowhere, which does not exist"),
        ("state/calibstate.yaml", None, "which is not a folder"),
        (".", None, "Did you mean state?"),
        (None, "nowhere", "CALIBSTATE_ROOT"),
    ],
)
def test_a_root_that_is_none_is_told(sites, monkeypatch, capsys, root, variable, words):
    from calibstate.cli.app import run

    monkeypatch.chdir(sites.tree.folder)
    if variable:
        monkeypatch.setenv("CALIBSTATE_ROOT", variable)
    for command in ALL:
        code = run([*(["-C", root] if root else []), command])
        out, err = capsys.readouterr()
        ran = Ran(code, out, err)
        assert_told(ran)
        assert (code, out) == (1, "")
        assert words in error(ran)


def test_the_root_may_be_named_by_the_environment(sites, monkeypatch, capsys):
    from calibstate.cli.app import run

    monkeypatch.chdir("/")
    monkeypatch.setenv("CALIBSTATE_ROOT", str(sites.tree.state))
    assert run(["validate"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--site", "sumit"],
        ["drift", "--repository", "summit/LATISS"],
        ["plan", "--ticket", "DM-3"],
        ["show", "summit/LATISS"],
        ["drift", "--instrument", "LATISS"],
        ["plan", "--format", "xml"],
        ["apply", "--jes"],
        ["aply"],
        ["apply", "no-such-plan.json", "--yes"],
        ["apply"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_64(sites, arguments):
    before = sites.snapshot()
    ran = sites.run(*arguments)
    assert_told(ran)
    assert ran.code == 64, error(ran)
    assert ran.err
    assert sites.snapshot() == before


# --- repositories ---


def butler_of(sites: Sites, address: str, butler: str) -> None:
    site, _, name = address.partition("/")
    path = sites.tree.state / "sites" / f"{site}.yaml"
    said = yaml.safe_load(path.read_text())
    said["repositories"][name]["butler"] = butler
    path.write_text(yaml.safe_dump(said, sort_keys=False))


def database_of(sites: Sites, address: str, url: str) -> None:
    file = sites.path(address) / "butler.yaml"
    said = yaml.safe_load(file.read_text())
    said["registry"]["db"] = url
    file.write_text(yaml.safe_dump(said))


def summit(change: Callable[[Path], Any]) -> Spoil:
    return lambda sites: change(sites.path(SUMMIT))


def _in_place_of_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


_S = "summit-LSSTComCam"

REPOSITORIES: dict[str, tuple[Spoil, str]] = {
    "unknown label": (lambda s: butler_of(s, SUMMIT, "sumit_comcam"), "'sumit_comcam' is a label"),
    "missing folder": (summit(shutil.rmtree), "it does not exist"),
    "a file in its place": (summit(_in_place_of_folder), _S),
    "not a repository": (summit(lambda f: (f / "butler.yaml").unlink()), "a folder without butler.yaml"),
    "butler.yaml of garbage": (summit(lambda f: (f / "butler.yaml").write_bytes(b"\0\xff{")), _S),
    "butler.yaml that is a list": (summit(lambda f: (f / "butler.yaml").write_text("[1]")), _S),
    "database missing": (summit(lambda f: (f / "gen3.sqlite3").unlink()), "gen3.sqlite3 does not exist"),
    "database empty": (summit(lambda f: (f / "gen3.sqlite3").write_bytes(b"")), _S),
    "database of garbage": (
        summit(lambda f: (f / "gen3.sqlite3").write_bytes(b"x" * 9999)), "not a database"),
    "database cut off": (
        summit(lambda f: os.truncate(f / "gen3.sqlite3", 20_000)), _S),
    "a URI that nobody serves": (lambda s: butler_of(s, SUMMIT, "gopher://u:s3cret@host/x"), "gopher"),
    "a driver that nobody has": (lambda s: database_of(s, SUMMIT, "oracle://u:s3cret@h/x"), _S),
    "a database URL that is none": (lambda s: database_of(s, SUMMIT, "rubbish"), _S),
}  # fmt: skip


@pytest.mark.parametrize("wrong", REPOSITORIES)
@pytest.mark.matrix(4)
def test_a_repository_that_cannot_be_opened_is_told_and_the_others_go_on(sites, wrong):
    spoil, words = REPOSITORIES[wrong]
    spoil(sites)
    assert_only_the_summit_is_left_out(sites, words)


def assert_only_the_summit_is_left_out(sites: Sites, words: str) -> None:
    for command in ("validate", "show"):
        assert ask(sites, command).code == 0
    for command in ("plan", "apply"):
        ran = ask(sites, command)
        assert ran.code == 1, error(ran)
        assert f"unreachable {SUMMIT}" in error(ran)
        assert words in error(ran)
    assert sites.chain(EMBARGO) == sites.chain(ORIGIN)
    assert sites.certifications(EMBARGO) == sites.certifications(ORIGIN)


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ("{usdf_main: /repo/main, usdf_embargo: /repo/embargo}", "which knows usdf_embargo, usdf_main"),
        ("[not, a, mapping]", "sumit_comcam"),
        ("{broken: [", "sumit_comcam"),
        (None, "sumit_comcam"),
    ],
    ids=["others", "a list", "broken", "missing"],
)
@pytest.mark.matrix(1)
def test_a_label_that_the_index_does_not_know_is_told(sites, monkeypatch, index, words):
    file = sites.tree.folder / "repositories.yaml"
    if index is not None:
        file.write_text(index)
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(file))
    butler_of(sites, SUMMIT, "sumit_comcam")
    assert_only_the_summit_is_left_out(sites, words)


def test_a_label_that_the_index_knows_is_opened(sites, monkeypatch):
    file = sites.tree.folder / "repositories.yaml"
    file.write_text(yaml.safe_dump({"comcam": str(sites.path(SUMMIT))}))
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(file))
    butler_of(sites, SUMMIT, "comcam")
    assert ask(sites, "apply").code == 0
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)


@pytest.fixture
def nobody_listens() -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


def test_a_database_that_refuses_is_told_without_the_password(sites, nobody_listens):
    database_of(sites, SUMMIT, f"postgresql://calib:s3cret@127.0.0.1:{nobody_listens}/butler")
    assert_only_the_summit_is_left_out(sites, "does not answer")
    assert ask(sites, "drift").code == 1


@pytest.fixture
def locked(postgres: Postgres) -> Iterator[str]:
    """Return a URL of the database with a user and a wrong password."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        (name,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        file = Path(name)
        rules = file.read_text()
        try:
            file.write_text(f"host all locked 127.0.0.1/32 scram-sha-256\n{rules}")
            connection.execute("SELECT pg_reload_conf()")
            yield postgres.url.replace("//calib@", "//locked:s3cret@")
        finally:
            file.write_text(rules)
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("DROP ROLE locked")


def test_a_wrong_password_is_told_and_never_shown(sites, locked):
    database_of(sites, SUMMIT, locked)
    assert_only_the_summit_is_left_out(sites, "password authentication failed")
    kept = [file for part in ("records", "archive") for file in (sites.tree.folder / part).rglob("*")]
    assert not [file for file in kept if file.is_file() and b"s3cret" in file.read_bytes()]


def test_a_schema_without_a_butler_is_told(sites, postgres):
    database_of(sites, SUMMIT, postgres.url)
    assert_only_the_summit_is_left_out(sites, "summit-LSSTComCam")
    with psycopg.connect(postgres.url) as connection:
        made = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert made == (0,)


def test_nothing_is_made_where_a_database_was_lost(sites):
    (sites.path(SUMMIT) / "gen3.sqlite3").unlink()
    assert ask(sites, "apply").code == 1
    assert not (sites.path(SUMMIT) / "gen3.sqlite3").exists()


# --- one butler by two addresses ---


def _by_link(sites: Sites) -> None:
    link = sites.tree.folder / "repo" / "link"
    link.symlink_to(sites.path(SUMMIT))
    _second_summit(sites, str(link))


def _by_its_configuration(sites: Sites) -> None:
    _second_summit(sites, str(sites.path(SUMMIT) / "butler.yaml"))


def _by_uri(sites: Sites) -> None:
    _second_summit(sites, sites.path(SUMMIT).as_uri())


def _by_its_database(sites: Sites) -> None:
    other = sites.tree.folder / "repo" / "other"
    shutil.copytree(sites.path(SUMMIT), other)
    said = yaml.safe_load((other / "butler.yaml").read_text())
    said["registry"]["db"] = f"sqlite:///{sites.path(SUMMIT)}/gen3.sqlite3"
    (other / "butler.yaml").write_text(yaml.safe_dump(said))
    _second_summit(sites, str(other))


def _by_label(sites: Sites) -> None:
    _second_summit(sites, "comcam")


def _second_summit(sites: Sites, butler: str) -> None:
    said = {"instruments": ["LSSTComCam"], "route": "copy", "butler": butler}
    write("sites/bts.yaml", yaml.safe_dump({"site": "bts", "repositories": {"LSSTComCam": said}}))(sites)


@pytest.mark.parametrize("second", [_by_link, _by_its_configuration, _by_uri, _by_its_database, _by_label])
def test_two_addresses_of_one_butler_are_refused_before_any_look(sites, monkeypatch, second):
    index = sites.tree.folder / "repositories.yaml"
    index.write_text(yaml.safe_dump({"comcam": str(sites.path(SUMMIT))}))
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(index))
    second(sites)
    before = sites.snapshot()
    for command in LOOKS:
        ran = ask(sites, command)
        assert ran.code in {1, 3}, error(ran)
        assert "one butler" in error(ran).lower()
        assert "sites/" in error(ran)
        assert "instruments: [LSSTComCam]" in error(ran)
    assert sites.snapshot() == before


def test_two_addresses_of_one_schema_are_refused_before_any_look(sites, postgres):
    shutil.rmtree(sites.path(SUMMIT))
    shutil.rmtree(sites.path(EMBARGO))
    world.make_repo(sites.path(SUMMIT), db=postgres.url, namespace=postgres.namespace()).close()
    shutil.copytree(sites.path(SUMMIT), sites.path(EMBARGO))
    database_of(sites, EMBARGO, postgres.url.replace("127.0.0.1", "localhost"))
    ran = ask(sites, "apply")
    assert (ran.code, "open one butler" in error(ran)) == (3, True)


# --- permissions ---


def mortal(*arguments: str, cwd: Path = ROOT) -> Ran:
    """Run the command as somebody whom permissions concern."""
    command = [sys.executable, "-m", "calibstate", *arguments]
    if os.geteuid() == 0:
        if not (setpriv := shutil.which("setpriv")):
            pytest.skip("root without setpriv (util-linux): permissions cannot be tried")
        command = [setpriv, "--bounding-set", "-dac_override,-dac_read_search", *command]
    ran = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    told = Ran(ran.returncode, ran.stdout, ran.stderr)
    assert_told(told)
    return told


@contextmanager
def forbidden(path: Path, mode: int) -> Iterator[None]:
    before = path.stat().st_mode & 0o7777
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


def test_a_repository_that_may_not_be_read_is_told(sites):
    with forbidden(sites.path(SUMMIT), 0o000):
        ran = mortal("-C", str(sites.tree.state), "apply", "--yes")
    assert ran.code == 1
    assert f"unreachable {SUMMIT}" in error(ran)
    assert sites.chain(EMBARGO) == sites.chain(ORIGIN)


def test_a_database_that_may_not_be_read_is_told(sites):
    with forbidden(sites.path(SUMMIT) / "gen3.sqlite3", 0o000):
        ran = mortal("-C", str(sites.tree.state), "plan")
    assert ran.code == 1
    assert "no permission to read" in error(ran)


@pytest.mark.parametrize("part", ["gen3.sqlite3", pytest.param(".", marks=pytest.mark.slow)])
def test_a_repository_that_may_not_be_written_is_told_and_the_others_are_done(sites, part):
    before = sites.snapshot("repo/summit-LSSTComCam")
    with forbidden(sites.path(SUMMIT) / part, 0o444 if part == "gen3.sqlite3" else 0o555):
        ran = mortal("-C", str(sites.tree.state), "apply", "--yes")
    assert ran.code == 1, error(ran)
    assert f"failed import-bundle {SUMMIT}" in error(ran)
    assert "ermission" in error(ran) or "readonly" in error(ran)
    assert sites.chain(EMBARGO) == sites.chain(ORIGIN)
    assert sites.snapshot("repo/summit-LSSTComCam") == before
    assert ask(sites, "apply").code == 0
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)


@pytest.mark.parametrize("place", [pytest.param("archive", marks=pytest.mark.slow), "records"])
def test_a_place_that_may_not_be_written_is_told_and_nothing_is_done(sites, place):
    folder = sites.tree.folder / place
    folder.mkdir()
    before = sites.snapshot("repo")
    with forbidden(folder, 0o555):
        ran = mortal("-C", str(sites.tree.state), "apply", "--yes")
    assert ran.code == 1, error(ran)
    assert str(folder) in error(ran)
    assert "ermission" in error(ran)
    assert sites.snapshot("repo") == before
    assert sites.locks() == []
    assert ask(sites, "apply").code == 0


@pytest.mark.slow
def test_an_archive_that_may_not_be_read_is_unreachable_and_nothing_is_planned(deployed):
    with forbidden(deployed.tree.folder / "archive", 0o000):
        ran = mortal("-C", str(deployed.tree.state), "plan", "--format", "json")
    assert ran.code == 1
    assert {d["subject"] for d in ran.json["drift"] if d["what"] == "unreachable"} == {"archive"}
    assert ran.json["steps"] == []


def test_a_tree_that_may_not_be_read_is_told(sites):
    with forbidden(sites.tree.state / "tickets", 0o000):
        ran = mortal("-C", str(sites.tree.state), "validate")
    assert ran.code == 1
    assert "tickets" in error(ran)


@pytest.mark.parametrize("place", ["archive", "records"])
def test_a_file_in_place_of_a_folder_is_told(sites, place):
    (sites.tree.folder / place).write_text("not a folder")
    before = sites.snapshot()
    ran = ask(sites, "apply")
    assert ran.code == 1
    assert str(sites.tree.folder / place) in error(ran)
    assert sites.snapshot() == before


@pytest.mark.parametrize("uri", ["https://u:s3cret@host/x", "gs://bucket/x"])
@pytest.mark.parametrize("place", ["archive", "records"])
def test_a_place_of_no_known_kind_is_told(sites, place, uri):
    change("calibstate.yaml", **{place: uri})(sites)
    before = sites.snapshot("repo")
    ran = ask(sites, "apply")
    assert ran.code == 1
    assert "neither a folder nor" in error(ran)
    assert sites.snapshot("repo") == before


# --- a full disk ---


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """Put a small file system under a folder; it can be made larger."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system: not run")
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here: not run")
    try:

        def make_larger(size: str) -> None:
            subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)

        yield make_larger
    finally:
        # Lazily: SQLite has files open in this process.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size", ["4k", pytest.param("24k", marks=pytest.mark.slow), "64k"])
def test_a_full_disk_under_the_archive_leaves_no_half_bundle(sites, size):
    archive = sites.tree.folder / "archive"
    before = sites.certifications(ORIGIN), sites.files(ORIGIN)
    with disk(archive, size) as enlarge:
        ran = ask(sites, "apply")
        assert ran.code == 1
        assert "No space left" in error(ran)
        complete = sorted(manifest.parts[-3] for manifest in archive.rglob("manifest.json"))
        assert complete == (["DM-1"] if size == "64k" else [])
        assert all(len(sites.bundled_files(ticket)) == FILES for ticket in complete)
        assert sites.of_ticket(SUMMIT, "DM-2") == []
        enlarge("10m")
        assert ask(sites, "apply").code == 0
        assert sites.leftovers() == []
        assert [len(sites.bundled_files(ticket)) for ticket in ("DM-1", "DM-2")] == [FILES, FILES]
    assert (sites.certifications(ORIGIN), sites.files(ORIGIN)) == before
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)


@pytest.mark.parametrize(
    "size", ["4k", *(pytest.param(size, marks=pytest.mark.slow) for size in ("12k", "16k"))]
)
def test_a_full_disk_under_the_records_is_told_and_the_next_run_goes_on(sites, size):
    with disk(sites.tree.folder / "records", size) as enlarge:
        ran = ask(sites, "apply")
        assert ran.code == 1
        assert "No space left" in error(ran)
        assert sites.locks() == []
        enlarge("10m")
        assert ask(sites, "apply").code == 0
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)
    assert sites.without_file(SUMMIT) == []


@pytest.mark.parametrize(
    ("kilobytes", "code", "words"),
    [(24, 3, "Disk is full"), (40, 1, "No space left"), (56, 1, "database or disk is full")],
    ids=["too full as is seen before", "too full for the files", "too full for the database"],
)
@pytest.mark.matrix(2)
def test_a_full_disk_under_a_repository_records_nothing(sites, kilobytes, code, words):
    repository = sites.path(SUMMIT)
    away = repository.rename(repository.with_name("away"))
    with disk(repository, "10m") as enlarge:
        shutil.copytree(away, repository, dirs_exist_ok=True)
        before = sites.certifications(SUMMIT)
        enlarge(f"{shutil.disk_usage(repository).used // 1024 + kilobytes}k")
        ran = ask(sites, "apply")
        assert ran.code == code
        assert words in error(ran)
        assert sites.certifications(SUMMIT) == before
        enlarge("20m")
        assert ask(sites, "apply").code == 0
        assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)
        assert sites.without_file(SUMMIT) == []
        assert sites.leftovers() == []


def test_json_holds_nothing_that_a_terminal_obeys(capsys):
    said = {"name": "\u009b31m\u202eTAXICAB\udcff é"}
    screen.print_json(said)
    printed = capsys.readouterr().out
    assert json.loads(printed) == said
    assert printed.replace("\n", "").isprintable()


# --- plan files ---


def edit(**changes: Any) -> Callable[[str], str]:
    def edited(text: str) -> str:
        return json.dumps({**json.loads(text), **changes})

    return edited


def edit_step(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def edited(text: str) -> str:
        plan = json.loads(text)
        change(plan["steps"][-1])
        return json.dumps(plan)

    return edited


PLANS: dict[str, tuple[Callable[[str], str | bytes], int, str]] = {
    "cut off": (lambda text: text[: len(text) // 2], 1, "not JSON"),
    "empty": (lambda text: "", 1, "not JSON"),
    "binary": (lambda text: b"\0\xff\xfe", 64, "not UTF-8"),
    "a list": (lambda text: "[]", 1, "kind"),
    "deeply nested": (lambda text: "[" * 200_000, 1, "not JSON"),
    "another document": (edit(kind="drift"), 1, "kind"),
    "another version": (edit(format_version="2.0"), 1, "format_version"),
    "no steps": (
        lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "steps"}),
        1,
        "steps",
    ),
    "steps of numbers": (edit(steps=[1]), 1, "plan"),
    "an unknown action": (edit_step(lambda step: step.update(do="drop-everything")), 1, "drop-everything"),
    "an unknown field": (edit_step(lambda step: step["with"].update(force=True)), 1, "force"),
    "a child more": (edit_step(lambda step: step["with"]["children"].append("u/me/bias")), 3, "edited"),
    "a child less": (edit_step(lambda step: step["with"]["children"].pop()), 3, "edited"),
    "another place": (edit_step(lambda step: step["target"].update(place=ORIGIN)), 3, "edited"),
    "a step less": (lambda text: edit(steps=json.loads(text)["steps"][1:])(text), 3, "edited"),
    "another order": (lambda text: edit(steps=json.loads(text)["steps"][::-1])(text), 3, "edited"),
    "another digest": (edit(digest=f"sha256:{'0' * 64}"), 3, "edited"),
}


@pytest.mark.parametrize("wrong", PLANS)
@pytest.mark.matrix(3)
def test_a_plan_file_that_is_wrong_is_told_and_nothing_is_done(sites, wrong):
    spoil, code, words = PLANS[wrong]
    file = sites.tree.folder / "plan.json"
    assert ask(sites, "plan", "-o", str(file)).code == 2
    spoilt = spoil(file.read_text())
    file.write_bytes(spoilt if isinstance(spoilt, bytes) else spoilt.encode())
    before = sites.snapshot()
    ran = ask(sites, "apply", str(file))
    assert ran.code == code, error(ran)
    assert words in error(ran)
    assert "plan.json" in error(ran)
    assert sites.snapshot() == before


FORGED: Sequence[dict[str, str]] = (
    {"place": "mars/x"},
    {"place": "../../etc"},
    {"place": "s3://bucket/x"},
    {"place": ""},
    {"place": "archive"},
    {"kind": "nonsense"},
    {"kind": "collection"},
)


def test_a_plan_file_whose_digest_is_right_does_nothing_that_no_plan_does(sites):
    file = sites.tree.folder / "plan.json"
    assert ask(sites, "plan", "-o", str(file)).code == 2
    made = planfile.loads(file.read_text(), ACTIONS)
    *others, last = made.steps
    for change in FORGED:
        target = last.action.target.model_copy(update=change)
        forged = replace(last, action=last.action.model_copy(update={"target": target}))
        file.write_text(planfile.dumps(replace(made, steps=(*others, forged))))
        before = sites.snapshot()
        ran = ask(sites, "apply", str(file))
        assert ran.code == 3, (change, error(ran))
        assert "which no plan for this declaration does" in error(ran)
        assert sites.snapshot() == before


def test_a_bundle_of_what_nobody_declared_is_not_exported(sites):
    file = sites.tree.folder / "plan.json"
    assert ask(sites, "plan", "-o", str(file)).code == 2
    made = planfile.loads(file.read_text(), ACTIONS)
    steps = [
        replace(step, action=step.action.model_copy(update={"origin": "mars/x"}))
        if step.action.do == "export-bundle"
        else step
        for step in made.steps
    ]
    file.write_text(planfile.dumps(replace(made, steps=tuple(steps))))
    ran = ask(sites, "apply", str(file))
    assert (ran.code, "No site declares `mars/x`" in error(ran)) == (3, True), error(ran)
    assert not [name for name in sites.snapshot() if name.startswith("archive/")]


def test_a_plan_of_another_tree_is_refused(sites):
    file = sites.tree.folder / "plan.json"
    assert ask(sites, "plan", "-o", str(file)).code == 2
    sites.tree.ticket("DM-2", "bias.20240101a")
    before = sites.snapshot()
    ran = ask(sites, "apply", str(file))
    assert (ran.code, "another declaration" in error(ran)) == (3, True)
    assert sites.snapshot() == before


def test_a_plan_that_was_overtaken_is_refused_and_nothing_is_lost(sites):
    file = sites.tree.folder / "plan.json"
    assert ask(sites, "plan", "-o", str(file)).code == 2
    own = sites.add_own(SUMMIT)
    world_chain(sites, SUMMIT, [own])
    ran = ask(sites, "apply", str(file))
    assert ran.code == 3
    assert f"prepend-to-chain {SUMMIT}:chain:{TOP}: expected no chain; found children {own}" in error(ran)
    assert sites.chain(SUMMIT) == (own,)
    assert not (sites.tree.folder / "archive").exists()
    assert ask(sites, "apply").code == 0
    assert sites.chain(SUMMIT) == (f"{TOP}/DM-2", f"{TOP}/DM-1", own)


def world_chain(sites: Sites, address: str, children: list[str]) -> None:
    with sites.butler(address) as butler:
        world.add_chain(butler, TOP, children)


@pytest.mark.parametrize("name", ["repo/usdf-main/butler.yaml/plan.json", "repo"])
def test_a_plan_that_cannot_be_saved_is_told(sites, name):
    ran = ask(sites, "plan", "-o", str(sites.tree.folder / name))
    assert (ran.code, "cannot be saved" in error(ran)) == (1, True)
