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
from ..model.names import Address, Place
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

MENDABLE = {What.MISSING, What.UNWANTED, What.MISORDERED}
"""Drift that waits when its mending does."""

AWAITED = {Guard.HOLD, Guard.WAVE}
"""Guards that others lift, by and by."""

NOT_APPROVED = {Code.APPROVED_OTHERWISE, Code.LOOK_REFUSED}
"""Reasons for which a child may not get another place in a chain either."""

NOTHING = Allowed()
"""No guard is passed."""

NOT_ASKED_FOR = Reason(Code.NOT_ASKED_FOR, "this command leaves it alone", Weight.PLAIN)
"""Stands in the way of what the command was not asked about."""

NOTHING_TO_SEARCH = Reason(Code.NOTHING_TO_SEARCH, "nothing is searched through it", Weight.PLAIN)
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
    drift = [d for declared in view.declared for d in planner.settle(declared)]
    # Of a repository for which nothing is declared nothing can be settled.
    planner.needed |= {seen.address.place for seen in view.observed.values() if seen.address.kind == "place"}
    needed, unseen = [], []
    for place, trouble in sorted(view.unreachable.items()):
        if place in planner.needed:
            needed.append(_unreachable(place, trouble))
        else:
            unseen.append(Unseen(place=place, detail=trouble.detail))
    passing = [guard for guard in Guard if guard in planner.passing]
    return Plan(
        basis,
        tuple(planner.steps),
        (*needed, *drift),
        tuple(planner.refused),
        tuple(unseen),
        tuple(planner.guards),
        Allowed(guards=tuple(passing), because=allowed.because if passing else ""),
    )


