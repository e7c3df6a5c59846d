"""Shells offer what can be typed, as the completion is installed in them."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.tree import Tree

PROGRAMS = Path(sys.executable).parent

Offered = Callable[[str], str]
"""What a shell shows for a line that is not finished."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return somebody's home, with a state tree in it."""
    tree = Tree(tmp_path_factory.mktemp("completion") / "home")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    tree.ticket("DM-48520", "bias.20250207a")
    tree.ticket("DM-48955", "flat.20250224a")
    tree.chain(["DM-48955", "DM-48520"])
    return tree.folder


def surroundings(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALIBSTATE_", "XDG_"))}
    return {**kept, "HOME": str(home), "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TERM": "dumb"}


def run(home: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=home,
        env={**surroundings(home), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def installed(shell: str, home: Path) -> None:
    """Install the completion as a person does who sits in a shell."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed here")
    # Two commands, so that the shell stays and is found.
    told = run(home, shell, "-c", "calibstate --install-completion; true")
    assert f"{shell} completion installed" in told.stdout, told


@pytest.fixture(scope="module")
def bash(home: Path) -> Offered:
    installed("bash", home)
    assert (home / ".bashrc").exists()

    def offered(line: str) -> str:
        words = line.split(" ")
        script = (
            'source ~/.bashrc; line="$1"; shift; COMP_LINE="$line"; COMP_POINT=${#line};'
            'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
            "by=$(complete -p calibstate | sed 's/.*-F \\([^ ]*\\) .*/\\1/');"
            '"$by" calibstate "${COMP_WORDS[COMP_CWORD]}"; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        told = run(home, "bash", "-c", script, "bash", line, *words)
        return told.stdout + told.stderr

    return offered


@pytest.fixture(scope="module")
def fish(home: Path) -> Offered:
    installed("fish", home)

    def offered(line: str) -> str:
        told = run(home, "fish", "-c", "complete -C $argv[1]", line)
        return told.stdout + told.stderr

    return offered


@pytest.fixture(scope="module")
def zsh(home: Path) -> Offered:
    installed("zsh", home)
    (home / ".zshenv").write_text("skip_global_compinit=1\n")

    def offered(line: str) -> str:
        return _typed(home, line)

    return offered


def _typed(home: Path, line: str) -> str:
    """Type a line in zsh, which completes in its editor only."""
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execvpe("zsh", ["zsh", "-i"], {**surroundings(home), "PS1": "ready> ", "COLUMNS": "200"})
    try:
        _read(screen, b"ready> ")
        # The list is asked for, so that a single match is shown as well.  As
        # typer writes the script, zsh only loads it when first asked.
        os.write(screen, line.encode() + b"\x04")
        _read(screen, b"\x07")
        os.write(screen, b"\x04")
        return _read(screen, b"ready> ").decode(errors="replace")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(screen)
        os.waitpid(pid, 0)


def _read(screen: int, until: bytes) -> bytes:
    """Return what is shown up to some bytes and what comes with them."""
    shown, end = b"", time.monotonic() + 30
    while until not in shown:
        if time.monotonic() > end:
            pytest.fail(f"{until!r} did not come: {shown!r}")
        if select.select([screen], [], [], 1.0)[0]:
            shown += os.read(screen, 65536)
    return shown


OFFERED: Mapping[str, tuple[str, ...]] = {
    "calibstate sta": ("status",),
    "calibstate status --rep": ("--repository",),
    "calibstate drift --site su": ("summit",),
    # Its old name is understood, and told nowhere.
    "calibstate report --f": ("--format",),
    "calibstate drift --repository u": ("usdf/main",),
    "calibstate plan --instrument LSST": ("LSSTComCam",),
    "calibstate status --ticket DM-4": ("DM-48520", "DM-48955"),
    "calibstate seal LSSTComCam/DM-489": ("LSSTComCam/DM-48955",),
    "calibstate explain bias --chain LSST": ("LSSTComCam/calib",),
    "calibstate show s": ("summit", "summit/LSSTComCam"),
    "calibstate plan usdf": ("usdf", "usdf/main"),
    "calibstate rollback DM-489": ("DM-48955",),
    "calibstate unlock arch": ("archive",),
}


@pytest.mark.parametrize("line", OFFERED)
@pytest.mark.matrix(4)
def test_bash_offers(line: str, bash: Offered) -> None:
    shown = bash(line)

    assert set(shown.splitlines()) == set(OFFERED[line]), shown


@pytest.mark.parametrize("line", ["calibstate sta", "calibstate status --rep", "calibstate drift --site su"])
@pytest.mark.matrix(1)
def test_fish_offers(line: str, fish: Offered) -> None:
    shown = fish(line)

    words = {word.split("\t")[0] for word in shown.splitlines()}
    assert words == set(OFFERED[line]), shown


@pytest.mark.parametrize("line", ["calibstate s", "calibstate status --ticket DM-4"])
def test_zsh_offers(line: str, zsh: Offered) -> None:
    expected = ("seal", "show", "status") if line == "calibstate s" else OFFERED[line]

    shown = zsh(line)

    assert all(word in shown for word in expected), shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_can_be_shown_too(shell: str, home: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed here")

    told = run(home, shell, "-c", "calibstate --show-completion; true")

    assert f"complete_{shell}" in told.stdout
    assert told.stderr == ""


def asked(folder: Path, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    return run(folder, "calibstate", **words, _CALIBSTATE_COMPLETE="complete_bash", **variables)


def test_a_tree_that_is_named_is_that_of_the_names(home: Path, tmp_path: Path) -> None:
    line = f"calibstate -C {home / 'state'} drift --site s"

    assert asked(tmp_path, line).stdout.split() == ["summit"]
    assert asked(tmp_path, "calibstate drift --site s").stdout.split() == []
    rooted = asked(tmp_path, "calibstate drift --site s", CALIBSTATE_ROOT=str(home / "state"))
    assert rooted.stdout.split() == ["summit"]


@pytest.mark.parametrize("option", ["--repository", "--exclude"])
def test_without_a_tree_nothing_is_offered_and_nothing_said(option: str, tmp_path: Path) -> None:
    told = asked(tmp_path, f"calibstate drift {option} ")

    assert (told.stdout.split(), told.stderr) == ([], "")


def test_of_a_broken_tree_what_is_left_is_offered(home: Path, tmp_path: Path) -> None:
    state = shutil.copytree(home / "state", tmp_path / "state")
    (state / "sites" / "summit.yaml").write_text("site: [")

    told = asked(tmp_path, "calibstate drift --repository ")

    assert (told.stdout.split(), told.stderr) == (["usdf/main"], "")


def test_nothing_slow_is_imported_to_complete(home: Path) -> None:
    told = asked(home, "calibstate drift --ticket ", PYTHONPROFILEIMPORTTIME="1")

    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "calibstate.store.known" in imported
    assert not {name.partition(".")[0] for name in imported} & {"boto3", "git", "lsst", "numpy", "rucio"}
