"""The table of commands says what the commands themselves say."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

from calibstate.cli.app import program, run
from calibstate.cli.commands import COMMANDS, Group, command

CLI = Path(__file__).parents[2] / "calibstate" / "cli"


def marked(source: str) -> list[str]:
    """Return the functions of a module that are marked as commands."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [f.name for f in functions if any(ast.unparse(d) == "app.command()" for d in f.decorator_list)]


def test_every_function_marked_as_a_command_is_in_the_table_with_its_module() -> None:
    defined = [(name, path.stem) for path in CLI.glob("*.py") for name in marked(path.read_text())]

    assert sorted(defined) == sorted((name, entry.module) for name, entry in COMMANDS.items())


def test_a_command_that_is_not_in_the_table_would_be_seen() -> None:
    source = "@app.command()\ndef forgotten() -> None: ...\n\ndef helping() -> None: ...\n"

    assert marked(source) == ["forgotten"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_that_of_its_docstring(name: str) -> None:
    entry = COMMANDS[name]
    function = getattr(import_module(f"calibstate.cli.{entry.module}"), name)
    paragraph = (inspect.getdoc(function) or "").partition("\n\n")[0]

    assert entry.line == " ".join(paragraph.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_list_tells_of_a_command_what_its_own_help_says(name: str) -> None:
    listed = program().commands[name]

    for limit in (20, 45, 80):
        assert listed.get_short_help_str(limit) == command(name).get_short_help_str(limit)
    assert (listed.name, listed.hidden) == (command(name).name, command(name).hidden)


def test_the_program_has_the_commands_of_the_table_in_its_order() -> None:
    assert list(program().commands) == list(COMMANDS)


def test_help_lists_the_commands_of_a_group_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0

    lines = capsys.readouterr().out.splitlines()
    listed: dict[str, list[str]] = {}
    for line in lines[lines.index("Begin:") :]:
        if line.endswith(":"):
            listed[line.removesuffix(":")] = []
        elif line:
            *_, names = listed.values()
            names.append(line.split()[0])
    for group in Group:
        names = [name for name, entry in COMMANDS.items() if entry.group is group]
        assert listed.pop(group.value) == names
    assert listed == {}


def test_the_command_that_was_meant_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["statsu"]) == 64

    assert "Did you mean `calibstate status`?" in capsys.readouterr().err
