"""What was done can be told afterwards: by whom, from what, how far."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from calibstate.adapters import journals
from calibstate.adapters.records import open_journal
from calibstate.model.outcomes import JournalLine, Outcome, Result
from calibstate.model.runs import Ending, PastRun
from calibstate.store.schemas import schemas
from calibstate.views.log import as_text, run_as_text
from tests.commands import cut
from tests.commands.sites import EMBARGO, INSTRUMENT, SUMMIT, TOP, Sites

IN_THE_IMPORT = ("after os.link of .fits", 1)
"""When all bundles are made and the first import has placed a file."""


def log(sites: Sites, *arguments: str) -> list[dict[str, Any]]:
    ran = sites.run("log", "--format", "json", *arguments)
    assert ran.code == 0, ran.err
    return list(ran.json["runs"])


def test_a_run_is_told_with_who_began_it_and_what_became_of_its_steps(sites: Sites) -> None:
    assert sites.apply().code == 0

    (run,) = log(sites)

    assert run["ending"] == "ended"
    assert run["tally"] == {"done": 12}
    events = [line["event"] for line in run["lines"]]
    assert (events[0], events[1], events[-1]) == ("run", "plan", "end")
    assert run["lines"][0]["began"]["process"]["pid"] > 0
    text = sites.run("log").out
    assert f"{run['id']}  done" in text
    assert f"done     prepend-to-chain {SUMMIT}:chain:{TOP}" in text


def test_a_run_lists_what_is_searched_since(sites: Sites) -> None:
    assert sites.apply().code == 0
    first = log(sites)[0]["id"]
    sites.tree.chain(["DM-2"], retired={"DM-1": "too old"})
    assert sites.apply("--repository", SUMMIT).code == 0
    second = log(sites)[0]["id"]

    assert second != first
    assert f"+ {TOP}/DM-2\n" in sites.run("log", first).out
    assert f"+ {TOP}/DM-1\n" in sites.run("log", first).out
    said = sites.run("log", second).out
    assert f"- {TOP}/DM-1\n" in said
    assert "+ " not in said


@pytest.mark.slow
def test_the_newest_run_comes_first_and_a_run_that_did_nothing_is_none(sites: Sites) -> None:
    assert sites.apply("--repository", EMBARGO, "--repository", "usdf/main").code == 0
    assert sites.apply().code == 0
    assert sites.apply().code == 0

    runs = log(sites)

    assert len(runs) == 2
    assert [run["id"] for run in runs] == sorted((run["id"] for run in runs), reverse=True)
    places = {line["outcome"]["target"].partition(":")[0] for line in runs[0]["lines"] if line["outcome"]}
    assert places == {SUMMIT}


def test_it_can_be_narrowed(sites: Sites) -> None:
    assert sites.apply().code == 0
    sites.make_ticket("DM-3")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert sites.apply("--repository", SUMMIT, "--repository", "usdf/main").code == 0
    newest, oldest = log(sites)

    assert log(sites, "--ticket", "DM-3") == [newest]
    assert log(sites, "--ticket", "DM-1") == [oldest]
    assert log(sites, "--repository", EMBARGO) == [oldest]
    assert log(sites, "--repository", SUMMIT) == [newest, oldest]
    assert log(sites, "--site", "summit") == [newest, oldest]
    assert log(sites, "--site", "usdf", "--ticket", "DM-3") == [newest]
    assert log(sites, "--instrument", "LSSTComCam") == [newest, oldest]
    for limit in ("-n", "--limit", "--most"):
        assert log(sites, limit, "1") == [newest]
    assert log(sites, "--since", "1h") == [newest, oldest]
    assert log(sites, "--since", "2999-01-01") == []
    assert log(sites, oldest["id"]) == log(sites, "--run", oldest["id"]) == [oldest]


def test_a_run_is_of_the_tickets_that_its_steps_change_and_not_of_those_that_its_words_name(
    sites: Sites,
) -> None:
    def journal(target: str, detail: str, **more: Any) -> None:
        outcome = Outcome(step="s1", do="any", target=target, result=Result.REFUSED, detail=detail, **more)
        line = JournalLine(at="2026-11-22T18:00:00Z", event="outcome", text="", outcome=outcome)
        open_journal(str(sites.tree.folder / "records")).write(line)

    def targets(ticket: str) -> list[str]:
        return sorted(run["lines"][0]["outcome"]["target"] for run in log(sites, "--ticket", ticket))

    archived, ruled = f"archive:bundle:{INSTRUMENT}/DM-1", f"rucio:rucio_rule:{INSTRUMENT}/DM-1/SUMMIT_DISK"
    journal(archived, "its bundle is cut off")
    journal(ruled, "no room")
    journal(f"archive:bundle:{INSTRUMENT}/DM-2", "a file of it is that of DM-1; see DM-1.")
    journal("archive:bundle:LATISS/DM-1", "DM-1 of another instrument")
    journal(f"{SUMMIT}:chain:{TOP}", "DM-1 has not arrived", entrants=(f"{TOP}/DM-2",))

    assert targets("DM-1") == [archived, ruled]
    assert targets("DM-2") == [f"archive:bundle:{INSTRUMENT}/DM-2", f"{SUMMIT}:chain:{TOP}"]


def test_one_run_is_told_event_by_event(sites: Sites) -> None:
    assert sites.apply().code == 0
    (run,) = log(sites)

    text = sites.run("log", run["id"]).out

    assert text.count("begun") == text.count("done    ") == 12
    assert "plan: plan sha256:" in text
    assert text.splitlines()[-1].endswith("end: done")


def run_of(*results: str, end: str = "done", event: str = "plan") -> PastRun:
    """Return a run with a target for each result."""
    at = "2026-11-22T18:00:00Z"
    lines = [JournalLine(at=at, event=event, text="a plan")]
    for number, result in enumerate(results):
        outcome = Outcome(
            step=str(number), do="any", target=f"p:k:{number}", result=Result(result), detail=f"why {result}"
        )
        lines.append(JournalLine(at=at, event="outcome", text="", outcome=outcome))
    lines.append(JournalLine(at=at, event="end", text=end))
    return PastRun("r", "records", tuple(lines), Ending.ENDED)


@pytest.mark.parametrize(
    ("run", "state", "reason"),
    [
        (run_of("done", "done"), "done", ""),
        (run_of("done", "refused", "skipped"), "partly", "why refused"),
        (run_of("done", "pending"), "partly", "why pending"),
        (run_of("done", end="interrupted"), "partly", "interrupted"),
        (run_of("refused", "skipped", "skipped"), "refused", "why refused"),
        (run_of("stale"), "refused", "why stale"),
        (run_of("skipped", "failed", "refused"), "failed", "why failed"),
        (run_of("begun", end="cut short"), "failed", "cut short"),
        (run_of("pending", "skipped"), "pending", "why pending"),
        (run_of(), "nothing", ""),
        (run_of(end="interrupted"), "nothing", "interrupted"),
        (run_of(end="stopped: Plan is stale"), "refused", "stopped: Plan is stale"),
        (run_of(end="the lock of p is broken", event="unlock"), "done", "the lock of p is broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_run_came_to_is_told_by_its_steps(run: PastRun, state: str, reason: str) -> None:
    assert (run.state.value, run.reason) == (state, reason)
    listed = "\n".join(line.plain for line in as_text([run]))
    whole = [line.plain for line in run_as_text(run)]
    assert listed.startswith(f"r  {state}  ")
    assert f"end: {state}" in whole[-1]
    assert reason in listed


def test_a_run_that_was_cut_off_is_told_with_what_it_had_begun(sites: Sites, tmp_path: Path) -> None:
    killed = cut.run(
        tmp_path / "run", cut.calibstate, sites.tree.state, "apply", "--yes", killed_at=IN_THE_IMPORT
    )
    assert killed.code == -signal.SIGKILL

    (run,) = log(sites)

    assert (run["ending"], run["state"]) == ("cut off", "cut off")
    assert run["tally"]["begun"] == 1
    text = sites.run("log", run["id"]).out
    assert text.splitlines()[-1] == "    cut off"
    assert f"begun, and no more is told: import-bundle {SUMMIT}:collection:" in text
    assert "calibstate apply" in text
    assert sites.apply().code == 0
    assert [one["ending"] for one in log(sites)] == ["ended", "cut off"]


def test_a_run_that_goes_on_can_be_read(sites: Sites, tmp_path: Path) -> None:
    run = cut.start(
        tmp_path / "run", cut.calibstate, sites.tree.state, "apply", "--yes", waits_at=IN_THE_IMPORT
    )
    assert run.has_come_there()

    (told,) = log(sites)

    assert told["ending"] == "goes on"
    run.go_on()
    assert run.end().code == 0


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM, signal.SIGHUP]
)
def test_a_signal_has_the_step_in_hand_finished_and_no_other_begun(
    sites: Sites, tmp_path: Path, number: signal.Signals
) -> None:
    run = cut.start(
        tmp_path / "run", cut.calibstate, sites.tree.state, "apply", "--yes", waits_at=IN_THE_IMPORT
    )
    assert run.has_come_there()

    run.signal(number)
    run.go_on()
    ended = run.end()

    assert ended.code == 1
    assert "the step in hand is finished first" in ended.err
    assert "Interrupted. What was done stands, and the step in hand was finished" in ended.err
    assert sites.locks() == sites.leftovers() == []
    (told,) = log(sites)
    assert (told["ending"], told["lines"][-1]["text"]) == ("ended", "interrupted")
    assert (told["state"], told["reason"]) == ("partly", "interrupted")
    assert sites.run("log", told["id"]).out.endswith("end: partly (interrupted)\n")
    assert set(told["tally"]) == {"done"}
    assert len(sites.of_ticket(SUMMIT, "DM-1")) == 12
    assert not sites.has(SUMMIT, TOP)
    assert sites.apply().code == 0
    assert sites.chain(SUMMIT) == sites.chain(EMBARGO) == (f"{TOP}/DM-2", f"{TOP}/DM-1")


def test_a_second_signal_stops_at_once_and_loses_nothing(sites: Sites, tmp_path: Path) -> None:
    run = cut.start(
        tmp_path / "run", cut.calibstate, sites.tree.state, "apply", "--yes", waits_at=IN_THE_IMPORT
    )
    assert run.has_come_there()

    run.signal(signal.SIGINT)
    run.signal(signal.SIGINT)
    ended = run.end()

    assert ended.code == 1
    assert log(sites)[0]["tally"]["begun"] == 1
    # What may still have been writing when it ended holds its place, as after
    # a kill -9; the next run sees that it is no more.
    ran = sites.apply()
    assert ran.code == 0
    assert "was taken over" in ran.err
    assert sites.locks() == []
    assert sites.without_file(EMBARGO) == sites.leftovers() == []
    assert sites.chain(SUMMIT) == sites.chain(EMBARGO) == (f"{TOP}/DM-2", f"{TOP}/DM-1")


# --- what goes wrong ---


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\xfe{",
        pytest.param(b"", marks=pytest.mark.slow),
        pytest.param(b'{"event": "run"}\n', marks=pytest.mark.slow),
        pytest.param(b"[" * 100_000, marks=pytest.mark.slow),
        b'{"at": "x", "event": "end", "text": 1}\n',
    ],
)
@pytest.mark.matrix(1)
def test_a_journal_that_cannot_be_read_hides_no_other(sites: Sites, damage: bytes) -> None:
    assert sites.apply().code == 0
    folder = sites.tree.folder / "records" / "journal"
    (folder / "20990101T000000Z-0badbad0.jsonl").write_bytes(damage)

    damaged, right = log(sites)

    assert (damaged["lines"], damaged["ending"]) == ([], "no end")
    assert right["ending"] == "ended"
    assert sites.run("log").code == sites.run("log", damaged["id"]).code == 0


@pytest.mark.slow
def test_a_journal_that_is_too_large_hides_no_other(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sites.apply().code == 0
    folder = sites.tree.folder / "records" / "journal"
    (folder / "20990101T000000Z-0badbad0.jsonl").write_bytes(b"x" * 2**20)
    monkeypatch.setattr(journals, "_LARGEST", 2**19)

    large, right = log(sites)

    assert (large["lines"], large["unreadable"]) == ([], 1)
    assert right["ending"] == "ended"


def test_a_line_that_was_cut_in_half_is_counted(sites: Sites) -> None:
    assert sites.apply().code == 0
    (file,) = (sites.tree.folder / "records" / "journal").glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-30])

    (run,) = log(sites)

    assert run["unreadable"] == 1
    assert run["ending"] == "goes on"


def test_a_date_before_all_runs_leaves_none_out(sites: Sites) -> None:
    assert sites.apply().code == 0
    assert log(sites, "--since", "0999-01-01") == log(sites)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "No such run"),
        (["../../etc/passwd"], "No such run"),
        (["--since", "yesterday"], "Not a date"),
        (["--since", "0001-01-01T00:00:00+05:00"], "Not a date"),
        (["--since", "9999-12-31T23:59:59-05:00"], "Not a date"),
        (["--ticket", "DM-11"], "nobody declared such a ticket"),
    ],
)
def test_what_makes_no_sense_is_told(sites: Sites, arguments: list[str], words: str) -> None:
    ran = sites.run("log", *arguments)

    assert (ran.code, words in ran.err) == (64, True)


def test_records_that_cannot_be_reached_are_told(sites: Sites) -> None:
    sites.tree.settings(records="../away/records")

    ran = sites.run("log")

    assert ran.code == 1
    assert "Records cannot be reached" in ran.err


def test_the_document_fits_its_schema(sites: Sites) -> None:
    from jsonschema import Draft202012Validator

    assert sites.apply().code == 0

    Draft202012Validator(schemas()["log.json"]).validate(json.loads(sites.run("log", "--format", "json").out))
