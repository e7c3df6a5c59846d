"""What was decided on a ticket is written into its file.

Values are replaced or added one by one; all else of the file stays, byte for
byte, and so do its comments.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import yaml

from ..errors import Diagnostic, InvalidStateError, RefusedError, Where
from ..model.desired import DesiredState, Written
from ..model.files import FileChange
from ..model.tickets import Approval, Ticket
from .layout import same_comments
from .treefile import end_of, read_again, scalar

__all__ = ["with_values"]


_PLAIN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|sha256:[0-9a-f]{64}|https?://[A-Za-z0-9._/~%+?=&-]*[A-Za-z0-9/]"
)
"""What files have without quotes: days, digests and addresses."""


class _NotByLine(Exception):  # noqa: N818 - it is no mistake
    """A file is not written in the way that is expected."""


def with_values(desired: DesiredState, written: Written[Ticket], intended: Ticket) -> FileChange | None:
    """Return the file of a ticket with what was decided; nothing is written.

    Parameters
    ----------
    desired
        The tree as it is.
    written
        The ticket.
    intended
        What the file is to say of its approval and its deployment; all else is
        as it is.

    Returns
    -------
    FileChange or None
        `None` where the file says so already.

    Raises
    ------
    RefusedError
        The file cannot be changed without a loss.
    """
    values: dict[str, str] = {}
    # As JSON has them, since a status is a word in files.
    approval_before = written.noun.approval.model_dump(mode="json")
    for key, value in intended.approval.model_dump(mode="json").items():
        if value != approval_before[key]:
            values[f"approval.{key}"] = value
    if intended.deployment and intended.deployment != written.noun.deployment:
        values["deployment"] = intended.deployment
    if not values:
        return None
    file = written.lines.file
    path = Path(desired.root) / file
    before = path.read_bytes()
    text = before.decode("utf-8-sig")
    try:
        after = text
        for name, value in values.items():
            after = _with_value(after, name, value)
        # It is read as any file is, so nothing else can have become of it.
        read_again(after, file, intended)
        is_as_before = same_comments(text, after)
    except (_NotByLine, yaml.YAMLError, RefusedError, InvalidStateError):
        is_as_before = False
    if not is_as_before:
        pairs = [f"{name}: {_word(value)}" for name, value in values.items()]
        raise RefusedError(
            Diagnostic(
                "File cannot be changed",
                f"What was decided on {written.noun.ticket} cannot be written into it without other changes.",
                Where(file, written.lines.at("approval").line),
                f"Write by hand: {', '.join(pairs)}",
            )
        )
    content = after.encode()
    if before.startswith(BOM_UTF8):
        content = BOM_UTF8 + content
    return FileChange(
        file,
        before=before,
        after=content,
    )


def _with_value(text: str, name: str, value: str) -> str:
    """Return a file with one value, ``approval.KEY`` or a key."""
    # It is taken apart again for each value, since the one before moved it.
    mapping: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    order = list(Ticket.model_fields)
    inner, _, key = name.rpartition(".")
    if inner:
        mapping = _pairs(mapping).get(inner)
        order = list(Approval.model_fields)
    pairs = _pairs(mapping)
    if key in pairs:
        return _replaced(text, pairs[key], value)
    # It goes behind the last of the keys that stand before it where files are
    # laid out, so that `calibstate fmt` has nothing to move.
    position = order.index(key)
    above = [earlier for earlier in order[:position] if earlier in pairs]
    if not above:
        raise _NotByLine
    end = end_of(pairs[above[-1]], text)
    pair = f"{key}: {_word(value)}"
    if mapping.flow_style:
        return f"{text[:end]}, {pair}{text[end:]}"
    newline = "\n"
    if "\r\n" in text:
        newline = "\r\n"
    # Behind what else stands in that line, such as a comment.
    line_end = text.find(newline, end)
    if line_end < 0:
        line_end = len(text)
    margin = " " * mapping.start_mark.column
    return f"{text[:line_end]}{newline}{margin}{pair}{text[line_end:]}"


def _word(value: str) -> str:
    """Return a value as YAML, as people would write it."""
    if _PLAIN.fullmatch(value):
        return value
    return scalar(value)


def _pairs(mapping: Any) -> dict[str, Any]:
    """Return the nodes of a mapping by its keys."""
    if not isinstance(mapping, yaml.MappingNode):
        raise _NotByLine
    return {key.value: value for key, value in mapping.value}


def _replaced(text: str, node: Any, value: str) -> str:
    """Return a file in which a value is another one."""
    if not isinstance(node, yaml.ScalarNode) or node.style in {"|", ">"}:
        raise _NotByLine
    begin = node.start_mark.index
    behind = text[node.end_mark.index :]
    word = _word(value)
    # A key without a value has its mark right behind the colon.
    if begin == node.end_mark.index:
        word = f" {word}"
    return text[:begin] + word + behind
