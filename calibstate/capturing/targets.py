"""What a command captures: which instruments at which repositories.

Each capture builds on those before it, so their order matters.
"""

from __future__ import annotations

from ..model.desired import DesiredState
from ..model.names import ANY
from ..model.results.captures import Target
from ..model.scope import Scope

__all__ = ["targets_of"]


def targets_of(desired: DesiredState, scope: Scope) -> tuple[Target, ...]:
    """Return what is captured, in the order in which it is.

    Parameters
    ----------
    desired
        What is declared.
    scope
        The part of it that is asked for.
    """
    wave_of: dict[str, int] = {}
    waves = desired.settings.noun.waves
    for number, wave in enumerate(waves):
        for site in wave:
            wave_of[site] = number

    def rank(target: Target) -> tuple[bool, str, bool, bool, int, str]:
        address = target.repository
        instrument = target.instrument
        origin = desired.origin(instrument)
        is_at_home = origin is not None and address.site == origin.site
        return (
            # Chains of instruments hold those of no instrument.
            instrument != ANY,
            instrument,
            # What a ticket holds is read where it was made.
            address != origin,
            not is_at_home,
            wave_of.get(address.site, len(waves)),
            address,
        )

    targets: set[Target] = set()
    for address in desired.repositories:
        if not scope.has_repository(address):
            continue
        _, repository = desired.repository(address)
        for instrument in repository.instruments:
            if scope.has_instrument(instrument):
                target = Target(address, instrument)
                targets.add(target)
    return tuple(sorted(targets, key=rank))
