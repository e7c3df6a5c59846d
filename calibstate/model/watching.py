"""A site that keeps itself: what runs by itself there, and how that goes.

A *turn* does once what a person would do by hand; a loop is turns.  How it
goes is told by three conditions, each with a reason and since when: *ready*
(nothing is to be done), *reconciling* (it goes on by itself) and *stalled* (it
goes on when a person has done something).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import Enum
from typing import Annotated

from pydantic import AfterValidator, Field

from .actions import Action
from .names import Noun, RepositoryAddress, Word
from .observations import Moment

__all__ = [
    "Chains",
    "Condition",
    "Finding",
    "Notice",
    "Unattended",
    "Unsent",
    "WatchReason",
    "WatchSettings",
    "WatchState",
    "WatchWord",
    "conditions",
]

TIMES_IN_A_ROW = 3
"""Turns that something may go wrong that often mends itself, before a person
is told."""


class Chains(Enum):
    """Whether what is searched changes without a person."""

    ASK = "ask"
    APPLY = "apply"


class Unattended(Enum):
    """Actions that a site can let run by themselves, as plans call them.

    Not those that change what is searched, for which there is `Chains`, and
    not those that take hours, which no plan has.
    """

    ADD_RULE = "add-rule"
    BOOST_RULE = "boost-rule"
    CERTIFY = "certify"
    EXPORT_BUNDLE = "export-bundle"
    IMPORT_BUNDLE = "import-bundle"
    INGEST_FILES = "ingest-files"
    INGEST_READINGS = "ingest-readings"
    KEEP_RULE = "keep-rule"
    REGISTER_DATASET = "register-dataset"
    REGISTER_SKYMAP = "register-skymap"
    RESTORE_BUNDLE = "restore-bundle"
    WRITE_CURATED = "write-curated"


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

_LONGEST = timedelta(days=7)


def _duration(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def _is_watched(text: str) -> str:
    if _duration(text) > _LONGEST:
        raise ValueError(f"{text!r} is longer than a week, in which nobody would be told; write at most 7d")
    return text


class WatchSettings(Noun):
    """What a site lets run by itself."""

    apply: tuple[Unattended, ...] = ()
    """Actions, but those that change what is searched."""

    chains: Chains = Chains.ASK
    """What becomes of actions that change what is searched."""

    every: Annotated[
        str,
        Field(pattern=r"^[1-9][0-9]{0,5}[smhd]$"),
        AfterValidator(_is_watched),
    ] = "10m"
    """Time from one turn to the next, a week at most."""

    @property
    def pause(self) -> timedelta:
        """Time from one turn to the next."""
        return _duration(self.every)

    def lets(self, action: Action) -> bool:
        """Say whether an action runs without a person.

        Parameters
        ----------
        action
            What would be done.
        """
        if action.entrants or action.leavers:
            return self.chains is Chains.APPLY
        return action.do in {allowed.value for allowed in self.apply}


class WatchWord(Enum):
    """How a loop goes on, in a word."""

    READY = "ready"
    RECONCILING = "reconciling"
    STALLED = "stalled"


class WatchReason(Enum):
    """Why a loop goes on as it does; what weighs most comes first."""

    GIT_REFUSES = "GitRefuses"
    HISTORY_REWRITTEN = "HistoryRewritten"
    OTHER_BRANCH = "OtherBranch"
    LOCAL_CHANGES = "LocalChanges"
    UNSOUND = "Unsound"
    NOT_DECLARED = "NotDeclared"
    REFUSED = "Refused"
    DAILY_ALARM = "DailyAlarm"
    FAILED = "Failed"
    UNREACHABLE = "Unreachable"
    LOCKED = "Locked"
    NOT_PUBLISHED = "NotPublished"
    NOT_FETCHED = "NotFetched"
    PAGE_NOT_WRITTEN = "PageNotWritten"
    ASKS_A_PERSON = "AsksAPerson"
    EXTRA = "Extra"
    ON_HOLD = "OnHold"
    WAITING = "Waiting"
    APPLIED = "Applied"
    IN_SYNC = "InSync"

    @property
    def word(self) -> WatchWord:
        """How a loop goes on for this reason."""
        if self is WatchReason.IN_SYNC:
            return WatchWord.READY
        if self in _BY_ITSELF:
            return WatchWord.RECONCILING
        return WatchWord.STALLED

    def asks(self, troubled: int) -> bool:
        """Say whether a person is asked for.

        Parameters
        ----------
        troubled
            Turns in a row in which something went wrong.
        """
        if self.word is not WatchWord.STALLED:
            return False
        return troubled >= TIMES_IN_A_ROW or not self.often_mends_itself

    @property
    def is_of_the_clone(self) -> bool:
        """Whether the clone holds what nobody has merged, or may do so."""
        return self in _OF_THE_CLONE

    @property
    def often_mends_itself(self) -> bool:
        """Whether a person is told only when it lasts."""
        return self in _OFTEN_MENDS_ITSELF


_BY_ITSELF = frozenset({WatchReason.ON_HOLD, WatchReason.WAITING, WatchReason.APPLIED})

_OF_THE_CLONE = frozenset(
    {
        WatchReason.GIT_REFUSES,
        WatchReason.HISTORY_REWRITTEN,
        WatchReason.OTHER_BRANCH,
        WatchReason.LOCAL_CHANGES,
    }
)

_OFTEN_MENDS_ITSELF = frozenset(
    {
        WatchReason.FAILED,
        WatchReason.UNREACHABLE,
        WatchReason.LOCKED,
        WatchReason.NOT_PUBLISHED,
        WatchReason.NOT_FETCHED,
        WatchReason.PAGE_NOT_WRITTEN,
    }
)


class Finding(Noun):
    """Something that a turn met."""

    reason: WatchReason

    message: str
    """In a sentence, without paths, addresses and hosts."""

    command: str = ""
    """What a person types next; empty: nothing."""

    about: tuple[RepositoryAddress, ...] = ()
    """Repositories."""


class Condition(Noun):
    """Whether something holds of a loop, why, and since when."""

    holds: bool
    reason: WatchReason
    message: str
    since: Moment
    """When it became so, for whatever reason, in UTC."""


class Notice(Noun):
    """What is told to people: a change of state."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Never that of another one."""

    site: Word
    at: Moment
    word: WatchWord
    was: WatchWord | None = None
    """How it went on before; `None`: this is the first turn."""

    reason: WatchReason
    message: str
    commands: tuple[str, ...] = ()
    """What a person types next."""


