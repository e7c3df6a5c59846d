"""A word that is refused shows by number what no eye tells from others.

Each field of each state file, and each word of each command, is given a
look-alike.  Where a message repeats it, the message tells its code point.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.text import Text

from calibstate.checks.judge import judge
from calibstate.cli import screen
from calibstate.cli.commands import COMMANDS, command
from calibstate.errors import CalibstateError, Diagnostic, Severity
from calibstate.kinds.table import own_folders
from calibstate.store.statefile import load
from tests.commands.sites import INSTRUMENT, SUMMIT, TOP, Sites
from tests.look_alikes import LOOK_ALIKES, TREE, spoilt, write_tree
from tests.tree import ROOT, Tree

SCHEMAS = ("calibstate", "site", "ticket", "chain", "skymap", "source", "verdicts")
"""Of the files of a state tree that people write."""


@dataclass(frozen=True)
class Word:
    """A word of a state file: a value, or the name of a key."""

    file: str
    path: tuple[str | int, ...]
    word: str
    is_key: bool

    @property
    def shape(self) -> tuple[Any, ...]:
        """Where such words stand; one of them is looked at."""
        steps = tuple("*" if isinstance(step, int) else step for step in self.path)
        return (self.file, steps, self.word if self.is_key else "")

    def spoilt(self, character: str) -> Any:
        """Return what the file says with a look-alike in the word."""
        data = deepcopy(TREE[self.file])
        parent = data
        for step in self.path[: None if self.is_key else -1]:
            parent = parent[step]
        wrong = spoilt(self.word, character)
        if self.is_key:
            entries = {wrong if key == self.word else key: value for key, value in parent.items()}
            parent.clear()
            parent.update(entries)
        else:
            parent[self.path[-1]] = wrong
        return data


def words(file: str, data: Any, path: tuple[str | int, ...] = ()) -> Iterator[Word]:
    """Yield all words of a file."""
    match data:
        case dict():
            for key, value in data.items():
                yield Word(file, path, key, is_key=True)
                yield from words(file, value, (*path, key))
        case list():
            for index, value in enumerate(data):
                yield from words(file, value, (*path, index))
        case str():
            yield Word(file, path, data, is_key=False)


MEMO: dict[Any, Any] = {}
"""Files that were read already."""

ALL = list({word.shape: word for file in TREE for word in words(file, TREE[file])}.values())


def problems(folder: Path) -> tuple[Diagnostic, ...]:
    """Return all that is told of a tree."""
    try:
        desired, remarks = load(folder, MEMO, own_folders())
    except CalibstateError as error:
        return error.diagnostics
    return (*remarks, *judge(desired, None, date(2026, 3, 1)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tree(tmp_path)
    return tmp_path


def test_the_tree_is_sound_and_has_every_key_of_every_schema(folder: Path) -> None:
    keys = {word.word for word in ALL if word.is_key}
    lacking = []
    for name in SCHEMAS:
        schema = json.loads((ROOT / "schemas" / f"{name}.json").read_text())
        nouns = [schema, *schema.get("$defs", {}).values()]
        lacking += [key for noun in nouns for key in noun.get("properties", {}) if key not in keys]

    assert lacking == []
    errors = [problem for problem in problems(folder) if problem.severity is Severity.ERROR]
    assert {problem.code for problem in errors} == {"A305"}, "its seal is nobody's"


def test_each_word_of_a_file_that_is_refused_shows_it(folder: Path) -> None:
    before = {problem.detail for problem in problems(folder)}
    refused = 0
    hidden = []
    characters = cycle(LOOK_ALIKES)
    for word in ALL:
        character = next(characters)
        path = folder / word.file
        good = path.read_text()
        path.write_text(yaml.safe_dump(word.spoilt(character), allow_unicode=True, sort_keys=False))
        for problem in problems(folder):
            text = f"{problem.detail} {problem.hint}"
            if problem.detail in before or character not in text:
                continue
            refused += 1
            if LOOK_ALIKES[character] not in text:
                hidden.append((word.file, word.path, word.word, problem.summary, problem.detail))
        path.write_text(good)

    assert hidden == []
    assert refused > len(ALL) // 2, "most words have a form"


# --- words of the command line ---

HYPHEN = "\N{NON-BREAKING HYPHEN}"

GOOD = {
    "TICKET": "DM-1",
    "REPOSITORY": "usdf/main",
    "INSTRUMENT": "LSSTComCam",
    "ID": "an-id",
    "TYPE": "bias",
}
"""What stands for what a command cannot do without."""

FREE = {"because", "override", "exclude", "where", "input"}
"""Reasons, patterns and expressions: nobody refuses a word of these."""


CHOICES = {"allow", "format", "help"}
"""Words of which the parser has a list."""


def takes_a_word(parameter: Any) -> bool:
    """Say whether a parameter of a command is a word that may be refused."""
    is_flag = getattr(parameter, "is_flag", False)
    return parameter.name not in FREE | CHOICES and not is_flag


def command_line(name: str, parameter: Any) -> list[str]:
    """Return a command with a look-alike in one of its words."""
    wrong = f"wo{HYPHEN}rd"
    arguments = []
    for other in command(name).params:
        if other is parameter:
            arguments += [wrong] if other.param_type_name == "argument" else [other.opts[0], wrong]
        elif other.required:
            metavar = str(other.metavar or "").strip("[]{}…. ").split("/")[-1]
            arguments.append(GOOD.get(metavar, "DM-1"))
    return [name, *arguments]


WORDS = [
    (name, parameter)
    for name in COMMANDS
    if name != "demo"
    for parameter in command(name).params
    if takes_a_word(parameter)
]


def test_each_word_of_a_command_that_is_refused_shows_it(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.ticket("DM-1", "g/bias.20250101a")
    tree.chain(["DM-1"])
    # A folder can be read or written in place of no file.
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / f"wo{HYPHEN}rd").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)

    refused = []
    hidden = []
    for name, parameter in WORDS:
        ran = tree.run(capsys, *command_line(name, parameter))
        if ran.code == 0 or HYPHEN not in ran.err:
            continue
        refused.append((name, parameter.name))
        if "U+2011" not in ran.err:
            hidden.append((name, parameter.name, ran.err))

    assert hidden == []
    assert len(refused) > len(WORDS) // 2, refused


# --- names that are live ---


def test_what_is_live_under_a_name_that_looks_like_a_declared_one_is_told_apart(deployed: Sites) -> None:
    """A hand searches collections that look like the ticket's."""
    foreign = {f"{TOP}/DM{character}-1": number for character, number in LOOK_ALIKES.items()}
    for name in foreign:
        deployed.add_own(SUMMIT, name)
    deployed.change_chain(SUMMIT, lambda live: [*foreign, *live])

    told = {
        format: deployed.run("drift", "--site", "summit", "--format", format).out
        for format in ("text", "markdown", "junit")
    }
    told["plan"] = deployed.run("plan", "--site", "summit").out
    captured = deployed.run("capture", SUMMIT, INSTRUMENT, "--dry-run", "--no-seals")

    assert captured.code == 3
    told["capture"] = captured.err
    for where, text in told.items():
        for name, number in foreign.items():
            assert f"(with {number})" in text, (where, name, text)


