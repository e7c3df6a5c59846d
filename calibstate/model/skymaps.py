"""Skymaps: how the sky is divided for coadds, and the hash that says so.

The hash is that of the registry, by which the stack tells one skymap from
another.  It is made here from the configuration alone, as
``lsst.skymap.BaseSkyMap.getSha1`` makes it (``baseSkyMap.py``,
``tractBuilder.py`` and ``ringsSkyMap.py`` of lsst/skymap at commit 91c88c0).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AllowInfNan, Strict, StringConstraints

from .names import Noun, Word

__all__ = ["CONFIG_FILE", "HASH", "Plain", "Scalar", "SkymapConfig", "SkymapFile"]

_Real = Annotated[float, Strict(), AllowInfNan(allow_inf_nan=False)]
_Whole = Annotated[int, Strict()]
_Truth = Annotated[bool, Strict()]
_Text = Annotated[str, Strict()]

Scalar = _Truth | _Whole | _Real | _Text | None
"""A single value of a configuration."""

Plain = Scalar | tuple[Scalar, ...]
"""A value of a configuration."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""A name of the stack's configuration."""

HASH = r"^[0-9a-f]{40}$"
"""A hash in hex."""

CONFIG_FILE = r"^[A-Za-z0-9_][A-Za-z0-9._-]*\.config$"
"""Name of a file with a configuration."""


class SkymapFile(Noun):
    """``skymaps/NAME.yaml``."""

    skymap: Word
    """Name of the skymap in the registry."""

    config: Annotated[str, StringConstraints(pattern=CONFIG_FILE)]
    """File beside this one with its configuration."""

    hash: Annotated[str, StringConstraints(pattern=HASH)] | None = None
    """Hash of the skymap; needed only where it does not follow from the
    configuration."""

    only: tuple[str, ...] = ()
    """Sites or repositories that have it; none: all."""

    hold: str | None = None
    """Reason for registering it nowhere at present."""


class SkymapConfig(Noun):
    """What a configuration of a skymap says of it."""

    name: Word
    """Name of the skymap in the registry."""

    pixelization: Identifier
    """How the sky is divided into tracts: ``rings``, ``discrete``."""

    settings: Mapping[Identifier, Plain]
    """Settings of that."""

    builder: Identifier
    """How tracts are divided into patches: ``legacy``, ``cells``."""

    patches: Mapping[Identifier, Plain]
    """Settings of that."""

    @property
    def hash(self) -> str | None:
        """The hash in hex; `None`: it does not follow from what is here."""
        if self.pixelization != "rings":
            return None
        packed = self._patches()
        if packed is None:
            return None
        settings: Any = self.settings
        sha1 = hashlib.sha1(b"RingsSkyMap", usedforsecurity=False)
        sha1.update(packed)
        sha1.update(
            struct.pack(
                "<dd3sd",
                settings["tractOverlap"],
                settings["pixelScale"],
                settings["projection"].encode("ascii"),
                settings["rotation"],
            )
        )
        sha1.update(struct.pack("<id", settings["numRings"], settings["raStart"]))
        return sha1.hexdigest()

    def _patches(self) -> bytes | None:
        """Return how tracts are divided, as the hash has it."""
        patches: Any = self.patches
        if self.builder == "legacy":
            return struct.pack("<iii", *patches["patchInnerDimensions"], patches["patchBorder"])
        if self.builder == "cells":
            return struct.pack(
                "<iiiii",
                *patches["cellInnerDimensions"],
                patches["cellBorder"],
                patches["numCellsPerPatchInner"],
                patches["numCellsInPatchBorder"],
            )
        return None

    @property
    def text(self) -> str:
        """The configuration as the stack is given it, which runs it.

        Nothing of the file that it was read from is in it but its values.
        """
        skymap = f"config.skyMap[{self.pixelization!r}]"
        builder = f"{skymap}.tractBuilder[{self.builder!r}]"
        lines = [
            f"config.name = {self.name!r}",
            f"config.skyMap.name = {self.pixelization!r}",
            f"{skymap}.tractBuilder.name = {self.builder!r}",
        ]
        for setting, value in sorted(self.settings.items()):
            lines.append(f"{skymap}.{setting} = {_written(value)}")
        for setting, value in sorted(self.patches.items()):
            lines.append(f"{builder}.{setting} = {_written(value)}")
        return "\n".join(lines) + "\n"


def _written(value: Plain) -> str:
    """Return a value as Python reads it again."""
    # A tuple of one has a comma that a list has not.
    return repr(list(value)) if isinstance(value, tuple) else repr(value)
