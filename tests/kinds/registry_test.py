"""What every kind and every action must have."""

import re
from pathlib import Path

import pytest
import yaml

from calibstate.kinds.registry import ACTIONS, KINDS
from calibstate.kinds.table import own_folders
from tests.kinds.samples import SAMPLES

REFERENCE = Path(__file__).parents[2] / "docs/reference/kinds.md"


@pytest.mark.parametrize("name", [*KINDS, *ACTIONS])
def test_the_reference_has_a_section_for_it(name):
    headings = [line for line in REFERENCE.read_text().splitlines() if line.startswith("#")]
    assert any(f"`{name}`" in heading for heading in headings)


def test_every_action_has_a_sample():
    assert {sample.do for sample in SAMPLES} == set(ACTIONS)


@pytest.mark.parametrize("action", SAMPLES, ids=lambda action: action.do)
def test_every_action_says_what_it_does(action):
    assert action.summary().strip()
    assert action.subject().address == action.target


HOOKS = [
    hook
    for hook in yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    if hook["id"] != "calibstate-schemas"
]
"""Those that look at state trees."""


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
@pytest.mark.parametrize("folder", ["sites", "chains", *own_folders()])
def test_what_declares_a_kind_is_looked_at_before_a_commit(folder, hook):
    assert re.search(hook["files"], f"state/{folder}/one.yaml")
