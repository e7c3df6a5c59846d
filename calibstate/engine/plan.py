"""From what was seen to the steps that end the drift, and what stays.

Each declared resource is settled once, in travelling order: it is there, or a
step will bring it, or an obstacle stands in its way.  What needs it builds on
that answer, so a refused ticket or an unreachable place stops only what needs
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

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
    for address in view.observed:
        if address.kind == "place":
            planner.needed.add(address.place)
    unreachable: list[Drift] = []
    unseen: list[Unseen] = []
    troubles = sorted(view.unreachable.items())
    for place, trouble in troubles:
        if place not in planner.needed:
            unseen.append(Unseen(place=place, detail=trouble.for_anybody, detail_here=trouble.detail))
            continue
        hint = trouble.hint
        address = Address(place=place, kind="place", name=place)
        drift_of_place = Drift(
            target=address,
            what=What.UNREACHABLE,
            subject=place,
            detail=trouble.for_anybody,
            detail_here=trouble.detail,
            hint=hint,
        )
        unreachable.append(drift_of_place)
    # The plan keeps only what it took of the allowance.
    because = ""
    if planner.passing:
        because = allowed.because
    passing = tuple(guard for guard in Guard if guard in planner.passing)
    allowed_here = Allowed(guards=passing, because=because)
    return Plan(
        basis,
        tuple(planner.steps),
        (*unreachable, *drift),
        tuple(planner.refused),
        tuple(unseen),
        tuple(planner.guards),
        allowed_here,
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
        if observed.trouble is None and observed.refusal is None:
            return list(self._settle(declared, observed.resource))
        if observed.refusal:
            # Its place refuses to tell of it; what needs it is refused too.
            refusal = observed.refusal
            obstacle = Reason.refused(
                Code.LOOK_REFUSED,
                f"it cannot be looked at: {refusal.summary}: {refusal.detail}",
                refusal.where,
                refusal.hint,
            )
            self.refused.append(Refusal.of(address, obstacle))
            self.settled[address] = _Settled(obstacle=obstacle)
            name = address.name
            ticket = self._ticket_of(address, name)
            code = obstacle.code
            drift = Drift(
                target=address,
                what=What.MISSING,
                subject=name,
                detail=obstacle.detail,
                reason=code.value,
                hint=obstacle.hint,
                declared_at=declared.where,
                ticket=ticket,
            )
            return [drift]
        if self._elsewhere(address) is None:
            self.needed.add(address.place)
        obstacle = Reason.unseen(address.place, f"{address.place} could not be seen")
        self.settled[address] = _Settled(obstacle=obstacle)
        # What the files alone refuse is told, whoever is away.
        contradiction = KINDS[address.kind].contradiction(declared.resource)
        if contradiction:
            self.refused.append(Refusal.of(address, contradiction))
        return []

    def _settle(self, declared: Declared, live: Resource | None) -> Iterator[Drift]:
        """Plan for a resource that could be looked at."""
        address = declared.address
        kind = KINDS[address.kind]
        # Parts that lack something, or that are guarded, stay as they are; the
        # remedy is for the rest.
        left_out = self._parts_left_out(declared, live)
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
                or self._known_to_fail(address, actions)
            )
        if not actions and not obstacle and not kind.is_there(within, live):
            not_there = Reason(
                Code.NOT_THERE,
                f"{address.name} is not there",
                Weight.PLAIN,
            )
            obstacle = next(iter(left_out.values()), not_there)
            codes = {lacking.code for lacking in left_out.values()}
            if kind.holds_nothing(within) and codes <= {Code.NOTHING_TO_SEARCH}:
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
            ticket = self._ticket_of(address, drift.subject)
            yield _with_obstacle(drift, declared, stands_in_the_way, ticket)

    def _ticket_of(self, target: Address, subject: str) -> str:
        """Return the name of the ticket that drift is about; else nothing."""
        desired = self.view.desired
        kind = KINDS[target.kind]
        ticket = kind.ticket(target, desired)
        if ticket is None:
            # Of a chain each child may be a ticket's.
            ticket = desired.ticket_with(subject)
        if ticket is None:
            return ""
        return ticket.noun.name

    def _parts_left_out(
        self,
        declared: Declared,
        live: Resource | None,
    ) -> dict[str, Reason]:
        """Return the parts that stay as they are, and why.

        Those that need what is not there and is not coming, and those that a
        guard keeps from coming or going.
        """
        left_out: dict[str, Reason] = {}
        for need in declared.needs:
            if not need.part:
                continue
            obstacle = self._lacks(need)
            if obstacle:
                left_out[need.part] = obstacle
        resource = declared.resource
        address = declared.address
        kind = KINDS[address.kind]
        for part in sorted(kind.turnover(resource, live)):
            # Whatever a person passes is kept from stopping it only after
            # all is known that would.
            stop = guarded_part(
                resource,
                part,
                self.view.desired,
                NOTHING,
                self.view.waves,
            )
            left = self._left(address, stop)
            if left:
                left_out[part] = replace(left, weight=Weight.AWAITED)
        return left_out

    def _expected_at(self, place: str) -> list[Resource]:
        """Return what a place showed, then what steps will have made of it."""
        if place not in self.expected:
            seen_there: list[Resource] = []
            for address, observed in self.view.observed.items():
                if address.place == place and observed.resource:
                    seen_there.append(observed.resource)
            self.expected[place] = seen_there
        return self.expected[place]

    def _obstacle(self, declared: Declared, live: Resource | None) -> Reason | None:
        """Return why nothing at all can be done about a resource."""
        kind = KINDS[declared.address.kind]
        resource = declared.resource
        obstacle: Reason | None = kind.obstacle(resource, live)
        if obstacle:
            if obstacle.is_refused:
                self.refused.append(Refusal.of(declared.address, obstacle))
            return obstacle
        # What is as declared needs nothing any more.
        if kind.is_there(resource, live) and not any(kind.remedy(resource, live)):
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
        obstacle = settled.obstacle
        # An obstacle that names a place is that the place was not seen.
        if obstacle and obstacle.place and need.if_seen:
            return None
        return obstacle

    def _elsewhere(self, target: Address) -> Reason | None:
        """Say whose step it would be, if it is not asked for here."""
        owner = self.view.desired.owner(target)
        if owner is None or self.view.scope.has_repository(owner):
            return None
        site = owner.site
        return Reason.awaited(Code.OTHER_SITE, f"{site} has to do it: calibstate apply --site {site}")

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
        if not not_approved:
            return None
        for action in actions:
            overtaken = sorted(not_approved & action.overtaken)
            if not overtaken:
                continue
            names = ", ".join(overtaken)
            why = left_out[overtaken[0]].detail
            refusal = Reason.refused(
                Code.WOULD_OVERTAKE,
                f"it would give {names} another place in the search order, and {why}",
            )
            self.refused.append(Refusal.of(target, refusal))
            return refusal
        return None

    def _known_to_fail(self, address: Address, actions: list[Action]) -> Reason | None:
        """Refuse what would be refused once it is begun, or failed before."""
        attempts = [(action.do, str(action.target)) for action in actions]
        for attempt in attempts:
            foreseen = self.foreseen.refused.get(attempt)
            if foreseen:
                refusal = Reason.refused(
                    Code.REFUSED_BEFOREHAND,
                    f"{foreseen.summary}: {foreseen.detail.rstrip('.')}",
                    hint=foreseen.hint,
                )
                self.refused.append(Refusal.of(address, refusal))
                return refusal
        # What failed in this run is among its outcomes, and no refusal.
        for attempt in attempts:
            failure = self.failed.get(attempt)
            if failure:
                return Reason.refused(Code.FAILED_BEFORE, failure)
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
        needed_steps = tuple(sorted(after, key=int))
        ids = []
        for action in actions:
            # Steps are numbered in the order in which they are carried out.
            number = str(len(self.steps) + 1)
            ids.append(number)
            facts = self.declarations.of(action)
            self.steps.append(Step(number, action, needed_steps, facts))
            self._expected_at(action.target.place).append(action.subject())
        self.settled[declared.address] = _Settled(tuple(ids))


def _with_obstacle(
    drift: Drift,
    declared: Declared,
    obstacle: Reason | None,
    ticket: str,
) -> Drift:
    """Return drift with its line and ticket, and what stands in its way."""
    update: dict[str, object] = {
        "ticket": ticket,
        "declared_at": declared.lines.get(drift.subject, declared.where),
    }
    if obstacle and drift.what in REPAIRABLE:
        update["detail"] = _detail(drift, obstacle)
        update["reason"] = obstacle.code.value
        update["hint"] = obstacle.hint
        if obstacle.is_awaited:
            update["what"] = What.PENDING
            # The same words for all that waits for it.
            update["waits_for"] = obstacle.detail
        # Of two lines that which stands in the way is what a person needs.
        if obstacle.where:
            update["declared_at"] = obstacle.where
    return drift.model_copy(update=update)


def _detail(drift: Drift, obstacle: Reason) -> str:
    """Return what departs and why it stays; once, where both are one fact."""
    if drift.reason == obstacle.code.value:
        return max(drift.detail, obstacle.detail, key=len)
    return f"{drift.detail}; {obstacle.detail}"
