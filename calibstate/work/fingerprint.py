"""Tell whether repositories select the same calibrations."""

from __future__ import annotations

from dataclasses import replace

from ..lookups.prints import compare_prints, look_at_prints
from ..model.results.lookups import ChainDifference, FingerprintsCompared, Prints
from .session import Session

__all__ = ["fingerprint"]


def fingerprint(session: Session) -> FingerprintsCompared:
    """Return the fingerprints of live chains, and where they part."""
    desired, scope = session.desired, session.scope
    places = session.places()
    with session.counting("looking at", "repositories") as watch:
        live = look_at_prints(desired, scope, places, watch)
    differences = []
    for compared in compare_prints(desired, scope, places, live):
        difference = ChainDifference(
            compared.chain,
            desired.chains[compared.chain].noun.instrument,
            compared.reference,
            compared.repository,
            compared.differences,
        )
        differences.append(difference)
    session.listener.report(places.relied_on())
    too_old = places.seen_too_long_ago()
    last_seen: Prints = {}
    if too_old:
        narrowed = replace(scope, sites=(), repositories=too_old)
        last_seen = look_at_prints(desired, narrowed, places.as_last_seen()).prints
    return FingerprintsCompared(
        live.prints,
        tuple(differences),
        live.unreachable,
        places.seen(live.unreachable),
        last_seen,
    )
