"""The same walk on every terminal: nothing is lost, and no word is cut."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from tests.commands.sites import ORIGIN, SUMMIT, Sites
from tests.tree import ROOT

LONGEST = 120
"""Seconds in which a command ends, on the slowest machine."""

WALK = (
    ("validate",),
    ("drift",),
    ("status",),
    ("plan",),
    ("show",),
    ("approvals",),
    ("explain", "bias", "detector=0", "--at", "2025-01-01"),
    ("drift", "--site", "nosuch"),
)
"""What a person looks at, one after the other."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""What moves the cursor, or colours."""

REASON = "the camera is being opened, and nobody is to change anything before the run manager says so"


@pytest.fixture
def troubled(sites: Sites) -> Sites:
    """Return sites of which one is on hold, with much to be done."""
    sites.make_ticket("DM-3")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    file = sites.tree.state / "sites" / "summit.yaml"
    file.write_text(f"{file.read_text()}hold: {REASON}\n")
    return sites


def walk(sites: Sites, monkeypatch: pytest.MonkeyPatch, columns: str) -> list[list[str]]:
    """Return the lines of each command on terminals of a width."""
    shown = []
    with monkeypatch.context() as terminal:
        # Bars are wiped out again, and are the business of other tests.
        for name, value in {"COLUMNS": columns, "CI": "true", "NO_COLOR": "1"}.items():
            terminal.setenv(name, value)
        terminal.setattr(sys.stdout, "isatty", lambda: True)
        terminal.setattr(sys.stderr, "isatty", lambda: True)
        for arguments in WALK:
            ran = sites.run(*arguments)
            shown.append(_CONTROL.sub("", ran.out + ran.err).splitlines())
    return shown


def test_on_terminals_of_every_width_the_walk_says_the_same(
    troubled: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_width = {columns: walk(troubled, monkeypatch, columns) for columns in ("40", "80", "200")}
    for columns, shown in by_width.items():
        for arguments, lines in zip(WALK, shown, strict=True):
            for line in lines:
                # A name, a path, a range or a command stays whole.
                is_one_word = len(line.split()) <= 2 or "calibstate " in line or "`" in line or "[" in line
                assert len(line) <= int(columns) or is_one_word, (arguments, columns, line)
    # `status` has marks for words where it is narrow.
    for arguments, narrow, usual, wide in zip(WALK, *by_width.values(), strict=True):
        if arguments[0] != "status":
            words = "\n".join(wide).split()
            assert "\n".join(narrow).split() == words, arguments
            assert "\n".join(usual).split() == words, arguments
    # What is wrapped goes on under its column.
    lines = by_width["80"][WALK.index(("plan",))]
    begin = " " * 14 + "summit/LSSTComCam is on hold"
    (first,) = [number for number, line in enumerate(lines) if line.startswith(begin)]
    reason = lines[first : first + 3]
    assert all(line.startswith(" " * 14) for line in reason)
    assert REASON in " ".join(line.strip() for line in reason)


def test_in_pipes_nothing_is_wrapped_whatever_the_variables_say(
    troubled: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = troubled.run("plan")
    assert any(REASON in line for line in usual.out.splitlines())
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert _CONTROL.sub("", troubled.run("plan").out) == usual.out


def test_a_terminal_that_does_not_know_its_width_wraps_by_itself(troubled: Sites) -> None:
    for columns, is_wrapped in ((0, False), (60, True)):
        shown = on_terminal(troubled, columns, "plan")
        assert any(REASON in line for line in shown) != is_wrapped, shown
        for name in (ORIGIN, SUMMIT, "LSSTComCam/calib/DM-3", "export-bundle"):
            assert any(name in line for line in shown)


def on_terminal(sites: Sites, columns: int, *arguments: str) -> list[str]:
    """Run a command on a pseudo-terminal of a width; return what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    surroundings = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = subprocess.Popen(
        [sys.executable, "-m", "calibstate", "-C", str(sites.tree.state), *arguments],
        cwd=ROOT,
        env={**surroundings, "CI": "true", "PYTHONIOENCODING": "iso-8859-1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    # It has ended when nobody has the other side any more.
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break
    os.close(ours)
    process.wait(LONGEST)
    return _CONTROL.sub("", shown.decode("iso-8859-1")).splitlines()


def test_who_does_not_read_is_no_defect(troubled: Sites) -> None:
    command = f"'{sys.executable}' -m calibstate -C '{troubled.tree.state}'"
    script = "; ".join(
        [
            f"{command} plan | head -1",
            f"{command} drift >&-",
            f"{command} apply --yes --format json >&-",
            f"{command} status 2>&-",
        ]
    )
    ran = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, check=False, timeout=LONGEST, text=True
    )
    assert ran.stdout.splitlines()[0] == "archive"
    for words in ("Traceback", "defect", "Exception ignored"):
        assert words not in ran.stdout + ran.stderr
