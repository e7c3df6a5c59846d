"""Who works on a place: the content of a lock."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .names import Noun

__all__ = ["Lock", "Process"]

_Text = Annotated[str, Field(max_length=1000)]


class Process(Noun):
    """A process, told so that nobody takes another one for it."""

    host: _Text
    """Name of the host."""

    pid: Annotated[int, Field(gt=0, lt=2**31)]
    """Number of the process."""

    started: int | None = None
    """When it started, in the kernel's ticks since boot, where known."""

    machine: _Text = ""
    """The host's machine-id: two hosts may have the same name."""

    boot: _Text = ""
    """Id of the boot: after another one no process of before runs."""

    namespace: _Text = ""
    """PID namespace: in another one the same number is another process."""


class Lock(Noun):
    """``locks/PLACE.json``."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["lock"] = "lock"

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """Of this hold; no other one has it."""

    place: _Text
    """A repository or ``archive``."""

    who: _Text
    """User."""

    process: Process
    """The holder."""

    since: _Text
    """UTC, with ``Z``."""

    beat: _Text = ""
    """When the holder last said that it lives; UTC, with ``Z``."""

    why: _Text
    """What it is held for."""
