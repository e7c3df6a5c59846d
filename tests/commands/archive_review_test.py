"""Files of the archive are looked at, and restored while others have them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from calibstate.reviewing.archive import RateLimit, Share
from calibstate.store.schemas import schemas
from tests.commands.sites import EMBARGO, ORIGIN, Sites


def flip(path: Path) -> bytes:
    """Change one bit of a file, and return all that it holds then."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    return bytes(data)


def looked_at(sites: Sites, *options: str) -> Any:
    """Return the review of the archive as JSON."""
    ran = sites.run("verify", "--archive", "--format", "json", *options)
    assert ran.code == (0 if ran.json["passed"] else 1), ran.err
    return ran.json


def findings(review: Any) -> list[tuple[str, str]]:
    return [(f["what"], f["path"]) for bundle in review["bundles"] for f in bundle["findings"]]


def kept_aside(sites: Sites) -> list[bytes]:
    folder = sites.tree.folder / "archive" / ".damaged"
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def test_an_archive_as_it_was_exported_passes_and_nothing_is_written(deployed: Sites) -> None:
    before = deployed.snapshot()
    review = looked_at(deployed, "--bytes", "--rate", "5GB/s")

    jsonschema.validate(review, schemas()["archive-review.json"])
    files = len(deployed.bundled_files("DM-1")) + len(deployed.bundled_files("DM-2"))
    assert sum(bundle["files"] for bundle in review["bundles"]) == files + 2, "and two exports"
    assert deployed.snapshot() == before
    assert deployed.run("drift", "--archive-bytes").code == 0


def test_a_file_that_is_gone_and_one_that_was_cut_are_found_by_size_and_restored(deployed: Sites) -> None:
    gone, cut = deployed.bundled_files("DM-1")[:2]
    before = {path: path.read_bytes() for path in (gone, cut)}
    gone.unlink()
    cut.write_bytes(b"")
    bundle = deployed.bundle("DM-1")
    manifest = (bundle / "manifest.json").read_bytes()

    review = looked_at(deployed)
    assert findings(review) == [
        ("lost", str(gone.relative_to(bundle))),
        ("altered", str(cut.relative_to(bundle))),
    ]
    drift = deployed.run("drift", "--files", "--format", "json")
    assert drift.code == 2
    assert [d["what"] for d in drift.json["drift"]] == ["missing", "changed"]
    assert deployed.run("drift").code == 0, "files are not looked at"

    assert deployed.apply("--files").code == 0

    assert {path: path.read_bytes() for path in (gone, cut)} == before
    assert kept_aside(deployed) == [b""]
    assert (bundle / "manifest.json").read_bytes() == manifest
    assert deployed.run("plan", "--files").code == 0
    assert looked_at(deployed, "--bytes")["passed"]
    assert not deployed.leftovers()


def test_a_flipped_bit_is_found_by_checksum_told_how_to_mend_and_mended(deployed: Sites) -> None:
    rotten = deployed.bundled_files("DM-2")[3]
    good = rotten.read_bytes()
    bad = flip(rotten)

    assert looked_at(deployed)["passed"], "it has its size"
    ran = deployed.run("verify", "--archive", "--bytes")
    assert ran.code == 1
    assert "To restore the files: calibstate apply --archive-bytes --ticket LSSTComCam/DM-2" in ran.out

    applied = deployed.apply("--archive-bytes", "--ticket", "LSSTComCam/DM-2")

    assert applied.code == 0, applied.out
    assert rotten.read_bytes() == good
    assert kept_aside(deployed) == [bad]
    assert looked_at(deployed, "--bytes")["passed"]


def test_without_the_origin_another_site_gives_the_bytes(deployed: Sites) -> None:
    rotten = deployed.bundled_files("DM-2")[0]
    good = rotten.read_bytes()
    rotten.unlink()
    for path in deployed.path(ORIGIN).rglob(f"DM-2/**/{rotten.name}"):
        flip(path)

    assert deployed.apply("--files", "--site", "usdf", "--ticket", "DM-2").code == 0

    assert rotten.read_bytes() == good


