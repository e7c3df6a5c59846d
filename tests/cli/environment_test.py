"""Variables that are read are on one page, and others are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from calibstate.cli.app import run
from calibstate.cli.commands import COMMANDS, command
from calibstate.cli.environment import NOT_FOR_PEOPLE, OTHERS
from calibstate.cli.layout import OLD_NAMES, is_argument, shown_names, variable_of

ROOT = Path(__file__).parents[2]
STATE = str(ROOT / "state")
PAGE = ROOT / "docs" / "reference" / "environment.md"

ACROSS = 10
"""Commands beyond which an option is said to be of so many, not of which."""


def rows() -> Iterator[str]:
    """Yield the rows of the table of the variables of options."""
    commands: dict[tuple[str, str], list[str]] = {}
    for name in COMMANDS:
        for parameter in command(name).params:
            if not is_argument(parameter) and parameter.envvar:
                key = (variable_of(parameter), shown_names(parameter)[-1])
                commands.setdefault(key, []).append(f"`{name}`")
    yield "| variable | option | of |"
    yield "|---|---|---|"
    for (variable, option), names in sorted(commands.items()):
        of = ", ".join(names) if len(names) <= ACROSS else f"{len(names)} commands"
        yield f"| `{variable}` | `{option}` | {of} |"


def test_the_page_has_every_variable_of_an_option(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text()
    before, _, rest = text.partition("<!-- options -->\n")
    table, _, after = rest.partition("<!-- end -->\n")
    expected = "".join(f"{row}\n" for row in rows())
    if request.config.getoption("--update-golden"):
        PAGE.write_text(f"{before}<!-- options -->\n{expected}<!-- end -->\n{after}")
        table = expected

    assert table == expected, "pytest --update-golden writes it"


def test_the_page_has_every_other_variable_that_people_set_and_no_more() -> None:
    surroundings = PAGE.read_text().partition("## Options")[0]

    assert set(re.findall(r"`(CALIBSTATE_[A-Z_]+)`", surroundings)) == OTHERS


def test_every_variable_that_the_code_names_is_one_that_is_known() -> None:
    named: set[str] = set()
    for path in (ROOT / "calibstate").rglob("*.py"):
        named.update(re.findall(r"\bCALIBSTATE_[A-Z_]*[A-Z]\b", path.read_text()))
    known = {*OTHERS, *re.findall(r"CALIBSTATE_[A-Z_]+", "\n".join(rows()))}
    known |= NOT_FOR_PEOPLE | {"CALIBSTATE_MOST", "CALIBSTATE_FULL", "CALIBSTATE_JIRA"}
    assert named - known == set()


def test_old_names_of_options_have_variables_too() -> None:
    assert {"--full", "--most"} == OLD_NAMES


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        (
            "CALIBSTATE_SITES",
            "is set, and nothing reads it. Did you mean CALIBSTATE_SITE?\n",
        ),
        ("CALIBSTATE_JIRA_ULR", "Did you mean CALIBSTATE_JIRA_URL?\n"),
        ("CALIBSTATE_FOO", "CALIBSTATE_FOO is set, and nothing reads it.\n"),
        # Of options that this command does not have, and an old name.
        ("CALIBSTATE_LOCK_TIMEOUT", None),
        ("CALIBSTATE_MOST", None),
        ("CALIBSTATE_HERE", None),
    ],
)
def test_a_variable_that_nothing_reads_is_told_with_the_one_that_was_meant(
    variable: str, words: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, "1")

    assert run(["-C", STATE, "show", "summit"]) == 0

    told = capsys.readouterr()
    assert told.out.startswith("summit/LSSTComCam\n")
    assert told.err.endswith(words) if words else told.err == ""


def test_help_and_completion_say_nothing_of_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALIBSTATE_SITES", "summit")

    assert run(["drift", "--help"]) == 0

    assert capsys.readouterr().err == ""
