"""What a place tells of itself, as checks with a word what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

from ..errors import CalibstateError, LockedError, without_secrets
from ..model.checkups import HERE, MOST_OFFSET, ROOM, Check, Examined, Health, in_bytes
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.revisions import CheckedOut

__all__ = ["commit", "examined", "kept_elsewhere", "locked", "ok", "trouble", "warning"]


def commit(tree: CheckedOut) -> Check:
    """Return from which commit the tree is."""
    if tree.unknown:
        hint = "Until then no plan and no journal tells its commit, and nothing is compared with another one."
        return warning(HERE, "git", tree.unknown, hint)
    if tree.commit is None:
        return ok(HERE, "git", "the tree is in no commit")
    finding = f"the tree is of commit {tree.commit[:10]}"
    if tree.dirty:
        finding += ", and has changes that it does not hold"
    return ok(HERE, "git", finding)


def examined(place: str, look: Future[Any], largest: int) -> Iterator[Check]:
    """Yield what a place tells of itself; that it is away, if it is."""
    try:
        answer = look.result()
    except CalibstateError as error:
        yield trouble(place, "read", error)
        return
    assert isinstance(answer, Examined)
    yield ok(place, "read", answer.read)
    if answer.may_write is False:
        hint = "It can be looked at; apply cannot change it from here."
        yield warning(place, "write", answer.write, hint)
    else:
        yield ok(place, "write", answer.write)
    if answer.versions:
        versions = ", ".join(answer.versions)
        yield ok(place, "versions", versions)
    for doubt in answer.doubts:
        yield warning(place, "versions", doubt, "Tell who keeps calibstate of it.")
    if answer.offset is not None:
        yield _clock(place, answer.offset)
    if answer.room is not None:
        yield _room(place, answer.room, largest)


def kept_elsewhere(
    store: str, desired: DesiredState, addresses: Iterable[RepositoryAddress]
) -> Iterator[Check]:
    """Yield a warning for each site whose records another site keeps."""
    sites = {address.site for address in addresses}
    for site in sorted(sites):
        elsewhere = desired.records_elsewhere(site)
        if not elsewhere or elsewhere.rstrip("/") != store.rstrip("/"):
            continue
        yield warning(
            store,
            "records",
            f"those of {site} are kept here, and another site keeps this store",
            f"While it is away nothing can be changed at {site}. Give {site} `records` of its own, in a "
            "store at the site.",
        )


def locked(place: str, look: Future[Any]) -> Check:
    """Return whether somebody holds a place."""
    try:
        holder = look.result()
    except CalibstateError as error:
        return trouble(place, "locks", error)
    if isinstance(holder, LockedError):
        return warning(place, "locks", holder.first.detail, holder.first.hint)
    return ok(place, "locks", "nobody holds it")


def _clock(place: str, offset: timedelta) -> Check:
    """Return whether a place's clock is near enough to ours."""
    if abs(offset) <= MOST_OFFSET:
        most = f"{MOST_OFFSET.total_seconds():g}"
        return ok(place, "clock", f"within {most} s of ours")
    seconds = offset.total_seconds()
    way = "behind"
    if seconds > 0:
        way = "ahead of"
    return warning(
        place,
        "clock",
        f"its clock is {abs(seconds):.0f} s {way} ours",
        "One of the two is wrong: signs of life, the log and signatures of requests rely on them. "
        "Have it set by NTP.",
    )


def _room(place: str, free: int, largest: int) -> Check:
    """Return whether there is room for the largest bundle."""
    finding = f"{in_bytes(free)} are free"
    if free >= max(ROOM, largest):
        return ok(place, "room", finding)
    if free < largest:
        finding += f"; the largest bundle has {in_bytes(largest)}"
    return warning(place, "room", finding, "Make room before the next apply.")


# --- checks ---


def ok(place: str, check: str, finding: str) -> Check:
    """Return that something is well."""
    return Check(
        place=without_secrets(place),
        check=check,
        health=Health.OK,
        said=without_secrets(finding),
    )


def warning(place: str, check: str, finding: str, hint: str) -> Check:
    """Return that something is in the way, and what to do."""
    return Check(
        place=without_secrets(place),
        check=check,
        health=Health.WARNING,
        said=without_secrets(finding),
        hint=hint,
    )


def trouble(place: str, check: str, error: CalibstateError) -> Check:
    """Return that something failed, with its reason."""
    return Check(
        place=without_secrets(place),
        check=check,
        health=Health.FAILED,
        said=error.first.detail,
        hint=error.first.hint,
    )
