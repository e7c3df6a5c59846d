"""Why a lookup gets what it gets, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from ..model.explanations import Explained, Explanation, Outcome, Told, Weighed, Why
from ..model.results.lookups import ExplanationsFound
from ..model.timespans import format_bound, format_range
from .data_ids import folded
from .markdown import row, safe
from .messages import count

__all__ = ["as_markdown", "as_text"]

_STYLES = {Why.WINS: "bold green", Why.AMBIGUOUS: "bold red"}


def as_text(result: ExplanationsFound) -> Iterator[Text]:
    """Yield each chain as it is searched; repositories that are alike once."""
    explained, everything = result.explained, result.everything
    yield from (Text(line, "bold yellow") for line in _differences(explained))
    asked = ""
    for alike in _alike(explained):
        if asked != (asked := _asked(explained, alike[0].explanation)):
            yield Text(asked, "bold")
        yield Text(_heading(alike), "bold")
        yield from _candidate_lines(explained.tickets, alike[0])
        yield from (Text(f"  {line}", "yellow") for line in _nothing(alike[0].explanation))
        yield from (
            Text(f"  {line}", "dim") for line in _without(alike[0].explanation, everything=everything)
        )


def as_markdown(result: ExplanationsFound) -> Iterator[str]:
    """Yield the same as tables."""
    explained, everything = result.explained, result.everything
    for line in _differences(explained):
        yield f"**{safe(line)}**\n"
    asked = ""
    for alike in _alike(explained):
        told, explanation = alike[0], alike[0].explanation
        if asked != (asked := _asked(explained, explanation)):
            yield f"{safe(asked)}\n"
        yield f"### {safe(_heading(alike))}\n"
        if explanation.candidates:
            yield row("order", "ticket", "collection", "range", "why")
            yield "|---:|---|---|---|---|"
        for one in explanation.candidates:
            ticket = explained.tickets.get(one.collection, "")
            yield row(str(one.rank + 1), ticket, one.collection, format_range(one.span), one.detail)
        rest = [*_dataset(told), *_nothing(explanation), *_without(explanation, everything=everything)]
        yield from (f"\n{safe(line)}" for line in rest)
        yield ""


def _alike(explained: Explained) -> list[list[Told]]:
    """Return what is told, that of repositories that are alike together."""
    groups: dict[tuple[object, ...], list[Told]] = {}
    for told in explained.answers:
        made = told.explanation
        content = (made.chain, made.data_id, made.span, made.searched, made.candidates, told.run)
        groups.setdefault(content, []).append(told)
    return list(groups.values())


def _heading(alike: Sequence[Told]) -> str:
    return f"{alike[0].explanation.chain} at {', '.join(told.repository for told in alike)}"


def _asked(explained: Explained, made: Explanation) -> str:
    exposure = explained.question.exposure
    moment = format_bound(made.span[0]) or "1970-01-01T00:00:00"
    then = f"at {moment}" if exposure is None else f"for exposure {exposure} {format_range(made.span)}"
    return f"{made.dataset_type} {made.data_id} {then} TAI"


def _differences(explained: Explained) -> Iterator[str]:
    """Yield which repositories get another dataset than the others."""
    chains = list(dict.fromkeys(told.explanation.chain for told in explained.answers))
    for chain in chains:
        most, others = explained.differing(chain)
        start = f"{chain}: " if len(chains) > 1 else ""
        rest = ", ".join(told.repository for told in most) if len(most) <= 2 else "the others"
        for told in others:
            yield f"{start}{told.repository} {_gets(told.explanation, most[0].explanation)} {rest}"


def _gets(made: Explanation, most: Explanation) -> str:
    match made.outcome:
        case Outcome.FOUND if most.outcome is Outcome.FOUND:
            return "selects another dataset than"
        case Outcome.FOUND:
            return "selects a dataset, unlike"
        case Outcome.NOTHING | Outcome.NO_CHAIN:
            return "finds nothing, unlike"
        case Outcome.AMBIGUOUS:
            return "refuses to choose, unlike"


def _candidate_lines(tickets: Mapping[str, str], told: Told) -> Iterator[Text]:
    candidates = told.explanation.candidates
    shown = [(tickets.get(one.collection, ""), format_range(one.span)) for one in candidates]
    wide = [max((len(column) for column in columns), default=0) for columns in zip(*shown, strict=True)]
    longest = max((len(one.collection) for one in candidates), default=0)
    for one, (ticket, span) in zip(candidates, shown, strict=True):
        start = f"{ticket:{wide[0]}}  " if wide[0] else ""
        text = Text(f"  {one.rank + 1:>3}  {start}{one.collection:{longest}}  {span:{wide[1]}}  ")
        yield text.append(one.detail, _STYLES.get(one.why, "dim"))
        if one.why is Why.WINS:
            yield from (Text(f"       {line}", "green") for line in _dataset(told))


def _dataset(told: Told) -> Iterator[str]:
    if winner := told.explanation.winner:
        yield f"dataset {winner.row.uuid}" + (f" of RUN {told.run}" if told.run else "")


def _nothing(made: Explanation) -> Iterator[str]:
    """Yield why nothing is found, and what would be nearest."""
    match made.outcome:
        case Outcome.FOUND:
            return
        case Outcome.NO_CHAIN:
            yield f"nothing is found: {made.chain} does not exist here"
        case Outcome.AMBIGUOUS:
            number = sum(one.why is Why.AMBIGUOUS for one in made.candidates)
            yield f"nothing is found: the butler refuses to choose one of {number} in one collection"
        case Outcome.NOTHING if made.nearest:
            yield f"nothing is found: nothing is valid then; nearest is {_near(made.nearest)}"
        case Outcome.NOTHING:
            yield f"nothing is found: {_unknown(made)}"


def _near(one: Weighed) -> str:
    return f"{one.collection}, {one.detail.replace('ended', 'which ended')}"


def _unknown(made: Explanation) -> str:
    if made.candidates:
        return "every range is empty"
    if not made.alternatives:
        return "no collection of it holds any calibration"
    if types := made.alternatives.get("dataset_type"):
        return f"it holds no {made.dataset_type}; there are {', '.join(types)}"
    return f"no {made.dataset_type} for this data ID; known are {'; '.join(_folded(made.alternatives))}"


def _folded(known: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for key, values in known.items():
        # Keys of a data ID are in order.
        yield folded([",".join(sorted((f"{key}={value}", "instrument=any"))) for value in values], "any")


def _without(made: Explanation, *, everything: bool) -> Iterator[str]:
    """Yield how many collections hold nothing for the data ID, or which."""
    if not made.without:
        return
    other = "other " if made.candidates else ""
    yield f"nothing in {count(len(made.without), f'{other}collection')}" + (":" if everything else "")
    for rank, name in made.without if everything else ():
        yield f"{rank + 1:>3}  {name}"
