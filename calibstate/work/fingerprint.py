"""Tell whether repositories select the same calibrations."""

from __future__ import annotations

from dataclasses import replace

from ..lookups.fingerprint import Fingerprints, look_at_chains
from ..model.names import RepositoryAddress
from ..model.results.lookups import ChainDifference, ChainFingerprint, FingerprintsCompared, Prints
from .session import Session

__all__ = ["fingerprint"]


def fingerprint(session: Session) -> FingerprintsCompared:
    """Return the fingerprints of live chains, and where they part."""
    desired, scope = session.desired, session.scope
    places = session.places()
    with session.counting("looking at", "repositories") as watch:
        live = look_at_chains(desired, scope, places, watch)
    session.listener.report(places.relied_on())
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
    too_old = places.seen_too_long_ago()
    last_seen: Prints = {}
    if too_old:
        narrowed = replace(scope, sites=(), repositories=too_old)
        last_seen = _prints(look_at_chains(desired, narrowed, places.as_last_seen()))
    return FingerprintsCompared(
        _prints(live),
        tuple(differences),
        live.unreachable,
        places.seen(live.unreachable),
        last_seen,
    )


def _prints(fingerprints: Fingerprints) -> Prints:
    """Return the fingerprints of chains by address and name."""
    chains: dict[RepositoryAddress, dict[str, ChainFingerprint]] = {}
    for address, there in fingerprints.chains.items():
        chains[address] = {}
        for name, chain in there.items():
            effective = chain.resolved.fingerprint
            chains[address][name] = ChainFingerprint(effective, chain.collections)
    return chains
