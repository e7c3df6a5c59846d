"""The command line has one grammar, whichever command it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calibstate.cli import sessions, terminal
from calibstate.cli.app import run
from calibstate.cli.commands import COMMANDS, command
from calibstate.cli.layout import is_argument, shown_names
from calibstate.work.session import Session

STATE = str(Path(__file__).parents[2] / "state")

NOUNS = {
    "[BASE]": {"--base"},
    "[CHAIN]": {"--chain"},
    "[DIR]": {"--output"},
    "[FOLDER]": {"--output"},
    "[PLACE]…": {"--site", "--repository"},
    "[PLACE|CHAIN]…": {"--site", "--repository", "--chain"},
    "[PLACE|PLAN]…": {"--site", "--repository", "--plan"},
    "[PLAN]": {"--plan"},
    "[REV]": {"--to"},
    "[RUN]": {"--run"},
    "[SITE]": {"--site"},
    "[TICKET]…": {"--ticket"},
    "TICKET…": set(),
    "[PLACE|INSTRUMENT]…": {"--site", "--repository", "--instrument"},
    "CHAIN": {"--chain"},
    "INSTRUMENT": {"--instrument"},
    "PLACE": {"--place"},
    "TAXICAB-n": {"--taxicab"},
    "TICKET": {"--ticket"},
}
"""By what a command is about: the options that say the same."""

LOOKUP = {"DATASET_TYPE", "[KEY=VALUE]…"}
"""Words of a question; no part of a tree is called so."""

OWN_WORDS = {
    ("show", "--live"): "it shows what was published, and looks at no place",
    ("adopt", "--chain"): "the one that lists it",
    ("adopt", "--report"): "the address of one",
    ("adopt", "--ticket"): "it is about one",
    ("approvals", "--check"): "Jira, and not files",
    ("certify", "--ticket"): "it is about one",
    ("capture", "--chain"): "one more of several",
    ("construct", "--run"): "a task of its own",
    ("construct", "--ticket"): "it is about one",
    ("daily", "--instrument"): "the one that is verified",
    ("daily", "--run"): "a task of its own",
    ("effective", "--at"): "a moment of the sky",
    ("explain", "--all"): "collections that hold nothing",
    ("explain", "--at"): "a moment of the sky",
    ("explain", "--chain"): "any chain that there is",
    ("history", "--chain"): "it is about one",
    ("init", "--archive"): "where it is to be",
    ("init", "--instrument"): "what is declared",
    ("init", "--site"): "what is declared",
    ("log", "--run"): "one of the journal",
    ("propose", "--instrument"): "whose it is",
    ("propose", "--taxicab"): "nobody has decided by it",
    ("propose", "--ticket"): "it is about one",
    ("rollback", "--because"): "why a ticket goes",
    ("rollback", "--ticket"): "it is about one",
    ("history", "--ticket"): "of one chain only",
    ("timeline", "--base"): "only what changes is shown",
    ("timeline", "--chain"): "one of several",
    ("seal", "--write"): "one word of it, and not a list",
    ("seal", "--ticket"): "what is read, and not what is left of it",
    ("watch", "--site"): "the one whose loop it is",
    ("page", "--live"): "it looks at all repositories, and names none",
    ("page", "--since"): "it compares with what was declared then",
}
"""Options whose name others have with another help, and what they mean."""


def parameters(name: str, *, arguments: bool) -> list[Any]:
    """Return the arguments of a command, or its options."""
    return [p for p in command(name).params if is_argument(p) is arguments]


def pages(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, str]:
    """Return the help of each command as it is printed."""
    monkeypatch.setenv("COLUMNS", columns)
    printed = {}
    for name in COMMANDS:
        assert run([name, "--help"]) == 0
        printed[name] = capsys.readouterr().out
    assert run(["--help"]) == 0
    printed["calibstate"] = capsys.readouterr().out
    return printed


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_is_about_is_its_argument_and_its_option(name: str) -> None:
    options = {option for parameter in parameters(name, arguments=False) for option in parameter.opts}
    for argument in parameters(name, arguments=True):
        if argument.metavar not in LOOKUP:
            assert NOUNS[argument.metavar] <= options


def same_option_elsewhere() -> Iterator[tuple[str, str, str, Any]]:
    for name in COMMANDS:
        for option in parameters(name, arguments=False):
            yield name, shown_names(option)[-1], str(option.metavar), option


def test_an_option_says_the_same_wherever_it_is() -> None:
    said: dict[str, tuple[Any, ...]] = {}
    for name, called, metavar, option in same_option_elsewhere():
        if (name, called) in OWN_WORDS or called in {"--format", "--output"}:
            continue
        words = (metavar, option.help, option.opts)
        assert said.setdefault(called, words) == words, name
    assert set(OWN_WORDS) <= {(name, called) for name, called, *_ in same_option_elsewhere()}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_an_option_is_a_sentence(name: str) -> None:
    for parameter in command(name).params:
        assert re.match(r"[A-Z].*\.$", parameter.help.replace("…", ".")), parameter.help
        if not parameter.hidden and not getattr(parameter, "is_flag", False):
            assert parameter.metavar, parameter.name


LEFTOVERS = re.compile(
    r"\[\[|\]\]|<str>|<path>|<int|<list|x>=|9223|env var|\[default|\[required|None|python -m|\]\.\.\. *$",
    re.M,
)
"""What a parser writes, and no person."""


def test_no_help_has_anything_of_the_parser_and_each_fits_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, page in pages("80", monkeypatch, capsys).items():
        found = [line for line in page.splitlines() if LEFTOVERS.search(line)]
        assert found == [], name
        assert max(map(len, page.splitlines())) <= 80, name
        assert page.startswith("Usage: calibstate ")


# --- both forms of a noun ---


class MadeError(Exception):
    """A session was made, and nothing else is of interest."""


def asked_by(monkeypatch: pytest.MonkeyPatch, *words: str) -> Session:
    """Return the session of a command line."""
    made: list[Session] = []

    def make(*given: Any, **more: Any) -> Session:
        made.append(Session(*given, **more))
        raise MadeError

    monkeypatch.setattr(sessions, "Session", make)
    run(["-C", STATE, *words])
    (session,) = made
    return session


PLACED = [
    (("summit",), ("--site", "summit")),
    (("summit", "usdf"), ("--site", "summit", "--site", "usdf")),
    (("summit/LATISS",), ("--repository", "summit/LATISS")),
    (("summit", "--site", "usdf"), ("--site", "summit", "--site", "usdf")),
    (
        ("usdf/main", "--repository", "summit/LATISS"),
        ("--repository", "usdf/main", "--repository", "summit/LATISS"),
    ),
    (("summit/LATISS", "--site", "summit"), ("--repository", "summit/LATISS", "--site", "summit")),
    # A site beside a repository is all that the site has.
    (("summit", "usdf/main"), ("--repository", "summit/*", "--repository", "usdf/main")),
]


@pytest.mark.parametrize(("by_argument", "by_option"), PLACED)
@pytest.mark.parametrize(
    "name", ["status", "drift", "plan", "fingerprint", "retention", "observe", "doctor", "show"]
)
def test_a_place_is_the_same_as_an_argument_and_as_an_option(
    name: str, by_argument: tuple[str, ...], by_option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_words = asked_by(monkeypatch, name, *by_argument).requested

    assert (set(by_words.sites), set(by_words.repositories)) == _places(
        asked_by(monkeypatch, name, *by_option)
    )


def _places(session: Session) -> tuple[set[str], set[str]]:
    return set(session.requested.sites), set(session.requested.repositories)


@pytest.mark.parametrize("name", ["verify", "approvals"])
def test_a_ticket_is_the_same_as_an_argument_and_as_an_option(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = asked_by(monkeypatch, name, "DM-48520", "--ticket", "DM-48955").requested.tickets

    assert both == ("DM-48520", "DM-48955")
    assert asked_by(monkeypatch, name, "DM-48520", "DM-48955").requested.tickets == both


def test_what_is_named_counts_and_not_what_a_shell_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSTATE_SITE", "bts")
    monkeypatch.setenv("CALIBSTATE_TICKET", "DM-48955")

    assert asked_by(monkeypatch, "drift", "summit/LATISS").requested.sites == ()
    assert asked_by(monkeypatch, "drift").requested.sites == ("bts",)
    assert asked_by(monkeypatch, "verify", "DM-48520").requested.tickets == ("DM-48520",)
    assert asked_by(monkeypatch, "verify").requested.tickets == ("DM-48955",)


def test_a_variable_does_not_contradict_the_one_thing_that_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALIBSTATE_BASE", "HEAD")

    assert run(["-C", STATE, "diff", "no-such-revision"]) == 64

    assert "no-such-revision" in capsys.readouterr().err


def test_one_thing_that_is_named_twice_has_to_be_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", STATE, "diff", "HEAD", "--base", "HEAD~1"]) == 64
    assert "BASE is HEAD as an argument, and HEAD~1 as an option." in capsys.readouterr().err

    assert run(["-C", STATE, "rollback", "DM-1", "--ticket", "DM-1", "--dry-run"]) == 64
    assert "`DM-1`: nobody declared such a ticket." in capsys.readouterr().err


@pytest.mark.parametrize("words", [("history",), ("rollback",), ("certify",), ("construct",), ("unlock",)])
def test_what_a_command_acts_on_must_be_named_and_is_not_taken_from_a_shell(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("CALIBSTATE_TICKET", "CALIBSTATE_PLACE", "CALIBSTATE_CHAIN"):
        monkeypatch.setenv(variable, "DM-48520")

    assert run(["-C", STATE, *words]) == 64
    assert "error: Missing argument\n" in capsys.readouterr().err


def test_a_repository_of_another_site_is_refused_instead_of_nothing_being_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["-C", STATE, "show", "--site", "summit", "--repository", "usdf/main"]) == 64
    assert "`usdf/main` is not of summit" in capsys.readouterr().err
    # Of what is excluded on purpose nothing has to be left.
    assert run(["-C", STATE, "show", "--repository", "usdf/main", "--exclude", "usdf"]) == 0
    # A site that is misspelt beside a repository is told as a site.
    capsys.readouterr()
    assert run(["-C", STATE, "show", "sumit", "usdf/main"]) == 64
    assert "`sumit`: nobody declared such a site." in capsys.readouterr().err


# --- options of all commands, and help ---


def test_the_tree_is_named_in_front_of_a_command_or_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["-C", STATE, "show", "summit"]) == 0
    shown = capsys.readouterr().out

    for words in (
        ["show", "-C", STATE, "summit"],
        ["show", "summit", f"--root={STATE}", "-v"],
        ["-C", "/nowhere", "show", "summit", "-C", STATE],
    ):
        assert run(words) == 0
        assert capsys.readouterr().out == shown
    assert run(["show", "summit"]) == 1


def test_details_are_asked_for_in_front_of_a_command_or_behind_it() -> None:
    assert run(["-C", STATE, "-v", "show"]) == 0
    assert terminal.wanted.details
    assert run(["-C", STATE, "show"]) == 0
    assert not terminal.wanted.details
    assert run(["-C", STATE, "show", "-v"]) == 0
    assert terminal.wanted.details


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_help_is_a_command_too(name: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    words = [name] if name else []
    assert run([*words, "--help"]) == 0
    page = capsys.readouterr().out

    assert run(["help", *words]) == 0
    assert capsys.readouterr().out == page


def test_help_of_what_is_no_command_names_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "statsu"]) == 64
    assert "Did you mean `calibstate status`?" in capsys.readouterr().err
