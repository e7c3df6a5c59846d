"""What is written of curated calibrations, and why that is not as declared.

A label is free, or done, or spoilt: the command cannot go on where it was cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from typing_extensions import override

from ..model.contents import CollectionType, Row
from ..model.curated import Curated as CuratedKey
from ..model.curated import SeenPackage
from ..model.fingerprints import collection_fingerprint
from ..model.names import ARCHIVE, Address, CollectionName, RepositoryAddress, TicketKey
from ..model.reasons import Code, Reason
from ..model.resources import Resource
from ..model.tickets import Ticket
from .whole import tell_folded

__all__ = ["COMMAND", "Curated", "fingerprint_of", "is_done", "package_problem", "problem_with"]

COMMAND = "write-curated-calibrations"
"""The command of ``butler``."""

_MOST = 3
"""Files that a sentence names."""


@dataclass(frozen=True)
class Curated(Resource):
    """The curated calibrations of one ticket at its origin."""

    ticket: TicketKey
    """Declared: its ticket."""

    key: CuratedKey
    """Declared: by what they are written."""

    is_sealed: bool = False
    """Declared: whether the ticket is sealed."""

    package: SeenPackage | None = None
    """Observed: the package that holds the text; `None`: it is not set up."""

    expected: frozenset[Row] = field(default=frozenset(), repr=False)
    """Observed: what the package says, without UUIDs."""

    strange: tuple[str, ...] = ()
    """Observed: folders of the package that the repository knows no detector
    or filter for."""

    held: frozenset[Row] = field(default=frozenset(), repr=False)
    """Observed: what the collection holds, without UUIDs."""

    taken: CollectionType | None = None
    """Observed: another type of the collection, which has the name."""

    there: tuple[CollectionName, ...] = ()
    """Observed: which of the collections and RUNs that it writes exist."""

    next_label: str = ""
    """Observed: a label that is free, where this one is spoilt."""

    running: str = ""
    """Observed: which process writes them now."""

    hidden: str = ""
    """Observed: why nobody can tell what the package says."""

    left: str = ""
    """Observed: how it is known that its ticket has left the origin."""

    unseen: str = ""
    """Observed: why that is not known."""

    @classmethod
    def at(cls, repository: RepositoryAddress, ticket: Ticket) -> Address:
        """Return the address of a ticket's curated calibrations."""
        return Address(place=repository, kind="curated", name=ticket.name)

    @cached_property
    def lacking(self) -> frozenset[Row]:
        """What the package says and the collection does not hold."""
        return self.expected - self.held

    @cached_property
    def beyond(self) -> frozenset[Row]:
        """What the collection holds and the package does not say."""
        return self.held - self.expected

    @property
    def is_whole(self) -> bool:
        """Whether the collection holds what the package says."""
        return bool(self.expected) and self.held == self.expected

    @property
    def source(self) -> str:
        """The package, and the revision that is declared."""
        revision = "(of no declared revision)"
        if self.key.revision:
            revision = self.key.revision[:10]
        return f"{self.key.package} {revision}"

    @override
    def declaration(self) -> Mapping[str, object]:
        return self.key.model_dump(by_alias=True)

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {fingerprint_of(self.held)} {fingerprint_of(self.expected)} {self.there}"


def is_done(live: Curated) -> bool:
    """Say whether they are written as declared, as far as that can be told."""
    return live.is_whole and problem_with(live) is None


def problem_with(live: Curated) -> Reason | None:
    """Say why they cannot be written, or are not what they should be."""
    if live.running:
        # It may be anybody's, and what it writes is not whole before its end.
        return Reason.awaited(
            Code.UNDER_WAY,
            f"butler {COMMAND} runs, as {live.running}",
        )
    if live.taken:
        collection = live.key.collection
        type_there = live.taken.value
        return Reason.refused(
            Code.NAME_TAKEN,
            f"{collection} is a {type_there} collection, and no CALIBRATION collection",
        )
    package = package_problem(live)
    if not live.there:
        return package or _unseen(live)
    if package:
        detail = f"whether what is there is whole cannot be told: {package.detail}"
        return Reason.awaited(Code.CONTENT_UNKNOWN, f"{detail}; {_ways_out(live)}")
    if live.is_whole:
        return None
    return _half_written(live)


