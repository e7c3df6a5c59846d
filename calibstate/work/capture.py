"""Write the state files that describe live chains as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..capturing.capture import Wanted
from ..capturing.declare import SealsTried
from ..capturing.targets import targets_of
from ..engine.observe import refuse_doubles
from ..errors import Diagnostic, RefusedError, UsageError
from ..model.results.captures import CaptureMade, CaptureRefused, CapturesMade
from ..store import treefile
from .capturing import capture_all, describe
from .scoping import not_declared_as, with_names
from .session import Session

__all__ = ["capture"]


def capture(
    session: Session,
    names: Sequence[str] = (),
    chains: Sequence[str] = (),
    *,
    seal: bool = True,
    write: bool = True,
) -> CaptureMade | CaptureRefused | CapturesMade:
    """Return what describes live chains, and write it into the state tree.

    Parameters
    ----------
    session
        It says which tree, and what is asked for.
    names
        Repositories, sites and instruments that are asked for besides;
        nothing asked for: all of them.
    chains
        Chains besides that of the instrument.
    seal
        Whether the files are read, to seal the tickets.
    write
        Whether anything is written.

    Raises
    ------
    UsageError
        Nobody declared what is asked for.
    """
    desired = session.desired
    requested = with_names(session.requested, names, desired)
    session = replace(session, requested=requested)
    targets = targets_of(desired, session.scope)
    instruments = {target.instrument for target in targets}
    if not targets:
        raise _nothing_asked_for(session)
    if chains and len(instruments) > 1:
        listed = ", ".join(sorted(instruments))
        detail = f"--chain names chains of one instrument, and {listed} are asked for."
        raise UsageError(Diagnostic("Whose chain?", detail, hint="Name the instrument, too."))
    places = session.places()
    seals = SealsTried() if seal else None
    try:
        refuse_doubles(desired, places)
        if len(targets) > 1:
            return capture_all(
                session,
                places,
                targets,
                chains,
                seals=seals,
                write=write,
            )
        # One by itself is shown child by child.
        target = targets[0]
        moment = session.utc_now()
        wanted = Wanted(
            target.repository,
            target.instrument,
            tuple(chains),
            day=moment[:10],
        )
        described = describe(
            session,
            wanted,
            desired,
            places,
            seals=seals,
        )
        session.listener.report(places.slow_looks())
        if write:
            treefile.write(Path(desired.root), described.changes)
        result = described.result(target)
        return replace(result, written=write)
    except RefusedError as error:
        return CaptureRefused(targets, error.diagnostics)


def _nothing_asked_for(session: Session) -> UsageError:
    """Return the error that nothing is left to be captured."""
    scope = session.scope
    everything = replace(scope, instruments=())
    addresses: dict[str, None] = {}
    instruments: set[str] = set()
    for target in targets_of(session.desired, everything):
        addresses[target.repository] = None
        instruments.add(target.instrument)
    if not addresses:
        return UsageError(
            Diagnostic(
                "Nothing to capture",
                "No repository is left of what is asked for.",
                hint="Leave less out.",
            )
        )
    what = f"an instrument of {', '.join(addresses)}"
    return not_declared_as(
        what,
        scope.instruments[0],
        sorted(instruments),
    )
