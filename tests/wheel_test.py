"""What is published holds what it should, and runs where nothing else is.

The wheel is built once, by the back-end that pip would call, and installed in
an environment that has what the wheel asks for and nothing besides: no
checkout, no test program, no extra.  The packages it asks for are not fetched
but linked from where the tests run.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from calibstate import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

AT_THE_SERVER = {"calibstate/demo/rucio/host.py"}
"""Modules that run in the environment of Rucio's server, with its packages."""

NOT_IMPORTED = {"tzdata": "the standard library's zoneinfo reads its files"}
"""What is declared, though no module imports it, and why."""


OF_GITHUB = (
    "PULL_REQUEST_TEMPLATE.md",
    "workflows/apply-site.yml",
    "workflows/apply.yml",
    "workflows/drift.yml",
    "workflows/pages.yml",
    "workflows/plan.yml",
)
"""What a new tree gets of this repository's own files for GitHub."""


@dataclass(frozen=True)
class Wheel:
    """A wheel that was built."""

    file: Path

    @property
    def names(self) -> set[str]:
        with zipfile.ZipFile(self.file) as archive:
            return set(archive.namelist())

    @property
    def metadata(self) -> Message:
        (name,) = (name for name in self.names if name.endswith(".dist-info/METADATA"))
        with zipfile.ZipFile(self.file) as archive:
            return Parser().parsestr(archive.read(name).decode())

    @property
    def requirements(self) -> list[Requirement]:
        """What it asks for, extras left out."""
        declared = map(Requirement, self.metadata.get_all("Requires-Dist", []))
        return [requirement for requirement in declared if applies(requirement, {""})]


