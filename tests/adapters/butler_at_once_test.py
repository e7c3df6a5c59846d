"""Imports that are killed, and changes that meet others."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from lsst.daf.butler import Butler

from calibstate.adapters.butler import open_reader, open_writer, recover
from calibstate.adapters.butler.incoming import INCOMING
from calibstate.errors import CalibstateError, NeedsRecoveryError, PlanIsStaleError
from calibstate.ports.butler import ImportCount
from tests import world
from tests.bundles import BundleFolder, bundle_from
from tests.calibrations import FORMATTERS, IN_2024, IN_2025, SINCE_2024
from tests.fakes.butler import MemoryButler
from tests.services.postgres import Postgres

TICKET = "LSSTComCam/calib/DM-1"
BIAS, FLAT, VERIFY = f"{TICKET}/bias.a", f"{TICKET}/flat.a", f"{TICKET}/verify"
LEAVES = (BIAS, FLAT, VERIFY)

# Children begin where this process stands, with the butler imported.
FORK = get_context("fork")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> BundleFolder:
    origin = MemoryButler("origin")
    origin.add_calibration(BIAS, "bias", SINCE_2024)
    origin.add_calibration(FLAT, "flat", IN_2024, IN_2025)
    origin.add_run(VERIFY, "verifyBiasStats")
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    return bundle_from(origin, folder, LEAVES, uris=origin.uris)


@pytest.fixture(params=["sqlite", "postgres"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "destination"
    if request.param == "sqlite":
        world.make_repo(path).close()
    else:
        server: Postgres = request.getfixturevalue("postgres")
        world.make_repo(path, db=server.url, namespace=server.namespace()).close()
    return path


def do(folder: Path, bundle: BundleFolder) -> ImportCount:
    butler = open_writer(str(folder), FORMATTERS)
    try:
        return butler.import_bundle(bundle.manifest, bundle.contents, bundle.source)
    finally:
        butler.close()


def assert_whole(folder: Path, bundle: BundleFolder) -> None:
    """Check that all of the bundle is there, and nothing besides."""
    held = open_reader(str(folder)).holdings(LEAVES, files=LEAVES)
    assert {name: holding.fingerprint for name, holding in held.items()} == bundle.manifest.fingerprints
    assert not any(holding.unrecorded for holding in held.values())
    for file in bundle.manifest.files:
        assert (folder / file.path).read_bytes() == (bundle.folder / file.path).read_bytes()
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    ours = {file.path for file in bundle.manifest.files}
    assert files - ours <= {"butler.yaml", "gen3.sqlite3"}


# Killed


def die_at(moment: int) -> Callable[[], int]:
    """Kill this process at some moment of what it writes.

    A moment is before or after a file is on the disk, a file is renamed, a
    statement changes the database, or a transaction ends.

    Returns
    -------
    callable
        How many moments there were so far.
    """
    passed = 0

    def tick() -> None:
        nonlocal passed
        passed += 1
        if passed == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(*args: Any, **kwargs: Any) -> Any:
            tick()
            answer = act(*args, **kwargs)
            tick()
            return answer

        return acted

    def statement(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        if not text.lstrip().upper().startswith(("SELECT", "PRAGMA", "SHOW", "SET", "SAVEPOINT", "RELEASE")):
            tick()

    os.fsync = around(os.fsync)
    Path.replace = around(Path.replace)  # type: ignore[method-assign]
    os.link = around(os.link)
    engine = sqlalchemy.engine.Engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", statement)
    sqlalchemy.event.listen(engine, "after_cursor_execute", statement)
    sqlalchemy.event.listen(engine, "commit", lambda connection: tick())
    return lambda: passed


def import_until(folder: Path, bundle: BundleFolder, moment: int) -> int | None:
    """Import in a child that is killed; return how many moments it had."""
    answer, telling = FORK.Pipe(duplex=False)

    def child() -> None:
        moments = die_at(moment)
        do(folder, bundle)
        telling.send(moments())

    process = FORK.Process(target=child)
    process.start()
    process.join()
    return answer.recv() if process.exitcode == 0 else None


def kill_and_complete(folder: Path, bundle: BundleFolder, moment: int) -> None:
    assert import_until(folder, bundle, moment) is None, "it was not killed"
    try:
        reader = open_reader(str(folder))
        held = reader.holdings(LEAVES, files=LEAVES)
        reader.close()
    except NeedsRecoveryError:
        recover(str(folder))
    else:
        # What is recorded is there, whatever moment it was.
        assert not any(None in holding.sizes.values() for holding in held.values())
    do(folder, bundle)
    assert_whole(folder, bundle)
    assert not (folder / INCOMING).exists()
    assert do(folder, bundle) == ImportCount(0, 0, 0)


def count_moments(folder: Path, bundle: BundleFolder) -> int:
    """Return how many moments an import has in which it can be killed."""
    counted = import_until(folder, bundle, 0)
    assert counted
    return counted


@pytest.fixture
def template(tmp_path: Path) -> Path:
    world.make_repo(tmp_path / "template").close()
    return tmp_path / "template"


@pytest.mark.slow
def test_an_import_that_is_killed_can_be_done_again(
    tmp_path: Path, template: Path, bundle: BundleFolder
) -> None:
    moments = count_moments(world.clone(template, tmp_path / "counted"), bundle)
    sample = sorted({1, moments, moments - 1, *random.Random(5).sample(range(2, moments), 9)})
    for moment in sample:
        kill_and_complete(world.clone(template, tmp_path / str(moment)), bundle, moment)


@pytest.mark.slow
def test_an_import_that_is_killed_at_any_moment_can_be_done_again(
    tmp_path: Path, template: Path, bundle: BundleFolder
) -> None:
    for moment in range(1, count_moments(world.clone(template, tmp_path / "counted"), bundle) + 1):
        kill_and_complete(world.clone(template, tmp_path / str(moment)), bundle, moment)


@pytest.mark.slow
def test_an_import_into_postgresql_that_is_killed_can_be_done_again(
    tmp_path: Path, bundle: BundleFolder, postgres: Postgres
) -> None:
    def make(name: str) -> Path:
        world.make_repo(tmp_path / name, db=postgres.url, namespace=postgres.namespace()).close()
        return tmp_path / name

    moments = count_moments(make("counted"), bundle)
    for moment in (moments // 2, moments * 3 // 4, moments - 1):
        kill_and_complete(make(str(moment)), bundle, moment)


# At once


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do things in processes of their own that begin together.

    Returns
    -------
    list
        What each gave; the name of the class of an error of ours.
    """
    ready = FORK.Barrier(len(acts))

    def child(act: Callable[[], Any], telling: Any) -> None:
        ready.wait(30)
        try:
            telling.send(act())
        except CalibstateError as error:
            telling.send(type(error).__name__)

    pipes = [FORK.Pipe(duplex=False) for _ in acts]
    processes = [
        FORK.Process(target=child, args=(act, telling)) for act, (_, telling) in zip(acts, pipes, strict=True)
    ]
    for process, (_, telling) in zip(processes, pipes, strict=True):
        process.start()
        # The child has its own end; one that dies ends the pipe.
        telling.close()
    answers = [_received(answer) for answer, _ in pipes]
    for process in processes:
        process.join()
    return answers