def _unreachable(place: Place, trouble: Diagnostic) -> Drift:
    return Drift(
        target=Address(place=place, kind="place", name=place),
        what=What.UNREACHABLE,
        subject=place,
        detail=trouble.detail,
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
        observed = self.view.observed[declared.address]
        if observed.trouble:
            place = declared.address.place
            obstacle = Reason.unseen(place, f"{place} could not be seen")
            if self._elsewhere(declared.address) is None:
                self.needed.add(place)
            self.settled[declared.address] = _Settled(obstacle=obstacle)
            kind = KINDS[declared.address.kind]
            if contradiction := kind.contradiction(declared.resource):
                self.refused.append(Refusal.of(declared.address, contradiction))
            return []
        if observed.refusal:
            return [self._refused_look(declared, observed.refusal)]
        return list(self._settle(declared, observed.resource))

    def _refused_look(self, declared: Declared, refusal: Diagnostic) -> Drift:
        """Refuse what its place refuses to tell of, and what needs it."""
        detail = f"it cannot be looked at: {refusal.summary}: {refusal.detail}"
        obstacle = Reason.refused(Code.LOOK_REFUSED, detail, refusal.where, refusal.hint)
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
        kind = KINDS[declared.address.kind]
        left_out = {need.part: o for need in declared.needs if need.part and (o := self._lacks(need))}
        left_out |= self._guarded_parts(declared, live)
        within = kind.without(declared.resource, frozenset(left_out), live)
        nearby = self._expected_at(declared.address.place)
        actions = [kind.grounded(action, within, nearby) for action in kind.remedy(within, live)]
        obstacle = self._obstacle(declared, live)
        if actions and not obstacle:
            obstacle = (
                self._elsewhere(declared.address)
                or self._moving(declared.address, actions, left_out)
                or self._guarded(declared.address, actions, live)
                or self._foreseen(declared, actions)
                or self._failure(actions)
            )
        if not actions and not obstacle and not kind.is_there(within, live):
            not_there = Reason(Code.NOT_THERE, f"{declared.address.name} is not there", Weight.PLAIN)
            obstacle = next(iter(left_out.values()), not_there)
            if kind.holds_nothing(within) and _only_nothing(left_out):
                # No step makes a chain through which nothing is searched,
                # and nobody misses it.
                obstacle = NOTHING_TO_SEARCH
        if actions and not obstacle:
            self._take(actions, declared, frozenset(left_out))
        else:
            self.settled[declared.address] = _Settled(obstacle=obstacle)
        for drift in kind.compare(declared.resource, live):
            stands_in_the_way = left_out.get(drift.subject, obstacle)
            if stands_in_the_way and stands_in_the_way.code in SILENT:
                continue
            if stands_in_the_way and self._elsewhere(declared.address) is None:
                self.needed.add(stands_in_the_way.place)
            yield _told(drift, declared, stands_in_the_way)

    def _expected_at(self, place: str) -> list[Resource]:
        """Return what a place showed, then what steps will have made of it."""
        if place not in self.expected:
            here = [seen for seen in self.view.observed.values() if seen.address.place == place]
            self.expected[place] = [seen.resource for seen in here if seen.resource]
        return self.expected[place]

    def _obstacle(self, declared: Declared, live: Resource | None) -> Reason | None:
        """Return why nothing at all can be done about a resource."""
        kind = KINDS[declared.address.kind]
        obstacle: Reason | None = kind.obstacle(declared.resource, live)
        if obstacle:
            if obstacle.is_refused:
                self.refused.append(Refusal.of(declared.address, obstacle))
            return obstacle
        if kind.is_there(declared.resource, live) and not any(kind.remedy(declared.resource, live)):
            return None
        return next((o for need in declared.needs if not need.part and (o := self._lacks(need))), None)

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

    def _guarded_parts(self, declared: Declared, live: Resource | None) -> dict[str, Reason]:
        """Return the parts that a guard keeps from coming or going."""
        resource, view = declared.resource, self.view
        parts = sorted(KINDS[resource.address.kind].turnover(resource, live))
        # Whatever a person passes is kept from stopping it only after all is
        # known that would.
        asked = (view.desired, NOTHING, view.waves)
        all_stops = {part: guarded_part(resource, part, *asked) for part in parts}
        stops = {part: self._left(resource.address, stop) for part, stop in all_stops.items() if stop}
        return {part: _awaited(stop) for part, stop in stops.items() if stop}

    def _guarded(self, target: Address, actions: list[Action], live: Resource | None) -> Reason | None:
        asked = (self.view.desired, NOTHING, self.view.waves)
        all_stops = [stop for action in actions if (stop := guarded(action, *asked))]
        if live is None:
            all_stops += [stop for action in actions if (stop := guarded_entry(action, *asked))]
        stops = [stop for one in all_stops if (stop := self._left(target, one))]
        if not stops or guard_of(stops[0]) in AWAITED:
            return _awaited(stops[0]) if stops else None
        refusal = Reason.refused(stops[0].code, stops[0].detail)
        self.refused.append(Refusal.of(target, refusal))
        return refusal

    def _left(self, target: Address, stop: Reason) -> Reason | None:
        """Return what of all that stops something a person does not pass."""
        left = []
        for one in (stop, *stop.also):
            guard = guard_of(one)
            if guard in self.allowed.guards:
                self.passing.add(guard)
            else:
                left.append(one)
                if self._elsewhere(target) is None:
                    self.guards[GuardMet(guard=guard, place=target.place, reason=one.detail)] = None
        return left[0] if left else None

    def _moving(
        self, target: Address, actions: list[Action], left_out: Mapping[str, Reason]
    ) -> Reason | None:
        """Refuse another place in a chain to what was not approved so."""
        refused = {part for part, obstacle in left_out.items() if obstacle.code in NOT_APPROVED}
        for action in actions if refused else ():
            if overtaken := sorted(refused & action.overtaken):
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
            told = self.foreseen.refused.get((action.do, str(action.target)))
            if told:
                detail = f"{told.summary}: {told.detail.rstrip('.')}"
                refusal = Reason.refused(Code.REFUSED_BEFOREHAND, detail, hint=told.hint)
                self.refused.append(Refusal.of(declared.address, refusal))
                return refusal
        return None

    def _failure(self, actions: list[Action]) -> Reason | None:
        for action in actions:
            if why := self.failed.get((action.do, str(action.target))):
                return Reason.refused(Code.FAILED_BEFORE, why)
        return None

    def _take(self, actions: list[Action], declared: Declared, left_out: frozenset[str]) -> None:
        """Add steps, behind those that bring what they need."""
        needs = [need for need in declared.needs if need.part not in left_out]
        after = {step for need in needs if (s := self.settled.get(need.address)) for step in s.steps}
        ids = []
        for action in actions:
            ids.append(str(len(self.steps) + 1))
            facts = self.declarations.of(action)
            self.steps.append(Step(ids[-1], action, tuple(sorted(after, key=int)), facts))
            self._expected_at(action.target.place).append(action.subject())
        self.settled[declared.address] = _Settled(tuple(ids))


def _only_nothing(left_out: Mapping[str, Reason]) -> bool:
    """Say whether all parts that are left out hold nothing to search."""
    return all(obstacle.code is Code.NOTHING_TO_SEARCH for obstacle in left_out.values())


def _awaited(stop: Reason) -> Reason:
    return replace(stop, weight=Weight.AWAITED)


def _told(drift: Drift, declared: Declared, obstacle: Reason | None) -> Drift:
    """Return drift with its line, and with what stands in its way."""
    where = declared.lines.get(drift.subject, declared.where)
    told = drift.model_copy(update={"declared_at": where})
    if obstacle is None or drift.what not in MENDABLE:
        return told
    update = {
        "what": What.PENDING if obstacle.is_awaited else drift.what,
        "detail": _detail(drift, obstacle),
        "reason": obstacle.code.value,
        "hint": obstacle.hint,
    }
    if obstacle.where:
        update["declared_at"] = obstacle.where
    return told.model_copy(update=update)


def _detail(drift: Drift, obstacle: Reason) -> str:
    """Return what departs and why it stays; once, where both are one fact."""
    if drift.reason == obstacle.code.value:
        return max(drift.detail, obstacle.detail, key=len)
    return f"{drift.detail}; {obstacle.detail}"
