"""A rule of Rucio: all files of a ticket's dataset are kept at one RSE.

There is one rule for each RSE, so that a site that is away stops nobody else;
a joint rule that somebody made by hand counts for each of its RSEs.  The rule
is fulfilled when all files are counted there, whatever its state says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from typing_extensions import override

from ..errors import InvalidStateError, UnreachableError
from ..model.actions import Action, Departure, Standing
from ..model.bundles import Manifest
from ..model.desired import DesiredState
from ..model.drift import Drift, What
from ..model.names import ARCHIVE, RUCIO, Address, Place, RepositoryAddress, TicketKey
from ..model.reasons import Code, Reason
from ..model.resources import Declared, Need, Resource
from ..model.rucio import RegisteredFile, Rule, RuleState, Storage
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from ..ports.rucio import RucioReader
from .base import Kind, Takers
from .bundle import bundle_departure, bundle_of
from .rucio_dataset import declared_dataset, rses_of
from .selection import Selection

__all__ = ["AddRule", "BoostRule", "KeepRule", "RucioRule", "RucioRuleKind", "RuleAction"]

COMMENT = "calibrations, kept by calibstate"
"""What our rules say of themselves."""


@dataclass(frozen=True)
class RucioRule(Resource):
    """What keeps the files of a ticket at an RSE."""

    ticket: TicketKey
    """Instrument and ticket."""

    scope: str
    dataset: str
    """Name of the Rucio dataset within the scope."""

    rse: str

    fingerprint: str | None = None
    """Of the ticket; `None` where nobody can tell what it holds."""

    bytes_digest: str | None = None
    """Declared: digest that the bundle's bytes must have; `None` where nothing
    was sealed."""

    is_asked: bool = False
    """Asked: tell the bundles of the ticket that are there."""

    manifest: Manifest | None = field(default=None, repr=False)
    """Declared, or observed where it was asked for: what is to arrive; `None`
    before the ticket is exported."""

    bundles: tuple[Manifest, ...] = field(default=(), repr=False)
    """Observed: the bundles of the ticket, where they were asked for."""

    account: str = ""
    """Observed: whose rules we may change."""

    rules: tuple[Rule, ...] = ()
    """Observed: rules that keep all files at the RSE."""

    files: Mapping[str, RegisteredFile] = field(default_factory=dict, repr=False)
    """Observed: files of the dataset."""

    available: int = 0
    """Observed: how many of them are there."""

    storage: Storage | None = None
    """Observed, without a rule: what may be put there; `None`: no RSE."""

    @classmethod
    def at(cls, ticket: Ticket, rse: str) -> Address:
        """Return the address of what keeps a ticket at an RSE."""
        return Address(place=RUCIO, kind="rucio_rule", name=f"{ticket.name}/{rse}")

    @property
    def did(self) -> str:
        """Scope and name, as Rucio's own commands take them."""
        return f"{self.scope}:{self.dataset}"

    @property
    def held(self) -> int:
        """Number of files of the dataset."""
        return len(self.files)

    @property
    def has_arrived(self) -> bool:
        """Whether every file of the dataset is there."""
        return 0 < self.held <= self.available

    @property
    def lasting(self) -> Rule | None:
        """The rule that lasts, and of several the furthest."""
        rules = [rule for rule in self.rules if rule.expires_at is None]
        return min(rules, key=lambda rule: _ORDER.index(rule.state), default=None)

    @property
    def ending(self) -> Rule | None:
        """A rule of ours that ends."""
        return next((r for r in self.rules if r.expires_at and r.account == self.account), None)

    @override
    def declaration(self) -> Mapping[str, object]:
        return {"scope": self.scope, "dataset": self.dataset, "rse": self.rse}

    @override
    def reads(self) -> tuple[Place, ...]:
        return (ARCHIVE,)

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {self.available} of {self.held}"
        for rule in self.rules:
            yield f"{self.address} {rule.id} {rule.state.value} {rule.expires_at}"


