"""The list of a ticket's collections is written into its file.

All else of the file stays, byte for byte.
"""

from __future__ import annotations

from codecs import BOM_UTF8
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

_BEFORE = ("construction", "certify", "ingest", "curated", "skip", "hold", "rucio")
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
    ticket = written.noun
    if ticket.collections == tuple(collections):
        return None
    file = written.lines.file
    path = Path(desired.root) / file
    before = path.read_bytes()
    text = before.decode("utf-8-sig")
    newline = "\n"
    if "\r\n" in text:
        newline = "\r\n"
    lines = ["collections:"]
    for name in collections:
        lines.append(f"  - {scalar(name)}")
    block = newline.join(lines)
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    begin, end = _place(root, text)
    if begin == end:
        # It is a new key, in front of another one or at the end of the file.
        block += newline
        is_last = begin == len(text)
        has_no_end = text and not text.endswith(("\n", "\r"))
        if is_last and has_no_end:
            block = newline + block
    after = text[:begin] + block + text[end:]
    is_by_lines = isinstance(root, yaml.MappingNode) and not root.flow_style
    # A comment within the list that is replaced would be lost.
    if not is_by_lines or not same_comments(text, after):
        joined = ", ".join(collections)
        line = written.lines.at("collections").line
        raise RefusedError(
            Diagnostic(
                "File cannot be changed",
                f"The collections of {ticket.ticket} cannot be written into it without losing a comment.",
                Where(file, line),
                f"Write by hand: {joined}",
            )
        )
    intended = ticket.model_copy(
        update={"collections": tuple(collections)},
    )
    read_again(after, file, intended)
    content = after.encode()
    if before.startswith(BOM_UTF8):
        content = BOM_UTF8 + content
    return FileChange(
        file,
        before=before,
        after=content,
    )


def _place(root: Any, text: str) -> tuple[int, int]:
    """Return from where to where the list stands, or is to stand."""
    begins: dict[str, int] = {}
    for key, value in root.value:
        begin = key.start_mark.index
        begins[key.value] = begin
        if key.value == "collections":
            return begin, end_of(value, text)
    # The first of those keys that the file has, wherever it stands.
    for name in _BEFORE:
        if name in begins:
            begin = begins[name]
            return begin, begin
    end = len(text)
    return end, end
