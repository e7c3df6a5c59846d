"""An external: a collection that others make.

Raws, reference catalogs, skymaps and models stand in a defaults chain beside
the calibrations.  They are expected to exist, never made and never removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from typing_extensions import override

from ..errors import Diagnostic, Severity, UnreachableError
from ..model.actions import Action
from ..model.chains import ExternalEntry
from ..model.contents import CollectionType, Holding
from ..model.drift import Drift, What
from ..model.names import Address, CollectionName, Place, RepositoryAddress
from ..model.reasons import Code, Reason, Weight
from ..model.resources import Declared, Resource
from ..model.status import RowKey, Subject
from ..ports.butler import ButlerReader, SeenCollection
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .rows import TableRows
from .selection import Selection

__all__ = ["External", "ExternalKind", "chains_below", "reached"]


@dataclass(frozen=True)
class External(Resource):
    """A collection of any type that others make."""

    calibrations: int = 0
    """Observed: certifications in it, if it is a CALIBRATION collection."""

    below: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Observed: where it is a chain, its children, and those of each chain
    below it."""

    @classmethod
    def at(cls, repository: RepositoryAddress, name: CollectionName) -> Address:
        """Return the address of a collection that others make."""
        return Address(place=repository, kind="external", name=name)


class ExternalKind(Kind[External]):
    """Collections that others make."""

    name = "external"
    actions = ()

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        for chain in selection.repositories[place].chains:
            for index, entry in enumerate(chain.noun.entries):
                if not isinstance(entry, ExternalEntry):
                    continue
                if selection.desired.expects(entry.only, place):
                    external = External(External.at(place, entry.external))
                    yield Declared(external, chain.lines.at("entries", index))

    @override
    def observe(
        self,
        targets: Sequence[External],
        places: ReadPlaces,
    ) -> Mapping[Address, External | None]:
        if not targets:
            return {}
        butler = places.butler(targets[0].address.place)
        there = butler.collections([target.address.name for target in targets])
        calibrations = [
            name for name, collection in there.items() if collection.type is CollectionType.CALIBRATION
        ]
        held: Mapping[str, Holding] = {}
        chains: dict[str, tuple[str, ...]] = {}
        # An observation of others may be from before they were looked at.
        with suppress(UnreachableError):
            if calibrations:
                held = butler.digests(calibrations, calibrations_only=True)
        with suppress(UnreachableError):
            chains = chains_below(there, butler)
        live: dict[Address, External | None] = {}
        for target in targets:
            name = target.address.name
            if name not in there:
                live[target.address] = None
                continue
            # Calibrations in it are told, since nobody deploys them.
            number = 0
            if name in held:
                number = len(held[name].rows)
            below = {child: chains[child] for child in reached([name], chains) if child in chains}
            live[target.address] = replace(target, calibrations=number, below=below)
        return live

    @override
    def remarks(self, live: External) -> Iterator[Diagnostic]:
        if live.calibrations:
            yield Diagnostic(
                "Calibrations that are not deployed",
                f"{live.address.name} at {live.address.place} holds "
                f"{live.calibrations} certifications, and is declared as what others make.",
                hint="If they belong to a ticket, declare it: calibstate capture shows how.",
                severity=Severity.NOTE,
            )

    @override
    def compare(self, declared: External, live: External | None) -> Iterator[Drift]:
        if live is None:
            yield Drift(
                target=declared.address,
                what=What.MISSING,
                subject=declared.address.name,
                detail="others make this collection, and it does not exist; no step mends that",
            )

    @override
    def remedy(self, declared: External, live: External | None) -> Iterator[Action]:
        yield from ()

    @override
    def is_there(self, declared: External, live: External | None) -> bool:
        return live is not None

    @override
    def obstacle(self, declared: External, live: External | None) -> Reason | None:
        if live:
            return None
        detail = f"{declared.address.name} does not exist; others make it"
        return Reason(Code.MADE_BY_OTHERS, detail, Weight.PLAIN)

    @override
    def rows(
        self,
        drift: Drift,
        table: TableRows,
        declared: External | None,
        live: External | None,
    ) -> Iterator[RowKey]:
        if drift.target.name in table.externals:
            yield RowKey(Subject.EXTERNAL, drift.target.name)

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        raise AssertionError("nothing is ever done to an external collection")


def chains_below(
    collections: Mapping[str, SeenCollection],
    butler: ButlerReader,
) -> dict[str, tuple[str, ...]]:
    """Return those of some collections that are chains, and all below them.

    Parameters
    ----------
    collections
        The collections, as the repository lists them.
    butler
        The repository.

    Returns
    -------
    dict
        Children in search order, by chain.
    """
    chains: dict[str, tuple[str, ...]] = {}
    names = set(collections)
    # One question a level; a chain that holds itself is not asked for twice.
    while True:
        below: set[str] = set()
        for name, collection in collections.items():
            if collection.type is CollectionType.CHAINED:
                chains[name] = collection.children
                below.update(collection.children)
        below -= names
        if not below:
            return chains
        names |= below
        collections = butler.collections(sorted(below))


def reached(
    names: Iterable[str],
    chains: Mapping[str, Sequence[str]],
) -> tuple[str, ...]:
    """Return some names and all that chains of these names hold.

    Parameters
    ----------
    names
        Where to begin.
    chains
        Children of each chain.
    """
    # The keys of a dictionary keep the order in which they were reached.
    reached_names: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in reached_names:
            reached_names[name] = None
            waiting += chains.get(name, ())
    return tuple(reached_names)
