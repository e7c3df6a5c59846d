"""A reviewer sees what a change does, in words that need no explanation."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from calibstate.model.timespans import UNBOUNDED
from tests import world
from tests.commands.sites import ORIGIN, SUMMIT, TOP, Sites
from tests.golden import Golden
from tests.sealing import certified, seal, since
from tests.tree import Ran, Tree

UNTIL = ("--observed-until", "2025-02-11")


@dataclass
class Proposal:
    """A tree in Git, and what somebody makes of it."""

    tree: Tree
    capsys: pytest.CaptureFixture[str]

    def commit(self, *more: str) -> None:
        git(self.tree.state, "add", "-A")
        git(self.tree.state, "commit", "-q", "-m", "as it was", *more)

    def entries(self, *entries: str, retired: Sequence[str] = ()) -> None:
        more: dict[str, Any] = {"retired": dict.fromkeys(retired, "for a test")} if retired else {}
        self.tree.chain(entries, **more)

    def impact(self, *arguments: str) -> Ran:
        return self.tree.run(self.capsys, "impact", "main", *UNTIL, *arguments)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    ran = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return ran.stdout.strip()


def repositories_of(changes: list[dict[str, Any]]) -> set[str]:
    """Return the repositories at which there are changes."""
    return {chain["repository"] for change in changes for chain in change["chains"]}


def masked(proposal: Proposal, printed: str) -> str:
    """Return an output without what differs each time."""
    return printed.replace(git(proposal.tree.state, "rev-parse", "main")[:10], "0123456789")


@pytest.fixture(scope="session")
def tree_made_once(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return three tickets, the newest in front, at two repositories."""
    tree = Tree(tmp_path_factory.mktemp("proposal") / "made")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    seal(
        tree,
        "DM-100",
        {
            "bias": [certified("bias", UNBOUNDED)],
            "flat-g": [certified("flat", since("2024-10-24"), filters=["g_01"])],
            "flat-r": [certified("flat", since("2024-10-24"), filters=["r_03"])],
        },
    )
    seal(tree, "DM-200", {"flat-r": [certified("flat", since("2024-11-07"), filters=["r_03"])]})
    seal(tree, "DM-300", {"defects": [certified("defects", since("2024-12-11"))]})
    tree.chain(["DM-300", "DM-200", "DM-100"])
    git(tree.state, "init", "-q", "-b", "main")
    git(tree.state, "add", "-A")
    git(tree.state, "commit", "-q", "-m", "as it was")
    return tree