class Unsent(Noun):
    """A change of which not all people know."""

    notice: Notice

    told_by: tuple[str, ...] = ()
    """Ways by which it was told."""


class WatchState(Noun):
    """How a loop goes on, as of its last turn."""

    site: Word

    loop: str
    """Which one: another of the same site has another name."""

    at: Moment
    """When the last turn ended, in UTC."""

    until: Moment | None = None
    """Until when it keeps the site, in UTC: while a turn may go on, and for a
    few pauses behind it; null: as long as the site's own pauses say."""

    version: str
    """Version of calibstate."""

    commit: str | None = None
    """Commit that the turn went by."""

    turns: Annotated[int, Field(ge=1)] = 1
    """Turns since the first one."""

    troubled: Annotated[int, Field(ge=0)] = 0
    """Turns in a row in which something went wrong."""

    ready: Condition
    reconciling: Condition
    stalled: Condition

    findings: tuple[Finding, ...] = ()
    """What the last turn met, what weighs most first."""

    unsent: tuple[Unsent, ...] = ()
    """What was to be told to people, and was not, or not by all ways."""

    @property
    def word(self) -> WatchWord:
        """How it goes on."""
        if self.stalled.holds:
            return WatchWord.STALLED
        if self.reconciling.holds:
            return WatchWord.RECONCILING
        return WatchWord.READY

    @property
    def because(self) -> Condition:
        """The condition that tells why."""
        by_word = {
            WatchWord.STALLED: self.stalled,
            WatchWord.RECONCILING: self.reconciling,
            WatchWord.READY: self.ready,
        }
        return by_word[self.word]

    @property
    def commands(self) -> tuple[str, ...]:
        """What a person types next, each once."""
        commands = [finding.command for finding in self.findings if finding.command]
        return tuple(dict.fromkeys(commands))

    def is_news(self, before: WatchState | None) -> bool:
        """Say whether people are to be told of it.

        Parameters
        ----------
        before
            As of the turn before; `None`: there was none.
        """
        if before is None:
            return self.word is WatchWord.STALLED
        if self.word is not before.word:
            # That something is under way is told where it ends a trouble.
            return WatchWord.STALLED in (self.word, before.word)
        return self.word is WatchWord.STALLED and _asked(self) != _asked(before)

    def asked_anew(self, before: WatchState | None) -> tuple[Finding, ...]:
        """Return what a person is asked for now, and was not before.

        Parameters
        ----------
        before
            As of the turn before; `None`: there was none.
        """
        wanted: frozenset[tuple[str, str]] = frozenset()
        if before is not None:
            wanted = _asked(before)
        return tuple(
            finding
            for finding in self.findings
            if finding.reason.asks(self.troubled) and _what(finding) not in wanted
        )


