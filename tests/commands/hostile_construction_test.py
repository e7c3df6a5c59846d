"""A construction that is proposed is read: no word of it is run or obeyed.

Whoever opens a pull request writes what is searched, selected and known to
fail, and what verifications are said to have found.  Who reviews it reads
that in comments, in logs and on a terminal, and runs the script of it.
"""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.commands.hostile import STRANGERS, TEXTS, WORKFLOWS, Clone, git, make_clone, watched
from tests.commands.sites import Sites, make_sites
from tests.tree import Ran, Tree

SECRET = "hush-7f2c9e"
SECRETS = ("AWS_SECRET_ACCESS_KEY", "CALIBSTATE_JIRA_TOKEN", "GITHUB_TOKEN", "PGPASSWORD")

REFUSED = ("what a terminal obeys", "what nobody sees")
"""Texts that no file of a tree may hold at all."""

SPOKEN = [name for name in TEXTS if name not in REFUSED]

LINKED = re.compile(r"(?<!\w)@\w|(?<!\w)#\d|\bGH-\d|\bhttps?://|\bwww\.\w", re.IGNORECASE)
"""What GitHub makes a link of, or calls somebody by."""

TAGS = re.compile(r"(?<!\\)<(?!/?details\b|/?summary\b|!-- )")
"""Tags that are none of a report's own."""


@pytest.fixture(autouse=True)
def _secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in SECRETS:
        monkeypatch.setenv(name, SECRET)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return make_clone(tmp_path)


def construction_with(text: str = "", **more: Any) -> dict[str, Any]:
    """Return a construction that says a text wherever it may say anything."""
    text = text or "it is dead"
    place = " ".join(text.split())
    return {
        "tag": "DP1",
        "rerun": "20250207a",
        "raws": "LSSTComCam/raw/all",
        "start_from": ["LSSTComCam/calib/DM-100"],
        "selections": {"bias": "exposure.day_obs=20241208 and exposure.observation_type='bias'"},
        "make": [{"bias": {"look_at": {"type": "biasMosaic8", "where": "detector in (0, 1)"}}}],
        "certify": {"but_for": {"7": text, text: "it is dead"}},
        "verify": {"bias": "exposure in (2024102100509)"},
        "known_failures": {f"verify bias: R22_S11 {place}": text, "verify bias: R22_S11 C07 NOISE": text},
        **more,
    }


def verdicts_with(ticket: str, text: str) -> dict[str, Any]:
    """Return a file of verdicts that says a text wherever it may."""

    def failure(test: str, **more: str) -> dict[str, Any]:
        places = {text: [text], "R22_S11": [text]}
        return {"test": test, "number": 1, "exposures": [1], "detectors": places, **more}

    failures = [failure(text), failure("NOISE", known=text)]
    products = [
        {"product": "bias", "verdict": "failed", "detail": text, "failures": failures},
        {"product": text, "verdict": "no verdict", "detail": text},
    ]
    return {"ticket": ticket, "instrument": "LSSTComCam", "products": products}


def declare(tree: Tree, clone: Clone) -> list[str]:
    """Declare a construction and verdicts of each text; return the tickets."""
    tickets = []
    for number, name in enumerate(SPOKEN, 200):
        text = TEXTS[name].format(canary=clone.canary)
        ticket = f"DM-{number}"
        construction = construction_with(text)
        tree.ticket(
            ticket, status="proposed", summary=text, hold=text, skip={"usdf": text}, construction=construction
        )
        tree._write(f"verdicts/LSSTComCam/{ticket}.yaml", verdicts_with(ticket, text))
        tickets.append(ticket)
    git(clone.top, "add", "-A", "-f")
    git(clone.top, "commit", "-q", "-m", "a proposal")
    return tickets


def is_harmless(ran: Ran) -> bool:
    """Say whether an output tells no secret, and holds nothing to obey."""
    told = ran.out + ran.err
    return SECRET not in told and all(c.isprintable() or c in "\n\t" for c in told)


# --- what is said ---


def test_texts_of_constructions_and_verdicts_are_shown_and_no_more(clone: Clone, capsys: Any) -> None:
    tickets = declare(clone.tree, clone)
    outside = clone.canary.parent

    told = ""
    for words in (*STRANGERS, ("report", "--base", "main")):
        with watched() as seen:
            ran = clone.tree.run(capsys, *words)
        # Written by hand, they are not laid out as `fmt` would have them.
        assert ran.code == int(words[0] == "fmt"), (words, ran.err)
        assert not clone.ran, words
        assert is_harmless(ran), words
        assert seen.connected == [], words
        assert seen.below(outside) == [], words
        assert {Path(program).name for program, *_ in seen.started} <= {"git"}, words
        told += ran.out + ran.err
    for ticket in tickets:
        assert ticket in told


