"""What the emergency page says works: alone, locked out, and by night."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibstate.adapters.objectstores import open_store
from calibstate.factory import clock
from tests.commands.sites import SUMMIT, TOP, Sites
from tests.commands.summit_alone_test import send_away
from tests.commands.unlock_test import ID, KEY, a_lock
from tests.commands.windows_test import AT_TWO, NIGHT
from tests.services.silent import silent
from tests.tree import ROOT, Ran

PAGE = ROOT / "docs" / "how-to" / "emergency.md"

HERE = {
    "bias detector=4 --at 2026-11-28": "bias detector=1 --at 2024-06-01",
    "DM-40006": "DM-2",
    "--id ID": f"--id {ID}",
}
"""What the page's words are in these sites."""

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"


@pytest.fixture
def night(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> Sites:
    """Return sites in waves with a closed window, in Git, with all sealed."""
    assert deployed.run("seal", "DM-1", "DM-2").code == 0
    deployed.tree.settings(waves=[["usdf"], ["summit"]], windows=[NIGHT])
    monkeypatch.setattr(clock, "source", lambda: AT_TWO)
    return deployed


def commit(folder: Path) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "as it was"]):
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commands() -> list[list[str]]:
    """Return the words of the page's commands, as they are here."""
    found = re.search(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    text = found[1]
    for word, here in HERE.items():
        assert word in text
        text = text.replace(word, here)
    return [shlex.split(line)[1:] for line in text.splitlines()]


def test_the_four_commands_of_the_page_help_at_night_with_all_others_silent(
    night: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain, rollback, unlock, apply = commands()
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "nobody")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "nobody@example.org")
    with silent() as usdf:
        send_away(night, usdf.port, monkeypatch)
        commit(night.tree.state)
        records = night.tree.folder / "records-summit"
        records.mkdir()
        beat = datetime(2024, 11, 22, 17, tzinfo=UTC)
        open_store(str(records)).write(KEY, a_lock(silent=datetime.now(UTC) - beat))

        explained = night.run(*explain, "--format", "json")
        assert explained.json["explanations"][0]["winner"]["ticket"] == "DM-2"
        rolled_back = night.run(*rollback)
        assert rolled_back.code == 0, rolled_back.err

        # As the page says, the apply names who holds the place, and the line.
        refused = night.run(*apply, "--yes")
        assert refused.code == 3
        assert "Place is locked" in refused.err
        assert f"calibstate unlock {SUMMIT} --id {ID}" in refused.err
        assert night.run(*unlock).code == 0

        applied = night.run(*apply, "--yes")
        assert applied.code == 0, applied.out + applied.err
        assert usdf.connections == []
        again = night.run(*explain, "--format", "json")
        assert again.json["explanations"][0]["winner"]["ticket"] == "DM-1"
    assert night.chain(SUMMIT) == (OLD,)
    check_that_the_guards_are_told(applied, commands()[3][-1], records)


def check_that_the_guards_are_told(applied: Ran, reason: str, records: Path) -> None:
    """Have the screen and the journal name what was passed, and why."""
    assert f"Guards passed: wave, window, because {reason}" in applied.err
    assert f"Guards passed: wave, window, because {reason}" in applied.out
    lines = [line for file in (records / "journal").glob("*.jsonl") for line in file.read_text().splitlines()]
    allowed = [began["allowed"] for line in lines if (began := json.loads(line).get("began"))]
    assert {"guards": ["wave", "window"], "because": reason} in allowed


def test_both_guards_are_told_at_once_each_with_its_key(night: Sites) -> None:
    night.tree.chain(["DM-1"], retired={"DM-2": "a wrong flat"})
    for command in (("plan",), ("apply", "--yes")):
        ran = night.run(*command, "--site", "summit")
        assert ran.code == 4, ran.out + ran.err
        assert "note: Kept back by a wave" in ran.err
        assert "--allow wave --because REASON" in ran.err
        assert "note: Place is closed" in ran.err
        assert "--allow window --because REASON" in ran.err
        assert "--override REASON" in ran.err
    assert night.chain(SUMMIT) == (NEW, OLD)


def test_no_variable_passes_a_guard(night: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    night.tree.chain(["DM-1"], retired={"DM-2": "a wrong flat"})
    for name, value in {"OVERRIDE": "x", "ALLOW": "wave window", "BECAUSE": "x"}.items():
        monkeypatch.setenv(f"CALIBSTATE_{name}", value)
    ran = night.apply("--site", "summit")
    assert ran.code == 4
    assert "CALIBSTATE_OVERRIDE is set and means nothing" in ran.err
    assert night.chain(SUMMIT) == (NEW, OLD)


def test_no_option_that_passes_a_guard_has_a_variable() -> None:
    from calibstate.cli.commands import COMMANDS, command

    keys = {
        (name, option.opts[0], option.envvar)
        for name in COMMANDS
        for option in command(name).params
        if {"--allow", "--override", "--because"} & set(option.opts)
    }
    assert {"--allow", "--override", "--because"} == {option for _, option, _ in keys}
    assert [key for key in keys if key[2]] == []
