"""Timelines in a pull request: a column for each change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...model.results.timelines import ChainTimeline, TimelinesDrawn
from ...model.timelines import Timeline
from ..markdown import row, safe
from .ordinal import Table, pairs, tables
from .text import legend
from .untold import heading, headings, same_tickets, told_once, untold

__all__ = ["as_markdown", "chain_as_markdown", "changes_as_markdown"]


def as_markdown(result: TimelinesDrawn) -> Iterator[str]:
    """Yield each chain, with a table for rows that change together."""
    for words, chain, same in told_once(headings(result)):
        yield f"### {safe(words)}\n"
        if same:
            yield f"{safe(same)}\n"
            continue
        lines = list(chain_as_markdown(chain, result.base))
        yield from lines
        if not lines and chain.before is not None and result.base is not None:
            yield f"{safe(same_tickets(result.base))}\n"
    if result.chains or result.last_seen:
        yield safe(legend(result))
    elif result.base is not None and not result.unreachable:
        yield f"Compared with {safe(result.base)}, every chain selects the same."


def changes_as_markdown(chains: Sequence[ChainTimeline], base: str) -> Iterator[str]:
    """Yield what changes through chains; nothing, where nothing does.

    Parameters
    ----------
    chains
        With what won before.
    base
        What is compared with, for people.
    """
    alike: dict[tuple[Timeline, Timeline | None], list[ChainTimeline]] = {}
    for chain in chains:
        # A chain within a chain often changes as that one does.
        alike.setdefault((chain.timeline, chain.before), []).append(chain)
    for together in alike.values():
        # What others make changes nothing, but an unsealed ticket may.
        of_others_untold = replace(together[0], external=())
        lines = list(chain_as_markdown(of_others_untold, base))
        if not lines:
            continue
        # One table says it of all of them.
        where = "; ".join(heading(chain) for chain in together)
        yield f"{safe(where)}\n"
        yield from lines


def chain_as_markdown(chain: ChainTimeline, base: str | None) -> Iterator[str]:
    """Yield the tables of one chain, without a heading.

    Parameters
    ----------
    chain
        The chain.
    base
        What is compared with, for people; `None`: nothing is.
    """
    shown = tables(chain.timeline)
    if chain.before is not None and base is not None:
        shown = pairs(chain.before, chain.timeline, (base, "now"))
    for table in shown:
        yield from _table(table)
    for sentence in untold(chain):
        yield f"{safe(sentence)}\n"


def _table(table: Table) -> Iterator[str]:
    yield f"**{safe(', '.join(table.labels))}**\n"
    moments = [column.begin for column in table.columns]
    yield row("from", *moments)
    yield "|---" * (len(moments) + 1) + "|"
    for number, name in enumerate(table.lines or ("",)):
        cells = [column.cells[number] for column in table.columns]
        yield row(name, *cells)
    for note in table.notes:
        yield f"\n{safe(note)}"
    yield ""
