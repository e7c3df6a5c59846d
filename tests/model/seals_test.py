"""Coverage is written compactly, and says exactly what it was given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibstate.model.bundles import BundledCollection, Manifest
from calibstate.model.contents import CollectionType, Holding, Row
from calibstate.model.fingerprints import ticket_fingerprint
from calibstate.model.seals import SealedFrom, cover, covered, extent, fold, seal_of, unfold
from calibstate.model.timespans import EMPTY, UNBOUNDED, parse_tai

INSTRUMENT = "LATISS"
IN_2024 = (parse_tai("2024-01-01T00:00:00"), parse_tai("2025-01-01T00:00:00.000000001"))

numbers = st.integers(0, 20).map(str)
words = st.sampled_from(
    ["g_01", "SDSSg_65mm~empty", "0..3", "007", "1,2", "null", "true", "a b", "r", "g,r", "a=b,", ","]
)
ranges = st.sampled_from([UNBOUNDED, EMPTY, IN_2024, (IN_2024[0], UNBOUNDED[1]), (0, IN_2024[1])])


def data_id(detector: str | None, physical_filter: str | None, instrument: str | None = INSTRUMENT) -> str:
    named = {"detector": detector, "instrument": instrument, "physical_filter": physical_filter}
    return ",".join(f"{key}={value}" for key, value in named.items() if value is not None)


data_ids = st.builds(data_id, st.none() | numbers, st.none() | words)


@given(rows=st.sets(st.tuples(data_ids, ranges)))
def test_coverage_gives_back_what_it_was_given(rows):
    said = list(cover(rows, INSTRUMENT))

    assert sorted(covered(said, INSTRUMENT)) == sorted(rows)
    assert extent(said) == len(rows)


@given(names=st.sets(data_ids))
def test_folded_data_ids_are_unfolded_again_exactly(names):
    assert sorted(unfold(fold(names, INSTRUMENT), INSTRUMENT)) == sorted(names)


def test_a_camera_of_two_hundred_detectors_in_six_filters_is_one_line():
    rows = [(data_id(str(d), f"{band}_01"), IN_2024) for d in range(189) for band in "ugrizy"]

    assert list(cover(rows, INSTRUMENT)) == [
        {
            "detector": "0..188",
            "physical_filter": ["g_01", "i_01", "r_01", "u_01", "y_01", "z_01"],
            "begin": "2024-01-01T00:00:00",
            "end": "2025-01-01T00:00:00.000000001",
        }
    ]


def test_what_is_left_out_is_not_covered():
    rows = [(data_id(str(d), None), UNBOUNDED) for d in range(10) if d != 4]

    assert list(cover(rows, INSTRUMENT)) == [{"detector": "0..3,5..9", "begin": None, "end": None}]


def test_a_data_id_of_another_instrument_keeps_it():
    row = (data_id("1", None, instrument="LSSTCam"), UNBOUNDED)

    assert list(covered(cover([row], INSTRUMENT), INSTRUMENT)) == [row]


def test_a_data_id_without_an_instrument_gets_none():
    row = ("detector=1", UNBOUNDED)

    assert list(covered(cover([row], INSTRUMENT), INSTRUMENT)) == [row]


@pytest.mark.parametrize(
    "entry",
    [
        {"detector": 1},
        {"detector": 1, "begin": None},
        {"detector": 1, "begin": "2024-01-01", "end": None},
        {"detector": 1, "begin": "2025-01-01T00:00:00", "end": "2024-01-01T00:00:00"},
        {"detector": "0..99999999999", "begin": None, "end": None},
        {"detector": "0..999,0..999", "tract": "0..999", "patch": "0..999", "begin": None, "end": None},
    ],
)
def test_an_entry_that_means_nothing_or_too_much_is_an_error(entry):
    with pytest.raises(ValueError):
        list(covered([entry], INSTRUMENT))
    with pytest.raises(ValueError):
        extent([entry])


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("LATISS/calib/DM-1/bias.a", False),
        ("LATISS/calib/curated", False),
        ("u/somebody/bias", True),
        ("LATISS/calib/DM-1/LATISS/bias", True),
    ],
)
def test_a_collection_of_any_name_is_known_again(name, full):
    holding = Holding(
        name, CollectionType.CALIBRATION, (Row("bias", data_id("1", None), "uuid", *UNBOUNDED),)
    )
    manifest = Manifest(
        instrument=INSTRUMENT,
        ticket="DM-1",
        fingerprint=ticket_fingerprint([(name, holding.fingerprint)]),
        made_at="2025-01-01T00:00:00Z",
        exported_from="usdf/main",
        collections=(
            BundledCollection(name=name, type=holding.type, fingerprint=holding.fingerprint, datasets=1),
        ),
        files=(),
    )
    made = SealedFrom(repository="usdf/main", at="2025-01-01T00:00:00Z")

    seal = seal_of(manifest, {name: holding}, {"uuid": "run"}, made)

    assert seal.full_names is full
    assert seal.problem is None
    assert list(seal.holdings) == [name]
    assert seal.holdings[name].rows[0].uuid == "run"
