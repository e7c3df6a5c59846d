"""The workflows, carried out on real repositories.

One module, so that in the end it can tell whether every script of every
workflow was run.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.github.conftest import REPOSITORIES, proposal
from tests.github.hub import Hub
from tests.github.runner import Run, Runner

MARKER = "<!-- calibstate report -->"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

NOT_RUN: dict[str, str] = {}
"""Scripts that no test runs, and why."""


def report(hub: Hub, run: Run) -> Path:
    """Return the artifact of a report."""
    (folder,) = (hub.folder / "artifacts" / str(run.number)).iterdir()
    return folder


def merged(hub: Hub, runner: Runner) -> tuple[Run, Run]:
    """Propose, plan, merge and apply; return the runs of plan and apply."""
    number = hub.propose(proposal(hub))
    planned = runner.run("plan.yml", hub.opened(number))
    return planned, runner.run("apply.yml", hub.merge(number))


# A pull request


def test_a_pull_request_is_told_of_in_one_comment_that_is_kept_up_to_date(hub: Hub, runner: Runner) -> None:
    number = hub.propose(proposal(hub))

    first = runner.run("plan.yml", hub.opened(number))
    print(first.jobs["plan"].log)  # noqa
    (comment,) = hub.comments
    hub.propose({"state/notes.md": "More of it.\n"}, pull=number)
    second = runner.run("plan.yml", hub.opened(number))

    assert (first.results, second.results) == ({"plan": "success"}, {"plan": "success"}), first.jobs[
        "plan"
    ].log
    assert comment.startswith(MARKER)
    assert len(hub.comments) == 1
    assert len(hub.asked("api", "--method", "PATCH")) == 1
    artifact = report(hub, second)
    assert artifact.name == f"calibstate-report-{hub.pull(number)['head']['sha']}"
    digests = json.loads((artifact / "report.json").read_text())["digests"]
    assert digests.keys() == REPOSITORIES.keys()
    for site in REPOSITORIES:
        plan = json.loads((artifact / "plans" / f"{site}.json").read_text())
        assert (plan["digest"], bool(plan["steps"])) == (digests[site], True)
    assert (artifact / "full.md").read_text().startswith(MARKER)
