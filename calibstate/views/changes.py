"""What is declared otherwise, for a terminal, a page or a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from ..model.changes import Sentence
from ..model.results.trees_compared import TreesCompared
from .links import Links
from .markdown import safe

__all__ = ["as_markdown", "as_text", "compared_as_markdown", "compared_as_text"]

_STYLES = {
    "+": "green",
    "-": "red",
    "~": "yellow",
}
_NOTHING = "  nothing is declared otherwise"


def as_text(sentences: Iterable[Sentence]) -> Iterator[Text]:
    """Yield a line for each, with its place in the files."""
    for sentence in sentences:
        mark = sentence.mark
        what = sentence.what
        where = sentence.where.in_line
        yield Text.assemble(
            "  ",
            (f"{mark} {what} ", _STYLES[mark]),
            sentence.rest,
            (f"  {where}", "dim"),
        )


def as_markdown(sentences: Iterable[Sentence], links: Links | None = None) -> Iterator[str]:
    """Yield an item of a list for each.

    Parameters
    ----------
    sentences
        What is declared otherwise.
    links
        Where Jira and the lines of the files are; `None`: neither is linked.
    """
    for sentence in sentences:
        mark = sentence.mark
        what = safe(sentence.what)
        rest = safe(sentence.rest)
        if links:
            rest = links.sentence(sentence.rest)
        item = f"- `{mark}` **{what}** {rest}"
        # Only a link tells more than the sentence.
        if links and links.files:
            item += f" ({links.line(sentence.where)})"
        yield item


def compared_as_text(result: TreesCompared) -> Iterator[Text | str]:
    """Yield what is declared otherwise in one tree than in another."""
    yield _title(result)
    yield from as_text(result.sentences)
    if not result.sentences:
        yield _NOTHING


def compared_as_markdown(result: TreesCompared) -> Iterator[str]:
    """Yield the same as a list."""
    title = _title(result)
    yield f"**{title}**\n"
    yield from as_markdown(result.sentences, Links.to_jira())
    if not result.sentences:
        yield _NOTHING


def _title(result: TreesCompared) -> str:
    after = result.after.words
    before = result.before.words
    words = f"{after}, compared with {before}"
    # The words of a tree begin in the middle of a sentence.
    first = words[0].upper()
    return first + words[1:]
