"""``validate``: mistakes and findings, for people, programs and GitHub."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from calibstate.errors import Diagnostic, Severity, Where
from calibstate.views.github import annotation
from tests.golden import Golden
from tests.policy.pages import BAD, GOOD, example
from tests.tree import ROOT, Tree


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Return a tree with findings in a clone whose root is above it."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    tree = example("C603", BAD).write(tmp_path / "clone")
    shutil.move(tree.state / ".git", tree.folder / ".git")
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    before = example("C603", BAD).before
    shown = {file: (tree.state / file).read_text() for file in before if (tree.state / file).exists()}
    for file, text in before.items():
        (tree.state / file).write_text(text)
    for words in (["add", "-A"], ["commit", "-q", "-m", "below"]):
        subprocess.run(["git", *who, *words], cwd=tree.folder, check=True, capture_output=True)
    for file, text in {**shown, **example("C603", BAD).after}.items():
        (tree.state / file).write_text(text)
    return tree


def test_findings_are_annotations_at_file_and_line(tree: Tree, capsys: Any, golden: Golden) -> None:
    ran = tree.run(capsys, "validate", "--base", "HEAD", "--format", "github")

    assert (ran.code, ran.err) == (1, "")
    golden("validate/annotations.txt", ran.out)


def test_mistakes_are_annotations_too(tree: Tree, capsys: Any) -> None:
    (tree.state / "tickets" / "LSSTComCam" / "DM-200.yaml").write_text("ticket: DM-200\n\tx: 1\n")

    ran = tree.run(capsys, "validate", "--format", "github")

    assert ran.code == 1
    assert "::error file=state/tickets/LSSTComCam/DM-200.yaml,line=2,col=1,title=Tab in YAML::" in ran.out


def test_files_are_told_from_the_workspace_where_there_is_one(
    tree: Tree, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tree.folder.parent))
    assert (
        "file=clone/state/chains/" in tree.run(capsys, "validate", "--base", "HEAD", "--format", "github").out
    )

    monkeypatch.setenv("GITHUB_WORKSPACE", str(tree.folder.parent / "elsewhere"))
    assert "file=state/chains/" in tree.run(capsys, "validate", "--base", "HEAD", "--format", "github").out


def test_what_is_told_cannot_end_its_line_or_begin_a_property(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALIBSTATE_DOCS_URL", raising=False)
    told = Diagnostic(
        "Wrong: here, there",
        "100 % of\r\n::error::it",
        Where("a,b:c.yaml", 3, 7),
        "Do.",
        Severity.NOTE,
        "N101",
    )

    assert annotation(told, "sta:te") == (
        "::notice file=sta%3Ate/a%2Cb%3Ac.yaml,line=3,col=7,title=N101 Wrong%3A here%2C there"
        "::100 %25 of%0D%0A::error::it%0ADo.%0ASee docs/reference/policy/N101.md"
    )


def test_changes_are_judged_with_a_base_only(tree: Tree, capsys: Any) -> None:
    def codes(*arguments: str) -> set[str]:
        ran = tree.run(capsys, "validate", "--format", "json", *arguments)
        return {one["code"] for one in ran.json["problems"]}

    assert "C603" not in codes()
    assert "C603" in codes("--base", "HEAD")


def test_an_unknown_base_is_a_wrong_command_line(tree: Tree, capsys: Any) -> None:
    assert tree.run(capsys, "validate", "--base", "no-such-branch").code == 64


def test_a_base_with_mistakes_is_told_and_all_else_is_judged(tmp_path: Path, capsys: Any) -> None:
    tree = example("O201", BAD).write(tmp_path)
    chain = tree.state / "chains" / "LSSTComCam.yaml"
    good = chain.read_text()
    chain.write_text(good + "  - DM-404\n")
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *who, "commit", "-aqm", "broken"], cwd=tree.state, check=True)
    chain.write_text(good)

    ran = tree.run(capsys, "validate", "--base", "HEAD")

    assert ran.code == 0
    assert "Base does not validate" in ran.err
    assert "warning[O201]" in ran.err


def test_a_base_without_the_tree_has_nothing_to_compare(tmp_path: Path, capsys: Any) -> None:
    tree = example("O201", GOOD).write(tmp_path)
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", "checkout", "-q", "--orphan", "new"], cwd=tree.state, check=True)
    subprocess.run(["git", "rm", "-rqf", "--cached", "."], cwd=tree.state, check=True)
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "none"], cwd=tree.state, check=True)

    assert tree.run(capsys, "validate", "--base", "HEAD").code == 0


# --- many findings of one rule ---

ODD = 4
"""Collections of a ticket, each of a name that N101 finds."""


@pytest.fixture
def captured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Return a clone whose main has eight tickets of odd names."""
    monkeypatch.delenv("CALIBSTATE_DOCS_URL", raising=False)
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    for number in range(1, 9):
        odd(tree, f"DM-{number}")
    chain(tree, 8)
    git(tree, "init", "-q", "-b", "main")
    commit(tree)
    return tree


