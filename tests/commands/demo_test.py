"""The demonstration, as somebody sees it who has just cloned this."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lsst.daf.butler import Butler, Timespan

from calibstate.demo.rucio.server import ServerMissingError, find_server

PROGRAM = Path(sys.executable).parent / "calibstate"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CI": "true", **variables}
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def _server() -> None:
    try:
        find_server()
    except ServerMissingError as missing:
        pytest.skip(missing.diagnostics[0].detail)


def test_without_rucios_server_it_says_what_to_do_and_makes_nothing(tmp_path: Path) -> None:
    ran = run("demo", str(tmp_path / "world"), CALIBSTATE_RUCIO_SERVER=str(tmp_path / "nowhere"))

    assert ran.returncode == 1
    assert "make demo" in ran.stderr
    assert "--fast" in ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--only-build"],
        ["--fast", "--serve"],
        ["--construct", "--fast"],
        ["--construct", "--serve"],
        ["--whole"],
        ["--fast", "--by", "pipetask"],
    ],
)
def test_options_that_make_no_sense_together_are_told(tmp_path: Path, options: list[str]) -> None:
    ran = run("demo", str(tmp_path / "world"), *options)

    assert ran.returncode == 64
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--fast", "--construct"])
def test_nothing_is_overwritten(tmp_path: Path, option: str) -> None:
    (tmp_path / "mine").write_text("mine")

    assert run("demo", str(tmp_path), option).returncode == 64
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.usefixtures("_server")
def test_a_real_rucio_carries_the_newest_tickets_before_ones_eyes(tmp_path: Path) -> None:
    world = tmp_path / "world"

    ran = run("demo", str(world))

    assert ran.returncode == 0, ran.stderr
    told = ran.stdout
    assert re.search(
        r"4 done, 4 pending\..*0 of 90 files are at SUMMIT.*No steps, 1 extra\.", told, re.DOTALL
    )
    for rse in ("SUMMIT_CALIB_DISK", "BASE_CALIB_DISK"):
        assert files(world, rse) == files(world, "SLAC_BUTLER_DISK") != {}
    assert not [p for p in (world / "repo" / "summit-LSSTComCam").rglob("*.ecsv")], "recorded in place"


@pytest.mark.parametrize("package", ["lsst.ctrl.bps", "lsst.ctrl.bps.parsl", "lsst.ctrl.mpexec", "parsl"])
def test_without_the_extra_it_says_what_to_install_and_makes_nothing(
    tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from calibstate.cli.app import run as run_here

    monkeypatch.setitem(sys.modules, package, None)

    assert run_here(["demo", "--construct", str(tmp_path / "world")]) == 3
    told = capsys.readouterr().err
    assert f"{package} is not installed" in told or f"{package}, " in told
    assert "pip install 'calibstate[construct]'" in told
    assert list(tmp_path.iterdir()) == []


def test_what_is_built_to_be_constructed_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from calibstate.cli.app import run as run_here

    world = tmp_path / "world"
    assert run_here(["demo", "--construct", "--only-build", "--by", "here", str(world)]) == 0

    assert capsys.readouterr().out.splitlines()[-3:] == [
        "next:",
        f"  cd {world}",
        "  calibstate construct DM-48520",
    ]
    construct = ("-C", str(world / "state"), "construct", "DM-48520", "--format", "json")
    assert run_here([*construct, "--run", "--until", "make bias_bootstrap"]) == 2
    first, *others = json.loads(capsys.readouterr().out)["steps"]
    assert (first["step"], first["state"]) == ("make bias_bootstrap", "done")
    assert {step["state"] for step in others} == {"waits"}


@pytest.mark.slow
@pytest.mark.parametrize("by", ["bps", "pipetask"])
def test_a_ticket_is_made_from_raws_and_deployed_before_ones_eyes(tmp_path: Path, by: str) -> None:
    world = tmp_path / "world"

    ran = run("demo", "--construct", "--by", by, str(world))

    assert ran.returncode == 0, ran.stderr
    assert "18 of 18 steps done" in ran.stdout
    assert "DM-48520 passes at 1 of 1 repository" in ran.stdout
    with Butler.from_config(str(world / "summit"), collections="LSSTComCam/calib") as butler:
        bias = butler.find_dataset("bias", instrument="LSSTComCam", detector=1, timespan=Timespan(None, None))
    assert bias
    assert bias.run.startswith("LSSTComCam/calib/DM-48520/DP1/biasGen.20250207a/")


def files(world: Path, rse: str) -> dict[str, bytes]:
    folder = world / "rucio" / "rse" / rse
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.ecsv")}


@pytest.mark.slow
@pytest.mark.usefixtures("_server")
def test_it_is_served_until_somebody_stops_it(tmp_path: Path) -> None:
    world = tmp_path / "world"
    with subprocess.Popen(
        [PROGRAM, "demo", str(world), "--only-build", "--serve"], stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        variables: dict[str, str] = {}
        while "TMPDIR" not in variables:
            line = demo.stdout.readline()
            assert line, "it ended"
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                variables[name] = value

        ran = run("-C", str(world / "state"), "plan", "--site", "usdf", **variables)

        assert (ran.returncode, "add-rule" in ran.stdout) == (2, True), ran.stdout + ran.stderr
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    ran = run("-C", str(world / "state"), "plan", "--site", "usdf", **variables)
    assert (ran.returncode, "unreachable" in ran.stdout) == (1, True)


def test_the_tables_of_the_demonstration_can_be_read(demo_world: Path) -> None:
    with Butler.from_config(str(demo_world / "repo" / "usdf-main"), collections="LSSTComCam/calib") as butler:
        table = butler.get("ptc", instrument="LSSTComCam", detector=4)

    assert list(table.columns) == ["amplifier", "value"]
    assert "detector: 4" in table.meta["of"]