def test_a_comment_on_them_calls_nobody_links_nothing_and_has_no_markup(clone: Clone, capsys: Any) -> None:
    tickets = declare(clone.tree, clone)

    comment = clone.tree.run(capsys, "report", "--base", "main", "--format", "markdown").out
    annotations = clone.tree.run(capsys, "validate", "--base", "main", "--format", "github").out

    assert "owned" in comment
    assert LINKED.findall(comment) == []
    assert TAGS.findall(comment) == []
    assert not re.search(r"^\s*#+ owned|(?<!\\)`owned", comment, re.MULTILINE)
    # Each verdict is one section, and each product one row of it.
    assert comment.count("<details><summary>Verification of ") == len(tickets)
    assert comment.count("\n| bias | failed |") == len(tickets)
    orders = {line.partition(" ")[0] for line in annotations.splitlines()}
    assert orders <= {"::error", "::warning", "::notice"}
    assert "=sub/state/verdicts/LSSTComCam/DM-200.yaml,line=" in annotations


@pytest.mark.parametrize("name", REFUSED)
def test_no_text_hides_what_an_eye_or_a_terminal_takes_otherwise(
    clone: Clone, name: str, capsys: Any
) -> None:
    text = TEXTS[name]
    # The message on what is no key of a ticket repeats it.
    clone.tree.ticket("DM-200", status="proposed", deployment=text, construction=construction_with(text))
    clone.tree._write("verdicts/LSSTComCam/DM-200.yaml", verdicts_with("DM-200", text))

    for words in (*STRANGERS, ("construct", "DM-200", "--format", "shell")):
        ran = clone.tree.run(capsys, *words)
        assert ran.code in {0, 1}, (words, ran.err)
        assert is_harmless(ran), words
    refused = clone.tree.run(capsys, "validate").err
    for file in ("tickets/LSSTComCam/DM-200.yaml:", "verdicts/LSSTComCam/DM-200.yaml:"):
        assert re.search(f"Control character\n  {file}", refused), refused


# --- words that have a form ---


def word_in(field: str, text: str) -> dict[str, Any]:
    """Return what a file has that says a text in the place of a word."""
    if field.startswith("certify."):
        entry = {"as": "DP1/bias.20250210a", "datasets_of": "LSSTComCam/calib/DM-100/bias.20240101a"}
        return {"certify": [{**entry, field.removeprefix("certify."): text}]}
    look_at: dict[str, Any] = {"look_at": {"type": text}}
    changed: dict[str, Any] = {
        "tag": {"tag": text},
        "rerun": {"rerun": text},
        "raws": {"raws": text},
        "start_from": {"start_from": [text]},
        "make": {"make": [text]},
        "look_at.type": {"make": [{"bias": look_at}]},
        "making.rerun": {"make": [{"bias": {"rerun": text}}]},
        "certifying.begin": {"certify": {"begin": text}},
        "verify": {"verify": {text: "same"}},
        "verify.rerun": {"verify": {"bias": "same", "rerun": text}},
        "same_as": {"selections": {"bias": {"same_as": text}}},
    }
    return {"construction": construction_with(**changed[field])}


FORMED = (
    *("tag", "rerun", "raws", "start_from", "make", "look_at.type", "making.rerun", "certifying.begin"),
    *("verify", "verify.rerun", "same_as", "certify.as", "certify.datasets_of", "certify.begin"),
)


@pytest.mark.parametrize("field", FORMED)
def test_a_word_that_has_a_form_is_refused_at_its_line_in_any_other(
    clone: Clone, field: str, capsys: Any
) -> None:
    for number, text in enumerate(TEXTS.values(), 200):
        hostile = word_in(field, text.format(canary=clone.canary))
        clone.tree.ticket(f"DM-{number}", status="proposed", **hostile)

    ran = clone.tree.run(capsys, "validate", "--format", "json")
    scripts = [
        clone.tree.run(capsys, "construct", "DM-200", "--format", "shell"),
        clone.tree.run(capsys, "certify", "DM-200"),
    ]

    assert ran.code == 1, ran.err
    refused = {problem["at"]["file"] for problem in ran.json["problems"] if problem["severity"] == "error"}
    assert refused == {f"tickets/LSSTComCam/DM-{number}.yaml" for number in range(200, 200 + len(TEXTS))}
    for script in scripts:
        assert (script.code, script.out) == (1, "")
    assert not clone.ran


# --- the script ---


STAND_IN = '#!/bin/sh\nfor word in {name} "$@"; do printf "%s\\0" "$word"; done >>"$CALLS"\n'


