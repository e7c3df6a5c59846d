"""A saved plan comes back as it was, or not at all."""

import json
from dataclasses import replace

import pytest

from calibstate.errors import InvalidStateError, RefusedError
from calibstate.kinds.registry import ACTIONS
from calibstate.model.names import Address, Place
from calibstate.model.plans import Basis, Plan, Step
from calibstate.store import planfile
from tests.kinds.samples import SAMPLES

BASIS = Basis(commit="0" * 40, declared="sha256:d", observed="sha256:o", version="0.1.0")


@pytest.fixture
def plan():
    steps = (Step(str(n), action, ("1",) if n > 1 else ()) for n, action in enumerate(SAMPLES, 1))
    return Plan(BASIS, tuple(steps))


def test_a_plan_comes_back_equal_and_byte_for_byte(plan):
    saved = planfile.dumps(plan)
    assert planfile.loads(saved, ACTIONS) == plan
    assert planfile.dumps(planfile.loads(saved, ACTIONS)) == saved


def test_the_digest_does_not_depend_on_commit_version_or_what_else_was_seen(plan):
    elsewhere = Plan(
        BASIS.model_copy(update={"commit": None, "dirty": True, "observed": "x", "version": "9"}), plan.steps
    )
    assert planfile.digest(elsewhere) == planfile.digest(plan)


def test_the_digest_does_not_depend_on_what_is_declared_besides(plan):
    other = Plan(BASIS.model_copy(update={"declared": "sha256:e"}), plan.steps)
    assert planfile.digest(other) == planfile.digest(plan)


def test_the_digest_depends_on_what_is_declared_and_on_the_ground_of_each_step(plan):
    declared = {"children": ("a", "b"), "address of summit/LSSTCam": None}
    other = Plan(BASIS, (replace(plan.steps[0], declared=declared), *plan.steps[1:]))
    fewer = Plan(BASIS, plan.steps[1:])
    assert len({planfile.digest(p) for p in (plan, other, fewer)}) == 3


def test_an_edited_plan_is_refused(plan):
    saved = json.loads(planfile.dumps(plan))
    saved["steps"][-1]["with"]["children"] = ["something/else"]
    with pytest.raises(RefusedError, match="edited"):
        planfile.loads(json.dumps(saved), ACTIONS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "kind"),
        ("[" * 200_000, "not JSON"),
        ('{"kind": "drift"}', "kind"),
        ('{"kind": "plan", "format_version": "9.0"}', "format_version"),
        ('{"kind": "plan", "format_version": "1.0"}', "basis"),
        ('{"kind": "plan", "format_version": "1.0", "basis": [], "steps": 3}', "basis|dictionary"),
    ],
)
def test_what_is_no_plan_is_told_so(text, why):
    with pytest.raises(InvalidStateError, match=why):
        planfile.loads(text, ACTIONS)


def test_a_plan_with_more_than_plans_have_is_told_so(plan):
    saved = json.loads(planfile.dumps(plan)) | {"approved_by": "everybody"}
    with pytest.raises(InvalidStateError, match="no plan has a key 'approved_by'"):
        planfile.loads(json.dumps(saved), ACTIONS)


def test_a_truncated_plan_is_told_so(plan):
    with pytest.raises(InvalidStateError, match="not JSON"):
        planfile.loads(planfile.dumps(plan)[:-20], ACTIONS)


def test_an_unknown_action_is_named(plan):
    saved = planfile.dumps(plan).replace('"do": "prepend-to-chain"', '"do": "paint"')
    with pytest.raises(InvalidStateError, match="paint"):
        planfile.loads(saved, ACTIONS)


def test_an_address_is_written_in_its_three_parts():
    assert str(Address(place=Place("summit/LSSTCam"), kind="chain", name="a/b")) == "summit/LSSTCam:chain:a/b"


@pytest.mark.parametrize(
    "after",
    [[None], [1], {"1": 2}, None, "1"],
)
def test_steps_that_come_after_no_step_are_told_so(plan, after):
    saved = json.loads(planfile.dumps(plan))
    saved["steps"][-1]["after"] = after
    with pytest.raises(InvalidStateError, match="after"):
        planfile.loads(json.dumps(saved), ACTIONS)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ({"after": ("77",)}, "follows step 77, which does not precede it"),
        ({"after": ("1",)}, "follows step 1, which does not precede it"),
        ({"id": "2"}, "step 2 is there twice"),
    ],
)
def test_steps_that_follow_no_earlier_step_are_told_so(plan, first, words):
    steps = (replace(plan.steps[0], id="1", after=()), replace(plan.steps[1], id="2", after=()))
    assert planfile.loads(planfile.dumps(Plan(BASIS, steps)), ACTIONS).steps == steps
    forged = Plan(BASIS, (replace(steps[0], **first), steps[1]))
    with pytest.raises(InvalidStateError, match=words):
        planfile.loads(planfile.dumps(forged), ACTIONS)


def test_text_that_cannot_be_written_again_is_told_so(plan):
    saved = planfile.dumps(plan).replace("no rule brings it there", "no rule \\ud800")
    with pytest.raises(InvalidStateError, match="surrogates"):
        planfile.loads(saved, ACTIONS)
