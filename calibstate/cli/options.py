"""Options that several commands share; every one has its variable."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ..errors import Diagnostic, UsageError, without_secrets
from ..model.guards import Allowed, Guard
from ..model.names import spelled, with_code_points
from ..model.timespans import parse_tai
from ..ports.silence import USUAL_TIMEOUT
from . import completing, screen

__all__ = [
    "USUAL_TIMEOUT",
    "AllOption",
    "AllowOption",
    "ArchiveBytesOption",
    "AtOption",
    "AtRevisionOption",
    "BecauseOption",
    "BranchOption",
    "CheckOption",
    "CommitOption",
    "DryRunOption",
    "ExcludeOption",
    "FilesOption",
    "InstrumentOption",
    "LimitOption",
    "LockTimeoutOption",
    "MaxAgeOption",
    "NightsOption",
    "NoCacheOption",
    "ObservedOption",
    "ObservedUntilOption",
    "OnlyHereOption",
    "OutputOption",
    "OverrideOption",
    "PublishOption",
    "RepositoryOption",
    "SiteOption",
    "TicketOption",
    "TimeoutOption",
    "TypeOption",
    "WaitOption",
    "allowed",
    "at_least_one",
    "beginning_of_journals",
    "byte_rate",
    "duration",
    "end_of_observing",
    "exposure_number",
    "refuse_together",
    "refuse_without",
    "up_to_a_week",
]


SiteOption = Annotated[
    list[str] | None,
    typer.Option(
        "--site",
        metavar="SITE",
        envvar="CALIBSTATE_SITE",
        autocompletion=completing.sites,
        help="Only this site's repositories and steps.",
    ),
]
RepositoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--repository",
        metavar="SITE/REPOSITORY",
        envvar="CALIBSTATE_REPOSITORY",
        autocompletion=completing.repositories,
        help="Only this repository.",
    ),
]
InstrumentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--instrument",
        metavar="INSTRUMENT",
        envvar="CALIBSTATE_INSTRUMENT",
        autocompletion=completing.instruments,
        help="Only this instrument.",
    ),
]
TicketOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ticket",
        metavar="TICKET",
        envvar="CALIBSTATE_TICKET",
        autocompletion=completing.tickets,
        help="Only this ticket, or INSTRUMENT/TICKET.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        envvar="CALIBSTATE_EXCLUDE",
        autocompletion=completing.excluded,
        help="Leave out an address, a ticket, or what a shell pattern matches.",
    ),
]
AtRevisionOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="REV|DATE",
        envvar="CALIBSTATE_AT",
        help="As declared at a commit, branch or tag; or at a date, 2025-02-11 or 2025-02-11T03:00:00Z.",
    ),
]
AllOption = Annotated[
    bool,
    typer.Option("--all", envvar="CALIBSTATE_ALL", help="Tell each one of what is only counted else."),
]
CheckOption = Annotated[
    bool,
    typer.Option(
        "--check",
        envvar="CALIBSTATE_CHECK",
        help="Write nothing; end with 1 where something would be written.",
    ),
]
CommitOption = Annotated[
    bool,
    typer.Option("--commit", envvar="CALIBSTATE_COMMIT", help="Commit it too, on a branch of its own."),
]
BranchOption = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="What the branch of --commit is called."),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run", envvar="CALIBSTATE_DRY_RUN", help="Show what would be written, and write nothing."
    ),
]
# It has no variable: one for `plan -o` would have every look write there.
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write the result here too, in the format of its suffix (.json, .md, .txt).",
    ),
]
PublishOption = Annotated[
    bool,
    typer.Option(
        "--publish", envvar="CALIBSTATE_PUBLISH", help="Write it to `records`, where other sites read it."
    ),
]
FilesOption = Annotated[
    bool,
    typer.Option("--files", envvar="CALIBSTATE_FILES", help="Look at the existence and size of every file."),
]
ArchiveBytesOption = Annotated[
    bool,
    typer.Option(
        "--archive-bytes",
        envvar="CALIBSTATE_ARCHIVE_BYTES",
        help="As --files, and read every file of the archive, for its checksum.",
    ),
]

ObservedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--observed",
        metavar="FILE|published",
        envvar="CALIBSTATE_OBSERVED",
        help="What was observed of repositories that cannot be seen from here: a file of `observe -o`, "
        "or `published`.",
    ),
]

AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        envvar="CALIBSTATE_AT",
        help="A moment, TAI: YYYY-MM-DD[THH:MM:SS], or now.",
    ),
]

TypeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="TYPE", envvar="CALIBSTATE_TYPE", help="Only this dataset type, such as flat."
    ),
]

NightsOption = Annotated[
    bool,
    typer.Option(
        "--nights",
        envvar="CALIBSTATE_NIGHTS",
        help="Count the exposures that change, by what sites published of theirs.",
    ),
]
ObservedUntilOption = Annotated[
    str | None,
    typer.Option(
        "--observed-until",
        metavar="DATE",
        envvar="CALIBSTATE_OBSERVED_UNTIL",
        help="The last observing day of the past, or a moment in TAI; now unless told.",
    ),
]

_DAY = 86_400_000_000_000
_NOON = _DAY // 2


def end_of_observing(text: str | None) -> int:
    """Return the end of what was observed, in nanoseconds of TAI.

    An observing day ends at noon of the next: it is the date of TAI less
    twelve hours (SITCOMTN-032).
    """
    if text is None:
        # The half minute between UTC and TAI makes no difference here.
        return parse_tai(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    try:
        return parse_tai(text) if "T" in text else parse_tai(f"{text}T00:00:00") + _DAY + _NOON
    except ValueError:
        raise UsageError(
            Diagnostic(
                "Not a date",
                f"--observed-until {with_code_points(text)}: neither a day nor a moment.",
                hint="Write 2025-02-11, or 2025-02-11T12:00:00 (TAI).",
            )
        ) from None


_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=7)
"""What a place may be waited for."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str | timedelta) -> timedelta:
    """Return a duration such as ``24h``."""
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text.strip())
    if not match:
        raise typer.BadParameter(f"{spelled(text)} is no duration; write 90s, 30m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def up_to_a_week(text: str | timedelta) -> timedelta:
    """Return a duration from a second to a week, such as ``10m``."""
    time = duration(text)
    if not _SHORTEST <= time <= _LONGEST:
        raise typer.BadParameter(f"{spelled(str(text))} is not between 1s and 7d; write 90s, 10m or 2h")
    return time


def beginning_of_journals(text: str | None) -> str:
    """Return where to begin, in the form of the names of journals."""
    if text is None:
        return ""
    try:
        if re.fullmatch(r"[0-9]+[smhd]", text):
            moment = datetime.now(UTC) - timedelta(seconds=duration(text).total_seconds())
        else:
            moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise UsageError(
            Diagnostic(
                "Not a date",
                f"--since {with_code_points(text)}: neither a day nor a duration.",
                hint="Write 2026-11-01, or 7d.",
            )
        ) from None
    # The names of years before 1000 would be shorter.
    return f"{moment.year:04}{moment:%m%dT%H%M%SZ}"


_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def byte_rate(text: str | float) -> float:
    """Return how many bytes a second ``200MB/s`` are."""
    if isinstance(text, float):
        return text
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([kMGKi]*B)/s", text.strip())
    if not match or match[2] not in _BYTES or float(match[1]) == 0:
        raise typer.BadParameter(f"{spelled(text)} is no rate; write 200MB/s, 50MiB/s or 1.5GB/s")
    return float(match[1]) * _BYTES[match[2]]


WaitOption = Annotated[
    timedelta | None,
    typer.Option(
        "--wait",
        metavar="DURATION",
        parser=duration,
        envvar="CALIBSTATE_WAIT",
        help="Wait so long for what Rucio carries (90s, 30m, 2h), and go on when it is there.",
    ),
]

LockTimeoutOption = Annotated[
    timedelta | None,
    typer.Option(
        "--lock-timeout",
        metavar="DURATION",
        parser=duration,
        envvar="CALIBSTATE_LOCK_TIMEOUT",
        help="Wait so long, in all, for places that others work on (90s, 10m); not at all unless told.",
    ),
]

# What passes a guard has no variable: one that was left in a shell would pass
# it again, without anybody meaning it.

AllowOption = Annotated[
    list[Guard] | None,
    typer.Option(
        "--allow",
        metavar="GUARD",
        help="Pass a guard, with --because: hold, wave, window, chain_changes or recertify.",
    ),
]
OverrideOption = Annotated[
    str | None,
    typer.Option(
        "--override",
        metavar="REASON",
        help="Pass the guards of time: --allow wave --allow window --because REASON, in short.",
    ),
]
BecauseOption = Annotated[
    str | None,
    typer.Option("--because", metavar="REASON", help="Why a guard is passed; it is kept."),
]


_LARGEST = 2**63 - 1
"""What a database of the butler can hold."""


def exposure_number(text: str | int) -> int:
    """Return the number of an exposure."""
    if isinstance(text, int):
        return text
    if not re.fullmatch(r"[0-9]{1,19}", text.strip()) or int(text) > _LARGEST:
        raise typer.BadParameter(f"{spelled(text)} is no number of an exposure; write 2024110700042")
    return int(text)


def at_least_one(text: str | int) -> int:
    """Return a number of things that are shown."""
    if isinstance(text, int):
        return text
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or int(text) == 0:
        raise typer.BadParameter(f"{spelled(text)} is no number of things; write 20")
    return int(text)


LimitOption = Annotated[
    int | None,
    typer.Option(
        "-n",
        "--limit",
        "--most",
        metavar="NUMBER",
        parser=at_least_one,
        envvar=["CALIBSTATE_LIMIT", "CALIBSTATE_MOST"],
        help="How many at most, the newest first.",
    ),
]


def _check_timeout(timeout: timedelta) -> timedelta:
    if not _SHORTEST <= timeout <= _LONGEST:
        raise typer.BadParameter("a place is waited for between 1s and 7d; write 60s, 5m or 2h")
    return timeout


TimeoutOption = Annotated[
    timedelta,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        parser=duration,
        callback=_check_timeout,
        envvar="CALIBSTATE_TIMEOUT",
        show_default=False,
        help="A place that says nothing for so long is unreachable (10s, 5m); 60s unless told.",
    ),
]

