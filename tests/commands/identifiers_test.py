"""An identifier has a form; what no eye tells from it is told by number."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.tree import ROOT, Ran, Tree

HYPHEN = "\N{NON-BREAKING HYPHEN}"
UNSEEN = "\N{ZERO WIDTH SPACE}"
CYRILLIC = "\N{CYRILLIC CAPITAL LETTER TE}"
"""Looks like a T."""

LOOK_ALIKES = {
    f"{UNSEEN}TAXICAB-15": ("U+200B", "Write `TAXICAB-15`"),
    f"TAXICAB{HYPHEN}15": ("U+2011", "Write `TAXICAB-15`"),
    "TAXICAB\N{EN DASH}15": ("U+2013", "Write `TAXICAB-15`"),
    "TAXICAB\N{MINUS SIGN}15": ("U+2212", "Write `TAXICAB-15`"),
    "TAXICAB-15\N{NO-BREAK SPACE}": ("U+00A0", "Write `TAXICAB-15`"),
    "TAXI\N{SOFT HYPHEN}CAB-15": ("U+00AD", ""),
    "TAXICAB-\N{FULLWIDTH DIGIT ONE}5": ("U+FF11", "Write `TAXICAB-15`"),
    f"{CYRILLIC}AXICAB-15": ("U+0422", "Give the key"),
}
NO_KEYS = {
    "TBD": "Give the key",
    "none yet": "Give the key",
    "n/a": "Give the key",
    "-": "Give the key",
    "15": "Give the key",
    "TAXICAB-": "Give the key",
    "TAXICAB-XX": "Give the key",
    "TAXICAB-0": "Give the key",
    "taxicab-15": "Write `TAXICAB-15`",
    "TAXICAB 15": "Write `TAXICAB-15`",
    " TAXICAB-15": "Write `TAXICAB-15`",
    "TAXICAB-15, TAXICAB-16": "Give the key",
    "https://tracker.example.org/browse/TAXICAB-15": "Give the key",
}
KEYS = ("TAXICAB-15", "DM-47447", "CAP-1", "SP_2-123456")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.ticket("DM-1", "g/bias.20250101a")
    tree.chain(["DM-1"])
    return tree


def told(tree: Tree, capsys: Any) -> list[Any]:
    found = tree.run(capsys, "validate", "--format", "json").json["problems"]
    return [one for one in found if "the key of a ticket" in one["detail"]]


def approved(tree: Tree, key: str, **more: str) -> None:
    decided = {"report": "https://example.org/report", "date": "2025-02-11", **more}
    tree.ticket("DM-1", "g/bias.20250101a", approval={"status": "adopted", "taxicab": key, **decided})


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_taken(tree: Tree, key: str, capsys: Any) -> None:
    approved(tree, key)

    assert told(tree, capsys) == []


@pytest.mark.parametrize("key", LOOK_ALIKES)
def test_a_look_alike_is_a_mistake_wherever_it_stands(tree: Tree, key: str, capsys: Any) -> None:
    number, hint = LOOK_ALIKES[key]
    approved(tree, key, note="it is old")
    (of_taxicab,) = told(tree, capsys)
    tree.ticket("DM-1", "g/bias.20250101a", deployment=key)
    (of_deployment,) = told(tree, capsys)

    for one in (of_taxicab, of_deployment):
        assert one["severity"] == "error"
        assert f"(with {number}" in one["detail"]
        assert one["hint"].startswith(hint)
    assert of_taxicab["at"]["file"] == "tickets/LSSTComCam/DM-1.yaml"


@pytest.mark.parametrize("key", NO_KEYS)
def test_what_is_no_key_is_taken_nowhere(tree: Tree, key: str, capsys: Any) -> None:
    approved(tree, key, note="it is older than the board's records")
    (adopted,) = told(tree, capsys)
    proposed = {"status": "proposed", "taxicab": key}
    tree.ticket("DM-1", "g/bias.20250101a")
    tree.ticket("DM-2", "g/bias.20250102a", approval=proposed, deployment=key)
    further = told(tree, capsys)

    assert [one["severity"] for one in (adopted, *further)] == ["error"] * 3
    assert adopted["hint"].startswith(NO_KEYS[key])
    assert [one["detail"].partition("`")[2].partition("`")[0] for one in (adopted, *further)] == [
        "approval.taxicab",
        "approval.taxicab",
        "deployment",
    ]
    assert f'it is "{key}"' in adopted["detail"]
    # At the value, where somebody would mend it.
    assert adopted["at"]["file"] == "tickets/LSSTComCam/DM-1.yaml"
    line = (tree.state / further[1]["at"]["file"]).read_text().splitlines()[further[1]["at"]["line"] - 1]
    assert line.startswith("deployment: ")


def test_an_editor_is_told_the_form_of_a_key() -> None:
    schema = json.loads((ROOT / "schemas" / "ticket.json").read_text())

    forms = [schema["$defs"]["Approval"]["properties"]["taxicab"], schema["properties"]["deployment"]]

    for form in forms:
        text = form["anyOf"][0]
        assert all(re.search(text["pattern"], key) for key in KEYS)
        assert not any(re.search(text["pattern"], key) for key in (*NO_KEYS, *LOOK_ALIKES))


def wrong(tree: Tree, file: str, before: str, after: str) -> None:
    path = tree.state / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


TICKET, CHAIN = "tickets/LSSTComCam/DM-1.yaml", "chains/LSSTComCam-calib.yaml"
NAMES = {
    "a ticket": (TICKET, "ticket: DM-1", f"ticket: DM{HYPHEN}1"),
    "an instrument": (TICKET, "instrument: LSSTComCam", f"instrument: LSST{HYPHEN}ComCam"),
    "a collection": (TICKET, "g/bias.20250101a", f"g/bias{HYPHEN}20250101a"),
    "an entry": (CHAIN, "- DM-1", f"- DM{HYPHEN}1"),
    "a chain": (CHAIN, "chain: LSSTComCam/calib", f"chain: LSSTComCam/cal{HYPHEN}ib"),
    "a retired word": (CHAIN, "entries:", f"retired: {{DM{HYPHEN}2: old}}\nentries:"),
    "a key": (TICKET, "approval:", f"sum{HYPHEN}mary: x\napproval:"),
    "a status": (TICKET, "status: adopted", f"status: adopted{HYPHEN}"),
    "a place": (TICKET, "approval:", f"skip: {{usdf{HYPHEN}: why}}\napproval:"),
    "a site": ("sites/usdf.yaml", "site: usdf", f"site: us{HYPHEN}df"),
    "a repository": ("sites/usdf.yaml", "main:", f"ma{HYPHEN}in:"),
    "a wave": ("calibstate.yaml", "version: 1", f"version: 1\nwaves: [[us{HYPHEN}df]]"),
    "a rule": ("calibstate.yaml", "version: 1", f"version: 1\npolicy: {{levels: {{A{HYPHEN}302: off}}}}"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_refused_shows_what_cannot_be_seen(tree: Tree, name: str, capsys: Any) -> None:
    wrong(tree, *NAMES[name])

    ran = tree.run(capsys, "validate")

    assert (ran.code, "U+2011" in ran.err) == (1, True), ran.err


def test_the_name_of_a_file_shows_it_too(tree: Tree, capsys: Any) -> None:
    (tree.state / TICKET).rename(tree.state / "tickets" / "LSSTComCam" / f"DM{HYPHEN}1.yaml")

    ran = tree.run(capsys, "validate")

    assert (ran.code, "U+2011" in ran.err) == (1, True), ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("show", f"usdf/ma{HYPHEN}in"),
        ("drift", "--site", f"us{HYPHEN}df"),
        ("plan", "--ticket", f"DM{HYPHEN}1"),
        ("rollback", f"DM{HYPHEN}1"),
    ],
    ids=lambda words: words[0],
)
def test_a_word_of_the_command_line_shows_it_too(tree: Tree, words: tuple[str, ...], capsys: Any) -> None:
    ran: Ran = tree.run(capsys, *words)

    assert (ran.code, "U+2011" in ran.err) == (64, True), ran.err