def odd(tree: Tree, ticket: str) -> None:
    tree.ticket(ticket, *[f"odd{number}" for number in range(ODD)])


def chain(tree: Tree, last: int) -> None:
    tree.chain([f"DM-{number}" for number in range(last, 0, -1)])


def git(tree: Tree, *words: str) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *who, *words], cwd=tree.state, check=True, capture_output=True)


def commit(tree: Tree) -> None:
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "as it is")


def at_lines(text: str) -> list[str]:
    """Return the lines of files at which tickets are told."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("tickets/")]


def test_findings_of_one_rule_stand_together(captured: Tree, capsys: Any, golden: Golden) -> None:
    ran = captured.run(capsys, "validate")

    assert ran.code == 0
    assert ran.out.endswith(": 1 site, 1 repository, 8 tickets, 1 chain: sound\n")
    golden("validate/together.txt", ran.err)


def test_all_shows_each_of_them(captured: Tree, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = captured.run(capsys, "validate", "--all")
    monkeypatch.setenv("CALIBSTATE_ALL", "1")
    by_variable = captured.run(capsys, "validate", "--format", "markdown")

    assert len(at_lines(ran.err)) == 8 * ODD + 1, "and the tickets without a seal"
    assert "more; --all" not in ran.err
    assert by_variable.err == ran.err


def test_as_many_as_a_line_more_would_take_are_shown(tmp_path: Path, capsys: Any) -> None:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    odd(tree, "DM-1")
    chain(tree, 1)

    ran = tree.run(capsys, "validate")

    assert "Unusual name: 4 findings in 1 file\n" in ran.err
    assert len(at_lines(ran.err)) == 5
    assert "more; --all" not in ran.err


def test_errors_are_all_shown(captured: Tree, capsys: Any) -> None:
    captured.settings(policy={"levels": {"N101": "error"}})

    ran = captured.run(capsys, "validate")

    assert ran.code == 1
    assert ran.err.count("error[N101]: Unusual name: 32 findings in 8 files") == 1
    assert len(at_lines(ran.err)) == 33


def test_mistakes_are_each_told_alone(captured: Tree, capsys: Any) -> None:
    for number in range(1, 7):
        captured.ticket(f"DM-{number}", "a/bias.20250101a", sumary="x")

    ran = captured.run(capsys, "validate")

    assert ran.code == 1
    assert ran.err.count("error: Unknown key\n") == 6
    assert ran.err.count("Did you mean `summary`?") == 6


def test_a_program_is_told_each_as_before(captured: Tree, capsys: Any) -> None:
    problems = captured.run(capsys, "validate", "--format", "json").json["problems"]

    assert sum(problem["code"] == "N101" for problem in problems) == 8 * ODD
    assert {problem["old"] for problem in problems} == {False}


def test_what_github_would_not_show_is_one_annotation_a_rule(captured: Tree, capsys: Any) -> None:
    few = captured.run(capsys, "validate", "--format", "github").out.splitlines()
    each = captured.run(capsys, "validate", "--all", "--format", "github").out.splitlines()

    names = [line for line in few if "N101" in line]
    assert len(names) == 1
    assert "title=N101 Unusual name%3A 32 findings in 8 files::" in names[0]
    assert "file=tickets/LSSTComCam/DM-1.yaml,line=7" in names[0]
    assert "Also at tickets/LSSTComCam/DM-1.yaml:8, " in names[0]
    assert "21 more, which --all shows." in names[0]
    assert sum("N101" in line for line in each) == 8 * ODD


def test_a_message_names_the_page_of_its_rule(
    captured: Tree, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_clone = captured.run(capsys, "validate").err
    monkeypatch.setenv("CALIBSTATE_DOCS_URL", "https://docs.example.org/calibstate/")
    published = captured.run(capsys, "validate").err
    annotated = captured.run(capsys, "validate", "--format", "github").out

    assert "\n  See docs/reference/policy/N101.md\n" in in_clone
    assert (ROOT / "docs" / "reference" / "policy" / "N101.md").exists()
    assert "\n  See https://docs.example.org/calibstate/reference/policy/N101.html\n" in published
    assert "%0ASee https://docs.example.org/calibstate/reference/policy/N101.html" in annotated


# --- what is new since the base ---


def test_with_a_base_only_what_is_new_is_told(captured: Tree, capsys: Any, golden: Golden) -> None:
    odd(captured, "DM-9")
    chain(captured, 9)

    ran = captured.run(capsys, "validate", "--base", "main")

    assert ran.code == 0
    golden("validate/since.txt", ran.err)
    # The other view of a change says the same.
    reported = captured.run(capsys, "report", "--base", "main", "--format", "json").json["problems"]
    judged = captured.run(capsys, "validate", "--base", "main", "--format", "json").json["problems"]
    new = [problem for problem in judged if not problem.pop("old")]
    assert new == reported
    assert len(judged) - len(new) == 8 * ODD


def test_all_shows_what_the_base_has_too(captured: Tree, capsys: Any) -> None:
    odd(captured, "DM-9")
    chain(captured, 9)

    text = captured.run(capsys, "validate", "--base", "main", "--all").err
    annotations = captured.run(capsys, "validate", "--base", "main", "--all", "--format", "github").out
    new = captured.run(capsys, "validate", "--base", "main", "--format", "github").out

    assert "Unusual name: 36 findings in 9 files" in text
    assert "As at main" not in text
    assert (annotations.count("N101 "), new.count("N101 ")) == (9 * ODD, ODD)


def test_an_old_finding_of_level_error_fails_no_change(captured: Tree, capsys: Any) -> None:
    captured.settings(policy={"levels": {"N101": "error"}})
    commit(captured)

    same = captured.run(capsys, "validate", "--base", "main")
    shown = captured.run(capsys, "validate", "--base", "main", "--all")
    odd(captured, "DM-9")
    more = captured.run(capsys, "validate", "--base", "main")

    assert (same.code, shown.code, more.code) == (0, 0, 1)
    assert captured.run(capsys, "validate").code == 1
    assert "As at main: 32 errors, 1 warning; --all shows them." in same.err
    assert "error[N101]: Unusual name: 4 findings in 1 file" in more.err


def test_a_mistake_stops_though_the_base_has_it_too(captured: Tree, capsys: Any) -> None:
    captured.ticket("DM-1", "a/bias.20250101a", sumary="x")
    commit(captured)

    ran = captured.run(capsys, "validate", "--base", "main")

    assert ran.code == 1
    assert "error: Unknown key" in ran.err


def test_a_finding_whose_line_moved_is_old(captured: Tree, capsys: Any) -> None:
    path = captured.state / "tickets" / "LSSTComCam" / "DM-1.yaml"
    path.write_text(f"# A word on it.\n\n{path.read_text()}")

    ran = captured.run(capsys, "validate", "--base", "main")

    assert at_lines(ran.err) == []
    assert "As at main: 33 warnings" in ran.err
