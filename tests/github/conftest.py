"""The observatory of these tests: four sites, each seen from its runner."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from lsst.daf.butler import Butler

from calibstate.demo.world import build
from calibstate.store import statefile
from tests.github.hub import Hub
from tests.github.machine import machine
from tests.github.runner import ROOT, Runner

NEW = "DM-48955"
"""The ticket that is proposed, and deployed nowhere."""

TICKETS = (NEW, "DM-47741", "DM-47365", "DM-48650")
"""The rest is left out, for its time."""

CHAIN = "LSSTComCam/calib"
REPOSITORIES = {
    "usdf": {"main": "usdf-main", "embargo": "usdf-embargo"},
    "bts": {"LSSTComCam": "bts-LSSTComCam"},
    "tts": {"LSSTComCam": "tts-LSSTComCam"},
    "summit": {"LSSTComCam": "summit-LSSTComCam"},
}
OURS = (".ci", ".github", "LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements")
"""What the workflows need of this repository, besides ``state``."""


@dataclass(frozen=True)
class World:
    """Repositories, archive and records, always at one path."""

    folder: Path
    programs: Path

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def path(self, site: str) -> Path:
        return self.folder / "repo" / next(iter(REPOSITORIES[site].values()))

    def chain(self, site: str) -> Sequence[str]:
        with Butler.from_config(str(self.path(site))) as butler:
            return tuple(butler.collections.get_info(CHAIN).children)

    def disturb(self, site: str, child: str = "u/somebody/flats") -> None:
        """Have somebody search a collection of his own, by hand."""
        with Butler.from_config(str(self.path(site)), writeable=True) as butler:
            butler.collections.register(child)
            butler.collections.prepend_chain(CHAIN, [child])

    def settle(self, site: str, child: str = "u/somebody/flats") -> None:
        """Have it undone."""
        with Butler.from_config(str(self.path(site)), writeable=True) as butler:
            butler.collections.remove_from_chain(CHAIN, [child])

    def is_deployed(self, site: str) -> bool:
        return any(NEW in child for child in self.chain(site))

    def calibstate(self, *arguments: str, here: str) -> str:
        variables = {"CALIBSTATE_HERE": here, "PATH": os.environ["PATH"], "HOME": str(self.folder)}
        program = [str(self.programs / "of-venv" / "calibstate"), "-C", str(self.state)]
        done = subprocess.run(
            [*program, *arguments], env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode in {0, 2, 4}, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # The path of a socket is short.
    with machine(tmp_path_factory.mktemp("m") / "bin") as folder:
        yield folder


@pytest.fixture(scope="module")
def made_once(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """Return where the world is to be, and one in sync; `NEW` is proposed."""
    folder = tmp_path_factory.mktemp("observatory")
    world = World(folder / "world", programs)
    declared, _ = statefile.load(a_few(folder / "declared"))
    build(world.folder, declared, lambda done, total: None)
    part(world)
    for site in ("usdf", "bts"):
        clear(world, site)
    with Butler.from_config(str(world.folder / "repo" / "usdf-embargo"), writeable=True) as butler:
        clear_chain(butler)
    shutil.copytree(world.path("bts"), world.path("tts"))
    leave_out_new(world)
    for site in REPOSITORIES:
        world.calibstate("apply", "--yes", "--site", site, here=site)
        world.calibstate("observe", "--publish", "--files", "--site", site, here=site)
    world.folder.rename(folder / "kept")
    return world, folder / "kept"


@pytest.fixture
def world(made_once: tuple[World, Path]) -> Iterator[World]:
    """Return the observatory as it was in the beginning."""
    world, kept = made_once
    shutil.copytree(kept, world.folder)
    yield world
    shutil.rmtree(world.folder)


@pytest.fixture
def hub(world: World, tmp_path: Path) -> Hub:
    """Return a GitHub with this repository and the observatory's state."""
    source = tmp_path / "files"
    source.mkdir()
    for name in OURS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    shutil.copytree(world.state, source / "state")
    return Hub.founded(tmp_path / "hub", source)


@pytest.fixture(scope="module")
def executed() -> set[str]:
    """Return the names of the scripts that were run."""
    return set()


@pytest.fixture
def runner(hub: Hub, programs: Path, executed: set[str]) -> Runner:
    (programs / "recorded").unlink(missing_ok=True)
    return Runner(hub, programs, executed)


def a_few(folder: Path) -> Path:
    """Return the observatory's own declaration, with `TICKETS` only."""
    shutil.copytree(ROOT / "state", folder)
    # What is no calibration is what others make here.
    for name in ("tickets/any", "skymaps", "sources"):
        shutil.rmtree(folder / name)
    for chain in ("refcats", "pretrained_models", "LSSTComCam-fgcmcal"):
        (folder / f"chains/{chain}.yaml").unlink()
    defaults = folder / "chains/LSSTComCam-DP1.yaml"
    beside = re.compile(r"  - (refcats|pretrained_models|LSSTComCam/calib/fgcmcal)$", re.MULTILINE)
    defaults.write_text(beside.sub(r"  - external: \1", defaults.read_text()))
    for file in folder.glob("tickets/*/*.yaml"):
        if file.stem not in TICKETS:
            file.unlink()
    for file in folder.glob("chains/*.yaml"):
        lines = file.read_text().splitlines(keepends=True)
        left_out = re.compile(rf"  - DM-(?!{'|'.join(t.removeprefix('DM-') for t in TICKETS)})")
        file.write_text("".join(line for line in lines if not left_out.match(line)))
    return folder


def part(world: World) -> None:
    """Have the sites see only their own repositories from now on."""
    (world.state / "calibstate.yaml").write_text(
        yaml.safe_dump(
            {"version": 1, "archive": str(world.folder / "archive"), "records": str(world.folder / "records")}
        )
    )
    for site, repositories in REPOSITORIES.items():
        about = {
            name: {
                "butler": str(world.folder / "repo" / folder),
                "instruments": ["LSSTComCam"],
                "route": "origin" if name == "main" else "copy",
            }
            for name, folder in repositories.items()
        }
        said = {"site": site, "hosts": [f"*.{site}.example"], "repositories": about}
        (world.state / "sites" / f"{site}.yaml").write_text(yaml.safe_dump(said))


def clear(world: World, site: str) -> None:
    """Take from a chain what no file will name."""
    with Butler.from_config(str(world.path(site)), writeable=True) as butler:
        clear_chain(butler)


def clear_chain(butler: Butler) -> None:
    children = butler.collections.get_info(CHAIN).children
    kept = [child for child in children if NEW not in child and not child.startswith("u/")]
    butler.collections.redefine_chain(CHAIN, kept)


def ticket(state: Path) -> Path:
    return state / "tickets" / "LSSTComCam" / f"{NEW}.yaml"


def leave_out_new(world: World) -> None:
    """Have `NEW` proposed, and in no chain."""
    file = ticket(world.state)
    file.write_text(file.read_text().replace("status: adopted", "status: proposed"))
    for file in (world.state / "chains").glob("*.yaml"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if NEW not in line))


def proposal(hub: Hub, name: str = NEW, folder: str = "state/") -> dict[str, str]:
    """Return the files of the pull request that declares a ticket.

    Under another name than `NEW` it is one that nobody has declared yet.
    """
    chain = f"{folder}chains/LSSTComCam.yaml"
    said = (hub.desk / chain).read_text()
    assert "entries:\n" in said
    return {
        f"{folder}tickets/LSSTComCam/{name}.yaml": ticket(ROOT / "state").read_text().replace(NEW, name),
        chain: said.replace("entries:\n", f"entries:\n  - {name}\n", 1),
    }
