"""What repositories keep, by class, and what a person could clean up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.text import Text

from ..model.results.retention import RetentionTold
from ..model.retention import Keeper, LineState, RetentionClass, RetentionLine
from .markdown import fenced, row, safe
from .messages import below, count, grouped, left_out
from .printable import printable
from .shell_words import quoted

__all__ = ["as_markdown", "as_text"]

_ORDER = (LineState.OFFERED, LineState.LATER, LineState.KEPT, LineState.NOT_KNOWN)
"""What is shown line by line; what is in use is only counted."""

_TITLES: Mapping[LineState, str] = {
    LineState.OFFERED: "Nothing that was looked at needs these",
    LineState.LATER: "Nor these, but the state tree keeps them for a while",
    LineState.KEPT: "Kept, since something names them",
    LineState.NOT_KNOWN: "Not known, since a place could not be seen",
}

_MOST = 10
"""Collections of one state and class that are shown before they are folded."""

_MOST_KEEPERS = 3
"""Reasons of one line that are shown before they are folded."""

_UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))

_Lines = Iterable[RetentionLine]


def as_text(result: RetentionTold) -> Iterator[Text | str]:
    """Yield what each repository keeps: the classes, then line by line."""
    for address, lines in result.lines.items():
        heading = Text(address, "bold")
        heading.append(f"  butler {printable(result.butlers[address])}", "not bold dim")
        yield heading
        # First how much of each class there is, which is what most ask for.
        for retention, of_class in _by_class(lines).items():
            yield below(f"{retention.value}  {_amount(of_class)}")
            yield below(retention.means, "dim", by=5)
        if not lines:
            yield below("no RUNs of calibrations")
        # Then what could go, and last what something keeps.
        by_state = grouped(lines, lambda line: line.state)
        for state in _ORDER:
            if state in by_state:
                yield ""
                yield below(f"{_TITLES[state]}:")
                yield from _state_lines(by_state[state])
        yield ""
    if any(line.command for lines in result.lines.values() for line in lines):
        yield "REPO in the commands is the butler of the repository."
    yield "Nothing was deleted."


def as_markdown(result: RetentionTold) -> Iterator[str]:
    """Yield a table of what each repository keeps, with the commands."""
    for address, lines in result.lines.items():
        yield f"**{safe(address)}**\n"
        yield row("class", "state", "collection", "type", "datasets", "files", "size", "kept by")
        yield "|---|---|---|---|---:|---:|---:|---|"
        for line in lines:
            # What is not told stays empty, as a 0 would say something else.
            files = ""
            if line.files is not None:
                files = str(line.files)
            yield row(
                line.retention.value,
                line.state.value,
                printable(line.collection),
                line.dataset_type or "",
                str(line.datasets),
                files,
                _bytes(line.bytes),
                "; ".join(map(_reason, line.kept)),
            )
        yield ""
        commands: list[str] = []
        doable = [line for line in lines if line.command]
        for block in grouped(doable, lambda line: (line.retention, line.collection)).values():
            commands.append(_command(block))
        if commands:
            yield fenced([f"# REPO is {printable(result.butlers[address])}", *commands], "sh")
            yield ""
    for retention in RetentionClass:
        yield f"- {retention.value}: {retention.means}. Lost with it: {retention.loses}."
    yield "\nNothing was deleted."


def _by_class(lines: _Lines) -> Mapping[RetentionClass, list[RetentionLine]]:
    return grouped(lines, lambda line: line.retention)


def _state_lines(lines: _Lines) -> Iterator[Text | str]:
    """Yield the lines of one state, by class and collection."""
    for retention, of_class in _by_class(lines).items():
        yield below(f"{retention.value}  lost with it: {retention.loses}", "dim", by=4)
        # Types of one RUN that the same keeps are told together.
        blocks = grouped(of_class, lambda line: (line.collection, line.kept))
        shown = list(blocks.values())
        for block in shown[:_MOST]:
            yield from _block(block)
        rest: list[RetentionLine] = []
        for block in shown[_MOST:]:
            rest += block
        if rest:
            yield below(f"… and {count(rest, 'line')} more: {_amount(rest)}; --format json has all", by=7)


def _block(lines: list[RetentionLine]) -> Iterator[Text | str]:
    """Yield what one command would remove, and what keeps it."""
    first = lines[0]
    yield below(printable(first.collection), by=7)
    words = _amount(lines)
    certifications = sum(line.certifications for line in lines)
    if certifications:
        words += f", {count(certifications, 'certification')}"
    if first.not_before:
        words += f"; not before {first.not_before}"
    yield below(words, "dim", by=9)
    # Where nothing can go, nobody asks for the types.
    if first.dataset_type and first.command:
        width = max(len(line.dataset_type or "") for line in lines)
        for line in lines:
            dataset_type = printable(line.dataset_type or "")
            yield below(f"{dataset_type:{width}}  {_amount([line])}", "dim", by=11)
    # One is enough to keep it; a RUN may be in dozens of chains.
    for keeper in first.kept[:_MOST_KEEPERS]:
        yield below(_reason(keeper), by=9)
    for more in left_out(first.kept, _MOST_KEEPERS):
        yield below(more, by=9)
    if first.command:
        # To be copied as it is.
        command = below(_command(lines), "green", by=9)
        command.no_wrap = True
        yield command
    elif first.state is LineState.OFFERED and first.retention is RetentionClass.LITTER:
        # Files that no dataset has are unknown to every command of the butler.
        yield below("remove the files by hand; --format json has their paths", by=9)
    elif first.state is LineState.OFFERED:
        # A chain that is declared to search it would be in drift without it.
        yield below("retire its ticket in the state tree first; then it is of class C", by=9)


def _reason(keeper: Keeper) -> str:
    """Return why something is kept, with the name of what keeps it."""
    words = keeper.by.means
    if keeper.name:
        words += f": {printable(keeper.name)}"
    if keeper.repository:
        words += f" ({keeper.repository})"
    return words


def _command(lines: list[RetentionLine]) -> str:
    """Return one command for the lines of one collection."""
    types = [line.dataset_type for line in lines if line.dataset_type]
    words: list[str] = []
    for word in lines[0].command_for(types):
        # The shell puts the repository there.
        words.append(word if word == "$REPO" else quoted(word))
    return " ".join(words)


def _amount(lines: _Lines) -> str:
    """Return how much some lines are together."""
    datasets = 0
    # A repository that tells of no files spoils the sum.
    files: int | None = 0
    size: int | None = 0
    for line in lines:
        datasets += line.datasets
        if line.files is None or line.bytes is None or files is None or size is None:
            files, size = None, None
            continue
        files += line.files
        size += line.bytes
    words = count(datasets, "dataset")
    if files is None:
        return f"{words}, files not told"
    return f"{words}, {count(files, 'file')}, {_bytes(size)}"


def _bytes(number: int | None) -> str:
    """Return a size to read; empty where it is not told."""
    if number is None:
        return ""
    for name, unit in _UNITS:
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number} B"
