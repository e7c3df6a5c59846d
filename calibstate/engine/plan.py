"""From what was seen to the steps that end the drift, and what stays.

Each declared resource is settled once, in travelling order: it is there, or a
step will bring it, or an obstacle stands in its way.  What needs it builds on
that answer, so a refused ticket or an unreachable place stops only what needs
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..errors import Diagnostic
from ..kinds.registry import KINDS
from ..model.actions import Action
from ..model.drift import Drift, Unseen, What
from ..model.guards import Allowed, Guard, GuardMet
from ..model.names import Address
from ..model.plans import Basis, Plan, Refusal, Step
from ..model.reasons import Code, Reason, Weight
from ..model.resources import Declared, Need, Resource
from .declared import Declarations
from .guards import guard_of, guarded, guarded_entry, guarded_part
from .objections import NONE, Foreseen
from .observe import View

__all__ = ["NOTHING", "Failed", "make_plan"]

Failed = Mapping[tuple[str, str], str]
"""Why actions failed in this run, by their names and targets."""

REPAIRABLE = {What.MISSING, What.UNWANTED, What.MISORDERED}
"""Drift that waits when its repair does."""

AWAITED = {Guard.HOLD, Guard.WAVE}
"""Guards that others lift, by and by."""

NOT_APPROVED = {Code.APPROVED_OTHERWISE, Code.LOOK_REFUSED}
"""Reasons for which a child may not get another place in a chain either."""

NOTHING = Allowed()
"""No guard is passed."""

NOT_ASKED_FOR = Reason(
    Code.NOT_ASKED_FOR,
    "this command leaves it alone",
    Weight.PLAIN,
)
"""Stands in the way of what the command was not asked about."""

NOTHING_TO_SEARCH = Reason(
    Code.NOTHING_TO_SEARCH,
    "nothing is searched through it",
    Weight.PLAIN,
)
"""Stands in the way of a chain without children."""

SILENT = {Code.NOT_ASKED_FOR, Code.NOTHING_TO_SEARCH}
"""Reasons that are not shown, and neither is the drift that they leave."""


def make_plan(
    view: View,
    basis: Basis,
    failed: Failed | None = None,
    allowed: Allowed = NOTHING,
    foreseen: Foreseen = NONE,
) -> Plan:
    """Return the ordered steps that would end the drift.

    Parameters
    ----------
    view
        What is declared and what was seen; two equal views give equal plans.
    basis
        What to say of where the plan comes from.
    failed
        What is not tried again.
    allowed
        Guards that a person passes.
    foreseen
        What would be refused, of the steps of an earlier plan.
    """
    planner = _Planner(view, failed or {}, allowed, foreseen)
    drift: list[Drift] = []
    for declared in view.declared:
        drift.extend(planner.settle(declared))
    # Of a repository for which nothing is declared nothing can be settled.
    for observed in view.observed.values():
        if observed.address.kind == "place":
            planner.needed.add(observed.address.place)
    unreachable: list[Drift] = []
    unseen: list[Unseen] = []
    for place, trouble in sorted(view.unreachable.items()):
        if place in planner.needed:
            unreachable.append(
                Drift(
                    target=Address(place=place, kind="place", name=place),
                    what=What.UNREACHABLE,
                    subject=place,
                    detail=trouble.detail,
                )
            )
        else:
            unseen.append(Unseen(place=place, detail=trouble.detail))
    # The plan keeps only what it took of the allowance.
    because = ""
    if planner.passing:
        because = allowed.because
    passing = tuple(guard for guard in Guard if guard in planner.passing)
    return Plan(
        basis,
        tuple(planner.steps),
        (*unreachable, *drift),
        tuple(planner.refused),
        tuple(unseen),
        tuple(planner.guards),
        Allowed(guards=passing, because=because),
    )


@dataclass(frozen=True)
class _Settled:
    """What others can build on: steps that bring it, or an obstacle."""

    steps: tuple[str, ...] = ()
    obstacle: Reason | None = None


@dataclass
class _Planner:
    """Settles one resource after the other."""

    view: View
    failed: Failed
    allowed: Allowed
    foreseen: Foreseen
    steps: list[Step] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    settled: dict[Address, _Settled] = field(default_factory=dict)
    guards: dict[GuardMet, None] = field(default_factory=dict)
    """Guards that keep something from being done, in the order of meeting."""
    passing: set[Guard] = field(default_factory=set)
    """Guards that a person passes, and that would keep something from it."""
    needed: set[str] = field(default_factory=set)
    """Places that could not be seen, and that what was asked for needs."""
    expected: dict[str, list[Resource]] = field(default_factory=dict)
    """By place: what was seen, and what steps will have made of it."""
    declarations: Declarations = field(init=False)

    def __post_init__(self) -> None:
        self.declarations = Declarations(self.view.desired)

    def settle(self, declared: Declared) -> list[Drift]:
        """Plan for one resource, and return its drift."""
        address = declared.address
        observed = self.view.observed[address]
        if observed.refusal:
            return [self._refused_look(declared, observed.refusal)]
        if observed.trouble is None:
            return list(self._settle(declared, observed.resource))
        if self._elsewhere(address) is None:
            self.needed.add(address.place)
        obstacle = Reason.unseen(address.place, f"{address.place} could not be seen")
        self.settled[address] = _Settled(obstacle=obstacle)
        # What the files alone refuse is told, whoever is away.
        contradiction = KINDS[address.kind].contradiction(declared.resource)
        if contradiction:
            self.refused.append(Refusal.of(address, contradiction))
        return []

    def _refused_look(self, declared: Declared, refusal: Diagnostic) -> Drift:
        """Refuse what its place refuses to tell of, and what needs it."""
        detail = f"it cannot be looked at: {refusal.summary}: {refusal.detail}"
        obstacle = Reason.refused(
            Code.LOOK_REFUSED,
            detail,
            refusal.where,
            refusal.hint,
        )
        self.refused.append(Refusal.of(declared.address, obstacle))
        self.settled[declared.address] = _Settled(obstacle=obstacle)
        return Drift(
            target=declared.address,
            what=What.MISSING,
            subject=declared.address.name,
            detail=detail,
            reason=obstacle.code.value,
            hint=obstacle.hint,
            declared_at=declared.where,
        )

    def _settle(self, declared: Declared, live: Resource | None) -> Iterator[Drift]:
        """Plan for a resource that could be looked at."""
        address = declared.address
        kind = KINDS[address.kind]
        # Parts that lack something, or that are guarded, stay as they are; the
        # remedy is for the rest.
        left_out = self._parts_that_lack(declared)
        left_out.update(self._guarded_parts(declared, live))
        within = kind.without(declared.resource, frozenset(left_out), live)
        nearby = self._expected_at(address.place)
        actions: list[Action] = []
        for action in kind.remedy(within, live):
            actions.append(kind.grounded(action, within, nearby))
        obstacle = self._obstacle(declared, live)
        if actions and not obstacle:
            obstacle = (
                self._elsewhere(address)
                or self._moving(address, actions, left_out)
                or self._guarded(address, actions, live)
                or self._foreseen(declared, actions)
                or self._failure(actions)
            )
        if not actions and not obstacle and not kind.is_there(within, live):
            not_there = Reason(
                Code.NOT_THERE,
                f"{address.name} is not there",
                Weight.PLAIN,
            )
            obstacle = next(iter(left_out.values()), not_there)
            if kind.holds_nothing(within) and _only_nothing(left_out):
                # No step makes a chain through which nothing is searched,
                # and nobody misses it.
                obstacle = NOTHING_TO_SEARCH
        if actions and not obstacle:
            self._take(actions, declared, frozenset(left_out))
        else:
            self.settled[address] = _Settled(obstacle=obstacle)
        # What waits, or is refused, is told with its drift.
        for drift in kind.compare(declared.resource, live):
            stands_in_the_way = left_out.get(drift.subject, obstacle)
            if stands_in_the_way and stands_in_the_way.code in SILENT:
                continue
            if stands_in_the_way and self._elsewhere(address) is None:
                self.needed.add(stands_in_the_way.place)
            yield _with_obstacle(drift, declared, stands_in_the_way)

    def _parts_that_lack(self, declared: Declared) -> dict[str, Reason]:
        """Return the parts that need what is not there, and is not coming."""
        lacking: dict[str, Reason] = {}
        for need in declared.needs:
            if not need.part:
                continue
            obstacle = self._lacks(need)
            if obstacle:
                lacking[need.part] = obstacle
        return lacking

    def _expected_at(self, place: str) -> list[Resource]:
        """Return what a place showed, then what steps will have made of it."""
        if place not in self.expected:
            self.expected[place] = []
            for observed in self.view.observed.values():
                if observed.address.place == place and observed.resource:
                    self.expected[place].append(observed.resource)
        return self.expected[place]

    def _obstacle(self, declared: Declared, live: Resource | None) -> Reason | None:
        """Return why nothing at all can be done about a resource."""
        kind = KINDS[declared.address.kind]
        obstacle: Reason | None = kind.obstacle(declared.resource, live)
        if obstacle:
            if obstacle.is_refused:
                self.refused.append(Refusal.of(declared.address, obstacle))
            return obstacle
        is_there = kind.is_there(declared.resource, live)
        if is_there and not any(kind.remedy(declared.resource, live)):
            return None
        for need in declared.needs:
            if need.part:
                continue
            lacks = self._lacks(need)
            if lacks:
                return lacks
        return None

    def _lacks(self, need: Need) -> Reason | None:
        settled = self.settled.get(need.address)
        if settled is None:
            return NOT_ASKED_FOR
        if need.if_seen and settled.obstacle and settled.obstacle.place:
            return None
        return settled.obstacle

    def _elsewhere(self, target: Address) -> Reason | None:
        """Say whose step it would be, if it is not asked for here."""
        owner = self.view.desired.owner(target)
        if owner is None or self.view.scope.has_repository(owner):
            return None
        site = owner.site
        return Reason.awaited(Code.OTHER_SITE, f"{site} has to do it: calibstate apply --site {site}")

    def _guarded_parts(
        self,
        declared: Declared,
        live: Resource | None,
    ) -> dict[str, Reason]:
        """Return the parts that a guard keeps from coming or going."""
        resource = declared.resource
        desired = self.view.desired
        waves = self.view.waves
        kind = KINDS[resource.address.kind]
        stopped: dict[str, Reason] = {}
        for part in sorted(kind.turnover(resource, live)):
            # Whatever a person passes is kept from stopping it only after
            # all is known that would.
            stop = guarded_part(resource, part, desired, NOTHING, waves)
            left = self._left(resource.address, stop)
            if left:
                stopped[part] = replace(left, weight=Weight.AWAITED)
        return stopped

    def _guarded(
        self,
        target: Address,
        actions: list[Action],
        live: Resource | None,
    ) -> Reason | None:
        """Return the guard that stops actions; refuse what nobody awaits."""
        desired = self.view.desired
        waves = self.view.waves
        stops: list[Reason | None] = []
        for action in actions:
            stops.append(guarded(action, desired, NOTHING, waves))
        if live is None:
            for action in actions:
                stops.append(guarded_entry(action, desired, NOTHING, waves))
        # All are asked, so that the plan knows every guard that it meets.
        left: list[Reason] = []
        for stop in stops:
            reason = self._left(target, stop)
            if reason:
                left.append(reason)
        if not left:
            return None
        first = left[0]
        if guard_of(first) in AWAITED:
            return replace(first, weight=Weight.AWAITED)
        refusal = Reason.refused(first.code, first.detail)
        self.refused.append(Refusal.of(target, refusal))
        return refusal

    def _left(self, target: Address, stop: Reason | None) -> Reason | None:
        """Return what of all that stops something a person does not pass."""
        if stop is None:
            return None
        left: list[Reason] = []
        for reason in (stop, *stop.also):
            guard = guard_of(reason)
            if guard in self.allowed.guards:
                self.passing.add(guard)
                continue
            left.append(reason)
            if self._elsewhere(target) is None:
                met = GuardMet(
                    guard=guard,
                    place=target.place,
                    reason=reason.detail,
                )
                self.guards[met] = None
        return next(iter(left), None)

    def _moving(
        self,
        target: Address,
        actions: list[Action],
        left_out: Mapping[str, Reason],
    ) -> Reason | None:
        """Refuse another place in a chain to what was not approved so."""
        not_approved: set[str] = set()
        for part, obstacle in left_out.items():
            if obstacle.code in NOT_APPROVED:
                not_approved.add(part)
        for action in actions:
            if not not_approved:
                break
            overtaken = sorted(not_approved & action.overtaken)
            if overtaken:
                refusal = Reason.refused(
                    Code.WOULD_OVERTAKE,
                    f"it would give {', '.join(overtaken)} another place in the search order, "
                    f"and {left_out[overtaken[0]].detail}",
                )
                self.refused.append(Refusal.of(target, refusal))
                return refusal
        return None

    def _foreseen(self, declared: Declared, actions: list[Action]) -> Reason | None:
        """Refuse what is known to be refused once it is begun."""
        for action in actions:
            foreseen = self.foreseen.refused.get((action.do, str(action.target)))
            if foreseen:
                detail = f"{foreseen.summary}: {foreseen.detail.rstrip('.')}"
                refusal = Reason.refused(
                    Code.REFUSED_BEFOREHAND,
                    detail,
                    hint=foreseen.hint,
                )
                self.refused.append(Refusal.of(declared.address, refusal))
                return refusal
        return None

    def _failure(self, actions: list[Action]) -> Reason | None:
        """Return that an action failed in this run."""
        for action in actions:
            detail = self.failed.get((action.do, str(action.target)))
            if detail:
                return Reason.refused(Code.FAILED_BEFORE, detail)
        return None

    def _take(
        self,
        actions: list[Action],
        declared: Declared,
        left_out: frozenset[str],
    ) -> None:
        """Add steps, behind those that bring what they need."""
        # What a part needs that is left out is not waited for.
        after: set[str] = set()
        for need in declared.needs:
            settled = self.settled.get(need.address)
            if settled and need.part not in left_out:
                after.update(settled.steps)
        ids = []
        for action in actions:
            # Steps are numbered in the order in which they are carried out.
            number = str(len(self.steps) + 1)
            ids.append(number)
            step = Step(
                number,
                action,
                tuple(sorted(after, key=int)),
                self.declarations.of(action),
            )
            self.steps.append(step)
            self._expected_at(action.target.place).append(action.subject())
        self.settled[declared.address] = _Settled(tuple(ids))


def _only_nothing(left_out: Mapping[str, Reason]) -> bool:
    """Say whether all parts that are left out hold nothing to search."""
    codes = {obstacle.code for obstacle in left_out.values()}
    return codes <= {Code.NOTHING_TO_SEARCH}


def _with_obstacle(
    drift: Drift,
    declared: Declared,
    obstacle: Reason | None,
) -> Drift:
    """Return drift with its line, and with what stands in its way."""
    update: dict[str, object] = {
        "declared_at": declared.lines.get(drift.subject, declared.where),
    }
    if obstacle and drift.what in REPAIRABLE:
        update["detail"] = _detail(drift, obstacle)
        update["reason"] = obstacle.code.value
        update["hint"] = obstacle.hint
        if obstacle.is_awaited:
            update["what"] = What.PENDING
        # Of two lines that which stands in the way is what a person needs.
        if obstacle.where:
            update["declared_at"] = obstacle.where
    return drift.model_copy(update=update)


def _detail(drift: Drift, obstacle: Reason) -> str:
    """Return what departs and why it stays; once, where both are one fact."""
    if drift.reason == obstacle.code.value:
        return max(drift.detail, obstacle.detail, key=len)
    return f"{drift.detail}; {obstacle.detail}"
