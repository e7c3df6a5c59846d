"""Packages in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import override

from calibstate.model.curated import SeenPackage
from calibstate.ports.packages import DataPackages

__all__ = ["MemoryPackages"]


@dataclass
class MemoryPackages(DataPackages):
    """Packages that a test sets up."""

    known: dict[tuple[str, str], SeenPackage] = field(default_factory=dict)
    """By name, and folder of the camera."""

    @override
    def look(self, name: str, folder: str) -> SeenPackage | None:
        return self.known.get((name, folder))
