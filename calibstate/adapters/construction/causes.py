"""Why quanta made nothing: what ``pipetask report`` tells of a graph."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ...model.submissions import Cause
from ...ports.silence import at_work
from ...store.quantumreport import read_quantum_report

__all__ = ["causes_of"]

_LIMIT = 120.0
"""Seconds that a report may take; without it nothing is said of causes."""


def causes_of(graph: Path, repository: str, environment: Mapping[str, str]) -> tuple[Cause, ...]:
    """Return which quanta of a graph failed, and with what.

    Parameters
    ----------
    graph
        The quantum graph.
    repository
        URI of the repository.
    environment
        All of the environment of ``pipetask``.
    """
    with tempfile.TemporaryDirectory() as folder, at_work():
        report = Path(folder) / "report.yaml"
        words = ["pipetask", "report", repository, str(graph), "--full-output-filename", str(report)]
        try:
            subprocess.run(
                words,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIMIT,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return ()
        return read_quantum_report(report)
