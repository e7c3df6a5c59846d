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
        with self._repository.asking(), _listening() as log:
            # A graph has to name a RUN, which is never made.
            graph = _quantum_graph(self._butler, processing, "u/calibstate/verify/none", log)
            return _in_our_words(graph)


class _Runner(PipelineRunner):
    """A repository to run pipelines in."""

    def __init__(self, repository: Repository, butler: Butler) -> None:
        self._repository = repository
        self._butler = butler

    @override
    def runs(self, prefix: str) -> tuple[str, ...]:
        with self._repository.asking():
            runs = self._butler.collections.query(f"{prefix}*", ButlerCollectionType.RUN)
            return tuple(sorted(runs))

    @override
    def execute(self, processing: Processing, run: str) -> Execution:
        with self._repository.asking(), _listening() as log:
            before = self._dataset_types()
            butler = Butler.from_config(
                butler=self._butler,
                collections=processing.inputs,
                run=run,
            )
            graph = _quantum_graph(butler, processing, run, log)
            trouble = ""
            if len(graph):
                trouble = _run(butler, graph, log)
            # They stay registered when the RUN is removed.
            registered = self._dataset_types() - before
            return Execution(_in_our_words(graph), trouble, tuple(sorted(registered)))

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
        # The butler leaves the folders of the RUN, all empty.
        for root in roots:
            if root is None or not root.isLocal:
                continue
            for folder, _, _ in os.walk(Path(root.ospath, run), topdown=False):
                # Somebody else may have a file in it.
                with suppress(OSError):
                    Path(folder).rmdir()

    def _dataset_types(self) -> set[str]:
        """Return the names of the dataset types that are registered."""
        registry = self._butler.registry
        # What others register this butler does not know by itself.
        registry.refresh()
        return {dataset_type.name for dataset_type in registry.queryDatasetTypes(...)}


class _Log(logging.Handler):
    """Keeps the first error that is logged, in place of its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BaseException | None = None

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if self.error is not None or not record.exc_info:
            return
        _, self.error, _ = record.exc_info


@contextmanager
def _listening() -> Iterator[_Log]:
    """Hear what the middleware logs, which would be printed otherwise."""
    log = _Log()
    root = logging.getLogger()
    root.addHandler(log)
    try:
        yield log
    finally:
        root.removeHandler(log)


def _quantum_graph(
    butler: Butler,
    processing: Processing,
    run: str,
    log: _Log,
) -> Any:
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
        line = _line(log.error or error)
        detail = f"{processing.pipeline}: {line}."
        raise RefusedError(Diagnostic("No quantum graph", detail)) from error


def _in_our_words(graph: Any) -> Graph:
    """Return how large a graph is, and which calibrations it takes."""
    quanta = graph.build_execution_quanta().values()
    calibrations: list[Taken] = []
    for quantum in quanta:
        calibrations += _calibrations(quantum)
    return Graph(len(quanta), tuple(calibrations))


def _calibrations(quantum: Quantum) -> Iterator[Taken]:
    """Yield the calibrations that are inputs of a quantum."""
    span = None
    if quantum.dataId is not None and quantum.dataId.timespan is not None:
        span = quantum.dataId.timespan.nsec
    for dataset_type, refs in quantum.inputs.items():
        if not dataset_type.isCalibration():
            continue
        for ref in refs:
            values: dict[str, int | str] = {}
            for dimension, value in ref.dataId.required.items():
                # A data ID is written with numbers and texts only.
                values[dimension] = value if isinstance(value, int) else str(value)
            yield Taken(
                dataset_type.name,
                format_data_id(values),
                str(ref.id),
                ref.run,
                span,
            )


def _run(butler: Butler, graph: Any, log: _Log) -> str:
    """Run a graph; return what went wrong, if anything did."""
    from lsst.pipe.base.separable_pipeline_executor import SeparablePipelineExecutor

    executor = SeparablePipelineExecutor(butler)
    try:
        executor.pre_execute_qgraph(graph, register_dataset_types=True, save_versions=False)
        executor.run_pipeline(graph)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a task may raise anything
        return _line(log.error or error)
    return ""


def _line(error: BaseException) -> str:
    """Return what an error is, and the first line that it says."""
    kind = type(error).__name__
    for line in str(error).splitlines():
        text = line.strip()
        if text:
            return f"{kind}: {text.rstrip('.')}"
    return kind
