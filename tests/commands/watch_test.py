"""A site keeps itself: what a turn does, and what it leaves to a person."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from calibstate.adapters import following
from calibstate.factory import clock
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.commands.watched import BTS, CARRIES, Watched, git
from tests.services.webhook import SECRET, Receiver
from tests.tree import Ran

NEW = f"{TOP}/DM-3"


@pytest.fixture
def watched(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Return three sites in waves; the summit asks before chains change."""
    shutil.copytree(deployed.path(SUMMIT), deployed.path(BTS))
    deployed.tree.site("bts", {"LSSTComCam": "copy"})
    deployed.tree.settings(waves=[["usdf"], ["bts"], ["summit"]])
    watched = Watched(deployed)
    watched.lets("usdf", CARRIES, "apply")
    watched.lets("bts", CARRIES, "apply")
    watched.lets("summit", CARRIES)
    watched.begin()
    for name in [name for name in os.environ if name.startswith("CALIBSTATE_NOTIFY")]:
        monkeypatch.delenv(name)
    return watched


def merge_new(watched: Watched) -> str:
    watched.sites.make_ticket("DM-3")
    watched.sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    return watched.merge("Adopt DM-3")


# From a merge to its use


def test_a_merge_goes_through_the_waves_and_only_a_chain_that_asks_waits(watched: Watched) -> None:
    commit = merge_new(watched)

    early = watched.turn("summit")
    first = watched.turn("usdf")
    second = watched.turn("bts")
    third = watched.turn("summit")
    asked = watched.state("summit")
    watched.run("summit", "apply", "--site", "summit", "--yes")
    last = watched.turn("summit")

    assert (early.code, first.code, second.code) == (4, 4, 4)
    assert NEW in watched.sites.chain(ORIGIN)
    assert NEW in watched.sites.chain(EMBARGO)
    assert NEW in watched.sites.chain(BTS)
    assert third.code == 2
    assert asked["commit"] == commit
    (finding,) = [each for each in asked["findings"] if each["reason"] == "AsksAPerson"]
    assert finding["command"] == "calibstate apply --site summit"
    assert NEW in watched.sites.chain(SUMMIT)
    assert (last.code, watched.word("summit")) == (0, "ready")
    # A review of each site opens the wave after it.
    for address in (ORIGIN, EMBARGO, BTS, SUMMIT):
        file = watched.folder / "records" / "reviews" / f"{address}.json"
        assert json.loads(file.read_text())["tickets"]["LSSTComCam/DM-3"]["passed"]


def test_what_no_site_lets_run_is_left_to_a_person(watched: Watched) -> None:
    for site in ("usdf", "bts", "summit"):
        watched.lets(site, [])
    merge_new(watched)
    before = watched.sites.snapshot("repo", "archive")

    ran = watched.turn("usdf")

    assert ran.code == 2
    assert "AsksAPerson" in watched.reasons("usdf")
    after = watched.sites.snapshot("repo", "archive")
    assert {name: entry[0] for name, entry in after.items()} == {
        name: entry[0] for name, entry in before.items()
    }


def test_a_chain_that_may_change_waits_for_an_import_that_may_not_run(watched: Watched) -> None:
    watched.lets("bts", [], "apply")
    merge_new(watched)
    watched.turn("usdf")

    watched.turn("bts")

    assert not watched.sites.has(BTS, NEW)
    assert NEW not in watched.sites.chain(BTS)
    assert "AsksAPerson" in watched.reasons("bts")


def test_a_turn_that_meets_nothing_new_says_nothing_and_writes_no_journal(watched: Watched) -> None:
    watched.turn("usdf")
    journals = sorted((watched.folder / "records" / "journal").iterdir())

    ran = watched.turn("usdf")

    assert (ran.code, ran.out) == (0, "")
    assert sorted((watched.folder / "records" / "journal").iterdir()) == journals
    assert watched.state("usdf")["turns"] == 2


def test_a_turn_after_one_that_did_steps_and_asks_for_the_same_person_says_nothing(
    watched: Watched,
) -> None:
    merge_new(watched)
    watched.sites.add_own(ORIGIN, "u/somebody/else")
    watched.sites.change_chain(ORIGIN, lambda before: ["u/somebody/else", *before])

    did = watched.turn("usdf")
    again = watched.turn("usdf")

    assert "prepend-to-chain" in did.out
    assert "Extra" in watched.reasons("usdf")
    assert (again.code, again.out) == (2, "")


