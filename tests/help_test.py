"""Every command's help has examples, and every example works.

They are run in a demonstration world that is deployed, whose tree is in Git,
and in which somebody has just retired a ticket.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from lsst.daf.butler import Butler

from calibstate.cli.app import run
from calibstate.cli.commands import COMMANDS, command
from tests import world
from tests.docs_test import Shell, _lose_power, board

ROOT = Path(__file__).parents[1]

NOBODY = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]

OTHERS = {
    "calibstate construct DM-48520": "tests/commands/construct_test.py",
    "calibstate construct DM-48520 --format shell": "tests/commands/construct_test.py",
    'calibstate construct DM-48520 --run --until "make defects"': "tests/commands/construct_test.py",
    "calibstate construct DM-48520 --run --looked bias": "tests/commands/construct_test.py",
    "calibstate construct DM-48520 --write": "tests/commands/construct_test.py",
    "calibstate construct DM-48520 --record DM-48520.md": "tests/commands/construct_test.py",
    "calibstate certify DM-48520": "tests/commands/certify_test.py",
    "calibstate certify LSSTComCam/DM-48520 --yes": "tests/commands/certify_test.py",
    'calibstate certify DM-48520 --allow recertify --because "a slip"': "tests/commands/certify_test.py",
    "calibstate daily LSSTComCam": "tests/commands/daily_test.py",
    "calibstate daily LSSTComCam --day yesterday --run --send": "tests/commands/daily_test.py",
    "calibstate daily LSSTComCam --day 20241208 --format markdown": "tests/commands/daily_test.py",
    "calibstate demo": "tests/commands/demo_test.py",
    "calibstate demo --fast": "tests/wheel_test.py",
    "calibstate demo --construct": "tests/commands/demo_test.py",
    "calibstate demo /tmp/world --only-build --serve": "tests/commands/demo_test.py",
    "calibstate watch summit --once": "tests/commands/watch_test.py",
    "calibstate watch summit --pages /srv/www/calibrations": "tests/commands/loop_test.py",
    "calibstate watch summit --alive": "tests/commands/watch_test.py",
    'calibstate verify --pipeline isr.yaml --where "exposure = 2024120100481"': (
        "tests/commands/verify_pipeline_test.py"
    ),
}
"""Examples that need more than there is here, and the tests that run such."""

ALSO = {
    "calibstate approvals --check --timeout 10s": {1},
    # Somebody's test flat is searched there in front of a ticket.
    "calibstate show --live --at 2025-02-11 summit/LSSTComCam": {1},
    "calibstate verify --site bts --publish": {1},
}
"""Codes that are no success and that an example ends with here."""


READING = {
    "approvals",
    "doctor",
    "drift",
    "effective",
    "explain",
    "fingerprint",
    "impact",
    "log",
    "retention",
    "show",
    "status",
}
"""Commands none of whose examples writes anything."""


def examples() -> Iterator[tuple[str, str]]:
    """Yield each command with each of its examples."""
    for name in COMMANDS:
        for line in inspect.cleandoc(command(name).help or "").partition("Examples:")[2].splitlines():
            if line.strip():
                yield name, line.strip()


def codes(name: str) -> set[int]:
    """Return what a command says that it may end with, errors left out."""
    told = re.search(r"Ends with (.*?)(?:\n\n|\Z)", inspect.cleandoc(command(name).help), re.DOTALL)
    found = {int(code) for code in re.findall(r"\b\d+\b", told[1])} if told else {0}
    return (found | {0}) - {1, 64}


@dataclass(frozen=True)
class World:
    """A demonstration world in which things have happened."""

    folder: Path
    placeholders: dict[str, str]
    """What stands in examples, and what there is instead."""


@pytest.fixture(scope="module")
def made_once(demo_world: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = shutil.copytree(demo_world, tmp_path_factory.mktemp("help") / "calibstate-demo")
    state = folder / "state"

    def told(*arguments: str) -> str:
        with redirect_stdout(io.StringIO()) as printed:
            assert run(["-C", str(state), *arguments]) in {0, 2}
        return printed.getvalue()

    with Butler.from_config(str(folder / "repo" / "summit-LSSTComCam"), writeable=True) as butler:
        world.add_exposures(butler, 20241107, 42)
    told("schema", str(folder / "schemas"))
    told("apply", "--yes")
    told("observe", "--publish")
    told("observe", "-o", str(folder / "summit.json"), "--site", "summit")
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*NOBODY, "commit", "-q", "-m", "as it was"],
        ["tag", "v1.2"],
        ["tag", "v1.3"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        # It was committed before the days that examples name.
        dates = {f"GIT_{role}_DATE": "2025-01-15T18:00:00Z" for role in ("AUTHOR", "COMMITTER")}
        environment = {**os.environ, **dates}
        subprocess.run(["git", *words], cwd=state, env=environment, check=True, capture_output=True)
    chain = state / "chains" / "LSSTComCam.yaml"
    lines = chain.read_text().replace("  - DM-46360\n", "")
    chain.write_text(f"{lines}retired:\n  DM-46360: replaced by DM-47197\n")
    for words in (["switch", "-q", "-c", "proposal"], ["commit", "-q", "-a", "-m", "Retire DM-46360"]):
        subprocess.run(["git", *NOBODY, *words], cwd=state, check=True, capture_output=True)
    told("plan", "-o", str(folder / "plan.json"))
    (folder / "plans").mkdir()
    told("plan", "--site", "summit", "-o", str(folder / "plans" / "summit.json"))
    return World(
        folder,
        {
            "20261123T014325Z-0a1b2c3d": json.loads(told("log", "--format", "json"))["runs"][0]["id"],
            "sha256:0f5c...": json.loads((folder / "plans" / "summit.json").read_text())["digest"],
            "u/me/try": "LSSTComCam/calib/DM-48520",
        },
    )


@pytest.fixture
def shell(
    made_once: World,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    for variable in [name for name in os.environ if name.startswith("CALIBSTATE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("CI", "true")
    # What only reads needs no world of its own.
    name = request.node.callspec.params["name"] if hasattr(request.node, "callspec") else ""
    here = made_once.folder
    if name not in READING:
        here = shutil.copytree(made_once.folder, tmp_path / "calibstate-demo")
    monkeypatch.chdir(here)
    return Shell(here, capsys)


EVERY = 6
"""Of so many examples `make test` runs one, always the same ones."""


@pytest.mark.parametrize(
    ("name", "example"),
    [
        pytest.param(*one, marks=[pytest.mark.words] if number % EVERY else [])
        for number, one in enumerate(one for one in examples() if one[1] not in OTHERS)
    ],
)
def test_an_example_works(
    name: str, example: str, made_once: World, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = example
    for told, real in made_once.placeholders.items():
        line = line.replace(told, real)
    if name == "apply" and "--yes" not in line:
        line += " --yes"  # Nobody is there to be asked.
    if name == "unlock":
        _lose_power(shell.here)
    if "--check" in line and name == "approvals":
        with board() as jira:
            monkeypatch.setenv("CALIBSTATE_JIRA_URL", jira.address)
            printed = shell.run(line)
    else:
        printed = shell.run(line)

    assert shell.code in codes(name) | ALSO.get(example, set()), printed
    assert "Unexpected error" not in printed


def test_every_command_has_examples() -> None:
    assert set(COMMANDS) == {name for name, _ in examples()}


def test_every_example_is_of_its_own_command() -> None:
    for name, example in examples():
        assert re.match(rf"calibstate (-C \S+ )?{name}\b", example), example


def test_what_others_run_is_still_an_example_and_they_are_there() -> None:
    assert OTHERS.keys() | ALSO.keys() <= {example for _, example in examples()}
    assert all((ROOT / file).exists() for file in OTHERS.values())


def test_an_example_that_does_not_work_is_seen(shell: Shell) -> None:
    shell.run("calibstate drift --sites summit")

    assert shell.code not in codes("drift")
