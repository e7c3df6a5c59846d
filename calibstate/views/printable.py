"""Words as they can be shown: with nothing that a screen hides or obeys."""

from __future__ import annotations

__all__ = ["is_hidden", "printable"]


def is_hidden(character: str) -> bool:
    """Say whether a screen hides or obeys a character."""
    return not character.isprintable() and character not in "\n\t"


def printable(words: str) -> str:
    """Return words with code points for all that cannot be seen.

    So two words that differ in it are not shown alike: ``DM<U+200B>-1``.
    """
    # Nearly all words are, and pages have a million.
    if words.isprintable():
        return words
    shown = []
    for character in words:
        if is_hidden(character):
            shown.append(f"<U+{ord(character):04X}>")
        else:
            shown.append(character)
    return "".join(shown)
