"""A kind in one file, to hold the house to its promise.

An alias is a chain with one child: another name under which a repository
finds a collection.  It is declared in ``aliases/NAME.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from calibstate.errors import Diagnostic
from calibstate.kinds import registry, table
from calibstate.kinds.base import Kind
from calibstate.kinds.rows import TableRows
from calibstate.kinds.selection import Selection
from calibstate.model.actions import Action, Departure, Standing
from calibstate.model.desired import DesiredState, Written
from calibstate.model.drift import Drift, What
from calibstate.model.forms import Form
from calibstate.model.names import Address, CollectionName, InstrumentName, Noun, Place, Word
from calibstate.model.reasons import Reason
from calibstate.model.resources import Declared, Resource
from calibstate.model.status import RowKey, Subject
from calibstate.ports.places import ReadPlaces, WritePlaces
from calibstate.ports.progress import Watch
from calibstate.ports.records import Fence


class AliasFile(Noun):
    """Another name of a collection."""

    alias: Word
    """Its name, behind ``aliases/``."""

    instrument: InstrumentName
    """Repositories that have it get the alias."""

    of: CollectionName
    """The collection that it stands for."""


def _check(written: Written[AliasFile], desired: DesiredState) -> Iterator[Diagnostic]:
    if not desired.with_instrument(written.noun.instrument):
        where = written.lines.value_at("instrument")
        yield Diagnostic("Nobody has it", f"No repository has {written.noun.instrument}.", where)


@dataclass(frozen=True)
class Alias(Resource):
    """A chain with one child."""

    children: tuple[str, ...]

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {' '.join(self.children)}"

    @override
    def declaration(self) -> Mapping[str, object]:
        return {"children": self.children}


class PointAlias(Action):
    """Have an alias stand for a collection."""

    do: ClassVar[str] = "point-alias"

    before: tuple[str, ...] | None
    of: str

    @override
    def subject(self) -> Alias:
        return Alias(self.target, (self.of,))

    @override
    def standing(self, live: Resource | None) -> Standing:
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.DONE if _children(live) == (self.of,) else Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if _children(live) not in {self.before, (self.of,)}:
            yield Departure(self.target.place, self.target.name, str(self.before), str(_children(live)))

    @override
    def summary(self) -> str:
        return f"stand for {self.of}"


class AliasKind(Kind[Alias]):
    """Other names of collections."""

    name = "alias"
    actions = (PointAlias,)
    form = Form("aliases", AliasFile, "alias", "another name of a collection", _check)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        for written in selection.desired.own.get("aliases", {}).values():
            noun: Any = written.noun
            if place in selection.desired.with_instrument(noun.instrument):
                address = Address(place=place, kind="alias", name=f"aliases/{noun.alias}")
                yield Declared(Alias(address, (noun.of,)), written.lines.at("alias"))

    @override
    def observe(self, targets: Sequence[Alias], places: ReadPlaces) -> Mapping[Address, Alias | None]:
        butler = places.butler(targets[0].address.place)
        seen = butler.collections([target.address.name for target in targets])
        live: dict[Address, Alias | None] = {}
        for target in targets:
            chain = seen.get(target.address.name)
            live[target.address] = Alias(target.address, chain.children) if chain else None
        return live

    @override
    def compare(self, declared: Alias, live: Alias | None) -> Iterator[Drift]:
        if _children(live) != declared.children:
            detail = f"it stands for {', '.join(live.children)}" if live else "it does not exist"
            what = What.MISSING if live is None else What.MISORDERED
            yield Drift(target=declared.address, what=what, subject=declared.address.name, detail=detail)

    @override
    def remedy(self, declared: Alias, live: Alias | None) -> Iterator[Action]:
        for drift in self.compare(declared, live):
            yield PointAlias(
                target=declared.address,
                because=drift.detail,
                before=_children(live),
                of=declared.children[0],
            )

    @override
    def is_there(self, declared: Alias, live: Alias | None) -> bool:
        return not any(self.compare(declared, live))

    @override
    def obstacle(self, declared: Alias, live: Alias | None) -> Reason | None:
        return None

    @override
    def rows(
        self, drift: Drift, table: TableRows, declared: Alias | None, live: Alias | None
    ) -> Iterator[RowKey]:
        aliases: Any = table.desired.own["aliases"]
        if aliases[drift.target.name.rpartition("/")[2]].noun.instrument == table.instrument:
            yield RowKey(Subject.RESOURCE, drift.target.name)

    @override
    def sentence(self, declared: Alias) -> str:
        return f"stands for {declared.children[0]}"

    @override
    def apply(self, action: Action, places: WritePlaces, watch: Watch, fence: Fence) -> None:
        assert isinstance(action, PointAlias)
        butler = places.change_butler(action.target.place)
        butler.set_chain(action.target.name, (action.of,), expected=action.before, fence=fence)


def add_to_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the line of a kind that calibstate does not have."""
    line = table.Line(__name__, AliasKind.__name__, folder="aliases")
    monkeypatch.setattr(table, "TABLE", [*table.TABLE, line])
    monkeypatch.setitem(registry.KINDS, AliasKind.name, AliasKind())
    for action in AliasKind.actions:
        monkeypatch.setitem(registry.ACTIONS, action.do, action)


def _children(live: Resource | None) -> tuple[str, ...] | None:
    return live.children if isinstance(live, Alias) else None
