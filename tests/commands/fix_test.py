"""``validate --fix`` mends what needs no judgement, and tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.policy.pages import BAD, example
from tests.tree import Ran, Tree

CHAIN = "chains/LSSTComCam.yaml"
TICKET = "tickets/LSSTComCam/DM-200.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return example("O201", BAD).write(tmp_path)


def fixed(tree: Tree, capsys: Any) -> Ran:
    return tree.run(capsys, "validate", "--fix", "--format", "json")


def told(ran: Ran, summary: str) -> list[str]:
    problems = [one for one in ran.json["problems"] if one["summary"] == summary]
    return [f"{one['at']['file']}:{one['at']['line']}" for one in problems]


def test_a_word_that_a_list_holds_twice_is_deleted_and_told(tree: Tree, capsys: Any) -> None:
    chain, ticket = tree.state / CHAIN, tree.state / TICKET
    before = chain.read_text(), ticket.read_text()
    chain.write_text(before[0] + "  - 'DM-100'\n# the end\n")
    ticket.write_text(before[1] + "  - new/flat-r.20250211a\n")
    assert tree.run(capsys, "validate").code == 1

    ran = fixed(tree, capsys)

    assert ran.code == 0
    assert told(ran, "Mended") == [f"{TICKET}:7", f"{CHAIN}:7"]
    assert (chain.read_text(), ticket.read_text()) == (before[0] + "# the end\n", before[1])
    assert told(fixed(tree, capsys), "Mended") == []


def test_the_ends_of_lines_stay(tree: Tree, capsys: Any) -> None:
    chain = tree.state / CHAIN
    before = chain.read_bytes().replace(b"\n", b"\r\n")
    chain.write_bytes(before + b"  - DM-200\r\n")

    assert fixed(tree, capsys).code == 0
    assert chain.read_bytes() == before


@pytest.mark.parametrize(
    "line",
    [
        "  - DM-100  # on purpose?\n",
        "  # on purpose?\n  - DM-100\n",
        "  - >-\n    DM-100\n",
        "  - external: LSSTComCam/raw/all\n  - external: LSSTComCam/raw/all\n",
    ],
)
def test_what_a_comment_speaks_of_or_is_no_line_by_itself_is_left(tree: Tree, capsys: Any, line: str) -> None:
    chain = tree.state / CHAIN
    chain.write_text(chain.read_text() + line)
    before = chain.read_text()

    ran = fixed(tree, capsys)

    assert told(ran, "Listed twice")
    assert told(ran, "Mended") == []
    assert chain.read_text() == before


def test_what_needs_judgement_is_told_and_left(tree: Tree, capsys: Any) -> None:
    ticket = tree.state / TICKET
    ticket.write_text("ticket: DM-200\n\tinstrument: X\n")

    ran = fixed(tree, capsys)

    assert ran.code == 1
    assert told(ran, "Tab in YAML") == [f"{TICKET}:2"]
    assert ticket.read_text() == "ticket: DM-200\n\tinstrument: X\n"
