"""Looks that go on side by side, and those that are left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from calibstate.engine import side_by_side as module
from calibstate.engine.side_by_side import (
    SIDE_BY_SIDE,
    InTime,
    in_time,
    is_anything_left_behind,
    side_by_side,
)
from calibstate.errors import Diagnostic, UnreachableError
from calibstate.ports import silence
from calibstate.ports.silence import Silences, SilentError, heard

SOON = timedelta(seconds=0.4)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE", 0.0)


def test_everything_is_looked_at_and_few_at_once() -> None:
    counting, now, most = threading.Lock(), 0, 0

    def look() -> int:
        nonlocal now, most
        with counting:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with counting:
            now -= 1
        return 1

    found = {
        place: future.result() for place, future in side_by_side({str(n): look for n in range(50)}, SOON)
    }
    assert found == {str(n): 1 for n in range(50)}
    assert 1 < most <= SIDE_BY_SIDE


def test_who_was_silent_is_not_asked_again_before_it_is_forgotten() -> None:
    forever, asked, silences = threading.Event(), list[str](), Silences(SOON)
    archive = InTime("the archive", silences, "a server")
    records = InTime("the records", silences, "a server")
    with pytest.raises(SilentError):
        archive(forever.wait)
    for _ in range(3):
        with pytest.raises(SilentError, match=r"the records: it did not answer within 0.4 s"):
            records(lambda: asked.append("too soon"))
    InTime("a place", silences, "another server")(lambda: asked.append("another"))
    silences.forget()
    records(lambda: asked.append("later"))
    assert asked == ["another", "later"]
    assert silences.waited_for == ["a server"]
    forever.set()


@pytest.mark.parametrize(("after", "waited_for"), [(0.1, []), (30.0, ["a server"])])
def test_an_adapter_that_gives_up_after_a_while_is_waited_for_once(
    after: float, waited_for: list[str]
) -> None:
    now = [0.0]
    silences = Silences(SOON, lambda: now[0])

    def refuse() -> None:
        now[0] += after
        raise UnreachableError(Diagnostic("Unreachable", "in its own words"))

    asking = InTime("a place", silences, "a server")
    for _ in range(2):
        with pytest.raises(UnreachableError, match="in its own words"):
            asking(refuse)
    assert silences.waited_for == waited_for


def test_work_between_a_silence_and_its_error_hides_the_silence_from_nobody() -> None:
    """As an import, of what has the words for it."""
    now, silences = [0.0], Silences(SOON, lambda: now[0])
    archive = InTime("the archive", silences, "a server")

    def gives_up_after_work(silent_for: float, busy_for: float) -> None:
        now[0] += silent_for
        with silence.at_work():
            now[0] += busy_for
        raise UnreachableError(Diagnostic("Place does not answer", "It said nothing."))

    with pytest.raises(UnreachableError):
        archive(lambda: gives_up_after_work(0.1, 100))
    assert silences.waited_for == []
    with pytest.raises(UnreachableError):
        archive(lambda: gives_up_after_work(0.3, 100))
    assert silences.waited_for == ["a server"]


def test_what_was_asked_meanwhile_is_not_blamed_for_the_place_itself() -> None:
    forever, silences = threading.Event(), Silences(SOON)

    def look() -> None:
        silences.ask("a repository", "a repository")
        with silences.asking("the archive", "the archive"):
            heard()
        forever.wait()

    ((_, future),) = side_by_side({"a repository": look}, SOON)
    assert isinstance(future.exception(), SilentError)
    assert silences.waited_for == ["a repository"]
    forever.set()


def test_who_is_silent_keeps_no_other_from_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_A_MOMENT", 0.05)
    forever, awaited = threading.Event(), set[str]()
    looks = {f"silent {n}": forever.wait for n in range(SIDE_BY_SIDE)}
    told = []
    for place, _ in side_by_side({**looks, "quick": lambda: True}, timedelta(seconds=60), awaited.update):
        told.append(place)
        forever.set()
    assert told[0] == "quick"
    assert awaited == set(looks)


def test_one_that_is_silent_is_left_behind_and_the_others_are_told() -> None:
    forever = threading.Event()
    looks = {f"silent {n}": forever.wait for n in range(SIDE_BY_SIDE)}
    told = dict(side_by_side({**looks, "quick": lambda: True}, SOON))
    assert told["quick"].result()
    for place in looks:
        with pytest.raises(SilentError, match=r"silent \d: it did not answer within 0.4 s"):
            told[place].result()
    forever.set()
    assert is_anything_left_behind()


FORGETFUL = """
import sys
from contextlib import contextmanager
from datetime import timedelta
from calibstate.cli.main import main
from calibstate.engine.side_by_side import in_time, leave_behind

@contextmanager
def lock():
    try:
        yield
    finally:
        in_time("a store that is asked as Python ends", lambda: None, timedelta(seconds=1))

held = lock()
held.__enter__()
leave_behind(held)
del held
sys.argv[1:] = ["--version"]
main()
"""


def test_the_program_ends_without_closing_what_was_left_behind() -> None:
    # Python would wait for ever for a thread that cannot begin any more.
    ran = subprocess.run([sys.executable, "-c", FORGETFUL], capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "calibstate" in ran.stdout


def test_one_that_is_slow_but_answers_again_and_again_is_not_cut_off() -> None:
    def slow() -> str:
        for _ in range(8):
            time.sleep(0.1)
            heard()
        return "all of it"

    assert in_time("slow", slow, SOON) == "all of it"


def test_a_look_that_asks_in_time_is_not_silent_itself() -> None:
    def outer() -> str:
        for _ in range(3):
            with pytest.raises(SilentError):
                in_time("inner", lambda: time.sleep(0.6), limit)
        return "told"

    limit = timedelta(seconds=0.3)
    module._GRACE = 0.1
    ((_, future),) = side_by_side({"outer": outer}, limit)
    assert future.result() == "told"


def test_what_goes_wrong_is_raised_where_it_is_asked_for() -> None:
    def wrong() -> None:
        raise UnreachableError

    ((_, future),) = side_by_side({"wrong": wrong}, SOON)
    with pytest.raises(UnreachableError):
        future.result()
    assert list(side_by_side({}, SOON)) == []


STOPPED = """
import os
import signal
import time
from datetime import timedelta
from calibstate.engine.side_by_side import in_time

def look():
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(0.5)
    return "seen"

print(in_time("a place", look, timedelta(seconds=3)))
"""
"""Stops itself, as by Ctrl-Z, and needs a part of its limit afterwards."""


def test_who_was_stopped_blames_nobody_for_silence() -> None:
    process = subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    # For longer than the limit and what a wait may take more than it was to.
    time.sleep(7)
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=60)[0] == "seen\n"
    assert process.returncode == 0
