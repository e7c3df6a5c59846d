"""What a pipeline takes, and cannot be run without, as itself says.

Which calibrations are applied differs from camera to camera and from version
to version, and the middleware tells of one that is missing only by a quantum
graph that is empty.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["needs_of_pipeline", "taken_by_pipeline"]

_RAW = "raw"


def needs_of_pipeline(pipeline: str, variables: Mapping[str, str]) -> frozenset[str] | None:
    """Return the dataset types that must be found for a pipeline to run.

    Parameters
    ----------
    pipeline
        Its file, with ``#LABEL`` where a part of it is meant.
    variables
        Where its package is.

    Returns
    -------
    frozenset or None
        Raws are left out, and so is what its tasks can do without.  `None`
        where it cannot be loaded here.
    """
    graph = _graph_of(pipeline, variables)
    if graph is None:
        return None
    # What one task can do without another may insist on.
    required: set[str] = set()
    for task in graph.tasks.values():
        connections: Any = task.get_connections()
        for name in (*connections.inputs, *connections.prerequisiteInputs):
            connection = getattr(connections, name)
            if connection.minimum > 0:
                required.add(connection.name)
    from_outside = {dataset_type for dataset_type, _ in graph.iter_overall_inputs()}
    return frozenset(required & from_outside - {_RAW})


def taken_by_pipeline(pipeline: str, variables: Mapping[str, str]) -> frozenset[str] | None:
    """Return the dataset types that a pipeline takes, if they are there.

    Parameters
    ----------
    pipeline, variables
        As for `needs_of_pipeline`.

    Returns
    -------
    frozenset or None
        Raws are left out.  `None` where it cannot be loaded here.
    """
    graph = _graph_of(pipeline, variables)
    if graph is None:
        return None
    from_outside = {dataset_type for dataset_type, _ in graph.iter_overall_inputs()}
    return frozenset(from_outside - {_RAW})


def _graph_of(pipeline: str, variables: Mapping[str, str]) -> Any:
    """Return the graph of a pipeline; `None`: it cannot be loaded."""
    try:
        from lsst.pipe.base import Pipeline

        with _exported(variables):
            return Pipeline.from_uri(pipeline).to_graph()
    except Exception:  # noqa: BLE001 - a pipeline imports whatever it likes
        return None


@contextmanager
def _exported(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables as long as a file is read that names them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
