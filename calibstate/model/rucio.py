"""What Rucio knows: files, datasets of files, rules, storage elements.

A rule in state OK does not mean that all files are there: a file that was
lost everywhere leaves a closed dataset without a word, and the rule stays OK.
So what is *available* is counted beside what the rule says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .settings import RucioNames, RucioSettings

__all__ = [
    "RegisteredDataset",
    "RegisteredFile",
    "Rule",
    "RuleState",
    "Storage",
    "expected_path",
    "expected_pfn",
    "name_problem",
]


def name_problem(name: str, rule: RucioNames) -> str | None:
    """Say why Rucio would refuse the name of a file or dataset.

    Parameters
    ----------
    name
        A name without its scope.
    rule
        Which names the server takes.

    Returns
    -------
    str or None
        The reason, or `None` for a name that Rucio may be asked about; what
        it says of it is its own.
    """
    if not name:
        return "it is empty"
    if len(name) > rule.length:
        return f"it has {len(name)} characters, and Rucio takes {rule.length} (`rucio.names.length`)"
    if not re.fullmatch(rule.pattern.removesuffix("$"), name):
        return f"Rucio takes `{rule.pattern}` (`rucio.names.pattern`)"
    return None


def expected_path(settings: RucioSettings, name: str) -> str | None:
    """Return the path that a file must have in the URI of the origin's.

    Parameters
    ----------
    settings
        Where the origin is.
    name
        Name of the file without its scope.

    Returns
    -------
    str or None
        The path, which in an object store begins behind the bucket; `None`
        where the settings do not name the root.
    """
    if settings.rse_root is None:
        return None
    return f"{settings.rse_root.rstrip('/')}/{settings.scope}/{name}"


def expected_pfn(settings: RucioSettings, name: str) -> str | None:
    """Return the URL under which a file of the origin is registered.

    Parameters
    ----------
    settings
        Where the origin is.
    name
        Name of the file without its scope.

    Returns
    -------
    str or None
        The URL that the origin's RSE must build for it too; `None` where
        the settings do not name the data transfer node.
    """
    if settings.dtn_url is None:
        return None
    return f"{settings.dtn_url.rstrip('/')}/{settings.scope}/{name}"


@dataclass(frozen=True)
class RegisteredFile:
    """A file, as Rucio describes it."""

    size: int
    """Bytes."""

    adler32: str
    """Adler-32 as eight hex digits."""

    uuid: str | None = None
    """Dataset that its sidecar names; `None` where that was not asked, or it
    has none."""


@dataclass(frozen=True)
class RegisteredDataset:
    """A Rucio dataset and what it holds."""

    is_open: bool
    """Whether files can be attached to it."""

    files: Mapping[str, RegisteredFile] = field(default_factory=dict, repr=False)
    """By name, without the scope."""


class RuleState(Enum):
    """How far a rule has come, in Rucio's words."""

    OK = "OK"
    REPLICATING = "REPLICATING"
    STUCK = "STUCK"
    SUSPENDED = "SUSPENDED"
    WAITING_APPROVAL = "WAITING_APPROVAL"
    INJECT = "INJECT"


@dataclass(frozen=True)
class Rule:
    """A replication rule."""

    id: str
    account: str
    """Who owns it."""

    dataset: str
    """Name of the dataset that it is on, without the scope; with it where it
    is not ours."""

    rses: frozenset[str]
    """Storage elements at each of which it keeps a copy."""

    state: RuleState
    ok: int = 0
    """Locks on files that are there."""

    replicating: int = 0
    """Locks on files that are on their way."""

    stuck: int = 0
    """Locks on files whose transfers failed."""

    since: str = ""
    """When it was made, UTC with ``Z``."""

    expires_at: str | None = None
    """When it ends, UTC with ``Z``; `None`: it lasts."""

    retry_due: bool = False
    """Whether it is stuck and Rucio tries it again by itself soon."""

    reason: str = ""
    """Why it is stuck, in Rucio's words."""


@dataclass(frozen=True)
class Storage:
    """A storage element (RSE), for the account that asks."""

    writable: bool
    room: int | None
    """Bytes that the account may still put there; `None`: no bound."""
