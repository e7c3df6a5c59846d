"""The one layout: what is said and each comment stays, and it is its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibstate.errors import InvalidStateError
from calibstate.model.chains import ChainFile
from calibstate.model.names import Noun
from calibstate.model.repositories import Site
from calibstate.model.settings import Settings
from calibstate.model.tickets import Ticket
from calibstate.store.layout import lay_out, lay_out_tree
from calibstate.store.yamlsource import read_yaml
from tests.tree import ROOT
from tests.written import GOOD, written

TICKET = "tickets/LATISS/DM-1.yaml"


def laid_out(text: str, noun: type[Noun] = Ticket) -> str:
    return lay_out(text.encode(), "a.yaml", noun).decode()


LAYOUTS: dict[str, tuple[type[Noun], str, str]] = {
    "keys in their order, with what is written above them": (
        Ticket,
        """\
# The ticket of the flats.
collections:
- b/flat.20250101a   # the best

# who made it
instrument:   LATISS

ticket: DM-1
approval:
    # decided at the second meeting
    note: "old"
    status: adopted
# the end
""",
        """\
# The ticket of the flats.
ticket: DM-1

# who made it
instrument: LATISS
approval:
  status: adopted
    # decided at the second meeting
  note: "old"

collections:
  - b/flat.20250101a # the best
