"""A ticket that was a mistake is taken out everywhere, and nothing is lost."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import world
from tests.commands.impact_test import git
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.golden import Golden
from tests.lookups import everything, look_up
from tests.sealing import certified, seal, since
from tests.tree import Tree

UNTIL = ("--observed-until", "2025-02-11")
PLACES = (ORIGIN, EMBARGO, SUMMIT)
CHAIN = "chains/LSSTComCam-calib.yaml"
NEW = {"flat.20250101a": ("flat", world.SINCE_2024), "bias.20250101a": ("bias", world.IN_2025)}


def lookups(sites: Sites) -> dict[tuple[str, str, str, int], str | None]:
    """Return what the butler finds, of half of what there is, around edges."""
    asked = everything(sites.seen(ORIGIN))[::2]
    return {
        (address, one.dataset_type, one.text, moment): look_up(sites.seen(address), one, TOP, moment)
        for address in PLACES
        for one in asked
        for moment in one.moments()[::7]
    }


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


@pytest.fixture
def mistaken(deployed: Sites) -> Sites:
    """Return sites in Git, with a new ticket in front that is a mistake."""
    state = deployed.tree.state
    git(state, "init", "-q", "-b", "main")
    commit(state, "as it was")
    deployed.make_ticket("DM-3", NEW, summary="Flats of the new lamp")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    return deployed


def test_after_a_rollback_lookups_find_what_they_found_before(mistaken: Sites) -> None:
    state = mistaken.tree.state
    before = lookups(mistaken)
    assert mistaken.run("seal", "DM-1", "DM-2", "DM-3").code == 0
    commit(state, "Deploy DM-3")
    assert mistaken.apply().code == 0
    between = lookups(mistaken)
    changed = {asked for asked, found in between.items() if asked in before and found != before[asked]}
    assert {address for address, *_ in changed} == set(PLACES)
    held, files = mistaken.certifications(SUMMIT), mistaken.files(SUMMIT)
    places = mistaken.snapshot("repo", "archive", "records")

    ran = mistaken.run("rollback", "DM-3", "--because", "striped", *UNTIL, "--commit", "--format", "json")

    assert ran.code == 0, ran.err
    told = ran.json
    assert told["impact"].keys() == {"reverted"}
    assert {(one["repository"], *one["children"]) for one in told["remaining"]} == {
        (address, f"{TOP}/DM-3") for address in PLACES
    }
    assert mistaken.snapshot("repo", "archive", "records") == places
    assert git(state, "rev-parse", "--abbrev-ref", "HEAD") == told["branch"] == "rollback-DM-3"
    assert git(state, "diff", "--name-only", "HEAD~1").splitlines() == [CHAIN]
    assert mistaken.apply().code == 0
    after = lookups(mistaken)
    assert {asked: after[asked] for asked in before} == before
    assert (mistaken.certifications(SUMMIT), mistaken.files(SUMMIT)) == (held, files)
    assert mistaken.has(SUMMIT, f"{TOP}/DM-3")
    assert mistaken.run("drift").code == 0


def test_a_plain_revert_leaves_the_ticket_searched_and_report_says_so(
    mistaken: Sites, golden: Golden
) -> None:
    state = mistaken.tree.state
    commit(state, "Deploy DM-3")
    assert mistaken.apply().code == 0
    between = lookups(mistaken)
    git(state, "switch", "-q", "-c", "mend")
    git(state, "revert", "--no-edit", "HEAD")

    told = mistaken.run("report", "--base", "main", *UNTIL)
    said = mistaken.run("rollback", "DM-2", "--dry-run", *UNTIL)

    assert f"- DM-3 out of {TOP} at 3 repositories; not retired, so that it stays live as extra" in told.out
    assert "C603" in told.out
    assert (
        "A plain `git revert` would not retire it: it would stay searched at 3 places, as extra." in said.out
    )
    assert mistaken.apply().code in {0, 2}
    assert lookups(mistaken) == between
    extra = mistaken.run("drift", "--format", "json").json["drift"]
    assert {(d["target"]["place"], d["what"], d["subject"]) for d in extra} == {
        (address, "extra", f"{TOP}/DM-3") for address in PLACES
    }


# --- on a tree alone ---


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return sealed tickets, a bare one among them, in two chains."""
    tree = Tree(tmp_path / "tree")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"}, hold="the camera is being opened")
    tree.site("bts", {"LSSTComCam": "copy"})
    seal(tree, "DM-100", {"bias.20241024a": [certified("bias", since("2024-10-24"))]})
    seal(
        tree,
        "DM-200",
        {"bias.20241107a": [certified("bias", since("2024-11-07"))]},
        skip={"bts": "no camera"},
    )
    tree.ticket("DM-300", bare=[f"{TOP}/DM-300", f"{TOP}/DM-300/unbounded"])
    tree.chain(["DM-200", "DM-300", "DM-100"])
    tree.chain([f"{TOP}/DM-300/unbounded", "DM-200", f"{TOP}/DM-300"], chain="LSSTComCam/other")
    git(tree.state, "init", "-q", "-b", "main")
    commit(tree.state, "as it was")
    return tree