@pytest.fixture
def proposal(tree_made_once: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Proposal:
    shutil.copytree(tree_made_once.folder, tmp_path / "made")
    return Proposal(replace(tree_made_once, folder=tmp_path / "made"), capsys)


def newly_covered(made: Proposal) -> None:
    seal(made.tree, "DM-400", {"dark": [certified("dark", since("2025-02-20"))]})
    made.entries("DM-400", "DM-300", "DM-200", "DM-100")


def lost(made: Proposal) -> None:
    made.entries("DM-200", "DM-100", retired=["DM-300"])


def replaced(made: Proposal) -> None:
    flats = certified("flat", since("2024-11-07"), filters=["g_01", "r_03"])
    seal(made.tree, "DM-400", {"flat": [flats]})
    made.entries("DM-300", "DM-400", "DM-200", "DM-100")


def reverted(made: Proposal) -> None:
    made.entries("DM-300", "DM-100", retired=["DM-200"])


def shadowed(made: Proposal) -> None:
    made.entries("DM-300", "DM-100", "DM-200")


def into_the_past(made: Proposal) -> None:
    flats = certified("flat", since("2024-10-01", "2025-03-01"), filters=["r_03"])
    seal(made.tree, "DM-400", {"flat": [flats]})
    made.entries("DM-400", "DM-300", "DM-200", "DM-100")


def only_in_the_future(made: Proposal) -> None:
    flats = certified("flat", since("2025-03-01"), filters=["r_03"])
    seal(made.tree, "DM-400", {"flat": [flats]})
    made.entries("DM-400", "DM-300", "DM-200", "DM-100")


def no_effect(made: Proposal) -> None:
    made.entries("DM-200", "DM-300", "DM-100")


def nothing_at_all(made: Proposal) -> None:
    file = made.tree.state / "chains" / "LSSTComCam-calib.yaml"
    file.write_text("# a comment\n" + file.read_text())


def not_sealed(made: Proposal) -> None:
    made.tree.ticket("DM-400", "flat.a")
    made.entries("DM-400", "DM-300", "DM-200", "DM-100")


def at_one_repository(made: Proposal) -> None:
    seal(
        made.tree,
        "DM-200",
        {"flat-r": [certified("flat", since("2024-11-07"), filters=["r_03"])]},
        skip={"summit": "the filter left the summit"},
    )


def all_but_some_detectors(made: Proposal) -> None:
    detectors = [number for number in range(9) if number != 4]
    seal(
        made.tree,
        "DM-400",
        {
            "bias": [certified("bias", since("2025-01-01"), detectors)],
            "one": [certified("dark", UNBOUNDED, [4])],
        },
    )
    made.entries("DM-400", "DM-300", "DM-200", "DM-100")


def all_at_once(made: Proposal) -> None:
    seal(made.tree, "DM-400", {"dark": [certified("dark", since("2025-02-20"))]})
    flats = certified("flat", since("2025-01-10"), range(6), ["g_01"])
    seal(made.tree, "DM-500", {"flat": [flats]})
    made.tree.ticket("DM-600", "ptc.a")
    made.entries("DM-600", "DM-500", "DM-100", "DM-200", "DM-400", retired=["DM-300"])


def alike_at_most_repositories(made: Proposal) -> None:
    """Bring new flats to three repositories, two of which lack a ticket."""
    made.tree.settings(waves=[["usdf"], ["summit"], ["bts"]])
    made.tree.site("bts", {"LSSTComCam": "copy"})
    defects = {"defects": [certified("defects", since("2024-12-11"))]}
    seal(made.tree, "DM-300", defects, skip={"bts": "its detectors are others"})
    flats = {"flat-r": [certified("flat", since("2024-11-07"), filters=["r_03"])]}
    seal(made.tree, "DM-200", flats, skip={"summit": "the filter left the summit"})
    made.commit()
    new_flats = certified("flat", since("2025-01-10"), range(6), ["g_01", "r_03"])
    seal(made.tree, "DM-400", {"flat": [new_flats], "dark": [certified("dark", UNBOUNDED, [4])]})
    made.entries("DM-400", "DM-300", "DM-200", "DM-100")


WORDS = (
    newly_covered,
    lost,
    replaced,
    reverted,
    shadowed,
    into_the_past,
    only_in_the_future,
    no_effect,
    nothing_at_all,
    not_sealed,
    at_one_repository,
    all_but_some_detectors,
    all_at_once,
    alike_at_most_repositories,
)


@pytest.mark.parametrize("change", WORDS, ids=lambda change: change.__name__.replace("_", "-"))
def test_a_report_reads_well(proposal: Proposal, change: Any, golden: Golden) -> None:
    change(proposal)

    ran = proposal.impact()

    assert (ran.code, ran.err) == (0, "")
    golden(f"impact/{change.__name__.replace('_', '-')}.txt", masked(proposal, ran.out))


@pytest.mark.parametrize(
    "change",
    [all_at_once, alike_at_most_repositories],
    ids=lambda change: change.__name__.replace("_", "-"),
)
def test_a_report_reads_well_in_a_pull_request(proposal: Proposal, change: Any, golden: Golden) -> None:
    change(proposal)

    ran = proposal.impact("--format", "markdown")

    golden(f"impact/{change.__name__.replace('_', '-')}.md", masked(proposal, ran.out))


def test_what_is_the_same_at_several_repositories_is_told_once(proposal: Proposal) -> None:
    alike_at_most_repositories(proposal)

    in_text, in_markdown = proposal.impact().out, proposal.impact("--format", "markdown").out

    # The three search three different things, and get the same darks.
    document = proposal.impact("--format", "json").json
    darks = [change for change in document["changes"] if change["dataset_type"] == "dark"]
    assert len(darks) == 3
    assert in_text.count("newly covered  dark  ") == 1
    assert in_markdown.count("| dark detector 4 | newly covered | all |") == 1
    assert "usdf/main, summit/LSSTComCam, bts/LSSTComCam: `+ DM-400`" in in_markdown


def test_a_program_gets_everything(proposal: Proposal) -> None:
    all_at_once(proposal)

    told = proposal.impact("--format", "json").json

    assert told["summary"] == {"lost": 1, "newly covered": 1, "replaced": 1, "reverted": 1}
    assert told["observed_until"] == "2025-02-12T12:00:00"
    (loss,) = [one for one in told["changes"] if one["what"] == "lost"]
    assert loss == {
        "chains": [
            {"repository": "summit/LSSTComCam", "chain": "LSSTComCam/calib"},
            {"repository": "usdf/main", "chain": "LSSTComCam/calib"},
        ],
        "instrument": "LSSTComCam",
        "dataset_type": "defects",
        "data_ids": [{"detector": "0..8"}],
        "begin": "2024-12-11T00:00:00",
        "end": None,
        "what": "lost",
        "into_the_past": True,
        "before": {
            "collection": "LSSTComCam/calib/DM-300/defects",
            "run": "LSSTComCam/calib/DM-300/defects.run",
        },
        "after": None,
    }
    assert repositories_of(told["changes"]) == {"summit/LSSTComCam", "usdf/main"}
    assert {(one["ticket"], one["moved"]) for one in told["unknown"]} == {("DM-600", True)}
    assert {(one["ticket"], one["whole"]) for one in told["shadowed"]} == {("DM-200", True)}
    assert {one["declared_at"]["file"] for one in told["shadowed"]} == {"chains/LSSTComCam-calib.yaml"}


@pytest.mark.parametrize(
    ("option", "word", "expected"),
    [
        ("--site", "usdf", {"usdf/main"}),
        ("--repository", "summit/LSSTComCam", {"summit/LSSTComCam"}),
        ("--exclude", "summit/*", {"usdf/main"}),
    ],
)
def test_it_can_be_narrowed(proposal: Proposal, option: str, word: str, expected: set[str]) -> None:
    lost(proposal)

    told = proposal.impact("--format", "json", option, word).json

    assert repositories_of(told["changes"]) == expected


def test_it_can_be_narrowed_to_a_ticket(proposal: Proposal) -> None:
    all_at_once(proposal)

    told = proposal.impact("--format", "json", "--ticket", "DM-300").json

    assert told["summary"].keys() == {"lost"}
    assert told["unknown"] == told["shadowed"] == []
    other = proposal.impact("--format", "json", "--ticket", "LSSTComCam/DM-200").json
    assert {one["ticket"] for one in other["shadowed"]} == {"DM-200"}
    assert proposal.impact("--ticket", "DM-12").code == 64


# --- what is compared ---


def test_without_a_revision_it_is_what_the_branch_changes(proposal: Proposal) -> None:
    git(proposal.tree.state, "checkout", "-q", "-b", "proposal")
    lost(proposal)
    proposal.commit()
    git(proposal.tree.state, "checkout", "-q", "main")
    replaced(proposal)
    proposal.commit()
    git(proposal.tree.state, "checkout", "-q", "proposal")

    told = proposal.tree.run(proposal.capsys, "impact", "--format", "json").json

    assert told["summary"] == {"lost": 1}
    assert "where main was left" in told["base"]


def test_a_tree_that_was_not_there_yet_covers_all_newly(proposal: Proposal) -> None:
    shutil.rmtree(proposal.tree.state / ".git")
    git(proposal.tree.folder, "init", "-q", "-b", "main")
    git(proposal.tree.folder, "commit", "-q", "--allow-empty", "-m", "nothing")

    told = proposal.impact("--format", "json").json

    assert told["summary"].keys() == {"newly covered"}


def test_a_tree_within_a_larger_repository_is_found_there(proposal: Proposal) -> None:
    shutil.rmtree(proposal.tree.state / ".git")
    git(proposal.tree.folder, "init", "-q", "-b", "main")
    git(proposal.tree.folder, "add", "-A")
    git(proposal.tree.folder, "commit", "-q", "-m", "as it was")
    reverted(proposal)

    assert proposal.impact("--format", "json").json["summary"] == {"reverted": 1}


def test_a_seal_that_comes_later_tells_for_before_too(proposal: Proposal) -> None:
    file = proposal.tree.state / "seals" / "LSSTComCam" / "DM-200.yaml"
    text = file.read_text()
    file.unlink()
    proposal.commit()
    file.write_text(text)

    told = proposal.impact("--format", "json").json

    assert (told["changes"], told["unknown"]) == ([], [])


def nothing_moves(proposal: Proposal) -> None:
    """Change only what nobody searches by."""
    proposal.tree.settings(guards={"chain_changes": 7})


def moved_behind(proposal: Proposal) -> None:
    proposal.tree.chain([*BEFORE_AND_BEHIND, {"external": "skymaps"}], chain=DEFAULTS)


BEFORE_AND_BEHIND = [{"external": "u/front"}, "LSSTComCam/calib", {"external": "refcats"}]
DEFAULTS = "LSSTComCam/defaults"


@pytest.mark.parametrize(
    ("change", "unknown"),
    [
        (nothing_moves, {}),
        (replaced, {"u/front": False}),
        (reverted, {"u/front": False}),
        (lost, {"u/front": False, "refcats": False}),
        (moved_behind, {"u/front": False, "refcats": False, "skymaps": True}),
    ],
)
def test_what_others_make_is_unknown_only_where_it_could_change_what_is_told(
    proposal: Proposal, change: Callable[[Proposal], None], unknown: dict[str, bool]
) -> None:
    proposal.tree.chain(BEFORE_AND_BEHIND, chain=DEFAULTS)
    proposal.commit()
    change(proposal)

    ran = proposal.impact("--format", "json")

    assert {one["collection"]: one["moved"] for one in ran.json["unknown"]} == unknown
    assert ("not known" in proposal.impact().out) == (False in unknown.values())


def test_what_is_unknown_is_told_of_the_chains_that_search_it_alone(proposal: Proposal) -> None:
    # DP1's chain has the calibrations within it, and what others make behind.
    # A sibling with the same calibrations searches none of that.
    proposal.tree.chain(["LSSTComCam/calib", {"external": "refcats"}], chain=DEFAULTS)
    proposal.tree.chain(["LSSTComCam/calib"], chain="LSSTComCam/sibling")
    proposal.commit()
    lost(proposal)

    told = proposal.impact("--format", "json").json

    changed = {chain["chain"] for change in told["changes"] for chain in change["chains"]}
    assert changed == {"LSSTComCam/calib", DEFAULTS, "LSSTComCam/sibling"}
    assert {(one["chain"], one["collection"]) for one in told["unknown"]} == {(DEFAULTS, "refcats")}
    assert len(told["changes"]) == sum(told["summary"].values())
    said = proposal.impact().out
    assert f"1 collection that others make, searched by {DEFAULTS}" in said


def test_a_ticket_that_is_not_sealed_and_stays_is_told_to_be_taken_for_empty(proposal: Proposal) -> None:
    (proposal.tree.state / "seals" / "LSSTComCam" / "DM-100.yaml").unlink()
    proposal.commit()
    reverted(proposal)

    ran = proposal.impact()

    assert "what lookups find by means of DM-100 (not sealed)" in ran.out
    assert "lost" in ran.out  # And so this is told as lost, which it is not.


def test_a_repository_that_is_declared_no_more_is_told(proposal: Proposal) -> None:
    (proposal.tree.state / "sites" / "summit.yaml").unlink()

    ran = proposal.impact()

    assert "summit/LSSTComCam any more; what is there stays as it is" in ran.out


def test_a_new_repository_is_covered_newly(proposal: Proposal) -> None:
    proposal.tree.site("bts", {"LSSTComCam": "copy"})

    told = proposal.impact("--format", "json").json

    assert repositories_of(told["changes"]) == {"bts/LSSTComCam"}
    assert {one["what"] for one in told["changes"]} == {"newly covered"}


# --- what goes wrong ---


def test_outside_git_it_says_so(proposal: Proposal) -> None:
    shutil.rmtree(proposal.tree.state / ".git")

    ran = proposal.impact()

    assert ran.code == 1
    assert "State tree is not in Git" in ran.err


def test_an_unknown_revision_is_told(proposal: Proposal) -> None:
    ran = proposal.tree.run(proposal.capsys, "impact", "v9.9")

    assert ran.code == 64
    assert "Git knows no `v9.9` here" in ran.err


def test_without_a_main_branch_it_asks_for_a_revision(proposal: Proposal) -> None:
    git(proposal.tree.state, "branch", "-q", "-m", "trunk")

    ran = proposal.tree.run(proposal.capsys, "impact")

    assert ran.code == 64
    assert "calibstate impact HEAD" in ran.err


def test_a_base_that_does_not_validate_is_told_with_its_commit(proposal: Proposal) -> None:
    file = proposal.tree.state / "chains" / "LSSTComCam-calib.yaml"
    right = file.read_text()
    file.write_text(right + "surprise: 1\n")
    proposal.commit()
    commit = git(proposal.tree.state, "rev-parse", "main")[:10]
    file.write_text(right)

    ran = proposal.impact()

    assert ran.code == 1
    assert f"{commit}:chains/LSSTComCam-calib.yaml:" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--exposures", "day_obs > 1"], "Nobody to ask for exposures"),
        (["--observed-until", "yesterday"], "Not a date"),
        (["--live", "sumit/LSSTComCam"], "Did you mean summit/LSSTComCam?"),
        (["--live", "*"], "Several repositories"),
    ],
)
def test_what_makes_no_sense_is_told(proposal: Proposal, arguments: list[str], words: str) -> None:
    ran = proposal.tree.run(proposal.capsys, "impact", "main", *arguments)

    assert ran.code == 64
    assert words in ran.err


