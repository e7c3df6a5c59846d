"""The house stands as the drawing says: who imports whom, and when."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import calibstate
from calibstate.kinds.registry import KINDS

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {c["name"]: c for c in SETTINGS["tool"]["importlinter"]["contracts"]}

BREACHES = [
    ("Each layer knows only the layers below it", "model/names.py", "import calibstate.store"),
    ("Each layer knows only the layers below it", "engine/plan.py", "import calibstate.adapters"),
    ("Each layer knows only the layers below it", "attic/__init__.py", ""),
    ("No circles anywhere", "model/names.py", "if False:\n    import calibstate.model.tickets"),
    ("Only adapters know the world outside", "kinds/chain.py", "from lsst.daf.butler import Butler"),
    ("Only adapters know the world outside", "kinds/rucio_rule.py", "import rucio.client"),
    ("Only adapters know the world outside", "surveys/approvals.py", "import jira"),
    ("Each layer knows only the layers below it", "lookups/resolve.py", "import calibstate.reviewing"),
    ("Each layer knows only the layers below it", "engine/plan.py", "import calibstate.lookups.resolve"),
    ("Each layer knows only the layers below it", "checks/policy/names.py", "import calibstate.store"),
    ("Each layer knows only the layers below it", "capturing/seal.py", "import calibstate.surveys"),
    ("Adapters and views decide nothing", "adapters/jira.py", "import calibstate.engine.plan"),
    ("Adapters and views decide nothing", "views/text.py", "import calibstate.lookups.impact"),
    ("Only adapters know the world outside", "cli/approvals.py", "from requests import get"),
    ("Only the store reads and writes YAML", "adapters/history.py", "import yaml.nodes"),
    ("Only the store reads and writes YAML", "engine/plan.py", "import ruamel.yaml"),
    ("Only the command line and the views know the screen", "engine/plan.py", "import rich.console"),
    ("Each layer knows only the layers below it", "factory/past.py", "import calibstate.work"),
    ("Each layer knows only the layers below it", "work/show.py", "import calibstate.cli"),
    ("Only the command line and the views know the screen", "work/show.py", "from typer import echo"),
    ("Only the command line and the views know the screen", "work/session.py", "import rich.console"),
    ("Only the command line and the views know the screen", "work/__init__.py", "import click"),
    ("Only adapters know the world outside", "work/validate.py", "import sqlalchemy"),
    ("Only the views know the template language", "work/page.py", "import jinja2"),
    ("Only the views know the template language", "store/pagefolder.py", "from markupsafe import escape"),
]


def modules() -> list[str]:
    found = pkgutil.walk_packages(calibstate.__path__, "calibstate.")
    return [m.name for m in found if not m.name.endswith("__main__")]


def lint_imports(folder: Path) -> list[str]:
    """Return the lines in which import-linter says how the contracts fare."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = [line for line in done.stdout.splitlines() if line.endswith(("KEPT", "BROKEN"))]
    assert len(verdicts) == len(CONTRACTS), done.stdout + done.stderr
    return verdicts


def test_the_import_contracts_are_kept() -> None:
    assert [v for v in lint_imports(ROOT) if v.endswith("BROKEN")] == []


@pytest.mark.parametrize(("contract", "file", "breach"), BREACHES)
def test_a_breach_of_a_contract_is_seen(tmp_path: Path, contract: str, file: str, breach: str) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "calibstate", tmp_path / "calibstate", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    broken = tmp_path / "calibstate" / file
    broken.parent.mkdir(exist_ok=True)
    with broken.open("a") as stream:
        stream.write(f"\n{breach}\n")
    assert f"{contract} BROKEN" in lint_imports(tmp_path)


@pytest.mark.parametrize(
    ("contract", "free"),
    [
        ("Only adapters know the world outside", {"adapters", "demo"}),
        ("Only the store reads and writes YAML", {"store", "demo"}),
        ("Only the command line and the views know the screen", {"cli", "views", "demo"}),
        ("Only the views know the template language", {"views"}),
    ],
)
def test_a_contract_names_every_room_but_those_it_frees(contract: str, free: set[str]) -> None:
    rooms = {m.name for m in pkgutil.iter_modules(calibstate.__path__)} - {"__main__"}
    named = {name.removeprefix("calibstate.") for name in CONTRACTS[contract]["source_modules"]}
    assert named - {"__main__"} == rooms - free


@pytest.mark.parametrize("module", modules())
def test_a_module_opens_with_its_caption(module: str) -> None:
    caption = importlib.import_module(module).__doc__
    assert caption
    assert caption.splitlines()[0].endswith((".", ":"))


BROKEN_BY = {"parsl": "2025.12.8 and later lack what the newest plugin for Python 3.11 sets"}
"""What may have a ceiling, in an extra that a Rubin stack does not need."""


def test_the_distribution_asks_for_floors_only() -> None:
    project = SETTINGS["project"]
    asked = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    ceilings = [r for r in asked if any(sign in r for sign in ("<", "==", "~=", "@"))]
    assert [r for r in ceilings if re.split(r"\W", r)[0] not in BROKEN_BY] == []
    assert [r for r in project["dependencies"] if r in ceilings] == []


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda f: f.name)
def test_exact_versions_name_no_machine(file: Path) -> None:
    lines = [line.split("#")[0].strip() for line in file.read_text().splitlines()]
    pins = [line for line in lines if line]
    assert pins
    assert [line for line in pins if not line.partition("==")[2] or line.startswith("-") or "/" in line] == []


# A kind is one file and a line of the table: nobody else knows it by name.

OUTSIDE_OF_KINDS = sorted(
    path for path in (ROOT / "calibstate").rglob("*.py") if path.parent.name not in {"kinds", "demo"}
)


@pytest.mark.parametrize("path", OUTSIDE_OF_KINDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_asks_of_which_kind_something_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    asked = [line for node in ast.walk(tree) for line in _asks_for_a_kind(node)]
    assert asked == [], "let the kind answer, in a method of its own"


def _asks_for_a_kind(node: ast.AST) -> Iterator[int]:
    """Yield lines that look at a kind's class, or spell its name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "isinstance":
            classes = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
            if classes & CLASSES_OF_KINDS:
                yield node.lineno
        if node.func.id == "Address":
            yield from (word.value.lineno for word in node.keywords if _is_name_of_kind(word.value))
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        attributes = {side.attr for side in sides if isinstance(side, ast.Attribute)}
        words = [word for side in sides for word in ast.walk(side)]
        if "kind" in attributes and any(_is_name_of_kind(word) for word in words):
            yield node.lineno


def _is_name_of_kind(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in KINDS


def _classes_of_kinds() -> frozenset[str]:
    classes = {"Bundle", "Chain", "Collection", "External", "RucioDataset", "RucioRule"}
    for kind in KINDS.values():
        for own in (type(kind), *kind.actions):
            classes |= {
                base.__name__ for base in own.__mro__ if base.__module__.startswith("calibstate.kinds")
            }
    return frozenset(classes - {"Kind"})


CLASSES_OF_KINDS = _classes_of_kinds()


@pytest.mark.parametrize(
    "text",
    [
        "isinstance(resource, Chain)",
        "isinstance(action, (str, AddRule))",
        "Address(place=place, kind='bundle', name=name)",
        "drift.target.kind == 'chain'",
        "'chain' != target.kind",
        "target.kind in ('chain', 'external')",
    ],
)
def test_it_is_noticed_where_somebody_asks_of_which_kind_something_is(text: str) -> None:
    nodes = list(ast.walk(ast.parse(text)))
    assert any(list(_asks_for_a_kind(node)) for node in nodes)
