"""Levels and exceptions: what is asked for counts, and only as long."""

from __future__ import annotations

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
