"""Certified from a RUN by its name and whole, or not at all.

Each row in which the stock command misleads is shown once with it, and once
with ours.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calibstate.model.outcomes import Outcome
from calibstate.work.certify import certify
from calibstate.work.session import Session
from tests import world
from tests.commands import stock
from tests.commands.generations import (
    BIAS,
    DARK,
    FOLDER,
    SECOND,
    START,
    TICKET,
    add_generation,
    construction,
    declare,
    made,
)
from tests.commands.sites import ORIGIN, TOP, Sites

CHAIN = f"{TOP}/{TICKET}"
GENERATION = f"{FOLDER}/biasGen.20250207a"


def certified(sites: Sites, collection: str = BIAS) -> list[tuple[str, ...]]:
    """Return data ID, UUID and range of what a collection certifies."""
    return [row[2:] for row in sites.certifications(ORIGIN) if row[0] == collection]


def of_run(sites: Sites, run: str, dataset_type: str = "bias") -> set[str]:
    refs = sites.seen(ORIGIN).query_datasets(dataset_type, collections=run)
    return {str(ref.id) for ref in refs}


def test_what_is_whole_is_certified_and_searched_and_twice_does_nothing(origin: Sites) -> None:
    declare(origin, "bias", "dark", certify={"begin": "2024-12-01T00:00:00"})
    run = made(origin)
    with origin.butler(ORIGIN) as butler:
        add_generation(butler, f"{FOLDER}/darkGen.20250207a", "dark")

    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 0, ran.out + ran.err
    assert {row[1] for row in certified(origin)} == of_run(origin, run)
    assert {row[2] for row in certified(origin)} == {"[2024-12-01T00:00:00, ∞)"}
    assert origin.chain(ORIGIN, CHAIN) == (DARK, BIAS), "the newest first"

    before = origin.snapshot("repo")
    again = origin.run("certify", TICKET, "--yes")
    assert again.code == 0, again.out + again.err
    assert origin.snapshot("repo") == before


def test_a_product_that_was_made_in_part_is_not_certified(origin: Sites) -> None:
    declare(origin, "bias", "dark")
    made(origin)
    made(origin, biases=[0], run=SECOND)
    with origin.butler(ORIGIN) as butler:
        add_generation(butler, f"{FOLDER}/darkGen.20250207a", "dark")

    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 1, ran.out + ran.err
    assert f"1 of 4 bias in {GENERATION}/{SECOND}; missing detector=1,instrument=LSSTComCam" in ran.out
    assert not origin.has(ORIGIN, BIAS)
    assert origin.chain(ORIGIN, CHAIN) == (DARK,), "what is whole goes on"

    stock.certify_calibrations(origin.path(ORIGIN), GENERATION, BIAS, "bias")
    assert len(certified(origin)) == 1, "the stock command takes the first child for all"
    told = origin.run("certify", TICKET, "--yes")
    assert told.code == 3, told.out + told.err
    assert "1 of 4 bias" in told.out
    assert len(certified(origin)) == 1


def test_a_detector_that_may_be_missing_is_named_with_a_reason(origin: Sites) -> None:
    made(origin, biases=[0, 1])
    declare(origin, "bias", certify={"but_for": {"2": "its cable is loose"}})
    assert origin.run("certify", TICKET, "--yes").code == 1
    declare(origin, "bias", certify={"but_for": {"2": "its cable is loose", "R00_S10": "so is that"}})
    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 0, ran.out + ran.err
    assert len(certified(origin)) == 2


def test_the_datasets_of_an_older_ticket_are_never_certified_anew(origin: Sites) -> None:
    declare(origin, "bias")
    made(origin, biases=[0])
    stock.certify_calibrations(
        origin.path(ORIGIN), GENERATION, f"{FOLDER}/stock", "bias", search_all_inputs=True
    )
    older = {row[1] for row in certified(origin, f"{START}/bias.20240101a")}
    assert older & {row[1] for row in certified(origin, f"{FOLDER}/stock")}, "the stock command takes them"

    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 1, ran.out + ran.err
    assert not origin.has(ORIGIN, BIAS)


def test_a_second_run_in_front_of_a_certified_one_changes_nothing_by_itself(origin: Sites) -> None:
    declare(origin, "bias")
    first = made(origin)
    assert origin.run("certify", TICKET, "--yes").code == 0
    second = made(origin, run=SECOND)

    stock.certify_calibrations(origin.path(ORIGIN), GENERATION, f"{FOLDER}/stock", "bias")
    assert {row[1] for row in certified(origin, f"{FOLDER}/stock")} == of_run(origin, second)

    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 3, ran.out + ran.err
    assert "--allow recertify --because REASON" in ran.out + ran.err
    assert f"4 bias for […, …), of {first}" in ran.out, "whose datasets they are is told"
    assert {row[1] for row in certified(origin)} == of_run(origin, first)

    reason = ("--allow", "recertify", "--because", "the first RUN had the old defects")
    passed = origin.run("certify", TICKET, "--yes", *reason)
    assert passed.code == 0, passed.out + passed.err
    assert {row[1] for row in certified(origin)} == of_run(origin, second)


def test_a_newer_run_that_is_not_whole_takes_nothing_from_a_certified_one(origin: Sites) -> None:
    declare(origin, "bias")
    first = made(origin)
    assert origin.run("certify", TICKET, "--yes").code == 0
    made(origin, biases=[0], run=SECOND)
    reason = ("--allow", "recertify", "--because", "no reason is enough")
    ran = origin.run("certify", TICKET, "--yes", *reason)
    assert ran.code == 3, ran.out + ran.err
    assert {row[1] for row in certified(origin)} == of_run(origin, first)


def test_a_range_that_ends_before_it_begins_is_refused_when_the_file_is_read(origin: Sites) -> None:
    made(origin)
    begin, end = "2025-01-01T00:00:00", "2024-01-01T00:00:00"
    stock.certify_calibrations(
        origin.path(ORIGIN), GENERATION, f"{FOLDER}/stock", "bias", begin=begin, end=end
    )
    assert {row[2] for row in certified(origin, f"{FOLDER}/stock")} == {"(empty)"}

    declare(origin, "bias", certify={"begin": begin, "end": end})
    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 1, ran.out + ran.err
    assert "error: Validity range ends before it begins" in ran.err
    assert f"{TICKET}.yaml:" in ran.err
    assert not origin.has(ORIGIN, BIAS)


def test_the_epoch_is_told_to_be_unbounded(origin: Sites) -> None:
    made(origin)
    declare(origin, "bias", certify={"begin": "1970-01-01T00:00:00"})
    told = origin.run("validate")
    assert told.code == 0, told.out + told.err
    assert "note: Begin at the epoch" in told.out + told.err
    assert origin.run("certify", TICKET, "--yes").code == 0
    assert {row[2] for row in certified(origin)} == {"(-∞, ∞)"}
    declare(origin, "bias", certify={"begin": None})
    assert origin.run("certify", TICKET, "--yes").code == 0, "it is the same"


def test_other_dates_before_the_ticket_has_left_its_origin_are_certified_in_place_of_the_first(
    origin: Sites,
) -> None:
    declare(origin, "bias", certify={"begin": "2024-12-01T00:00:00"})
    made(origin)
    assert origin.run("certify", TICKET, "--yes").code == 0
    rows = certified(origin)
    declare(origin, "bias", certify={"begin": "2024-12-08T00:00:00"})
    refused = origin.run("certify", TICKET, "--yes")
    assert refused.code == 3, refused.out + refused.err
    assert "4 bias for [2024-12-01T00:00:00, …)" in refused.out + refused.err
    assert certified(origin) == rows

    reason = ("--allow", "recertify", "--because", "the first dates were a slip")
    passed = origin.run("certify", TICKET, "--yes", *reason)
    assert passed.code == 0, passed.out + passed.err
    assert [row[:2] for row in certified(origin)] == [row[:2] for row in rows]
    assert {row[2] for row in certified(origin)} == {"[2024-12-08T00:00:00, ∞)"}


def test_rows_that_somebody_cut_in_two_are_told_and_mended_under_a_guard(origin: Sites) -> None:
    declare(origin, "bias", certify={"begin": "2024-01-01T00:00:00"})
    made(origin)
    assert origin.run("certify", TICKET, "--yes").code == 0
    rows = certified(origin)
    with origin.butler(ORIGIN) as butler:
        # The API takes out a time, of whatever it meets.
        butler.registry.decertify(BIAS, "bias", world.timespan(world.IN_2025))
    assert len(certified(origin)) == 2 * len(rows)

    assert origin.run("certify", TICKET, "--yes").code == 3
    reason = ("--allow", "recertify", "--because", "somebody decertified 2025 by a slip")
    passed = origin.run("certify", TICKET, "--yes", *reason)
    assert passed.code == 0, passed.out + passed.err
    assert certified(origin) == rows


def test_what_has_left_its_origin_is_never_certified_anew(origin: Sites) -> None:
    declare(origin, "bias", status="adopted", collections=["DP1/bias.20250207a"])
    origin.tree.chain([TICKET, "DM-1"])
    made(origin)
    applied = origin.apply()
    assert applied.code == 0, applied.out + applied.err
    rows = certified(origin)
    assert len(rows) == 4
    assert origin.run("certify", TICKET, "--yes").code == 0

    dates = {"begin": "2024-12-08T00:00:00"}
    declare(origin, "bias", status="adopted", collections=["DP1/bias.20250207a"], certify=dates)
    reason = ("--allow", "recertify", "--because", "no reason is enough")
    ran = origin.run("certify", TICKET, "--yes", *reason)
    assert ran.code == 3, ran.out + ran.err
    assert "is in the archive" in ran.out
    assert f"datasets_of: {BIAS}" in ran.out
    assert certified(origin) == rows
    assert origin.run("plan").code == 0, "what is deployed costs no look"


def test_a_name_that_another_collection_has_is_refused(origin: Sites) -> None:
    declare(origin, "bias")
    made(origin)
    with origin.butler(ORIGIN) as butler:
        butler.collections.register(BIAS)
    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 3, ran.out + ran.err
    assert f"{BIAS} is a RUN collection" in ran.out


def test_what_is_not_made_yet_is_waited_for(origin: Sites) -> None:
    declare(origin, "bias", "dark")
    made(origin)
    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 4, ran.out + ran.err
    assert "0 of 4 dark; nothing is there yet" in ran.out
    assert origin.chain(ORIGIN, CHAIN) == (BIAS,)


def test_a_ticket_that_certifies_nothing_is_a_mistake(origin: Sites) -> None:
    ran = origin.run("certify", "DM-1", "--yes")
    assert ran.code == 64
    assert "Nothing to certify" in ran.err


def test_construct_certifies_nothing_otherwise_without_a_reason(origin: Sites) -> None:
    declare(origin, "bias")
    first = made(origin)
    run = ("construct", TICKET, "--run", "--until", "chain bias")
    done = origin.run(*run)
    assert done.code in {0, 2}, done.out + done.err
    assert {row[1] for row in certified(origin)} == of_run(origin, first)
    assert origin.chain(ORIGIN, CHAIN) == (BIAS,)

    second = made(origin, run=SECOND)
    refused = origin.run(*run)
    assert refused.code == 3, refused.out + refused.err
    assert "--allow recertify --because REASON" in refused.out + refused.err
    assert {row[1] for row in certified(origin)} == of_run(origin, first)
    passed = origin.run(*run, "--allow", "recertify", "--because", "the first RUN had the old defects")
    assert passed.code in {0, 2}, passed.out + passed.err
    assert {row[1] for row in certified(origin)} == of_run(origin, second)


def test_what_is_sealed_is_never_certified_anew(origin: Sites) -> None:
    declare(origin, "bias", collections=["DP1/bias.20250207a"])
    first = made(origin)
    assert origin.run("certify", TICKET, "--yes").code == 0
    sealed = origin.run("seal", TICKET)
    assert sealed.code == 0, sealed.out + sealed.err
    made(origin, run=SECOND)
    reason = ("--allow", "recertify", "--because", "no reason is enough")
    for command in (("certify", TICKET, "--yes"), ("construct", TICKET, "--run")):
        ran = origin.run(*command, *reason)
        assert ran.code == 3, ran.out + ran.err
        assert "is sealed" in " ".join((ran.out + ran.err).split())
    assert {row[1] for row in certified(origin)} == of_run(origin, first)


def test_a_program_certifies_without_being_asked(origin: Sites) -> None:
    declare(origin, "bias")
    made(origin)
    session = Session(origin.tree.state)
    outcomes: list[Outcome] = []
    result = certify(session, TICKET, outcomes.append)
    assert result.exit_code == 0
    assert [(outcome.do, outcome.result.value) for outcome in outcomes if outcome.result.value == "done"] == [
        ("certify", "done"),
        ("prepend-to-chain", "done"),
    ]
    assert len(certified(origin)) == 4


def test_who_is_told_of_an_origin_by_others_knows_all_but_what_was_made(
    origin: Sites, tmp_path: Path
) -> None:
    declare(origin, "bias", status="adopted", collections=["DP1/bias.20250207a"])
    origin.tree.chain([TICKET, "DM-1"])
    made(origin)
    file = str(tmp_path / "observed.json")
    assert origin.run("observe", "--output", file).code == 0
    origin.path(ORIGIN).rename(tmp_path / "away")
    ran = origin.run("drift", "--observed", file)
    assert "what was made is not known" in ran.out, ran.out + ran.err
    assert "unreachable" not in ran.out
    assert ran.code == 2
    told = origin.run("plan", "--observed", file)
    assert "certify" not in told.out, "nothing is certified unseen"


def test_a_ticket_on_hold_is_certified_for_a_reason_alone(origin: Sites) -> None:
    made(origin)
    origin.tree.ticket(TICKET, status="proposed", construction=construction("bias"), hold="until Ann is back")
    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 4, ran.out + ran.err
    assert "until Ann is back" in ran.out + ran.err
    assert not origin.has(ORIGIN, BIAS)
    passed = origin.run("certify", TICKET, "--yes", "--allow", "hold", "--because", "Ann says so")
    assert passed.code == 0, passed.out + passed.err
    assert len(certified(origin)) == 4


@pytest.mark.parametrize("begin", [20250207, "2025-02-07T00:00:00Z"])
def test_a_date_that_is_none_is_a_mistake_with_its_line(origin: Sites, begin: object) -> None:
    made(origin)
    declare(origin, "bias", certify={"begin": begin})
    ran = origin.run("certify", TICKET, "--yes")
    assert ran.code == 1, ran.out + ran.err
    assert re.search(rf"{TICKET}.yaml:\d+:\d+", ran.err)
    assert not origin.has(ORIGIN, BIAS)
