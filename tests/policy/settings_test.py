"""Levels and exceptions: what is asked for counts, and only as long."""

from __future__ import annotations

import textwrap
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calibstate.checks.judge import judge
from calibstate.errors import Severity
from calibstate.store.statefile import load
from tests.golden import Golden
from tests.policy.pages import BAD, example, messages_by
from tests.tree import Ran, Tree

ALWAYS = "2098-12-31"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a tree in which O201 finds DM-200."""
    return example("O201", BAD).write(tmp_path)


def policy(tree: Tree, text: str) -> None:
    settings = "version: 1\narchive: ../archive\nrecords: ../records\npolicy:\n"
    (tree.state / "calibstate.yaml").write_text(settings + text)


def exception(of: str = "DM-200", rule: str = "O201", until: str = ALWAYS, because: str = "a trial") -> str:
    return f"  exceptions:\n    - {{rule: {rule}, of: {of}, because: {because}, until: {until}}}\n"


def told(ran: Ran) -> list[tuple[str, str, str, int]]:
    """Return what is told, but by rules that are no matter here."""
    return [
        (one["severity"], one["code"], one["summary"], one["at"]["line"])
        for one in ran.json["problems"]
        if one["code"] in {"", "O201", "C604"} and one["summary"] != "Tickets without a seal"
    ]


def validated(tree: Tree, capsys: Any, *arguments: str) -> Ran:
    return tree.run(capsys, "validate", "--format", "json", *arguments)


FOUND = ("warning", "O201", "Newer below older", 6)


@pytest.mark.parametrize(
    ("level", "severity", "code"),
    [("off", None, 0), ("note", "note", 0), ("warning", "warning", 0), ("error", "error", 1)],
)
def test_a_level_is_what_the_settings_say(
    tree: Tree, capsys: Any, level: str, severity: str | None, code: int
) -> None:
    policy(tree, f"  levels: {{O201: {level}}}\n")

    ran = validated(tree, capsys)

    assert ran.code == code
    assert told(ran) == ([(severity, *FOUND[1:])] if severity else [])


def test_an_error_of_policy_stops_no_other_command(tree: Tree, capsys: Any) -> None:
    policy(tree, "  levels: {O201: error}\n")

    assert validated(tree, capsys).code == 1
    assert tree.run(capsys, "show").code == 0


@pytest.mark.parametrize("of", ["DM-200", "LSSTComCam/DM-200", "LSSTComCam/calib"])
def test_an_exception_silences_what_it_is_of(tree: Tree, capsys: Any, of: str) -> None:
    policy(tree, exception(of))

    assert told(validated(tree, capsys)) == []


def test_an_exception_of_another_silences_nothing_and_is_told(tree: Tree, capsys: Any) -> None:
    policy(tree, exception("DM-100"))

    assert told(validated(tree, capsys)) == [("note", "", "Exception to nothing", 6), FOUND]


def test_an_exception_counts_to_the_end_of_its_day_in_utc(tree: Tree) -> None:
    policy(tree, exception(until="2026-03-01"))
    desired, _ = load(tree.state)

    def codes(today: date) -> list[tuple[Severity, str]]:
        found = [one for one in judge(desired, None, today) if one.code in {"", "O201"}]
        return [(one.severity, one.code or one.summary) for one in found]

    assert codes(date(2026, 3, 1)) == []
    assert codes(date(2026, 3, 2)) == [
        (Severity.WARNING, "Exception has ended"),
        (Severity.WARNING, "O201"),
    ]


def test_what_has_ended_is_told_and_so_is_what_it_silenced(tree: Tree, capsys: Any, golden: Golden) -> None:
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    policy(tree, exception(until=yesterday, because="DM-100 is to be looked at first"))

    ran = tree.run(capsys, "validate")

    text = messages_by({"", "O201"}, ran.err)
    golden("policy/an-exception-that-has-ended.txt", text.replace(yesterday, "YESTERDAY"))


def test_an_exception_to_a_change_is_not_told_where_no_changes_are_judged(tree: Tree, capsys: Any) -> None:
    policy(tree, "  levels: {O201: off}\n" + exception(rule="C604"))

    assert told(validated(tree, capsys)) == []
    assert told(validated(tree, capsys, "--base", "main")) == [("note", "", "Exception to nothing", 7)]


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("  levels: {O210: off}\n", 5, "`O201`"),
        ("  levels: {newer-below-older: off}\n", 5, "`O201`"),
        (exception(rule="V4031"), 6, "`V403`"),
        ("  levels: {quite-another-word: off}\n", 5, "reference"),
    ],
)
def test_an_unknown_code_is_an_error_at_its_line(
    tree: Tree, capsys: Any, text: str, line: int, hint: str
) -> None:
    policy(tree, text)

    ran = validated(tree, capsys)

    assert ran.code == 1
    (unknown,) = [one for one in ran.json["problems"] if one["severity"] == "error" and not one["code"]]
    assert (unknown["summary"], unknown["at"]["line"]) == ("Unknown rule", line)
    assert hint in unknown["hint"]
    assert tree.run(capsys, "show").code == 0


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("  exceptions: [{rule: O201, of: DM-200, until: 2098-01-01}]\n", 5, "because"),
        ("  exceptions: [{rule: O201, of: DM-200, because: a trial}]\n", 5, "until"),
        (exception(because='"  "'), 6, "because"),
        (exception(until="2025-02-30"), 6, "is in no calendar"),
        (exception(until="soon"), 6, "a day, YYYY-MM-DD"),
        ("  levels: {O201: fatal}\n", 5, "`off`, `note`, `warning` or `error`"),
    ],
)
def test_a_policy_that_does_not_say_what_it_must_is_a_mistake(
    tree: Tree, capsys: Any, text: str, line: int, words: str
) -> None:
    policy(tree, text)

    (mistake,) = validated(tree, capsys).json["problems"]

    assert mistake["severity"] == "error"
    assert mistake["at"]["line"] == line
    assert words in mistake["detail"] + mistake["hint"]


def test_a_policy_changes_no_digest(tree: Tree) -> None:
    before = load(tree.state)[0].digest
    policy(tree, exception())
    assert load(tree.state)[0].digest == before


@pytest.mark.parametrize("skipped", [True, False])
def test_a_thousand_tickets_are_judged_in_well_under_a_second(tmp_path: Path, *, skipped: bool) -> None:
    tree = example("O201", BAD).write(tmp_path)
    names = [f"DM-{number}" for number in range(10000, 11000)]
    more: dict[str, Any] = {"skip": {"summit": "the camera left the summit"}} if skipped else {}
    for name in names:
        tree.ticket(name, *(f"set/{what}.20250211a" for what in ("flat-r", "ptc", "bias", "dark")), **more)
    # The example's own file declares the same chain.
    tree.chain(list(reversed(names)))
    (tree.state / "chains" / "LSSTComCam.yaml").unlink()
    desired, _ = load(tree.state)

    began = time.process_time()
    found = judge(desired, desired, date(2025, 3, 1))

    assert time.process_time() - began < 0.8
    assert [one for one in found if one.code == "O201"] == []


# --- what was captured ---

CAPTURED = {"status": "adopted", "note": "found live at usdf/main on 2026-11-23", "captured": "2026-11-23"}


@pytest.fixture
def captured(tmp_path: Path) -> Tree:
    """Return a tree of two tickets that were captured, and a third."""
    tree = Tree(tmp_path)
    policy_of_captured(tree)
    tree.site("usdf", {"main": "origin"})
    for ticket in ("DM-1", "DM-2"):
        tree.ticket(ticket, "odd", "odder", "a/biasGen.20240101a", approval=CAPTURED)
    tree.ticket("DM-3", "oddest")
    tree.chain(["DM-3", "DM-2", "DM-1"])
    return tree


def policy_of_captured(tree: Tree, *exceptions: dict[str, Any]) -> None:
    tree.settings(policy={"exceptions": list(exceptions)} if exceptions else {})


def told_of(tree: Tree, capsys: Any) -> list[tuple[str, str]]:
    """Return what names are told, and where."""
    problems = validated(tree, capsys).json["problems"]
    return [(one["code"], Path(one["at"]["file"]).stem) for one in problems if one["code"].startswith("N")]


def test_one_exception_is_for_all_that_was_captured(captured: Tree, capsys: Any) -> None:
    everything = told_of(captured, capsys)
    policy_of_captured(captured, {"rule": ["N101", "N104"], "of": "captured", "because": "it is older"})
    of_two_rules = told_of(captured, capsys)
    policy_of_captured(captured, {"rule": "N104", "of": "captured", "because": "it is older"})
    of_one = told_of(captured, capsys)

    assert len(everything) == 7
    assert of_two_rules == [("N101", "DM-3")]
    assert [code for code, _ in of_one] == ["N101"] * 5


def test_the_exception_is_shown_where_much_is_found_of_what_was_captured(
    captured: Tree, capsys: Any, golden: Golden
) -> None:
    ran = captured.run(capsys, "validate")

    golden("policy/much-of-captured.txt", ran.err)
    # It is right as it is shown.
    shown = ran.err.partition("have in calibstate.yaml:\n\n")[2].split("\n\n")[0]
    path = captured.state / "calibstate.yaml"
    path.write_text(path.read_text().replace("policy: {}\n", "") + textwrap.dedent(shown) + "\n")
    assert told_of(captured, capsys) == [("N101", "DM-3")]
    assert "Found of what was captured" not in captured.run(capsys, "validate").err


def test_few_findings_want_no_exception(captured: Tree, capsys: Any) -> None:
    captured.ticket("DM-2", "a/bias.20240101a", approval=CAPTURED)

    assert "Found of what was captured" not in captured.run(capsys, "validate").err


def test_what_was_not_captured_is_not_excepted(captured: Tree, capsys: Any) -> None:
    for ticket in ("DM-1", "DM-2"):
        captured.ticket(ticket, "odd", "odder", "a/biasGen.20240101a")
    policy_of_captured(captured, {"rule": "N101", "of": "captured", "because": "it is older"})

    summaries = [one["summary"] for one in validated(captured, capsys).json["problems"]]

    assert summaries.count("Unusual name") == 5
    assert "Exception to nothing" in summaries
    assert "Found of what was captured" not in summaries


@pytest.mark.parametrize("rules", [["N101", "C601"], ["A305"], ["O201"], []])
def test_without_an_end_it_is_for_rules_of_making_only(captured: Tree, capsys: Any, rules: list[str]) -> None:
    policy_of_captured(captured, {"rule": rules, "of": "captured", "because": "it is older"})

    ran = validated(captured, capsys)

    assert ran.code == 1
    (wrong,) = ran.json["problems"]
    assert wrong["at"]["file"] == "calibstate.yaml"
    assert ("give `until`" if rules else "must not be empty") in wrong["detail"]


def test_a_rule_of_a_list_that_does_not_exist_is_told_at_its_line(captured: Tree, capsys: Any) -> None:
    policy_of_captured(captured, {"rule": ["N101", "N1O4"], "of": "captured", "because": "it is older"})

    ran = validated(captured, capsys)

    (wrong,) = [one for one in ran.json["problems"] if one["severity"] == "error"]
    text = (captured.state / "calibstate.yaml").read_text().splitlines()
    assert text[wrong["at"]["line"] - 1].strip() == "- N1O4"
    assert wrong["hint"] == "Did you mean `N104`?"
