"""What a look at the rules of an RSE means, and what is done about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from calibstate.kinds.rucio_rule import AddRule, BoostRule, KeepRule, RucioRule, RucioRuleKind
from calibstate.model.actions import Standing
from calibstate.model.drift import What
from calibstate.model.names import Address, Place, TicketKey
from calibstate.model.rucio import RegisteredFile, Rule, RuleState, Storage
from tests.kinds.bundled import FILES, MANIFEST

KIND = RucioRuleKind()
RSE, ELSEWHERE = "SUMMIT_CALIB_DISK", "BASE_CALIB_DISK"
NUMBER, BYTES = len(FILES), sum(file.size for file in FILES)
HELD = {file.path: RegisteredFile(file.size, file.adler32) for file in FILES}
DECLARED = RucioRule(
    Address(place=Place("rucio"), kind="rucio_rule", name=f"LSSTCam/DM-1/{RSE}"),
    TicketKey("LSSTCam", "DM-1"),
    "ancillary",
    "Dataset/LSSTCam/calib/DM-1",
    RSE,
    manifest=MANIFEST,
)
UNBOUNDED = Storage(writable=True, room=None)
ENDS = "2030-01-01T00:00:00Z"


def rule(state: RuleState = RuleState.OK, **more: Any) -> Rule:
    """Return a rule of ours for the RSE, with all of its locks."""
    locks = {RuleState.STUCK: "stuck", RuleState.OK: "ok"}.get(state, "replicating")
    said = {"id": "r1", "account": "calib", "dataset": DECLARED.dataset, "rses": frozenset({RSE})}
    return Rule(**{**said, "state": state, locks: NUMBER, **more})


def seen(*rules: Rule, available: int = 0, storage: Storage | None = UNBOUNDED, **more: Any) -> RucioRule:
    live = replace(DECLARED, account="calib", rules=rules, files=HELD, available=available, **more)
    return live if live.lasting else replace(live, storage=storage)


def told(live: RucioRule, declared: RucioRule = DECLARED) -> tuple[What | None, str]:
    found = [(drift.what, drift.detail) for drift in KIND.compare(declared, live)]
    assert len(found) <= 1
    return found[0] if found else (None, "")


def remedies(live: RucioRule, declared: RucioRule = DECLARED) -> list[str]:
    return [action.do for action in KIND.remedy(declared, live)]


def action(what: type[AddRule | KeepRule | BoostRule], **more: str) -> AddRule | KeepRule | BoostRule:
    about = {"ticket": "DM-1", "instrument": "LSSTCam", "scope": "ancillary", "dataset": DECLARED.dataset}
    return what.model_validate({"target": DECLARED.address, "because": "", **about, "rse": RSE, **more})


# --- while files are on their way ---

RETRIED = rule(RuleState.STUCK, retry_due=True, reason="no route")
STUCK = rule(RuleState.STUCK, reason="no route")


@pytest.mark.parametrize(
    ("live", "what", "words", "steps", "awaited", "refused"),
    [
        (seen(rule(RuleState.REPLICATING)), What.PENDING, "0 of 3 files", [], True, False),
        (seen(rule(RuleState.INJECT, replicating=0)), What.PENDING, "0 of 3 files", [], True, False),
        (
            seen(rule(RuleState.WAITING_APPROVAL)),
            What.PENDING,
            "an administrator's approval",
            [],
            True,
            False,
        ),
        (seen(rule(RuleState.OK), available=2), What.PENDING, "has not noticed yet", [], True, False),
        (seen(RETRIED, available=1), What.PENDING, "tries rule r1 again", [], True, False),
        (seen(STUCK, available=1), What.MISSING, "r1 is stuck: no route", ["boost-rule"], False, False),
        (seen(rule(RuleState.STUCK)), What.MISSING, "does not say why", ["boost-rule"], False, False),
        (seen(rule(RuleState.SUSPENDED)), What.MISSING, "r1 is suspended", [], False, True),
    ],
    ids=["replicating", "inject", "approval", "lost", "retried", "stuck", "without reason", "suspended"],
)
def test_each_state_of_a_rule_is_told_and_answered(
    live: RucioRule, what: What, words: str, steps: list[str], awaited: bool, refused: bool
) -> None:
    assert told(live)[0] is what
    assert words in told(live)[1]
    assert remedies(live) == steps
    assert not KIND.is_there(DECLARED, live)
    obstacle = KIND.obstacle(DECLARED, live)
    assert (obstacle is not None) == (not steps)
    assert obstacle is None or (obstacle.is_awaited, obstacle.is_refused) == (awaited, refused)


@pytest.mark.parametrize("state", [RuleState.WAITING_APPROVAL, RuleState.OK, RuleState.REPLICATING])
def test_who_waits_for_files_is_told_how_many_are_there_whatever_others_wrote(state: RuleState) -> None:
    live = seen(rule(state, since="Monday; early", reason="no route; none at all"), available=1)
    obstacle = KIND.obstacle(DECLARED, live)
    assert obstacle
    assert obstacle.detail.endswith("since Monday; early")
    assert "1 of 3 files" in obstacle.detail


@pytest.mark.parametrize("state", list(RuleState))
def test_when_all_files_are_there_the_state_does_not_matter(state: RuleState) -> None:
    live = seen(rule(state), available=NUMBER)
    assert told(live) == (None, "")
    assert KIND.is_there(DECLARED, live)
    assert remedies(live) == []


def test_how_to_free_a_suspended_rule_is_told() -> None:
    obstacle = KIND.obstacle(DECLARED, seen(rule(RuleState.SUSPENDED)))
    assert obstacle
    assert "rucio rule update --stuck r1" in obstacle.detail


def test_a_dataset_that_lacks_files_is_not_there_however_many_it_says() -> None:
    two = dict(list(HELD.items())[:2])
    live = replace(seen(rule(ok=2), available=2), files=two)
    assert told(live)[0] is What.PENDING
    assert "2 of 3 files" in told(live)[1]


@pytest.mark.parametrize(
    "files",
    [
        {**HELD, "somebody/else": RegisteredFile(1, "00620062")},
        {**HELD, FILES[0].path: RegisteredFile(FILES[0].size, "0" * 8)},
        {**HELD, FILES[0].path: RegisteredFile(FILES[0].size + 1, FILES[0].adler32)},
    ],
    ids=["more", "other bytes", "other size"],
)
def test_what_the_bundle_does_not_hold_is_brought_to_nobody(files: dict[str, RegisteredFile]) -> None:
    live = replace(seen(rule(ok=len(files)), available=len(files)), files=files)
    assert told(live)[0] is What.CHANGED
    assert not KIND.is_there(DECLARED, live)
    obstacle = KIND.obstacle(DECLARED, live)
    assert obstacle
    assert obstacle.is_refused


def test_before_the_ticket_is_exported_nobody_relies_on_a_rule() -> None:
    declared = replace(DECLARED, manifest=None)
    assert told(seen(rule(), available=NUMBER), declared) == (None, "")
    assert not KIND.is_there(declared, seen(rule(), available=NUMBER))


# --- lost locks ---


def test_files_that_a_rule_does_not_keep_are_told_though_they_are_there() -> None:
    what, detail = told(seen(rule(ok=NUMBER - 1), available=NUMBER))
    assert what is What.PENDING
    assert "keeps only 2 of them" in detail


def test_a_joint_rule_keeps_all_files_at_each_of_its_rses() -> None:
    both = frozenset({RSE, ELSEWHERE})
    assert told(seen(rule(rses=both, ok=2 * NUMBER), available=NUMBER)) == (None, "")
    what, detail = told(seen(rule(rses=both, ok=2 * NUMBER - 1), available=NUMBER))
    assert what is What.PENDING
    assert "has only 5 of 6 locks" in detail


def test_a_rule_on_a_larger_dataset_keeps_more_than_ours() -> None:
    assert told(seen(rule(dataset="by/hand", ok=NUMBER + 7), available=NUMBER)) == (None, "")


# --- rules that end ---


def test_a_rule_of_ours_that_ends_is_kept() -> None:
    live = seen(rule(expires_at=ENDS), available=NUMBER)
    assert told(live) == (What.MISSING, f"rule r1, which keeps {DECLARED.did} at {RSE}, ends {ENDS}")
    assert remedies(live) == ["keep-rule"]


def test_a_rule_of_another_that_ends_is_left_and_one_of_ours_is_made() -> None:
    live = seen(rule(account="ann", expires_at=ENDS), available=NUMBER)
    assert f"ends {ENDS}" in told(live)[1]
    assert remedies(live) == ["add-rule"]


def test_of_several_that_end_ours_is_kept() -> None:
    live = seen(rule(id="hers", account="ann", expires_at=ENDS), rule(id="ours", expires_at=ENDS))
    (keep,) = KIND.remedy(DECLARED, live)
    assert isinstance(keep, KeepRule)
    assert keep.rule == "ours"


def test_a_rule_of_ours_that_ends_needs_no_room() -> None:
    live = seen(rule(expires_at=ENDS), storage=Storage(writable=False, room=0))
    assert remedies(live) == ["keep-rule"]


def test_where_another_rule_lasts_one_that_ends_may_end() -> None:
    live = seen(rule(expires_at=ENDS), rule(id="r2", account="ann"), available=NUMBER)
    assert told(live) == (None, "")


def test_of_several_that_last_the_furthest_counts() -> None:
    live = seen(rule(RuleState.SUSPENDED), rule(RuleState.REPLICATING, id="r2"), available=1)
    assert told(live)[0] is What.PENDING
    assert remedies(live) == []


# --- without a rule ---


@pytest.mark.parametrize(
    ("storage", "steps", "words"),
    [
        (UNBOUNDED, ["add-rule"], ""),
        (Storage(writable=True, room=BYTES + 1), ["add-rule"], ""),
        (Storage(writable=True, room=BYTES), [], f"room for {BYTES} bytes at {RSE}, and {BYTES} are needed"),
        (Storage(writable=True, room=BYTES - 1), [], f"account limit set calib --rse {RSE}"),
        (Storage(writable=True, room=0), [], "has room for 0 bytes"),
        (Storage(writable=False, room=None), [], "may not be written at present"),
        (None, [], f"Rucio has no RSE {RSE}"),
    ],
    ids=["unlimited", "one byte more", "all of it", "one byte too little", "none", "shut", "no RSE"],
)
def test_a_rule_is_made_where_there_is_room(storage: Storage | None, steps: list[str], words: str) -> None:
    live = seen(storage=storage)
    assert told(live)[0] is What.MISSING
    assert remedies(live) == steps
    obstacle = KIND.obstacle(DECLARED, live)
    assert words in (obstacle.detail if obstacle else "")
    assert (obstacle is None) == (steps != [])
    if obstacle:
        shut = storage is not None and not storage.writable
        assert (obstacle.is_awaited, obstacle.is_refused) == (shut, not shut), "what is shut opens again"


# --- how an action stands ---

ADD, KEEP, BOOST = action(AddRule), action(KeepRule, rule="r1"), action(BoostRule, rule="r1")
GONE = seen(rule(id="another"), available=NUMBER)


@pytest.mark.parametrize(
    ("done", "live", "standing"),
    [
        (ADD, None, Standing.READY),
        (ADD, seen(), Standing.READY),
        (ADD, seen(rule(expires_at=ENDS), available=NUMBER), Standing.READY),
        (ADD, seen(rule(RuleState.REPLICATING)), Standing.UNDER_WAY),
        (ADD, seen(rule(RuleState.OK), available=NUMBER - 1), Standing.UNDER_WAY),
        (ADD, seen(rule(account="ann"), available=NUMBER), Standing.DONE),
        (ADD, replace(seen(rule(ok=0)), files={}), Standing.UNDER_WAY),
        (KEEP, None, Standing.STALE),
        (KEEP, GONE, Standing.STALE),
        (KEEP, seen(rule(expires_at=ENDS)), Standing.READY),
        (KEEP, seen(rule(RuleState.REPLICATING)), Standing.UNDER_WAY),
        (KEEP, seen(rule(), available=NUMBER), Standing.DONE),
        (BOOST, None, Standing.STALE),
        (BOOST, GONE, Standing.STALE),
        (BOOST, seen(STUCK), Standing.READY),
        (BOOST, seen(RETRIED), Standing.UNDER_WAY),
        (BOOST, seen(rule(RuleState.REPLICATING)), Standing.UNDER_WAY),
        (BOOST, seen(STUCK, available=NUMBER), Standing.DONE),
    ],
)
def test_how_far_the_world_has_come_with_an_action(
    done: AddRule | KeepRule | BoostRule, live: RucioRule | None, standing: Standing
) -> None:
    assert done.standing(live) is standing
