"""The documentation says what is so.

Every ``console`` block of README.md and docs/ is run, page by page and in
order, each page in a demonstration world of its own:

* lines that begin with ``$ `` are commands, the others their output; ``...``
  stands for any text;
* only ``calibstate``, ``echo $?``, and ``cd`` and ``rm`` within the world are
  run; a block with other commands is a ``sh`` block;
* a ``yaml`` block that begins with ``# state/FILE`` is that file, from there
  on;
* ``<!-- world: without TICKET -->`` begins with a ticket that nobody declared,
  ``<!-- world: after COMMAND -->`` with one that nobody sees;
* ``<!-- not run: REASON -->`` in front of a block leaves it out.

``UPDATE_DOCS=1 make test TESTS=tests/docs_test.py`` writes the output of
blocks that hold no ``...`` into the pages.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = ROOT / "docs" / "reference"

FENCE = re.compile(
    r"(?P<comment><!-- (?P<word>[a-z ]+): (?P<said>.*?) -->)?\n*"
    r"^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
WORLD = re.compile(r"<!-- world: (?:without (?P<ticket>\S+)|after (?P<command>.+?)) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block that is to be carried out."""

    language: str
    body: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    for fence in FENCE.finditer(text):
        if fence["language"] not in {"console", "yaml"} or fence["word"] == "not run":
            continue
        if fence["language"] == "yaml" and not fence["body"].startswith("# state/"):
            continue
        yield Block(fence["language"], fence["body"], text.count("\n", 0, fence.start("body")) + 1)


def runnable(page: Path) -> bool:
    return any(block.language == "console" for block in blocks(page.read_text()))