_ORDER = (
    RuleState.OK,
    RuleState.REPLICATING,
    RuleState.INJECT,
    RuleState.STUCK,
    RuleState.WAITING_APPROVAL,
    RuleState.SUSPENDED,
)
"""How near to their end rules are."""


class RuleAction(Action):
    """What is done to the rules of one dataset at one RSE."""

    ticket: str
    instrument: str
    scope: str
    dataset: str
    """Name of the Rucio dataset, without its scope."""

    rse: str

    fingerprint: str | None = None
    """Ticket fingerprint of the bundle that says what is to arrive."""

    content: str | None = None
    """Digest that the bundle's bytes must have; `None` where nothing was
    sealed."""

    @override
    def subject(self) -> RucioRule:
        return RucioRule(
            self.target,
            TicketKey(self.instrument, self.ticket),
            self.scope,
            self.dataset,
            self.rse,
            fingerprint=self.fingerprint,
            bytes_digest=self.content,
            is_asked=self.fingerprint is not None,
        )

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, RucioRule) or not live.is_asked or self.fingerprint is None:
            return
        if live.manifest is None:
            yield bundle_departure(
                f"{self.instrument}/{self.ticket}", self.fingerprint, self.content, live.bundles
            )
        elif live.held < len(live.manifest.files) or _is_another(live.manifest, live):
            expected = f"the {len(live.manifest.files)} files of the bundle"
            found = f"{live.held} files" if live.held < len(live.manifest.files) else "others"
            yield Departure(RUCIO, live.did, expected, found)

    @override
    def brings(self) -> frozenset[tuple[str, str]]:
        return frozenset({(RUCIO, f"{self.scope}:{self.dataset} at {self.rse}")})


class AddRule(RuleAction):
    """Have Rucio bring a ticket's files to an RSE and keep them there."""

    do: ClassVar[str] = "add-rule"

    @override
    def standing(self, live: Resource | None) -> Standing:
        if isinstance(live, RucioRule) and live.lasting:
            return Standing.DONE if live.has_arrived else Standing.UNDER_WAY
        return Standing.STALE if any(self.departures(live)) else Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        yield from super().departures(live)
        if isinstance(live, RucioRule) and live.is_asked and (obstacle := _no_room(live, live)):
            yield Departure(RUCIO, self.rse, "an RSE that takes the files", obstacle.detail)

    @override
    def summary(self) -> str:
        return f"have {self.scope}:{self.dataset} brought to {self.rse}"


class KeepRule(RuleAction):
    """Have a rule last that was about to end."""

    do: ClassVar[str] = "keep-rule"

    rule: str
    """Id of the rule."""

    @override
    def standing(self, live: Resource | None) -> Standing:
        rule = _by_id(live, self.rule)
        if rule is None or (rule.expires_at and any(self.departures(live))):
            return Standing.STALE
        if rule.expires_at:
            return Standing.READY
        return Standing.DONE if isinstance(live, RucioRule) and live.has_arrived else Standing.UNDER_WAY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        yield from super().departures(live)
        yield from _gone(self, self.rule, live)

    @override
    def summary(self) -> str:
        return f"have rule {self.rule} last ({self.scope}:{self.dataset} at {self.rse})"


class BoostRule(RuleAction):
    """Have Rucio try again what a stuck rule waits for."""

    do: ClassVar[str] = "boost-rule"

    rule: str
    """Id of the rule."""

    @override
    def standing(self, live: Resource | None) -> Standing:
        rule = _by_id(live, self.rule)
        if rule is None:
            return Standing.STALE
        if isinstance(live, RucioRule) and live.has_arrived:
            return Standing.DONE
        if not _is_stuck(rule):
            return Standing.UNDER_WAY
        return Standing.STALE if any(self.departures(live)) else Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        yield from super().departures(live)
        yield from _gone(self, self.rule, live)

    @override
    def summary(self) -> str:
        return f"try rule {self.rule} again ({self.scope}:{self.dataset} to {self.rse})"


