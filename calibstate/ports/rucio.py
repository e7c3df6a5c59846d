"""What calibstate asks of Rucio.

Names are without the scope, which is that of the settings.  Whatever goes
wrong comes back as an error of `calibstate.errors`: what may be tried again
has been (five times, with growing pauses) and then raises
`~calibstate.errors.UnreachableError`; a contradiction, and what the account
has no right to, raise `~calibstate.errors.RefusedError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..model.rucio import RegisteredDataset, RegisteredFile, Rule, Storage
from .progress import Watch, unwatched
from .records import Fence, unfenced

__all__ = ["FileToRegister", "RucioReader", "RucioWriter"]


@dataclass(frozen=True)
class FileToRegister:
    """A file at the origin, and how Rucio is to know it."""

    name: str
    """Its name in Rucio."""

    uri: str
    """Where it is."""

    size: int
    """Bytes."""

    adler32: str
    """Adler-32 as eight hex digits."""

    sidecar: str
    """The butler's dataset reference in it, as JSON with its dimension
    records: the metadata ``rubin_sidecar``."""


class RucioReader(Protocol):
    """Rucio, to look at."""

    @property
    def account(self) -> str:
        """The account that asks."""
        ...

    def datasets(
        self, names: Iterable[str], *, sidecars: Iterable[str] = ()
    ) -> Mapping[str, RegisteredDataset]:
        """Return those datasets that exist, with their files.

        Parameters
        ----------
        names
            Datasets.
        sidecars
            Those of them whose files' sidecars are read too.
        """
        ...

    def files(self, names: Iterable[str]) -> Mapping[str, RegisteredFile]:
        """Return those files that are registered, in whatever dataset.

        Their sidecars are read.
        """
        ...

    def rules(self, dataset: str) -> tuple[Rule, ...]:
        """Return the rules that keep all files of a dataset somewhere.

        Those on the dataset itself, and those on other closed datasets that
        hold all of its files.  The storage elements of a rule are those at
        each of which it keeps a copy: a rule for one copy at any of several
        has none.
        """
        ...

    def available(self, dataset: str) -> Mapping[str, int]:
        """Return how many files of a dataset are available, by RSE.

        An RSE that has none of them is left out.
        """
        ...

    def storage(self, rse: str) -> Storage | None:
        """Return what may be put at an RSE; `None` where there is none."""
        ...

    def has_scope(self) -> bool:
        """Say whether the scope exists."""
        ...

    def pfn(self, name: str) -> str | None:
        """Return the URL that the origin's RSE builds for a file.

        `None` where that RSE does not exist.
        """
        ...


class RucioWriter(RucioReader, Protocol):
    """Rucio, to add to.  Nothing is ever deleted."""

    def register(
        self,
        dataset: str,
        files: Sequence[FileToRegister],
        *,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
    ) -> None:
        """Register files at the origin's RSE and attach them to a dataset.

        The dataset is made if need be, and stays open.  What is registered
        and attached already stays as it is, **even where its sidecar
        differs**, so who calls this looks again before closing.

        Parameters
        ----------
        dataset
            Its name.
        files
            What it lacks.
        watch
            Told of progress in files.
        fence
            Asked directly before what cannot be taken back.

        Raises
        ------
        RefusedError
            The dataset is closed, a file is not where the RSE would have it
            or is known with other bytes, or the account may not register.
        """
        ...

    def close(self, dataset: str) -> None:
        """Close a dataset; nothing happens where it is closed.

        Raises
        ------
        RefusedError
            There is no such dataset, or the account may not close it.
        """
        ...

    def add_rule(self, dataset: str, rse: str, *, comment: str) -> None:
        """Have Rucio keep one copy of all files at an RSE, for good.

        Of large datasets Rucio makes the rule by and by.  A rule of ours
        that is there already is left as it is.

        Raises
        ------
        RefusedError
            There is no such RSE, it may not be written, or the account has
            no room there.
        """
        ...

    def keep_rule(self, rule: str) -> None:
        """Have a rule last.

        Raises
        ------
        PlanIsStaleError
            There is no such rule any more.
        RefusedError
            The account has no right to change it.
        """
        ...

    def boost_rule(self, rule: str) -> None:
        """Have Rucio try a stuck rule again at its next occasion.

        Raises
        ------
        PlanIsStaleError
            There is no such rule any more.
        RefusedError
            The account has no right to change it.
        """
        ...
