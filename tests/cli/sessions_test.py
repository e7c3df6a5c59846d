"""Every option that commands share arrives in the session of each of them."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from calibstate.cli import sessions
from calibstate.cli.app import run
from calibstate.cli.commands import COMMANDS, command
from calibstate.work.session import Session

STATE = str(Path(__file__).parents[2] / "state")

GIVEN: dict[str, list[str]] = {
    "site": ["--site", "summit"],
    "repository": ["--repository", "summit/LSSTComCam"],
    "instrument": ["--instrument", "LSSTComCam"],
    "ticket": ["--ticket", "DM-48520"],
    "exclude": ["--exclude", "tts"],
    "archive_bytes": ["--archive-bytes"],
    "files": ["--files"],
    "observed": ["--observed", "published"],
    "max_age": ["--max-age", "3h"],
    "only_here": ["--only-here"],
    "no_cache": ["--no-cache"],
    "timeout": ["--timeout", "7s"],
}
"""By the name of an option: how it is given here."""

ELSEWHERE = {
    (name, "ticket") for name in ("adopt", "certify", "construct", "history", "propose", "rollback", "seal")
}
ELSEWHERE |= {("propose", "instrument"), ("init", "instrument"), ("init", "site"), ("watch", "site")}
ELSEWHERE |= {("daily", "instrument")}
"""Options of the same name that say something else."""


class MadeError(Exception):
    """A session was made, and nothing else is of interest."""


def is_needed(parameter: Any) -> bool:
    """Say whether a command is of no use without an argument."""
    return bool(parameter.param_type_name == "argument" and not parameter.metavar.startswith("["))


def session_of(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Session:
    """Return the session that a command makes."""
    made: list[Session] = []

    def make(*given: Any, **more: Any) -> Session:
        made.append(Session(*given, **more))
        raise MadeError

    monkeypatch.setattr(sessions, "Session", make)
    needed = [f"{p.name}=1" for p in command(name).params if is_needed(p)]
    run(["-C", STATE, name, *needed, *arguments])
    (session,) = made
    return session


def arrived(session: Session) -> dict[str, Any]:
    """Return what a session says, by the name of the option that says it."""
    asked = session.requested
    return {
        "site": asked.sites == ("summit",),
        "repository": asked.repositories == ("summit/LSSTComCam",),
        "instrument": asked.instruments == ("LSSTComCam",),
        "ticket": asked.tickets == ("DM-48520",),
        "exclude": asked.exclude == ("tts",),
        "archive_bytes": asked.every_byte,
        "files": asked.files,
        "observed": session.observed == ("published",),
        "max_age": session.max_age == timedelta(hours=3),
        "only_here": session.only_here,
        # Only a command that has the option remembers at all.
        "no_cache": not session.remembers,
        "timeout": session.timeout == timedelta(seconds=7),
    }


def with_sessions() -> list[str]:
    return [name for name in COMMANDS if name not in {"demo", "schema"}]


@pytest.mark.parametrize("name", with_sessions())
def test_all_that_is_asked_for_arrives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {p.name for p in command(name).params if p.opts[0].startswith("-")} & GIVEN.keys()
    options -= {option for command_name, option in ELSEWHERE if command_name == name}
    arguments = [word for option in sorted(options) for word in GIVEN[option]]

    said = arrived(session_of(name, monkeypatch, *arguments))

    assert {option for option in options if not said[option]} == set()
    assert said["no_cache"]


@pytest.mark.parametrize("name", with_sessions())
def test_what_is_not_asked_for_is_as_usual(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Session(Path(STATE))
    has_no_cache = "no_cache" in {p.name for p in command(name).params}

    session = session_of(name, monkeypatch)

    about = {field.name for field in fields(Session)} - {"listener", "stop", "remembers"}
    assert {what for what in about if getattr(session, what) != getattr(usual, what)} == set()
    assert session.remembers == has_no_cache
