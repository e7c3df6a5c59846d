"""A plan: ordered steps, what they were reasoned from, and what stays undone.

A plan is self-sufficient: its steps carry all that they stand on, so that
what is applied is what was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import Where
from .actions import Action
from .drift import Drift, Unseen, What
from .guards import Allowed, GuardMet
from .names import Address, Noun
from .reasons import Reason

__all__ = ["Basis", "Fact", "Facts", "Plan", "Refusal", "Step"]

Fact = str | tuple[str, ...] | None
"""What a file says of one thing, as a plan file can hold it."""

Facts = Mapping[str, Fact]
"""What files say, by what it is about, in plain words."""


class Basis(Noun):
    """What a plan was reasoned from; for people."""

    commit: str | None = None
    """Commit of the state tree, where it is in Git."""

    commit_unknown: str = ""
    """Why the commit is not known, where Git could not tell it."""

    dirty: bool = False
    """Whether files of the state tree that were read were not as the commit
    has them."""

    declared: str
    """Digest of the declared state."""

    observed: str
    """Digest of what the places showed."""

    version: str
    """Version of calibstate."""


class Refusal(Noun):
    """A resource that calibstate will not touch as things stand."""

    target: Address

    code: str = ""
    """The reason in a word."""

    reason: str
    """In a sentence."""

    hint: str = ""
    """What to do, where that is known."""

    declared_at: Where | None = None
    """The line that contradicts, where there is one."""

    @classmethod
    def of(cls, target: Address, reason: Reason) -> Refusal:
        """Return the refusal of a resource for a reason."""
        return cls(
            target=target,
            code=reason.code.value,
            reason=reason.detail,
            hint=reason.hint,
            declared_at=reason.where,
        )


@dataclass(frozen=True)
class Step:
    """An action at its place in a plan."""

    id: str
    action: Action
    after: tuple[str, ...] = ()
    """Steps that must be done before."""

    declared: Facts = field(default_factory=dict)
    """What is declared that it stands on."""


@dataclass(frozen=True)
class Plan:
    """What would end the drift, and what would not."""

    basis: Basis
    steps: tuple[Step, ...]
    drift: tuple[Drift, ...] = ()
    refused: tuple[Refusal, ...] = ()

    unseen: tuple[Unseen, ...] = ()
    """Places that could not be seen, and that nothing asked for needs."""

    guards: tuple[GuardMet, ...] = ()
    """Guards that keep steps from being in it."""

    passed: Allowed = field(default_factory=Allowed)
    """Guards that would keep steps of it from being done, and that a person
    passes."""

    def has(self, what: What) -> bool:
        """Say whether there is drift of one kind."""
        return any(drift.what is what for drift in self.drift)
