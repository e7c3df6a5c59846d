"""The report of ``pipetask report`` on one quantum graph."""

from __future__ import annotations

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
    if not isinstance(tasks, dict):
        return ()
    causes = []
    for task, report in tasks.items():
        if not isinstance(report, dict):
            continue
        failed = report.get("failed_quanta")
        if not isinstance(failed, dict):
            continue
        for quantum in failed.values():
            data_id = quantum.get("data_id", {})
            cause = Cause(
                str(task),
                format_data_id(data_id),
                _telling_line(quantum.get("error")),
            )
            causes.append(cause)
    return tuple(causes)


def _telling_line(error: Any) -> str:
    """Return the line that names the error."""
    messages = [error]
    if isinstance(error, list):
        messages = error
    for message in messages:
        text = str(message or "")
        lines = []
        for line in text.splitlines():
            if line.strip():
                lines.append(line.strip())
        if not lines:
            continue
        # A traceback ends with the error; all else begins with it.
        if "Traceback" in text:
            return lines[-1]
        return lines[0]
    return "its log says nothing"
