"""Spoilt files, from the command line: told, with the right code, no harm.

A sample of what ``tests/store/fuzz_test.py`` gives to the readers, and what a
terminal must not obey; ``bad_input_test.py`` has the mistakes of people.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.store.fuzz_test import MANY
from tests.store.spoiling import HOSTILE, spoilt
from tests.tree import Ran

SOME = settings(max_examples=MANY // 20, suppress_health_check=[HealthCheck.function_scoped_fixture])

CLEAR_SCREEN = "\x1b[2J\x1b]0;owned\x07\x9b2J"


def assert_told(ran: Ran) -> None:
    said = ran.out + ran.err
    for never in ("Traceback", "Unexpected error", "\x1b", "\x07", "\x9b"):
        assert never not in said, said


@pytest.fixture
def planned(sites: Sites) -> Path:
    file = sites.tree.folder / "plan.json"
    assert sites.run("plan", "-o", str(file)).code == 2
    return file


def test_a_spoilt_plan_file_is_never_applied(sites: Sites, planned: Path) -> None:
    right = planned.read_bytes()
    places = sites.snapshot("repo")

    def refuse(data: bytes) -> None:
        planned.write_bytes(data)
        ran = sites.apply(str(planned))
        assert_told(ran)
        if sites.snapshot("repo") != places:
            # What is not covered by the digest may say something else.
            assert _steps(data) == _steps(right)
            pytest.fail("applied, so that the test cannot go on")
        assert ran.code in {1, 3, 64}, ran
        assert sites.run("show", str(planned)).code in {0, 1, 3, 64}

    for data in HOSTILE.values():
        refuse(data)

    @SOME
    @given(spoilt([right]))
    def check(data: bytes) -> None:
        if _steps(data) != _steps(right):
            refuse(data)

    check()
    assert sites.snapshot("repo") == places


def _steps(data: bytes) -> object:
    try:
        return json.loads(data)["steps"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


@pytest.mark.parametrize("part", ["manifest.json", "export.yaml"])
@pytest.mark.matrix(1)
def test_a_spoilt_bundle_is_never_imported(sites: Sites, part: str) -> None:
    """It is told, its ticket stays away, and the others are done."""
    assert sites.apply("--repository", EMBARGO, "--repository", ORIGIN).code == 0
    file = sites.bundle("DM-1") / part
    right = file.read_bytes()
    climbing = re.sub(rb"LSSTComCam/calib/DM-1/[^ '\"]*[.]fits", b"../../../climbed.fits", right)
    assert climbing != right

    for data in (climbing, HOSTILE["a closed JSON nest"]):
        file.write_bytes(data)
        ran = sites.apply()
        assert_told(ran)
        assert ran.code in {1, 3}, ran
        assert part in ran.out + ran.err
        assert not sites.has(SUMMIT, f"{TOP}/DM-1")
        assert not sites.has(SUMMIT, f"{TOP}/DM-1/bias.20240101a")
        assert not [path for path in sites.files(SUMMIT) if "DM-1" in path]
        assert not list(sites.tree.folder.rglob("climbed*"))

    file.write_bytes(right)
    assert sites.apply().code == 0
    assert sites.certifications(SUMMIT) == sites.certifications(ORIGIN)


def test_a_bundle_that_climbs_in_all_its_texts_is_never_imported(sites: Sites) -> None:
    """As somebody would make it who can write to the archive."""
    assert sites.apply("--repository", EMBARGO, "--repository", ORIGIN).code == 0
    bundle, file = sites.bundle("DM-1"), sites.bundled_files("DM-1")[0]
    path = str(file.relative_to(bundle))
    honest = sha256((bundle / "export.yaml").read_bytes()).hexdigest()
    for part in ("manifest.json", "export.yaml"):
        said = (bundle / part).read_text()
        assert path in said
        (bundle / part).write_text(said.replace(path, "../../../../climbed.fits"))
    feigned = sha256((bundle / "export.yaml").read_bytes()).hexdigest()
    manifest = bundle / "manifest.json"
    manifest.write_text(manifest.read_text().replace(honest, feigned))
    climbed = (bundle / "../../../../climbed.fits").resolve()
    climbed.write_bytes(file.read_bytes())
    before = sites.snapshot("repo/summit-LSSTComCam/LSSTComCam")

    ran = sites.apply()

    assert_told(ran)
    assert ran.code in {1, 3}, ran
    assert "it would climb out of the bundle" in " ".join((ran.out + ran.err).split())
    assert not sites.has(SUMMIT, f"{TOP}/DM-1")
    after = sites.snapshot("repo/summit-LSSTComCam/LSSTComCam")
    assert after.items() >= before.items()
    assert [found for found in sites.tree.folder.rglob("climbed*")] == [climbed]


def test_a_spoilt_observation_is_refused_with_its_name(sites: Sites) -> None:
    file = sites.tree.folder / "seen.json"
    assert sites.run("observe", "--repository", SUMMIT, "-o", str(file)).code == 0
    right, before = file.read_bytes(), sites.snapshot("repo", "state")

    def refuse(data: bytes) -> None:
        file.write_bytes(data)
        ran = sites.run("plan", "--observed", str(file))
        assert_told(ran)
        assert ran.code in {1, 64}, ran
        assert "seen.json" in ran.err

    for data in [*list(HOSTILE.values())[::4], right[: len(right) // 2], right.replace(b'"1.0"', b'"2.0"')]:
        refuse(data)
    assert sites.snapshot("repo", "state") == before


def test_a_spoilt_journal_is_told_as_far_as_it_goes(deployed: Sites) -> None:
    (file,) = (deployed.tree.folder / "records" / "journal").glob("*.jsonl")
    right = file.read_bytes()

    def tell(data: bytes) -> None:
        file.write_bytes(data)
        for arguments in ((), (file.stem,), ("--format", "json"), ("--format", "markdown")):
            ran = deployed.run("log", *arguments)
            assert_told(ran)
            assert ran.code == 0, ran

    for data in HOSTILE.values():
        tell(data)

    @SOME
    @given(spoilt([right]))
    def check(data: bytes) -> None:
        tell(data)

    check()


def test_a_terminal_obeys_nothing_that_a_journal_says(deployed: Sites) -> None:
    (file,) = (deployed.tree.folder / "records" / "journal").glob("*.jsonl")
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    lines[0]["began"]["who"] = lines[-1]["text"] = CLEAR_SCREEN
    for line in lines:
        if "outcome" in line:
            line["outcome"]["detail"] = CLEAR_SCREEN
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for arguments in ((), (file.stem,), ("--format", "markdown")):
        ran = deployed.run("log", *arguments)
        assert_told(ran)
        assert "[2J" in ran.out


@pytest.mark.parametrize("command", ["apply", "show"])
def test_a_huge_plan_file_is_not_read_to_its_end(sites: Sites, command: str) -> None:
    file = sites.tree.folder / "plan.json"
    with file.open("wb") as stream:
        stream.truncate(2**42)  # takes no room on the disk, and would take 4 TiB of memory
    ran = sites.run(command, str(file), *(["--yes"] if command == "apply" else []))
    assert_told(ran)
    assert ran.code == 64
    assert "too large" in ran.err


def test_a_terminal_obeys_nothing_that_a_plan_file_says(sites: Sites, planned: Path) -> None:
    planned.write_text(planned.read_text().replace('"do": "prepend-to-chain"', '"do": "\\u001b[2J"'))
    ran = sites.apply(str(planned))
    assert_told(ran)
    assert ran.code == 1


def test_a_damaged_lock_lets_nobody_in(sites: Sites) -> None:
    lock = sites.tree.folder / "records" / "locks" / f"{SUMMIT.replace('/', '__')}.json"
    lock.parent.mkdir(parents=True)
    before = sites.snapshot("repo")
    for data in list(HOSTILE.values())[::6]:
        lock.write_bytes(data)
        ran = sites.apply()
        assert_told(ran)
        assert ran.code == 3, ran
        assert "Lock cannot be read" in ran.err + ran.out
        assert lock.read_bytes() == data
    assert sites.snapshot("repo") == before
