"""What a person gives in words, looked at before it is written into a file."""

from __future__ import annotations

from datetime import date

from ..errors import Diagnostic, UsageError, without_secrets
from ..model.names import is_issue_key, issue_key_meant, spelled, strange_in
from ..model.policy import day

__all__ = ["day_given", "key_given", "words_given"]


def key_given(what: str, text: str) -> str:
    """Return the key of a ticket of the tracker, as it was given.

    Parameters
    ----------
    what
        The option or argument.
    text
        What was given.

    Raises
    ------
    UsageError
        It is no key.
    """
    if is_issue_key(text):
        return text
    hint = "Give the key: its project, a hyphen and a number, such as DM-48520."
    meant = issue_key_meant(text)
    if meant:
        hint = f"Did you mean {meant}?"
    raise UsageError(
        Diagnostic(
            "Not the key of a ticket",
            f"{what}: {spelled(text)} is the key of no ticket, so nobody could look it up.",
            hint=hint,
        )
    )


def words_given(what: str, text: str | None) -> str | None:
    """Return words for a line of a file, as they were given.

    Parameters
    ----------
    what
        The option.
    text
        What was given; `None`: nothing was.

    Raises
    ------
    UsageError
        They are empty, hold what nobody sees, or a secret.
    """
    if text is None:
        return None
    words = " ".join(text.split())
    if not words:
        raise UsageError(
            Diagnostic("No words", f"{what} is empty.", hint="Say it in a line, or leave it out.")
        )
    if not words.isprintable():
        strange = strange_in("".join(character for character in words if not character.isprintable()))
        raise UsageError(
            Diagnostic(
                "Characters that nobody sees",
                f"{what} holds {strange}, which no screen shows.",
                hint="Write it without them.",
            )
        )
    if without_secrets(words) != words:
        raise UsageError(
            Diagnostic(
                "Secret in words",
                f"{what} holds what looks like a password or a token, and the file is for everybody.",
                hint="Write it without.",
            )
        )
    return words


def day_given(what: str, text: str | None, today: date) -> str | None:
    """Return a day of the past, as it was given.

    Parameters
    ----------
    what
        The option.
    text
        What was given; `None`: nothing was.
    today
        The day that it is, in UTC.

    Raises
    ------
    UsageError
        It is none, or yet to come.
    """
    if text is None:
        return None
    given = day(text)
    # Weeks and numbers of days are dates too, and not as files have them.
    if given is None or given.isoformat() != text:
        problem = f"{what} {spelled(text)}: no such day."
        raise UsageError(Diagnostic("Not a date", problem, hint="Write 2025-03-04."))
    if given > today:
        problem = f"{what} {text} is yet to come."
        raise UsageError(Diagnostic("Not a date", problem, hint="Give the day of the meeting, in UTC."))
    return text