def test_a_rollback_is_carried_out_and_a_hand_made_change_is_told(watched: Watched) -> None:
    for site in ("usdf", "bts", "summit"):
        watched.turn(site)
    own = watched.sites.add_own(BTS)
    watched.sites.change_chain(BTS, lambda children: [own, *children])
    watched.sites.tree.chain(["DM-1"], retired={"DM-2": "it was wrong"})
    watched.merge("Take DM-2 back")

    for site in ("usdf", "bts"):
        watched.turn(site)

    assert f"{TOP}/DM-2" not in watched.sites.chain(ORIGIN)
    assert f"{TOP}/DM-2" not in watched.sites.chain(BTS)
    assert own in watched.sites.chain(BTS), "what nobody declared is nobody's to remove"
    assert watched.word("bts") == "stalled"
    assert "Extra" in watched.reasons("bts")


# What is followed


def test_a_commit_that_does_not_validate_is_passed_over_for_the_newest_that_does(watched: Watched) -> None:
    watched.sites.make_ticket("DM-3")
    watched.sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    sound = watched.merge("Adopt DM-3")
    chain = watched.sites.tree.state / "chains" / "LSSTComCam-calib.yaml"
    right = chain.read_text()
    chain.write_text(right.replace("entries:", "entires:"))
    unsound = watched.merge("A slip of the hand")

    ran = watched.turn("usdf")

    assert ran.code == 2
    assert watched.at("usdf") == watched.state("usdf")["commit"] == sound
    assert NEW in watched.sites.chain(ORIGIN), "what was sound is carried out"
    (finding,) = [each for each in watched.state("usdf")["findings"] if each["reason"] == "Unsound"]
    assert unsound[:10] in finding["message"]
    assert "chains/LSSTComCam-calib.yaml:" in finding["message"]

    chain.write_text(right)
    mended = watched.merge("Mend it")
    watched.turn("usdf")

    assert watched.at("usdf") == mended
    assert watched.word("usdf") in {"ready", "reconciling"}


def test_a_history_that_was_rewritten_is_refused_until_a_person_agrees(watched: Watched) -> None:
    watched.turn("usdf")
    merged = watched.merge("Something")
    watched.turn("usdf")
    watched.sites.make_ticket("DM-3")
    watched.sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    git(watched.sites.tree.state, "add", "-A")
    forged = watched.rewrite()

    for _ in range(2):
        ran = watched.turn("usdf")

        assert ran.code == 2
        assert watched.at("usdf") == merged
        assert NEW not in watched.sites.chain(ORIGIN)
        assert watched.reasons("usdf")[0] == "HistoryRewritten"
        assert forged[:10] in watched.state("usdf")["stalled"]["message"]

    git(watched.clone("usdf"), "reset", "-q", "--keep", forged)
    watched.turn("usdf")

    assert NEW in watched.sites.chain(ORIGIN)
    assert "HistoryRewritten" not in watched.reasons("usdf")


def test_a_clone_that_somebody_has_changed_stays_where_it_is(watched: Watched) -> None:
    before = watched.at("usdf")
    file = watched.clone("usdf") / "chains" / "LSSTComCam-calib.yaml"
    file.write_text(f"{file.read_text()}# a note\n")
    watched.merge("Something")

    ran = watched.turn("usdf")

    assert ran.code == 2
    assert watched.at("usdf") == before
    assert watched.reasons("usdf") == ["LocalChanges"]
    assert file.read_text().endswith("# a note\n"), "nobody's work is lost"


def test_only_the_branch_that_was_named_is_followed(watched: Watched) -> None:
    git(watched.clone("usdf"), "switch", "-q", "-c", "mine")
    watched.merge("Something")

    ran = watched.turn("usdf")

    assert ran.code == 2
    assert watched.reasons("usdf") == ["OtherBranch"]


@pytest.mark.parametrize("how", ["an edit", "a file that Git does not know", "a commit", "a branch"])
def test_what_nobody_has_merged_is_not_carried_out(watched: Watched, how: str) -> None:
    clone = watched.clone("usdf")
    chain = clone / "chains" / "LSSTComCam-calib.yaml"
    if how == "a branch":
        git(clone, "switch", "-q", "-c", "mine")
    if how == "a file that Git does not know":
        (clone / "chains" / "mine.yaml").write_text(
            f"chain: {TOP}/mine\ninstrument: LSSTComCam\nentries: [DM-1]\n"
        )
    else:
        kept = f"chain: {TOP}\ninstrument: LSSTComCam\nentries: [DM-1]\n"
        chain.write_text(f"{kept}retired: {{DM-2: nobody has agreed}}\n")
    if how in {"a commit", "a branch"}:
        git(clone, "commit", "-qam", "Mine")
    before = watched.sites.chain(ORIGIN)

    for _ in range(2):
        ran = watched.turn("usdf")

        assert ran.code == 2, ran.out
        assert watched.word("usdf") == "stalled"
        assert watched.sites.chain(ORIGIN) == before
        assert not watched.sites.has(ORIGIN, f"{TOP}/mine")


