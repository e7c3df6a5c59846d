"""What Git does not tell is told in its words, and stops what needs it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calibstate.factory.past import checked_out
from tests.commands.hostile import Clone, git, make_clone
from tests.commands.sites import Sites

OF_THE_PAST = (
    ("diff",),
    ("diff", "main"),
    ("history", "LSSTComCam/calib"),
    ("show", "--at", "main"),
    ("validate", "--base", "main"),
    ("impact", "main"),
    ("report", "--base", "main"),
)
"""What cannot be told without Git."""


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return make_clone(tmp_path)


# --- there is none, or it refuses ---


def no_git(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> str:
    (clone.top / "bin").mkdir()
    monkeypatch.setenv("PATH", str(clone.top / "bin"))
    return "There is no `git` command on $PATH"


def relative_git(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> str:
    shutil.copy(clone.canary, clone.top / "git")
    monkeypatch.chdir(clone.top)
    monkeypatch.setenv("PATH", f":.:{clone.top / 'bin'}:../clone")
    return "There is no `git` command on $PATH"


def another_owner(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> str:
    if os.geteuid():
        pytest.skip("only root gives files away")
    for path in (clone.top, *clone.top.rglob("*")):
        os.chown(path, 12345, 12345)
    return "safe.directory"


def later_format(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> str:
    git(clone.top, "config", "core.repositoryFormatVersion", "99")
    return "repo version"


def unknown_extension(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> str:
    git(clone.top, "config", "core.repositoryFormatVersion", "1")
    git(clone.top, "config", "extensions.ofTomorrow", "true")
    return "oftomorrow"


def spoilt_settings(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> str:
    (clone.top / ".git" / "config").write_text("[core\n")
    return "bad config line 1"


def worktree_of_nothing(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> str:
    shutil.rmtree(clone.top / ".git")
    (clone.top / ".git").write_text("gitdir: /nowhere/worktrees/clone\n")
    return "/nowhere/worktrees/clone"


REFUSALS = (
    *(no_git, relative_git, another_owner, later_format),
    *(unknown_extension, spoilt_settings, worktree_of_nothing),
)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_git_that_does_not_answer_is_no_missing_revision(
    clone: Clone, refusal: Callable[..., str], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(clone.canary.parent))
    words = refusal(clone, monkeypatch)

    for command in (*OF_THE_PAST, ("rollback", "DM-100", "--commit")):
        ran = clone.tree.run(capsys, *command)
        told = ran.out + ran.err
        assert ran.code == 1, (command, told)
        assert words in told, (command, told)
        for wrong in ("Git knows no", "git fetch", "defect", "No main branch", "not in Git"):
            assert wrong not in told, (command, told)
    found = checked_out(str(clone.tree.state))
    assert (found.commit, words in found.unknown) == (None, True)
    for command in (("validate",), ("show",), ("rollback", "DM-100", "--dry-run")):
        assert clone.tree.run(capsys, *command).code == 0, command
    assert not clone.ran


@pytest.mark.parametrize("refusal", [no_git, later_format])
@pytest.mark.matrix(1)
def test_a_site_is_worked_at_without_git_and_told_that_the_commit_is_not_known(
    sites: Sites, refusal: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(sites.tree.folder, "init", "-q")
    words = refusal(Clone(sites.tree.folder, tmp_path, ""), monkeypatch)
    plan = tmp_path / "plan.json"

    looks = [sites.run("plan", "-o", str(plan)), sites.run("drift"), sites.run("status")]

    assert [look.code for look in looks] == [2, 2, 2]
    for look in looks:
        assert "warning: Commit is not known" in look.err
        assert words in look.err
    assert '"commit": null' in plan.read_text()
    assert words.replace('"', '\\"') in plan.read_text()
    checks = sites.run("doctor", "--format", "json").json["checks"]
    (of_git,) = [check for check in checks if check["check"] == "git"]
    assert (of_git["place"], of_git["health"], words in of_git["said"]) == ("here", "warning", True)
    applied = sites.run("apply", str(plan), "--yes")
    assert (applied.code, "Commit is not known" in applied.err) == (0, True), applied.err
    assert "commit not known" in sites.run("log").out


def test_a_tree_outside_git_needs_none_and_nothing_is_said_of_it(sites: Sites) -> None:
    ran = sites.run("plan")

    assert (ran.code, "Commit is not known" in ran.err) == (2, False)
    checks = sites.run("doctor", "--format", "json").json["checks"]
    (of_git,) = [check for check in checks if check["check"] == "git"]
    assert (of_git["health"], of_git["said"]) == ("ok", "the tree is in no commit")


def test_a_branch_whose_commit_is_lost_is_not_unknown(clone: Clone, capsys: Any) -> None:
    git(clone.top, "commit", "-q", "--allow-empty", "-m", "another")
    (clone.top / ".git" / "objects" / clone.main[:2] / clone.main[2:]).unlink()

    for command in (("diff", "main"), ("show", "--at", "main")):
        ran = clone.tree.run(capsys, *command)
        assert (ran.code, "Commit cannot be read" in ran.err) == (1, True), ran.err
        assert clone.main in ran.err


def test_a_repository_of_longer_digests_is_read_like_any(tmp_path: Path, capsys: Any) -> None:
    clone = make_clone(tmp_path, digests="sha256")
    clone.tree.chain([], retired={"DM-100": "striped"})
    git(clone.top, "commit", "-q", "-a", "-m", "retire")

    assert len(clone.main) == 64
    for command in OF_THE_PAST:
        ran = clone.tree.run(capsys, *command)
        assert ran.code == 0, (command, ran.err)
    found = checked_out(str(clone.tree.state))
    assert (found.commit, found.dirty) == (clone.head, False)


# --- whether a tree is as its commit has it ---

TICKET = "sub/state/tickets/LSSTComCam/DM-100.yaml"
NEW = "sub/state/tickets/LSSTComCam/DM-200.yaml"


def as_it_is(clone: Clone) -> None:
    pass


def changed(clone: Clone) -> None:
    path = clone.top / TICKET
    path.write_text(f"{path.read_text()}# as nobody committed\n")


def staged(clone: Clone) -> None:
    changed(clone)
    git(clone.top, "add", "-A")


def changed_and_old(clone: Clone) -> None:
    path = clone.top / TICKET
    before = path.stat()
    # Of the same size and time, which is what Git looks at first.
    path.write_text(path.read_text().replace("made for", "made fro"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def new(clone: Clone) -> None:
    shutil.copy(clone.top / TICKET, clone.top / NEW)


def new_and_not_shown(clone: Clone) -> None:
    git(clone.top, "config", "status.showUntrackedFiles", "no")
    new(clone)


def new_and_ignored(clone: Clone) -> None:
    clone.propose({".gitignore": "DM-200.yaml\n"})
    new(clone)


def new_and_excluded(clone: Clone) -> None:
    (clone.top / ".git" / "info" / "exclude").write_text("*.yaml\n")
    new(clone)


def new_and_excluded_everywhere(clone: Clone) -> None:
    (clone.canary.parent / "ignored").write_text("*.yaml\n")
    git(clone.top, "config", "core.excludesFile", str(clone.canary.parent / "ignored"))
    new(clone)


def new_folder(clone: Clone) -> None:
    (clone.tree.state / "tickets" / "LATISS").mkdir()
    shutil.copy(clone.top / TICKET, clone.tree.state / "tickets" / "LATISS" / "DM-1.yaml")


def removed(clone: Clone) -> None:
    (clone.top / TICKET).unlink()


def removed_by_a_sparse_checkout(clone: Clone) -> None:
    git(clone.top, "sparse-checkout", "set", "--no-cone", "/*", "!tickets")


def assumed_unchanged(clone: Clone) -> None:
    git(clone.top, "update-index", "--assume-unchanged", TICKET)
    changed(clone)


def skipped(clone: Clone) -> None:
    git(clone.top, "update-index", "--skip-worktree", TICKET)
    changed(clone)


def a_repository_of_its_own(clone: Clone) -> None:
    new(clone)
    git(clone.tree.state / "tickets" / "LSSTComCam", "init", "-q")


def of_other_rights(clone: Clone) -> None:
    (clone.top / TICKET).chmod(0o755)


def with_other_ends_of_lines(clone: Clone) -> None:
    git(clone.top, "config", "core.autocrlf", "true")
    (clone.top / TICKET).unlink()
    git(clone.top, "checkout", "-q", "--", ".")
    assert b"\r\n" in (clone.top / TICKET).read_bytes()


def touched(clone: Clone) -> None:
    os.utime(clone.top / TICKET)


def without_an_index(clone: Clone) -> None:
    (clone.top / ".git" / "index").unlink()


def with_what_nobody_reads(clone: Clone) -> None:
    for name in ("README.md", "chains/x.yaml~", "tickets/LSSTComCam/.hidden.yaml", "plan.json", "docs"):
        (clone.tree.state / name).write_text("x")


def changed_elsewhere(clone: Clone) -> None:
    (clone.top / "code.py").write_text("x")


def linked(clone: Clone) -> None:
    chain = clone.tree.state / "chains" / "LSSTComCam-calib.yaml"
    chain.rename(clone.tree.state / "all.yaml")
    chain.symlink_to("../all.yaml")
    git(clone.top, "add", "-A")
    git(clone.top, "commit", "-q", "-m", "linked")


def linked_and_changed(clone: Clone) -> None:
    linked(clone)
    (clone.tree.state / "all.yaml").write_text("chain: false\n")


DIRTY = (
    *(changed, staged, changed_and_old, new, new_and_not_shown, new_and_ignored, new_and_excluded),
    *(new_and_excluded_everywhere, new_folder, removed, removed_by_a_sparse_checkout, assumed_unchanged),
    *(skipped, a_repository_of_its_own, linked_and_changed),
)
CLEAN = (
    *(as_it_is, of_other_rights, with_other_ends_of_lines, touched, without_an_index),
    *(with_what_nobody_reads, changed_elsewhere, linked),
)


@pytest.mark.parametrize("change", [*DIRTY, *CLEAN])
def test_a_tree_is_dirty_where_what_is_read_is_in_no_commit(
    clone: Clone, change: Callable[[Clone], None]
) -> None:
    change(clone)

    found = checked_out(str(clone.tree.state))

    assert (found.commit, found.unknown) == (clone.head, "")
    assert found.dirty == (change in DIRTY)


CHAIN = "sub/state/chains/LSSTComCam-calib.yaml"


@pytest.mark.parametrize(
    "words", [(), ("add",), ("update-index", "--assume-unchanged"), ("update-index", "--skip-worktree")]
)
def test_a_rollback_commits_no_change_of_somebody_else(
    clone: Clone, words: tuple[str, ...], capsys: Any
) -> None:
    chain = clone.top / CHAIN
    before = chain.read_text()
    chain.write_text(f"{before}# as nobody committed\n")
    if words:
        git(clone.top, *words, CHAIN)
    if words == ("add",):
        # Staged only: on the disk it is as it was.
        chain.write_text(before)

    ran = clone.tree.run(capsys, "rollback", "DM-100", "--commit")

    assert (ran.code, "Uncommitted changes" in ran.err) == (3, True), ran.err


def test_a_rollback_commits_no_file_that_was_never_committed(clone: Clone, capsys: Any) -> None:
    clone.propose({".gitignore": "new.yaml\n"})
    (clone.top / CHAIN).rename(clone.tree.state / "chains" / "new.yaml")

    ran = clone.tree.run(capsys, "rollback", "DM-100", "--commit")

    assert (ran.code, "chains/new.yaml" in ran.err) == (3, True), ran.err
