"""Observation files: canonical JSON, the same bytes for the same look.

They come from other sites, so nothing in them is believed before it was
checked: a file is as it must be in all its parts, or it is refused.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ..errors import Diagnostic, InvalidStateError
from ..model.names import Noun
from ..model.observations import Observation, ObservationHead, ObservationsDocument

__all__ = ["HEAD", "LARGEST", "READ_AT_ONCE", "dumps", "first_mistake", "head_of", "loads", "read"]

LARGEST = 256 * 1024 * 1024
"""Bytes beyond which a file is not one of ours."""

HEAD = 4096
"""Bytes in which a file that `dumps` wrote of one repository says whose it
is."""

READ_AT_ONCE = 16 * 1024 * 1024
"""Bytes that are read within a second; of a larger file a sight tells the same
more quickly."""

_OURS = ("kind", "format_version")
_BODY = b',"collections":'
"""Where that ends; within a word the quotes would have a backslash before
them."""


class HeadsDocument(Noun):
    """Begin of a file of one observation."""

    format_version: Literal["1.0"]
    kind: Literal["observations"]
    observations: tuple[ObservationHead]


def dumps(observations: Iterable[Observation]) -> bytes:
    """Write observations as they are saved and published.

    Parameters
    ----------
    observations
        Of one repository each.
    """
    ordered = sorted(observations, key=lambda observation: observation.address)
    document = ObservationsDocument(observations=tuple(ordered))
    # Where nobody asked for skymaps, nothing is said of them.
    unsaid: dict[int, set[str]] = {}
    for index, observation in enumerate(ordered):
        if observation.skymaps is None:
            unsaid[index] = {"skymaps"}
    text = document.model_dump_json(exclude={"observations": unsaid})
    return text.encode() + b"\n"


def loads(data: bytes, name: str, *, of: str | None = None) -> tuple[Observation, ...]:
    """Read observations.

    Parameters
    ----------
    data
        What `dumps` wrote.
    name
        The file, for messages.
    of
        The one repository that it must be of; `None`: any.

    Raises
    ------
    InvalidStateError
        It holds no observations, or is not of this version.
    """
    if len(data) > LARGEST:
        raise _too_large(name)
    try:
        saved = ObservationsDocument.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _refused(name, first_mistake(error)) from None
    # Both have defaults, so pydantic does not miss them.
    for word in _OURS:
        if word not in saved.model_fields_set:
            raise _refused(name, f"{word}: Field required")
    addresses = [observation.address for observation in saved.observations]
    times = Counter(addresses)
    for address, number in times.items():
        if number > 1:
            raise _refused(name, f"{address} is in it twice")
    if of and addresses != [of]:
        held = "nothing"
        if addresses:
            held = ", ".join(addresses)
        raise _refused(name, f"it is of {held}, not of {of}")
    return saved.observations


def head_of(begin: bytes, *, of: str) -> ObservationHead | None:
    """Return whose an observation is, by the first bytes of its file.

    Parameters
    ----------
    begin
        What `dumps` wrote of one repository, up to `HEAD` bytes.
    of
        The repository that it must be of.

    Returns
    -------
    ObservationHead or None
        `None`: only the whole file tells.
    """
    head, body, _ = begin.partition(_BODY)
    if not body:
        return None
    try:
        document = HeadsDocument.model_validate_json(head + b"}]}", strict=True)
    except ValidationError:
        return None
    (observation,) = document.observations
    if observation.address != of:
        return None
    return observation


def read(path: Path) -> tuple[Observation, ...]:
    """Read a file of observations.

    Raises
    ------
    OSError
        It cannot be read.
    InvalidStateError
        It holds no observations, or is not of this version.
    """
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > LARGEST:
            raise _too_large(str(path))
        data = stream.read(LARGEST + 1)
    return loads(data, str(path))


def first_mistake(error: ValidationError) -> str:
    """Return the mistake of a file that explains most.

    Parameters
    ----------
    error
        All of them.
    """
    problems = error.errors(include_url=False, include_input=False)
    first = problems[0]
    # A file of another kind has many faults, and that one explains them.
    for problem in problems:
        location = problem["loc"]
        if location and location[-1] in _OURS:
            first = problem
            break
    message = first["msg"]
    parts = map(str, first["loc"])
    key = ".".join(parts)
    if not key:
        return message
    return f"{key}: {message}"


def _too_large(name: str) -> InvalidStateError:
    return _refused(name, f"it is larger than {LARGEST} bytes")


def _refused(name: str, why: str) -> InvalidStateError:
    # It may hold words of a file that came from anywhere.
    printable = ""
    for character in why:
        if character.isprintable():
            printable += character
        else:
            printable += "?"
    return InvalidStateError(
        Diagnostic(
            "Not an observation file",
            f"{name} cannot be read as observations: {printable}.",
            hint="Observe again there, with this version: calibstate observe -o FILE.",
        )
    )
