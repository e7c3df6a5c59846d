"""Rucio in memory, for tests of what uses it.

It is held to ``tests/contracts/rucio_test.py`` together with the real one.
Nothing moves by itself: files arrive when a hand says so.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from calibstate.errors import Diagnostic, PlanIsStaleError, RefusedError, UnreachableError
from calibstate.model.rucio import (
    RegisteredDataset,
    RegisteredFile,
    Rule,
    RuleState,
    Storage,
    expected_path,
    expected_pfn,
    name_problem,
)
from calibstate.model.settings import RucioSettings
from calibstate.ports.progress import Watch, unwatched
from calibstate.ports.records import Fence, unfenced
from calibstate.ports.rucio import FileToRegister, RucioWriter

__all__ = ["MemoryRucio"]

ORIGIN, SUMMIT, BASE = "SLAC_BUTLER_DISK", "SUMMIT_CALIB_DISK", "BASE_CALIB_DISK"

_MANY = 1000
_CHUNK = 100


@dataclass
class _Dataset:
    is_open: bool = True
    names: list[str] = field(default_factory=list)


@dataclass
class _Rse:
    writable: bool = True
    quota: int | None = None


@dataclass
class _Rule:
    id: str
    account: str
    dataset: str
    rses: tuple[str, ...]
    copies: int
    comment: str
    locks: dict[tuple[str, str], RuleState] = field(default_factory=dict)
    """By file and RSE: OK, REPLICATING or STUCK."""
    said: RuleState | None = None
    """What it says whatever its locks are."""
    since: str = "2025-01-01T00:00:00Z"
    expires_at: str | None = None
    retry_due: bool = False
    reason: str = ""

    @property
    def state(self) -> RuleState:
        if self.said:
            return self.said
        held = set(self.locks.values())
        return next((s for s in (RuleState.STUCK, RuleState.REPLICATING) if s in held), RuleState.OK)

    def count(self, state: RuleState) -> int:
        return sum(lock is state for lock in self.locks.values())


class MemoryRucio(RucioWriter):
    """Rucio in dictionaries.

    Parameters
    ----------
    settings
        How datasets and files are called.
    rses
        Storage elements, besides the origin's.
    account
        Who asks; an administrator, unless `admin` is taken away.
    """

    def __init__(
        self, settings: RucioSettings, rses: Iterable[str] = (SUMMIT, BASE), *, account: str = "root"
    ) -> None:
        self.settings = settings
        self.who = account
        self.admin = True
        self.scopes = {settings.scope}
        self.rses = {name: _Rse() for name in (settings.origin_rse, *rses)}
        self.known: dict[str, RegisteredFile] = {}
        self.held: dict[str, _Dataset] = {}
        self.replicas: dict[str, set[str]] = {name: set() for name in self.rses}
        self.made: dict[str, _Rule] = {}
        self.out_of_reach = False
        self.pfn_base: str | None = settings.dtn_url
        """URL at which the origin's RSE really is."""
        self.writes: list[str] = []
        """What was to change something, such as ``add_rule``."""
        self._ids = itertools.count(1)

    # What a hand does there

    def arrive(self, dataset: str, rse: str, number: int | None = None) -> None:
        """Let files of a dataset that are on their way arrive at an RSE."""
        for name in self.held[dataset].names[:number]:
            self._arrive(name, rse)

    def fail(self, dataset: str, rse: str, reason: str) -> None:
        """Let the transfers of a dataset to an RSE fail for good."""
        for rule in self._rules_on(dataset):
            for (name, where), state in rule.locks.items():
                if where == rse and state is RuleState.REPLICATING:
                    rule.locks[name, where] = RuleState.STUCK
                    rule.reason, rule.retry_due = reason, False

    def lose(self, name: str, rse: str) -> None:
        """Lose a replica, and let Rucio know of it.

        The last one takes the file out of its datasets.
        """
        self.replicas[rse].discard(name)
        if not any(name in names for names in self.replicas.values()):
            self.vanish(name)
        for rule in self.made.values():
            if (name, rse) in rule.locks:
                rule.locks[name, rse] = RuleState.REPLICATING

    def vanish(self, name: str) -> None:
        """Take a file out of its datasets, closed or not."""
        for dataset, held in self.held.items():
            if name in held.names:
                held.names.remove(name)
                for rule in self._rules_on(dataset):
                    rule.locks = {lock: state for lock, state in rule.locks.items() if lock[0] != name}

    def expire(self, rule: str) -> None:
        """Have a rule end."""
        self.made[rule].expires_at = "2099-01-01T00:00:00Z"

    def say(self, rule: str, state: RuleState | None) -> None:
        """Have a rule say something, whatever its locks are."""
        self.made[rule].said = state

    def add_by_hand(
        self, dataset: str, *rses: str, copies: int | None = None, account: str | None = None
    ) -> str:
        """Make a rule for several RSEs, or of somebody else; return its id."""
        return self._make(dataset, rses, copies or len(rses), account or self.who, "by hand").id

    def attach(self, dataset: str, names: Iterable[str], *, closed: bool = True) -> None:
        """Make another dataset of files that are registered."""
        self.held[dataset] = _Dataset(not closed, list(names))

    def set_writable(self, rse: str, *, writable: bool) -> None:
        """Let an RSE be written, or not."""
        self.rses[rse].writable = writable

    def set_quota(self, rse: str, bytes_: int | None) -> None:
        """Give the account so much room at an RSE; `None`: no bound."""
        self.rses[rse].quota = bytes_

    # What calibstate asks

    @property
    @override
    def account(self) -> str:
        self._reach()
        return self.who

    @override
    def datasets(
        self, names: Iterable[str], *, sidecars: Iterable[str] = ()
    ) -> Mapping[str, RegisteredDataset]:
        self._reach()
        with_sidecars = set(sidecars)
        return {
            name: RegisteredDataset(
                self.held[name].is_open,
                {
                    file: self.known[file] if name in with_sidecars else replace(self.known[file], uuid=None)
                    for file in self.held[name].names
                },
            )
            for name in dict.fromkeys(names)
            if name in self.held
        }

    @override
    def files(self, names: Iterable[str]) -> Mapping[str, RegisteredFile]:
        self._reach()
        return {name: self.known[name] for name in names if name in self.known}

    @override
    def rules(self, dataset: str) -> tuple[Rule, ...]:
        self._reach()
        if dataset not in self.held:
            return ()
        names = set(self.held[dataset].names)
        holders = [
            name
            for name, other in self.held.items()
            if name != dataset and names and not other.is_open and names <= set(other.names)
        ]
        return tuple(_shown(rule) for name in (dataset, *holders) for rule in self._rules_on(name))

    @override
    def available(self, dataset: str) -> Mapping[str, int]:
        self._reach()
        names = self.held[dataset].names if dataset in self.held else []
        counts = {rse: sum(name in there for name in names) for rse, there in self.replicas.items()}
        return {rse: count for rse, count in counts.items() if count}

    @override
    def storage(self, rse: str) -> Storage | None:
        self._reach()
        return Storage(self.rses[rse].writable, self._room(rse)) if rse in self.rses else None

    @override
    def has_scope(self) -> bool:
        self._reach()
        return self.settings.scope in self.scopes

    @override
    def pfn(self, name: str) -> str | None:
        self._reach()
        if self.settings.origin_rse not in self.rses:
            return None
        return expected_pfn(self.settings.model_copy(update={"dtn_url": self.pfn_base}), name)

    @override
    def register(
        self,
        dataset: str,
        files: Sequence[FileToRegister],
        *,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
    ) -> None:
        self._reach()
        distinct = list({file.name: file for file in reversed(files)}.values())[::-1]
        self._check(dataset, distinct)
        for done, file in enumerate(distinct, 1):
            fence()
            self.writes.append("register")
            self._register(self.held.setdefault(dataset, _Dataset()), file)
            if done % _CHUNK == 0 or done == len(distinct):
                watch("files", done, len(distinct))

    @override
    def close(self, dataset: str) -> None:
        self._reach()
        if dataset not in self.held:
            raise _refused("Rucio does not know the dataset", dataset)
        if self.held[dataset].is_open:
            self.writes.append("close")
            self.held[dataset].is_open = False

    @override
    def add_rule(self, dataset: str, rse: str, *, comment: str) -> None:
        self._reach()
        if rse not in self.rses:
            raise _refused("Unknown storage element", rse)
        if dataset not in self.held:
            raise _refused("Rucio does not know the dataset", dataset)
        if not self.rses[rse].writable:
            raise _refused("Storage element may not be written", rse)
        if any((r.account, r.rses, r.copies) == (self.who, (rse,), 1) for r in self._rules_on(dataset)):
            return
        room = self._room(rse)
        # The last byte of a quota cannot be used.
        if room is not None and room <= sum(self.known[n].size for n in self.held[dataset].names):
            raise _refused("Account has no room at the storage element", rse)
        self.writes.append("add_rule")
        rule = self._make(dataset, (rse,), 1, self.who, comment)
        rule.said = RuleState.INJECT if len(self.held[dataset].names) > _MANY else None

    @override
    def keep_rule(self, rule: str) -> None:
        self._changeable(rule).expires_at = None
        self.writes.append("keep_rule")

    @override
    def boost_rule(self, rule: str) -> None:
        found = self._changeable(rule)
        found.retry_due = found.state is RuleState.STUCK
        self.writes.append("boost_rule")

    # How it does it

    def _reach(self) -> None:
        if self.out_of_reach:
            raise UnreachableError(Diagnostic("Rucio does not answer", "It is out of reach."))

    def _rules_on(self, dataset: str) -> list[_Rule]:
        return [rule for rule in self.made.values() if rule.dataset == dataset]

    def _make(self, dataset: str, rses: Sequence[str], copies: int, account: str, comment: str) -> _Rule:
        rule = _Rule(f"{next(self._ids):032x}", account, dataset, tuple(rses), copies, comment)
        for name in self.held[dataset].names:
            # Of a rule with a choice, those are taken that have the file.
            there = sorted(rses, key=lambda rse: name not in self.replicas[rse])[:copies]
            for rse in there:
                has = name in self.replicas[rse]
                rule.locks[name, rse] = RuleState.OK if has else RuleState.REPLICATING
        self.made[rule.id] = rule
        return rule

    def _arrive(self, name: str, rse: str) -> None:
        locks = [rule.locks for rule in self.made.values() if (name, rse) in rule.locks]
        if locks:
            self.replicas[rse].add(name)
        for held in locks:
            held[name, rse] = RuleState.OK

    def _room(self, rse: str) -> int | None:
        quota = self.rses[rse].quota
        ours = [rule for rule in self.made.values() if rule.account == self.who]
        used = sum(self.known[name].size for rule in ours for name, where in rule.locks if where == rse)
        return None if quota is None else max(0, quota - used)

    def _check(self, dataset: str, files: Sequence[FileToRegister]) -> None:
        if self.settings.rse_root is None or self.settings.dtn_url is None:
            raise _refused("Origin is not described", dataset)
        self._check_files(dataset, files)
        if not self.has_scope():
            raise _refused("Scope does not exist", self.settings.scope)
        if dataset in self.held and not self.held[dataset].is_open:
            raise _refused("Rucio dataset is closed", dataset)
        if files and not self.admin:
            raise _refused("Account has no right in Rucio", self.who)

    def _check_files(self, dataset: str, files: Sequence[FileToRegister]) -> None:
        for name in (dataset, *(file.name for file in files)):
            if problem := name_problem(name, self.settings.names):
                raise _refused("Name is not fit for Rucio", f"{name}: {problem}")
        for file in files:
            if unquote(urlsplit(file.uri).path) != expected_path(self.settings, file.name):
                raise _refused("File is not where the storage element would have it", file.uri)
        if files and self.pfn(files[0].name) != expected_pfn(self.settings, files[0].name):
            raise _refused("URLs of the origin differ", files[0].name)
        for file in files:
            have = self.known.get(file.name, file)
            if (have.size, have.adler32) != (file.size, file.adler32):
                raise _refused("File is known with other bytes", file.name)

    def _register(self, held: _Dataset, file: FileToRegister) -> None:
        if file.name not in self.known:
            self.known[file.name] = RegisteredFile(file.size, file.adler32, _uuid(file.sidecar))
        self.replicas[self.settings.origin_rse].add(file.name)
        if file.name not in held.names:
            held.names.append(file.name)

    def _changeable(self, rule: str) -> _Rule:
        self._reach()
        if rule not in self.made:
            raise PlanIsStaleError(Diagnostic("Rule is gone", rule))
        if not self.admin:
            raise _refused("Account has no right in Rucio", rule)
        return self.made[rule]


def _shown(rule: _Rule) -> Rule:
    return Rule(
        id=rule.id,
        account=rule.account,
        dataset=rule.dataset,
        rses=frozenset(rule.rses) if rule.copies == len(rule.rses) else frozenset(),
        state=rule.state,
        ok=rule.count(RuleState.OK),
        replicating=rule.count(RuleState.REPLICATING),
        stuck=rule.count(RuleState.STUCK),
        since=rule.since,
        expires_at=rule.expires_at,
        retry_due=rule.retry_due and rule.state is RuleState.STUCK,
        reason=rule.reason if rule.state is RuleState.STUCK else "",
    )


def _uuid(sidecar: str) -> str | None:
    try:
        told = json.loads(sidecar)
    except json.JSONDecodeError:
        return None
    return told.get("id") if isinstance(told, dict) else None


def _refused(summary: str, detail: str) -> RefusedError:
    return RefusedError(Diagnostic(summary, detail))