def _unseen(live: Curated) -> Reason | None:
    if not live.unseen:
        return None
    return Reason.unseen(ARCHIVE, f"whether its ticket has left the origin is not known: {live.unseen}")


def package_problem(live: Curated) -> Reason | None:
    """Say why nobody can tell by the package what should be there."""
    if live.hidden:
        return Reason.unseen(live.address.place, f"what is set up there is not known: {live.hidden}")
    package = live.package
    variable = f"{live.key.package.upper()}_DIR"
    if package is None:
        return Reason.refused(
            Code.PACKAGE_MISSING,
            f"{live.key.package} is not set up: ${variable} names no folder",
            hint=f"Set it up, then run this again: ${variable} is its folder.",
        )
    revision = live.key.revision
    if revision and not _is_same(revision, package.revision or revision):
        return Reason.refused(
            Code.PACKAGE_DIFFERS,
            f"{package.path} is of another revision than {revision}: {package.revision}",
            hint=f"Check out {revision} there, or declare the other under `data`.",
        )
    if revision and package.is_edited:
        return Reason.refused(
            Code.PACKAGE_DIFFERS,
            f"{package.path} has files of the camera that are not those of {revision}",
            hint="See `git status` there.",
        )
    unfit = _unfit(live, package)
    if unfit:
        return Reason.refused(
            Code.PACKAGE_DIFFERS,
            f"the command would stop there: {'; '.join(unfit)}",
            hint="Register the instrument (`butler register-instrument`), or correct the package.",
        )
    return None


def _unfit(live: Curated, package: SeenPackage) -> list[str]:
    """Say at what the command would stop, or write next to nothing."""
    if not package.files:
        return [f"{package.path} has nothing in {live.key.camera_folder}"]
    # The command stops at the first of them, behind the camera.
    unfit = list(package.unfit)
    for words in live.strange:
        unfit.append(f"{words} is not known to the repository")
    return unfit[:_MOST]


def _is_same(declared: str, there: str) -> bool:
    """Say whether two revisions are one, of which either may be cut short."""
    return there.startswith(declared) or declared.startswith(there)


def _ways_out(live: Curated) -> str:
    """Say how it becomes known whether what is there is whole."""
    words = live.key.package
    if live.key.revision:
        words = f"{words} {live.key.revision}"
    return f"set up {words}, or look at it and say that it is right: calibstate seal {live.ticket.ticket}"


def _half_written(live: Curated) -> Reason:
    """Say how a label is neither free nor done, and what to do then."""
    instrument = live.ticket.instrument
    words: list[str] = []
    if live.lacking:
        number = f"{len(live.lacking)} of {len(live.expected)} calibrations are not there"
        groups = tell_folded(live.lacking, instrument)
        words.append(f"{number}: {groups}")
    if live.beyond:
        number = f"{len(live.beyond)} are there that {live.source} does not have"
        groups = tell_folded(live.beyond, instrument)
        words.append(f"{number}: {groups}")
    difference = "; ".join(words)
    if not live.key.revision:
        detail = f"beside {live.key.package} as it is set up here, {difference}"
        return Reason.awaited(Code.CONTENT_UNKNOWN, f"{detail}; {_ways_out(live)}")
    # What the command would never write was written by somebody else.
    code = Code.CONTENT_DIFFERS
    if not live.beyond:
        code = Code.HALF_WRITTEN
        difference = f"it is half-written: {difference}"
    label = live.next_label
    collection = f"{instrument}/calib/{label}"
    return Reason.refused(
        code,
        f"{difference}; there are {', '.join(live.there)}",
        hint="The command cannot go on, and nothing is removed here. "
        f"Give `label: {label}` and `collection: {collection}`, and list {collection} and "
        f"{collection}/unbounded under `bare`; a person may remove what is left.",
    )


def fingerprint_of(rows: frozenset[Row]) -> str:
    """Return the fingerprint of what is certified, without UUIDs."""
    return collection_fingerprint(rows)
