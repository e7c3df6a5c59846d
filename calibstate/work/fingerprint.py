"""Tell whether repositories select the same calibrations."""

from __future__ import annotations

from ..engine.fingerprint import look_at_chains
from ..model.results.lookups import ChainDifference, ChainFingerprint, FingerprintsCompared
from .session import Session

__all__ = ["fingerprint"]


def fingerprint(session: Session) -> FingerprintsCompared:
    """Return the fingerprints of live chains, and where they part."""
    desired, scope = session.desired, session.scope
    places = session.places()
    with session.listener.progress("looking at") as watch:
        live = look_at_chains(desired, scope, places, lambda done, total: watch("repositories", done, total))
    session.listener.report(places.relied_on())
    chains: dict[str, dict[str, ChainFingerprint]] = {}
    for address, there in live.seen.items():
        chains[address] = {
            name: ChainFingerprint(chain.resolved.fingerprint, chain.collections)
            for name, chain in there.items()
        }
    differences = []
    for compared in live.compared():
        instrument = desired.chains[compared.chain].noun.instrument
        differences.append(
            ChainDifference(
                compared.chain, instrument, compared.reference, compared.repository, compared.differences
            )
        )
    return FingerprintsCompared(chains, tuple(differences), live.unreachable)
