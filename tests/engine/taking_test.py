"""What exposures take, and what they lack, is what lookups for them get."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibstate.constructing.taking import Raws, Searched, narrowed, verifiable, why_not
from calibstate.lookups.resolve import resolve
from calibstate.model.contents import CollectionType, Holding, Row, format_data_id
from calibstate.model.dailyrecords import Against
from calibstate.model.number_ranges import as_ranges
from calibstate.model.timelinecompare import digest_within
from calibstate.model.timelines import fold
from calibstate.model.timespans import UNBOUNDED_END, Range
from calibstate.ports.butler import SeenExposure
from tests.model.timelines_test import DETECTORS, FILTERS, chains

LSSTCAM = "LSSTCam"
TYPES = frozenset({"bias", "flat"})
DIMENSIONS = {
    "bias": frozenset({"instrument", "detector"}),
    "flat": frozenset({"instrument", "detector", "physical_filter"}),
}


def flat_of(
    physical_filter: str, *detectors: int, number: int = 1, span: Range = (12, 14), **more: str
) -> Raws:
    data_id = {"instrument": LSSTCAM, "exposure": str(number), "physical_filter": physical_filter, **more}
    return Raws(SeenExposure(number, 20241201, data_id, *span), detectors)


def leaf(name: str, *rows: tuple[str, int, str, Range]) -> Holding:
    """Return a collection of dataset type, detector, filter and range."""
    listed = []
    for dataset_type, detector, physical_filter, span in rows:
        data_id: dict[str, int | str] = {"instrument": LSSTCAM, "detector": detector}
        if physical_filter:
            data_id["physical_filter"] = physical_filter
        uuid = f"{name} {detector} {physical_filter} {span[0]}"
        listed.append(Row(dataset_type, format_data_id(data_id), uuid, *span))
    return Holding(name, CollectionType.CALIBRATION, tuple(listed))


def searched(*leaves: Holding) -> Searched:
    return Searched([leaf.collection for leaf in leaves], resolve(leaves), DIMENSIONS)


# --- what is taken ---


@given(chains(), st.sampled_from(FILTERS), st.sets(st.sampled_from(DETECTORS), min_size=1), st.booleans())
@settings(max_examples=150, deadline=None)
def test_pages_tell_of_all_that_is_effective_what_the_command_tells_of_what_is_taken(
    leaves: list[Holding], physical_filter: str, detectors: set[int], only_flats: bool
) -> None:
    against = Against(
        types=("flat",) if only_flats else (),
        fingerprint="",
        physical_filter=physical_filter,
        detectors=as_ranges(detectors),
    )
    tickets = {leaf.collection: f"DM-{index // 2 + 9}" for index, leaf in enumerate(leaves[:4])}
    resolved = resolve(leaves)

    by_the_command = digest_within(fold(narrowed(resolved, against), tickets), (0, 60))

    assert by_the_command == digest_within(
        fold(resolved, tickets),
        (0, 60),
        against.types,
        physical_filter=physical_filter,
        detectors=against.detectors,
    )


@given(chains(), st.sampled_from(FILTERS), st.sets(st.sampled_from(DETECTORS), min_size=1))
@settings(max_examples=100, deadline=None)
def test_what_is_taken_is_what_any_lookup_gets_for_filter_and_detectors(
    leaves: list[Holding], physical_filter: str, detectors: set[int]
) -> None:
    resolved = resolve(leaves)
    against = Against(
        types=(), fingerprint="", physical_filter=physical_filter, detectors=as_ranges(detectors)
    )
    taken = narrowed(resolved, against)

    for detector in DETECTORS:
        for dataset_type, filter_ in (("bias", ""), *(("flat", each) for each in FILTERS)):
            data_id: dict[str, int | str] = {"instrument": LSSTCAM, "detector": detector}
            if filter_:
                data_id["physical_filter"] = filter_
            text = format_data_id(data_id)
            is_taken = detector in detectors and filter_ in {"", physical_filter}
            for moment in (0, 15, 25, 49):
                whole = resolved.at(dataset_type, text, moment)
                assert taken.at(dataset_type, text, moment) == (whole if is_taken else None)


def test_of_what_was_kept_without_a_filter_everything_counts() -> None:
    resolved = resolve([leaf("a", ("flat", 0, "g_01", (0, 20)), ("flat", 1, "r_03", (0, 20)))])
    kept = Against.model_validate({"types": ["flat"], "fingerprint": "1234"})

    assert narrowed(resolved, kept) == resolved


# --- what is lacking ---


def test_an_exposure_that_finds_all_it_needs_is_verified_for_every_detector() -> None:
    whole = searched(leaf("a", *(("flat", detector, "g_01", (0, 20)) for detector in range(3))))

    verified = verifiable([flat_of("g_01", 0, 1, 2)], TYPES - {"bias"}, whole)

    assert (verified.exposures, verified.without, verified.lacks) == ((1,), {}, {})


def test_one_that_finds_nothing_for_any_detector_is_left_out_and_no_other() -> None:
    whole = searched(leaf("a", ("flat", 0, "g_01", (0, 20)), ("flat", 1, "g_01", (0, 20))))
    exposures = [flat_of("g_01", 0, 1), flat_of("z_03", 0, 1, number=2), flat_of("z_03", 0, 1, number=3)]

    verified = verifiable(exposures, {"flat"}, whole)

    assert (verified.exposures, verified.without) == ((1,), {})
    (problem,) = why_not(verified, "flat", "LSSTCam/calib")
    assert problem.summary == "Nothing to verify with"
    assert problem.detail.startswith("flat 2, 3, detectors 0..1: no flat of z_03 is effective")


def test_a_detector_that_finds_nothing_is_left_out_by_itself() -> None:
    whole = searched(leaf("a", ("bias", 0, "", (0, 20)), ("bias", 2, "", (0, 12)), ("bias", 3, "", (0, 20))))

    verified = verifiable([flat_of("g_01", 0, 1, 2, 3)], {"bias"}, whole)

    # What ends as an exposure begins is not found for it.
    assert (verified.exposures, verified.without) == ((1,), {1: "1..2"})
    (problem,) = why_not(verified, "bias", "LSSTCam/calib")
    assert "bias 1, detectors 1..2: no bias is effective" in problem.detail


@pytest.mark.parametrize(
    ("leaves", "is_verified"),
    [
        ([leaf("a", ("bias", 0, "", (0, 13)), ("bias", 0, "", (13, 20)))], False),
        ([leaf("a", ("bias", 0, "", (0, 12)), ("bias", 0, "", (12, 20)))], True),
        ([leaf("a", ("bias", 0, "", (0, 14)), ("bias", 0, "", (14, 20)))], True),
        ([leaf("a", ("bias", 0, "", (13, 20)))], True),
        # The first collection that has any decides, whatever lies behind.
        ([leaf("a", ("bias", 0, "", (0, 13))), leaf("b", ("bias", 0, "", (0, 20)))], True),
        (
            [
                leaf("a", ("bias", 0, "", (13, 14))),
                leaf("b", ("bias", 0, "", (0, 13)), ("bias", 0, "", (13, 20))),
            ],
            True,
        ),
        (
            [
                leaf("a", ("bias", 0, "", (20, 30))),
                leaf("b", ("bias", 0, "", (0, 13)), ("bias", 0, "", (13, 20))),
            ],
            False,
        ),
    ],
)
def test_an_exposure_across_two_certifications_of_the_first_collection_is_left_out(
    leaves: list[Holding], is_verified: bool
) -> None:
    verified = verifiable([flat_of("g_01", 0)], {"bias"}, searched(*leaves))

    assert bool(verified.exposures) is is_verified
    titles = [problem.summary for problem in why_not(verified, "bias", "LSSTCam/calib")]
    assert titles == ([] if is_verified else ["Lookup is ambiguous"])


def test_what_the_chain_has_at_no_time_or_nobody_can_look_up_is_left_to_the_middleware() -> None:
    whole = searched(leaf("a", ("flat", 0, "g_01", (0, 20))))
    without_moment = flat_of("z_03", 0, span=(UNBOUNDED_END, 0))
    without_filter = flat_of("z_03", 0)
    data_id = {"instrument": LSSTCAM, "exposure": "1"}
    without_filter = replace(without_filter, exposure=replace(without_filter.exposure, data_id=data_id))

    assert verifiable([flat_of("z_03", 0)], {"camera", "crosstalk"}, whole).exposures == (1,)
    assert verifiable([without_moment], {"flat"}, whole).exposures == (1,)
    assert verifiable([without_filter], {"flat"}, whole).exposures == (1,)