@pytest.mark.parametrize(
    "asked",
    [
        (f"bi{HYPHEN}as", "detector=1", "--at", "2024-11-07"),
        ("bias", f"detec{HYPHEN}tor=1", "--at", "2024-11-07"),
        ("bias", f"detector=R22_S{HYPHEN}11", "--at", "2024-11-07"),
        ("flat", "detector=1", f"band=r{HYPHEN}", "--at", "2024-11-07"),
        ("bias", "detector=1", f"instrument=LSST{HYPHEN}ComCam", "--at", "2024-11-07"),
        ("bias", "detector=1", "--at", "2024-11-07", "--chain", f"LSSTComCam/cal{HYPHEN}ib"),
    ],
    ids=lambda asked: next(word for word in asked if HYPHEN in word).replace(HYPHEN, "-"),
)
def test_a_word_that_only_a_repository_knows_shows_it_too(deployed: Sites, asked: tuple[str, ...]) -> None:
    ran = deployed.run("explain", *asked)

    assert (ran.code, "(with U+2011)" in ran.err) == (64, True), ran.err


def test_what_a_terminal_hides_is_shown_by_its_code_point(capsys: Any) -> None:
    text = Text.assemble("a\u200bb\x1b[31m", (" DM\u00a01", "bold"), " plain é ж")

    screen.print_lines([text])

    assert capsys.readouterr().out == "a<U+200B>b<U+001B>[31m DM<U+00A0>1 plain é ж\n"


@pytest.mark.parametrize("text", ["Überprüfung, 校正, поверка", "naïve — “quoted” …", "3 µm ± 1"])
def test_what_people_write_in_their_language_stays_as_it_is(folder: Path, text: str, capsys: Any) -> None:
    path = folder / "tickets/LSSTComCam/DM-1.yaml"
    data = deepcopy(TREE["tickets/LSSTComCam/DM-1.yaml"])
    data.update(summary=text, hold=text, skip={"summit": text})
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))

    told = [f"{problem.detail} {problem.hint}" for problem in problems(folder)]
    screen.tell(text)

    assert not [one for one in told if "U+" in one]
    assert capsys.readouterr().err == f"{text}\n"


@pytest.mark.parametrize(
    ("butler", "records"), [(f"la{HYPHEN}bel", "../records"), ("/repo/main", f"gs://buc{HYPHEN}ket")]
)
def test_a_place_that_cannot_be_opened_shows_it_too(
    tmp_path: Path, capsys: Any, butler: str, records: str
) -> None:
    tree = Tree(tmp_path, records=records)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.ticket("DM-1", "g/bias.20250101a")
    tree.chain(["DM-1"])
    site = tree.state / "sites" / "usdf.yaml"
    site.write_text(site.read_text().replace("butler: ../../repo/usdf-main", f"butler: {butler}"))

    ran = tree.run(capsys, "doctor")

    assert (ran.code, "(with U+2011)" in ran.out + ran.err) == (1, True), ran.out + ran.err
