"""Killed while it writes into the tree: files are whole, the tree sound."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands import cut
from tests.commands.propose_test import CHAIN, NEW, SEAL, TICKET
from tests.commands.sites import Sites

PROPOSE = ("propose", "DM-3", "--observed-until", "2025-02-11")
ADOPT = ("adopt", "DM-3", "TAXICAB-9", "--date", "2025-02-10", "--observed-until", "2025-02-11")


@dataclass(frozen=True)
class Whole:
    """A run that nobody cut off."""

    before: Sites
    moments: tuple[cut.Moment, ...]
    files: dict[str, str]
    """What it came to, without the moment at which it was sealed."""


def texts(sites: Sites) -> dict[str, str]:
    """Return the files that the commands write."""
    files = {}
    for file in (TICKET, SEAL, CHAIN):
        path = sites.tree.state / file
        if path.exists():
            lines = path.read_text().splitlines()
            files[file] = "\n".join(line for line in lines if not line.startswith("sealed_from"))
    return files


def whole(sites: Sites, folder: Path, *arguments: str) -> Whole:
    after = sites.copied_to(folder / "after")
    ended = cut.run(folder / "run", cut.calibstate, after.tree.state, *arguments)
    assert ended.code == 0, ended.err
    return Whole(sites, ended.moments, texts(after))


def check(run: Whole, arguments: Sequence[str], moment: cut.Moment, folder: Path) -> None:
    sites = run.before.copied_to(folder / "sites")
    killed = cut.run(folder / "killed", cut.calibstate, sites.tree.state, *arguments, killed_at=moment)
    assert killed.code == -signal.SIGKILL, moment
    sound = cut.run(folder / "sound", cut.calibstate, sites.tree.state, "validate")
    assert sound.code == 0, (moment, sound.err)
    again = cut.run(folder / "again", cut.calibstate, sites.tree.state, *arguments)
    assert again.code == 0, (moment, again.err)
    assert texts(sites) == run.files, moment
    sites.close()


@pytest.mark.slow
def test_what_was_killed_amid_the_files_is_completed_by_the_next(deployed: Sites, tmp_path: Path) -> None:
    deployed.make_ticket("DM-3", NEW, declared=False)
    deployed.close()
    for arguments in (PROPOSE, ADOPT):
        folder = tmp_path / arguments[0]
        run = whole(deployed, folder, *arguments)
        writes = [moment for moment in run.moments if "replace" in moment[0] or "rename" in moment[0]]
        assert writes
        for number, moment in enumerate(writes):
            check(run, arguments, moment, folder / str(number))
        assert deployed.run(*arguments).code == 0
