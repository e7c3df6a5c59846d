"""What stands beside what is read is told, with what was meant by it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tree import Tree

KNOWN = (
    *("README", "README.rst", "notes.md", "LICENSE", "license.txt", "CHANGELOG.rst", "CODEOWNERS"),
    *(".github/x.yml", ".gitignore", ".pre-commit-config.yaml", ".env", "docs/x", "schemas/x", "Makefile"),
    *("calibstate.yaml~", "calibstate.yaml.bak", "the-archive/x", "the-records/x"),
)

UNKNOWN = {
    "Ticket/x.yaml": "Did you mean `tickets`?",
    "site/x.yaml": "Did you mean `sites`?",
    "seal.yaml": "Did you mean a file in `seals`?",
    "calibstate.yml": "Did you mean `calibstate.yaml`?",
    "plan.json": "Keep it elsewhere",
    "conftest.py": "Keep it elsewhere",
    "sitecustomize.py": "Keep it elsewhere",
    "rucio.cfg": "Keep it elsewhere",
    "docs.yaml": "Keep it elsewhere",
    "HEAD": "Keep it elsewhere",
}


@pytest.fixture
def tree(tmp_path: Any) -> Tree:
    tree = Tree(tmp_path, archive="./the-archive", records="the-records")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    return tree


def put(tree: Tree, name: str) -> None:
    path = tree.state / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


def test_names_that_are_known_are_passed_over(tree: Tree, capsys: Any) -> None:
    for name in KNOWN:
        put(tree, name)

    ran = tree.run(capsys, "validate")

    assert (ran.code, ran.err) == (0, "")


def test_names_that_nobody_knows_are_errors_that_stop_no_other_command(tree: Tree, capsys: Any) -> None:
    for name in UNKNOWN:
        put(tree, name)

    told = tree.run(capsys, "validate", "--format", "json")

    found = {one["at"]["file"]: one["hint"] for one in told.json["problems"] if one["code"] == "S801"}
    assert told.code == 1
    assert {name.split("/")[0] for name in UNKNOWN} == set(found)
    for name, hint in UNKNOWN.items():
        assert found[name.split("/")[0]].startswith(hint), name
    assert tree.run(capsys, "show").code == 0


def test_a_name_may_be_excepted(tree: Tree, capsys: Any) -> None:
    put(tree, "notebooks/x")
    exception = {
        "rule": "S801",
        "of": "notebooks",
        "because": "they are about this tree",
        "until": "9999-12-31",
    }
    tree.settings(policy={"exceptions": [exception]})

    assert tree.run(capsys, "validate").code == 0
