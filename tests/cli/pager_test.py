"""Long results go through a pager on a terminal, and nothing else does."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from typing_extensions import override

from calibstate.cli.app import run
from calibstate.cli.pager import is_long

ROOT = Path(__file__).parents[2]
STATE = str(ROOT / "state")


class Terminal(io.StringIO):
    """What a person sees of a command."""

    @override
    def isatty(self) -> bool:
        return True

    def run(self, *words: str) -> int:
        """Run a command that writes here."""
        with redirect_stdout(self):
            return run(["-C", STATE, *words])


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a small terminal; what goes through its pager is in a file."""
    for variable in ("CI", "PAGER", "CALIBSTATE_PAGER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LINES", "12")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PAGER", f"sh -c 'cat > {tmp_path}/paged'")
    return Terminal()


def paged(tmp_path: Path) -> str:
    """Return what went through the pager; nothing, where there was none."""
    file = tmp_path / "paged"
    return file.read_text() if file.exists() else ""


def test_a_long_result_goes_through_the_pager_with_its_colours(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.run("show", "summit") == 0

    assert terminal.getvalue() == ""
    assert "LSSTComCam/calib/DM-48955" in paged(tmp_path)
    assert paged(tmp_path).count("\n") > 12


def test_what_fits_the_screen_is_printed(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINES", "500")

    assert terminal.run("show", "summit") == 0

    assert paged(tmp_path) == ""
    assert "LSSTComCam/calib/DM-48955" in terminal.getvalue()


def test_how_a_command_ends_is_kept(terminal: Terminal, tmp_path: Path) -> None:
    # None of its places is there.
    assert terminal.run("doctor", "--timeout", "5s") == 1

    assert "failed" in paged(tmp_path)


@pytest.mark.parametrize("pager", ["head -1", "true", "false"])
def test_a_pager_that_is_closed_early_is_no_error(
    pager: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_PAGER", pager)

    assert terminal.run("show") == 0

    assert terminal.getvalue() == ""


@pytest.mark.parametrize("pager", ["", "cat", "no-such-pager-anywhere", "'not closed"])
def test_without_a_pager_all_is_printed(
    pager: str, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It comes before what other programs take.
    monkeypatch.setenv("CALIBSTATE_PAGER", pager)

    assert terminal.run("show", "summit") == 0

    assert paged(tmp_path) == ""
    assert terminal.getvalue().count("\n") > 12


@pytest.mark.parametrize(
    ("words", "variable"),
    [
        (["show", "--no-pager"], None),
        (["--no-pager", "show"], None),
        (["show", "-o", "{}/chains.md"], None),
        (["show"], ("CI", "true")),
        (["show"], ("TERM", "dumb")),
    ],
)
def test_who_wants_no_pager_gets_none(
    words: list[str],
    variable: tuple[str, str] | None,
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable:
        monkeypatch.setenv(*variable)

    assert terminal.run(*(word.format(tmp_path) for word in words)) == 0

    assert paged(tmp_path) == ""
    assert terminal.getvalue().count("\n") > 12


def test_lines_that_are_too_long_count_as_the_rows_that_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "10")
    monkeypatch.setenv("COLUMNS", "40")

    assert not is_long("short\n" * 9)
    assert is_long("short\n" * 10)
    assert is_long("x" * 361)
    # Colours take no room.
    assert not is_long("\x1b[1;31mshort\x1b[0m\n" * 9)


def test_the_usual_pager_shows_it_on_a_real_terminal() -> None:
    here, there = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "PAGER", "LESS"}}
    kept = {name: value for name, value in kept.items() if not name.startswith("CALIBSTATE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "calibstate", "-C", STATE, "show", "summit"],
        cwd=ROOT,
        env={**kept, "TERM": "xterm", "LINES": "10", "COLUMNS": "80"},
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
    )
    os.close(there)
    shown = b""
    try:
        while b"\n:" not in shown.replace(b"\x1b[K", b"").replace(b"\r", b""):
            assert select.select([here], [], [], 60)[0], shown
            shown += os.read(here, 65536)
        os.write(here, b"q")
        while select.select([here], [], [], 60)[0]:
            try:
                shown += os.read(here, 65536)
            except OSError:
                break
    finally:
        os.close(here)
    assert process.wait(60) == 0
    assert b"summit/LSSTComCam" in shown
    # It was left before the end.
    assert b"unbounded" not in shown
