"""Each rule finds what its page calls bad, and lets the good pass.

A page is judged by its own rule: what others find in its examples is no
matter, so that a new rule has no page to see to but its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import calibstate.checks.judge
from calibstate.checks.crosscheck import MISTAKES
from calibstate.checks.judge import RULES, judge
from calibstate.checks.judged import Judged
from calibstate.checks.rule import Finding, Weight, rule, rules_in
from calibstate.model.policy import Level
from calibstate.store.statefile import load
from tests.golden import Golden
from tests.policy.pages import BAD, GOOD, PAGES, Example, example, messages_by, page_of
from tests.tree import ROOT, Tree

CODES = [rule.code for rule in RULES]
FAMILIES = {"N": "1", "O": "2", "A": "3", "V": "4", "D": "5", "C": "6", "R": "7", "S": "8", "M": "9"}


def validated(shown: Example, folder: Path, capsys: Any, code: str) -> tuple[list[str], str]:
    """Return the lines that a rule finds, and how that is told to people."""
    tree = shown.write(folder)
    problems = tree.run(capsys, "validate", "--base", "main", "--format", "json").json["problems"]
    mistakes = [problem for problem in problems if problem["severity"] == "error" and not problem["code"]]
    assert mistakes == [], mistakes
    places = [problem["at"] for problem in problems if problem["code"] == code]
    text = tree.run(capsys, "validate", "--base", "main").err
    return [f"{place['file']}:{place['line']}" for place in places], messages_by({code}, text)


@pytest.mark.parametrize("code", CODES)
def test_what_a_page_calls_bad_is_found_at_the_marked_line(
    tmp_path: Path, capsys: Any, golden: Golden, code: str
) -> None:
    bad = example(code, BAD)

    places, text = validated(bad, tmp_path, capsys, code)

    assert places == bad.told_at
    assert len(bad.told_at) == 1
    golden(f"policy/{code}.txt", text)


@pytest.mark.parametrize("code", CODES)
def test_what_a_page_calls_good_passes(tmp_path: Path, capsys: Any, code: str) -> None:
    good = example(code, GOOD)
    assert good.after
    assert good.told_at == []

    places, _ = validated(good, tmp_path, capsys, code)

    assert places == []


@rule("N199", "everything", title="Everything", level=Level.ERROR, source="nowhere")
def everything(tree: Judged) -> Iterator[Finding]:
    """Find something in every tree, and something at every ticket."""
    yield Finding(tree.desired.settings.lines.at("version"), "This is a tree.")
    for ticket in tree.tickets:
        yield Finding(ticket.lines.at("ticket"), "This is a ticket.")


@pytest.mark.parametrize("which", [BAD, GOOD])
def test_a_rule_that_finds_something_everywhere_touches_no_page_of_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, which: str
) -> None:
    monkeypatch.setattr(calibstate.checks.judge, "RULES", (*RULES, everything))
    for code in CODES:
        shown = example(code, which)
        before, after = shown.folders(tmp_path / code)
        found = judge(load(after)[0], load(before)[0], date(2026, 11, 1))

        assert any(diagnostic.code == "N199" for diagnostic in found)
        places = [diagnostic.where for diagnostic in found if diagnostic.code == code]
        assert [f"{place.file}:{place.line}" for place in places if place] == shown.told_at


FAMILY = """
from calibstate.checks.rule import Finding, mistake, rule
from calibstate.model.policy import Level
{imports}

@rule("{code}", "a-name", title="A title", level=Level.NOTE, source="a source")
def of_the_policy(tree):
    yield Finding(None, "a finding")

@mistake("{title}")
def that_must_not_be(tree):
    yield Finding(None, "a finding")
"""


def test_a_rule_is_declared_by_nothing_but_its_function(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "families_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    borrows = "from families_of_a_test.second import of_the_policy as borrowed"
    (package / "first.py").write_text(FAMILY.format(code="B202", title="Z", imports=borrows))
    (package / "second.py").write_text(FAMILY.format(code="Z101", title="A", imports=""))
    monkeypatch.syspath_prepend(tmp_path)

    import families_of_a_test  # type: ignore[import-not-found]

    rules = rules_in(families_of_a_test)

    assert [(rule.code, rule.weight) for rule in rules] == [
        ("", Weight.MUST),
        ("", Weight.MUST),
        ("Z101", Weight.SHOULD),
        ("B202", Weight.SHOULD),
    ]
    assert [rule.title for rule in rules[:2]] == ["A", "Z"]


@pytest.mark.parametrize("rule", RULES, ids=CODES)
def test_a_page_tells_the_rule_as_it_is(rule: Any) -> None:
    page = page_of(rule.code)
    assert page.startswith(f"# {rule.code}: {rule.name}\n")
    assert f"*{rule.title}.*  Level: {rule.level.value}," in page
    for word in re.findall(r"sections? [\d.]+|decision \d+", rule.source):
        assert word in page
    row = next(
        line
        for line in (PAGES.with_suffix(".md")).read_text().splitlines()
        if f"policy/{rule.code}.md" in line
    )
    assert f"`{rule.name}` | {rule.level.value} |" in row


def test_each_page_is_of_a_rule() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(CODES)


def test_codes_and_names_are_those_of_one_rule_each() -> None:
    names = [policy.name for policy in RULES]
    titles = [policy.title for policy in RULES] + [mistake.title for mistake in MISTAKES]
    for words in (CODES, names, titles):
        assert [word for word, number in Counter(words).items() if number > 1] == []
    assert sorted(CODES, key=lambda code: code[1:]) == CODES
    assert all(re.fullmatch(f"{code[0]}{FAMILIES[code[0]]}[0-9][0-9]", code) for code in CODES)


def test_the_declaration_of_the_observatory_passes(capsys: Any) -> None:
    tree = Tree(ROOT)
    problems = tree.run(capsys, "validate", "--format", "json").json["problems"]
    assert [problem for problem in problems if problem["code"] or problem["severity"] == "error"] == []


def test_rules_are_collected_by_their_weight() -> None:
    assert {rule.weight for rule in RULES} == {Weight.SHOULD}
    assert {rule.weight for rule in MISTAKES} == {Weight.MUST}
    assert all(rule.source for rule in RULES)
