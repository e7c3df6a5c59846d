"""The first header of a FITS file, read block by block up to its end.

A header is cards of 80 characters in blocks of 2,880 bytes, the last of them
``END`` (FITS Standard 4.0, sections 3.1 and 4.1).  No more is read: the data
behind it may be gigabytes, and far away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["BLOCK", "HeaderError", "read_header"]

BLOCK = 2880
"""Bytes of a block."""

_CARD = 80
"""Bytes of a card."""

_MOST_BLOCKS = 100
"""Blocks of a header that somebody wrote on purpose."""


class HeaderError(Exception):
    """A file has no header that could be read; its text says why."""


def read_header(read: Callable[[int, int], bytes]) -> dict[str, str]:
    """Return the values of the first header, as text.

    Parameters
    ----------
    read
        Returns bytes of the file, given the first of them and their number.

    Raises
    ------
    HeaderError
        It is no FITS file, or its header does not end.
    """
    values: dict[str, str] = {}
    for number in range(_MOST_BLOCKS):
        block = read(number * BLOCK, BLOCK)
        if number == 0 and not block.startswith(b"SIMPLE  ="):
            raise HeaderError("it is no FITS file")
        if len(block) < BLOCK:
            raise HeaderError("it ends within its header")
        for card in _cards(block):
            if card.rstrip() == "END":
                return values
            # Comments and history have no value indicator in columns 9 and 10.
            keyword, has_value, rest = card.partition("= ")
            if has_value and len(keyword) == 8:
                values.setdefault(keyword.rstrip(), _value(rest))
    raise HeaderError(f"its header does not end within {_MOST_BLOCKS} blocks")


def _cards(block: bytes) -> Iterator[str]:
    for begin in range(0, BLOCK, _CARD):
        card = block[begin : begin + _CARD]
        yield card.decode("ascii", errors="replace")


def _value(rest: str) -> str:
    """Return what stands behind the `=` of a card, without its comment."""
    text = rest.strip()
    if not text.startswith("'"):
        before, _, _ = text.partition("/")
        return before.strip()
    # A quote within a text is written twice; blanks at its end say nothing.
    value = ""
    position = 1
    while position < len(text):
        if text[position] == "'":
            if text[position : position + 2] != "''":
                break
            position += 1
        value += text[position]
        position += 1
    return value.rstrip()