# --- a live repository ---


@pytest.fixture
def live(deployed: Sites) -> Sites:
    """Return real sites whose tree is in Git, nothing of it sealed."""
    state = deployed.tree.state
    git(state, "init", "-q", "-b", "main")
    git(state, "add", "-A")
    git(state, "commit", "-q", "-m", "as it was")
    return deployed


def impact(sites: Sites, *arguments: str) -> dict[str, Any]:
    ran = sites.run("impact", "main", "--format", "json", *arguments)
    assert ran.code == 0, ran.err
    return dict(ran.json)


def test_a_live_repository_tells_what_is_not_sealed(live: Sites) -> None:
    live.tree.chain(["DM-1"], retired={"DM-2": "for a test"})

    assert impact(live)["summary"] == {}
    told = impact(live, "--live", SUMMIT)

    assert told["summary"] == {"reverted": 2}
    assert told["unknown"] == []
    assert {one["before"]["run"] for one in told["changes"]} == {
        f"{TOP}/DM-2/bias.20240101a.run",
        f"{TOP}/DM-2/flat.20240101a.run",
    }


def test_what_stands_in_front_by_hand_hides_a_change(live: Sites) -> None:
    name = live.add_own(SUMMIT)
    live.change_chain(SUMMIT, lambda children: [name, *children])
    live.tree.chain(["DM-1"], retired={"DM-2": "for a test"})

    at_summit = impact(live, "--live", SUMMIT)
    at_origin = impact(live, "--live", ORIGIN)

    # Extras stay behind what is declared only where they are in front of
    # nothing of it: in front of DM-2 it goes in front of DM-1.
    assert {one["dataset_type"] for one in at_summit["changes"]} == {"flat"}
    assert {one["dataset_type"] for one in at_origin["changes"]} == {"bias", "flat"}


