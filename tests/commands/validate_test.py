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
from tests.tree import Tree


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


def test_what_is_told_cannot_end_its_line_or_begin_a_property() -> None:
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
        "::100 %25 of%0D%0A::error::it%0ADo."
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
