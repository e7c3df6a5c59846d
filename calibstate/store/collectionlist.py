"""The list of a ticket's collections is written into its file.

All else of the file stays, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..errors import Diagnostic, RefusedError, Where
from ..model.desired import DesiredState, Written
from ..model.files import FileChange
from ..model.tickets import Ticket
from .layout import same_comments
from .treefile import end_of, read_again, scalar

__all__ = ["with_collections"]

_BEFORE = ("construction", "certify", "skip", "hold", "rucio")
"""Keys in front of which the list is put where there is none."""


def with_collections(
    desired: DesiredState, written: Written[Ticket], collections: Sequence[str]
) -> FileChange | None:
    """Return the file of a ticket with its collections; nothing is written.

    Parameters
    ----------
    desired
        The tree as it is.
    written
        The ticket.
    collections
        Its collections in search order, relative to the ticket.

    Returns
    -------
    FileChange or None
        `None` where the file says so already.

    Raises
    ------
    RefusedError
        The file cannot be changed without a loss.
    """
    file, ticket = written.lines.file, written.noun
    if ticket.collections == tuple(collections):
        return None
    before = (Path(desired.root) / file).read_bytes()
    text = before.decode("utf-8-sig")
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = ["collections:", *(f"  - {scalar(name)}" for name in collections)]
    block = newline.join(lines)
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    begin, end = _place(root, text)
    if begin == end:
        # It is a new key, in front of another one or at the end of the file.
        block += newline
        if text and begin == len(text) and not text.endswith(("\n", "\r")):
            block = newline + block
    after = text[:begin] + block + text[end:]
    intended = ticket.model_copy(update={"collections": tuple(collections)})
    if not isinstance(root, yaml.MappingNode) or root.flow_style or not same_comments(text, after):
        where = Where(file, written.lines.at("collections").line)
        detail = f"The collections of {ticket.ticket} cannot be written into it without losing a comment."
        hint = f"Write by hand: {', '.join(collections)}"
        raise RefusedError(Diagnostic("File cannot be changed", detail, where, hint))
    read_again(after, file, intended)
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    return FileChange(file, before, mark + after.encode())


def _place(root: Any, text: str) -> tuple[int, int]:
    """Return from where to where the list stands, or is to stand."""
    keys = {key.value: (key, value) for key, value in root.value}
    if "collections" in keys:
        key, value = keys["collections"]
        return key.start_mark.index, end_of(value, text)
    for name in _BEFORE:
        if name in keys:
            begin: int = keys[name][0].start_mark.index
            return begin, begin
    return len(text), len(text)