class RucioRuleKind(Kind[RucioRule]):
    """Tickets at the storage elements of sites."""

    name = "rucio_rule"
    place = RUCIO
    actions = (AddRule, KeepRule, BoostRule)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        settings = selection.desired.settings.noun.rucio
        if settings is None:
            return
        for written in selection.tickets:
            ticket = written.noun
            dataset = declared_dataset(selection, settings, ticket)
            for rse in rses_of(selection, ticket):
                rule = RucioRule(
                    RucioRule.at(ticket, rse),
                    ticket.key,
                    dataset.scope,
                    dataset.dataset,
                    rse,
                    fingerprint=dataset.fingerprint,
                    bytes_digest=dataset.bytes_digest,
                    manifest=dataset.manifest,
                )
                yield Declared(rule, written.lines.at("ticket"), (Need(dataset.address),))

    @override
    def observe(self, targets: Sequence[RucioRule], places: ReadPlaces) -> Mapping[Address, RucioRule | None]:
        rucio = places.rucio()
        look = _Look(rucio, {t.dataset for t in targets})
        return {target.address: _with_bundle(look.at(target), places) for target in targets}

    @override
    def compare(self, declared: RucioRule, live: RucioRule | None) -> Iterator[Drift]:
        found = _first_problem(declared, live)
        if found:
            subject = declared.address.name
            yield Drift(target=declared.address, what=found.what, subject=subject, detail=found.detail)

    @override
    def remedy(self, declared: RucioRule, live: RucioRule | None) -> Iterator[Action]:
        found = _first_problem(declared, live)
        if not found or self.obstacle(declared, live):
            return
        instrument, ticket = declared.ticket
        about: dict[str, Any] = {
            "target": declared.address,
            "because": found.detail,
            "ticket": ticket,
            "instrument": instrument,
            "scope": declared.scope,
            "dataset": declared.dataset,
            "rse": declared.rse,
            "fingerprint": declared.fingerprint,
            "content": declared.bytes_digest,
        }
        if live is None or live.lasting is None:
            ending = live.ending if live else None
            yield KeepRule(**about, rule=ending.id) if ending else AddRule(**about)
        elif _is_stuck(live.lasting):
            yield BoostRule(**about, rule=live.lasting.id)

    @override
    def is_there(self, declared: RucioRule, live: RucioRule | None) -> bool:
        return declared.manifest is not None and _first_problem(declared, live) is None

    @override
    def obstacle(self, declared: RucioRule, live: RucioRule | None) -> Reason | None:
        found = _first_problem(declared, live)
        if not found:
            return None
        if found.what is What.CHANGED:
            return Reason.refused(Code.BROUGHT_OTHERWISE, found.detail)
        rule = live.lasting if live else None
        if live is None or rule is None:
            return None if live and live.ending else _no_room(declared, live)
        if rule.state is RuleState.SUSPENDED:
            return Reason.refused(Code.RULE_SUSPENDED, _suspended(rule))
        # In short: everything that waits for it tells the reason too.
        return None if _is_stuck(rule) else Reason.awaited(Code.UNDER_WAY, found.short)

    @override
    def serves(
        self, target: Address, ticket: Ticket, repository: RepositoryAddress, desired: DesiredState
    ) -> bool:
        rse = desired.rse_of(repository)
        return rse is not None and target == RucioRule.at(ticket, rse)

    @override
    def takers(self, action: Action, desired: DesiredState) -> Takers:
        assert isinstance(action, RuleAction)
        ticket = desired.tickets.get(TicketKey(action.instrument, action.ticket))
        return Takers(action.rse, desired.awaiting(ticket.noun, action.rse) if ticket else ())

    @override
    def apply(self, action: Action, places: WritePlaces, watch: Watch, fence: Fence) -> None:
        rucio = places.change_rucio()
        fence()
        match action:
            case AddRule():
                rucio.add_rule(action.dataset, action.rse, comment=COMMENT)
            case KeepRule():
                rucio.keep_rule(action.rule)
            case BoostRule():
                rucio.boost_rule(action.rule)
            case _:
                raise TypeError(f"{action.do} is no action of a rule")


