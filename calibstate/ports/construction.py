"""What calibstate asks of the middleware that makes calibrations.

What was made is read from the registry; what is made is told to a batch
system.  Neither an exit code nor the word *success* of anybody counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..model.names import RepositoryAddress
from ..model.submissions import Batch, Cause, ExpectedOutput, SeenBatch, SeenOutput, Submission
from .places import LockedPlaces, ReadPlaces
from .progress import Watch
from .records import Fence

__all__ = [
    "BatchRunner",
    "ConstructionPlaces",
    "ConstructionReader",
    "Statistics",
]


@dataclass(frozen=True)
class Statistics:
    """A dataset of statistics, as cp_verify writes them."""

    data_id: str
    """As `~calibstate.model.contents.Row` has it."""

    uuid: str

    values: Mapping[str, Any]
    """``{exposure: {SUCCESS, FAILURES}, SUCCESS}``."""


class ConstructionReader(Protocol):
    """A repository in which what was made is looked at; nothing is written."""

    def outputs(self, expected: Sequence[ExpectedOutput]) -> Mapping[str, SeenOutput]:
        """Return what submissions have made, by the name of their output.

        Raises
        ------
        RefusedError
            A selection is no expression that the butler takes.
        UnreachableError
            The repository does not answer.
        """
        ...

    def types(self, collections: Sequence[str]) -> frozenset[str]:
        """Return the dataset types of which some collections hold anything."""
        ...

    def exposures(self, raws: str, where: str) -> Sequence[int]:
        """Return the exposures whose raws a selection finds, sorted.

        Parameters
        ----------
        raws
            The collection of the raws.
        where
            An expression, the instrument included.

        Raises
        ------
        RefusedError
            It is no expression that the butler takes.
        """
        ...

    def used(self, run: str, intermediate: str) -> Sequence[int]:
        """Return the exposures of which a RUN holds a dataset, sorted.

        Parameters
        ----------
        run
            The RUN.
        intermediate
            A dataset type with exposures; none are found once they are pruned.
        """
        ...

    def statistics(self, run: str, expected: ExpectedOutput) -> Sequence[Statistics]:
        """Return the statistics in one RUN, read from their files.

        Where they were left out they are told from the tables in their place;
        none where these tell of no test, or cannot be read here.
        """
        ...

    def detectors(self, instrument: str) -> Mapping[int, str]:
        """Return the names of an instrument's detectors by their numbers."""
        ...

    def software(self, run: str) -> Mapping[str, str]:
        """Return the versions by package that a RUN was made with.

        Empty where it holds no ``packages``.
        """
        ...

    def registered(self, run: str, dataset_type: str) -> tuple[str, str] | None:
        """Return when the first and the last dataset of a RUN came.

        Parameters
        ----------
        run
            The RUN.
        dataset_type
            Their type.

        Returns
        -------
        tuple or None
            UTC, to the second, with ``Z``; `None` where there are none.
        """
        ...

    def retrieve(
        self,
        run: str,
        dataset_type: str,
        where: str,
        folder: Path,
        watch: Watch,
    ) -> Sequence[Path]:
        """Copy the files of datasets into a folder, and return them.

        Parameters
        ----------
        run
            The RUN, or a collection, in which they are looked for.
        dataset_type
            Their type.
        where
            Which of them, the instrument included.
        folder
            Where to; what is there already is kept where it has the size.
        watch
            Told of each file.
        """
        ...


class BatchRunner(Protocol):
    """What runs the templates for one repository."""

    def scratch(self) -> Path:
        """Return the folder for what is in no repository: logs, images.

        Raises
        ------
        RefusedError
            Nobody says where it is.
        """
        ...

    def variables(self, submission: Submission) -> Mapping[str, str]:
        """Return all variables of a template, those of the site included.

        Raises
        ------
        RefusedError
            The template is not there; a variable of it is not set, or is
            empty; or it comes to another output or query than declared.
        """
        ...

    def command(self, submission: Submission) -> Sequence[str]:
        """Return what would be run, as words of a command line."""
        ...

    def pages(self, collections: Sequence[str], folder: Path) -> str | None:
        """Have cp_verify write its pages, and return why there are none.

        Parameters
        ----------
        collections
            Where results are looked for; the first that has one counts.
        folder
            Where the pages go; it holds none yet.

        Returns
        -------
        str or None
            Empty: they are there; `None`: nothing here writes any.
        """
        ...

    def needs(self, submission: Submission) -> frozenset[str] | None:
        """Return the dataset types that its pipeline cannot be run without.

        `None` where the pipeline cannot be loaded here.

        Raises
        ------
        RefusedError
            As of `variables`.
        """
        ...

    def takes(self, submission: Submission) -> frozenset[str] | None:
        """Return the dataset types that its pipeline takes where they are.

        Raws are left out; `None` where the pipeline cannot be loaded here.

        Raises
        ------
        RefusedError
            As of `variables`.
        """
        ...

    def begun(self, submission: Submission) -> Batch | None:
        """Return what was begun last, with its command as it was run.

        `None` where that was elsewhere, or its folder is gone.
        """
        ...

    def look(self, submission: Submission) -> SeenBatch:
        """Return how far a batch has come; nothing is written."""
        ...

    def causes(self, submission: Submission) -> Sequence[Cause]:
        """Return why quanta of the last batch made nothing, as far as known.

        Empty where there is no quantum graph to tell.
        """
        ...

    def leave_when(self, is_stopping: Callable[[], bool]) -> None:
        """Have `submit` wait for a batch only as long as nobody stops us.

        What was begun runs on without us.
        """
        ...

    def submit(self, submission: Submission, watch: Watch, fence: Fence) -> None:
        """Run a template, or go on with it where it was cut.

        Returns when the batch has ended, or when the batch system has taken
        it; what came of it is to be looked at.  A batch that has ended and
        left quanta undone is gone on with too, where its variables are those
        of today.

        Raises
        ------
        RefusedError
            As of `variables`; what is needed is not installed here; or there
            are files under the RUN's name that no dataset has.
        PlanIsStaleError
            It runs already.
        CalibstateError
            It could not be begun, or ended before it ran anything.
        """
        ...


class ConstructionPlaces(ReadPlaces, LockedPlaces, Protocol):
    """Places where calibrations are made."""

    def construction(self, address: RepositoryAddress) -> ConstructionReader:
        """Return a repository, to look at what was made."""
        ...

    def batches(self, address: RepositoryAddress) -> BatchRunner:
        """Return what runs the templates for a repository."""
        ...
