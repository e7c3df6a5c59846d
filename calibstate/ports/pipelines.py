"""What calibstate asks of the middleware that runs pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..model.names import RepositoryAddress
from ..model.timespans import Range
from .places import LockedPlaces, ReadPlaces

__all__ = [
    "Execution",
    "Graph",
    "PipelinePlaces",
    "PipelineReader",
    "PipelineRunner",
    "Processing",
    "RunPlaces",
    "Taken",
]


@dataclass(frozen=True)
class Processing:
    """What is to be processed."""

    pipeline: str
    """File of the pipeline, with ``#LABEL`` where a part of it is meant."""

    where: str
    """Which data, in the butler's query language."""

    inputs: tuple[str, ...]
    """Collections that inputs are taken from, in search order."""


@dataclass(frozen=True)
class Taken:
    """A calibration that a quantum takes."""

    dataset_type: str
    data_id: str
    """As `~calibstate.model.contents.Row` has it."""

    uuid: str
    run: str
    """RUN of the dataset."""

    span: Range | None
    """When the data of the quantum were taken; `None` where it has no time."""


@dataclass(frozen=True)
class Graph:
    """A quantum graph, as far as calibrations go."""

    quanta: int
    taken: tuple[Taken, ...]


@dataclass(frozen=True)
class Execution:
    """What became of a processing."""

    graph: Graph

    trouble: str = ""
    """Why it could not be carried out, or how it failed."""

    registered: tuple[str, ...] = ()
    """Dataset types that the repository did not know before."""

    remarks: tuple[str, ...] = ()
    """What else a person should know."""


class PipelineReader(Protocol):
    """A repository in which pipelines are looked at."""

    def graph(self, processing: Processing) -> Graph:
        """Return the quantum graph of a processing; nothing is written.

        Raises
        ------
        RefusedError
            The middleware makes none.
        """
        ...


class PipelineRunner(Protocol):
    """A repository in which pipelines are run."""

    def runs(self, prefix: str) -> tuple[str, ...]:
        """Return the RUN collections whose names begin alike, sorted."""
        ...

    def execute(self, processing: Processing, run: str) -> Execution:
        """Run a pipeline into a new RUN.

        That a task fails is told in the answer.

        Raises
        ------
        RefusedError
            The middleware makes no quantum graph.
        """
        ...

    def remove(self, run: str) -> None:
        """Remove a RUN with all that is in it, if it is there.

        Raises
        ------
        CalibstateError
            It cannot be removed.
        """
        ...


class PipelinePlaces(ReadPlaces, Protocol):
    """Places in which pipelines are looked at."""

    def pipelines(self, address: RepositoryAddress) -> PipelineReader:
        """Return a repository, opened for reading."""
        ...


class RunPlaces(LockedPlaces, Protocol):
    """Places in which pipelines are run."""

    def run_pipelines(self, address: RepositoryAddress) -> PipelineRunner:
        """Return a repository, opened for writing."""
        ...
