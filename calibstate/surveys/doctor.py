"""Look whether one can work with the places, before one has to.

Nothing is written anywhere, and a place that does not answer does not keep
the others from being looked at.  `doctor` tells all of it; `apply` makes the
same checks of the places that it is about to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ..engine.expand import adopted, places_of
from ..engine.objections import objections_at
from ..engine.side_by_side import side_by_side
from ..errors import CalibstateError, LockedError, Severity, without_secrets
from ..model.bundles import Contents, Manifest
from ..model.checkups import HERE, MOST_OFFSET, ROOM, Check, Examined, Health, in_bytes
from ..model.desired import DesiredState
from ..model.names import ARCHIVE, RepositoryAddress, TicketKey
from ..model.plans import Plan, Step
from ..model.revisions import CheckedOut
from ..model.scope import Scope
from ..ports.places import LockedPlaces, ReadPlaces

__all__ = ["ExaminedPlaces", "doctor", "fit_for"]


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
    seen: Callable[[int, int], None] = lambda done, total: None,
) -> list[Check]:
    """Look at every place that is asked for.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        What is looked at.
    seen
        Told how many places have been looked at, of how many.

    Returns
    -------
    list of Check
        By place: this host, the archive, Rucio, the records, repositories.
    """
    repositories = places_of(desired, scope)
    shared = places.shared()
    held = [*shared, *repositories]
    stores = places.stores_of_records()
    bundled = partial(_bundles, desired, scope, places)
    looks: dict[str, Callable[[], _Answer]] = {f"bundles of {ARCHIVE}": bundled} if shared else {}
    looks |= {place: partial(places.examine, place) for place in (*held, *stores)}
    looks |= {f"lock of {place}": partial(_holder, places, place) for place in held}
    told: dict[str, Future[_Answer]] = {}
    for done, (place, look) in enumerate(side_by_side(looks, places.timeout), 1):
        told[place] = look
        seen(done, len(looks))
    checks = [
        _ok(HERE, "versions", ", ".join(places.versions_here())),
        _commit(places.checked_out()),
        _ok(HERE, "cache", places.cache()),
    ]
    largest = 0
    if shared:
        largest, of_formatters = _formatters(told[f"bundles of {ARCHIVE}"], places)
        checks += of_formatters
    for place in (*shared, *stores, *repositories):
        checks += _examined(place, told[place], largest)
        if place in stores:
            checks += _kept_elsewhere(place, desired, repositories)
        if place in held:
            checks.append(_locked(place, told[f"lock of {place}"]))
    return [*checks, *_of_tickets(desired, scope, places, told.get(f"bundles of {ARCHIVE}"), repositories)]


def fit_for(plan: Plan, ours: Callable[[Step], bool], places: ExaminedPlaces) -> list[Check]:
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
    changed = sorted({step.action.target.place for step in plan.steps if ours(step)})
    looks = {place: partial(places.examine, place) for place in changed}
    told = dict(side_by_side(looks, places.timeout))
    return [check for place in changed for check in _examined(place, told[place], 0)]


def _of_tickets(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    bundles: Future[_Answer] | None,
    repositories: Sequence[RepositoryAddress],
) -> Iterator[Check]:
    """Yield what a repository would refuse, or has otherwise, of tickets."""
    if bundles is None or bundles.exception():
        return  # The archive was not asked for, or that it is away is told.
    bundled = bundles.result()
    assert isinstance(bundled, _Bundled)
    looks = {
        address: partial(objections_at, desired, scope, places, address, bundled.contents)
        for address in repositories
    }
    told = dict(side_by_side(looks, places.timeout))
    for address in repositories:
        try:
            objections = told[address].result()
        except CalibstateError:
            continue  # That it cannot be seen is told already.
        for diagnostic, tickets in objections.items():
            said = f"{', '.join(tickets)}: {diagnostic.summary}: {diagnostic.detail.rstrip('.')}"
            if diagnostic.severity is Severity.ERROR:
                yield _warning(address, "tickets", said, diagnostic.hint)
            else:
                yield _ok(address, "tickets", said)


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
        known = [contents for contents in self.contents.values() if contents]
        return frozenset(dataset.formatter for contents in known for dataset in contents.datasets)


_Answer = _Bundled | Examined | LockedError | None


def _bundles(desired: DesiredState, scope: Scope, places: ReadPlaces) -> _Bundled:
    archive = places.archive()
    found = archive.bundles(written.noun.key for written in adopted(desired, scope))
    # What is wrong with the list of files of any of them is told as such.
    sizes = {m.folder: sum(file.size for file in m.files) for found_ in found.values() for m in found_}
    contents, damaged = dict[TicketKey, Contents | None](), list[CalibstateError]()
    newest: dict[TicketKey, Manifest] = {key: manifests[0] for key, manifests in found.items()}
    for key, manifest in newest.items():
        try:
            contents[key] = archive.contents(manifest)
        except CalibstateError as error:
            contents[key] = None
            damaged.append(error)
    largest = max((sizes[manifest.folder] for manifest in newest.values()), default=0)
    return _Bundled(largest, contents, tuple(damaged))


def _holder(places: LockedPlaces, place: str) -> LockedError | None:
    """Return who holds a place; nothing is broken without an id."""
    try:
        places.records(place).locks.unlock(place, None, lambda words: None)
    except LockedError as error:
        return error
    return None


def _formatters(bundles: Future[_Answer], places: ExaminedPlaces) -> tuple[int, list[Check]]:
    try:
        found = bundles.result()
    except CalibstateError as error:
        why = f"not looked at, since the archive was not: {error.diagnostics[0].detail}"
        return 0, [_warning(HERE, "formatters", why, error.diagnostics[0].hint)]
    assert isinstance(found, _Bundled)
    checks = [_trouble(ARCHIVE, "bundles", error) for error in found.damaged]
    missing = places.missing_formatters(found.formatters)
    checks += [
        _warning(
            HERE,
            "formatters",
            f"{name} cannot be imported ({why})",
            "Where the files that it reads are not yet, `apply` refuses to import them. Run this in an "
            "environment that has the class: those of lsst.obs.* live in the Rubin stack.",
        )
        for name, why in missing.items()
    ]
    if not missing:
        count = len(found.formatters)
        words = {0: "no bundle names one", 1: "the one that bundles name can be imported"}
        said = words.get(count, f"all {count} that bundles name can be imported")
        checks.append(_ok(HERE, "formatters", said))
    return found.largest, checks


def _commit(tree: CheckedOut) -> Check:
    if tree.unknown:
        hint = "Until then no plan and no journal tells its commit, and nothing is compared with another one."
        return _warning(HERE, "git", tree.unknown, hint)
    if tree.commit is None:
        return _ok(HERE, "git", "the tree is in no commit")
    dirty = ", and has changes that it does not hold" if tree.dirty else ""
    return _ok(HERE, "git", f"the tree is of commit {tree.commit[:10]}{dirty}")


def _examined(place: str, look: Future[_Answer] | Future[Examined], largest: int) -> Iterator[Check]:
    try:
        found = look.result()
    except CalibstateError as error:
        yield _trouble(place, "read", error)
        return
    assert isinstance(found, Examined)
    yield _ok(place, "read", found.read)
    if found.may_write is False:
        yield _warning(place, "write", found.write, "It can be looked at; apply cannot change it from here.")
    else:
        yield _ok(place, "write", found.write)
    if found.versions:
        yield _ok(place, "versions", ", ".join(found.versions))
    for doubt in found.doubts:
        yield _warning(place, "versions", doubt, "Tell who keeps calibstate of it.")
    if found.offset is not None:
        yield _clock(place, found)
    if found.room is not None:
        yield _room(place, found.room, largest)


def _kept_elsewhere(store: str, desired: DesiredState, asked: Iterable[RepositoryAddress]) -> Iterator[Check]:
    """Yield a warning for each site whose records another site keeps."""
    for site in sorted({address.site for address in asked}):
        if (found := desired.records_elsewhere(site)) and found.rstrip("/") == store.rstrip("/"):
            said = f"those of {site} are kept here, and another site keeps this store"
            hint = (
                f"While it is away nothing can be changed at {site}. Give {site} `records` of its own, in a "
                "store at the site."
            )
            yield _warning(store, "records", said, hint)


def _clock(place: str, found: Examined) -> Check:
    assert found.offset is not None
    seconds = found.offset.total_seconds()
    if abs(found.offset) <= MOST_OFFSET:
        return _ok(place, "clock", f"within {MOST_OFFSET.total_seconds():g} s of ours")
    way = "ahead of" if seconds > 0 else "behind"
    said = f"its clock is {abs(seconds):.0f} s {way} ours"
    hint = "One of the two is wrong: signs of life, the log and signatures of requests rely on them."
    return _warning(place, "clock", said, f"{hint} Have it set by NTP.")


def _room(place: str, free: int, largest: int) -> Check:
    said = f"{in_bytes(free)} are free"
    if free >= max(ROOM, largest):
        return _ok(place, "room", said)
    why = f"; the largest bundle has {in_bytes(largest)}" if free < largest else ""
    return _warning(place, "room", f"{said}{why}", "Make room before the next apply.")


def _locked(place: str, look: Future[_Answer]) -> Check:
    try:
        error = look.result()
    except CalibstateError as trouble:
        return _trouble(place, "locks", trouble)
    if isinstance(error, LockedError):
        return _warning(place, "locks", error.diagnostics[0].detail, error.diagnostics[0].hint)
    return _ok(place, "locks", "nobody holds it")


def _ok(place: str, check: str, said: str) -> Check:
    return Check(place=without_secrets(place), check=check, health=Health.OK, said=without_secrets(said))


def _warning(place: str, check: str, said: str, hint: str) -> Check:
    told = without_secrets(said)
    return Check(place=without_secrets(place), check=check, health=Health.WARNING, said=told, hint=hint)


def _trouble(place: str, check: str, error: CalibstateError) -> Check:
    first = error.diagnostics[0]
    at = without_secrets(place)
    return Check(place=at, check=check, health=Health.FAILED, said=first.detail, hint=first.hint)
