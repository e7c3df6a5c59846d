"""The middleware that runs pipelines: ``lsst.pipe.base``.

It is optional, and imported when a pipeline is first asked for.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler, MissingCollectionError, Quantum
from lsst.daf.butler.registry import (  # type: ignore[attr-defined]
    CollectionType as ButlerCollectionType,
)
from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, RefusedError
from ..model.contents import format_data_id
from ..ports.pipelines import Execution, Graph, PipelineReader, PipelineRunner, Processing, Taken
from ..ports.silence import USUAL_TIMEOUT
from .butler.opening import Repository

__all__ = ["check_middleware", "open_pipeline_reader", "open_pipeline_runner"]


def check_middleware() -> None:
    """Refuse to go on where there is nothing to run pipelines with.

    Raises
    ------
    RefusedError
        ``lsst.pipe.base`` is not installed.
    """
    try:
        import lsst.pipe.base  # noqa: F401
    except ImportError as error:
        raise RefusedError(
            Diagnostic(
                "Pipelines cannot be run here",
                f"lsst.pipe.base is not installed, or does not work: {error}.",
                hint="Install it with `pip install 'calibstate[pipeline]'`, or set up a Rubin stack.",
            )
        ) from None


def open_pipeline_reader(uri: str, timeout: timedelta = USUAL_TIMEOUT) -> PipelineReader:
    """Return a repository in which pipelines are looked at.

    Parameters
    ----------
    uri
        URI or path of the repository.
    timeout
        How long it may be silent.

    Raises
    ------
    RefusedError
        ``lsst.pipe.base`` is not installed.
    UnreachableError
        It cannot be opened from here.
    """
    check_middleware()
    repository = Repository(uri, timeout)
    return _Reader(repository, repository.open(writeable=False))


def open_pipeline_runner(uri: str, timeout: timedelta = USUAL_TIMEOUT) -> PipelineRunner:
    """Return a repository in which pipelines are run.

    Parameters
    ----------
    uri
        URI or path of the repository.
    timeout
        How long it may be silent.

    Raises
    ------
    RefusedError
        ``lsst.pipe.base`` is not installed.
    UnreachableError
        It cannot be opened from here.
    """
    check_middleware()
    repository = Repository(uri, timeout)
    return _Runner(repository, repository.open(writeable=True))


class _Reader(PipelineReader):
    """A repository to look at."""

    def __init__(self, repository: Repository, butler: Butler) -> None:
        self._repository = repository
        self._butler = butler

    @override
    def graph(self, processing: Processing) -> Graph:
        with self._repository.asking(), _listening() as heard:
            # A graph has to name a RUN, which is never made.
            return _told(_quantum_graph(self._butler, processing, "u/calibstate/verify/none", heard))


class _Runner(PipelineRunner):
    """A repository to run pipelines in."""

    def __init__(self, repository: Repository, butler: Butler) -> None:
        self._repository = repository
        self._butler = butler

    @override
    def runs(self, prefix: str) -> tuple[str, ...]:
        with self._repository.asking():
            return tuple(sorted(self._butler.collections.query(f"{prefix}*", ButlerCollectionType.RUN)))

    @override
    def execute(self, processing: Processing, run: str) -> Execution:
        with self._repository.asking(), _listening() as heard:
            before = self._known()
            butler = Butler.from_config(butler=self._butler, collections=processing.inputs, run=run)
            graph = _quantum_graph(butler, processing, run, heard)
            trouble = _run(butler, graph, heard) if len(graph) else ""
            return Execution(_told(graph), trouble, tuple(sorted(self._known() - before)))

    @override
    def remove(self, run: str) -> None:
        roots = self._butler.get_datastore_roots().values()
        try:
            # What the pipeline has registered since is not known here yet,
            # and would be left behind.
            self._butler.registry.refresh()
            self._butler.removeRuns([run], unlink_from_chains=True)
        except MissingCollectionError:
            return
        except Exception as error:
            raise CalibstateError(
                Diagnostic(
                    "RUN cannot be removed",
                    f"{self._repository.name}: {run} stays: {_line(error)}.",
                    hint=f"Remove it by hand: butler remove-runs REPOSITORY {run}",
                )
            ) from error
        for root in roots:
            if root is not None and root.isLocal:
                _remove_folders(Path(root.ospath), run)

    def _known(self) -> set[str]:
        self._butler.registry.refresh()
        return {dataset_type.name for dataset_type in self._butler.registry.queryDatasetTypes(...)}


class _Heard(logging.Handler):
    """Keeps the first error that is logged, in place of its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BaseException | None = None

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if self.error is None and record.exc_info and record.exc_info[1]:
            self.error = record.exc_info[1]


@contextmanager
def _listening() -> Iterator[_Heard]:
    """Hear what the middleware logs, which would be printed otherwise."""
    heard = _Heard()
    logging.getLogger().addHandler(heard)
    try:
        yield heard
    finally:
        logging.getLogger().removeHandler(heard)


def _quantum_graph(butler: Butler, processing: Processing, run: str, heard: _Heard) -> Any:
    from lsst.pipe.base import Pipeline
    from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder

    try:
        builder = AllDimensionsQuantumGraphBuilder(
            Pipeline.from_uri(processing.pipeline).to_graph(),
            butler,
            where=processing.where,
            input_collections=processing.inputs,
            output_run=run,
        )
        return builder.finish(metadata={}, attach_datastore_records=False).assemble()
    except Exception as error:
        # A pipeline names classes and configurations that may raise anything.
        problem = Diagnostic("No quantum graph", f"{processing.pipeline}: {_line(heard.error or error)}.")
        raise RefusedError(problem) from error


def _told(graph: Any) -> Graph:
    quanta = graph.build_execution_quanta().values()
    taken: list[Taken] = []
    for quantum in quanta:
        taken += _taken(quantum)
    return Graph(len(quanta), tuple(taken))


def _taken(quantum: Quantum) -> Iterator[Taken]:
    timespan = quantum.dataId.timespan if quantum.dataId is not None else None
    span = timespan.nsec if timespan is not None else None
    for dataset_type, refs in quantum.inputs.items():
        if not dataset_type.isCalibration():
            continue
        for ref in refs:
            data_id = format_data_id({key: _plain(value) for key, value in ref.dataId.required.items()})
            yield Taken(dataset_type.name, data_id, str(ref.id), ref.run, span)


def _plain(value: Any) -> int | str:
    return value if isinstance(value, int) else str(value)


def _run(butler: Butler, graph: Any, heard: _Heard) -> str:
    """Run a graph; return what went wrong, if anything did."""
    from lsst.pipe.base.separable_pipeline_executor import SeparablePipelineExecutor

    executor = SeparablePipelineExecutor(butler)
    try:
        executor.pre_execute_qgraph(graph, register_dataset_types=True, save_versions=False)
        executor.run_pipeline(graph)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a task may raise anything
        return _line(heard.error or error)
    return ""


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first_line = f": {lines[0].rstrip('.')}" if lines else ""
    return f"{type(error).__name__}{first_line}"


def _remove_folders(root: Path, run: str) -> None:
    """Remove the folders of a RUN; the butler leaves them, all empty."""
    for folder, _, _ in os.walk(root / run, topdown=False):
        with suppress(OSError):  # Somebody else has a file in it.
            Path(folder).rmdir()