def _received(answer: Any) -> Any:
    try:
        return answer.recv() if answer.poll(60) else "no answer"
    except EOFError:
        return "died"


def test_two_imports_at_once_lose_nothing(folder: Path, bundle: BundleFolder) -> None:
    # The lock of the place keeps them apart; this is what happens without.
    answers = at_once([lambda: do(folder, bundle)] * 2)
    assert not {"no answer", "died"} & set(answers)
    do(folder, bundle)
    assert_whole(folder, bundle)
    certified = Butler.from_config(str(folder)).registry.queryDatasetAssociations("bias", collections=[BIAS])
    assert len(list(certified)) == 4


@pytest.fixture
def children(folder: Path) -> Iterator[list[str]]:
    butler = Butler.from_config(str(folder), writeable=True)
    names = [f"child{n}" for n in range(12)]
    for name in names:
        butler.collections.register(name)
    yield names
    butler.close()


def set_chain(folder: Path, name: str, chain: Sequence[str], expected: Sequence[str] | None) -> str:
    butler = open_writer(str(folder), FORMATTERS)
    try:
        butler.set_chain(name, chain, expected=expected)
    finally:
        butler.close()
    return "done"


def test_of_two_that_make_one_chain_one_wins(folder: Path, children: list[str]) -> None:
    for n in range(4):
        chains = (["child0"], ["child1", "child2"])
        answers = at_once([partial(set_chain, folder, f"chain{n}", chain, None) for chain in chains])
        assert sorted(answers) == ["PlanIsStaleError", "done"]
        chain = open_reader(str(folder)).collections([f"chain{n}"])[f"chain{n}"].children
        assert chain == (("child0",) if answers[0] == "done" else ("child1", "child2"))


def test_of_two_that_write_on_one_ground_one_wins(folder: Path, children: list[str]) -> None:
    set_chain(folder, "chain", ["child0"], None)
    answers = at_once(
        [
            lambda: set_chain(folder, "chain", ["child1", "child0"], ["child0"]),
            lambda: set_chain(folder, "chain", ["child2", "child0"], ["child0"]),
        ]
    )
    assert sorted(answers) == ["PlanIsStaleError", "done"]


def test_no_entry_is_lost_whoever_else_writes(folder: Path, children: list[str]) -> None:
    set_chain(folder, "chain", [], None)

    def add(name: str) -> str:
        butler = open_writer(str(folder), FORMATTERS)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            have = butler.collections(["chain"])["chain"].children
            try:
                butler.set_chain("chain", [name, *have], expected=have)
            except PlanIsStaleError:
                continue
            return "done"
        return "starved"

    def by_hand(name: str) -> str:
        Butler.from_config(str(folder), writeable=True).collections.prepend_chain("chain", name)
        return "done"

    acts = [lambda n=name: by_hand(n) if n in children[:4] else add(n) for name in children]
    assert set(at_once(acts)) == {"done"}
    assert sorted(open_reader(str(folder)).collections(["chain"])["chain"].children) == sorted(children)
