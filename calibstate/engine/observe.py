"""Look at the live places, side by side, each of them once.

A place that does not answer costs the others nothing, and what it holds is
unknown, never nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import CalibstateError, Diagnostic, RefusedError, UnreachableError
from ..kinds.base import Kind
from ..kinds.registry import KINDS
from ..kinds.waves import Waves
from ..model.desired import DesiredState
from ..model.drift import UndeclaredChain
from ..model.fingerprints import digest_of_lines
from ..model.names import Address, Place, RepositoryAddress
from ..model.resources import Declared, Observed, Resource
from ..model.scope import Scope
from ..ports.places import ReadPlaces
from .expand import expand, places_of
from .pin import pin_tickets
from .side_by_side import side_by_side
from .undeclared import UndeclaredChains
from .waves import look_at_waves

__all__ = ["View", "look", "look_at", "observe", "refuse_doubles"]


@dataclass(frozen=True)
class View:
    """What is declared, and what the places showed of it."""

    desired: DesiredState
    scope: Scope
    declared: tuple[Declared, ...]
    """In the order in which a ticket travels."""
    observed: Mapping[Address, Observed]
    waves: Waves
    """What the waves before have published."""
    notes: tuple[Diagnostic, ...] = ()
    """What a person should know of the look."""
    undeclared: tuple[UndeclaredChain, ...] = ()
    """Chains that are live and that nobody declared."""

    @property
    def digest(self) -> str:
        """Digest of what was seen."""
        facts: list[str] = []
        for observed in self.observed.values():
            if observed.resource:
                facts.extend(observed.resource.facts())
        return digest_of_lines(sorted(facts))

    @property
    def unreachable(self) -> Mapping[Place, Diagnostic]:
        """Why places could not be seen, by place."""
        unreachable: dict[Place, Diagnostic] = {}
        for observed in self.observed.values():
            if observed.trouble:
                unreachable[observed.address.place] = observed.trouble
        return unreachable


def observe(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> View:
    """Look at everything that is asked for.

    Parameters
    ----------
    desired
        The whole declared state.
    scope
        The part of it that is asked for.
    places
        Where to look.
    progress
        Told how many places have been looked at, of how many.

    Raises
    ------
    RefusedError
        Two addresses open one and the same butler.
    """
    refuse_doubles(desired, places)
    # Each place is looked at once, for all that is declared there.
    by_place: dict[Place, list[Declared]] = {}
    wanted = sorted(expand(desired, scope), key=lambda declared: declared.address.place)
    for declared in wanted:
        place = declared.address.place
        there = by_place.setdefault(place, [])
        there.append(declared)
    undeclared = UndeclaredChains(desired, scope)

    def look_there(place: Place, there: list[Declared]) -> list[Observed]:
        answers = look_at(there, places)
        # An observation of before does not tell of them.
        with suppress(UnreachableError):
            undeclared.look(place, places)
        return answers

    looks: dict[Place, Callable[[], list[Observed]]] = {}
    for place, there in by_place.items():
        looks[place] = partial(look_there, place, there)

    def is_there(address: Place) -> list[Observed]:
        if undeclared.names(address):
            undeclared.look(address, places)
        else:
            places.butler(address).collections(["calibstate asks whether it is there"])
        return []

    # Of a repository for which nothing is declared it is told if it is away.
    for address in places_of(desired, scope):
        if address in looks:
            continue
        looks[address] = partial(is_there, address)
        by_place[address] = []
    observed: dict[Address, Observed] = {}
    # Whoever answers first is told first.
    answers = side_by_side(looks, places.timeout)
    for done, (place, look) in enumerate(answers, 1):
        for resource in _result(place, look, by_place[place]):
            observed[resource.address] = resource
        progress(done, len(looks))
    # What tickets hold is known only now, so all is declared once more.
    pins = pin_tickets(
        desired,
        scope,
        observed,
        places,
    )
    declared_with_pins = expand(desired, scope, pins)
    waves = look_at_waves(desired, scope, places)
    return View(
        desired,
        scope,
        declared_with_pins,
        observed,
        waves,
        tuple(_remarks(observed)),
        undeclared.found_live,
    )


def _remarks(observed: Mapping[Address, Observed]) -> Iterator[Diagnostic]:
    """Yield what a person should know, kind by kind, of all places."""
    for name, kind in KINDS.items():
        for answer in observed.values():
            live = answer.resource
            if live and live.address.kind == name:
                yield from kind.remarks(live)


def look(resource: Resource, places: ReadPlaces) -> Resource | None:
    """Look at one resource again; `None`: it is absent."""
    address = resource.address
    kind = KINDS[address.kind]
    live: Resource | None = kind.observe([resource], places)[address]
    return live


def look_at(wanted: list[Declared], places: ReadPlaces) -> list[Observed]:
    """Look at declared resources of one place, all together."""
    observed_there: list[Observed] = []
    searched: set[str] = set()
    try:
        # In reverse travelling order, so that chains come first: they tell
        # what is searched, and so how closely the others are looked at.
        for kind in reversed(KINDS.values()):
            targets: list[Resource] = []
            for declared in wanted:
                if declared.address.kind == kind.name:
                    targets.append(kind.looked_at(declared.resource, searched))
            for observed in _look_at_kind(kind, targets, places):
                if observed.resource:
                    searched.update(kind.searches(observed.resource))
                observed_there.append(observed)
    except UnreachableError as error:
        # Of a place that falls silent midway nothing is known at all.
        return _unseen(error, wanted)
    return observed_there


def _result(
    place: Place,
    look: Future[list[Observed]],
    wanted: list[Declared],
) -> list[Observed]:
    """Return what a look showed, or that the place could not be seen."""
    try:
        return look.result()
    except UnreachableError as error:
        if wanted:
            return _unseen(error, wanted)
        address = Address(place=place, kind="place", name=place)
        return [Observed(address, trouble=error.first)]


def _unseen(error: UnreachableError, wanted: list[Declared]) -> list[Observed]:
    unseen: list[Observed] = []
    for declared in wanted:
        nothing = Observed(declared.address, trouble=error.first)
        unseen.append(nothing)
    return unseen


def _look_at_kind(
    kind: Kind[Any],
    targets: list[Resource],
    places: ReadPlaces,
) -> Iterator[Observed]:
    """Look at all resources of a kind; what is refused stops only its own."""
    if not targets:
        return
    try:
        resources = kind.observe(targets, places)
    except RefusedError as error:
        if len(targets) == 1:
            yield Observed(targets[0].address, refusal=error.first)
            return
        # Nobody knows which of them it is about, so each is asked alone.
        for target in targets:
            yield from _look_at_kind(kind, [target], places)
        return
    for address, resource in resources.items():
        yield Observed(address, resource)


def refuse_doubles(desired: DesiredState, places: ReadPlaces) -> None:
    """Refuse two addresses that open one butler, before any look.

    Raises
    ------
    RefusedError
        There are two.
    """
    questions: dict[RepositoryAddress, Callable[[], str]] = {}
    for address in desired.repositories:
        questions[address] = partial(places.identity, address)
    answers = dict(side_by_side(questions, places.timeout))
    opened: dict[str, RepositoryAddress] = {}
    # In their order, so that the later of the two is the one to correct.
    for address in desired.repositories:
        try:
            identity = answers[address].result()
        except CalibstateError:
            continue  # It is told when it is looked at.
        other = opened.setdefault(identity, address)
        if other == address:
            continue
        _, repository = desired.repository(address)
        written = desired.sites[address.site]
        other_site = desired.sites[other.site]
        once = other_site.noun.with_instruments_of(other.name, repository)
        problem = Diagnostic(
            "Two addresses open one butler",
            f"{other} and {address} are the same repository; one would undo the other's work.",
            written.lines.at("repositories", address.name, "butler"),
            hint="Correct `butler:` of one of them; or give it one name with all its instruments, "
            f"and take out {address}; in {other_site.lines.file}:\n{once}",
        )
        raise RefusedError(problem)