def test_a_clone_that_somebody_has_pulled_goes_on(watched: Watched) -> None:
    watched.turn("usdf")
    clone = watched.clone("usdf")
    target = merge_new(watched)
    git(clone, "pull", "-q", "--ff-only", "origin", "main")

    ran = watched.turn("usdf")

    assert "HistoryRewritten" not in watched.reasons("usdf")
    assert (watched.at("usdf"), ran.code) == (target, 4), "the next wave waits"
    assert NEW in watched.sites.chain(ORIGIN)


@pytest.mark.parametrize("is_merged", [False, True], ids=["as it is", "with a merge"])
def test_what_was_committed_in_the_clone_is_taken_once_the_branch_has_it(
    watched: Watched, is_merged: bool
) -> None:
    watched.turn("usdf")
    clone = watched.clone("usdf")
    git(clone, "commit", "-q", "--allow-empty", "-m", "Mine")
    watched.turn("usdf")
    assert watched.reasons("usdf")[0] == "HistoryRewritten"
    git(clone, "push", "-q", "origin", "HEAD:main")
    if is_merged:
        git(watched.sites.tree.state, "pull", "-q", "--rebase", "origin", "main")
        merge_new(watched)

    watched.turn("usdf")

    assert "HistoryRewritten" not in watched.reasons("usdf")
    assert watched.word("usdf") != "stalled"
    if is_merged:
        assert NEW in watched.sites.chain(ORIGIN)


def test_a_clone_that_somebody_has_pulled_waits_for_as_long_as_the_hub_is_away(watched: Watched) -> None:
    watched.turn("usdf")
    clone = watched.clone("usdf")
    merge_new(watched)
    git(clone, "pull", "-q", "--ff-only", "origin", "main")
    watched.hub.rename(watched.folder / "away.git")

    watched.turn("usdf")

    # From here nobody can tell whether the branch has it.
    assert set(watched.reasons("usdf")) >= {"NotFetched", "HistoryRewritten"}
    assert NEW not in watched.sites.chain(ORIGIN)
    (watched.folder / "away.git").rename(watched.hub)
    watched.turn("usdf")
    assert NEW in watched.sites.chain(ORIGIN)


def test_a_clone_that_was_cut_off_on_its_way_is_taken_on(watched: Watched) -> None:
    clone = watched.clone("usdf")
    target = merge_new(watched)
    # As `git merge` leaves it that was killed: some files, and its lock.
    git(clone, "fetch", "-q", "origin", "main:refs/calibstate/watched")
    git(clone, "update-ref", "refs/calibstate/forward", target)
    lock = clone / ".git" / "index.lock"
    lock.write_bytes(b"")
    os.utime(lock, (0, 0))
    shutil.copy(
        watched.sites.tree.state / "chains" / "LSSTComCam-calib.yaml",
        clone / "chains" / "LSSTComCam-calib.yaml",
    )

    watched.turn("usdf")

    assert watched.at("usdf") == target
    assert git(clone, "status", "--porcelain") == ""
    assert NEW in watched.sites.chain(ORIGIN)


def test_a_repository_that_does_not_answer_is_told_when_it_lasts(watched: Watched) -> None:
    merge_new(watched)
    watched.hub.rename(watched.folder / "away.git")

    words = []
    for _ in range(3):
        assert watched.turn("usdf").code == 1
        words.append(watched.word("usdf"))
        assert watched.reasons("usdf")[0] == "NotFetched"

    assert words == ["reconciling", "reconciling", "stalled"]
    (watched.folder / "away.git").rename(watched.hub)
    watched.turn("usdf")
    assert NEW in watched.sites.chain(ORIGIN)
    assert watched.state("usdf")["troubled"] == 0


