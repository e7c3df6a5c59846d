"""What is opened once, whoever asks for it and however often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from calibstate.errors import UnreachableError
from calibstate.factory.once import Once


def test_it_is_opened_when_it_is_first_asked_for_and_kept() -> None:
    once = Once(object)
    assert once.opened is None
    assert once.get() is once.get() is once.opened


def test_what_is_forgotten_is_opened_again() -> None:
    once = Once(object)
    first = once.get()
    once.forget()
    assert once.get() is not first


def test_who_could_not_open_it_may_try_again() -> None:
    attempts: list[int] = []

    def make() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise UnreachableError
        return "opened"

    once = Once(make)
    with pytest.raises(UnreachableError):
        once.get()
    assert once.get() == "opened"


def test_an_attempt_that_hangs_keeps_no_other_thread_waiting_and_the_first_counts() -> None:
    hangs, is_over = threading.Event(), threading.Event()

    def make() -> object:
        if not hangs.is_set():
            hangs.set()
            is_over.wait()
        return object()

    once = Once(make)
    with ThreadPoolExecutor() as threads:
        late = threads.submit(once.get)
        hangs.wait()
        first = once.get()
        is_over.set()
        assert late.result() is first