def build(target: str, source: Path, folder: Path) -> Path:
    """Return the distribution that is built of a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    return Wheel(build("wheel", ROOT, tmp_path_factory.mktemp("wheel")))


# What is in it


def package_files() -> Iterator[str]:
    for file in (ROOT / "calibstate").rglob("*"):
        if file.suffix == ".py" or file.name == "py.typed" or file.parent.name == "templates":
            yield str(file.relative_to(ROOT))
    for name in OF_GITHUB:
        yield f"calibstate/beginning/github/{name}"
    for file in (ROOT / "state").rglob("*.*"):
        yield str("calibstate/demo" / file.relative_to(ROOT))


def test_a_wheel_holds_the_package_the_tree_of_the_demonstration_and_nothing_else(wheel: Wheel) -> None:
    about = f"calibstate-{__version__}.dist-info"
    described = {f"{about}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")}

    assert wheel.names == {*package_files(), *described, f"{about}/licenses/LICENSE"}
    assert "calibstate/py.typed" in wheel.names
    assert "calibstate/demo/state/calibstate.yaml" in wheel.names


def test_a_wheel_of_the_source_distribution_is_the_same(wheel: Wheel, tmp_path: Path) -> None:
    source = build("sdist", ROOT, tmp_path / "sdist")
    shutil.unpack_archive(source, tmp_path)

    again = Wheel(build("wheel", tmp_path / f"calibstate-{__version__}", tmp_path / "wheel"))

    assert again.names == wheel.names
    assert again.metadata.as_string() == wheel.metadata.as_string()


def test_there_is_one_version_and_the_wheel_has_it(wheel: Wheel) -> None:
    assert wheel.metadata["Version"] == __version__
    assert "version" not in PROJECT


# What it asks for


def modules_imported() -> Iterator[tuple[str, str]]:
    """Yield each module of others that is imported, and the file that does."""
    for file in (ROOT / "calibstate").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                if name.partition(".")[0] not in sys.stdlib_module_names | {"calibstate"}:
                    yield name, str(file.relative_to(ROOT))


def owners() -> Mapping[str, set[NormalizedName]]:
    """Return which distributions have files at or below each path."""
    paths: dict[str, set[NormalizedName]] = defaultdict(set)
    for distribution in metadata.distributions():
        name = canonicalize_name(distribution.name)
        for file in distribution.files or ():
            for length in range(1, len(file.parts) + 1):
                paths["/".join(file.parts[:length])].add(name)
    return paths


def owner(module: str, paths: Mapping[str, set[NormalizedName]]) -> set[NormalizedName]:
    """Return the distributions whose module, or package, has that name.

    A namespace such as ``lsst`` is many distributions', so the whole name
    counts.
    """
    path = module.replace(".", "/")
    return paths.get(f"{path}.py") or paths.get(f"{path}/__init__.py") or paths.get(path) or set()


def test_every_package_that_is_imported_is_declared() -> None:
    optional = PROJECT["optional-dependencies"]
    requirements = [*PROJECT["dependencies"], *optional["pipeline"], *optional["construct"]]
    declared = {canonicalize_name(Requirement(r).name) for r in requirements}
    paths = owners()

    undeclared = {
        (module, file)
        for module, file in modules_imported()
        if file not in AT_THE_SERVER and not owner(module, paths) & declared
    }

    assert undeclared == set()


def test_tests_have_what_construction_asks_for() -> None:
    optional = PROJECT["optional-dependencies"]

    assert set(optional["construct"]) <= set(optional["test"])


def test_every_package_that_is_declared_is_imported() -> None:
    declared = {canonicalize_name(Requirement(r).name) for r in PROJECT["dependencies"]}
    paths = owners()
    imported = {name for module, _ in modules_imported() for name in owner(module, paths)}

    assert declared - imported == NOT_IMPORTED.keys()


# That it runs


def applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in extras)


def needed(requirements: Iterable[Requirement]) -> set[NormalizedName]:
    """Return the distributions that requirements lead to."""
    left = list(requirements)
    visited: set[tuple[NormalizedName, frozenset[str]]] = set()
    while left:
        requirement = left.pop()
        visit = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if visit in visited:
            continue
        visited.add(visit)
        asked = map(Requirement, metadata.requires(requirement.name) or ())
        left += [further for further in asked if applies(further, {"", *requirement.extras})]
    return {name for name, _ in visited}


def link(names: set[NormalizedName], source: Path, target: Path) -> None:
    """Link what is installed of some distributions into an environment."""
    paths = owners()
    folders = [source]
    while folders:
        for entry in folders.pop().iterdir():
            path = entry.relative_to(source)
            whose = paths.get(str(path), set())
            if whose and whose <= names:
                (target / path).symlink_to(entry)
            elif whose & names and entry.is_dir():
                # Several share the folder, of which not all are asked for.
                (target / path).mkdir()
                folders.append(entry)


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel in it."""

    folder: Path

    def run(
        self, program: str, *arguments: str, folder: Path, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs, with nothing of the checkout in reach."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=folder,
            env={**kept, "CI": "true", **variables},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(wheel: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", str(folder), "--disable-pip-version-check", "--quiet"]
    install = [*pip, "install", "--no-index", "--no-deps", "--no-compile", str(wheel.file)]
    subprocess.run(install, check=True)
    link(needed(wheel.requirements), Path(str(metadata.distribution("pip").locate_file(""))), packages)
    subprocess.run([*pip, "check"], check=True)
    return Environment(folder)


def test_an_environment_with_the_wheel_is_bare(installed: Environment, tmp_path: Path) -> None:
    found = "import calibstate, importlib.util as u; print(calibstate.__file__, u.find_spec('pytest'))"

    ran = installed.run("python", "-c", found, folder=tmp_path)

    file, _, test_program = ran.stdout.strip().rpartition(" ")
    assert Path(file).is_relative_to(installed.folder), ran.stderr
    assert test_program == "None"


def test_a_tree_is_checked_by_the_wheel(installed: Environment, tmp_path: Path) -> None:
    version = installed.run("calibstate", "--version", folder=tmp_path)
    ran = installed.run("calibstate", "-C", str(ROOT / "state"), "validate", folder=tmp_path)

    assert version.stdout == f"calibstate {__version__}\n"
    assert ran.returncode == 0, ran.stderr
    assert "sound" in ran.stdout


def test_a_tree_is_begun_by_the_wheel_with_its_workflows(installed: Environment, tmp_path: Path) -> None:
    # What cannot be seen is believed, so no repository is needed.
    words = ("--site", "usdf=/nowhere/main", "--instrument", "LSSTCam", "--program", f"me/mine@{'0' * 40}")

    ran = installed.run("calibstate", "init", "tree", *words, folder=tmp_path)
    again = installed.run("calibstate", "-C", "tree", "validate", folder=tmp_path)

    assert ran.returncode == 0, ran.stderr
    assert {file.name for file in (tmp_path / "tree/.github/workflows").iterdir()} == {
        Path(file).name for file in OF_GITHUB if file.startswith("workflows/")
    }
    assert again.returncode == 0, again.stderr


def test_the_fast_demonstration_comes_to_its_end_from_the_wheel(
    installed: Environment, tmp_path: Path
) -> None:
    world = tmp_path / "world"

    ran = installed.run(
        *("calibstate", "demo", str(world), "--fast"),
        folder=tmp_path,
        CALIBSTATE_RUCIO_SERVER=str(tmp_path / "nowhere"),
    )
    again = installed.run("calibstate", "-C", str(world / "state"), "plan", "--files", folder=tmp_path)

    assert ran.returncode == 0, ran.stderr
    assert "21 done." in ran.stdout
    assert "No steps, 1 extra." in ran.stdout
    assert not (world / "rucio").exists()
    # What is on its way when it ends.
    assert "3 steps at 3 places, 1 extra." in again.stdout, again.stderr
    page = world / "pages" / "index.html"
    assert ran.stdout.splitlines()[-1] == f"What is deployed where: open {page} in a browser."
    told = json.loads((world / "pages" / "status.json").read_text())
    assert {entry["repository"]: entry["state"] for entry in told["repositories"]} == {
        "bts/LSSTComCam": "unwanted",
        "summit/LSSTComCam": "unwanted",
        "usdf/embargo": "unreachable",
        "usdf/main": "in sync",
    }
    assert "u/observer/flat-r-test" in page.read_text()
