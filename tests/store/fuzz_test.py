"""Whatever a file holds: it is read, or refused in our words.

Right files are spoilt and given to each of our readers.  No reader may raise
anything but a `CalibstateError` that says something, take a second of the
processor, write a file, or keep what cannot be shown or written afterwards.

What the commands make of such files, and that no place is touched, is in
``tests/commands/bad_input_test.py`` and ``tests/commands/fuzz_test.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calibstate.adapters.archive import Archive
from calibstate.adapters.journals import past_run, past_runs
from calibstate.adapters.locks import open_locks
from calibstate.adapters.processes import this_process
from calibstate.adapters.recorded import RecordedButler
from calibstate.checks.judge import judge
from calibstate.errors import CalibstateError, LockedError, without_secrets
from calibstate.kinds.registry import ACTIONS
from calibstate.model.bundles import BundleFile
from calibstate.model.fingerprints import digest_of_lines
from calibstate.model.locks import Lock
from calibstate.model.outcomes import Began, JournalLine, Outcome, Result
from calibstate.model.plans import Basis, Plan, Step
from calibstate.model.results.runs import RunsListed
from calibstate.store import bundle, observationfile, planfile
from calibstate.store.documents.base import plain
from calibstate.store.documents.log import log_document
from calibstate.store.documents.validation import validation
from calibstate.store.layout import lay_out_tree
from calibstate.store.mending import mend
from calibstate.store.statefile import load
from calibstate.views import log as log_views
from calibstate.views import markdown, text
from calibstate.views.messages import diagnostic
from tests.exports import CALIBRATION, RUN, TICKET, make_sample
from tests.kinds.samples import SAMPLES
from tests.sealing import certified, seal, since
from tests.store.observationfile_test import observation
from tests.store.spoiling import HOSTILE, spoilt
from tests.tree import Tree
from tests.written import written

MOST = 1.0
"""Seconds of the processor that any file may take."""

MANY = 20_000 if os.environ.get("CALIBSTATE_TEST_ALL") == "1" else 200
"""Spoilt files that each reader is given."""

thorough = settings(
    max_examples=int(os.environ.get("CALIBSTATE_TEST_FUZZ", MANY)),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def hostile(test: Any) -> Any:
    """Try all files that were never right, too."""
    for data in HOSTILE.values():
        test = example(data)(test)
    return test


@contextmanager
def read_or_refused() -> Iterator[None]:
    began = time.process_time()
    try:
        yield
    except CalibstateError as error:
        assert error.diagnostics
        for told in error.diagnostics:
            assert told.summary
            assert told.detail
            # It can be shown.
            str(diagnostic(told)).encode()
    finally:
        took = time.process_time() - began
    assert took < MOST


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder beside which nothing may appear."""
    outside = tmp_path_factory.mktemp("fuzz")
    inside = outside / "a" / "b" / "c"
    inside.mkdir(parents=True)
    (outside / "x").write_text("not to be touched")
    before = os.getcwd(), sorted(os.listdir())
    yield inside
    assert (os.getcwd(), sorted(os.listdir())) == before
    assert [path.name for path in outside.iterdir()] in (["a", "x"], ["x", "a"])
    assert (outside / "x").read_text() == "not to be touched"
    assert [path.name for path in (outside / "a").iterdir()] == ["b"]


