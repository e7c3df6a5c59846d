"""Each rule finds what its page calls bad, and lets the good pass."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from calibstate.checks.policy.registry import RULES
from tests.golden import Golden
from tests.policy.pages import BAD, GOOD, PAGES, example, overview, page_of
from tests.tree import ROOT, Tree

CODES = [rule.code for rule in RULES]
FAMILIES = {"N": "1", "O": "2", "A": "3", "V": "4", "D": "5", "C": "6", "R": "7", "S": "8"}


def validated(tree: Tree, capsys: Any) -> tuple[list[dict[str, Any]], str]:
    """Return what has a code, and how it is told to people."""
    told = tree.run(capsys, "validate", "--base", "main", "--format", "json").json["problems"]
    mistakes = [one for one in told if one["severity"] == "error" and not one["code"]]
    assert mistakes == [], mistakes
    text = tree.run(capsys, "validate", "--base", "main").err
    messages = re.split(r"^(?=(?:error|warning|note)[\[:])", text, flags=re.MULTILINE)
    return [one for one in told if one["code"]], "".join(m for m in messages if "[" in m.partition(":")[0])


@pytest.mark.parametrize("code", CODES)
def test_what_a_page_calls_bad_is_found_at_the_marked_line(
    tmp_path: Path, capsys: Any, golden: Golden, code: str
) -> None:
    bad = example(code, BAD)

    found, text = validated(bad.write(tmp_path), capsys)

    assert [(one["code"], f"{one['at']['file']}:{one['at']['line']}") for one in found] == [
        (code, line) for line in bad.told_at
    ]
    assert len(bad.told_at) == 1
    golden(f"policy/{code}.txt", text)


@pytest.mark.parametrize("code", CODES)
def test_what_a_page_calls_good_passes(tmp_path: Path, capsys: Any, code: str) -> None:
    good = example(code, GOOD)
    assert good.after
    assert good.told_at == []

    found, _ = validated(good.write(tmp_path), capsys)

    assert found == []


@pytest.mark.parametrize("rule", RULES, ids=CODES)
def test_a_page_tells_the_rule_as_it_is(rule: Any) -> None:
    page = page_of(rule.code)
    assert page.startswith(f"# {rule.code}: {rule.name}\n")
    assert f"*{rule.title}.*  Level: {rule.level.value}," in page
    for word in re.findall(r"sections? [\d.]+|decision \d+", rule.reference):
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
    for words in (CODES, [rule.name for rule in RULES], [rule.title for rule in RULES]):
        assert [word for word, number in Counter(words).items() if number > 1] == []
    assert sorted(CODES, key=lambda code: code[1:]) == CODES
    assert all(re.fullmatch(f"{code[0]}{FAMILIES[code[0]]}[0-9][0-9]", code) for code in CODES)


def test_the_tree_of_the_examples_passes(tmp_path: Path, capsys: Any) -> None:
    from tests.policy.pages import Example

    found, _ = validated(Example({}, overview("example")).write(tmp_path), capsys)

    assert found == []


def test_the_declaration_of_the_observatory_passes(capsys: Any) -> None:
    tree = Tree(ROOT)
    told = tree.run(capsys, "validate", "--format", "json").json["problems"]
    assert [one for one in told if one["code"] or one["severity"] == "error"] == []
