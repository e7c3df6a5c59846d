"""Why a lookup gets what it gets, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from rich.text import Text

from ..model.explanations import Answer, Explained, Explanation, Outcome, Why
from ..model.names import ANY
from ..model.results.lookups import ExplanationsFound
from ..model.timespans import format_bound, format_range
from .data_ids import folded
from .markdown import row, safe
from .messages import below, count, grouped

__all__ = ["as_markdown", "as_text"]

_STYLES = {
    Why.WINS: "bold green",
    Why.AMBIGUOUS: "bold red",
}

_CONTENT = attrgetter(
    "explanation.chain",
    "explanation.data_id",
    "explanation.span",
    "explanation.searched",
    "explanation.candidates",
    "run",
)
"""What answers have in common that stand together: all but the repository."""

_EPOCH = "1970-01-01T00:00:00"
"""The earliest moment that a lookup can have."""


def as_text(result: ExplanationsFound) -> Iterator[Text]:
    """Yield each chain as it is searched; repositories that are alike once."""
    explained = result.explained
    for difference in _differences(explained):
        yield Text(difference, "bold yellow")
    question = ""
    for alike in _alike(explained):
        # Of answers that are alike, the first stands for all of them.
        answer = alike[0]
        explanation = answer.explanation
        previous = question
        question = _question(explained, explanation)
        # A question that several chains answer stands above the first.
        if question != previous:
            yield Text(question, "bold")
        heading = _heading(alike)
        yield Text(heading, "bold")
        yield from _candidate_lines(explained.tickets, answer)
        for line in _why_nothing(explanation):
            yield below(line, "yellow")
        for line in _without(explanation, everything=result.everything):
            yield below(line, "dim")


def as_markdown(result: ExplanationsFound) -> Iterator[str]:
    """Yield the same as tables."""
    explained = result.explained
    for difference in _differences(explained):
        words = safe(difference)
        yield f"**{words}**\n"
    question = ""
    for alike in _alike(explained):
        answer = alike[0]
        explanation = answer.explanation
        previous = question
        question = _question(explained, explanation)
        if question != previous:
            asked_for = safe(question)
            yield f"{asked_for}\n"
        heading = safe(_heading(alike))
        yield f"### {heading}\n"
        candidates = explanation.candidates
        if candidates:
            yield row(
                "order",
                "ticket",
                "collection",
                "range",
                "why",
            )
            yield "|---:|---|---|---|---|"
        for candidate in candidates:
            # People count from 1 what is searched first.
            order = candidate.rank + 1
            collection = candidate.collection
            ticket = explained.tickets.get(collection, "")
            yield row(
                str(order),
                ticket,
                collection,
                format_range(candidate.span),
                candidate.detail,
            )
        rest = [
            *_dataset(answer),
            *_why_nothing(explanation),
            *_without(explanation, everything=result.everything),
        ]
        for line in rest:
            words = safe(line)
            yield f"\n{words}"
        yield ""


def _alike(explained: Explained) -> list[list[Answer]]:
    """Return the answers, those of repositories that are alike together."""
    groups = grouped(explained.answers, _CONTENT)
    return list(groups.values())


def _heading(alike: Sequence[Answer]) -> str:
    """Return a chain, and the repositories that answer alike through it."""
    chain = alike[0].explanation.chain
    repositories = _repositories(alike)
    return f"{chain} at {repositories}"


def _repositories(answers: Sequence[Answer]) -> str:
    names = [answer.repository for answer in answers]
    return ", ".join(names)


def _question(explained: Explained, explanation: Explanation) -> str:
    """Return what was looked up, and for when."""
    exposure = explained.question.exposure
    span = explanation.span
    # Of a moment only that is shown: it is a range with nothing else in it.
    if exposure is None:
        begin, _ = span
        moment = format_bound(begin) or _EPOCH
        then = f"at {moment}"
    else:
        range_of_exposure = format_range(span)
        then = f"for exposure {exposure} {range_of_exposure}"
    dataset_type = explanation.dataset_type
    data_id = explanation.data_id
    return f"{dataset_type} {data_id} {then} TAI"


# --- repositories beside each other ---


def _differences(explained: Explained) -> Iterator[str]:
    """Yield which repositories get another dataset than the others."""
    chains: dict[str, None] = {}
    for answer in explained.answers:
        chains.setdefault(answer.explanation.chain)
    for chain in chains:
        most, others = explained.differing(chain)
        reference = most[0].explanation
        # One or two are named; of more nobody reads the names.
        rest = "the others"
        if len(most) <= 2:
            rest = _repositories(most)
        for answer in others:
            repository = answer.repository
            gets = _gets(answer.explanation, reference)
            difference = f"{repository} {gets} {rest}"
            # Of a single chain everybody knows which is meant.
            if len(chains) > 1:
                difference = f"{chain}: {difference}"
            yield difference


def _gets(explanation: Explanation, most: Explanation) -> str:
    """Say how a repository's answer differs from that of most others."""
    usual = most.outcome
    match explanation.outcome:
        case Outcome.FOUND if usual is Outcome.FOUND:
            return "selects another dataset than"
        case Outcome.FOUND:
            return "selects a dataset, unlike"
        case Outcome.NOTHING | Outcome.NO_CHAIN:
            return "finds nothing, unlike"
        case Outcome.AMBIGUOUS:
            return "refuses to choose, unlike"


