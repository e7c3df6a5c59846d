"""Mistakes in files that declare sources, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibstate.errors import Diagnostic, InvalidStateError
from calibstate.kinds.table import own_folders
from calibstate.store import statefile
from tests.tree import Tree

GOOD = """\
instrument: LSSTComCam
at: usdf/main
photodiode:
  from: s3://lfa@annex/Electrometer:103/fits/
  since: 2025-06-07
  into: LSSTComCam/calib/photodiode
shutter_motion:
  from: [s3://annex/shutter/, ../../shutter]
  since: 2025-06-07
  into: LSSTComCam/calib/shutterMotion
  delay: 3d
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.settings()
    made.site("usdf", {"main": "origin", "embargo": "copy"})
    made.site("bts", {})
    made.ticket("DM-1", "bias.20240101a")
    made.chain(["DM-1"])
    return made


def mistakes(tree: Tree, text: str, *others: tuple[str, str]) -> tuple[Diagnostic, ...]:
    folder = tree.state / "sources"
    folder.mkdir(exist_ok=True)
    for name, content in (("LSSTComCam", text), *others):
        (folder / f"{name}.yaml").write_text(content)
    try:
        statefile.load(tree.state, own=own_folders())
    except InvalidStateError as error:
        return error.diagnostics
    return ()


def test_a_good_file_has_none(tree: Tree) -> None:
    assert mistakes(tree, GOOD) == ()


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("at: usdf/main", "at: usdf/mian", 2, "is neither a site nor a repository"),
        ("at: usdf/main", "at: [usdf, summit]", 2, "`summit` is neither"),
        ("at: usdf/main", "at: bts", 2, "bts has no LSSTComCam, so nothing would be ingested there"),
        ("since: 2025-06-07", "since: 2025-06-31", 5, "`2025-06-31` is no day"),
        ("since: 2025-06-07", "since: 20250607", 5, "must be text"),
        ("delay: 3d", "delay: 3 days", 11, "`3 days` is no duration; write 90m, 14h or 3d"),
        ("s3://lfa@annex/", "https://annex/", 4, "is neither a folder nor an s3:// URI"),
        ("../../shutter", "s3://annex/shutter/", 8, "lists a store twice"),
        ("calib/shutterMotion", "calib/photodiode", 6, "but also that of `shutter_motion`"),
        ("calib/photodiode", "calib/DM-1", 6, "a collection of the ticket LSSTComCam/DM-1"),
        ("into: LSSTComCam/calib/photodiode", "into: LSSTComCam/calib", 6, "the chain of chains/"),
        ("into: LSSTComCam/calib/photodiode", "into: LSSTComCam//x", 6, "empty segment"),
        ("delay: 3d", "ignore: {a.fits: ''}", 11, "must not be empty"),
        ("photodiode:", "photodiodes:", 3, "Did you mean `photodiode`"),
    ],
)
def test_a_mistake_is_told_with_its_line(tree: Tree, before: str, after: str, line: int, says: str) -> None:
    assert before in GOOD

    found = mistakes(tree, GOOD.replace(before, after, 1))

    told = [(one.where.file, one.where.line, str(one)) for one in found if one.where]
    assert any(
        file == "sources/LSSTComCam.yaml" and at == line and says in words for file, at, words in told
    ), told


def test_a_word_that_is_near_is_meant(tree: Tree) -> None:
    (mistake,) = mistakes(tree, GOOD.replace("usdf/main", "usdf/mian"))
    assert mistake.hint == "Did you mean `usdf/main`?"


def test_an_instrument_that_nobody_has_is_told_once(tree: Tree) -> None:
    other = GOOD.replace("LSSTComCam", "LATISS")
    (mistake,) = mistakes(tree, GOOD, ("LATISS", other))
    assert mistake.summary == "Unknown instrument"
    assert mistake.where
    assert mistake.where.line == 1


def test_what_is_of_no_instrument_has_no_exposures(tree: Tree) -> None:
    tree.site("usdf", {"main": "origin", "embargo": "copy"}, instruments=["LSSTComCam", "any"])
    other = GOOD.replace("instrument: LSSTComCam", "instrument: any").replace("calib/", "any/")
    (mistake,) = mistakes(tree, GOOD, ("any", other))
    assert mistake.summary == "Source of no instrument"
    assert mistake.where
    assert (mistake.where.file, mistake.where.line) == ("sources/any.yaml", 1)


def test_a_file_that_declares_nothing_is_told(tree: Tree) -> None:
    (mistake,) = mistakes(tree, "".join(GOOD.splitlines(keepends=True)[:2]))
    assert mistake.summary == "Source of nothing"


def test_two_files_may_not_share_a_run(tree: Tree) -> None:
    both = Tree(tree.folder, instrument="LATISS")
    both.site("auxtel", {"main": "origin"})
    other = GOOD.replace("LSSTComCam\n", "LATISS\n", 1).replace("usdf/main", "auxtel")

    found = mistakes(tree, GOOD, ("LATISS", other))

    assert {mistake.where.file for mistake in found if mistake.where} == {
        "sources/LATISS.yaml",
        "sources/LSSTComCam.yaml",
    }
    assert {mistake.summary for mistake in found} == {"One collection, two meanings"}
