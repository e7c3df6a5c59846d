"""Each day's exposures are verified once, and what failed is told in time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.adapters.construction import runner
from calibstate.demo.construction.amplifiers import table_of
from calibstate.demo.construction.world import Exposure
from calibstate.demo.world import AMPLIFIERS
from tests.constructing import INSTRUMENT
from tests.nightly import CHAIN, NIGHTS, Nightly, make_nightly
from tests.services.sasquatch import TOKEN, SasquatchProxy, sasquatch_proxy
from tests.services.webhook import SECRET, Receiver
from tests.tree import Ran

pytest.importorskip("lsst.ctrl.mpexec", reason="the extra `construct` is not installed")

FIRST, SECOND, THIRD, FOURTH = NIGHTS


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Nightly:
    return make_nightly(tmp_path_factory.mktemp("nightly") / "made")


@pytest.fixture(scope="module")
def verified_once(made_once: Nightly, tmp_path_factory: pytest.TempPathFactory) -> Nightly:
    """Return an observatory whose first night was verified."""
    nightly = made_once.copied_to(tmp_path_factory.mktemp("nightly") / "verified")
    assert nightly.verify_quietly(FIRST) == 0
    return nightly


@pytest.fixture
def nightly(made_once: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Nightly:
    return made_once.copied_to(tmp_path / "world", capsys)


@pytest.fixture
def verified(verified_once: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Nightly:
    return verified_once.copied_to(tmp_path / "world", capsys)


def verdicts(ran: Ran) -> dict[int, str]:
    return {exposure["exposure"] % 100000: exposure["verdict"] for exposure in ran.json["exposures"]}


class Killed(BaseException):
    """Nobody catches it, as nobody catches a signal that kills."""


def killed(*arguments: object) -> None:
    raise Killed


# --- once ---


def test_what_has_no_result_is_told_and_nothing_is_written(nightly: Nightly) -> None:
    ran = nightly.daily(FIRST)

    assert ran.code == 4
    assert verdicts(ran) == {1: "no result", 2: "no result", 3: "no result"}
    assert nightly.origin.runs() == []
    assert not nightly.record_file(FIRST).exists()


def test_a_day_is_verified_once(nightly: Nightly) -> None:
    first = nightly.daily(FIRST, "--run")
    kept = nightly.record_file(FIRST).read_bytes()
    runs = nightly.origin.runs()

    second = nightly.daily(FIRST, "--run")

    assert (first.code, second.code) == (0, 0)
    assert verdicts(first) == verdicts(second) == {1: "passed", 2: "passed", 3: "passed"}
    assert [exposure["new"] for exposure in first.json["exposures"]] == [True] * 3
    assert [exposure["new"] for exposure in second.json["exposures"]] == [False] * 3
    assert nightly.origin.runs() == runs
    assert nightly.record_file(FIRST).read_bytes() == kept
    assert nightly.origin.outputs() == [f"verifyBias.{FIRST}a", f"verifyDark.{FIRST}a"]


def test_an_exposure_that_comes_later_is_verified_alone(verified: Nightly) -> None:
    verified.origin.add([Exposure(FIRST, 4, "bias")])

    ran = verified.daily(FIRST, "--run")

    assert [e["exposure"] % 100000 for e in ran.json["exposures"] if e["new"]] == [4]
    # The same letter, since the chain is as it was.
    assert verified.origin.outputs() == [f"verifyBias.{FIRST}a", f"verifyDark.{FIRST}a"]
    assert verified.origin.data_ids("verifyBiasExpStats", verified.origin.runs()[1]) == [FIRST * 100000 + 4]


def test_an_exposure_whose_raws_came_late_is_verified_once_more(verified: Nightly) -> None:
    verified.origin.add_raw(FIRST * 100000 + 1, 2)

    shown = verified.daily(FIRST)
    ran = verified.daily(FIRST, "--run")
    again = verified.daily(FIRST, "--run")

    assert (shown.code, verdicts(shown)) == (4, {1: "no result", 2: "passed", 3: "passed"})
    assert [exposure["new"] for exposure in ran.json["exposures"]] == [True, False, False]
    assert len(ran.json["exposures"][0]["detectors"]) == 3
    assert (ran.code, again.code) == (0, 0)
    assert [exposure["new"] for exposure in again.json["exposures"]] == [False] * 3


def test_what_is_wrong_with_a_raw_that_came_late_is_seen(nightly: Nightly) -> None:
    """Also where all exposures of a sort have got more of them."""
    nightly.daily(FIRST, "--run")
    for number in (1, 2, 3):
        nightly.origin.add_raw(FIRST * 100000 + number, 2)
    nightly.origin.drift(FIRST * 100000 + 1, 2)
    nightly.origin.drift(FIRST * 100000 + 3, 2)

    ran = nightly.daily(FIRST, "--run")

    assert (ran.code, verdicts(ran)) == (2, {1: "failed", 2: "passed", 3: "failed"})
    assert [exposure["new"] for exposure in ran.json["exposures"]] == [True] * 3
    assert {len(exposure["detectors"]) for exposure in ran.json["exposures"]} == {3}
    assert verdicts(nightly.daily(FIRST, "--run")) == verdicts(ran)


@pytest.mark.parametrize("is_killed", [False, True], ids=["a raw cannot be read", "it is killed"])
def test_what_could_not_be_verified_once_more_is_told_and_tried_by_the_next_run(
    nightly: Nightly, is_killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly.daily(FIRST, "--run")
    nightly.origin.add_raw(FIRST * 100000 + 1, 2)
    nightly.origin.drift(FIRST * 100000 + 1, 2)
    if is_killed:
        with monkeypatch.context() as patch:
            patch.setattr(runner._Runner, "submit", killed)
            with pytest.raises(Killed):
                nightly.verify_quietly(FIRST)
        assert verdicts(nightly.daily(FIRST))[1] == "no result"
    else:
        monkeypatch.setenv("CALIBSTATE_STANDIN_FAIL", "verifyBiasIsr:exposure=2024120100001,detector=2")
        failed = nightly.daily(FIRST, "--run")
        monkeypatch.delenv("CALIBSTATE_STANDIN_FAIL")
        assert (failed.code, verdicts(failed)[1]) == (1, "no result")
        assert "verifyBiasIsr is made to fail" in failed.json["problems"][0]["detail"]

    ran = nightly.daily(FIRST, "--run")

    assert (ran.code, verdicts(ran)) == (2, {1: "failed", 2: "passed", 3: "passed"})


def test_each_verdict_has_what_it_was_verified_against(verified: Nightly) -> None:
    ran = verified.daily(FIRST)

    assert ran.code == 0
    for exposure in ran.json["exposures"]:
        assert exposure["against"] == exposure["effective"] != ""
        assert exposure["run"] in verified.origin.runs()
        assert [detector["detector"] for detector in exposure["detectors"]] == ["R22_S00", "R22_S01"]


# --- the chain moves ---


def test_the_letter_moves_when_the_chain_has_moved(verified: Nightly) -> None:
    verified.origin.move_chain(f"{INSTRUMENT}/calib/DM-2/more")
    verified.origin.add([Exposure(FIRST, 4, "bias")])

    ran = verified.daily(FIRST, "--run")

    assert ran.code == 0
    # What is searched more holds nothing, so all is verified as it would be.
    assert verdicts(ran) == dict.fromkeys((1, 2, 3, 4), "passed")
    assert verified.origin.outputs() == [
        f"verifyBias.{FIRST}a",
        f"verifyBias.{FIRST}b",
        f"verifyDark.{FIRST}a",
    ]
    assert verified.daily(FIRST, "--run").json["exposures"][0]["new"] is False


def test_a_verdict_is_stale_when_something_else_is_effective(verified: Nightly) -> None:
    verified.origin.certify("bias", f"{INSTRUMENT}/calib/DM-2/bias.20241201a", [100.5, 101.5])

    stale = verified.daily(FIRST, "--run")
    again = verified.daily(FIRST, "--run", "--again")

    # Darks are corrected for bias, too.
    assert (stale.code, verdicts(stale)) == (0, dict.fromkeys((1, 2, 3), "stale"))
    assert all(e["against"] != e["effective"] for e in stale.json["exposures"])
    assert (again.code, verdicts(again)) == (0, dict.fromkeys((1, 2, 3), "passed"))
    assert verified.origin.outputs() == [
        f"verify{kind}.{FIRST}{letter}" for kind in ("Bias", "Dark") for letter in "ab"
    ]


def test_a_verdict_is_not_stale_for_what_its_pipeline_does_not_take(verified: Nightly) -> None:
    verified.origin.certify("dark", f"{INSTRUMENT}/calib/DM-2/dark.20241201a", [10.5, 10.5])

    assert verdicts(verified.daily(FIRST)) == {1: "passed", 2: "passed", 3: "stale"}


def test_a_verdict_is_not_stale_for_what_is_valid_at_another_time(verified: Nightly) -> None:
    tables = [table_of([level] * len(AMPLIFIERS)) for level in (100.5, 101.5)]
    name = f"{INSTRUMENT}/calib/DM-2/bias.20250101a"

    verified.origin.certify_tables("bias", name, tables, since="2024-12-02T12:00:00")

    assert set(verdicts(verified.daily(FIRST)).values()) == {"passed"}


def test_a_recertified_bias_makes_stale_without_a_new_letter(verified: Nightly) -> None:
    verified.origin.decertify("bias")

    assert verdicts(verified.daily(FIRST)) == dict.fromkeys((1, 2, 3), "stale")


def test_what_is_stale_is_verified_again_where_the_chain_has_not_moved(nightly: Nightly) -> None:
    nightly.daily(FIRST, "--run")
    runs = nightly.origin.runs()
    nightly.origin.recertify("bias", [105.0, 106.0])
    assert verdicts(nightly.daily(FIRST)) == dict.fromkeys((1, 2, 3), "stale")

    ran = nightly.daily(FIRST, "--run", "--again")

    # The biases are far off those that are effective now.
    assert (ran.code, verdicts(ran)) == (2, dict.fromkeys((1, 2, 3), "failed"))
    assert len(nightly.origin.runs()) == len(runs) + 2
    assert nightly.daily(FIRST, "--run", "--again").json["exposures"][0]["new"] is False


def test_what_is_stale_after_a_rollback_is_verified_again(nightly: Nightly) -> None:
    nightly.daily(FIRST, "--run")
    with nightly.origin.butler() as butler:
        before = butler.collections.get_info(CHAIN).children
    nightly.origin.certify("bias", f"{INSTRUMENT}/calib/DM-2/bias.20241201a", [100.5, 101.5])
    nightly.daily(FIRST, "--run", "--again")
    nightly.origin.make_chain(before)
    assert verdicts(nightly.daily(FIRST)) == dict.fromkeys((1, 2, 3), "stale")

    ran = nightly.daily(FIRST, "--run", "--again")

    assert (ran.code, verdicts(ran)) == (0, dict.fromkeys((1, 2, 3), "passed"))
    attempts = len(nightly.record(FIRST)["attempts"])
    assert nightly.daily(FIRST, "--run", "--again").code == 0
    assert len(nightly.record(FIRST)["attempts"]) == attempts


# --- what is kept ---


def test_what_is_kept_outlives_the_outputs_of_that_day(verified: Nightly, proxy: SasquatchProxy) -> None:
    send_to(verified, proxy)
    with verified.origin.butler(writeable=True) as butler:
        butler.removeRuns(verified.origin.runs(), unlink_from_chains=True)

    ran = verified.daily(FIRST, "--send")

    # The repository has nothing to tell, and still it is known what was.
    assert verdicts(ran) == dict.fromkeys((1, 2, 3), "no result")
    assert ran.json["sending"]["sent"] == 9
    assert len(verified.record(FIRST)["results"]) == 3


def test_a_sort_that_is_verified_no_more_alarms_no_more_and_is_not_forgotten(nightly: Nightly) -> None:
    for night in (FIRST, SECOND):
        nightly.origin.drift(night * 100000 + 3)
    nightly.declare(alarms={"MEAN": 2})
    nightly.daily(FIRST, "--run")
    nightly.declare(verify={"bias": "verifyBias"}, alarms={"MEAN": 1})

    without = nightly.daily(FIRST, "--run")
    nightly.declare(alarms={"MEAN": 2})
    again = nightly.daily(SECOND, "--run")

    assert (without.code, without.json["alarms"]) == (0, [])
    assert [alarm["nights"] for alarm in again.json["alarms"]] == [[FIRST, SECOND]]


def test_the_record_names_the_chain_that_is_declared_now(verified: Nightly) -> None:
    tree = verified.construction.tree.state
    chain = tree / f"chains/{INSTRUMENT}.yaml"
    (tree / "chains/next.yaml").write_text(
        chain.read_text().replace(f"chain: {CHAIN}\n", f"chain: {CHAIN}/next\n")
    )
    with verified.construction.butler(writeable=True) as butler:
        butler.collections.register(f"{CHAIN}/next", CollectionType.CHAINED)
        butler.collections.redefine_chain(f"{CHAIN}/next", butler.collections.get_info(CHAIN).children)
    verified.declare(chain=f"{CHAIN}/next")

    verified.daily(FIRST, "--run")

    assert verified.record(FIRST)["chain"] == f"{CHAIN}/next"


# --- alarms ---


def test_a_detector_that_drifts_alarms_on_the_night_that_was_declared(nightly: Nightly) -> None:
    nightly.declare(alarms={"MEAN": 3})
    for night in (SECOND, THIRD, FOURTH):
        nightly.origin.drift(night * 100000 + 2)

    ran = {night: nightly.daily(night, "--run") for night in NIGHTS}

    assert {night: of_night.code for night, of_night in ran.items()} == {
        FIRST: 0,
        SECOND: 0,
        THIRD: 0,
        FOURTH: 2,
    }
    assert verdicts(ran[SECOND]) == {1: "passed", 2: "failed", 3: "passed"}
    (detector,) = [d for d in ran[SECOND].json["exposures"][1]["detectors"] if d["verdict"] == "failed"]
    assert detector == {"detector": "R22_S01", "verdict": "failed", "failed": {"MEAN": ["C07"]}}
    assert ran[FOURTH].json["alarms"] == [
        {
            "exposure_kind": "bias",
            "physical_filter": None,
            "test": "MEAN",
            "detector": "R22_S01",
            "nights": [SECOND, THIRD, FOURTH],
        }
    ]


def test_people_are_told_of_an_alarm_once_and_not_while_it_goes_on(
    nightly: Nightly, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    nightly.declare(alarms={"MEAN": 2})
    for night in (SECOND, THIRD, FOURTH):
        nightly.origin.drift(night * 100000 + 2)
    nightly.daily(SECOND, "--run")
    assert receiver.taken == []

    # Nobody takes it at first.
    receiver.answers = [503, 503, 503]
    assert nightly.daily(THIRD, "--run").code == 1
    assert receiver.taken == []
    assert nightly.daily(THIRD, "--run").code == 2
    assert nightly.daily(THIRD, "--run").code == 2
    assert nightly.daily(FOURTH, "--run").code == 2

    (told,) = receiver.taken
    assert (told["word"], told["reason"]) == ("stalled", "DailyAlarm")
    assert "bias MEAN R22_S01" in told["message"]
    assert told["commands"] == [f"calibstate daily {INSTRUMENT} --day {THIRD}"]


def test_an_alarm_that_goes_on_is_no_news_behind_a_night_without_such_exposures(
    nightly: Nightly, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("CALIBSTATE_NOTIFY_SECRET", SECRET)
    for night in (FIRST, THIRD):
        nightly.origin.drift(night * 100000 + 2)
    nightly.daily(FIRST, "--run")
    nightly.declare(verify={"dark": "verifyDark"}, alarms={"MEAN": 1})
    nightly.daily(SECOND, "--run")
    nightly.declare()

    alarmed = nightly.daily(THIRD, "--run")

    assert (alarmed.code, len(alarmed.json["alarms"])) == (2, 1)
    assert len(receiver.taken) == 1


def test_an_alarm_is_told_in_text_and_markdown(nightly: Nightly) -> None:
    nightly.origin.drift(FIRST * 100000 + 1)

    assert nightly.daily(FIRST, "--run").code == 2

    text = nightly.text(FIRST)
    markdown = nightly.text(FIRST, "--format", "markdown")
    assert (text.code, markdown.code) == (2, 2)
    assert "R22_S01 MEAN C07" in text.out
    assert "ALARM  bias MEAN of R22_S01 failed on 1 night" in text.out
    assert "3 exposures: 1 failed, 2 passed." in text.out
    assert "* **Alarm**: bias MEAN of R22\\_S01 failed on 1 night" in markdown.out


def test_a_test_that_is_not_declared_to_alarm_is_only_told(nightly: Nightly) -> None:
    nightly.declare(alarms={"NOISE": 1})
    nightly.origin.drift(FIRST * 100000 + 1)

    ran = nightly.daily(FIRST, "--run")

    assert (ran.code, ran.json["alarms"], verdicts(ran)[1]) == (0, [], "failed")


# --- metrics ---


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[SasquatchProxy]:
    monkeypatch.setenv("CALIBSTATE_SASQUATCH_TOKEN", f"{TOKEN}\n")
    with sasquatch_proxy() as served:
        yield served


def send_to(nightly: Nightly, proxy: SasquatchProxy) -> None:
    nightly.declare(send={"sasquatch": {"url": proxy.address, "namespace": "lsst.test"}})


def test_metrics_of_exposures_and_detectors_are_sent_once(verified: Nightly, proxy: SasquatchProxy) -> None:
    send_to(verified, proxy)

    first = verified.daily(FIRST, "--send")
    second = verified.daily(FIRST, "--run", "--send")

    # Three exposures, and two detectors of each.
    assert first.json["sending"] == {
        "address": proxy.address,
        "sent": 9,
        "before": 0,
        "unsent": 0,
        "problem": None,
    }
    assert (first.code, second.code) == (0, 0)
    assert (second.json["sending"]["sent"], second.json["sending"]["before"]) == (0, 9)
    assert proxy.refused == []
    assert set(proxy.ids().values()) == {1}
    assert set(proxy.ids()) == verified.origin.uuids("verify*ExpStats") | verified.origin.uuids(
        "verify*DetStats"
    )


def test_a_metric_has_the_fields_of_analysis_tools(verified: Nightly, proxy: SasquatchProxy) -> None:
    send_to(verified, proxy)

    verified.daily(FIRST, "--send")

    (record,) = [
        record
        for record in proxy.records["lsst.test.verifyBiasDetector"]
        if (record["exposure"], record["detector"]) == (f"{FIRST}00001", "1")
    ]
    (of_exposure,) = [r for r in proxy.records["lsst.test.verifyBias"] if r["exposure"] == f"{FIRST}00001"]
    (run, *_) = verified.origin.runs()
    began = datetime.strptime(run[-16:], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    assert record["run"] == run
    assert record["timestamp"] == record["run_timestamp"] == began
    assert (record["instrument"], record["day_obs"], record["dataset_tag"]) == (
        INSTRUMENT,
        str(FIRST),
        "daily",
    )
    assert (record["dataset_type"], record["success"]) == ("verifyBiasDetStats", 1)
    assert record["MEAN_least"] <= record["MEAN_median"] <= record["MEAN_most"]
    assert (of_exposure["success"], of_exposure["detectors"], of_exposure["tests_failed"]) == (1, 2, 0)


def test_a_failed_send_is_an_error_and_the_rest_is_sent_by_the_next_run(
    verified: Nightly, proxy: SasquatchProxy
) -> None:
    send_to(verified, proxy)
    proxy.faults["/topics/lsst.test.verifyBiasDetector"] = 503

    failed = verified.daily(FIRST, "--run", "--send")
    proxy.faults.clear()
    later = verified.daily(FIRST, "--run", "--send")

    assert failed.code == 1
    assert failed.json["sending"]["sent"] == 2
    assert failed.json["sending"]["unsent"] == 7
    assert "answers 503" in failed.json["sending"]["problem"]["detail"]
    # What the exposures are like is told all the same.
    assert set(verdicts(failed).values()) == {"passed"}
    assert (later.code, later.json["sending"]["sent"], later.json["sending"]["before"]) == (0, 7, 2)
    assert len(proxy.ids()) == 9
    assert set(proxy.ids().values()) == {1}


def test_what_is_verified_again_is_another_metric(verified: Nightly, proxy: SasquatchProxy) -> None:
    send_to(verified, proxy)
    verified.daily(FIRST, "--send")
    verified.origin.certify("dark", f"{INSTRUMENT}/calib/DM-2/dark.20241201a", [10.5, 10.5])

    ran = verified.daily(FIRST, "--run", "--again", "--send")

    assert (ran.code, ran.json["sending"]["sent"], ran.json["sending"]["before"]) == (0, 3, 6)


def test_a_token_is_never_told(verified: Nightly, proxy: SasquatchProxy) -> None:
    send_to(verified, proxy)
    proxy.token = "another"

    ran = verified.text(FIRST, "--send")

    assert ran.code == 1
    assert "it did not let us in (401)" in ran.err
    assert TOKEN not in ran.out + ran.err + verified.record_file(FIRST).read_text()


def test_without_a_place_to_send_to_nothing_is_begun(nightly: Nightly) -> None:
    ran = nightly.text(FIRST, "--run", "--send")

    assert ran.code == 64
    assert "Nothing says where the metrics" in ran.err
    assert nightly.origin.runs() == []


# --- what goes wrong ---


def test_what_fails_is_told_with_its_cause_and_verified_by_the_next_run(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_STANDIN_FAIL", "verifyBiasDet:exposure=2024120100002")
    failed = nightly.daily(FIRST, "--run")
    monkeypatch.delenv("CALIBSTATE_STANDIN_FAIL")
    later = nightly.daily(FIRST, "--run")

    assert failed.code == 1
    assert verdicts(failed) == {1: "passed", 2: "no result", 3: "passed"}
    assert "verifyBiasDet is made to fail" in failed.json["problems"][0]["detail"]
    assert (later.code, verdicts(later)) == (0, {1: "passed", 2: "passed", 3: "passed"})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"raws": f"{INSTRUMENT}/raw/none"}, "does not exist at usdf/main"),
        ({"verify": {"bias": "verifyNothing"}}, "is no file; nothing says what is to be run"),
        ({"verify": {"bias": "${NOWHERE}/verifyBias.yaml"}}, "NOWHERE is not set here"),
    ],
)
def test_what_cannot_be_run_is_told(nightly: Nightly, changes: dict[str, object], says: str) -> None:
    nightly.declare(**changes)

    ran = nightly.text(FIRST, "--run")

    assert ran.code in {1, 3}
    assert says in " ".join(ran.err.split())
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("LSSTComCan",), 64, "Did you mean LSSTComCam?"),
        ((INSTRUMENT, "--day", "20241131"), 64, "is no observing day"),
        ((INSTRUMENT, "--day", "20240101"), 3, "is before 2024-12-01"),
        ((INSTRUMENT, "--again"), 64, "--run"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    nightly: Nightly, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ran = nightly.construction.run("daily", *arguments)

    assert ran.code == code
    assert says in ran.err


def test_a_damaged_record_is_refused_by_its_name(verified: Nightly) -> None:
    verified.record_file(FIRST).write_text('{"kind": "daily-record"')

    ran = verified.text(FIRST)

    assert ran.code == 1
    assert f"daily/{INSTRUMENT}/{FIRST}.json" in ran.err
    assert "Move it away" in ran.err


def test_a_record_that_is_gone_is_written_anew_from_the_repository(verified: Nightly) -> None:
    runs = verified.origin.runs()
    verified.record_file(FIRST).unlink()

    ran = verified.daily(FIRST, "--run")

    assert (ran.code, verified.origin.runs()) == (0, runs)
    # What was effective then nobody knows any more, and it is not made up.
    assert {exposure["against"] for exposure in ran.json["exposures"]} == {None}
    assert len(json.loads(verified.record_file(FIRST).read_text())["results"]) == 3


def test_the_command_has_the_chain_that_is_live(nightly: Nightly) -> None:
    with nightly.construction.butler(writeable=True) as butler:
        butler.collections.redefine_chain(CHAIN, [])

    ran = nightly.daily(FIRST, "--run")

    assert ran.code == 1
    assert set(verdicts(ran).values()) == {"no result"}
