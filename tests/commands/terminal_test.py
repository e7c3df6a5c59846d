"""Whatever the terminal is, one sees the plan before one agrees to it."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from calibstate.cli.terminal import be_readable
from calibstate.views.size import size
from calibstate.views.status_table import MARKS
from tests.commands.sites import SUMMIT, Sites
from tests.tree import ROOT

LONGEST = 120
"""Seconds in which a command says something, on the slowest machine."""


def run_as_process(sites: Sites, *arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "calibstate", "-C", str(sites.tree.state), *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=LONGEST, **more)


@pytest.mark.parametrize(
    "variables",
    [
        {"COLUMNS": "0", "LINES": "0"},
        {"COLUMNS": "1", "LINES": "1"},
        {"COLUMNS": "40"},
        {"COLUMNS": "99999999999999999999"},
        {"COLUMNS": "²", "LINES": "wide"},
        {"COLUMNS": "-1", "TERM": "dumb"},
        {"COLUMNS": "", "TERM": ""},
    ],
    ids=str,
)
@pytest.mark.matrix(2)
def test_every_width_shows_the_same_plan(
    sites: Sites, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    usual = sites.run("plan")
    unknown = sites.run("show", "nosuch")
    assert "import-bundle" in usual.out
    # They end with the test, since pytest reads them for its own lines.
    with monkeypatch.context() as narrower:
        for name, value in variables.items():
            narrower.setenv(name, value)
        assert sites.run("plan") == usual
        assert sites.run("show", "nosuch") == unknown
        assert sites.run("status").out.count("DM-2") >= 1


def test_a_size_that_is_none_is_the_usual_one() -> None:
    # A pseudo-terminal that nobody has given a size says 0.
    for columns in ("0", "x", "²", "", "-3"):
        assert size({"COLUMNS": columns, "LINES": columns})[0] >= 20
    assert size({"COLUMNS": "132", "LINES": "43"}) == (132, 43)


class Terminal:
    """A pseudo-terminal, and a command that has it for some of its streams."""

    def __init__(self, sites: Sites, arguments: Sequence[str], **streams: Any) -> None:
        self._ours, theirs = pty.openpty()
        on_terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs, **streams}
        environment = {key: value for key, value in os.environ.items() if key != "CI"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "calibstate", "-C", str(sites.tree.state), *arguments],
            cwd=ROOT,
            env=environment,
            **on_terminal,
        )
        os.close(theirs)
        self.seen = b""

    def read_until(self, words: bytes) -> None:
        """Read what is shown until it holds some words, or has ended."""
        while words not in self.seen:
            ready, _, _ = select.select([self._ours], [], [], LONGEST)
            assert ready, self.seen
            try:
                self.seen += os.read(self._ours, 4096)
            except OSError:
                return  # The command has ended.

    def write(self, words: bytes) -> None:
        os.write(self._ours, words)

    def answer(self, words: bytes) -> int:
        """Write the last words, and return the exit code."""
        self.write(words)
        return self.ended()

    def ended(self) -> int:
        """Read to the end, and return the exit code."""
        self.read_until(b"what is never said")
        code = self._process.wait(LONGEST)
        os.close(self._ours)
        return code


@pytest.mark.parametrize(
    ("options", "elsewhere"),
    [
        ((), "nothing"),
        ((), "stdout"),
        ((), "stderr"),
        (("--format", "json"), "nothing"),
    ],
)
@pytest.mark.matrix(1)
def test_the_question_comes_after_the_plan_and_on_the_same_terminal(
    sites: Sites, tmp_path: Path, options: Sequence[str], elsewhere: str
) -> None:
    with (tmp_path / "elsewhere").open("wb") as file:
        streams = {} if elsewhere == "nothing" else {elsewhere: file}
        terminal = Terminal(sites, ["apply", *options], **streams)
        terminal.read_until(b"[y/N]")
        code = terminal.answer(b"n\n")

    before, _, after = terminal.seen.partition(b"Apply this plan?")
    assert b"Traceback" not in after
    if elsewhere != "stderr":
        assert b"Not done: nothing was changed." in after
    assert b"import-bundle" in before
    assert code == 1
    assert not sites.has(SUMMIT, "LSSTComCam/calib/DM-2")


def test_plan_question_outcome_and_journal_tell_which_guards_are_passed_and_why(sites: Sites) -> None:
    file = sites.tree.state / "sites" / "summit.yaml"
    file.write_text(f"{file.read_text()}hold: observing\n")
    why = ("--allow", "hold", "--allow", "window", "--because", "the night is lost")
    terminal = Terminal(sites, ["apply", *why])
    terminal.read_until(b"[y/N]")
    terminal.write(b"y\n")
    terminal.read_until(b"words that never come")
    assert terminal.ended() == 0, terminal.seen

    # The window is open, so it is not passed.
    plan, question, outcome = terminal.seen.partition(
        b"Apply this plan, past hold (the night is lost)? [y/N]"
    )
    assert question
    for shown in (plan, outcome):
        assert b"Guards passed: hold, because the night is lost" in shown
    assert sites.has(SUMMIT, "LSSTComCam/calib/DM-2")
    journals = (sites.tree.folder / "records" / "journal").glob("*.jsonl")
    lines = [json.loads(line) for file in journals for line in file.read_text().splitlines()]
    # A journal begins before it is known which guards stand in the way.
    allowed = {"guards": ["hold", "window"], "because": "the night is lost"}
    assert allowed in [line["began"]["allowed"] for line in lines if line.get("began")]


def test_where_neither_plan_nor_question_can_be_seen_nobody_is_asked(sites: Sites, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        terminal = Terminal(sites, ["apply"], stdout=out, stderr=err)
        code = terminal.answer(b"y\n")

    assert code == 64
    assert b"Nobody to ask" in (tmp_path / "err").read_bytes()


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252", "cp437"])
@pytest.mark.matrix(1)
def test_what_a_terminal_has_no_character_for_is_told_with_others(sites: Sites, encoding: str) -> None:
    asked = ["explain", "bias", "detector=0", "--at", "2025-01-01"]
    ran = run_as_process(sites, *asked, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding})

    out, err = ran.stdout.decode(encoding), ran.stderr.decode(encoding)
    assert ran.returncode == sites.run(*asked).code
    assert "defect" not in err
    assert "..." in out or "…" in out
    assert "\\u" not in out


def test_the_marks_of_a_status_stay_different_in_every_encoding() -> None:
    be_readable()
    marks = {mark.encode("ascii", "calibstate.readable") for mark in MARKS.values()}
    assert len(marks) == len(MARKS)


def test_json_says_the_same_in_every_encoding(sites: Sites) -> None:
    sites.tree.ticket("DM-3", "a", status="proposed", summary="Cerro Pachón …")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}

    printed = run_as_process(sites, "plan", "--format", "json", stdout=subprocess.PIPE, env=ascii_only).stdout

    # The two looks are of two moments.
    document = json.loads(printed.decode("ascii"))
    again = sites.run("plan", "--format", "json").json
    assert document.pop("seen").keys() == again.pop("seen").keys()
    assert document == again


def test_a_reader_who_has_read_enough_does_not_stop_what_was_begun(sites: Sites) -> None:
    process = sites.tree.spawn("apply", "--yes", "--format", "json")
    assert process.stdout
    assert json.loads(process.stdout.readline())["result"] == "begun"
    process.stdout.close()
    assert process.stderr
    err = process.stderr.read()
    code = process.wait(LONGEST)
    process.stderr.close()

    assert (code, "rror" in err) == (0, False), err
    assert sites.run("plan").code == 0
    assert sites.locks() == []