def test_no_hook_of_a_clone_is_run(watched: Watched, tmp_path: Path) -> None:
    for name in ("post-merge", "post-checkout", "reference-transaction"):
        hook = watched.clone("usdf") / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    target = watched.merge("Something")

    watched.turn("usdf")

    assert watched.at("usdf") == target
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("how", ["an edit", "a commit", "a commit on another branch", "an edit, and no Git"])
def test_what_nobody_has_merged_is_not_carried_out_while_the_hub_is_away(
    watched: Watched, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.turn("usdf")
    clone = watched.clone("usdf")
    if how == "a commit on another branch":
        git(clone, "switch", "-q", "-c", "mine")
    kept = f"chain: {TOP}\ninstrument: LSSTComCam\nentries: [DM-1]\n"
    (clone / "chains" / "LSSTComCam-calib.yaml").write_text(f"{kept}retired: {{DM-2: nobody has agreed}}\n")
    if how in {"a commit", "a commit on another branch"}:
        git(clone, "commit", "-qam", "Mine")
    watched.hub.rename(watched.folder / "away.git")
    if how == "an edit, and no Git":
        monkeypatch.setenv("PATH", "/nonexistent")
    before = watched.sites.chain(ORIGIN)

    watched.turn("usdf")

    assert watched.sites.chain(ORIGIN) == before
    assert watched.word("usdf") == "stalled"


def test_a_lock_that_a_killed_git_has_left_stops_no_loop(watched: Watched) -> None:
    watched.turn("usdf")
    target = merge_new(watched)
    lock = watched.clone("usdf") / ".git" / "index.lock"
    lock.write_bytes(b"")

    ran = watched.turn("usdf")

    # It may be of somebody who works there.
    assert (ran.code, watched.reasons("usdf")[0]) == (1, "Locked")
    assert ".git/index.lock of the clone is there" in ran.out
    assert watched.at("usdf") != target
    os.utime(lock, (0, 0))
    watched.turn("usdf")
    assert watched.at("usdf") == target
    assert NEW in watched.sites.chain(ORIGIN)


def test_people_are_told_of_each_place_that_falls_silent(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    watched.turn("usdf")
    for place in (EMBARGO, ORIGIN):
        path = watched.sites.path(place)
        path.rename(path.with_name(f"{path.name}-away"))
        for _ in range(4):
            watched.turn("usdf")

    messages = [told["message"] for told in receiver.taken]
    assert len(messages) == 2
    assert EMBARGO in messages[0]
    assert ORIGIN in messages[1]


def test_a_merge_that_fails_is_not_finished_over_somebodys_work(watched: Watched) -> None:
    clone = watched.clone("usdf")
    (clone / "notes.txt").write_text("mine\n")
    (watched.sites.tree.state / "notes.txt").write_text("the hub's\n")
    watched.merge("Add notes")
    watched.turn("usdf")
    git(clone, "switch", "-q", "-c", "mine")
    git(clone, "commit", "-q", "--allow-empty", "-m", "Mine")
    mine = watched.at("usdf")
    site = clone / "sites" / "summit.yaml"
    site.write_text(f"{site.read_text()}# mine\n")

    for _ in range(2):
        watched.turn("usdf")

    assert watched.at("usdf") == mine
    assert (clone / "notes.txt").read_text() == "mine\n"
    assert site.read_text().endswith("# mine\n")
    assert str(watched.folder) not in json.dumps(watched.state("usdf"))


def test_what_was_cut_off_is_not_finished_over_what_somebody_has_changed_since(watched: Watched) -> None:
    clone = watched.clone("usdf")
    before, target = watched.at("usdf"), merge_new(watched)
    git(clone, "fetch", "-q", "origin", "main:refs/calibstate/watched")
    git(clone, "update-ref", "refs/calibstate/forward", target)
    site = clone / "sites" / "summit.yaml"
    site.write_text(f"{site.read_text()}# mine\n")

    watched.turn("usdf")

    assert watched.at("usdf") == before
    assert site.read_text().endswith("# mine\n")
    assert watched.reasons("usdf")[0] == "LocalChanges"


def test_a_merge_of_the_branch_into_another_takes_no_clone_sideways(watched: Watched) -> None:
    state = watched.sites.tree.state
    merged = watched.merge("Something")
    watched.turn("usdf")
    # Its first parent is what nobody has followed, and it does not validate.
    git(state, "switch", "-q", "-c", "aside", "HEAD~1")
    git(state, "commit", "-q", "--allow-empty", "-m", "Aside")
    git(state, "merge", "-q", "--no-ff", "-m", "Fox", "main")
    chain = state / "chains" / "LSSTComCam-calib.yaml"
    chain.write_text(chain.read_text().replace("entries:", "entires:"))
    git(state, "commit", "-q", "-a", "--amend", "--no-edit")
    git(state, "push", "-q", "origin", "aside:main")

    for _ in range(2):
        watched.turn("usdf")

    assert watched.at("usdf") == merged
    assert "Unsound" in watched.reasons("usdf")


def test_a_commit_without_the_tree_is_passed_over_and_the_next_is_taken(watched: Watched) -> None:
    state = watched.sites.tree.state
    settings = (state / "calibstate.yaml").read_text()
    (state / "calibstate.yaml").unlink()
    watched.merge("Move the tree")

    assert watched.turn("usdf").code == 2
    assert watched.reasons("usdf") == ["Unsound"]
    assert (watched.clone("usdf") / "calibstate.yaml").exists()

    (state / "calibstate.yaml").write_text(settings)
    mended = watched.merge("Move it back")
    assert watched.turn("usdf").code == 0
    assert watched.at("usdf") == mended


def test_a_site_that_was_taken_out_and_comes_back_is_kept_again(watched: Watched) -> None:
    file = watched.sites.tree.state / "sites" / "bts.yaml"
    declared = file.read_text()
    file.unlink()
    watched.sites.tree.settings(waves=[["usdf"], ["summit"]])
    watched.merge("Close the test stand")
    assert watched.turn("bts").code == 64

    file.write_text(declared)
    watched.merge("Open it again")

    assert watched.turn("bts").code == 0


# What fails by itself


def test_a_place_that_falls_silent_is_told_when_it_lasts_and_when_it_is_back(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    watched.turn("summit")
    away = watched.folder / "away"
    watched.sites.path(SUMMIT).rename(away)

    for _ in range(4):
        assert watched.turn("summit").code == 1
    away.rename(watched.sites.path(SUMMIT))
    for _ in range(2):
        watched.turn("summit")

    assert [told["word"] for told in receiver.taken] == ["stalled", "ready"]
    assert [told["reason"] for told in receiver.taken] == ["Unreachable", "InSync"]
    assert str(watched.folder) not in json.dumps(receiver.taken)


def test_what_is_kept_of_a_loop_may_be_cut_off_and_is_written_anew(watched: Watched) -> None:
    watched.turn("usdf")
    file = watched.folder / "records" / "watch" / "usdf.json"
    file.write_bytes(file.read_bytes()[:40])

    ran = watched.turn("usdf")

    assert "cannot be read" in ran.err
    # Its clone remembers what it knew.
    assert watched.state("usdf")["turns"] == 2


def test_people_are_told_once_where_the_records_cannot_be_written(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    watched.turn("usdf")
    turns = watched.state("usdf")["turns"]
    records, away = watched.folder / "records", watched.folder / "away"
    records.rename(away)
    records.write_text("no folder")

    for _ in range(5):
        assert watched.turn("usdf").code == 1
    records.unlink()
    away.rename(records)
    for _ in range(2):
        assert watched.turn("usdf").code == 0

    # It may mend itself, so the third turn tells of it.
    assert [(told["word"], told["reason"]) for told in receiver.taken] == [
        ("stalled", "NotPublished"),
        ("ready", "InSync"),
    ]
    assert watched.state("usdf")["turns"] == turns + 7


def test_a_site_that_is_taken_from_the_declaration_is_told_and_goes_on_when_it_is_back(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    watched.turn("summit")
    file = watched.sites.tree.state / "sites" / "summit.yaml"
    text = file.read_text()
    file.unlink()
    watched.sites.tree.settings(waves=[["usdf"], ["bts"]])
    watched.merge("Take the summit out")

    gone = [watched.turn("summit") for _ in range(3)]
    file.write_text(text)
    watched.merge("Take it in again")
    back = watched.turn("summit")

    assert [ran.code for ran in gone] == [1, 1, 1]
    assert "summit is not declared any more" in gone[0].out
    assert gone[1].out == gone[2].out == ""
    assert back.code == 0
    assert [(told["word"], told["reason"]) for told in receiver.taken] == [
        ("stalled", "NotDeclared"),
        ("ready", "InSync"),
    ]
    # Who misspells a site is told so at once.
    assert watched.run("summit", "watch", "sumit", "--once").code == 64


def test_people_are_told_once_of_a_clone_that_does_not_validate(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    watched.turn("usdf")
    settings = watched.clone("usdf") / "calibstate.yaml"
    text = settings.read_text()
    settings.write_text("archive: [")

    for _ in range(3):
        assert watched.turn("usdf", "--no-fetch").code == 1
    settings.write_text(text)
    assert watched.turn("usdf").code == 0

    assert [told["word"] for told in receiver.taken] == ["stalled", "ready"]
    assert "The tree does not validate" in receiver.taken[0]["message"]


def test_a_fetch_that_hangs_is_ended_with_what_it_has_started(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pids\nexec sleep 600\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(ssh.parent), prepend=os.pathsep)
    monkeypatch.setattr(following, "_LIMIT", timedelta(seconds=2))
    git(watched.clone("usdf"), "remote", "set-url", "origin", "ssh://nowhere.example/tree.git")

    watched.turn("usdf")

    assert "NotFetched" in json.dumps(watched.state("usdf")["findings"])
    pids = (tmp_path / "pids").read_text().split()
    assert pids
    for pid in pids:
        assert not is_running(int(pid))


def is_running(pid: int) -> bool:
    """Say whether a process goes on, and is not only waited for."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(") ")[2][0] != "Z"


def test_records_that_cannot_be_written_end_a_turn_with_1_and_no_traceback(watched: Watched) -> None:
    shutil.rmtree(watched.folder / "records")
    (watched.folder / "records").write_text("no folder")

    ran = watched.turn("usdf")

    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "not a directory" in ran.err.casefold()


def test_pages_are_written_in_each_turn_and_what_stands_there_is_kept(watched: Watched) -> None:
    folder = watched.folder / "pages"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")

    refused = watched.turn("usdf", "--pages", str(folder))
    written = watched.turn("usdf", "--pages", str(watched.folder / "others"))

    assert refused.code == 1
    assert "PageNotWritten" in json.dumps(watched.state("usdf")["findings"]) or written.code == 0
    assert (folder / "mine.txt").read_text() == "mine"
    assert (watched.folder / "others" / "index.html").is_file()


def spread(watched: Watched, mono: Path, message: str) -> None:
    """Commit the tree as it is in a folder of a larger repository."""
    inner = mono / "calibrations" / "state"
    shutil.rmtree(inner, ignore_errors=True)
    shutil.copytree(watched.sites.tree.state, inner, ignore=shutil.ignore_patterns(".git"))
    for file in inner.rglob("*.yaml"):
        # What it names lies two folders farther away.
        file.write_text(re.sub(r"(: ['\"]?)\.\./", r"\1../../../", file.read_text()))
    (mono / "README").write_text(message)
    git(mono, "add", "-A")
    git(mono, "commit", "-q", "-m", message)
    git(mono, "push", "-q", "origin", "main")


def test_a_tree_in_a_folder_of_a_repository_with_submodules_is_followed(watched: Watched) -> None:
    mono, clone = watched.folder / "mono", watched.folder / "cloned"
    hub = watched.folder / "mono.git"
    git(watched.folder, "init", "-q", "--bare", "-b", "main", str(hub))
    git(watched.folder, "clone", "-q", str(hub), str(mono))
    git(mono, "switch", "-q", "-C", "main")
    local = ("-c", "protocol.file.allow=always")
    git(mono, *local, "submodule", "--quiet", "add", str(watched.hub), "vendor")
    spread(watched, mono, "Begin")
    git(watched.folder, "clone", "-q", str(hub), str(clone))

    def turn() -> Ran:
        return watched.run_at(clone / "calibrations" / "state", "watch", "usdf", "--once")

    turn()
    watched.sites.make_ticket("DM-3")
    watched.sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    # The other repository goes on, too, and nobody has it fetched here.
    git(
        mono / "vendor",
        "-c",
        "user.name=k",
        "-c",
        "user.email=k@e.org",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "X",
    )
    spread(watched, mono, "Adopt DM-3")
    followed = turn()

    assert git(clone, "rev-parse", "HEAD") == git(mono, "rev-parse", "HEAD")
    assert NEW in watched.sites.chain(ORIGIN), followed.out + followed.err
    assert list((clone / "vendor").iterdir()) == []
    assert turn().code in {0, 4}


# One loop


def test_a_second_loop_of_a_site_stands_by_until_the_first_has_ended(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.turn("usdf")
    watched.alter("usdf", lambda state: state.update(loop="another"))
    merge_new(watched)

    standing_by = watched.turn("usdf")
    assert standing_by.code == 0
    assert "is kept by another loop" in standing_by.out
    assert NEW not in watched.sites.chain(ORIGIN)
    # It is said once, so that no cron writes a letter each minute.
    assert watched.turn("usdf").out == ""
    watched.alter("usdf", lambda state: state.update(loop="a third one"))
    assert "is kept by another loop" in watched.turn("usdf").out

    later = datetime.now(UTC) + timedelta(minutes=4)
    monkeypatch.setattr(clock, "source", lambda: later)
    watched.turn("usdf")

    assert NEW in watched.sites.chain(ORIGIN)
    assert watched.state("usdf")["loop"] != "another"


def test_a_second_loop_stands_by_for_as_long_as_a_turn_may_take(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import takes hours, and a loop may pause for longer than told."""
    watched.turn("usdf")
    while_it_turns: list[dict[str, str]] = []
    monkeypatch.setattr(
        "calibstate.work.watch._Turn.publish",
        lambda turn, session: while_it_turns.append(watched.state("usdf")),
    )
    began = datetime.now(UTC).replace(microsecond=0)
    watched.turn("usdf", "--turn-limit", "3h", "--every", "2h")
    monkeypatch.undo()

    (state,) = while_it_turns
    assert (
        timedelta(hours=3) <= datetime.fromisoformat(state["until"]) - began < timedelta(hours=3, minutes=2)
    )
    until = datetime.fromisoformat(watched.state("usdf")["until"])
    assert timedelta(hours=6) <= until - began < timedelta(hours=6, minutes=2)
    watched.alter("usdf", lambda state: state.update(loop="another"))
    merge_new(watched)
    monkeypatch.setattr(clock, "source", lambda: began + timedelta(hours=5))
    assert "is kept by another loop" in watched.turn("usdf").out
    monkeypatch.setattr(clock, "source", lambda: began + timedelta(hours=7))
    watched.turn("usdf")
    assert NEW in watched.sites.chain(ORIGIN)


def test_a_clock_that_was_set_back_by_days_stops_no_loop(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.turn("usdf")
    merge_new(watched)
    back = datetime.now(UTC) - timedelta(days=3)
    monkeypatch.setattr(clock, "source", lambda: back)

    watched.turn("usdf")
    assert NEW in watched.sites.chain(ORIGIN)

    # And another one takes the site, though the first seems to be of tomorrow.
    watched.alter("usdf", lambda state: state.update(loop="another", at="2099-01-01T00:00:00Z"))
    assert "another loop" not in watched.turn("usdf").out


def test_a_health_check_tells_a_loop_that_goes_on_from_one_that_does_not(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = ("watch", "usdf", "--alive", "--every", "1m")
    assert watched.run("usdf", *alive).code == 1
    watched.turn("usdf")
    assert watched.run("usdf", *alive).code == 0
    later = datetime.now(UTC) + timedelta(hours=2, minutes=4)
    monkeypatch.setattr(clock, "source", lambda: later)
    ran = watched.run("usdf", *alive)
    assert ran.code == 1
    assert "does not go on" in ran.out
    # A moment of the future is no sign of life.
    watched.alter("usdf", lambda state: state.update(at="2099-01-01T00:00:00Z"))
    assert watched.run("usdf", *alive).code == 1


# Telling people


def test_people_are_told_once_of_each_change_with_what_to_do(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SLACK", receiver.slack)
    merge_new(watched)
    for site in ("usdf", "bts"):
        watched.turn(site)

    for _ in range(3):
        watched.turn("summit")
    watched.run("summit", "apply", "--site", "summit", "--yes")
    for _ in range(2):
        watched.turn("summit")

    ours = [told for told in receiver.taken if "kind" in told]
    slack = [told["text"] for told in receiver.taken if "kind" not in told]
    assert receiver.refused == []
    assert [(told["word"], told["was"]) for told in ours] == [("stalled", None), ("ready", "stalled")]
    assert ours[0]["commands"] == ["calibstate apply --site summit"]
    assert "calibstate apply --site summit" in ours[0]["text"]
    assert len(slack) == len(ours)
    assert slack[0].startswith("*! summit: a person is asked for")


def test_what_could_not_be_told_is_told_in_the_next_turn_under_the_same_name(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SLACK", receiver.slack)
    file = watched.clone("usdf") / "chains" / "LSSTComCam-calib.yaml"
    file.write_text(f"{file.read_text()}# a note\n")
    watched.merge("Something")
    receiver.answers = [503, 503, 503]

    watched.turn("usdf")
    (unsent,) = watched.state("usdf")["unsent"]
    watched.turn("usdf")

    assert unsent["told_by"] == ["Slack"], "who knows it is not told twice"
    ours = [told for told in receiver.taken if "kind" in told]
    assert [told["id"] for told in ours] == [unsent["notice"]["id"]]
    assert watched.state("usdf")["unsent"] == []
    assert receiver.tries == 3 + 1 + 1


def test_a_receiver_that_refuses_is_not_asked_again_in_the_same_turn(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", "another secret")
    file = watched.clone("usdf") / "chains" / "LSSTComCam-calib.yaml"
    file.write_text(f"{file.read_text()}# a note\n")
    watched.merge("Something")

    ran = watched.turn("usdf")

    assert receiver.refused == ["its signature is another one"]
    assert "it answers with 400" in ran.err
    assert receiver.url not in ran.err


def test_a_letter_is_handed_to_the_host(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "sendmail"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/letter\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALIBSTATE_NOTIFY_MAIL", "night@example.org, day@example.org")
    file = watched.clone("usdf") / "chains" / "LSSTComCam-calib.yaml"
    file.write_text(f"{file.read_text()}# a note\n")
    watched.merge("Something")

    watched.turn("usdf")

    letter = message_from_bytes((tmp_path / "letter").read_bytes(), policy=policy.default)
    assert (tmp_path / "arguments").read_text().split() == ["-i", "-t"]
    assert letter["to"] == "night@example.org, day@example.org"
    assert letter["subject"] == "! usdf: a person is asked for (LocalChanges)"
    assert "git checkout -- ." in letter.get_content()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALIBSTATE_NOTIFY_URL", "http://hooks.example.org/secret"),
        ("CALIBSTATE_NOTIFY_SLACK", "ftp://example.org"),
        ("CALIBSTATE_NOTIFY_MAIL", "-oQ/tmp"),
    ],
)
def test_where_nobody_can_be_told_safely_nothing_is_begun(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    ran = watched.turn("usdf")

    assert ran.code == 64
    assert name in ran.err
    assert value not in ran.err


# What is asked


@pytest.mark.parametrize(
    ("watch", "words"),
    [
        ("{apply: [import-bundel]}", "import-bundel"),
        ("{apply: [prepend-to-chain]}", "prepend-to-chain"),
        ("{chains: maybe}", "maybe"),
        ("{every: often}", "often"),
        ("{every: 8d}", "8d"),
        ("{every: 999999d}", "at most 7d"),
    ],
)
def test_what_a_site_cannot_let_run_is_told_at_its_line(watched: Watched, watch: str, words: str) -> None:
    file = watched.sites.tree.state / "sites" / "usdf.yaml"
    said = [line for line in file.read_text().splitlines() if not line.startswith("watch:")]
    file.write_text("\n".join([*said, f"watch: {watch}"]) + "\n")

    ran = watched.sites.run("validate")

    assert ran.code == 1
    assert f"sites/usdf.yaml:{len(said) + 1}:" in ran.err + ran.out
    assert words in ran.err + ran.out


@pytest.mark.parametrize("option", ["--every", "--turn-limit"])
@pytest.mark.parametrize("time", ["0s", "8d", "999999d"])
def test_a_time_that_no_loop_can_keep_is_refused(watched: Watched, option: str, time: str) -> None:
    ran = watched.run("usdf", "watch", "usdf", option, time)

    assert ran.code == 64
    assert "between 1s and 7d" in ran.err


@pytest.mark.parametrize("site", ["nowhere", "sumit"])
def test_a_site_that_is_not_declared_is_refused(watched: Watched, site: str) -> None:
    ran = watched.run("usdf", "watch", site, "--once")

    assert ran.code == 64
    assert site in ran.err


def test_nobody_is_guessed_where_no_site_is_named(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALIBSTATE_HERE", raising=False)

    assert watched.run("usdf", "watch", "--once").code == 64


# Where it is seen


def test_status_and_pages_tell_how_each_loop_goes_on(watched: Watched) -> None:
    merge_new(watched)
    for site in ("usdf", "bts", "summit"):
        watched.turn(site)

    ran = watched.run("usdf", "status", "--observed", "published")
    document = watched.run("usdf", "status", "--format", "json").json
    watched.run("usdf", "page", "-o", str(watched.folder / "pages"))

    assert "summit keeps itself: ! stalled since" in ran.out
    assert "1 step waits for a person at summit/LSSTComCam." in ran.out.replace(
        "2 steps wait", "1 step waits"
    )
    assert [state["site"] for state in document["watches"]] == ["bts", "summit", "usdf"]
    page = watched.folder / "pages"
    loops = json.loads((page / "data.json").read_text())["loops"]
    assert {loop["site"]: loop["state"] for loop in loops}["summit"] == "stalled"
    assert "Sites that keep themselves" in (page / "index.html").read_text()
    metrics = (page / "metrics.prom").read_text()
    assert 'calibstate_loop{site="summit",state="stalled"} 1' in metrics
    assert 'calibstate_loop_timestamp_seconds{site="usdf"}' in metrics


def test_what_does_not_pass_its_review_is_a_trouble_until_it_does(
    watched: Watched, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    file = sorted(watched.sites.path(ORIGIN).rglob("DM-1/**/bias/*.fits"))[0]
    gone = file.with_name("aside")
    file.rename(gone)

    printed = [watched.turn("usdf") for _ in range(3)]
    gone.rename(file)
    later = datetime.now(UTC) + timedelta(minutes=61)
    monkeypatch.setattr(clock, "source", lambda: later)
    mended = watched.turn("usdf")

    # It is reviewed once an hour, and nothing is well meanwhile.
    assert [ran.code for ran in printed] == [2, 2, 2]
    assert "DM-1 does not pass its review" in printed[0].out
    assert printed[1].out == printed[2].out == ""
    assert mended.code == 0
    assert [(told["word"], told["reason"]) for told in receiver.taken] == [
        ("stalled", "Refused"),
        ("ready", "InSync"),
    ]


def test_who_reviews_is_told_what_nobody_will_be_asked_about(watched: Watched) -> None:
    watched.lets("summit", CARRIES, "apply")

    printed = watched.sites.run("diff", "HEAD").out

    assert "summit/LSSTComCam watch.chains: ask → apply" in printed
    assert "sites/summit.yaml" in printed
