"""Exposures by night as they are published: canonical JSON, small.

They come from other sites, so nothing in them is believed before it was
checked: a file is as it must be in all its parts, or it is refused.
"""

from __future__ import annotations

from pydantic import ValidationError

from ..errors import Diagnostic, InvalidStateError
from ..model.exposures import ExposuresDocument
from ..model.names import RepositoryAddress
from .observationfile import first_mistake

__all__ = ["LARGEST", "dumps", "loads"]

LARGEST = 16 * 1024 * 1024
"""Bytes beyond which a file is not one of ours; ten years of six filters a
night take two million."""

_LONGEST = 200
"""Characters of what was wrong."""

_OURS = ("kind", "format_version")


def dumps(exposures: ExposuresDocument) -> bytes:
    """Write exposures as they are published.

    Parameters
    ----------
    exposures
        Of one repository.
    """
    return exposures.model_dump_json().encode() + b"\n"


def loads(data: bytes, *, of: RepositoryAddress) -> ExposuresDocument:
    """Read exposures.

    Parameters
    ----------
    data
        What `dumps` wrote.
    of
        The repository that they must be of.

    Raises
    ------
    InvalidStateError
        They are no exposures, are of another repository, or not of this
        version.
    """
    if len(data) > LARGEST:
        raise _refused(of, f"it is larger than {LARGEST} bytes")
    try:
        exposures = ExposuresDocument.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _refused(of, first_mistake(error)) from None
    # Both have defaults, so pydantic does not miss them.
    for word in _OURS:
        if word not in exposures.model_fields_set:
            raise _refused(of, f"{word}: Field required")
    if exposures.address != of:
        raise _refused(of, f"it is of {exposures.address}")
    return exposures


def _refused(address: str, why: str) -> InvalidStateError:
    # It may hold words of a file that came from anywhere.
    printable = ""
    for character in why[:_LONGEST]:
        if character.isprintable():
            printable += character
        else:
            printable += "?"
    return InvalidStateError(
        Diagnostic(
            "Not exposures by night",
            f"what was published of {address} cannot be read as exposures by night: {printable}",
            hint=f"Observe again there, with this version: calibstate observe --repository {address} "
            "--publish.",
            # What was wrong may be words of a stranger.
            public="what was published of them cannot be read as exposures by night",
        )
    )
