"""JSON documents that are printed, and have no file of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..model.drift import Drift

__all__ = ["drift"]


def drift(found: Sequence[Drift]) -> dict[str, Any]:
    """Return drift as the JSON document of kind ``drift``."""
    counted = Counter(one.what.value for one in found)
    return {
        "format_version": "1.0",
        "kind": "drift",
        "summary": dict(sorted(counted.items())),
        "drift": [one.model_dump(mode="json", exclude_none=True) for one in found],
    }
