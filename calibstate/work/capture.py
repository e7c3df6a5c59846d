"""Write the state files that describe a live chain as it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ..capturing.capture import Wanted
from ..capturing.capture import capture as look
from ..capturing.declare import declare, seal_captured
from ..engine.observe import refuse_doubles
from ..errors import Diagnostic, RefusedError, UsageError
from ..model.names import RepositoryAddress, nearest, spelled
from ..model.results.captures import CaptureMade, CaptureRefused
from ..store import treefile
from .session import Session

__all__ = ["capture"]


def capture(
    session: Session,
    repository: str,
    instrument: str,
    chains: Sequence[str] = (),
    *,
    seal: bool = True,
    write: bool = True,
) -> CaptureMade | CaptureRefused:
    """Return what describes a live chain, and write it into the state tree.

    Parameters
    ----------
    session
        It says which tree.
    repository, instrument
        Whose chain.
    chains
        Chains besides that of the instrument.
    seal
        Whether the files are read, to seal the tickets.
    write
        Whether anything is written.

    Raises
    ------
    UsageError
        Nobody declared the repository, or the instrument there.
    """
    desired = session.desired
    address = RepositoryAddress(repository)
    if address not in desired.repositories:
        raise _unknown(repository, "a repository", desired.repositories)
    instruments = desired.repository(address)[1].instruments
    if instrument not in instruments:
        raise _unknown(instrument, f"an instrument of {repository}", instruments)
    today = session.utc_now()[:10]
    wanted = Wanted(address, instrument, tuple(chains), today)
    try:
        return _capture(session, wanted, seal=seal, write=write)
    except RefusedError as error:
        return CaptureRefused(error.diagnostics)


def _capture(session: Session, wanted: Wanted, *, seal: bool, write: bool) -> CaptureMade:
    desired = session.desired
    places, now = session.places(), session.utc_now()
    refuse_doubles(desired, places)
    with session.counting("looking at", "repositories") as watch:
        captured = look(wanted, desired, places, watch)
    session.listener.report(places.slow_looks())
    changes, remarks = declare(captured, desired), captured.warnings
    if seal:
        # Only now, since reading all files takes long.
        sealed = seal_captured(captured, desired, places, now, session.listener.progress)
        changes = declare(captured, desired, sealed.seals)
        remarks = (*remarks, *sealed.warnings)
    if write:
        treefile.write(Path(desired.root), changes)
    files: dict[str, str] = {}
    for change in changes:
        files[change.file] = "new" if change.before is None else "changed"
    # What says a part of it already comes last.
    for file in captured.files:
        files.setdefault(file, "same")
    return CaptureMade(
        captured.children,
        files,
        changes,
        remarks,
        written=write,
    )


def _unknown(word: str, what: str, declared: Collection[str]) -> UsageError:
    hint = f"Known are: {', '.join(declared) or 'none'}."
    near = nearest(word, list(declared))
    if near:
        hint = f"Did you mean {near}?"
    detail = f"{spelled(word)} is not declared as {what}."
    return UsageError(Diagnostic("Not declared", detail, hint=hint))
