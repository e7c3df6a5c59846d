"""What can go wrong, as sentences.

A diagnostic has fixed words first, then what is wrong here and why it
matters, then what to do.  Every expected failure is one of the few errors
below and carries its exit code; the command line turns it into text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import ClassVar
from urllib.parse import unquote

from typing_extensions import override

__all__ = [
    "CalibstateError",
    "Diagnostic",
    "ExitCode",
    "InvalidStateError",
    "LockedError",
    "NeedsRecoveryError",
    "NotAsRecordedError",
    "PlanIsStaleError",
    "RefusedError",
    "Severity",
    "UnreachableError",
    "UsageError",
    "Where",
    "first_of",
    "keep_secret",
    "without_secrets",
]

_SHOWN = "***"

_IN_A_URL = re.compile(r"(?<=//)([^/\s:@\"']*):[^\s\"']{0,2048}(?=@)")
"""What follows the user in a URL; a password may hold any character.  Without
a bound, text that was made for it would be searched for hours."""

_ALONE_IN_A_URL = re.compile(r"(https?://)[^/\s:@\"']+(?=@)")
"""Of the web it may be a token; of S3 it is the name of a profile."""

_AFTER_ITS_NAME = re.compile(
    # From the beginning of a word, and never back into it: else the time would
    # grow as the square of its length.
    r"(?i)((?<![\w-])(?:(?=[\w-]*?(?:password|passwd|secret|token|signature|credential))[\w-]*+|AWSAccessKeyId)"
    r"[\"']?\s?[=:]\s?[\"']?)(?!\*\*\*)[^\s&,;\"'{}]{4,}"
)

_NAMES_OF_SECRETS = re.compile(r"(?i)password|passwd|secret|token|credentials_json")
_URL_WITH_PASSWORD = re.compile(r"//[^/\s:@]*:(\S+)@")
_SHORTEST = 8
"""Characters from which a secret is looked for wherever it may stand; a
shorter one may be a word of its own."""

_kept: set[str] = set()


def keep_secret(secret: str | None) -> None:
    """Have a secret taken out of all that is said from now on.

    Parameters
    ----------
    secret
        One that was learned of; those of the environment need not be told.
    """
    if secret and len(secret) >= _SHORTEST:
        _kept.add(secret)


def without_secrets(text: str) -> str:
    """Return text without passwords, keys and tokens."""
    if "//" in text and "@" in text:
        text = _IN_A_URL.sub(rf"\1:{_SHOWN}", text)
        text = _ALONE_IN_A_URL.sub(rf"\1{_SHOWN}", text)
    text = _AFTER_ITS_NAME.sub(rf"\1{_SHOWN}", text)
    # The longest first: one secret may begin another.
    for secret in sorted({*_kept, *_environment.secrets()}, key=len, reverse=True):
        text = text.replace(secret, _SHOWN)
    return text


class _Environment:
    """What is secret in the environment; searched anew when that changes."""

    def __init__(self) -> None:
        self._variables: dict[object, object] = {}
        self._secrets: tuple[str, ...] = ()

    def secrets(self) -> tuple[str, ...]:
        """Return passwords, keys and tokens that variables hold."""
        # What `os.environ` keeps is bytes; to decode all of it each time would
        # take as long as to search it.
        variables = dict(getattr(os.environ, "_data", os.environ))
        if variables != self._variables:
            # In this order: another thread may look between the two.
            self._secrets = tuple(_secrets_in(os.environ))
            self._variables = variables
        return self._secrets


_environment = _Environment()


def _secrets_in(variables: Mapping[str, str]) -> Iterator[str]:
    for name, value in variables.items():
        passwords = _URL_WITH_PASSWORD.findall(value)
        for secret in (*passwords, *map(unquote, passwords)):
            if len(secret) >= _SHORTEST:
                yield secret
        if _NAMES_OF_SECRETS.search(name) and len(value) >= _SHORTEST and "/" not in value[:1]:
            yield value


@dataclass(frozen=True, order=True)
class Where:
    """A place in a file that a person wrote."""

    file: str
    """File, relative to the root of the state tree where it is inside."""

    line: int
    """Line, counted from 1."""

    column: int = 1
    """Column, counted from 1."""

    @property
    def in_line(self) -> str:
        """The file and the line: ``chains/LSSTCam-calib.yaml:4``."""
        return f"{self.file}:{self.line}"

    @override
    def __str__(self) -> str:
        return f"{self.in_line}:{self.column}"


class Severity(Enum):
    """How much a diagnostic weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    DETAIL = "detail"
    """What is told only to who asks for details."""