def test_what_is_chained_already_is_told_all_the_same(live: Sites) -> None:
    live.make_ticket("DM-3")
    live.tree.chain(["DM-3", "DM-2", "DM-1"])
    live.change_chain(ORIGIN, lambda children: [f"{TOP}/DM-3", *children])

    told = impact(live, "--live", ORIGIN)

    assert told["summary"] == {"replaced": 2}


def test_a_ticket_that_is_not_there_yet_is_told_by_its_seal(live: Sites) -> None:
    live.make_ticket("DM-3")
    live.tree.chain(["DM-3", "DM-2", "DM-1"])

    assert {one["ticket"] for one in impact(live, "--live", SUMMIT)["unknown"]} == {"DM-3"}
    assert live.run("seal", "DM-3").code == 0

    told = impact(live, "--live", SUMMIT)
    assert (told["summary"], told["unknown"]) == ({"replaced": 2}, [])


def test_affected_exposures_are_counted_by_night(live: Sites, golden: Golden) -> None:
    with live.butler(SUMMIT) as butler:
        world.add_exposures(butler, 20240601, 1, 2, 3, physical_filter="r_03")
        world.add_exposures(butler, 20240602, 1, 2, physical_filter="g_01")
        world.add_exposures(butler, 20230601, 1, physical_filter="r_03")
    live.tree.chain(["DM-1"], retired={"DM-2": "for a test"})

    told = impact(live, "--live", SUMMIT, "--exposures", "")

    assert told["nights"] == {"20230601": 1, "20240601": 3, "20240602": 2}
    by_types = {tuple(one["dataset_types"]) for one in told["exposures"] if one["day_obs"] > 20240000}
    assert by_types == {("bias", "flat")}
    (early,) = [one for one in told["exposures"] if one["day_obs"] == 20230601]
    assert early["dataset_types"] == ["flat"]
    some = impact(live, "--live", SUMMIT, "--exposures", "physical_filter = 'g_01'")
    assert some["nights"] == {"20240602": 2}
    text = live.run("impact", "main", *UNTIL, "--live", SUMMIT, "--exposures", "day_obs > 20240000")
    commit = git(live.tree.state, "rev-parse", "main")[:10]
    golden("impact/live-with-exposures.txt", text.out.replace(commit, "0123456789"))