def test_where_nobody_has_the_bytes_it_is_refused_and_all_stays(deployed: Sites) -> None:
    rotten = deployed.bundled_files("DM-2")[0]
    bad = flip(rotten)
    for path in deployed.tree.folder.rglob(f"DM-2/**/{rotten.name}"):
        if path != rotten:
            flip(path)
    before = deployed.snapshot("archive")

    ran = deployed.apply("--archive-bytes", "--ticket", "DM-2")

    assert ran.code == 3
    assert "Nobody has the bytes" in ran.out + ran.err
    assert deployed.snapshot("archive") == before
    assert rotten.read_bytes() == bad


def test_a_file_that_came_back_since_the_plan_is_not_touched(deployed: Sites, tmp_path: Path) -> None:
    gone = deployed.bundled_files("DM-1")[0]
    gone.unlink()
    plan = tmp_path / "plan.json"
    assert deployed.run("plan", "--files", "-o", str(plan)).code == 2
    gone.write_bytes(b"somebody's")

    ran = deployed.apply(str(plan))

    assert ran.code == 3
    assert "expected that the file is gone; found that the file has 10 bytes" in ran.out + ran.err
    assert gone.read_bytes() == b"somebody's"


def test_a_damaged_export_is_told_by_the_look_at_files(deployed: Sites) -> None:
    (deployed.bundle("DM-1") / "export.yaml").unlink()

    assert findings(looked_at(deployed)) == [("unreadable", "export.yaml")]
    assert deployed.run("drift", "--files").code == 2


def test_a_copy_is_made_from_a_bundle_only_after_it_is_whole_again(deployed: Sites) -> None:
    deployed.bundled_files("DM-2")[0].unlink()
    shutil.rmtree(deployed.path(EMBARGO))
    shutil.copytree(deployed.path("summit/LSSTComCam"), deployed.path(EMBARGO))
    for path in deployed.path(EMBARGO).rglob("DM-2/**/*.fits"):
        path.unlink()

    assert deployed.apply("--files").code == 0

    assert deployed.files(EMBARGO) == deployed.files("summit/LSSTComCam")


def test_all_shares_together_are_everything_and_none_is_looked_at_twice(deployed: Sites) -> None:
    everything = sum(bundle["files"] for bundle in looked_at(deployed)["bundles"])
    counts = []
    for number in (1, 2, 3):
        review = looked_at(deployed, "--share", f"{number}/3")
        assert review["share"] == f"{number}/3"
        counts.append(sum(bundle["files"] for bundle in review["bundles"]))

    assert sum(counts) == everything
    assert all(counts)


def test_each_file_is_in_one_share_for_every_number_of_shares() -> None:
    keys = [f"LSSTCam/DM-{ticket}/0f/bias_{n}.fits" for ticket in range(20) for n in range(50)]
    for of in (1, 2, 7, 30):
        shares = [Share(number, of) for number in range(1, of + 1)]
        assert all(sum(share.has(key) for share in shares) == 1 for key in keys)


def test_readers_wait_for_as_long_as_their_bytes_take() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    limit = RateLimit(1000, clock=lambda: now[0], sleep=sleep)
    for count in (500, 500, 2000):
        limit(count)
    assert slept == [0.5, 0.5, 2.0]
    now[0] += 60
    limit(1000)
    assert slept[-1] == 1.0, "a pause is not saved up"


@pytest.mark.parametrize(
    "options",
    [
        ["--share", "0/7"],
        ["--share", "8/7"],
        ["--share", "x"],
        ["--rate", "fast"],
        ["--rate", "0MB/s"],
        ["--publish"],
        ["--pipeline", "isr.yaml"],
    ],
)
def test_what_the_archive_cannot_be_asked_is_a_usage_error(deployed: Sites, options: list[str]) -> None:
    assert deployed.run("verify", "--archive", *options).code == 64


def test_an_archive_that_is_away_is_unreachable_and_not_damaged(deployed: Sites) -> None:
    shutil.rmtree(deployed.tree.folder / "archive")
    (deployed.tree.folder / "archive").write_text("no folder")

    review = looked_at(deployed)

    assert review["unreachable"]
    assert findings(review) == []