def chain(tree: Tree, name: str = TOP) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(
        (tree.state / "chains" / f"{name.replace('/', '-')}.yaml").read_text()
    )
    return said


@pytest.mark.parametrize("format", ["text", "markdown", "json"])
def test_a_rollback_is_shown_before_it_is_written(
    tree: Tree, format: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("rollback", "DM-200", "--because", "striped", "--dry-run", *UNTIL, "--format", format)

    ran = tree.run(capsys, *words)

    assert ran.code == 0, ran.err
    golden(f"rollback/dry-run.{format}", ran.out)
    assert git(tree.state, "status", "--porcelain") == ""


def test_a_ticket_leaves_every_chain_that_lists_it(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    ran = tree.run(capsys, "rollback", "LSSTComCam/DM-200", "--because", "striped")

    assert ran.code == 0, ran.err
    assert "Next: commit it and open a pull request" in ran.out
    for name in (TOP, "LSSTComCam/other"):
        assert "DM-200" not in str(chain(tree, name)["entries"])
        assert chain(tree, name)["retired"] == {"DM-200": "striped"}
    assert tree.run(capsys, "validate").code == 0
    assert "retired: striped" in tree.run(capsys, "diff", "HEAD").out


def test_a_bare_ticket_leaves_by_the_words_of_its_entries(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.run(capsys, "rollback", "DM-300").code == 0

    assert chain(tree)["retired"] == {"DM-300": "rolled back"}
    names = [f"{TOP}/DM-300/unbounded", f"{TOP}/DM-300"]
    assert chain(tree, "LSSTComCam/other")["retired"] == dict.fromkeys(names, "rolled back")


def test_one_collection_of_a_bare_ticket_leaves_alone_where_it_is_listed_alone(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tree.run(capsys, "rollback", f"{TOP}/DM-300")
    tree.chain(["DM-200", f"{TOP}/DM-300", "DM-100"])
    alone = tree.run(capsys, "rollback", f"{TOP}/DM-300/unbounded")

    assert (whole.code, "Listed as a whole" in whole.err) == (3, True)
    assert alone.code == 0
    assert chain(tree, "LSSTComCam/other")["entries"] == ["DM-200", f"{TOP}/DM-300"]
    assert "retired" not in chain(tree)


@pytest.mark.parametrize(
    ("ticket", "code", "said"),
    [
        ("DM-20", 64, "Did you mean DM-200?"),
        ("DM-400", 64, "DM-400 is an entry of no chain of LSSTComCam"),
        ("DM-500", 64, "It is retired from LSSTComCam/more already: old."),
        ("LSSTCam/DM-200", 64, "nobody declared such a ticket"),
    ],
)
def test_what_no_chain_lists_cannot_be_rolled_back(
    tree: Tree, ticket: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.ticket("DM-400", "dark.20250101a")
    tree.ticket("DM-500", "dark.20250101a")
    tree.chain(["DM-100"], chain="LSSTComCam/more", retired={"DM-500": "old"})
    before = chain(tree)

    ran = tree.run(capsys, "rollback", ticket)

    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert chain(tree) == before


def test_only_the_files_of_the_rollback_are_committed(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    (tree.state / "README.md").write_text("changed and staged\n")
    git(tree.state, "add", "README.md")
    git(tree.state, "config", "user.name", "nobody")
    git(tree.state, "config", "user.email", "nobody@example.org")

    ran = tree.run(capsys, "rollback", "DM-100", "--because", "no bias", "--commit", *UNTIL)

    assert ran.code == 0, ran.err
    files = git(tree.state, "show", "--name-only", "--format=%an: %B", "HEAD")
    assert files.startswith("nobody: Roll back DM-100\n\nno bias\n\nRetired in LSSTComCam/calib: DM-100.")
    assert files.splitlines()[-1] == CHAIN
    assert git(tree.state, "status", "--porcelain") == "A  README.md"
    assert "push it and open a pull request" in ran.out


def test_a_commit_is_refused_where_it_would_take_more_along(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.chain(["DM-300", "DM-200", "DM-100"])
    before = chain(tree)

    dirty = tree.run(capsys, "rollback", "DM-100", "--commit")

    assert (dirty.code, "Uncommitted changes" in dirty.err) == (3, True)
    assert chain(tree) == before
    git(tree.state, "checkout", "-q", "--", ".")
    git(tree.state, "branch", "rollback-DM-100")
    there = tree.run(capsys, "rollback", "DM-100", "--commit")
    assert (there.code, "Branch exists" in there.err) == (3, True)
    assert git(tree.state, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["a..b", "x.lock", "x."])
def test_a_branch_that_git_cannot_name_is_refused_before_anything_is_written(
    tree: Tree, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.ticket(name, "dark.20250101a")
    tree.chain(["DM-200", "DM-300", "DM-100", name])
    commit(tree.state, "a strange name")

    ran = tree.run(capsys, "rollback", name, "--commit")

    assert (ran.code, "Not a name of a branch" in ran.err) == (3, True), ran.err
    assert f"called rollback-{name}" in ran.err
    assert git(tree.state, "status", "--porcelain") == ""


def test_a_branch_below_the_one_to_be_made_is_in_its_way(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tree.state, "branch", "rollback-DM-100/more")

    ran = tree.run(capsys, "rollback", "DM-100", "--commit")

    assert (ran.code, "There is a branch rollback-DM-100/more" in ran.err) == (3, True), ran.err
    assert git(tree.state, "status", "--porcelain") == ""


def test_before_the_first_commit_there_is_nothing_to_commit_on(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tree.state, "switch", "-q", "--orphan", "empty")
    git(tree.state, "checkout", "-q", "main", "--", ".")

    ran = tree.run(capsys, "rollback", "DM-100", "--commit")

    assert (ran.code, "No commit yet" in ran.err) == (1, True), ran.err
    assert "DM-100" in chain(tree)["entries"]


def test_a_hook_that_says_no_leaves_the_branch_alone(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    hook = tree.state / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not on a Friday >&2\nexit 1\n")
    hook.chmod(0o755)

    ran = tree.run(capsys, "rollback", "DM-100", "--commit")

    assert (ran.code, "not on a Friday" in ran.err) == (1, True), ran.err
    assert "The files are written" in ran.err
    assert git(tree.state, "branch", "--format=%(refname:short)") == "main"
    assert git(tree.state, "status", "--porcelain") == f"M {CHAIN}"


def test_without_git_the_files_are_written_and_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.ticket("DM-100", "bias.20240101a")
    tree.chain(["DM-100"])

    refused = tree.run(capsys, "rollback", "DM-100", "--commit")
    assert (refused.code, "State tree is not in Git" in refused.err) == (1, True)
    assert chain(tree)["entries"] == ["DM-100"]
    assert tree.run(capsys, "rollback", "DM-100").code == 0
    assert chain(tree)["entries"] == []
    assert not list(tree.state.rglob(".calibstate-*"))
    assert subprocess.run(["git", "rev-parse"], cwd=tree.state, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{TOP}/DM-2/bias.20240101a", ["belongs to LSSTComCam/DM-2.", "rollback LSSTComCam/DM-2"]),
        ("bias.20240101a", ["belongs to LSSTComCam/DM-1 and to LSSTComCam/DM-2."]),
        (f"{TOP}/DM-2/bias.20240101a.run", ["belongs to LSSTComCam/DM-2."]),
        (TOP, ["is a chain"]),
    ],
)
def test_of_a_part_of_a_ticket_is_told_whose_it_is_and_what_to_do(
    sites: Sites, name: str, words: list[str]
) -> None:
    ran = sites.run("rollback", name, "--dry-run")
    assert ran.code == 64
    assert [word for word in words if word not in ran.err] == []


def test_a_ticket_is_named_by_its_collection_too(sites: Sites) -> None:
    ran = sites.run("rollback", f"{TOP}/DM-2", "--dry-run", "--format", "json")
    assert (ran.code, ran.json["ticket"]) == (0, "DM-2")