# --- one answer ---


def _candidate_lines(
    tickets: Mapping[str, str],
    answer: Answer,
) -> Iterator[Text]:
    """Yield the candidates as a table, with the dataset of the winner."""
    # All cells are known before the first line: columns are as wide as the
    # widest of them.
    candidates = answer.explanation.candidates
    names = []
    spans = []
    collections = []
    for candidate in candidates:
        collection = candidate.collection
        name = tickets.get(collection, "")
        span = format_range(candidate.span)
        names.append(name)
        spans.append(span)
        collections.append(collection)
    name_width = _width(names)
    span_width = _width(spans)
    collection_width = _width(collections)
    for candidate, name, span in zip(candidates, names, spans, strict=True):
        rank = candidate.rank + 1
        # Where no candidate is of a ticket there is no column of tickets.
        ticket = ""
        if name_width:
            ticket = name.ljust(name_width + 2)
        collection = candidate.collection.ljust(collection_width)
        span = span.ljust(span_width)
        style = _STYLES.get(candidate.why, "dim")
        yield Text.assemble(
            f"  {rank:>3}  ",
            ticket,
            f"{collection}  {span}  ",
            (candidate.detail, style),
        )
        if candidate.why is Why.WINS:
            for words in _dataset(answer):
                yield below(words, "green", by=7)


def _width(column: Sequence[str]) -> int:
    widest = max(column, key=len, default="")
    return len(widest)


def _dataset(answer: Answer) -> Iterator[str]:
    """Yield which dataset the winner is, by what the butler calls it."""
    winner = answer.explanation.winner
    if winner is None:
        return
    uuid = winner.row.uuid
    dataset = f"dataset {uuid}"
    run = answer.run
    if run:
        dataset += f" of RUN {run}"
    yield dataset


def _why_nothing(explanation: Explanation) -> Iterator[str]:
    """Yield why nothing is found, and what would be nearest."""
    nearest = explanation.nearest
    match explanation.outcome:
        case Outcome.FOUND:
            return
        case Outcome.NO_CHAIN:
            why = f"{explanation.chain} does not exist here"
        case Outcome.AMBIGUOUS:
            reasons = [candidate.why for candidate in explanation.candidates]
            number = reasons.count(Why.AMBIGUOUS)
            why = f"the butler refuses to choose one of {number} in one collection"
        case Outcome.NOTHING if nearest:
            collection = nearest.collection
            detail = nearest.detail.replace("ended", "which ended")
            why = f"nothing is valid then; nearest is {collection}, {detail}"
        case Outcome.NOTHING:
            why = _what_there_is(explanation)
    yield f"nothing is found: {why}"


def _what_there_is(explanation: Explanation) -> str:
    """Say what is held in place of what was looked up."""
    if explanation.candidates:
        return "every range is empty"
    if not explanation.alternatives:
        return "no collection of it holds any calibration"
    dataset_type = explanation.dataset_type
    there_are = explanation.alternatives
    # Another dataset type is a word that was mistyped; only where it is there
    # can the data ID be what is missing.
    types = there_are.get("dataset_type")
    if types:
        names = ", ".join(types)
        return f"it holds no {dataset_type}; there are {names}"
    parts = []
    for key, values in there_are.items():
        # Without the instrument, which is not shown.
        data_ids = [f"{key}={value}" for value in values]
        values_of_key = folded(data_ids, ANY)
        parts.append(values_of_key)
    values_of_all = "; ".join(parts)
    return f"no {dataset_type} for this data ID; known are {values_of_all}"


def _without(explanation: Explanation, *, everything: bool) -> Iterator[str]:
    """Yield how many collections hold nothing for the data ID, or which."""
    without = explanation.without
    if not without:
        return
    noun = "collection"
    if explanation.candidates:
        noun = "other collection"
    collections = len(without)
    number = count(collections, noun)
    if not everything:
        yield f"nothing in {number}"
        return
    yield f"nothing in {number}:"
    for rank, name in without:
        order = rank + 1
        yield f"{order:>3}  {name}"