@dataclass(frozen=True)
class Diagnostic:
    """One problem, told so that its reader can act on it."""

    summary: str
    """The class of problem: fixed words, nothing of the user's."""

    detail: str
    """What is wrong here, and why it matters."""

    where: Where | None = None
    """The line that is to be mended, where there is one."""

    hint: str = ""
    """What to do next."""

    severity: Severity = Severity.ERROR
    """How much it weighs."""

    code: str = ""
    """Code of the policy's rule, such as ``N101``; of all else none."""

    public: str = ""
    """The detail in words that tell nothing of a machine: no path, no address
    and no host.  Empty: nothing but the summary can be told so."""

    def __post_init__(self) -> None:
        # Diagnostics go everywhere: to the screen, into plans and journals.
        for part in ("detail", "hint", "public"):
            object.__setattr__(self, part, without_secrets(getattr(self, part)))

    @property
    def for_anybody(self) -> str:
        """What is wrong, as it may stand in a document that is published."""
        if self.public:
            return self.public
        # The summary has fixed words, and is no sentence of its own here.
        return self.summary[:1].lower() + self.summary[1:]

    @override
    def __str__(self) -> str:
        at = f" ({self.where})" if self.where else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.summary}{at}: {self.detail}{hint}"


class ExitCode(IntEnum):
    """What a command ends with."""

    DONE = 0
    ERROR = 1
    DRIFT = 2
    REFUSED = 3
    PENDING = 4
    USAGE = 64


def first_of(*codes: ExitCode) -> ExitCode:
    """Return the code that weighs most, of several that hold."""
    order = (ExitCode.USAGE, ExitCode.ERROR, ExitCode.REFUSED, ExitCode.DRIFT, ExitCode.PENDING)
    return next((code for code in order if code in codes), ExitCode.DONE)


class CalibstateError(Exception):
    """Base of every error that is raised on purpose.

    Parameters
    ----------
    diagnostics
        What is wrong; at least one.
    """

    exit_code: ClassVar[int] = 1
    """Exit code of a command that ends with this error."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("\n".join(str(d) for d in diagnostics))
        self.diagnostics = diagnostics

    @property
    def first(self) -> Diagnostic:
        """The first thing that is wrong."""
        return self.diagnostics[0]


class UsageError(CalibstateError):
    """The command line was wrong."""

    exit_code = 64


class InvalidStateError(CalibstateError):
    """The state tree, or another file of ours, does not say what it must."""


class UnreachableError(CalibstateError):
    """A place did not answer; nothing is known of what it holds."""


class NeedsRecoveryError(UnreachableError):
    """A writer was killed; the place must be opened for writing once."""


class RefusedError(CalibstateError):
    """What was asked would lose or contradict something; nothing was done."""

    exit_code = 3


class NotAsRecordedError(RefusedError):
    """A file is not as the datastore recorded it: cut off, or altered."""


class PlanIsStaleError(RefusedError):
    """The live state is no longer what a step was made for."""


class LockedError(RefusedError):
    """Another run works on the place.

    Parameters
    ----------
    diagnostics
        What is wrong.
    holder
        By what the one that holds it is told from all others; empty where that
        is not known.
    """

    def __init__(self, *diagnostics: Diagnostic, holder: str = "") -> None:
        super().__init__(*diagnostics)
        self.holder = holder
