"""The page tells how daily verification stands, and shows trends."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from calibstate.demo.construction.amplifiers import table_of
from calibstate.demo.world import AMPLIFIERS
from tests.commands.page_test import POLICY, Pages, jsonschema
from tests.constructing import INSTRUMENT
from tests.nightly import NIGHTS, Nightly, make_nightly
from tests.page.browsing import NARROW, Browsed, launched, served, violations

ROOT = Path(__file__).parents[2]
FIRST, SECOND, *_ = NIGHTS


@pytest.fixture(scope="module")
def verified_once(tmp_path_factory: pytest.TempPathFactory) -> Nightly:
    """Return an observatory with two nights; on the second one failed."""
    pytest.importorskip("lsst.ctrl.mpexec", reason="the extra `construct` is not installed")
    nightly = make_nightly(tmp_path_factory.mktemp("nightly") / "made")
    nightly.declare(verify={"bias": "verifyBias"})
    nightly.origin.drift(SECOND * 100000 + 2)
    assert nightly.verify_quietly(FIRST) == 0
    assert nightly.verify_quietly(SECOND) == 2
    return nightly


@pytest.fixture
def verified(verified_once: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Nightly:
    return verified_once.copied_to(tmp_path / "world", capsys)


def made(nightly: Nightly, code: int | None = 0) -> Pages:
    folder = nightly.construction.tree.folder / "pages"
    ran = nightly.construction.run("page", "-o", str(folder), "--live")
    assert code is None or ran.code == code, ran.out + ran.err
    return Pages(folder)


def check(document: Any, schema: str) -> None:
    jsonschema.validate(document, json.loads((ROOT / "schemas" / schema).read_text()))


def test_the_page_tells_alarms_tests_and_nights(verified: Nightly) -> None:
    pages = made(verified)

    told = {}
    for family in text_string_to_metric_families((pages.folder / "metrics.prom").read_text()):
        for sample in family.samples:
            if sample.name.startswith("calibstate_daily"):
                assert sample.labels == {"instrument": INSTRUMENT}
                told[sample.name.removeprefix("calibstate_daily_")] = sample.value
    night = datetime.fromtimestamp(told.pop("night_timestamp_seconds"), UTC)
    assert f"{night:%Y%m%dT%H}" == f"{SECOND}T12"
    assert told == {"alarms": 1, "exposures": 2, "failures": 1}

    data = pages.data(f"{INSTRUMENT}/daily")
    check(data, "page-daily.json")
    assert [(alarm["test"], alarm["detector"], alarm["nights"]) for alarm in data["alarms"]] == [
        ("MEAN", "R22_S01", [SECOND])
    ]
    assert data["nights"] == [
        {"night": SECOND, "exposures": 2, "failed": 1, "stale": 0},
        {"night": FIRST, "exposures": 2, "failed": 0, "stale": 0},
    ]
    assert [(test["test"], test["failed"]) for test in data["tests"]] == [
        ("MEAN", ["R22_S01"]),
        ("NOISE", []),
    ]
    text = pages.html(f"{INSTRUMENT}/daily").text
    assert f"On {SECOND} 1 alarm:" in text
    assert "bias MEAN of R22_S01 failed on 1 night" in text


@pytest.mark.parametrize(
    ("dataset_type", "since", "stale"),
    [
        ("bias", None, {FIRST: 2, SECOND: 2}),
        # Of the noon at which the second night begins.
        ("bias", SECOND, {FIRST: 0, SECOND: 2}),
        ("bias", SECOND + 1, {FIRST: 0, SECOND: 0}),
        # No pipeline for biases takes it.
        ("dark", None, {FIRST: 0, SECOND: 0}),
    ],
)
def test_the_page_tells_what_was_verified_with_what_wins_no_more(
    verified: Nightly, dataset_type: str, since: int | None, stale: dict[int, int]
) -> None:
    noon = f"{date.fromisoformat(str(since))}T12:00:00" if since else None
    tables = [table_of([level] * len(AMPLIFIERS)) for level in (100.5, 101.5)]
    name = f"{INSTRUMENT}/calib/DM-2/{dataset_type}.20250101a"
    verified.origin.certify_tables(dataset_type, name, tables, since=noon)

    pages = made(verified, code=None)

    nights = pages.data(f"{INSTRUMENT}/daily")["nights"]
    assert {night["night"]: night["stale"] for night in nights} == stale


def test_where_nobody_looked_nobody_knows_what_is_stale(verified: Nightly) -> None:
    folder = verified.construction.tree.folder / "pages"
    verified.construction.run("page", "-o", str(folder))

    nights = Pages(folder).data(f"{INSTRUMENT}/daily")["nights"]

    assert [night["stale"] for night in nights] == [None, None]
    assert "not known" in Pages(folder).html(f"{INSTRUMENT}/daily").text


def test_a_trend_has_a_picture_for_each_detector(verified: Nightly) -> None:
    pages = made(verified)

    data = pages.data(f"{INSTRUMENT}/daily/bias-MEAN")
    check(data, "page-trend.json")
    sound, drifting = data["detectors"]
    assert data["nights"] == [FIRST, SECOND]
    assert (sound["at"], sound["failed"]) == ([0, 1], [])
    assert (drifting["at"], drifting["failed"]) == ([0, 1], [1])
    assert drifting["most"][1] > 15 > drifting["most"][0]
    html = pages.html(f"{INSTRUMENT}/daily/bias-MEAN")
    labels = [label for label in html.values("aria-label") if label.startswith("R22")]
    assert len(labels) == 2
    # What failed stands first.
    assert labels[0].endswith(f"; failed on {SECOND}")
    assert labels[1].endswith("; never failed")


def test_its_pages_keep_the_policy_and_link_only_what_is_there(verified: Nightly) -> None:
    pages = made(verified)

    for address in (f"{INSTRUMENT}/daily", f"{INSTRUMENT}/daily/bias-MEAN"):
        html = pages.html(address)
        assert POLICY in html.values("content")
        assert html.values("style") == []
        for link in html.values("href"):
            if not link.startswith(("#", "http")):
                assert (pages.folder / address / link).resolve().exists(), link


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_reading_it(verified: Nightly, scheme: Any) -> None:
    pages = made(verified)
    with launched() as browser, served(pages.folder) as http:
        site = Browsed(browser, pages.folder, http)
        for address in (f"{INSTRUMENT}/daily/", f"{INSTRUMENT}/daily/bias-MEAN/"):
            with site.look(address, color_scheme=scheme, bypass_csp=True) as looked:
                assert violations(looked, scheme) == [], address
            with site.look(address, on_disk=True, width=NARROW) as looked:
                assert not looked.is_cut_off, address
            assert looked.complaints == []


def test_a_record_that_cannot_be_read_spoils_no_other_page(verified: Nightly) -> None:
    verified.record_file(FIRST).write_text("{")

    pages = made(verified, code=1)

    assert not (pages.folder / INSTRUMENT / "daily").exists()
    assert f"the daily verification of {INSTRUMENT}" in pages.html("").text


def test_without_a_verification_there_is_no_page(verified: Nightly) -> None:
    for night in (FIRST, SECOND):
        verified.record_file(night).unlink()

    pages = made(verified)

    assert not (pages.folder / INSTRUMENT / "daily").exists()
    assert "Each day" not in pages.html("").text
