"""Look at a repository for what a lookup searches there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import UnreachableError
from ...model.contents import Holding
from ...model.desired import DesiredState
from ...model.explanations import Question
from ...model.names import RepositoryAddress
from ...ports.butler import ButlerReader, SeenExposure
from ...ports.places import ReadPlaces
from ..effective import flatten

__all__ = ["Look", "chains_to_search", "look"]


@dataclass(frozen=True)
class Look:
    """What a repository showed."""

    address: RepositoryAddress
    butler: ButlerReader

    chains: Mapping[str, Sequence[Holding] | None]
    """What each holds, in search order; `None` where it does not exist."""

    declared: tuple[str, ...]
    """Chains that it should have."""

    exposure: SeenExposure | None
    """As it has it; `None` where it has none, or does not tell."""

    tells_exposures: bool = True
    """Whether it can say that it has none; an observation cannot."""

    @property
    def leaves(self) -> list[Holding]:
        """What all its chains hold."""
        leaves: list[Holding] = []
        for searched in self.chains.values():
            leaves += searched or ()
        return leaves

    def run_of(self, uuid: str) -> str | None:
        """Return the RUN of a dataset, where the repository tells it."""
        try:
            return self.butler.runs([uuid]).get(uuid)
        except UnreachableError:
            return None  # What was observed does not tell of RUNs.

    def data_ids(self, dataset_type: str) -> set[str]:
        """Return all data IDs that a dataset type is there for."""
        data_ids: set[str] = set()
        for leaf in self.leaves:
            of_type = [row for row in leaf.rows if row.dataset_type == dataset_type]
            data_ids.update(row.data_id for row in of_type)
        return data_ids


def chains_to_search(
    desired: DesiredState,
    instrument: str,
    address: RepositoryAddress,
) -> tuple[str, ...]:
    """Return the declared chain of calibrations of a repository.

    That is ``INSTRUMENT/calib``, else every declared chain that it has.
    """
    names = _declared_chains(desired, instrument, address)
    usual = f"{instrument}/calib"
    if usual in names:
        return (usual,)
    return names


def _declared_chains(
    desired: DesiredState,
    instrument: str,
    address: RepositoryAddress,
) -> tuple[str, ...]:
    names: list[str] = []
    for written in desired.chains_of(instrument):
        if desired.expects(written.noun.only, address):
            names.append(written.noun.chain)
    return tuple(names)


def look(
    desired: DesiredState,
    places: ReadPlaces,
    address: RepositoryAddress,
    question: Question,
) -> Look:
    """Look at a repository.

    Parameters
    ----------
    desired
        What is declared.
    places
        Where to look.
    address
        The repository.
    question
        What is looked up.
    """
    butler = places.butler(address)
    names = chains_to_search(desired, question.instrument, address)
    if question.chain:
        names = (question.chain,)
    leaves_of = {name: flatten(butler, name) for name in names}
    # What several chains search is read once.
    leaves: dict[str, None] = {}
    for searched in leaves_of.values():
        leaves.update(dict.fromkeys(searched))
    holdings = butler.holdings(leaves, calibrations_only=True)
    existing = butler.collections(names)
    chains: dict[str, Sequence[Holding] | None] = {}
    for name, searched in leaves_of.items():
        chains[name] = None
        if name in existing:
            # A collection may have gone since it was listed.
            chains[name] = [holdings[leaf] for leaf in searched if leaf in holdings]
    exposure: SeenExposure | None = None
    tells_exposures = True
    if question.exposure is not None:
        try:
            exposures = butler.exposures(
                question.instrument,
                f"exposure = {question.exposure}",
            )
        except UnreachableError:
            tells_exposures = False
        else:
            # One without a timespan is looked up as another has it.
            with_span = [each for each in exposures if each.begin < each.end]
            if with_span:
                exposure = with_span[0]
    return Look(
        address,
        butler,
        chains,
        _declared_chains(desired, question.instrument, address),
        exposure,
        tells_exposures,
    )
