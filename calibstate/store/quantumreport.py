"""The report of ``pipetask report`` on one quantum graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..model.contents import format_data_id
from ..model.submissions import Cause

__all__ = ["read_quantum_report"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_quantum_report(file: Path) -> tuple[Cause, ...]:
    """Return the quanta that failed.

    Parameters
    ----------
    file
        The report; of one that cannot be read there are none.
    """
    try:
        tasks = yaml.load(file.read_bytes(), Loader=_LOADER)
    except (OSError, yaml.YAMLError, UnicodeError, ValueError, RecursionError):
        return ()
    causes: list[Cause] = []
    if isinstance(tasks, dict):
        for task, report in tasks.items():
            causes += _causes_of(str(task), report)
    return tuple(causes)


def _causes_of(task: str, report: Any) -> Iterator[Cause]:
    failed = report.get("failed_quanta") if isinstance(report, dict) else None
    if not isinstance(failed, dict):
        return
    for quantum in failed.values():
        yield Cause(task, format_data_id(quantum.get("data_id", {})), _first_line(quantum.get("error")))


def _first_line(error: Any) -> str:
    """Return the line that names the error; the last one, of a traceback."""
    messages = error if isinstance(error, list) else [error]
    for message in messages:
        lines = [line.strip() for line in str(message or "").splitlines() if line.strip()]
        if lines:
            return lines[-1] if "Traceback" in str(message) else lines[0]
    return "its log says nothing"