OnlyHereOption = Annotated[
    bool,
    typer.Option(
        "--only-here",
        envvar="CALIBSTATE_ONLY_HERE",
        help="Ask nobody but the site's own repositories and the store of their records.",
    ),
]

NoCacheOption = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        envvar="CALIBSTATE_NO_CACHE",
        help="Read every database in a file, and remember nothing of the last look at it.",
    ),
]

MaxAgeOption = Annotated[
    timedelta | None,
    typer.Option(
        "--max-age",
        metavar="DURATION",
        parser=duration,
        envvar="CALIBSTATE_MAX_AGE",
        help="How old an observation may be (90s, 30m, 24h, 7d); 24h unless told.",
    ),
]


OF_TIME = (Guard.WAVE, Guard.WINDOW)
"""Guards that an override passes: what they stop is right, and too early."""


def allowed(guards: list[Guard] | None, because: str | None, override: str | None = None) -> Allowed:
    """Return what a person allows.

    Parameters
    ----------
    guards
        Guards that are passed.
    because
        Why.
    override
        Why those of time are passed too.

    Raises
    ------
    UsageError
        There is no reason, or nothing that it is for.
    """
    for name in ("CALIBSTATE_ALLOW", "CALIBSTATE_BECAUSE", "CALIBSTATE_OVERRIDE"):
        if os.environ.get(name):
            screen.tell(f"{name} is set and means nothing: guards are passed by flags only.")
    if override is not None:
        if because is not None:
            detail = "--override and --because both say why, and one reason is kept."
            raise UsageError(Diagnostic("Two reasons", detail, hint="Give all of it to --override."))
        guards, because = [*(guards or ()), *OF_TIME], override
    if bool(guards) != bool(because and because.strip()):
        detail = "--allow needs a reason." if guards else "--because says why a guard is passed, and none is."
        names = ", ".join(guard.value for guard in Guard)
        hint = f"Give --allow ({names}) and --because REASON."
        raise UsageError(Diagnostic("Guard without a reason", detail, hint=hint))
    return Allowed(
        guards=tuple(sorted(set(guards or ()), key=list(Guard).index)), because=without_secrets(because or "")
    )


def refuse_together(options: Sequence[str]) -> None:
    """Refuse options of which one would be passed over in silence.

    Parameters
    ----------
    options
        Those that were given, each with something to do of its own.

    Raises
    ------
    UsageError
        There are several.
    """
    if len(options) > 1:
        detail = f"{' and '.join(options)} are things to do of their own."
        raise UsageError(Diagnostic("Options do not go together", detail, hint="Give one, then the other."))


def refuse_without(needed: str, options: Mapping[str, object]) -> None:
    """Refuse options that do nothing without another one.

    Parameters
    ----------
    needed
        That one, which was not given.
    options
        Their values; what is empty was not given.

    Raises
    ------
    UsageError
        One was given.
    """
    for option, value in options.items():
        if value:
            detail = f"Without {needed} nothing is done, and {option} would say how far."
            raise UsageError(Diagnostic("Option does nothing alone", detail, hint=f"Give {needed} too."))
