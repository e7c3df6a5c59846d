"""Tell whether repositories select the same calibrations."""

from __future__ import annotations

from ..lookups.fingerprint import look_at_chains
from ..model.names import RepositoryAddress
from ..model.results.lookups import ChainDifference, ChainFingerprint, FingerprintsCompared
from .session import Session

__all__ = ["fingerprint"]


def fingerprint(session: Session) -> FingerprintsCompared:
    """Return the fingerprints of live chains, and where they part."""
    desired, scope = session.desired, session.scope
    places = session.places()
    with session.counting("looking at", "repositories") as watch:
        live = look_at_chains(desired, scope, places, watch)
    session.listener.report(places.relied_on())
    chains: dict[RepositoryAddress, dict[str, ChainFingerprint]] = {}
    for address, there in live.chains.items():
        chains[address] = {}
        for name, chain in there.items():
            effective = chain.resolved.fingerprint
            chains[address][name] = ChainFingerprint(effective, chain.collections)
    differences = []
    for compared in live.compared():
        difference = ChainDifference(
            compared.chain,
            desired.chains[compared.chain].noun.instrument,
            compared.reference,
            compared.repository,
            compared.differences,
        )
        differences.append(difference)
    return FingerprintsCompared(chains, tuple(differences), live.unreachable, places.seen(live.unreachable))
