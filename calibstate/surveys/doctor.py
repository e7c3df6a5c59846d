"""Look whether one can work with the places, before one has to.

Nothing is written anywhere, and a place that does not answer does not keep
the others from being looked at.  `doctor` reports all of it; `apply` makes the
same checks of the places that it is about to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ..engine.expand import adopted, places_of
from ..engine.objections import objections_at, to_be_exported
from ..engine.side_by_side import side_by_side
from ..errors import CalibstateError, LockedError, Severity
from ..model.bundles import Contents
from ..model.checkups import HERE, Check, Examined
from ..model.desired import DesiredState
from ..model.names import ARCHIVE, RepositoryAddress, TicketKey
from ..model.plans import Plan, Step
from ..model.revisions import CheckedOut
from ..model.scope import Scope
from ..ports.places import LockedPlaces, ReadPlaces
from .place_checks import commit, examined, kept_elsewhere, locked, ok, trouble, warning

__all__ = ["ExaminedPlaces", "doctor", "fit_for"]

_BUNDLES = f"bundles of {ARCHIVE}"
"""The look at them, beside those at places."""


class ExaminedPlaces(ReadPlaces, LockedPlaces, Protocol):
    """Places that tell of themselves."""

    def examine(self, place: str) -> Examined:
        """Look at a place or a store of records; nothing is written.

        Raises
        ------
        UnreachableError
            It does not answer.
        """
        ...

    def shared(self) -> tuple[str, ...]:
        """Return the places that sites share, as far as they are asked."""
        ...

    def stores_of_records(self) -> tuple[str, ...]:
        """Return the stores that keep locks and journals, each once."""
        ...

    def versions_here(self) -> tuple[str, ...]:
        """Return the versions of what the places are asked with."""
        ...

    def cache(self) -> str:
        """Return where looks are remembered, or why they are not, in words."""
        ...

    def checked_out(self) -> CheckedOut:
        """Return from which commit the tree is.

        Why that is not known is told also of a tree outside Git, where there
        is no Git to ask.
        """
        ...

    def missing_formatters(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the classes that cannot be imported here, and why."""
        ...


def doctor(
    desired: DesiredState,
    scope: Scope,
    places: ExaminedPlaces,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Check]:
    """Look at every place that is asked for.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        What is looked at.
    progress
        Is called with how many places have been looked at, of how many.

    Returns
    -------
    list of Check
        By place: this host, the archive, Rucio, the records, repositories.
    """
    repositories = places_of(desired, scope)
    shared = places.shared()
    stores = places.stores_of_records()
    with_locks = [*shared, *repositories]
    looks: dict[str, Callable[[], _Answer]] = {}
    if shared:
        looks[_BUNDLES] = partial(_bundles, desired, scope, places)
    for place in (*with_locks, *stores):
        looks[place] = partial(places.examine, place)
    for place in with_locks:
        looks[_lock_of(place)] = partial(_holder, places, place)
    # All places are asked at once, and reported in their order.
    answers: dict[str, Future[_Answer]] = {}
    looking = side_by_side(looks, places.timeout)
    number = len(looks)
    for done, (place, look) in enumerate(looking, 1):
        answers[place] = look
        progress(done, number)
    versions = ", ".join(places.versions_here())
    checks = [
        ok(HERE, "versions", versions),
        commit(places.checked_out()),
        ok(HERE, "cache", places.cache()),
    ]
    # Of how much room is needed the largest bundle tells.
    bundled = _bundled(answers.get(_BUNDLES))
    largest = bundled.largest if bundled else 0
    if shared:
        checks += _formatters(answers[_BUNDLES], places)
    for place in (*shared, *stores, *repositories):
        checks += examined(place, answers[place], largest)
        if place in stores:
            checks += kept_elsewhere(place, desired, repositories)
        if place in with_locks:
            lock = answers[_lock_of(place)]
            checks.append(locked(place, lock))
    # Where the archive is away, that is reported already.
    if bundled:
        checks += _of_tickets(
            desired,
            scope,
            places,
            bundled,
            repositories,
        )
    return checks


def fit_for(
    plan: Plan,
    ours: Callable[[Step], bool],
    places: ExaminedPlaces,
) -> list[Check]:
    """Look whether one can work where a plan is about to.

    Parameters
    ----------
    plan
        What is about to be done.
    ours
        Which steps are carried out.
    places
        What is looked at.

    Returns
    -------
    list of Check
        By place.  Who holds it, and whether what a bundle names can be
        imported, is asked by the steps themselves.
    """
    changed = {step.action.target.place for step in plan.steps if ours(step)}
    looks = {place: partial(places.examine, place) for place in changed}
    answers = dict(side_by_side(looks, places.timeout))
    checks: list[Check] = []
    for place in sorted(changed):
        checks += examined(place, answers[place], 0)
    return checks


# --- what a repository would object to ---


