"""A change of state, as a webhook is told of it."""

from __future__ import annotations

from typing import Literal

from ...model.watching import Notice
from .base import FORMAT

__all__ = ["NoticeDocument", "notice_document"]


class NoticeDocument(Notice):
    """A change of state of a site that keeps itself."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["notice"] = "notice"

    text: str
    """The same in a few lines for people, with what to do next."""


def notice_document(notice: Notice, text: str) -> NoticeDocument:
    """Return what a webhook is told.

    Parameters
    ----------
    notice
        The change.
    text
        The same, for people.
    """
    return NoticeDocument(**dict(notice), text=text)