def carried_out(folder: Path, script: str, clone: Clone) -> list[str]:
    """Run a script with stand-ins on the path; return the words they got."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name in ("bps", "pipetask", "butler", "python"):
        stand_in = programs / name
        stand_in.write_text(STAND_IN.format(name=name))
        stand_in.chmod(0o755)
    file = folder / "script.sh"
    file.write_text(script)
    variables = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "CALLS": str(folder / "calls"),
        "SCRATCH": str(folder / "scratch"),
        "CP_PIPE_DIR": "/cp_pipe",
        "CP_VERIFY_DIR": "/cp_verify",
        **dict.fromkeys(SECRETS, SECRET),
    }
    ran = subprocess.run(
        ["bash", str(file)],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert not clone.ran, script
    assert SECRET not in ran.stdout + ran.stderr
    for written in (folder / "scratch").rglob("*.yaml"):
        assert SECRET not in written.read_text()
    return (folder / "calls").read_text().split("\0")


@pytest.mark.parametrize("submit", ["bps", "pipetask"])
def test_a_script_does_its_steps_and_nothing_that_a_ticket_says(
    clone: Clone, submit: str, tmp_path: Path, capsys: Any
) -> None:
    repositories = {"main": {"butler": "repo", "instruments": ["LSSTComCam"], "route": "origin"}}
    site = {"site": "usdf", "repositories": repositories, "construction": {"submit": submit}}
    scripts: dict[str, Ran] = {}
    for name, text in TEXTS.items():
        text = text.format(canary=clone.canary)
        expression = f"exposure.observation_reason='{text}'"
        making = {"bias": {"look_at": {"type": "biasMosaic8", "where": expression}}}
        construction = construction_with(
            "" if name in REFUSED else text, selections={"bias": expression}, make=[making]
        )
        tree = Tree(tmp_path / "trees" / str(len(scripts)))
        tree.settings()
        tree._write("sites/usdf.yaml", site)
        tree.ticket("DM-200", status="proposed", construction=construction)
        scripts[name] = tree.run(capsys, "construct", "DM-200", "--format", "shell")

    written = {name: ran.out for name, ran in scripts.items() if ran.code == 0}

    # What a shell, BPS or an eye takes for something of its own is refused.
    assert set(written) == {
        *("an end of single quotes", "an end of a line", "an end of a command", "a command of the runner"),
        *("mentions", "options", "Python", "an object of YAML", "a path"),
    }
    for name, ran in scripts.items():
        assert is_harmless(ran), name
        if name not in written:
            assert (ran.code, ran.out) == (1, ""), name
            assert "tickets/LSSTComCam/DM-200.yaml:" in ran.err, name
    for number, (name, script) in enumerate(written.items()):
        words = carried_out(tmp_path / "ran" / str(number), script, clone)
        said = " ".join(TEXTS[name].format(canary=clone.canary).split())
        assert any(said in word for word in words), name
        assert {"bps" if submit == "bps" else "pipetask", "butler"} <= set(words)


# --- whoever works at a site ---


def test_nothing_of_them_is_obeyed_where_it_is_merged(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = make_sites(tmp_path / "clone" / "sub", tickets=("DM-1",), detectors=1)
    clone = make_clone(tmp_path, sites.tree)
    with closing(Sites(sites.tree, capsys)) as there:
        declare(sites.tree, clone)
        for words in (*WORKFLOWS, ("construct", "DM-200"), ("construct", "DM-200", "--record", "record.md")):
            monkeypatch.chdir(tmp_path)
            with watched() as seen:
                ran = there.run(*words)
            assert ran.code in {0, 2, 3, 4}, (words, ran.err)
            assert not clone.ran, words
            assert is_harmless(ran), words
            assert seen.connected == [], words


# --- more than anybody reads ---

MANY = 5_000

HUGE: dict[str, dict[str, Any]] = {
    "one the same as the next": {
        "selections": {
            **{f"bias{number}": {"same_as": f"bias{number + 1}"} for number in range(MANY)},
            f"bias{MANY}": {"same_as": "bias"},
            "bias": "exposure=1",
        }
    },
    "products": {"make": ["bias"] * MANY * 4},
    "parentheses": {"selections": {"bias": "(" * MANY * 100}},
    "operators": {"selections": {"bias": "and " * MANY * 40}},
}


@pytest.mark.parametrize("huge", HUGE)
def test_what_is_huge_is_judged_as_what_is_small(clone: Clone, huge: str, capsys: Any) -> None:
    # Written as JSON, which is read as YAML more quickly than it is written.
    document = {
        "ticket": "DM-200",
        "instrument": "LSSTComCam",
        "approval": {"status": "proposed", "note": "made for a test"},
        "construction": construction_with(**HUGE[huge]),
    }
    file = clone.tree.state / "tickets/LSSTComCam/DM-200.yaml"
    file.write_text(json.dumps(document, indent=1))

    ran = clone.tree.run(capsys, "validate")

    # Selections of nothing are warned of, and are no mistake.
    assert ran.code == int(huge != "one the same as the next"), ran.err[-2000:]
    assert "tickets/LSSTComCam/DM-200.yaml:" in ran.err
    assert "Traceback" not in ran.err
