"""Every result is shown in every format that is promised for it."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from calibstate.cli.app import run
from calibstate.cli.commands import COMMANDS, command
from calibstate.model import results
from calibstate.model.results.base import CommandResult
from calibstate.views.render import VIEWS, Format, name_of, view_of

STATE = str(Path(__file__).parents[2] / "state")

FOR_ALL = (Format.TEXT, Format.JSON, Format.MARKDOWN)
"""What every command with ``--format`` offers."""


def results_there_are() -> dict[str, type]:
    """Return the types that use cases return, by what the table calls them."""
    found = {}
    for module in pkgutil.iter_modules(results.__path__, "calibstate.model.results."):
        for _, type_ in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(type_, CommandResult) and type_ is not CommandResult:
                found[name_of(type_)] = type_
    return found


def type_called(name: str) -> type:
    module, _, type_ = name.rpartition(".")
    found: type = getattr(import_module(f"calibstate.model.{module}"), type_)
    return found


def holes(table: Mapping[str, Mapping[Format, str]], offering: set[str]) -> Iterator[str]:
    """Yield what a table lacks.

    Parameters
    ----------
    table
        Functions by format, by result.
    offering
        Results of commands that have ``--format``.
    """
    for name in results_there_are():
        if name not in table:
            yield f"{name} is not shown"
    for name, row in table.items():
        for format in FOR_ALL if name in offering else (Format.TEXT,):
            if format not in row:
                yield f"{name} is not shown as {format.value}"


def offered() -> dict[str, tuple[Format, ...]]:
    """Return the formats that each command offers."""
    of_commands = {}
    for name, entry in COMMANDS.items():
        function = getattr(import_module(f"calibstate.cli.{entry.module}"), name)
        parameter = signature(function, eval_str=True).parameters.get("format")
        if parameter:
            of_commands[name] = tuple(Format(one.value) for one in get_args(parameter.annotation)[0])
    return of_commands


def offering() -> set[str]:
    """Return the results of commands that have ``--format``."""
    found = set()
    for name, entry in COMMANDS.items():
        function = getattr(import_module(f"calibstate.cli.{entry.module}"), name)
        annotations = get_type_hints(inspect.unwrap(function), include_extras=True)
        if "format" in annotations:
            found.add(get_args(annotations["format"])[1].result)
    return found


OFFERING = offering()


def test_no_result_lacks_a_format() -> None:
    assert list(holes(VIEWS, OFFERING)) == []


def test_a_hole_would_be_seen() -> None:
    name = "results.trees.Validation"
    row: Mapping[Format, str] = {
        format: view for format, view in VIEWS[name].items() if format is not Format.MARKDOWN
    }

    assert list(holes({**VIEWS, name: row}, OFFERING)) == [f"{name} is not shown as markdown"]
    without = {other: row for other, row in VIEWS.items() if other != name}
    assert list(holes(without, OFFERING)) == [f"{name} is not shown"]


@pytest.mark.parametrize(
    ("name", "format"), [(name, format) for name, row in VIEWS.items() for format in row]
)
def test_what_shows_a_result_is_there_and_takes_it(name: str, format: Format) -> None:
    result = type_called(name)
    view = view_of(result, format)

    first, *others = signature(view).parameters.values()
    assert [other.name for other in others if other.default is other.empty] == []
    taken: Any = get_type_hints(view)[first.name]
    assert result in (get_args(taken) or (taken,))


def returned_by(name: str) -> set[type]:
    """Return the results of the use cases of a command."""
    module = import_module(f"calibstate.work.{name}")
    found = set()
    for use_case in module.__all__:
        words = signature(getattr(module, use_case)).return_annotation
        returned = eval(words, vars(module)) if isinstance(words, str) else None
        for type_ in get_args(returned) or (returned,):
            if inspect.isclass(type_) and issubclass(type_, CommandResult):
                found.add(type_)
    return found


@pytest.mark.parametrize("name", sorted(offered()))
def test_whatever_a_use_case_returns_is_shown_in_each_format_of_its_command(name: str) -> None:
    assert returned_by(name)
    for result in returned_by(name):
        assert set(offered()[name]) <= set(VIEWS[name_of(result)])


@pytest.mark.parametrize("name", sorted(offered()))
def test_a_command_offers_what_the_table_has_for_its_result(name: str) -> None:
    assert set(FOR_ALL) <= set(offered()[name])
    assert offered()[name] in {tuple(VIEWS[result]) for result in OFFERING}


# --- one variable for all commands ---


def test_a_format_that_only_others_have_is_text_with_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", STATE, "show"]) == 0
    as_text = capsys.readouterr().out
    for word in ("github", "junit"):
        monkeypatch.setenv("CALIBSTATE_FORMAT", word)
        assert run(["-C", STATE, "show"]) == 0
        shown = capsys.readouterr()
        assert shown.out == as_text
        assert shown.err == f"CALIBSTATE_FORMAT is {word}, which `show` does not have: it writes text.\n"


def test_a_format_that_a_command_has_is_used_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALIBSTATE_FORMAT", "github")

    assert run(["-C", STATE, "validate"]) == 0
    assert "CALIBSTATE_FORMAT" not in capsys.readouterr().err
    assert run(["-C", STATE, "show", "--format", "json"]) == 0
    assert "CALIBSTATE_FORMAT" not in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(offered()))
def test_a_word_that_no_command_knows_is_a_mistake(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALIBSTATE_FORMAT", "xml")
    arguments = [
        str(p.name)
        for p in command(name).params
        if p.param_type_name == "argument" and not p.metavar.startswith("[")
    ]

    assert run(["-C", STATE, name, *arguments]) == 64
    assert "xml" in capsys.readouterr().err


def test_a_format_on_the_command_line_is_meant_for_this_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", STATE, "show", "--format", "github"]) == 64
    assert "github" in capsys.readouterr().err


# --- results in files ---


@pytest.mark.parametrize(
    ("suffix", "format"), [(".json", "json"), (".md", "markdown"), (".txt", "text"), (".out", "text")]
)
def test_a_result_is_written_in_the_format_of_the_suffix_and_printed_as_it_is_asked_for(
    suffix: str, format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new" / f"chains{suffix}"
    assert run(["-C", STATE, "show", "summit", "--format", format]) == 0
    printed = capsys.readouterr().out

    assert run(["-C", STATE, "show", "summit", "-o", str(file)]) == 0

    assert file.read_text() == printed
    shown = capsys.readouterr()
    assert shown.out.startswith("summit/LSSTComCam\n")
    assert shown.err == f"{file} was written.\n"


def test_what_is_found_is_in_the_file_and_what_is_said_beside_it_is_not(tmp_path: Path) -> None:
    file = tmp_path / "found.md"

    run(["-C", STATE, "validate", "-o", str(file)])

    *found, verdict = file.read_text().splitlines()
    assert re.fullmatch(r"\S+: \d+ sites, .*", verdict)
    assert found[0].startswith("warning: Tickets without a seal")
    assert "was written" not in file.read_text()


def test_a_file_that_cannot_be_written_so_is_refused_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", STATE, "show", "-o", str(tmp_path / "chains.xml")]) == 64

    told = capsys.readouterr()
    assert (told.out, list(tmp_path.iterdir())) == ("", [])
    assert "this command writes no junit" in told.err
    assert run(["-C", STATE, "show", "-o", str(tmp_path)]) == 64
    assert "File cannot be written" in capsys.readouterr().err


def test_a_variable_for_a_saved_plan_has_nothing_else_written_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_OUTPUT", str(tmp_path / "plan.json"))

    assert run(["-C", STATE, "show"]) == 0

    assert list(tmp_path.iterdir()) == []


def test_a_command_that_shows_a_whole_result_writes_it_to_a_file_too() -> None:
    streams = {"apply", "certify", "construct"}
    for name in offered():
        options = {option for parameter in command(name).params for option in parameter.opts}
        assert ("--output" in options) is (name not in streams), name
