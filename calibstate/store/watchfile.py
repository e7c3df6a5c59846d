"""How a loop goes on, as it is kept in the records of its site."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import ValidationError

from ..errors import Diagnostic, InvalidStateError
from ..model.watching import WatchState
from .observationfile import first_mistake

__all__ = ["LARGEST", "WatchDocument", "dumps", "loads"]

LARGEST = 2**20
"""Bytes beyond which a file is not one of ours."""


class WatchDocument(WatchState):
    """How the loop of a site goes on."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["watch"] = "watch"


def dumps(state: WatchState) -> bytes:
    """Return the file of a loop.

    Parameters
    ----------
    state
        How it goes on.
    """
    document = WatchDocument(**dict(state))
    text = json.dumps(document.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def loads(data: bytes, site: str) -> WatchState:
    """Return how a loop went on.

    Parameters
    ----------
    data
        The file.
    site
        Of which it is to be.

    Raises
    ------
    InvalidStateError
        It is no such file, or of another site.
    """
    try:
        document = WatchDocument.model_validate_json(data)
    except ValidationError as error:
        raise _unreadable(site, first_mistake(error)) from None
    if document.site != site:
        raise _unreadable(site, f"it is of {document.site}")
    return document


def _unreadable(site: str, why: str) -> InvalidStateError:
    words = f"watch/{site}.json in its records: {why}."
    return InvalidStateError(Diagnostic("State of a loop cannot be read", words, public=words))
