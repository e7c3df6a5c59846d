"""Killed while readings are ingested: what is left comes with the next run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import world
from tests.annex import electrometer_file, electrometer_path
from tests.commands import cut
from tests.commands.annexed import RUN, declare, feed, make_origin
from tests.commands.sites import ORIGIN, Sites
from tests.stand_ins.commands import plugins

DAY = 20250607


@pytest.fixture
def sites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sites]:
    """Return an origin with three exposures, and the files of all three."""
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("ingesting"))
    made = make_origin(tmp_path / "made")
    with closing(made.copied_to(tmp_path / "sites", capsys)) as copy:
        for seq in (1, 2, 3):
            with copy.butler(ORIGIN) as butler:
                world.add_exposures(butler, DAY, seq, group=f"{DAY}T#{seq}")
            file = copy.tree.folder / "annex" / electrometer_path(DAY, seq)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(electrometer_file(f"{DAY}T#{seq}"))
        declare(copy, photodiode=feed(["../../annex"]))
        yield copy


def ingested(sites: Sites) -> list[int]:
    refs = sites.seen(ORIGIN).query_datasets("photodiode", collections=RUN, explain=False)
    return sorted(int(ref.dataId["exposure"]) % 100 for ref in refs)


@pytest.mark.parametrize("what", ["us", pytest.param("the command too", marks=pytest.mark.slow)])
def test_killed_amid_the_command_nothing_comes_twice_and_nothing_is_left(
    sites: Sites, tmp_path: Path, what: str
) -> None:
    stops_in = tmp_path / "stops"
    stops_in.mkdir()
    for pipe in ("arrived", "go"):
        os.mkfifo(stops_in / pipe)
    environment = {"DAF_BUTLER_PLUGINS": plugins("ingesting"), "DAF_BUTLER_STOPS_IN": str(stops_in)}
    words = (sites.tree.state, "apply", "--yes", "--repository", ORIGIN)
    run = cut.start(tmp_path / "run", cut.with_rucio, environment, *words)
    with (stops_in / "arrived").open("rb", buffering=0) as arrived:
        command = int(arrived.read(20))
        os.kill(run.process.pid, signal.SIGKILL)
        run.process.join()
        assert ingested(sites) == [1]

        if what == "us":
            # The command goes on, and nobody begins another one beside it.
            plan = sites.run("plan", "--repository", ORIGIN)
            assert plan.code == 4
            assert f"being ingested by process {command} on" in plan.out
            (stops_in / "go").write_bytes(b".")
        else:
            os.kill(command, signal.SIGKILL)
        assert arrived.read() == b""
    assert ingested(sites) == ([1, 2, 3] if what == "us" else [1])

    again = sites.apply("--repository", ORIGIN)
    assert again.code == 0, again.err
    assert ingested(sites) == [1, 2, 3]
    assert sites.run("drift", "--repository", ORIGIN).code == 0
