"""What is taken for the wish that a run stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from calibstate.cli.stopping import Stopping


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_a_wish(number: signal.Signals) -> None:
    stopping = Stopping()
    with stopping.listening():
        os.kill(os.getpid(), number)
        assert stopping()


def test_a_run_that_outlives_its_terminal_goes_on() -> None:
    """As one that was started by nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopping = Stopping()
    with stopping.listening():
        os.kill(os.getpid(), signal.SIGHUP)
        assert not stopping()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_wish_that_nobody_can_be_told_of_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "write", gone)
    stopping = Stopping()
    with stopping.listening():
        os.kill(os.getpid(), signal.SIGHUP)
        assert stopping()