def test_an_expression_that_the_butler_does_not_know_is_told(live: Sites) -> None:
    live.tree.chain(["DM-1"], retired={"DM-2": "for a test"})

    ran = live.run("impact", "main", "--live", SUMMIT, "--exposures", "nonsense !")

    assert ran.code == 64
    assert "Expression is not understood" in ran.err


def test_a_repository_that_cannot_be_seen_is_an_error(live: Sites) -> None:
    (live.path(SUMMIT) / "butler.yaml").unlink()

    ran = live.run("impact", "main", "--live", SUMMIT)

    assert ran.code == 1
    assert "Repository cannot be opened" in ran.err


def test_a_repository_that_says_nothing_is_an_error_soon(live: Sites) -> None:
    live.tree.chain(["DM-1"], retired={"DM-2": "for a test"})
    with closing(sqlite3.connect(live.path(SUMMIT) / "gen3.sqlite3", isolation_level=None)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")

        ran = live.run("impact", "main", "--live", SUMMIT, "--timeout", "1s")

    assert ran.code == 1
    assert "wait longer with --timeout" in ran.err


def test_it_writes_nothing(live: Sites) -> None:
    live.tree.chain(["DM-1"], retired={"DM-2": "for a test"})
    before = live.snapshot("repo", "archive")

    impact(live, "--live", SUMMIT)

    assert live.snapshot("repo", "archive") == before
    assert git(live.tree.state, "status", "--porcelain") == "M chains/LSSTComCam-calib.yaml"