def _of_tickets(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    bundled: _Bundled,
    repositories: Sequence[RepositoryAddress],
) -> Iterator[Check]:
    """Yield what a repository would refuse, or has otherwise, of tickets."""
    # What has no bundle yet is asked of its origin, once for all.
    origins = {}
    for written in adopted(desired, scope):
        origin = desired.origin(written.noun.instrument)
        if origin is None:
            continue
        origins[origin] = partial(
            to_be_exported,
            desired,
            scope,
            places,
            origin,
            bundled.contents,
        )
    contents = dict(bundled.contents)
    arriving = dict(side_by_side(origins, places.timeout))
    for origin in origins:
        # That one cannot be seen is reported already.
        with suppress(CalibstateError):
            contents.update(arriving[origin].result())
    looks = {}
    for address in repositories:
        looks[address] = partial(
            objections_at,
            desired,
            scope,
            places,
            address,
            bundled.contents,
            contents,
        )
    answers = dict(side_by_side(looks, places.timeout))
    for address in repositories:
        try:
            objections = answers[address].result()
        except CalibstateError:
            continue  # That it cannot be seen is reported already.
        for diagnostic, tickets in objections.items():
            names = ", ".join(tickets)
            detail = diagnostic.detail.rstrip(".")
            finding = f"{names}: {diagnostic.summary}: {detail}"
            if diagnostic.severity is Severity.ERROR:
                yield warning(address, "tickets", finding, diagnostic.hint)
            else:
                yield ok(address, "tickets", finding)


# --- the bundles ---


@dataclass(frozen=True)
class _Bundled:
    """What bundles are made of."""

    largest: int
    """Bytes of the largest one."""

    contents: Mapping[TicketKey, Contents | None]
    """What the newest bundle of each ticket says; `None`: it is damaged."""

    damaged: tuple[CalibstateError, ...]

    @property
    def formatters(self) -> frozenset[str]:
        """Names of the classes that read their files."""
        names: set[str] = set()
        for contents in self.contents.values():
            if contents is None:
                continue
            for dataset in contents.datasets:
                names.add(dataset.formatter)
        return frozenset(names)


_Answer = _Bundled | Examined | LockedError | None


def _bundles(desired: DesiredState, scope: Scope, places: ReadPlaces) -> _Bundled:
    """Look at the newest bundle of each ticket that is adopted."""
    archive = places.archive()
    tickets = [written.noun.key for written in adopted(desired, scope)]
    manifests = archive.bundles(tickets)
    # What is wrong with the list of files of any of them is told as such.
    sizes = {}
    for of_ticket in manifests.values():
        for manifest in of_ticket:
            sizes[manifest.folder] = sum(file.size for file in manifest.files)
    largest = 0
    contents: dict[TicketKey, Contents | None] = {}
    damaged: list[CalibstateError] = []
    for key, of_ticket in manifests.items():
        newest = of_ticket[0]
        largest = max(largest, sizes[newest.folder])
        try:
            contents[key] = archive.contents(newest)
        except CalibstateError as error:
            contents[key] = None
            damaged.append(error)
    return _Bundled(largest, contents, tuple(damaged))


def _bundled(look: Future[_Answer] | None) -> _Bundled | None:
    """Return what bundles are made of; `None`: not asked for, or away."""
    if look is None or look.exception():
        return None
    bundled = look.result()
    assert isinstance(bundled, _Bundled)
    return bundled


def _formatters(look: Future[_Answer], places: ExaminedPlaces) -> Iterator[Check]:
    """Yield which bundles are damaged, and what their files need here."""
    try:
        bundled = look.result()
    except CalibstateError as error:
        why = f"not looked at, since the archive was not: {error.first.detail}"
        yield warning(HERE, "formatters", why, error.first.hint)
        return
    assert isinstance(bundled, _Bundled)
    for damage in bundled.damaged:
        yield trouble(ARCHIVE, "bundles", damage)
    names = bundled.formatters
    missing = places.missing_formatters(names)
    for name, why in missing.items():
        yield warning(
            HERE,
            "formatters",
            f"{name} cannot be imported ({why})",
            "Where the files that it reads are not yet, `apply` refuses to import them. Run this in an "
            "environment that has the class: those of lsst.obs.* live in the Rubin stack.",
        )
    if missing:
        return
    number = len(names)
    finding = f"all {number} that bundles name can be imported"
    if number == 0:
        finding = "no bundle names one; those of what is not exported yet are looked at with its repositories"
    elif number == 1:
        finding = "the one that bundles name can be imported"
    yield ok(HERE, "formatters", finding)


# --- locks ---


def _lock_of(place: str) -> str:
    return f"lock of {place}"


def _holder(places: LockedPlaces, place: str) -> LockedError | None:
    """Return who holds a place; nothing is broken without an id."""
    locks = places.records(place).locks
    try:
        locks.unlock(place, None, lambda words: None)
    except LockedError as error:
        return error
    return None
