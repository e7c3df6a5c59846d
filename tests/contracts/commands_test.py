"""What runs a site's ``butler`` promises: one in memory, and the real one."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from calibstate.adapters.commands import Listed, SiteButler, open_site_butler
from calibstate.adapters.programs import Programs
from calibstate.errors import LockedError, PlanIsStaleError, RefusedError
from calibstate.ports.commands import CommandRunner, Ran
from calibstate.ports.records import unfenced
from tests.fakes.commands import MemoryCommands
from tests.stand_ins.commands import plugins

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["fake", "real"])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> CommandRunner:
    """Return a ``butler`` with the command `tell`."""
    if request.param == "fake":
        return MemoryCommands({"tell": _tell}, variables={"OBS_LSST_DATA_DIR": "/data"})
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("telling"))
    monkeypatch.setenv("OBS_LSST_DATA_DIR", "/data")
    return open_site_butler("/repo/main", (), MINUTE)


def _tell(arguments: object) -> Ran:
    assert isinstance(arguments, list)
    if "--raising" in arguments:
        return Ran(1, f"RuntimeError: {arguments[-1]}")
    told = {"repo": "/repo/main"}
    if "--reading" in arguments:
        told["text"] = Path(arguments[-1]).read_text()
    Path(arguments[0]).write_text(json.dumps(told))
    return Ran(0, "")


def test_what_no_package_has_added_is_lacking(runner: CommandRunner) -> None:
    assert "no command `register-skymap`" in runner.lacks("register-skymap")
    assert runner.lacks("tell") == ""


def test_what_is_lacking_is_refused_before_anybody_is_asked(runner: CommandRunner) -> None:
    def fence() -> None:
        raise AssertionError("it is asked")

    with pytest.raises(RefusedError, match="no command `register-skymap`"):
        runner.run("register-skymap", [], fence)


def test_a_command_is_run_for_its_repository(runner: CommandRunner, tmp_path: Path) -> None:
    told = tmp_path / "told"

    assert runner.run("tell", [str(told)], unfenced) == Ran(0, "")

    assert json.loads(told.read_text())["repo"] == "/repo/main"


def test_a_command_is_given_files_by_their_names(runner: CommandRunner, tmp_path: Path) -> None:
    told = tmp_path / "told"

    runner.run("tell", [str(told), "--reading", "a.txt"], unfenced, files={"a.txt": "a ☃\n"})

    assert json.loads(told.read_text())["text"] == "a ☃\n"


def test_how_a_command_fails_is_told(runner: CommandRunner, tmp_path: Path) -> None:
    ran = runner.run("tell", [str(tmp_path / "told"), "--raising", "no disk is left"], unfenced)

    assert ran == Ran(1, "RuntimeError: no disk is left")


def test_nothing_is_run_where_the_fence_is_down(runner: CommandRunner, tmp_path: Path) -> None:
    def fence() -> None:
        raise LockedError()

    with pytest.raises(LockedError):
        runner.run("tell", [str(tmp_path / "told")], fence)

    assert not (tmp_path / "told").exists()


def test_a_variable_is_that_of_the_commands(runner: CommandRunner) -> None:
    assert runner.variable("OBS_LSST_DATA_DIR") == "/data"
    assert runner.variable("NOBODY_SETS_THIS") is None


def test_a_command_that_runs_is_not_run_beside_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("telling"))
    first = open_site_butler("/repo/main", (), MINUTE)
    assert not first.lacks("tell")
    told = tmp_path / "told"
    is_under_way: list[str] = []
    refusals: list[PlanIsStaleError] = []

    def meanwhile() -> None:
        is_under_way.append(first.under_way("tell"))
        with pytest.raises(PlanIsStaleError) as refusal:
            first.run("tell", [str(told)], unfenced)
        refusals.append(refusal.value)

    first.run("tell", [str(told), "--for", "3"], unfenced, meanwhile)

    assert refusals
    assert "process" in is_under_way[0]
    assert first.under_way("tell") == ""
    # Of another repository it may.
    assert open_site_butler("/repo/other", (), MINUTE).under_way("tell") == ""


def test_what_a_program_can_do_is_listed_once_for_all_repositories(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("telling"))
    listed: Listed = {}
    assert not open_site_butler("/repo/main", (), MINUTE, listed).lacks("tell")
    (key,) = listed
    listed[key] = frozenset()
    assert open_site_butler("/repo/other", (), MINUTE, listed).lacks("tell")
    # With other packages it may have other commands.
    monkeypatch.setenv("DAF_BUTLER_SOMETHING", "1")
    assert not open_site_butler("/repo/main", (), MINUTE, listed).lacks("tell")


def test_secrets_are_not_handed_to_a_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("telling"))
    monkeypatch.setenv("JIRA_TOKEN", "secret")
    monkeypatch.setenv("OURS_FOR_IT", "1")
    told = tmp_path / "told"

    open_site_butler("/repo/main", ["OURS_*"], MINUTE).run("tell", [str(told)], unfenced)

    environment = json.loads(told.read_text())["environment"]
    assert "JIRA_TOKEN" not in environment
    assert environment["OURS_FOR_IT"] == "1"


def test_a_host_without_butler_lacks_every_command() -> None:
    nowhere = Programs({"PATH": "/nowhere"}, Path("/nowhere"))
    site = SiteButler("/repo/main", nowhere.find("butler"), nowhere.environment(), MINUTE)

    assert site.lacks("tell") == "no `butler` is on the PATH"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#!/bin/sh\nexec sleep 1000\n", "`--help` has not ended after 1 s"),
        ("#!/bin/sh\nsleep 9 &\necho Commands:\n", "`--help` has not ended after 1 s"),
        ("#!/bin/sh\nexit 3\n", "`--help` ended with 3, and lists none"),
        ("no program\n", "Exec format error"),
    ],
    ids=["hangs", "leaves a child", "fails", "no program"],
)
def test_a_program_that_tells_nothing_is_not_taken_for_one_without_commands(
    tmp_path: Path, text: str, told: str
) -> None:
    program = tmp_path / "butler"
    program.write_text(text)
    program.chmod(0o755)
    butler = SiteButler("/repo/main", str(program), {"PATH": "/usr/bin:/bin"}, timedelta(seconds=1))

    assert butler.lacks("tell") == f"{program} does not tell its commands: {told}"
    with pytest.raises(RefusedError, match="does not tell its commands"):
        butler.run("tell", [], unfenced)
