"""How it is known what collections hold: by seals alone, or by looking.

Seals need no butler.  A live repository tells also of what nobody sealed, and
of the extras in its chains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Protocol

from ...kinds.chain import Chain, written_order
from ...model.contents import Holding, Row
from ...ports.butler import ButlerReader
from ..effective import flatten

__all__ = ["Children", "LiveSight", "SealedSight", "Sight"]

Children = Mapping[str, Sequence[str]]
"""Children of chains, by name."""

Named = Mapping[str, AbstractSet[str]]
"""What is named of each chain."""

Holdings = Mapping[str, Holding]
"""What collections hold, by name."""


class Sight(Protocol):
    """How the collections are seen."""

    def children(
        self,
        declared: Sequence[Chain],
        named: Named,
    ) -> Children:
        """Return the children of chains, as they would be written.

        Parameters
        ----------
        declared
            The chains of one declaration.
        named
            What either declaration names of each chain; all else is extra.
        """
        ...

    def below(self, name: str) -> tuple[str, ...]:
        """Return what is searched through a collection nobody declared."""
        ...

    def look(self, leaves: Iterable[str]) -> None:
        """Look at what collections hold."""
        ...

    @property
    def holdings(self) -> Holdings:
        """What they were seen to hold."""
        ...


class SealedSight:
    """Nothing is looked at: the seals tell."""

    holdings: Mapping[str, Holding] = {}

    def children(
        self,
        declared: Sequence[Chain],
        named: Named,
    ) -> Children:
        """Return the children as they are declared."""
        children: dict[str, Sequence[str]] = {}
        for chain in declared:
            children[chain.address.name] = chain.children
        return children

    def below(self, name: str) -> tuple[str, ...]:
        """Return the collection itself."""
        return (name,)

    def look(self, leaves: Iterable[str]) -> None:
        """Look at nothing."""


class LiveSight:
    """A repository is looked at.

    For the UUID of a dataset stands its RUN, as in seals.
    """

    def __init__(self, butler: ButlerReader) -> None:
        self._butler = butler
        self._below: dict[str, tuple[str, ...]] = {}
        self.holdings: Holdings = {}

    def children(
        self,
        declared: Sequence[Chain],
        named: Named,
    ) -> Children:
        """Return the declared children, with the extras where they are."""
        names = [chain.address.name for chain in declared]
        live = self._butler.collections(names)
        children: dict[str, Sequence[str]] = {}
        for chain in declared:
            name = chain.address.name
            live_children: Sequence[str] = ()
            if name in live:
                live_children = live[name].children
            # What only the other declaration lists goes, and is no extra.
            unwanted = frozenset(named[name] - set(chain.children))
            children[name] = written_order(
                chain.children,
                live_children,
                unwanted,
            )
        return children

    def below(self, name: str) -> tuple[str, ...]:
        """Return what is searched through a collection there."""
        if name not in self._below:
            leaves = flatten(self._butler, name)
            # What is not there yet stands for itself.
            if not leaves:
                leaves = (name,)
            self._below[name] = leaves
        return self._below[name]

    def look(self, leaves: Iterable[str]) -> None:
        """Look at what collections hold there."""
        names = sorted(leaves)
        live = self._butler.holdings(names, calibrations_only=True)
        uuids: set[str] = set()
        for holding in live.values():
            uuids.update(row.uuid for row in holding.rows)
        runs = self._butler.runs(uuids)
        holdings: dict[str, Holding] = {}
        # All rows of a repository pass here, hundreds of thousands.
        for name, holding in live.items():
            rows: list[Row] = []
            for row in holding.rows:
                run = runs.get(row.uuid, row.uuid)
                rows.append(row._replace(uuid=run))
            holdings[name] = replace(holding, rows=tuple(rows))
        self.holdings = holdings
