"""A decision of the board is written into files that people wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.impact_test import git
from tests.commands.sites import TOP
from tests.golden import Golden
from tests.sealing import certified, seal, since
from tests.tree import Tree

UNTIL = ("--observed-until", "2025-02-11")
DAY = ("--date", "2025-02-10")
CHAIN = "chains/LSSTComCam-calib.yaml"
TICKET = "tickets/LSSTComCam/DM-200.yaml"

PLAIN = """\
# The lamp was new.
ticket: DM-200
instrument: LSSTComCam
approval:
  status: proposed  # since Monday
  # The board meets on Tuesdays.
collections:
  - bias.20241107a  # CALIBRATION: 9 bias
"""
LISTED = """\
# As published.
chain: LSSTComCam/calib
instrument: LSSTComCam
entries:
  # The newest of all.
  - DM-300  # curated
  - DM-100
retired:
  DM-50: striped
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a sealed ticket that is proposed, and a chain without it."""
    tree = Tree(tmp_path / "tree")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    seal(tree, "DM-50", {"bias.20240901a": [certified("bias", since("2024-09-01"))]})
    seal(tree, "DM-100", {"bias.20241024a": [certified("bias", since("2024-10-24"))]})
    seal(tree, "DM-200", {"bias.20241107a": [certified("bias", since("2024-11-07"))]})
    tree.ticket("DM-300", bare=[f"{TOP}/DM-300", f"{TOP}/DM-300/unbounded"])
    (tree.state / TICKET).write_text(PLAIN)
    (tree.state / "chains").mkdir()
    (tree.state / CHAIN).write_text(LISTED)
    git(tree.state, "init", "-q", "-b", "main")
    git(tree.state, "config", "user.name", "nobody")
    git(tree.state, "config", "user.email", "nobody@example.org")
    commit(tree)
    return tree


def commit(tree: Tree) -> None:
    git(tree.state, "add", "-A")
    git(tree.state, "commit", "-q", "-m", "as it is")


def read(tree: Tree, file: str = TICKET) -> Any:
    return yaml.load((tree.state / file).read_text(encoding="utf-8-sig"), yaml.BaseLoader)


def digest(tree: Tree, ticket: str = "DM-200") -> str:
    return str(read(tree, f"seals/LSSTComCam/{ticket}.yaml")["digest"])


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_a_decision_is_shown_before_it_is_written(
    tree: Tree, form: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("adopt", "DM-200", "TAXICAB-9", *DAY, "--dry-run", *UNTIL, "--format", form)

    ran = tree.run(capsys, *words)

    assert ran.code == 0, ran.err
    golden(f"propose/adopt-dry-run.{form}", ran.out)
    assert git(tree.state, "status", "--porcelain") == ""


def test_all_else_in_the_files_stays_and_twice_is_nothing(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "adopt",
        "DM-200",
        "TAXICAB-9",
        *DAY,
        "--report",
        "https://example.org/r",
        "--deployment",
        "DM-9",
    )

    ran = tree.run(capsys, *words, "--note", "with a ':' and # in it", *UNTIL)

    assert ran.code == 0, ran.err
    decided = f"""\
  status: adopted  # since Monday
  taxicab: TAXICAB-9
  note: "with a ':' and # in it"
  report: https://example.org/r
  date: 2025-02-10
  seal: {digest(tree)}
  # The board meets on Tuesdays.
