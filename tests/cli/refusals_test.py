"""Who types what is not understood is told so in the voice of all errors."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from calibstate.cli.app import run
from calibstate.cli.commands import COMMANDS, command
from calibstate.cli.layout import is_argument, shown_names
from calibstate.cli.refusals import COMMANDS_ELSEWHERE, OPTIONS_ELSEWHERE
from tests.golden import Golden

ROOT = Path(__file__).parents[2]
STATE = str(ROOT / "state")

TITLES = {
    "Missing argument",
    "Missing command",
    "Option takes no value",
    "Option without a value",
    "Too many arguments",
    "Unknown command",
    "Unknown option",
    "Value is not understood",
}


@dataclass(frozen=True)
class Told:
    """What is told of a command line."""

    words: tuple[str, ...]
    code: int

    @property
    def title(self) -> str:
        return self.words[0]

    @property
    def detail(self) -> str:
        return self.words[1]

    @property
    def hint(self) -> str:
        return self.words[2]


def told(*words: str) -> Told:
    """Run a command line that is refused, and return what is told of it."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = run(words)
    assert out.getvalue() == ""
    match = re.fullmatch(r"error: (.+)\n\n  (.+)\n\n  (.+)\n\n", err.getvalue())
    assert match, err.getvalue()
    return Told(match.groups(), code)


def options(name: str) -> Iterator[tuple[str, Any]]:
    """Yield the options of a command, each with the name that is told."""
    for parameter in command(name).params:
        if not is_argument(parameter):
            yield shown_names(parameter)[-1], parameter


def needed(name: str) -> list[str]:
    """Return words for the arguments without which a command does nothing."""
    return ["word" for p in command(name).params if is_argument(p) and not p.metavar.startswith("[")]


BAD = {"DURATION": "soon", "NUMBER": "many", "RATE": "fast", "GUARD": "dog"}
"""By what stands for a value in the help: what no such value is."""


def bad_values(name: str) -> Iterator[tuple[str, str]]:
    """Yield options that take some words only, each with another word."""
    for option, parameter in options(name):
        if not parameter.is_flag:
            if parameter.metavar in BAD:
                yield option, BAD[parameter.metavar]
            elif re.fullmatch(r"[a-z]+(\|[a-z]+)+", parameter.metavar):
                yield option, "cvs"


def refused(name: str) -> Iterator[tuple[str, ...]]:
    """Yield lines of a command that nobody can understand."""
    yield (name, "--zzz")
    yield (name, "-j")
    if needed(name):
        yield (name,)
    arguments = [p for p in command(name).params if is_argument(p)]
    if not any(p.metavar.endswith("…") for p in arguments):
        yield (name, *("word" for _ in arguments), "more", "and more")
    for option, value in bad_values(name):
        yield (name, option, value, *needed(name))


def test_all_refusals_of_the_parser_read_well(golden: Golden) -> None:
    lines = [("--zzz",), ("-C",), ("-C", "x"), ("statsu",), ("zzz",), ("--site", "x", "drift")]
    for name in COMMANDS:
        lines.extend(refused(name))
    page = []
    for words in lines:
        is_told = told(*words)
        page += [f"calibstate {' '.join(words)}", *(f"  {words}" for words in is_told.words)]
    golden("refusals.txt", "\n".join(page) + "\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_that_is_wrongly_given_is_refused_in_one_form(name: str) -> None:
    lines = list(refused(name))
    for option, parameter in options(name):
        lines.append((name, f"{option}=x") if parameter.is_flag else (name, option))

    for words in lines:
        is_told = told(*words)
        assert is_told.code == 64
        assert is_told.title in TITLES
        assert is_told.detail.endswith(".")
        assert is_told.hint.endswith((".", "?"))
        # Nothing of the parser's own words.
        assert not re.search(r"Value error|Input should|env var|'", is_told.detail + is_told.hint), is_told


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("drift", "--json"), "Did you mean --format json?"),
        (("plan", "--repo", "x"), "Did you mean --repository SITE/REPOSITORY?"),
        (("plan", "--output-format", "json"), "Did you mean --format?"),
        (("verify", "--tickets", "x"), "Did you mean --ticket?"),
        (("log", "--count", "3"), "Did you mean --limit NUMBER?"),
        (("apply", "--auto-approve"), "Did you mean --yes?"),
        (("drift", "--looked", "bias"), "It is an option of `construct`."),
        (("--ticket", "x", "drift"), "Options stand behind the command: calibstate COMMAND --ticket."),
        (("statsu",), "Did you mean `calibstate status`?"),
        (("Deploy",), "Did you mean `calibstate apply`?"),
        (("ls",), "Did you mean `calibstate status`?"),
        (
            ("history", "a", "DM-1"),
            "Tickets are named by --ticket TICKET.  `calibstate history --help` tells what it takes.",
        ),
        (("plan", "--timeout", "1"), "Write 90s, 30m, 24h or 7d."),
        (("plan", "--timeout", "300d"), "Write 60s, 5m or 2h."),
        (("plan", "--format", "jsn"), "Did you mean json?"),
    ],
)
def test_what_was_meant_is_named(words: tuple[str, ...], hint: str) -> None:
    assert told(*words).hint == hint


@pytest.mark.parametrize(
    ("word", "option"),
    [
        ("summit", "--site"),
        ("usdf/main", "--repository"),
        ("DM-48520", "--ticket"),
        ("LSSTComCam/DM-48520", "--ticket"),
    ],
)
def test_who_applies_a_place_or_a_ticket_is_told_by_which_option(word: str, option: str) -> None:
    assert told("-C", STATE, "apply", word).hint == f"Did you mean calibstate apply {option} {word}?"