_EACH_FOR_ITSELF = frozenset({WatchReason.REFUSED, WatchReason.EXTRA, WatchReason.FAILED})
"""Reasons of which another instance is news, while one is open."""


def _asked(state: WatchState) -> frozenset[tuple[str, str]]:
    """Return what a person is asked for."""
    wanted: set[tuple[str, str]] = set()
    for finding in state.findings:
        if finding.reason.asks(state.troubled):
            wanted.add(_what(finding))
    return frozenset(wanted)


def _what(finding: Finding) -> tuple[str, str]:
    """Return by what one finding is told from another."""
    # Without a command it is known by what it is about.
    what = finding.command or " ".join(sorted(map(str, finding.about)))
    reason = finding.reason
    if reason in _EACH_FOR_ITSELF:
        what = finding.message
    return reason.value, what


def conditions(
    findings: Iterable[Finding],
    at: str,
    troubled: int,
    before: WatchState | None,
) -> dict[str, Condition]:
    """Return the conditions of a loop, by name.

    Parameters
    ----------
    findings
        What the turn met.
    at
        When it ended, in UTC.
    troubled
        Turns in a row in which something went wrong, this one too.
    before
        As of the turn before; `None`: there was none.
    """
    stalling: list[Finding] = []
    going_on: list[Finding] = []
    for finding in findings:
        if finding.reason.asks(troubled):
            stalling.append(finding)
        elif finding.reason.word is not WatchWord.READY:
            going_on.append(finding)
    is_ready = not stalling and not going_on
    why_by_word = {
        WatchWord.STALLED: (bool(stalling), _why(stalling, "Nothing is asked of a person.")),
        WatchWord.RECONCILING: (bool(going_on), _why(going_on, "Nothing is under way.")),
        WatchWord.READY: (is_ready, _why([*stalling, *going_on], "Live is as declared.")),
    }
    since: dict[str, Condition] = {}
    for word, (holds, (reason, message)) in why_by_word.items():
        then: Condition | None = getattr(before, word.value) if before else None
        begun = at
        # That it is so for another reason now does not begin it anew.
        if then and then.holds == holds:
            begun = then.since
        since[word.value] = Condition(holds=holds, reason=reason, message=message, since=begun)
    return since


def _why(findings: Sequence[Finding], otherwise: str) -> tuple[WatchReason, str]:
    """Return the gravest reason, and its words."""
    if not findings:
        return WatchReason.IN_SYNC, otherwise
    order = list(WatchReason)
    first = min(findings, key=lambda finding: order.index(finding.reason))
    return first.reason, first.message
