"""Builds stores of time series from what is declared and the environment."""

from __future__ import annotations

import os
from datetime import timedelta

from ..errors import Diagnostic, UsageError
from ..model.daily import Sasquatch
from ..ports.metrics import MetricStore
from ..ports.silence import at_work

__all__ = ["metric_store"]


def metric_store(declared: Sasquatch, timeout: timedelta) -> MetricStore:
    """Return a store that takes metrics.

    Parameters
    ----------
    declared
        Where it is; its token is in the environment.
    timeout
        How long it may be silent.

    Raises
    ------
    UsageError
        The token cannot be sent.
    """
    # What is read from a file ends with a line end.
    token = os.environ.get("CALIBSTATE_SASQUATCH_TOKEN", "").strip()
    is_sound = token.isascii() and token.isprintable() and " " not in token
    if not is_sound:
        raise UsageError(
            Diagnostic(
                "Token of Sasquatch cannot be sent",
                "CALIBSTATE_SASQUATCH_TOKEN holds blanks, line ends or foreign letters.",
                hint="Give it as it was told.",
            )
        )
    with at_work():
        from ..adapters import sasquatch

    return sasquatch.Sasquatch(
        declared.url,
        declared.namespace,
        token or None,
        timeout,
    )