# the end
""",
    ),
    "a list within its key": (
        ChainFile,
        "chain: a\ninstrument: b\nentries:\n- DM-1\n# between\n-   only: [x]\n    external: y\n- DM-2\n",
        "chain: a\ninstrument: b\nentries:\n  - DM-1\n# between\n  - external: y\n    only: [x]\n  - DM-2\n",
    ),
    "what stands within a line": (
        Site,
        "repositories:\n  x: {instruments: [ b,c ],   butler: /x}\n"
        "route: {prefix: s3://x, rse: R, by: rucio}\nsite: s\n",
        "site: s\nroute: {by: rucio, rse: R, prefix: s3://x}\n"
        "repositories:\n  x: {butler: /x, instruments: [b, c]}\n",
    ),
    "words as they were written": (
        Settings,
        "version: 1\nrequires: '>=0.1'\narchive: 010\nrecords: 1e3\n"
        "bundles: yes\nguards: ~\nrucio:\npolicy: null\n",
        "version: 1\nrequires: '>=0.1'\narchive: 010\nrecords: 1e3\n"
        "bundles: yes\nguards: ~\npolicy: null\nrucio:\n",
    ),
    "text of several lines": (
        Ticket,
        "ticket: DM-1\ninstrument: X\napproval:\n  note: |\n    # no comment\n      two\n  status: adopted\n",
        "ticket: DM-1\ninstrument: X\napproval:\n  status: adopted\n  note: |\n    # no comment\n      two\n",
    ),
    "other ends of lines, and none at the end": (
        Ticket,
        "\ufeffticket: DM-1\r\ninstrument:  X  # here",
        "ticket: DM-1\ninstrument: X   # here\n",
    ),
}


@pytest.mark.parametrize("what", LAYOUTS)
def test_it_is_laid_out(what: str) -> None:
    noun, before, after = LAYOUTS[what]
    assert laid_out(before, noun) == after
    assert laid_out(after, noun) == after


def test_words_that_may_stand_in_any_order_keep_it() -> None:
    text = "chain: a\ninstrument: b\nentries: []\nretired:\n  DM-2: z\n  DM-1: a\n"
    assert laid_out(text, ChainFile) == text


def test_the_declaration_of_the_observatory_is_laid_out() -> None:
    found = lay_out_tree(ROOT / "state")
    assert found.changes == ()
    assert found.remarks == ()


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "a: &x 1\n", "\tb: 1\n"])
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(InvalidStateError) as caught:
        laid_out(text)
    assert caught.value.diagnostics[0].where


def test_a_comment_that_would_be_lost_keeps_its_file_as_it_is() -> None:
    # ruamel.yaml knows no place for it.
    with pytest.raises(InvalidStateError) as caught:
        laid_out("# in front\n--- # behind\nticket: DM-1\ninstrument: X\n")
    assert caught.value.diagnostics[0].summary == "Layout left as it is"


def test_a_file_that_only_its_reader_takes_for_yaml_is_left_as_it_is() -> None:
    # A tab within brackets: libyaml reads it, and what keeps comments not.
    with pytest.raises(InvalidStateError) as caught:
        laid_out("ticket: DM-1\ninstrument: X\ncollections: [\tbias]\n")
    assert caught.value.diagnostics[0].summary == "Layout left as it is"


def test_links_and_seals_and_hidden_files_are_left_alone(tmp_path: Path) -> None:
    root = written(tmp_path / "tree", {"seals/LATISS/DM-1.yaml": "a:   1\n", "chains/.x.yaml": "a:   1\n"})
    outside = tmp_path / "outside.yaml"
    outside.write_text("ticket:   DM-7\n")
    (root / "tickets" / "LATISS" / "DM-7.yaml").symlink_to(outside)

    assert lay_out_tree(root).files == len(GOOD)


def test_a_file_keeps_who_may_read_it(tmp_path: Path, capsys: Any) -> None:
    root = written(tmp_path / "tree")
    (root / TICKET).chmod(0o640)
    assert _fmt(root, capsys)[0] == 0
    assert os.stat(root / TICKET).st_mode & 0o777 == 0o640


# --- the command ---


def _fmt(root: Path, capsys: Any, *arguments: str) -> tuple[int, str, str]:
    from calibstate.cli.app import run

    capsys.readouterr()
    code = run(["-C", str(root), "fmt", *arguments])
    return (code, *capsys.readouterr())


def test_check_tells_and_writes_nothing(tmp_path: Path, capsys: Any) -> None:
    root = written(tmp_path / "tree")
    before = {path: path.read_bytes() for path in root.rglob("*.yaml")}
    (root / TICKET).write_text(GOOD[TICKET].replace("instrument: LATISS", "instrument:   LATISS"))
    before[root / TICKET] = (root / TICKET).read_bytes()

    code, out, err = _fmt(root, capsys, "--check")

    assert code == 1
    assert f"error: Not laid out\n  {TICKET}:2:1\n" in err
    assert "to be laid out" in out
    assert {path: path.read_bytes() for path in root.rglob("*.yaml")} == before


def test_what_was_written_needs_no_more(tmp_path: Path, capsys: Any) -> None:
    root = written(tmp_path / "tree")
    (root / TICKET).write_text(GOOD[TICKET].replace("instrument: LATISS", "instrument:   LATISS"))

    assert _fmt(root, capsys)[0] == 0
    assert _fmt(root, capsys, "--check")[::2] == (0, "")
    assert "0 laid out" in _fmt(root, capsys)[1]
    assert not list(root.rglob(".calibstate-*"))


def test_a_file_that_cannot_be_read_is_told_and_left_and_the_others_are_laid_out(
    tmp_path: Path, capsys: Any
) -> None:
    root = written(tmp_path / "tree", {"chains/LATISS.yaml": "chain: [\n"})
    (root / TICKET).write_text(GOOD[TICKET].replace("instrument: LATISS", "instrument:   LATISS"))

    code, out, err = _fmt(root, capsys)

    assert code == 1
    assert "chains/LATISS.yaml:" in err
    assert (root / "chains/LATISS.yaml").read_text() == "chain: [\n"
    assert "instrument: LATISS" in (root / TICKET).read_text()
    assert "Traceback" not in out + err


# --- any right file ---

words = st.sampled_from(
    [
        "DM-1",
        "a/flat-r.20240101a",
        "yes",
        "010",
        "1e3",
        "null",
        "x: y",
        "# no",
        "it's",
        'say "so"',
        "é",
        " ",
        "~",
    ]
)
remarks = st.sampled_from(["", "", "", "# a remark", "#", "# two: words", "   # far in", "# - item"])


def blank_lines(text: str) -> int:
    return sum(1 for line in text.strip().splitlines() if not line.strip())


@st.composite
def texts(draw: Callable[..., Any]) -> str:
    """Return a ticket, written by somebody who does not care how."""

    def word() -> str:
        text = draw(words)
        if draw(st.booleans()) or any(c in text for c in ":#'\" ~") or text == "null":
            return "'" + text.replace("'", "''") + "'" if draw(st.booleans()) else _doubly_quoted(text)
        return str(text)

    def end() -> str:
        remark = draw(remarks)
        return ("  " + remark if remark else "") + "\n"

    def between(column: int) -> str:
        said = draw(st.lists(remarks, max_size=2))
        return "".join((" " * column + one if one else "") + "\n" for one in said)

    def items(column: int) -> str:
        if draw(st.booleans()):
            return " [" + ", ".join(word() for _ in range(draw(st.integers(0, 3)))) + "]" + end()
        indent = " " * (column + draw(st.sampled_from([0, 2, 4])))
        return end() + "".join(
            between(len(indent)) + f"{indent}-{draw(st.sampled_from([' ', '   ']))}{word()}{end()}"
            for _ in range(draw(st.integers(1, 3)))
        )

    def pairs(keys: list[str]) -> str:
        indent = " " * draw(st.integers(1, 4))
        return end() + "".join(
            between(len(indent)) + f"{indent}{key}:{draw(st.sampled_from([' ', '  ']))}{word()}{end()}"
            for key in draw(st.permutations(keys))
        )

    parts = {
        "ticket": lambda: " DM-1" + end(),
        "instrument": lambda: "   LATISS" + end(),
        "summary": lambda: f" {word()}{end()}",
        "approval": lambda: pairs(["status", "taxicab", "note"]),
        "collections": lambda: items(0),
        "skip": lambda: pairs(["usdf", "summit/LATISS"]),
    }
    order = draw(st.permutations(sorted(parts)))
    return between(0) + "".join(f"{between(0)}{key}:{parts[key]()}" for key in order) + between(0)


def _doubly_quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def comments(text: str) -> list[str]:
    """Return the comments of a text whose quoted words are known."""
    for quoted in ('"# no"', "'# no'"):
        text = text.replace(quoted, "")
    return sorted(line[line.index("#") :].strip() for line in text.splitlines() if "#" in line)


def test_any_right_file_keeps_what_it_says_and_its_comments() -> None:
    left: list[bool] = []

    @settings(max_examples=150)
    @given(texts())
    def holds(text: str) -> None:
        said = read_yaml(text.encode(), "a.yaml")
        assert said.problems == ()
        try:
            after = laid_out(text)
        except InvalidStateError as error:
            assert error.diagnostics[0].summary == "Layout left as it is"
            left.append(True)
            return
        left.append(False)
        assert read_yaml(after.encode(), "a.yaml").data == said.data
        assert comments(after) == comments(text)
        assert blank_lines(after) == blank_lines(text)
        assert laid_out(after) == after
        keys = [line.partition(":")[0] for line in after.splitlines() if line[:1].isalpha()]
        assert keys == [key for key in Ticket.model_fields if key in keys]

    holds()
    # To leave all as it is would keep all of this too.
    assert sum(left) <= len(left) / 20
