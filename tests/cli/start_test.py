"""What a command does not import, so that nobody waits for it.

Each runs in a process of its own, so that no other test has imported it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATE = str(ROOT / "state")

PROGRAM = """
import json, sys
from calibstate.cli.main import main
sys.argv = ["calibstate", *sys.argv[1:]]
code = 0
try:
    main()
except SystemExit as end:
    code = end.code or 0
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""

PLACES = {"astropy", "boto3", "botocore", "git", "jira", "lsst", "numpy", "requests", "rucio", "sqlalchemy"}
"""What only places need, of which none is asked here."""

WRITTEN = {"deepdiff", "ruamel"}
"""What only files that are written need."""

FORMS = {
    "calibstate.store.documents.validation",
    "calibstate.store.documents.changes",
    "calibstate.store.schemas",
    "calibstate.views.github",
    "calibstate.views.junit",
    "calibstate.views.markdown",
}
"""Forms of results that are not asked for."""

NOUNS = {"pydantic", "yaml", "rich"} | {
    f"calibstate.{room}"
    for room in ("model", "store", "ports", "kinds", "views", "engine", "factory", "adapters")
}
"""What a page that lists the commands has nothing of."""


def imported_by(*arguments: str, **variables: str) -> set[str]:
    """Run a command in a fresh process and return the modules it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stdout + done.stderr
    assert done.stdout
    return set(modules)


def among(modules: set[str], unwanted: set[str]) -> set[str]:
    """Return what is unwanted of modules and their packages."""
    packages = {".".join(parts[:n]) for m in modules for parts in [m.split(".")] for n in (1, 2)}
    return (modules | packages) & unwanted


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_list_of_the_commands_imports_none(option: str) -> None:
    assert among(imported_by(option), PLACES | WRITTEN | NOUNS) == set()


def test_the_completion_of_a_name_imports_no_command() -> None:
    # pydantic is typer's own, which makes of each word what it stands for.
    words = {"COMP_WORDS": "calibstate sta", "COMP_CWORD": "1"}

    modules = imported_by(_CALIBSTATE_COMPLETE="complete_bash", **words)

    assert "typer.completion" in modules
    assert among(modules, PLACES | WRITTEN | NOUNS - {"pydantic"}) == set()


LINES = [f"calibstate -C {STATE} drift --site s", f"calibstate -C {STATE} status --rep"]


@pytest.mark.parametrize("line", LINES)
def test_the_completion_of_a_word_asks_no_place(line: str) -> None:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}

    modules = imported_by(_CALIBSTATE_COMPLETE="complete_bash", **words)

    assert among(modules, PLACES | WRITTEN) == set()


ALONE = [("validate",), ("show",), ("approvals",), ("plan", "--help")]


@pytest.mark.parametrize("command", ALONE, ids=" ".join)
def test_a_command_that_asks_no_place_imports_nothing_for_it(command: tuple[str, ...]) -> None:
    assert among(imported_by("-C", STATE, *command), PLACES | WRITTEN) == set()


def test_a_check_of_the_tree_imports_no_resource_and_no_form() -> None:
    # Of the kinds their table only, which says which have files of their own.
    kinds = {"calibstate.kinds.base", "calibstate.kinds.registry", "calibstate.kinds.chain"}
    unneeded = {"calibstate.adapters", "calibstate.factory", "calibstate.engine.expand", *kinds}

    modules = imported_by("-C", STATE, "validate")

    assert among(modules, unneeded | FORMS | {"calibstate.model.outcomes", "calibstate.model.plans"}) == set()


@pytest.mark.parametrize(
    ("command", "form"),
    [
        (("validate", "--format", "json"), "calibstate.store.documents.validation"),
        (("validate", "--format", "github"), "calibstate.views.github"),
        (("show", "--format", "json"), "calibstate.store.documents.changes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_form_that_is_asked_for_is_imported_and_no_other(command: tuple[str, ...], form: str) -> None:
    assert among(imported_by("-C", STATE, *command), FORMS) == {form}


def test_what_is_imported_would_be_seen() -> None:
    modules = imported_by("-C", STATE, "validate", "--format", "json")

    assert among(modules, NOUNS) >= {"pydantic", "yaml", "calibstate.model"}