def content(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


# --- the state tree ---


@pytest.fixture(scope="module")
def root(folder: Path) -> Path:
    """Return a tree with a file of each sort, a seal among them."""
    root = written(folder / "state")
    tree = Tree(folder, instrument="LATISS")
    flats = certified("flat", since("2024-01-01", "2025-01-01"), range(3), ["g_01", "r_03"])
    seal(tree, "DM-4", {"bias.1": [certified("bias", since("2024-01-01"))], "flat.1": [flats]})
    load(root)
    return root


def test_a_state_tree_with_a_spoilt_file_is_read_or_refused(root: Path) -> None:
    files = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.yaml"))}
    assert len({Path(file).parts[0] for file in files}) == 5

    right, _ = load(root)

    def read(file: str, data: bytes) -> None:
        (root / file).write_bytes(data)
        try:
            with read_or_refused():
                desired, told = load(root)
                json.dumps(plain(validation(told)), ensure_ascii=False).encode()
                assert desired.digest
                judged = judge(desired, right, date(2025, 3, 1))
                json.dumps(plain(validation(judged)), ensure_ascii=False).encode()
            # What cannot be read is told in here, and never written.
            lay_out_tree(root)
            mend(root)
        finally:
            (root / file).write_bytes(files[file])

    @thorough
    @given(st.sampled_from(sorted(files)).flatmap(lambda f: st.tuples(st.just(f), spoilt([files[f]]))))
    def check(file_and_data: tuple[str, bytes]) -> None:
        read(*file_and_data)

    before = content(root)
    check()
    for number, data in enumerate(HOSTILE.values()):
        read(sorted(files)[number % len(files)], data)
    assert content(root) == before


# --- plans ---


def _plan() -> Plan:
    basis = Basis(commit="0" * 40, declared="sha256:d", observed="sha256:o", version="0.1.0")
    return Plan(basis, tuple(Step(str(n), action, ("1",)) for n, action in enumerate(SAMPLES, 1)))


@thorough
@hostile
@given(spoilt([planfile.dumps(_plan()).encode()]))
def test_a_plan_file_is_read_or_refused(data: bytes) -> None:
    try:
        said = data.decode()
    except UnicodeDecodeError:
        return  # which is told where the file is opened
    with read_or_refused():
        made = planfile.loads(said, ACTIONS)
        planfile.dumps(made).encode()
        "".join(str(line) for line in text.plan(made)).encode()
        "".join(markdown.plan(made)).encode()


@thorough
@given(spoilt([planfile.dumps(_plan()).encode()]))
def test_a_plan_file_whose_digest_is_made_to_fit_is_read_or_refused(data: bytes) -> None:
    """As by somebody who wants it to be applied."""
    try:
        said = json.loads(data)
        covered = {k: said[k] for k in ("format_version", "steps")} | {"declared": said["basis"]["declared"]}
        lines = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        said["digest"] = digest_of_lines([lines])
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    test_a_plan_file_is_read_or_refused.hypothesis.inner_test(json.dumps(said).encode())


# --- bundles ---


@pytest.fixture(scope="module")
def archived(folder: Path) -> Path:
    """Return the folder of a bundle, in an archive."""
    archive = folder / "archive"
    sample = make_sample(folder / "made")
    made = Archive(str(archive)).add_bundle(
        TICKET, sample.collections, sample.fingerprint, sample.export, exported_from="usdf/main"
    )
    return archive / made.folder


@pytest.mark.parametrize("name", [bundle.MANIFEST, bundle.EXPORT])
def test_a_bundle_with_a_spoilt_text_is_read_or_refused(folder: Path, archived: Path, name: str) -> None:
    right = (archived / name).read_bytes()
    archive = Archive(str(folder / "archive"))

    @thorough
    @hostile
    @given(spoilt([right]))
    def check(data: bytes) -> None:
        (archived / name).write_bytes(data)
        with read_or_refused():
            for manifest in archive.bundles([TICKET])[TICKET]:
                for file in manifest.files:
                    assert (archived / file.path).resolve().is_relative_to(archived.resolve())
                contents = archive.contents(manifest)
                assert {d.path for d in contents.datasets} == {f.path for f in manifest.files}

    before = content(folder / "archive")
    try:
        check()
    finally:
        (archived / name).write_bytes(right)
    assert content(folder / "archive") == before


def _export() -> str:
    """Return an export with a word of all that the butler writes."""
    more = (
        "- type: dimension\n  element: visit\n  records:\n"
        "  - {id: 1, timespan: !lsst.daf.butler.Timespan {begin: null, end: null}, "
        "region: !lsst.sphgeom.ConvexPolygon {encoded: 70}}\n"
        "- {type: associations, collection: t, collection_type: TAGGED, dataset_ids: []}\n"
    )
    with tempfile.TemporaryDirectory() as made:
        return make_sample(Path(made)).export.text + more


@thorough
@hostile
@given(spoilt([_export().encode()]))
def test_an_export_is_read_or_refused_by_all_that_read_it(data: bytes) -> None:
    said = data.decode(errors="replace")
    with read_or_refused():
        contents = bundle.read_contents(said)
        held = [name for name in (CALIBRATION, RUN) if name in contents.collections]
        files = [
            BundleFile(path=d.path, size=1, sha256="0" * 64, adler32="0" * 8, datasets=(d.uuid,))
            for d in contents.datasets
        ]
        bundle.dump_manifest(
            bundle.manifest_from(TICKET, held, contents, files, made_at="x", exported_from="y", text=said)
        ).encode()
    with read_or_refused():
        bundle.with_paths(said, {path: f"moved/{path}" for path in bundle.paths(said)}).encode()


# --- observations ---


@thorough
@hostile
@given(
    spoilt(
        [
            observationfile.dumps([observation()]),
            observationfile.dumps([observation(), observation(address="bts/main")]),
        ]
    )
)
def test_an_observation_is_read_or_refused(data: bytes) -> None:
    with read_or_refused():
        for told in observationfile.loads(data, "f"):
            butler = RecordedButler(told)
            butler.collections(told.collections)
            for held in butler.holdings(told.holdings, files=told.holdings).values():
                assert held.fingerprint
            assert told.moment.tzinfo
        observationfile.dumps(observationfile.loads(data, "f"))


# --- records ---


def _journal() -> bytes:
    began = Began(who="a", process=this_process(), version="0.1.0", commit="0" * 40)
    outcome = Outcome(
        step="1", do="prepend-to-chain", target="summit/LSSTCam:chain:LSSTCam/calib", result=Result.DONE
    )
    lines = [
        JournalLine(at="2026-11-22T18:00:00Z", event="run", text="apply", began=began),
        JournalLine(at="2026-11-22T18:00:00Z", event="plan", text="plan sha256:0"),
        JournalLine(at="2026-11-22T18:00:01Z", event="outcome", text="begun", outcome=outcome),
        JournalLine(at="2026-11-22T18:00:02Z", event="end", text="done"),
    ]
    return b"".join(line.model_dump_json(exclude_none=True).encode() + b"\n" for line in lines)


def test_a_journal_is_told_as_far_as_it_can_be_read(folder: Path) -> None:
    records = folder / "records"
    file = records / "journal" / "20261122T180000Z-0a1b2c3d.jsonl"
    file.parent.mkdir(parents=True)

    @thorough
    @hostile
    @given(spoilt([_journal()]))
    def check(data: bytes) -> None:
        file.write_bytes(data)
        with read_or_refused():
            runs = list(past_runs(str(records)))
            assert runs == [past_run(str(records), file.stem)]
            for view in (
                log_views.as_text(runs),
                log_views.as_markdown(runs),
                log_views.run_as_text(runs[0]),
            ):
                "".join(str(line) for line in view).encode()
            json.dumps(plain(log_document(RunsListed(tuple(runs)))), ensure_ascii=False).encode()

    check()
    assert content(records) == {f"journal/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()}


def _lock(**process: Any) -> bytes:
    holder = this_process().model_copy(update={"host": "elsewhere", "machine": "another", **process})
    lock = Lock(
        id="0a1b", place="summit/LSSTCam", who="a", process=holder,
        since="2026-11-22T18:00:00Z", beat="2026-11-22T18:00:00Z", why="apply",
    )  # fmt: skip
    return lock.model_dump_json().encode() + b"\n"


def test_a_lock_is_held_by_somebody_whatever_it_says(folder: Path) -> None:
    """A lock that cannot be understood is never taken over."""
    records = folder / "locked"
    file = records / "locks" / "summit__LSSTCam.json"
    file.parent.mkdir(parents=True)
    locks = open_locks(str(records))

    @thorough
    @hostile
    @given(spoilt([_lock()]))
    def check(data: bytes) -> None:
        file.write_bytes(data)
        with (
            read_or_refused(),
            pytest.raises(LockedError) as refused,
            locks.hold("summit/LSSTCam", why="test"),
        ):
            pass
        assert file.read_bytes() == data
        str(refused.value).encode()
        with read_or_refused():
            assert not locks.is_abandoned("summit/LSSTCam")
        with read_or_refused(), pytest.raises(LockedError):
            locks.unlock("summit/LSSTCam", "another", lambda _: None)
        assert file.read_bytes() == data

    check()
    shutil.rmtree(records)


# --- what is told of all that ---


@pytest.mark.parametrize("piece", ["9", "password", "token-", "//:", "https://"])
def test_secrets_are_looked_for_in_a_long_word_in_no_time(piece: str) -> None:
    """Any file may hold such a word, and the message quotes it."""
    word = piece * (100_000 // len(piece))
    began = time.process_time()
    without_secrets(f"`{word}` is no site.")
    assert time.process_time() - began < MOST
