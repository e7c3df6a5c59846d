"""Resources, and the two moods in which they are known.

*Declared*: a person wants it, at this file and line.  *Observed*: a place
showed it, or did not answer.  Absent is not unreachable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from ..errors import Diagnostic, Where
from .names import Address, Place

__all__ = ["Declared", "Need", "Observed", "Resource"]


@dataclass(frozen=True)
class Resource:
    """A thing that can be declared and observed in the same words."""

    address: Address
    """Where it lives, and what it is called there."""

    @classmethod
    def of(cls, resource: Resource | None) -> Self | None:
        """Return a resource that is of this sort; `None` for another."""
        return resource if isinstance(resource, cls) else None

    @classmethod
    def among(cls, resources: Iterable[Resource | None]) -> Iterator[Self]:
        """Yield those of some resources that are of this sort."""
        for resource in resources:
            if isinstance(resource, cls):
                yield resource

    def facts(self) -> Iterator[str]:
        """Yield what was seen of it, for the digest of a look."""
        yield str(self.address)

    def declaration(self) -> Mapping[str, object]:
        """Return what files say of it, as far as a step can stand on it.

        Plain data.  What it holds is told by seals, bundles and the origin,
        and stands in the steps themselves.
        """
        return {}

    def reads(self) -> tuple[Place, ...]:
        """Return the other places that it is made from."""
        return ()


@dataclass(frozen=True)
class Need:
    """Another resource without which one cannot be as declared."""

    address: Address
    """What is needed."""

    part: str | None = None
    """The part that needs it; `None`: the whole resource."""

    if_seen: bool = False
    """Whether it is done without while its place cannot be seen."""


@dataclass(frozen=True)
class Declared:
    """A resource as a person wants it."""

    resource: Resource
    """What is wanted."""

    where: Where | None = None
    """The line that asks for it."""

    needs: tuple[Need, ...] = ()
    """What must be there before."""

    lines: Mapping[str, Where] = field(default_factory=dict)
    """The line that asks for a part, where parts have their own."""

    @property
    def address(self) -> Address:
        """The resource's address."""
        return self.resource.address


@dataclass(frozen=True)
class Observed:
    """A resource as a place showed it; no resource and no trouble: absent."""

    address: Address
    resource: Resource | None = None
    trouble: Diagnostic | None = None
    """Why nothing is known of it."""
    refusal: Diagnostic | None = None
    """Why its place refuses to tell of it, and not of others."""
