"""Mistakes in files of daily verification, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibstate.errors import Diagnostic, InvalidStateError
from calibstate.kinds.table import forms, own_folders
from calibstate.model.daily import Daily
from calibstate.model.desired import DesiredState
from calibstate.store import statefile
from calibstate.store.layout import lay_out_tree
from tests.tree import Tree

GOOD = """\
instrument: LSSTComCam
at: usdf/main
chain: LSSTComCam/calib
raws: LSSTComCam/raw/all
since: 2024-12-01
verify:
  bias: verifyBias
  flat: ${CP_VERIFY_DIR}/pipelines/LSSTComCam/verifyFlat.yaml
alarms:
  MEAN: 2
send:
  sasquatch:
    url: https://example.org/sasquatch-rest-proxy
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.settings()
    made.site("usdf", {"main": "origin"})
    made.ticket("DM-1", "bias.20240101a")
    made.chain(["DM-1"])
    return made


def read(tree: Tree, text: str) -> DesiredState:
    folder = tree.state / "daily"
    folder.mkdir(exist_ok=True)
    (folder / "LSSTComCam.yaml").write_text(text)
    desired, _ = statefile.load(tree.state, own=own_folders())
    return desired


def mistakes(tree: Tree, text: str) -> tuple[Diagnostic, ...]:
    try:
        read(tree, text)
    except InvalidStateError as error:
        return error.diagnostics
    return ()


def noun(text: str, tree: Tree) -> Daily:
    daily = read(tree, text).own["daily"]["LSSTComCam"].noun
    assert isinstance(daily, Daily)
    return daily


def test_a_good_file_has_no_mistakes(tree: Tree) -> None:
    assert mistakes(tree, GOOD) == ()


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("at: usdf/main", "at: usdf/mian", 2, "Did you mean `usdf/main`"),
        ("at: usdf/main", "at: usdf", 2, "is no repository that has LSSTComCam"),
        ("chain: LSSTComCam/calib", "chain: LSSTComCam/calibs", 3, "Did you mean `LSSTComCam/calib`"),
        ("chain: LSSTComCam/calib", "chain: LSSTComCam//calib", 3, "empty segment"),
        ("since: 2024-12-01", "since: 2024-12-32", 5, "is no day"),
        ("  bias: verifyBias", "  science: verifyScience", 7, "science"),
        ("verifyBias", "''", 7, "must not be empty"),
        ("MEAN: 2", "MEAN: 0", 10, "MEAN"),
        ("MEAN: 2", "mean of all: 2", 10, "is no test"),
        ("https://example.org", "http://example.org", 13, "for everybody to read"),
        ("https://example.org/", "https://token@example.org/", 13, "no address of the form"),
        ("alarms:", "alarm:", 9, "Did you mean `alarms`"),
    ],
)
def test_a_mistake_is_told_with_its_line(tree: Tree, before: str, after: str, line: int, says: str) -> None:
    assert before in GOOD

    told = [
        (mistake.where.file, mistake.where.line, str(mistake))
        for mistake in mistakes(tree, GOOD.replace(before, after, 1))
        if mistake.where
    ]

    assert [place[:2] for place in told] == [("daily/LSSTComCam.yaml", line)]
    assert says in told[0][2]


def test_a_file_of_another_name_is_a_mistake(tree: Tree) -> None:
    read(tree, GOOD)
    file = tree.state / "daily" / "LSSTComCam.yaml"
    file.rename(file.with_name("LATISS.yaml"))

    with pytest.raises(InvalidStateError, match=r"daily/LSSTComCam\.yaml"):
        statefile.load(tree.state, own=own_folders())


def test_an_instrument_without_an_origin_needs_a_place(tree: Tree) -> None:
    tree.site("usdf", {"main": "copy"})

    summaries = [mistake.summary for mistake in mistakes(tree, GOOD.replace("at: usdf/main\n", ""))]

    assert "Nowhere to verify" in summaries


def test_how_exposures_are_verified_is_no_part_of_the_digest(tree: Tree) -> None:
    without, _ = statefile.load(tree.state, own=own_folders())

    assert read(tree, GOOD).digest == without.digest


def test_a_name_is_a_pipeline_of_cp_verify_and_a_path_is_itself(tree: Tree) -> None:
    daily = noun(GOOD, tree)

    assert daily.pipeline("bias") == "${CP_VERIFY_DIR}/pipelines/LSSTComCam/verifyBias.yaml"
    assert daily.pipeline("flat") == "${CP_VERIFY_DIR}/pipelines/LSSTComCam/verifyFlat.yaml"


def test_a_test_that_is_not_named_alarms_never_unless_none_is(tree: Tree) -> None:
    named = noun(GOOD, tree)
    unnamed = noun(GOOD.replace("alarms:\n  MEAN: 2\n", ""), tree)

    assert (named.nights_until_alarm("MEAN"), named.nights_until_alarm("NOISE")) == (2, None)
    assert unnamed.nights_until_alarm("NOISE") == 1


def test_its_file_is_laid_out_with_all_others(tree: Tree) -> None:
    read(tree, GOOD.replace("  bias", "    bias").replace("  flat", "    flat"))

    files = [change.file for change in lay_out_tree(tree.state, forms()).changes]

    assert "daily/LSSTComCam.yaml" in files