"""
    old = "  status: proposed  # since Monday\n  # The board meets on Tuesdays.\n"
    after = PLAIN.replace(old, f"{decided}deployment: DM-9\n")
    assert sorted((tree.state / TICKET).read_text().splitlines()) == sorted(after.splitlines())
    assert read(tree)["approval"]["seal"] == digest(tree)
    assert (tree.state / CHAIN).read_text() == LISTED.replace("entries:\n", "entries:\n  - DM-200\n")
    assert tree.run(capsys, "validate").code == 0
    before = (tree.state / TICKET).read_bytes()
    again = tree.run(capsys, *words)
    assert (again.code, "Nothing to write" in again.out) == (0, True), again.err
    assert (tree.state / TICKET).read_bytes() == before
    # The chain is written last; a run that was killed then lacks the entry.
    listed = (tree.state / CHAIN).read_bytes()
    (tree.state / CHAIN).write_text(LISTED)
    assert tree.run(capsys, *words).code == 0
    assert (tree.state / CHAIN).read_bytes() == listed


@pytest.mark.parametrize(
    "written",
    [
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN,
        PLAIN.rstrip("\n"),
        "{ticket: DM-200, instrument: LSSTComCam, approval: {status: proposed}, "
        "collections: [bias.20241107a]}\n",
        PLAIN.replace(
            "  status: proposed  # since Monday\n", "    note: >-\n      a\n      b\n    status: 'flagged'\n"
        ),
        PLAIN.replace("collections", "deployment:\ncollections").replace("  # The", "  report:\n  # The"),
    ],
    ids=["of Windows", "with a mark", "without an end", "in a line", "indented", "without values"],
)
def test_a_file_is_added_to_however_it_is_written(
    tree: Tree, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree.state / TICKET).write_bytes(written.encode())
    assert tree.run(capsys, "validate").code == 0

    ran = tree.run(
        capsys, "adopt", "DM-200", "TAXICAB-9", *DAY, "--report", "https://example.org/?a=b#c", *UNTIL
    )

    assert ran.code == 0, ran.err
    approval = read(tree)["approval"]
    approval.pop("note", None)
    assert approval == {
        "status": "adopted",
        "taxicab": "TAXICAB-9",
        "report": "https://example.org/?a=b#c",
        "date": "2025-02-10",
        "seal": digest(tree),
    }
    after = (tree.state / TICKET).read_bytes().decode()
    assert after.startswith("\ufeff") is written.startswith("\ufeff")
    assert after.count("\r\n") == (after.count("\n") if "\r\n" in written else 0)
    assert after.count("#") - 1 == written.count("#")


def test_a_file_that_would_lose_something_is_left_alone(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree.state / TICKET).write_text(
        PLAIN.replace("status: proposed", "status: >-\n    proposed\n ").rstrip(" ")
    )
    before = (tree.state / TICKET).read_bytes()

    ran = tree.run(capsys, "adopt", "DM-200", "TAXICAB-9", *DAY)

    assert (ran.code, "File cannot be changed" in ran.err) == (3, True), ran.err
    assert f"approval.seal: {digest(tree)}" in ran.err
    assert (tree.state / TICKET).read_bytes() == before
    assert "DM-200" not in (tree.state / CHAIN).read_text()


@pytest.mark.parametrize(
    ("options", "entries"),
    [
        (["--before", "DM-100"], ["DM-300", "DM-200", "DM-100"]),
        (["--chain", TOP, "--before", "DM-300"], ["DM-200", "DM-300", "DM-100"]),
    ],
)
def test_an_entry_goes_where_it_is_asked_for(
    tree: Tree, options: Sequence[str], entries: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ran = tree.run(capsys, "adopt", "DM-200", "TAXICAB-9", *options, *UNTIL)

    assert ran.code == 0, ran.err
    assert read(tree, CHAIN)["entries"] == entries
    again = tree.run(capsys, "adopt", "DM-200", "TAXICAB-9", *options)
    assert (again.code, "stays where it stands" in again.err) == (0, True), again.err


def test_a_chain_that_no_file_declares_is_made(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    (tree.state / CHAIN).unlink()

    ran = tree.run(capsys, "adopt", "DM-200", "TAXICAB-9", *UNTIL)

    assert ran.code == 0, ran.err
    assert read(tree, CHAIN) == {"chain": TOP, "instrument": "LSSTComCam", "entries": ["DM-200"]}
    assert "No file declared LSSTComCam/calib" in ran.err


def test_what_cannot_be_adopted_is_refused_in_clear_words(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.ticket("DM-400", "dark.20250101a", status="proposed")
    tree.ticket("DM-500", "dark.20250101a", status="rejected")
    tree.ticket("DM-50", "bias.20240901a", status="proposed")
    for ticket in ("DM-601", "DM-602"):
        seal(tree, ticket, {"dark.20250101a": [certified("dark", since("2025-01-01"))]}, status="flagged")
    _approve(tree, "DM-601", taxicab="TAXICAB-6")
    _approve(tree, "DM-602", seal=f"sha256:{'0' * 64}")
    (tree.state / "chains/other.yaml").write_text(
        LISTED.replace(TOP, "LATISS/calib").split("entries")[0] + "entries: []\n"
    )
    commit(tree)
    refusals: Sequence[tuple[Sequence[str], int, str]] = [
        (["DM-20", "TAXICAB-9"], 64, "Did you mean DM-200?"),
        (["DM-200", "TAXICAB\u20119"], 64, "Did you mean TAXICAB-9?"),
        (["DM-200", "TBD"], 64, "`TBD` is the key of no ticket"),
        (["DM-200", "TAXICAB-9", "--deployment", "soon"], 64, "--deployment: `soon` is the key of no ticket"),
        (["DM-200", "TAXICAB-9", "--date", "2025-02-30"], 64, "no such day"),
        (["DM-200", "TAXICAB-9", "--date", "2925-02-01"], 64, "is yet to come"),
        (["DM-200", "TAXICAB-9", "--report", "https://me:pass@example.org/"], 64, "Secret in words"),
        (["DM-200", "TAXICAB-9", "--note", "a\u202eb"], 64, "holds U+202E"),
        (["DM-200", "TAXICAB-9", "--chain", "LSSTComCam/calub"], 64, "Did you mean LSSTComCam/calib?"),
        (["DM-200", "TAXICAB-9", "--before", "DM-10"], 64, "Did you mean DM-100?"),
        (["DM-200", "TAXICAB-9", "--branch", "x"], 64, "Give --commit too"),
        (["DM-400", "TAXICAB-9"], 3, "calibstate seal LSSTComCam/DM-400"),
        (["DM-500", "TAXICAB-9"], 3, 'LSSTComCam/DM-500 is "rejected" by its approval'),
        (["DM-50", "TAXICAB-9"], 3, "LSSTComCam/calib has retired DM-50: striped"),
        (["DM-601", "TAXICAB-9"], 3, '"flagged" by TAXICAB-6, not by TAXICAB-9'),
        (["DM-602", "TAXICAB-9"], 3, "Approved content is not the sealed one"),
    ]

    for words, code, reason in refusals:
        ran = tree.run(capsys, "adopt", *words)
        assert (ran.code, reason in ran.err) == (code, True), (words, ran)

    assert git(tree.state, "status", "--porcelain") == ""


def _approve(tree: Tree, ticket: str, **more: str) -> None:
    file = tree.state / f"tickets/LSSTComCam/{ticket}.yaml"
    lines = "".join(f"\n  {key}: {value}" for key, value in more.items())
    file.write_text(file.read_text().replace("  note: made for a test", f"  note: made for a test{lines}"))


def test_what_was_captured_gets_its_record_and_no_day(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    before = read(tree, CHAIN)

    ran = tree.run(capsys, "adopt", "DM-100", "TAXICAB-1", *UNTIL)

    assert ran.code == 0, ran.err
    approval = read(tree, "tickets/LSSTComCam/DM-100.yaml")["approval"]
    assert approval == {
        "status": "adopted",
        "taxicab": "TAXICAB-1",
        "note": "made for a test",
        "seal": digest(tree, "DM-100"),
    }
    assert read(tree, CHAIN) == before


def test_only_the_files_of_the_decision_are_committed(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    (tree.state / "README.md").write_text("mine\n")

    ran = tree.run(capsys, "adopt", "DM-200", "TAXICAB-9", *DAY, "--commit", *UNTIL)

    assert ran.code == 0, ran.err
    assert git(tree.state, "rev-parse", "--abbrev-ref", "HEAD") == "adopt-DM-200"
    assert git(tree.state, "show", "--name-only", "--format=", "HEAD").split() == [CHAIN, TICKET]
    assert git(tree.state, "log", "-1", "--format=%B").splitlines() == [
        "Adopt DM-200 by TAXICAB-9",
        "",
        f"Approved as {digest(tree)}.",
        "Lookups: replaced: bias for 9 data IDs; into the past; not all is known.",
    ]
    assert git(tree.state, "status", "--porcelain") == "?? README.md"
    dirty = tree.state / TICKET
    dirty.write_text(dirty.read_text() + "# mine\n")
    ran = tree.run(capsys, "adopt", "DM-200", "TAXICAB-9", "--note", "more", "--commit")
    assert (ran.code, "Uncommitted changes" in ran.err) == (3, True), ran.err
