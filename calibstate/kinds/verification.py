"""A verification: exposures that are reduced with what was made.

It is whole when the statistics of its newest RUN tell of every exposure that
its selection finds.  cp_verify writes them of whatever was reduced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from typing_extensions import override

from ..model.constructed import Constructed
from ..model.names import Address, RepositoryAddress
from ..model.products import Verified
from ..ports.construction import ConstructionPlaces
from ..ports.places import ReadPlaces
from .submission import Submit, Submitted, SubmittedKind, address_of, in_words

__all__ = ["SubmitVerification", "Verification", "VerificationKind"]


@dataclass(frozen=True)
class Verification(Submitted):
    """What one template of cp_verify tells."""

    by_exposure: bool = False
    """Whether its statistics have a part for each exposure."""

    without: tuple[int, ...] = ()
    """Observed: exposures of which the statistics say nothing."""

    @property
    @override
    def is_done(self) -> bool:
        return self.output.is_complete and not self.without

    @classmethod
    def of_exposures(
        cls, constructed: Constructed, verified: Verified, repository: RepositoryAddress
    ) -> Verification:
        """Return a verification as it is declared.

        Parameters
        ----------
        constructed
            What follows from its ticket.
        verified
            What is verified.
        repository
            Where.
        """
        collection = constructed.verification(verified)
        return cls(
            address_of(repository, VerificationKind.name, collection),
            submission=constructed.verification_submission(verified),
            expected=constructed.verification_expected(verified),
            by_exposure=verified.by_exposure,
        )


class SubmitVerification(Submit):
    """Verify what was made by its template."""

    do: ClassVar[str] = "submit-verification"

    by_exposure: bool = False
    """Whether its statistics have a part for each exposure."""

    @override
    def asked(self) -> Verification:
        return Verification(
            self.target,
            submission=self.submission,
            expected=self.expected,
            by_exposure=self.by_exposure,
        )


class VerificationKind(SubmittedKind[Verification]):
    """Verifications of constructions."""

    name = "verification"
    actions = (SubmitVerification,)
    action = SubmitVerification

    @override
    def observe(
        self,
        targets: Sequence[Verification],
        places: ReadPlaces,
    ) -> Mapping[Address, Verification | None]:
        live = dict(super().observe(targets, places))
        making = cast(ConstructionPlaces, places)
        for address, verification in live.items():
            if verification is None or not verification.by_exposure or not verification.output.is_complete:
                continue
            without = _uncovered(verification, making)
            if not without:
                continue
            # What is not whole may still be under way.
            assert verification.submission, "what is looked at is declared"
            batch = making.batches(address.place).look(verification.submission)
            live[address] = replace(verification, without=without, batch=batch)
        return live

    @override
    def particulars(self, declared: Verification) -> Mapping[str, object]:
        return {"by_exposure": declared.by_exposure}

    @override
    def words(self, live: Verification) -> str:
        words = in_words(live)
        if not live.without:
            return words
        exposures = ", ".join(str(exposure) for exposure in live.without[:5])
        return f"{words}; {len(live.without)} exposures are not in it: {exposures}"


def _uncovered(verification: Verification, making: ConstructionPlaces) -> tuple[int, ...]:
    """Return the exposures of which the statistics of the newest RUN lack."""
    expected, newest = verification.expected, verification.output.newest
    assert expected and newest, "it is declared, and was made"
    reader = making.construction(verification.address.place)
    covered: set[int] = set()
    readable = reader.statistics(newest, expected)
    # Of what nobody can read here nobody knows that it lacks anything.
    if not readable:
        return ()
    for statistics in readable:
        covered.update(int(key) for key in statistics.values if str(key).isdigit())
    exposures = reader.exposures(expected.raws, expected.where)
    return tuple(exposure for exposure in exposures if exposure not in covered)
