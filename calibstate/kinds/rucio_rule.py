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
        for rule in self.rules:
            if rule.expires_at and rule.account == self.account:
                return rule
        return None

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
            ticket = f"{self.instrument}/{self.ticket}"
            yield bundle_departure(
                ticket,
                self.fingerprint,
                self.content,
                live.bundles,
            )
            return
        total = len(live.manifest.files)
        expected = f"the {total} files of the bundle"
        if live.held < total:
            yield Departure(RUCIO, live.did, expected, f"{live.held} files")
        elif _is_another(live.manifest, live):
            yield Departure(RUCIO, live.did, expected, "others")

    @override
    def brings(self) -> frozenset[tuple[str, str]]:
        return frozenset({(RUCIO, f"{self.scope}:{self.dataset} at {self.rse}")})


class AddRule(RuleAction):
    """Have Rucio bring a ticket's files to an RSE and keep them there."""

    do: ClassVar[str] = "add-rule"

    @override
    def standing(self, live: Resource | None) -> Standing:
        if isinstance(live, RucioRule) and live.lasting:
            return _arrival(live)
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        yield from super().departures(live)
        if not isinstance(live, RucioRule) or not live.is_asked:
            return
        # What was looked at says itself what is to arrive.
        obstacle = _no_room(live, live)
        if obstacle:
            yield Departure(
                RUCIO,
                self.rse,
                "an RSE that takes the files",
                obstacle.detail,
            )

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
        if not isinstance(live, RucioRule) or rule is None:
            return Standing.STALE
        if rule.expires_at is None:
            return _arrival(live)
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        yield from super().departures(live)
        yield from _rule_is_gone(self, self.rule, live)

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
        if not isinstance(live, RucioRule) or rule is None:
            return Standing.STALE
        if live.has_arrived:
            return Standing.DONE
        if not _is_stuck(rule):
            return Standing.UNDER_WAY
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        yield from super().departures(live)
        yield from _rule_is_gone(self, self.rule, live)

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
            # A rule is for a dataset, which is registered before.
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
                yield Declared(
                    rule,
                    written.lines.at("ticket"),
                    (Need(dataset.address),),
                )

    @override
    def observe(
        self,
        targets: Sequence[RucioRule],
        places: ReadPlaces,
    ) -> Mapping[Address, RucioRule | None]:
        datasets = {target.dataset for target in targets}
        look = _Look(places.rucio(), datasets)
        live: dict[Address, RucioRule | None] = {}
        for target in targets:
            live[target.address] = _with_bundle(look.at(target), places)
        return live

    @override
    def compare(
        self,
        declared: RucioRule,
        live: RucioRule | None,
    ) -> Iterator[Drift]:
        problem = _first_problem(declared, live)
        if problem:
            yield Drift(
                target=declared.address,
                what=problem.what,
                subject=declared.address.name,
                detail=problem.detail,
            )

    @override
    def remedy(
        self,
        declared: RucioRule,
        live: RucioRule | None,
    ) -> Iterator[Action]:
        problem = _first_problem(declared, live)
        if not problem or self.obstacle(declared, live):
            return
        instrument, ticket = declared.ticket
        # All actions of a rule tell the same of what is brought.
        about: dict[str, Any] = {
            "target": declared.address,
            "because": problem.detail,
            "ticket": ticket,
            "instrument": instrument,
            "scope": declared.scope,
            "dataset": declared.dataset,
            "rse": declared.rse,
            "fingerprint": declared.fingerprint,
            "content": declared.bytes_digest,
        }
        if live and live.lasting:
            # A rule that lasts brings the files by itself, unless it is stuck.
            if _is_stuck(live.lasting):
                yield BoostRule(**about, rule=live.lasting.id)
        elif live and live.ending:
            # Keeping one of ours is cheaper than a second beside it.
            yield KeepRule(**about, rule=live.ending.id)
        else:
            yield AddRule(**about)

    @override
    def is_there(self, declared: RucioRule, live: RucioRule | None) -> bool:
        return declared.manifest is not None and _first_problem(declared, live) is None

    @override
    def obstacle(
        self,
        declared: RucioRule,
        live: RucioRule | None,
    ) -> Reason | None:
        problem = _first_problem(declared, live)
        if not problem:
            return None
        if problem.what is What.CHANGED:
            return Reason.refused(Code.BROUGHT_OTHERWISE, problem.detail)
        if live is None or live.lasting is None:
            # A rule of ours that ends is kept, which needs no more room.
            if live and live.ending:
                return None
            return _no_room(declared, live)
        rule = live.lasting
        if rule.state is RuleState.SUSPENDED:
            return Reason.refused(
                Code.RULE_SUSPENDED,
                f"rule {rule.id} is suspended, which Rucio never ends by itself; an administrator "
                f"sets it free, and an apply has it tried again: rucio rule update --stuck {rule.id}",
            )
        if _is_stuck(rule):
            return None
        # In short: everything that waits for it tells the reason too.
        return Reason.awaited(Code.UNDER_WAY, problem.short)

    @override
    def serves(
        self,
        target: Address,
        ticket: Ticket,
        repository: RepositoryAddress,
        desired: DesiredState,
    ) -> bool:
        rse = desired.rse_of(repository)
        return rse is not None and target == RucioRule.at(ticket, rse)

    @override
    def takers(self, action: Action, desired: DesiredState) -> Takers:
        assert isinstance(action, RuleAction)
        ticket = desired.tickets.get(TicketKey(action.instrument, action.ticket))
        if ticket is None:
            return Takers(action.rse, ())
        return Takers(action.rse, desired.awaiting(ticket.noun, action.rse))

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
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

    # What Rucio answered, so that no question is put twice.
    _rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    _storage: dict[str, Storage | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.held: dict[str, Mapping[str, RegisteredFile]] = {}
        self.available: dict[str, Mapping[str, int]] = {}
        # All datasets are asked for at once, their replicas one by one.
        for name, dataset in self.rucio.datasets(sorted(self.datasets)).items():
            self.held[name] = dataset.files
        for name in self.held:
            self.available[name] = self.rucio.available(name)

    def at(self, target: RucioRule) -> RucioRule:
        """Look at one dataset at one RSE."""
        rules = [rule for rule in self.rules(target.dataset) if target.rse in rule.rses]
        live = replace(
            target,
            account=self.rucio.account,
            rules=tuple(rules),
            files=self.held.get(target.dataset, {}),
            available=self.available.get(target.dataset, {}).get(target.rse, 0),
        )
        if live.lasting:
            return live
        # Only a rule that is still to be made needs room.
        return replace(live, storage=self.storage(target.rse))

    def rules(self, dataset: str) -> tuple[Rule, ...]:
        if dataset not in self.held:
            return ()
        if dataset not in self._rules:
            self._rules[dataset] = self.rucio.rules(dataset)
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
        if not self.why:
            return self.short
        return f"{self.short}; {self.why}"


def _first_problem(declared: RucioRule, live: RucioRule | None) -> _Problem | None:
    """Say in which way files are not kept at an RSE, if so."""
    if live is None or live.lasting is None:
        return _Problem(What.MISSING, _unkept(declared, live))
    if _is_another(declared.manifest, live):
        detail = f"what {declared.did} brings there is not what the bundle holds"
        return _Problem(What.CHANGED, detail)
    rule = live.lasting
    # Of a dataset that lacks files of the bundle, the bundle's are counted.
    wanted = live.held
    if declared.manifest:
        wanted = max(wanted, len(declared.manifest.files))
    if 0 < wanted <= live.available:
        return _lost_locks(rule, wanted)
    what = What.PENDING
    if _is_stuck(rule) or rule.state is RuleState.SUSPENDED:
        # Nothing moves until somebody does something.
        what = What.MISSING
    return _Problem(what, _counts(live, rule, wanted), _why_not_there(rule))


def _is_another(manifest: Manifest | None, live: RucioRule) -> bool:
    """Say whether a dataset holds what its bundle does not."""
    if manifest is None:
        return False
    expected = {(file.path, file.size, file.adler32) for file in manifest.files}
    held = {(name, file.size, file.adler32) for name, file in live.files.items()}
    return not held <= expected


def _lost_locks(rule: Rule, wanted: int) -> _Problem | None:
    """Say that a rule has lost locks on files that are there."""
    locks = rule.ok + rule.replicating + rule.stuck
    # A joint rule keeps every file at each of its RSEs.
    wanted_locks = wanted * len(rule.rses)
    if locks >= wanted_locks:
        return None
    detail = f"rule {rule.id} keeps only {locks} of them"
    if len(rule.rses) > 1:
        detail = f"rule {rule.id} has only {locks} of {wanted_locks} locks"
    return _Problem(What.PENDING, f"all {wanted} files are there, and {detail}")


def _unkept(declared: RucioRule, live: RucioRule | None) -> str:
    """Say that no rule keeps the files of a ticket for good."""
    if live and live.rules:
        # One of ours can be kept; that of others only tells how long.
        rule = live.ending or live.rules[0]
        return f"rule {rule.id}, which keeps {declared.did} at {declared.rse}, ends {rule.expires_at}"
    since = ""
    if declared.manifest:
        since = f", exported {declared.manifest.made_at},"
    return f"no rule brings {declared.did}{since} to {declared.rse}"


def _counts(live: RucioRule, rule: Rule, wanted: int) -> str:
    """Say how many files have arrived, and what the others do."""
    moving = []
    if rule.replicating:
        moving.append(f"{rule.replicating} on their way")
    if rule.stuck:
        moving.append(f"{rule.stuck} stuck")
    # Files are counted there, whatever the state of the rule says.
    counts = f"{live.available} of {wanted} files are at {live.rse}"
    if moving:
        counts += f" ({', '.join(moving)})"
    if rule.since:
        counts += f", since {rule.since}"
    return counts


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
    """Say whether a rule is stuck, and Rucio will not repair it soon."""
    return rule.state is RuleState.STUCK and not rule.retry_due


def _arrival(live: RucioRule) -> Standing:
    """Return how a step stands whose rule is as it should be."""
    if live.has_arrived:
        return Standing.DONE
    return Standing.UNDER_WAY


def _by_id(live: Resource | None, rule_id: str) -> Rule | None:
    if not isinstance(live, RucioRule):
        return None
    for rule in live.rules:
        if rule.id == rule_id:
            return rule
    return None


def _rule_is_gone(
    action: RuleAction,
    rule_id: str,
    live: Resource | None,
) -> Iterator[Departure]:
    """Yield that the rule of an action is not there any more."""
    rules = []
    if isinstance(live, RucioRule):
        rules = [rule.id for rule in live.rules]
    if rule_id not in rules:
        yield Departure(
            RUCIO,
            f"{action.scope}:{action.dataset} at {action.rse}",
            f"rule {rule_id}",
            ", ".join(rules) or "no rule",
        )


def _no_room(declared: RucioRule, live: RucioRule | None) -> Reason | None:
    """Say why Rucio would refuse a rule, as far as can be seen before."""
    rse = declared.rse
    if live is None or live.storage is None:
        return Reason.refused(Code.NO_RSE, f"Rucio has no RSE {rse}; see `route` of the site")
    storage = live.storage
    if not storage.writable:
        return Reason.awaited(
            Code.RSE_CLOSED,
            f"{rse} may not be written at present, says Rucio; an administrator opens it: "
            f"rucio rse update {rse} --key availability_write --value True",
        )
    needed = 0
    if declared.manifest:
        needed = sum(file.size for file in declared.manifest.files)
    # Rucio wants more room than what goes there.
    if storage.room is not None and storage.room <= needed:
        return Reason.refused(
            Code.NO_ROOM,
            f"account {live.account} has room for {storage.room} bytes at {rse}, and {needed} are "
            f"needed; an administrator raises it: "
            f"rucio account limit set {live.account} --rse {rse} --bytes BYTES",
        )
    return None
