"""What GitHub asks of people is sound, and asks what DMTN-222 asks."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
PROPOSAL = (GITHUB / "PULL_REQUEST_TEMPLATE.md").read_text()

CHECKLIST = (
    "DM ticket for the construction",
    "inputs are selected",
    "cp_pipe",
    "cp_verify",
    "report is made",
    "TAXICAB ticket is filed",
    "deployment ticket is filed",
    "deployed to all other repositories",
    "at the summit",
)
"""The items of section 3.7, in their order, each by a few of its words."""


def form(name: str) -> Any:
    return yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / name).read_text())


def labels(said: Any) -> Iterator[str]:
    for element in said["body"]:
        for option in element["attributes"].get("options", ()):
            yield option["label"] if isinstance(option, dict) else option


@pytest.mark.parametrize(
    ("schema", "files"),
    [("issue-forms", FORMS), ("issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"])],
    ids=["forms", "settings"],
)
def test_github_takes_the_forms(schema: str, files: list[Path]) -> None:
    assert files
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.github-{schema}"]
    ran = subprocess.run([*checker, *files], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.stem)
def test_the_fields_of_a_form_are_told_apart(file: Path) -> None:
    fields = [element for element in form(file.name)["body"] if element["type"] != "markdown"]
    for key in ("id", "label"):
        names = [field["id"] if key == "id" else field["attributes"]["label"] for field in fields]
        assert len(set(names)) == len(names)
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_the_checklist_is_that_of_the_technote_in_its_order() -> None:
    of_the_form = list(labels(form("new-calibrations.yml")))
    of_a_proposal = re.findall(r"^- \[ \] (.*)$", PROPOSAL, re.MULTILINE)
    for asked in (of_the_form, of_a_proposal):
        found = [next(n for n, item in enumerate(asked) if words in item) for words in CHECKLIST]
        assert found == sorted(set(found))


def test_every_command_that_is_named_is_there() -> None:
    from calibstate.cli.commands import COMMANDS

    texts = [PROPOSAL, *(file.read_text() for file in FORMS)]
    named = {name for text in texts for name in re.findall(r"`calibstate ([a-z]+)", text)}
    assert "status" in named
    assert named <= set(COMMANDS)


def test_nobody_is_named_an_owner_who_does_not_exist() -> None:
    lines = (GITHUB / "CODEOWNERS").read_text().splitlines()
    owned = [line for line in lines if line.strip() and not line.startswith("#")]
    assert not [line for line in owned if "ORGANIZATION/TEAM" in line]
    assert any(line.startswith("# /state/") for line in lines) or any(
        line.startswith("/state/") for line in owned
    )
