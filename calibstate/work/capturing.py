"""Captures of several repositories or instruments, each upon those before.

Each is declared and written as if it were the only one, so that whoever is
cut off has a sound tree, and goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..capturing.capture import Captured, Wanted, capture, look_at_roots
from ..capturing.declare import SealsTried, declare, seal_captured
from ..capturing.once import LookedAtOnce, PlacesToLookAt
from ..capturing.warnings import unseen_warnings
from ..engine.side_by_side import gather
from ..errors import Diagnostic, RefusedError, UnreachableError, UsageError
from ..kinds.table import own_folders
from ..model.desired import DesiredState
from ..model.files import FileChange
from ..model.names import RepositoryAddress
from ..model.results.captures import CaptureEnd, CaptureMade, CaptureOfOne, CapturesMade, Target
from ..store import statefile, treefile
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["Described", "capture_all", "describe"]


@dataclass(frozen=True)
class Described:
    """What describes one live chain; nothing of it is written."""

    captured: Captured
    changes: tuple[FileChange, ...]

    warnings: tuple[Diagnostic, ...]
    """What a person should know, besides who could not be seen."""

    def result(self, target: Target) -> CaptureMade:
        """Return the result of a capture that nothing is captured with."""
        unseen = unseen_warnings(self.captured.unseen, target.instrument)
        return CaptureMade(
            target,
            self.captured.children,
            self.files,
            self.changes,
            (*unseen, *self.warnings),
            written=False,
        )

    @property
    def files(self) -> dict[str, str]:
        """``new``, ``changed`` or ``same``, by path."""
        files: dict[str, str] = {}
        for change in self.changes:
            files[change.file] = change.what
        # What says a part of it already comes last.
        for file in self.captured.files:
            files.setdefault(file, "same")
        return files


def describe(
    session: Session,
    wanted: Wanted,
    desired: DesiredState,
    places: Places,
    *,
    looks: PlacesToLookAt | None = None,
    seals: SealsTried | None = None,
    what: str = "looking at",
) -> Described:
    """Return what describes the live chains of a repository.

    Parameters
    ----------
    session
        Its listener is told how far that has come.
    wanted
        The repository, the instrument and the chains.
    desired
        What is declared already.
    places
        Where files are read for seals.
    looks
        Where to look; the places unless told.
    seals
        Seals of the captures before; `None`: none are to be made.
    what
        What the listener is told.

    Raises
    ------
    UnreachableError
        The repository cannot be seen.
    UsageError
        There is no such chain.
    RefusedError
        The files cannot say what is there.
    """
    now = session.utc_now()
    with session.counting(what, "repositories") as watch:
        captured = capture(
            wanted,
            desired,
            looks or places,
            watch,
        )
        changes = declare(captured, desired)
    warnings = captured.warnings
    if seals:
        # Only now, since reading all files takes long.
        sealed = seal_captured(
            captured,
            desired,
            places,
            now,
            session.listener.progress,
            seals,
        )
        changes = declare(
            captured,
            desired,
            sealed.seals,
        )
        warnings += sealed.warnings
    return Described(
        captured,
        changes,
        warnings,
    )


def capture_all(
    session: Session,
    places: Places,
    targets: Sequence[Target],
    chains: Sequence[str] = (),
    *,
    seals: SealsTried | None = None,
    write: bool = True,
) -> CapturesMade:
    """Return what describes several live chains, and write it into the tree.

    Parameters
    ----------
    session
        It says which tree.
    places
        Where to look.
    targets
        What is captured, in this order.
    chains
        Chains besides the usual ones, taken wherever they are.
    seals
        Keeps the seals that are made; `None`: none are to be made.
    write
        Whether anything is written.

    Raises
    ------
    UsageError
        No repository has one of the chains.
    """
    desired = session.desired
    # Later captures build on what those before have written, or would have.
    tree: AbstractContextManager[Path] = treefile.copied(desired)
    if write:
        tree = nullcontext(Path(desired.root))
    captures: list[CaptureOfOne] = []
    with tree as root:
        run = _Run(
            session,
            places,
            root,
            chains,
            seals,
        )
        run.look_at_all(targets)
        run.refuse_absent(targets)
        for number, target in enumerate(targets, 1):
            which = f"{number} of {len(targets)}"
            ended = run.capture(target, which)
            captures.append(ended)
    session.listener.report(places.slow_looks())
    return CapturesMade(
        captures=tuple(captures),
        changes=tuple(run.changes.values()),
        remarks=tuple(run.remarks),
        unseen=run.unseen,
        written=write,
    )


class _Run:
    """Several captures, and what has come of those that are done."""

    def __init__(
        self,
        session: Session,
        places: Places,
        root: Path,
        chains: Sequence[str],
        seals: SealsTried | None,
    ) -> None:
        self._session = session
        self._places = places
        self._looks = LookedAtOnce(places)
        self._root = root
        self._desired = session.desired
        """What is declared by now."""
        self._chains = tuple(chains)
        self._seals = seals
        self._warnings: list[Diagnostic] = []
        self._others_unseen: dict[RepositoryAddress, Diagnostic] = {}
        """Why repositories could not be seen that nobody asked for."""
        self.changes: dict[str, FileChange] = {}
        """What has become of files, by path."""
        self.unseen: dict[RepositoryAddress, Diagnostic] = {}
        """Why others could not be seen, and what to do."""

    @property
    def remarks(self) -> Iterator[Diagnostic]:
        """What a person should know, all of it once."""
        others = dict(self._others_unseen)
        # What was asked for and not seen is told as such.
        for address in self.unseen:
            others.pop(address, None)
        yield from unseen_warnings(others)
        yield from dict.fromkeys(self._warnings)

    def look_at_all(self, targets: Sequence[Target]) -> None:
        """Look at all repositories, side by side, for what will be asked."""
        # A repository is one look, whatever is captured of it.
        by_address: dict[RepositoryAddress, list[Target]] = {}
        for target in targets:
            here = by_address.setdefault(target.repository, [])
            here.append(target)
        looks: dict[RepositoryAddress, Callable[[], None]] = {}
        for address, here in by_address.items():
            looks[address] = partial(self._look_ahead, here)
        with self._session.counting("looking at", "repositories") as watch:
            # Shown before the first of them has answered.
            watch(0, len(looks))
            looked = gather(
                looks,
                self._places.timeout,
                watch,
            )
        for address, trouble in looked.unreachable.items():
            self._note_unseen(address, trouble)

    def _look_ahead(self, targets: Sequence[Target]) -> None:
        """Look at all that the captures of a repository will ask first."""
        for target in targets:
            wanted = self._wanted(target)
            look_at_roots(
                wanted,
                wanted.roots(self._desired),
                self._desired,
                self._looks,
            )

    def refuse_absent(self, targets: Sequence[Target]) -> None:
        """Refuse a chain that nobody has, and to capture nothing at all.

        Raises
        ------
        UsageError
            There is such a chain, or none of the usual ones is anywhere.
        """
        live: set[str] = set()
        roots: set[str] = set()
        for target in targets:
            # It may be where nobody can look.
            if target.repository in self.unseen:
                return
            chains = self._wanted(target).roots(self._desired)
            roots.update(chains)
            live.update(self._live(target, chains))
        # Who names no chain wants whatever there is, and something.
        absent = set(self._chains) - live
        if not live:
            absent = roots
        if not absent:
            return
        addresses = {target.repository for target in targets}
        places = ", ".join(sorted(addresses))
        names = ", ".join(sorted(absent))
        raise UsageError(
            Diagnostic(
                "No such chain",
                f"None of {places} has a collection {names}.",
                hint="Name an instrument, and with --chain a chain that one of them has.",
            )
        )

    def capture(self, target: Target, which: str) -> CaptureOfOne:
        """Capture an instrument at a repository, and write it.

        Parameters
        ----------
        target
            What is captured.
        which
            Its number, for who waits.
        """
        if target.repository in self.unseen:
            return CaptureOfOne(target, CaptureEnd.UNREACHABLE)
        wanted = self._wanted(target)
        chains = wanted.roots(self._desired)
        try:
            # Each takes those of the chains that it has.
            here = self._live(target, self._chains)
            wanted = replace(wanted, chains=here)
            if not self._live(target, chains):
                return CaptureOfOne(
                    target,
                    CaptureEnd.ABSENT,
                    chains=chains,
                )
            described = describe(
                self._session,
                wanted,
                self._desired,
                self._places,
                looks=self._looks,
                seals=self._seals,
                what=f"capturing {target.repository} {target.instrument} ({which}),",
            )
            # At once: what comes after may take hours, and be cut off.
            treefile.write(self._root, described.changes)
        except UnreachableError as error:
            self._note_unseen(target.repository, error.first)
            return CaptureOfOne(target, CaptureEnd.UNREACHABLE)
        except (RefusedError, UsageError) as error:
            # All others are captured all the same.
            return CaptureOfOne(
                target,
                CaptureEnd.REFUSED,
                problems=error.diagnostics,
            )
        return self._written(target, described)

    def _written(self, target: Target, described: Described) -> CaptureOfOne:
        """Note what a capture has brought, for those after it."""
        self._warnings.extend(described.warnings)
        self._others_unseen.update(described.captured.unseen)
        end = CaptureEnd.SAME
        if described.changes:
            end = CaptureEnd.CAPTURED
            self._desired, _ = statefile.load(
                self._root,
                self._session.memo,
                own_folders(),
            )
        for change in described.changes:
            # Of what changes again the first and the last state count.
            earlier = self.changes.get(change.file, change)
            self.changes[change.file] = replace(change, before=earlier.before)
        return CaptureOfOne(
            target,
            end,
            described.files,
            described.captured.children,
        )

    def _note_unseen(self, address: RepositoryAddress, trouble: Diagnostic) -> None:
        why = trouble.detail.rstrip(".")
        self.unseen[address] = Diagnostic(
            "Repository cannot be seen from here",
            f"{address}: {why}.",
            hint=f"Once it can be seen, or from where it can: calibstate capture {address}.",
        )

    def _wanted(self, target: Target) -> Wanted:
        """Return what is asked for of an instrument at a repository."""
        moment = self._session.utc_now()
        return Wanted(
            target.repository,
            target.instrument,
            self._chains,
            day=moment[:10],
        )

    def _live(self, target: Target, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of some collections that a repository has."""
        butler = self._looks.butler(target.repository)
        return tuple(butler.collections(names))