def exchanges(body: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a block with the output that it promises."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


class Shell:
    """Carries out the commands of one page in one world."""

    def __init__(self, world: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.here = world
        self._parent = str(world.parent)
        self.code = 0
        self._capture = capture

    def run(self, command: str) -> str:
        """Return what a command prints, results behind all else."""
        match shlex.split(command):
            case ["cd", folder]:
                self.here = self.here / folder
                os.chdir(self.here)
                return ""
            case ["rm", file]:
                (self.here / file).unlink()
                return ""
            case ["echo", "$?"]:
                return f"{self.code}\n"
            case ["calibstate", *arguments]:
                return self._calibstate(arguments)
        raise AssertionError(f"only calibstate is run here, not {command!r}: make it a sh block")

    def _calibstate(self, arguments: list[str]) -> str:
        from calibstate.cli.main import run

        self._capture.readouterr()
        self.code = int(run(arguments))
        printed = self._capture.readouterr()
        lines = (printed.err + printed.out).replace(self._parent, "/home/you").splitlines()
        return "".join(f"{line.rstrip()}\n" for line in lines)


@pytest.fixture(scope="session")
def demo_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a demonstration world that nobody may change."""
    from calibstate.demo.world import build
    from calibstate.store import statefile

    declared, _ = statefile.load(ROOT / "state")
    folder = tmp_path_factory.mktemp("demo") / "calibstate-demo"
    build(folder, declared, lambda done, total: None)
    return folder


@pytest.fixture
def shell(
    demo_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    world = shutil.copytree(demo_world, tmp_path / "calibstate-demo")
    monkeypatch.chdir(world)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("COLUMNS", "100")
    for variable in [name for name in os.environ if name.startswith("CALIBSTATE_")]:
        monkeypatch.delenv(variable)
    return Shell(world, capsys)


def forget(world: Path, ticket: str) -> None:
    """Take a ticket out of the declaration, as before anyone wrote it."""
    for file in (world / "state" / "tickets").rglob(f"{ticket}.yaml"):
        file.unlink()
    for file in (world / "state" / "chains").glob("*.yaml"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if f"- {ticket}" not in line))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if runnable(page)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_console_blocks_of_a_page_are_true(page: Path, shell: Shell) -> None:
    text = page.read_text()
    if world := WORLD.search(text):
        if world["ticket"]:
            forget(shell.here, world["ticket"])
        else:
            shell.run(world["command"])
    for block in blocks(text):
        if block.language == "yaml":
            name = block.body.partition("\n")[0].removeprefix("# ")
            (shell.here / name).write_text(block.body.partition("\n")[2])
            continue
        became = ""
        for command, promised in exchanges(block.body):
            printed = shell.run(command)
            became += f"$ {command}\n{printed}"
            if "UPDATE_DOCS" not in os.environ or "..." in block.body:
                difference = _difference(promised, printed)
                assert not difference, f"{page.relative_to(ROOT)}:{block.line}: $ {command}\n{difference}"
        if "UPDATE_DOCS" in os.environ and "..." not in block.body:
            page.write_text(
                page.read_text().replace(f"```console\n{block.body}```", f"```console\n{became}```")
            )


def _difference(promised: str, printed: str) -> str:
    if OutputChecker().check_output(promised, printed, ELLIPSIS):
        return ""
    return f"--- the page says\n{promised}--- it printed\n{printed}"


def test_the_tree_of_the_reference_page_is_sound(tmp_path: Path) -> None:
    from calibstate.store import statefile

    text = (REFERENCE / "state-files.md").read_text()
    files = [fence["body"] for fence in FENCE.finditer(text) if fence["language"] == "yaml"]
    assert files
    for body in files:
        name, _, content = body.partition("\n")
        file = tmp_path / name.removeprefix("# ")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    declared, remarks = statefile.load(tmp_path)
    assert remarks == ()
    assert len(declared.chains) == 2


def test_every_kind_and_action_has_its_place_in_the_reference() -> None:
    from calibstate.kinds.registry import ACTIONS, KINDS

    headings = set(re.findall(r"^#{2,3} `(.+)`$", (REFERENCE / "kinds.md").read_text(), re.MULTILINE))
    assert headings == {*KINDS, *ACTIONS}


def test_every_command_has_its_place_in_the_reference() -> None:
    from calibstate.cli.app import app
    from calibstate.cli.main import run  # noqa: F401 - brings the commands

    commands = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    headings = set(re.findall(r"^## ([a-z]+)$", (REFERENCE / "commands.md").read_text(), re.MULTILINE))
    assert headings == commands


def test_every_option_is_in_the_reference() -> None:
    import typer.main

    from calibstate.cli.app import app
    from calibstate.cli.main import run  # noqa: F401 - brings the commands

    program = typer.main.get_command(app)
    options = {
        word
        for command in (program, *program.commands.values())  # type: ignore[attr-defined]
        for parameter in command.params
        for word in parameter.opts
        if word.startswith("-")
    }
    text = (REFERENCE / "commands.md").read_text()
    assert {"--site", "--yes"} <= options
    told = set(re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", text))
    assert options - told - {"--version", "--install-completion", "--show-completion"} == set()


def test_every_field_of_a_state_file_is_in_the_reference() -> None:
    from calibstate.model.chains import ChainFile
    from calibstate.model.repositories import Repository, Site
    from calibstate.model.settings import RucioSettings, Settings
    from calibstate.model.tickets import Approval, Ticket

    text = (REFERENCE / "state-files.md").read_text()
    fields = {
        name
        for noun in (Settings, RucioSettings, Site, Repository, Ticket, Approval, ChainFile)
        for name in noun.model_fields
    }
    assert {name for name in fields if not re.search(rf"\b{name}\b", text)} == set()


def test_every_exit_code_is_in_the_reference() -> None:
    from calibstate.cli.app import ExitCode

    told = set(re.findall(r"^\| (\d+) \|", (REFERENCE / "exit-codes.md").read_text(), re.MULTILINE))
    assert told == {str(int(code)) for code in ExitCode}


def test_a_wrong_transcript_is_seen() -> None:
    assert _difference("0 steps\n", "1 step\n")
    assert not _difference("usdf: ... sound\n", "usdf: 4 repositories: sound\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_console_block_is_left_out_without_a_reason(page: Path) -> None:
    fences = [f for f in FENCE.finditer(page.read_text()) if f["language"] == "console"]
    for fence in fences:
        commands = re.findall(r"^\$ (\S+)", fence["body"], re.MULTILINE)
        assert commands, fence["body"]
        assert fence["word"] == "not run" or set(commands) <= {"calibstate", "cd", "echo", "rm"}
