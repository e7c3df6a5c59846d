"""The reference of the commands says what the commands themselves say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calibstate.cli.commands import COMMANDS, command
from calibstate.cli.layout import OLD_NAMES, is_argument, shown_names

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"

SHARED = {
    "`--site`, `--repository`": "--site",
    "`--instrument`": "--instrument",
    "`--ticket`": "--ticket",
    "`--exclude`": "--exclude",
    "`--format`": "--format",
    "`-o`": "--output",
    "`--timeout`": "--timeout",
    "`--only-here`": "--only-here",
}
"""Columns of the table of options that are not in signatures."""

AS_AN_OPTION = re.compile(r"[A-Z][A-Zn_|-]* as an option")
"""How the help of an option says that it is an argument too."""

IN_FRONT = {*SHARED.values(), "--repository"}


def options(name: str) -> dict[str, Any]:
    """Return the options of a command by the longest name that is told."""
    parameters = (parameter for parameter in command(name).params if not is_argument(parameter))
    return {shown_names(parameter)[-1]: parameter for parameter in parameters}


def arguments(name: str) -> list[str]:
    """Return what a command is about, as the help has it."""
    return [parameter.metavar for parameter in command(name).params if is_argument(parameter)]


def plain(words: str) -> str:
    """Return words without the signs that say how many there may be."""
    return re.sub(r"[][…]", "", words)


def signature(name: str) -> str:
    """Return how a section of the page says that a command is written."""
    match = re.search(rf"^## {name}\n\n```text\n(.*?)```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert match, f"no signature of {name}"
    return match[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_signature_has_the_arguments_and_all_options_of_its_own(name: str) -> None:
    written = signature(name)
    there_are = options(name)
    own = set()
    for option, parameter in there_are.items():
        # Others are told for all commands, in front of them.
        if option not in IN_FRONT and not AS_AN_OPTION.match(parameter.help):
            own.add(option)
    spelled = {word for parameter in there_are.values() for word in parameter.opts} - OLD_NAMES

    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", written))
    assert named <= spelled, "options that it does not have"
    assert own - named == set(), "options that are not told"
    for argument in arguments(name):
        assert plain(argument) in plain(written)


def rows() -> Iterator[str]:
    """Yield the rows of the table of what commands have alike."""
    yield f"| command | is about | {' | '.join(SHARED)} |"
    yield f"|---|---|{'---|' * len(SHARED)}"
    for name in COMMANDS:
        there_are = options(name)
        cells = [" ".join(f"`{argument}`" for argument in arguments(name))]
        for option in SHARED.values():
            parameter = there_are.get(option)
            has_it = parameter is not None and not AS_AN_OPTION.match(parameter.help)
            cells.append("✓" if has_it else "")
        about = cells[0].replace("|", "\\|")
        row = " | ".join([f"| [`{name}`](#{name})", about, *cells[1:], ""])
        yield row.replace("  ", " ").rstrip()


def test_the_page_says_which_command_has_what_all_commands_say_alike(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text()
    before, _, rest = text.partition("<!-- shared -->\n")
    table, _, after = rest.partition("<!-- end -->\n")
    expected = "".join(f"{row}\n" for row in rows())
    if request.config.getoption("--update-golden"):
        PAGE.write_text(f"{before}<!-- shared -->\n{expected}<!-- end -->\n{after}")
        table = expected

    assert table == expected, "pytest --update-golden writes it"