def _with_bundle(target: RucioRule, places: ReadPlaces) -> RucioRule:
    """Return a look with the bundles of the ticket, where those are asked."""
    if not target.is_asked or target.fingerprint is None:
        return target
    try:
        bundles = places.archive().bundles([target.ticket]).get(target.ticket, ())
    except (InvalidStateError, UnreachableError):
        # Rucio has what it has; without the archive it is compared with none.
        return replace(target, is_asked=False)
    manifest = bundle_of(bundles, target.fingerprint, target.bytes_digest)
    return replace(target, manifest=manifest, bundles=bundles)


@dataclass
class _Look:
    """Asks once for each dataset and each RSE."""

    rucio: RucioReader
    datasets: set[str]
    _rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    _storage: dict[str, Storage | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = self.rucio.datasets(sorted(self.datasets))
        self.held = {name: dataset.files for name, dataset in found.items()}
        self.available = {name: self.rucio.available(name) for name in self.held}

    def at(self, target: RucioRule) -> RucioRule:
        """Look at one dataset at one RSE."""
        rules = tuple(rule for rule in self.rules(target.dataset) if target.rse in rule.rses)
        seen = replace(
            target,
            account=self.rucio.account,
            rules=rules,
            files=self.held.get(target.dataset, {}),
            available=self.available.get(target.dataset, {}).get(target.rse, 0),
        )
        return seen if seen.lasting else replace(seen, storage=self.storage(target.rse))

    def rules(self, dataset: str) -> tuple[Rule, ...]:
        if dataset not in self._rules:
            self._rules[dataset] = self.rucio.rules(dataset) if dataset in self.held else ()
        return self._rules[dataset]

    def storage(self, rse: str) -> Storage | None:
        if rse not in self._storage:
            self._storage[rse] = self.rucio.storage(rse)
        return self._storage[rse]


@dataclass(frozen=True)
class _Problem:
    """In which way files are not kept at an RSE."""

    what: What

    short: str
    """In a few words."""

    why: str = ""
    """What Rucio says of it."""

    @property
    def detail(self) -> str:
        """All that is known of it."""
        return f"{self.short}; {self.why}" if self.why else self.short


def _first_problem(declared: RucioRule, live: RucioRule | None) -> _Problem | None:
    """Say in which way files are not kept at an RSE, if so."""
    rule = live.lasting if live else None
    if live is None or rule is None:
        return _Problem(What.MISSING, _unkept(declared, live))
    if _is_another(declared.manifest, live):
        return _Problem(What.CHANGED, f"what {declared.did} brings there is not what the bundle holds")
    wanted = max(live.held, len(declared.manifest.files) if declared.manifest else 0)
    if 0 < wanted <= live.available:
        return _unguarded(rule, wanted)
    is_halted = _is_stuck(rule) or rule.state is RuleState.SUSPENDED
    return _Problem(
        What.MISSING if is_halted else What.PENDING, _counts(live, rule, wanted), _why_not_there(rule)
    )


def _is_another(manifest: Manifest | None, live: RucioRule) -> bool:
    """Say whether a dataset holds what its bundle does not."""
    if manifest is None:
        return False
    expected = {file.path: (file.size, file.adler32) for file in manifest.files}
    return any((file.size, file.adler32) != expected.get(name) for name, file in live.files.items())


def _unguarded(rule: Rule, wanted: int) -> _Problem | None:
    """Say that a rule has lost locks on files that are there."""
    locks = rule.ok + rule.replicating + rule.stuck
    # A joint rule keeps every file at each of its RSEs.
    if locks >= wanted * len(rule.rses):
        return None
    told = f"rule {rule.id} keeps only {locks} of them"
    if len(rule.rses) > 1:
        told = f"rule {rule.id} has only {locks} of {wanted * len(rule.rses)} locks"
    return _Problem(What.PENDING, f"all {wanted} files are there, and {told}")


def _unkept(declared: RucioRule, live: RucioRule | None) -> str:
    if live and (ending := live.ending or next(iter(live.rules), None)):
        return f"rule {ending.id}, which keeps {declared.did} at {declared.rse}, ends {ending.expires_at}"
    since = f", exported {declared.manifest.made_at}," if declared.manifest else ""
    return f"no rule brings {declared.did}{since} to {declared.rse}"


def _counts(live: RucioRule, rule: Rule, wanted: int) -> str:
    moving = [f"{rule.replicating} on their way"] if rule.replicating else []
    moving += [f"{rule.stuck} stuck"] if rule.stuck else []
    told = f"{live.available} of {wanted} files are at {live.rse}"
    told += f" ({', '.join(moving)})" if moving else ""
    return told + (f", since {rule.since}" if rule.since else "")


def _why_not_there(rule: Rule) -> str:
    """Say what Rucio does, or waits for, where not all files have arrived."""
    reason = rule.reason or "Rucio does not say why"
    match rule.state:
        case RuleState.STUCK if _is_stuck(rule):
            return f"rule {rule.id} is stuck: {reason}"
        case RuleState.STUCK:
            return f"Rucio tries rule {rule.id} again at its next occasion"
        case RuleState.SUSPENDED:
            return f"rule {rule.id} is suspended: {reason}"
        case RuleState.WAITING_APPROVAL:
            return f"rule {rule.id} waits for an administrator's approval"
        case RuleState.OK:
            return f"rule {rule.id} says OK, so Rucio has not noticed yet"
        case _:
            return ""


def _is_stuck(rule: Rule) -> bool:
    """Say whether a rule is stuck, and Rucio will not mend it soon."""
    return rule.state is RuleState.STUCK and not rule.retry_due


def _by_id(live: Resource | None, rule: str) -> Rule | None:
    rules = live.rules if isinstance(live, RucioRule) else ()
    return next((r for r in rules if r.id == rule), None)


def _gone(action: RuleAction, rule: str, live: Resource | None) -> Iterator[Departure]:
    rules = [found.id for found in live.rules] if isinstance(live, RucioRule) else []
    if rule not in rules:
        name = f"{action.scope}:{action.dataset} at {action.rse}"
        yield Departure(RUCIO, name, f"rule {rule}", ", ".join(rules) or "no rule")


def _suspended(rule: Rule) -> str:
    return (
        f"rule {rule.id} is suspended, which Rucio never ends by itself; an administrator "
        f"sets it free, and an apply has it tried again: rucio rule update --stuck {rule.id}"
    )


def _no_room(declared: RucioRule, live: RucioRule | None) -> Reason | None:
    """Say why Rucio would refuse a rule, as far as can be seen before."""
    storage = live.storage if live else None
    if storage is None:
        return Reason.refused(Code.NO_RSE, f"Rucio has no RSE {declared.rse}; see `route` of the site")
    if not storage.writable:
        return Reason.awaited(
            Code.RSE_CLOSED,
            f"{declared.rse} may not be written at present, says Rucio; an administrator opens it: "
            f"rucio rse update {declared.rse} --key availability_write --value True",
        )
    needed = sum(file.size for file in declared.manifest.files) if declared.manifest else 0
    # Rucio wants more room than what goes there.
    if storage.room is not None and storage.room <= needed:
        account = live.account if live else ""
        return Reason.refused(
            Code.NO_ROOM,
            f"account {account} has room for {storage.room} bytes at {declared.rse}, and {needed} are "
            f"needed; an administrator raises it: "
            f"rucio account limit set {account} --rse {declared.rse} --bytes BYTES",
        )
    return None
