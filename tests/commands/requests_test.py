"""Who asks with ``-v`` is told which place was asked what, and how long."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibstate.cli.requests import RequestLog
from calibstate.errors import Diagnostic, UnreachableError
from calibstate.factory.places import Places
from calibstate.factory.traced import traced
from calibstate.ports.requests import Request
from calibstate.work.session import Session
from tests.commands.sites import ORIGIN, SUMMIT, Sites

MOMENT = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LINE = re.compile(rf"{MOMENT}  (?P<place>.+?)  (?P<words>.+?)  \d+\.\d{{3}} s  (.+)")


def requests_in(text: str) -> list[tuple[str, str]]:
    """Return place and words of each line that tells of a request."""
    return [(match["place"], match["words"]) for match in map(LINE.fullmatch, text.splitlines()) if match]


def test_each_request_is_told_beside_the_result_and_appended_to_a_file(sites: Sites, tmp_path: Path) -> None:
    file = tmp_path / "requests.log"
    quiet = sites.run("drift")
    told = sites.run("-vv", "--log-file", str(file), "drift")

    # Beside: the result is the same to the byte, and nothing is told unasked.
    assert (told.out, told.code, quiet.err) == (quiet.out, quiet.code, "")
    shown = requests_in(told.err)
    assert (SUMMIT, "is it there") in shown
    assert any(place == ORIGIN and words.startswith("collections ") for place, words in shown)
    first, *kept, last = file.read_text().splitlines()
    assert (first.endswith("drift") and "  calibstate -C " in f"{first}") or "calibstate 0" in first
    assert last.endswith("  ended with 2")
    assert requests_in("\n".join(kept)) == shown

    assert sites.run("--log-file", str(file), "plan").err == ""
    assert file.read_text().startswith(first)
    assert file.read_text().count("ended with") == 2


def test_once_is_places_and_what_fails(sites: Sites) -> None:
    sites.path(SUMMIT).rename(sites.tree.folder / "away")
    ran = sites.run("-v", "drift")
    shown = requests_in(ran.err)
    assert (ORIGIN, "is it there") in shown
    assert not any("collections" in words for _, words in shown)
    assert re.search(rf"  {SUMMIT}  is it there  [\d.]+ s  Repository cannot be opened", ran.err)


def test_all_is_done_and_told_of_where_each_request_is(sites: Sites, tmp_path: Path) -> None:
    file = tmp_path / "requests.log"
    ran = sites.run("--log-file", str(file), "apply", "--yes")
    assert ran.code == 0, ran.err
    assert sites.run("drift").out == "In sync.\n"
    told = requests_in(file.read_text())
    # Ports of every sort, a lock with both of its ends.
    assert {SUMMIT, "archive", "records"} <= {place for place, _ in told}
    assert [words for _, words in told].count(f"enter hold {SUMMIT}") == 1
    assert [words for _, words in told].count(f"leave hold {SUMMIT}") == 1
    assert ("records", "write") in told
    for command in (["verify"], ["log"], ["doctor"], ["observe", "--publish"], ["fingerprint"]):
        with_file = sites.run("--log-file", str(file), *command)
        assert with_file.code == sites.run(*command).code, with_file.err
        assert "defect" not in with_file.err


@pytest.mark.parametrize("name", ["", "nosuch/log.txt"])
def test_a_log_file_that_cannot_be_written_ends_it_before_anything(
    sites: Sites, tmp_path: Path, name: str
) -> None:
    before = sites.snapshot("repo")
    ran = sites.run("--log-file", str(tmp_path / name), "apply", "--yes")
    assert ran.code == 64
    assert "error: Log file cannot be written" in ran.err
    assert sites.snapshot("repo") == before


@pytest.mark.parametrize("held", ["site: usdf\n", "SQLite format 3\0"])
def test_a_file_of_something_else_is_no_log(sites: Sites, tmp_path: Path, held: str) -> None:
    file = tmp_path / "other"
    file.write_text(held)

    ran = sites.run("--log-file", str(file), "show")

    assert (ran.code, file.read_text()) == (64, held)
    assert "error: Log file is another file" in ran.err


@pytest.mark.parametrize(
    "name", ["calibstate.yaml", "sites/new.yaml", "tickets/LSSTComCam/DM-1.yaml", "sources/x.yaml"]
)
@pytest.mark.parametrize("words", [("--log-file", "{}", "show"), ("show", "-o", "{}"), ("plan", "-o", "{}")])
def test_a_file_of_the_tree_is_written_over_by_nothing_that_a_person_names(
    sites: Sites, name: str, words: tuple[str, ...]
) -> None:
    file = sites.tree.state / name
    before = file.read_text() if file.exists() else None

    ran = sites.run(*(word.format(file) for word in words))

    assert ran.code == 64
    assert "error: File of the state tree" in ran.err
    assert (file.read_text() if file.exists() else None) == before


def test_nothing_stands_in_between_where_nobody_wants_to_know(sites: Sites) -> None:
    assert type(Session(sites.tree.state).places()) is Places
    port = object()
    assert traced(port, "there", None) is port


class Port:
    """A port that answers in every way that there is."""

    uri = "file:///x"

    def bad(self) -> None:
        raise UnreachableError(Diagnostic("Place does not answer", "."))

    def worse(self) -> None:
        raise OSError

    def each(self) -> object:
        return iter("abc")


def test_every_ending_of_a_request_is_told(tmp_path: Path) -> None:
    file = tmp_path / "log"
    log = RequestLog(0, file)
    port = traced(Port(), "there", log)
    assert port.uri == "file:///x"
    with pytest.raises(UnreachableError):
        port.bad()
    with pytest.raises(OSError):
        port.worse()
    assert list(port.each()) == ["a", "b", "c"]  # type: ignore[call-overload]
    # Who hangs is left behind, and told of at the end.
    log.begin(Request(datetime.now(UTC), "nowhere", "chain x"))
    log.ended(1)
    endings = [line.rpartition("  ")[2] for line in file.read_text().splitlines()]
    assert endings == ["Place does not answer", "OSError", "ok", "ok, 3", "no answer", "ended with 1"]


def test_no_secret_is_kept_and_no_name_makes_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "log"
    log = RequestLog(0, file)
    log.began(["drift", "--site", "s3://key:verysecret@host/x"])
    log.begin(
        Request(datetime.now(UTC), "p\nq", "chain \x1b[31mred postgresql://me:verysecret@db/x")
    ).answered()
    log.ended(0)
    text = file.read_text()
    assert "verysecret" not in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3