@pytest.mark.parametrize(
    ("name", "variable", "value", "detail", "hint"),
    [
        ("drift", "CALIBSTATE_TIMEOUT", "soon", "`soon` is no duration.", "Write 90s, 30m, 24h or 7d."),
        ("drift", "CALIBSTATE_FILES", "maybe", "`maybe` is neither yes nor no.", "Write 1 or 0."),
        ("drift", "CALIBSTATE_FORMAT", "jsno", "`jsno` is not one of its words.", "Did you mean json?"),
        ("log", "CALIBSTATE_LIMIT", "0", "`0` is no number of things.", "Write 20."),
        ("log", "CALIBSTATE_MOST", "all", "`all` is no number of things.", "Write 20."),
    ],
)
def test_a_variable_that_is_not_understood_is_named_and_not_its_option(
    name: str, variable: str, value: str, detail: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    is_told = told(name)

    assert (is_told.detail, is_told.hint, is_told.code) == (f"{variable}: {detail}", hint, 64)


def test_a_name_that_is_no_longer_told_is_not_what_was_meant() -> None:
    assert told("report", "--ful", "x").hint == "`calibstate report --help` tells what it takes."


def test_what_is_named_instead_is_there() -> None:
    names = {name for each in COMMANDS for _, option in options(each) for name in option.opts} | {
        "-C",
        "--verbose",
    }

    assert {meant.partition(" ")[0] for meant in OPTIONS_ELSEWHERE.values()} <= names
    assert OPTIONS_ELSEWHERE.keys() & names == set()
    assert COMMANDS_ELSEWHERE.keys() & COMMANDS.keys() == set()


def test_a_word_that_a_terminal_would_obey_is_not_obeyed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["drift", "--\x1b[2J"]) == 64
    assert run(["\x1b]0;x\x07"]) == 64

    assert "\x1b" not in capsys.readouterr().err


# --- errors as documents ---

ERRORS = Draft202012Validator(json.loads((ROOT / "schemas" / "errors.json").read_text()))


@pytest.mark.parametrize(
    ("words", "code", "summary"),
    [
        (("-C", STATE, "drift", "--format", "json", "sumit"), 64, "Not declared"),
        (("-C", STATE, "drift", "--format=json", "--zzz"), 64, "Unknown option"),
        (("-C", "/nowhere", "status", "--format", "json"), 1, "No state tree"),
        (("zzz", "--format", "json"), 64, "Unknown command"),
    ],
)
def test_who_asks_for_documents_gets_errors_as_one(
    words: tuple[str, ...], code: int, summary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == code

    printed = capsys.readouterr()
    document = json.loads(printed.out)
    ERRORS.validate(document)
    assert (document["kind"], document["exit_code"]) == ("errors", code)
    assert [problem["summary"] for problem in document["problems"]] == [summary]
    # It is a line of its own, behind lines that were written before.
    assert printed.out.count("\n") == 1
    assert f"error: {summary}\n" in printed.err


def test_the_variable_asks_for_documents_too_unless_the_line_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALIBSTATE_FORMAT", "json")

    assert run(["-C", "/nowhere", "drift"]) == 1
    assert json.loads(capsys.readouterr().out)["kind"] == "errors"
    assert run(["-C", "/nowhere", "drift", "--format", "text"]) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("words", "code"), [(("--nonesuch",), 64), ((), 0)])
def test_documents_for_a_closed_output_change_nothing(
    words: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with redirect_stdout(None):
        assert run(["-C", STATE, "show", "--format", "json", *words]) == code

    assert "Unexpected error" not in capsys.readouterr().err


# --- our own errors ---

CLAUSES = {
    # They stand in cells and lines, behind the place that they are about.
    ("adapters/recorded.py", "Observation does not tell"),
    ("factory/asking.py", "Place was not asked"),
    ("factory/asking.py", "Place was not looked at"),
}


def diagnostics() -> Iterator[tuple[str, dict[str, ast.expr]]]:
    """Yield every message that is written in the code, with its file."""
    for path in sorted((ROOT / "calibstate").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Diagnostic":
                parts = dict(zip(("summary", "detail", "where", "hint"), node.args, strict=False))
                parts.update({keyword.arg: keyword.value for keyword in node.keywords if keyword.arg})
                yield str(path.relative_to(ROOT / "calibstate")), parts


def text_of(node: ast.expr | None) -> str | None:
    """Return a text with marks for what is put in; `None`: it is not here."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def test_every_message_of_ours_has_one_form() -> None:
    seen = 0
    for file, parts in diagnostics():
        seen += 1
        summary, detail, hint = (text_of(parts.get(name)) for name in ("summary", "detail", "hint"))
        if summary is not None:
            assert re.match(r"[A-Z].*[^.]$", summary), f"{file}: {summary}"
            # Fixed words: what is the user's stands in the detail.
            assert "{" not in summary.replace("Kept back by a {}", ""), f"{file}: {summary}"
        if detail is not None and (file, summary) not in CLAUSES:
            assert detail.endswith((".", "?", "{}")), f"{file}: {detail}"
        if hint:
            # What is to be written into a file stands below its sentence.
            hint = hint.partition(":\n\n")[0] + ("." if ":\n\n" in hint else "")
            assert hint.endswith((".", "?", "{}", "…")), f"{file}: {hint}"
    assert seen > 300
