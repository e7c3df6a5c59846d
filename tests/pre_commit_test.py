"""What is asked of a commit is asked: by our own hooks, and by others'.

The real pre-commit runs in scratch clones, without a network: every hook
runs what is installed already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.tree import Tree

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent

TRACKED = (
    ".pre-commit-config.yaml",
    ".pre-commit-hooks.yaml",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "calibstate",
    "schemas",
    "state",
)
"""What the hooks look at."""


def commit(folder: Path) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def pre_commit(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALIBSTATE_", "GIT_"))}
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *words],
        cwd=folder,
        env={
            **kept,
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(folder.parent / "pre-commit"),
            # Whoever reached for a network would fail.
            "PIP_NO_INDEX": "1",
            "https_proxy": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pre-commit") / "clone"
    folder.mkdir()
    for name in TRACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / ".gitignore").write_text("/.venv\n")
    (folder / ".venv").symlink_to(PROGRAMS.parent)
    commit(folder)
    return folder


@pytest.fixture
def clone(made_once: Path, tmp_path: Path) -> Path:
    """Return a clone of the repository whose environment is made."""
    return Path(shutil.copytree(made_once, tmp_path / "clone", symlinks=True))


def _unsound(folder: Path) -> None:
    chain = folder / "state" / "chains" / "LSSTComCam.yaml"
    chain.write_text(chain.read_text() + "  - DM-99999\n")


def _untidy(folder: Path) -> None:
    chain = folder / "state" / "chains" / "LSSTComCam.yaml"
    chain.write_text(chain.read_text().replace("  - DM-48955", "  -    DM-48955"))


def _stale(folder: Path) -> None:
    (folder / "schemas" / "ticket.json").write_text("{}\n")


def _unused(folder: Path) -> None:
    module = folder / "calibstate" / "errors.py"
    module.write_text(module.read_text() + "\nimport socket\n")


def _wide(folder: Path) -> None:
    module = folder / "calibstate" / "errors.py"
    module.write_text(module.read_text() + '\nLEVELS = {"a":1}\n')


BROKEN: dict[str, Callable[[Path], None]] = {
    "validate": _unsound,
    "fmt": _untidy,
    "schemas": _stale,
    "ruff-check": _unused,
    "ruff-format": _wide,
}


def test_the_repository_keeps_its_own_hooks(clone: Path) -> None:
    ran = pre_commit(clone, "run", "--all-files")

    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count("Passed") == len(BROKEN)


@pytest.mark.parametrize("hook", BROKEN)
def test_a_hook_stops_what_it_is_for(hook: str, clone: Path) -> None:
    BROKEN[hook](clone)

    ran = pre_commit(clone, "run", hook, "--all-files")

    assert ran.returncode == 1
    assert f"hook id: {hook}" in ran.stdout


def test_every_hook_of_the_repository_is_seen_to_stop_something() -> None:
    said = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {hook["id"] for repo in said["repos"] for hook in repo["hooks"]} == BROKEN.keys()


@pytest.fixture
def others(tmp_path: Path) -> Tree:
    """Return a repository of others that holds a tree."""
    tree = Tree(tmp_path / "others")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    approval = {"status": "adopted", "taxicab": "TAXICAB-1", "date": "2025-02-03"}
    tree.ticket("DM-1", "bias.20250207a", summary="Biases", approval=approval)
    tree.chain(["DM-1"])
    subprocess.run(
        [PROGRAMS / "calibstate", "-C", tree.state, "fmt"], check=True, capture_output=True, cwd=tree.folder
    )
    return tree


def tried(tree: Tree, hook: str, hooks: Path) -> subprocess.CompletedProcess[str]:
    commit(tree.folder)
    return pre_commit(tree.folder, "try-repo", str(hooks), hook, "--all-files", "--verbose")


def test_others_can_use_the_hooks(others: Tree, made_once: Path) -> None:
    subprocess.run([PROGRAMS / "calibstate", "schema"], check=True, capture_output=True, cwd=others.folder)
    commit(others.folder)

    ran = pre_commit(others.folder, "try-repo", str(made_once), "--all-files", "--verbose")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("Passed") == 4
    assert "1 ticket, 1 chain: sound" in ran.stdout


@pytest.mark.parametrize("hook", ["calibstate-fmt", "calibstate-fmt-check"])
def test_a_hook_lays_files_out_or_only_tells(hook: str, others: Tree, made_once: Path) -> None:
    chain = others.state / "chains" / "LSSTComCam-calib.yaml"
    tidy = chain.read_text()
    chain.write_text(tidy.replace("- DM-1", "-    DM-1"))

    ran = tried(others, hook, made_once)

    assert ran.returncode == 1, ran.stdout
    assert (chain.read_text() == tidy) == (hook == "calibstate-fmt")


def test_a_hook_stops_a_tree_of_others_that_is_not_sound(others: Tree, made_once: Path) -> None:
    others.chain(["DM-2"])

    ran = tried(others, "calibstate-validate", made_once)

    assert ran.returncode == 1
    assert "DM-2" in ran.stdout


def test_the_hooks_that_init_writes_stop_a_tree_that_is_not_sound(tmp_path: Path) -> None:
    folder = tmp_path / "begun"
    words = ["init", str(folder), "--site", "usdf=/nowhere/main", "--instrument", "LSSTComCam"]
    subprocess.run([PROGRAMS / "calibstate", *words], check=True, capture_output=True, cwd=tmp_path)
    commit(folder)

    sound = pre_commit(folder, "run", "--all-files")
    site = folder / "sites" / "usdf.yaml"
    site.write_text(site.read_text().replace("route: origin", "route:   orgin"))
    broken = pre_commit(folder, "run", "--all-files")

    assert (sound.returncode, sound.stdout.count("Passed")) == (0, 2), sound.stdout
    assert (broken.returncode, broken.stdout.count("Failed")) == (1, 2), broken.stdout
