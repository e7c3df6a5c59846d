"""What the how-to gives to systemd, a container and cron can be started."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from calibstate.cli.app import run

DOCS = Path(__file__).parents[1] / "docs" / "how-to"
KEEP = (DOCS / "let-a-site-keep-itself.md").read_text()
INSTALL = (DOCS / "install.md").read_text()


def block(text: str, language: str, holding: str) -> str:
    """Return the only code block of a language that holds something."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    (found,) = [each for each in blocks if holding in each]
    return found


def understood(words: list[str], capsys: pytest.CaptureFixture[str]) -> bool:
    """Say whether the command has such options; there is no tree here."""
    code = run([*words, "--timeout", "1s"])
    said = capsys.readouterr()
    return code == 1 and "No state tree" in said.err


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALIBSTATE_HERE", "summit")


def test_the_service_calls_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    unit = block(KEEP, "ini", "[Service]")
    (line,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    program, *words = shlex.split(line)
    assert program.endswith("/calibstate")
    assert understood([*words, "--once"], capsys)


def test_systemd_takes_the_service(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not here")
    unit = block(KEEP, "ini", "[Service]")
    # Neither the program nor the account is on this machine.
    unit = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", unit, flags=re.MULTILINE)
    unit = unit.replace("User=calib", "User=root")
    file = tmp_path / "calibstate-watch.service"
    file.write_text(unit)
    ran = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_container_calls_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    image = block(INSTALL, "text", "ENTRYPOINT")
    (entry,) = re.findall(r"^ENTRYPOINT (\[.*\])$", image, re.MULTILINE)
    file = block(KEEP, "dockerfile", "HEALTHCHECK")
    (words,) = re.findall(r"^CMD (\[.*\])$", file, re.MULTILINE)
    (check,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", file, re.MULTILINE)
    # The words follow the entry point; a health check is called by itself.
    assert json.loads(entry) == ["calibstate"]
    assert understood([*json.loads(words), "--once"], capsys)
    program, *look = json.loads(check)
    assert program == "calibstate"
    assert understood(look, capsys)


def test_cron_calls_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    line = block(KEEP, "sh", "* * * *")
    _, _, command = line.partition("calibstate ")
    assert understood(shlex.split(command), capsys)
