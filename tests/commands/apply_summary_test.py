"""A program that applies knows from the last line what it came to."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from calibstate.store.schemas import schemas
from tests.commands.sites import SUMMIT, Sites
from tests.tree import Ran


def lines(ran: Ran) -> list[dict[str, Any]]:
    """Return the lines of a run, each of which keeps its schema."""
    all_schemas = schemas()
    documents: list[dict[str, Any]] = [json.loads(line) for line in ran.out.splitlines()]
    for document in documents:
        Draft202012Validator(all_schemas[f"{document['kind']}.json"]).validate(document)
    assert documents, ran.err
    assert [document["kind"] for document in documents[:-1]] == ["outcome"] * (len(documents) - 1)
    assert documents[-1]["kind"] == "apply-summary"
    assert documents[-1]["exit_code"] == ran.code
    return documents


def test_the_last_line_tells_digest_run_and_numbers(sites: Sites) -> None:
    plan = sites.run("plan", "--format", "json").json
    *outcomes, summary = lines(sites.apply("--format", "json"))

    assert summary["digest"] == plan["digest"]
    assert summary["planned"] == plan["summary"]
    assert summary["tally"] == {"done": 12}
    assert len(outcomes) == 24
    assert summary["scope"]["of_repositories"] == 3
    (run,) = summary["runs"]
    assert [one["id"] for one in sites.run("log", "--format", "json").json["runs"]] == [run]


def test_where_nothing_is_to_do_there_is_a_line_too(deployed: Sites) -> None:
    (summary,) = lines(deployed.apply("--format", "json"))
    assert (summary["exit_code"], summary["runs"], summary["tally"]) == (0, [], {})
    assert summary["planned"] == {"steps": 0, "refused": 0}


def test_what_is_refused_before_the_start_says_why_in_the_line(sites: Sites) -> None:
    approved = "sha256:" + "0" * 64
    ran = sites.apply("--expect", approved, "--format", "json")
    (summary,) = lines(ran)
    assert ran.code == 3
    assert [problem["summary"] for problem in summary["problems"]] == [
        "Plan is not the one that was approved"
    ]
    assert summary["digest"] in summary["problems"][0]["hint"]
    assert "error: Plan is not the one that was approved" in ran.err
    # And where there is no plan at all.
    (summary,) = lines(sites.apply("--site", "nosuch", "--format", "json"))
    assert (summary["exit_code"], summary["digest"], summary["scope"]) == (64, "", None)
    (summary,) = lines(sites.apply("nosuch.json", "--format", "json"))
    assert summary["problems"]


def test_what_ends_a_run_amid_its_steps_is_told_with_what_was_done(sites: Sites) -> None:
    plan = str(sites.tree.folder / "plan.json")
    assert sites.run("plan", "-o", plan).code == 2
    # Somebody was there before; of a file all or nothing is done.
    assert sites.apply("--site", "usdf").code == 0
    assert sites.apply("--repository", SUMMIT).code == 0
    sites.change_chain(SUMMIT, lambda children: children[::-1])
    ran = sites.apply(plan, "--format", "json")
    *_, summary = lines(ran)
    assert ran.code == 3
    assert {problem["summary"] for problem in summary["problems"]} == {"Plan is stale"}
    assert len(summary["runs"]) == 1
