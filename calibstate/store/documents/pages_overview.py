"""How it stands with all repositories of an instrument, as a page has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ...model.names import InstrumentName, Noun, RepositoryAddress, TicketKey
from ...model.outcomes import Outcome, Result
from ...model.pages import IN_SYNC, PageContent, Standing
from ...model.status import State
from ...model.watching import WatchState
from .pages import PageDocument, SeenPart, head, main_chain, public, seen_part

__all__ = [
    "LastChange",
    "LastReview",
    "LoopPart",
    "OverviewDocument",
    "OverviewInstrument",
    "OverviewRepository",
    "TaskPart",
    "letters",
    "overview_document",
]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class LastChange(Noun):
    """The last run that did something at a repository."""

    at: str
    """UTC, with ``Z``."""

    run: str

    tickets: tuple[str, ...]
    """That it was about, as far as steps tell."""


class LastReview(Noun):
    """What the newest reviews of a repository's tickets came to."""

    at: str
    """Of the newest; UTC, with ``Z``."""

    passed: int
    of: int


class OverviewRepository(Noun):
    """How one repository stands."""

    repository: RepositoryAddress

    wave: int
    """From 1; 0: it waits for nobody."""

    is_origin: bool
    """Whether the instrument's calibrations are made there."""

    state: str
    """``in sync``, or the gravest state there; ``unreachable`` also where the
    sight is too old."""

    why: tuple[str, ...]
    """What departs from what is declared; where it is unreachable, as it was
    seen last."""

    seen: SeenPart | None
    """Null: nobody saw it."""

    letter: str
    """What it selects: the same letter is the same everywhere and always;
    empty: not known."""

    fingerprint: str
    """The effective fingerprint behind it."""

    last_change: LastChange | None
    """Null: none is on record."""

    last_review: LastReview | None
    """Null: none was published."""


class TaskPart(Noun):
    """Something that a person must do."""

    sort: Literal["tree", "seal", "look", "deploy", "extra", "review", "archive"]
    about: str
    words: str
    command: str


class OverviewInstrument(Noun):
    """How it stands with one instrument."""

    instrument: InstrumentName

    chain: str | None
    """Whose selection is compared; null: none is declared."""

    repositories: tuple[OverviewRepository, ...]
    """In the order in which a change comes to them."""

    tasks: tuple[TaskPart, ...]
    """What a person must do, the most urgent first."""

    summary: Mapping[str, int]
    """Repositories by their state."""


class LoopPart(Noun):
    """How the loop of a site goes on."""

    site: str

    state: Literal["ready", "reconciling", "stalled"]

    reason: str
    """In a word."""

    why: str
    """In a sentence."""

    since: str
    """When it became so; UTC, with ``Z``."""

    at: str
    """When its last turn ended; UTC, with ``Z``."""

    commands: tuple[str, ...]
    """What a person types next."""


class OverviewDocument(PageDocument):
    """How it stands: repositories, and what a person must do."""

    kind: Literal["page-overview"] = "page-overview"

    instruments: tuple[OverviewInstrument, ...]

    loops: tuple[LoopPart, ...] = ()
    """How sites keep themselves, by site; of those that do."""


def overview_document(
    content: PageContent,
    instruments: Sequence[InstrumentName],
) -> OverviewDocument:
    """Return how it stands with some instruments.

    Parameters
    ----------
    content
        All that is known.
    instruments
        Those that are shown.
    """
    parts = [_instrument(content, instrument) for instrument in instruments]
    loops = [_loop(state) for state in content.watches]
    return OverviewDocument.model_validate(
        {
            **head(content),
            "instruments": tuple(parts),
            "loops": tuple(loops),
        }
    )


def letters(content: PageContent, instrument: InstrumentName) -> Mapping[RepositoryAddress, str]:
    """Return a letter for what each repository selects, the same for equals.

    The origin's is A; a repository that nobody saw has none.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Which.
    """
    chain = main_chain(content, instrument)
    standings = [each for each in content.standings if each.instrument == instrument]
    # Letters are given from the origin on, then in the order of the waves.
    standings.sort(key=lambda standing: not standing.is_origin)
    letter_of: dict[str, str] = {}
    letters_there: dict[RepositoryAddress, str] = {}
    for standing in standings:
        # A repository that nobody saw, or that lacks the chain, has no letter.
        live = content.live.get(standing.repository, {}).get(chain or "")
        if live is None:
            continue
        number = len(letter_of)
        letter_of.setdefault(live.fingerprint, _letter(number))
        letters_there[standing.repository] = letter_of[live.fingerprint]
    return letters_there


def _loop(state: WatchState) -> LoopPart:
    because = state.because
    return LoopPart(
        site=state.site,
        state=state.word.value,
        reason=because.reason.value,
        why=public(because.message),
        since=because.since,
        at=state.at,
        commands=tuple(map(public, state.commands)),
    )


def _letter(number: int) -> str:
    more, last = divmod(number, len(_LETTERS))
    if more == 0:
        return _LETTERS[last]
    return _letter(more - 1) + _LETTERS[last]


def _instrument(content: PageContent, instrument: InstrumentName) -> OverviewInstrument:
    # The gravest first, after what is as it should be.
    in_order = [IN_SYNC, *(state.value for state in State)]
    chain = main_chain(content, instrument)
    letter_of = letters(content, instrument)
    repositories: list[OverviewRepository] = []
    summary: dict[str, int] = {}
    for standing in content.standings:
        if standing.instrument != instrument:
            continue
        address = standing.repository
        fingerprint = ""
        live = content.live.get(address, {}).get(chain or "")
        if live:
            fingerprint = live.fingerprint
        repository = OverviewRepository(
            repository=address,
            wave=standing.wave,
            is_origin=standing.is_origin,
            state=standing.word,
            why=tuple(map(public, standing.why)),
            seen=seen_part(standing.age),
            letter=letter_of.get(address, ""),
            fingerprint=fingerprint,
            last_change=_last_change(content, standing),
            last_review=_last_review(content, standing),
        )
        repositories.append(repository)
        summary[standing.word] = summary.get(standing.word, 0) + 1
    tasks: list[TaskPart] = []
    for task in content.tasks:
        if task.instrument == instrument:
            part = TaskPart(
                sort=task.sort.value,
                about=task.about,
                words=public(task.words),
                command=task.command,
            )
            tasks.append(part)
    return OverviewInstrument(
        instrument=instrument,
        chain=chain,
        repositories=tuple(repositories),
        tasks=tuple(tasks),
        summary={word: summary[word] for word in in_order if word in summary},
    )


def _last_change(content: PageContent, standing: Standing) -> LastChange | None:
    # A run that was refused, or waits, has changed nothing yet.
    for run in content.runs:
        done: list[Outcome] = []
        for outcome in run.outcomes:
            is_here = outcome.address.place == standing.repository
            if not is_here or outcome.result is not Result.DONE:
                continue
            # Another instrument's steps changed nothing of this one.
            if _instrument_of(content, outcome.address.name) == standing.instrument:
                done.append(outcome)
        if done:
            tickets = tuple(
                dict.fromkeys(
                    _tickets_in(
                        content,
                        done,
                        standing.instrument,
                    )
                )
            )
            return LastChange(
                at=run.at,
                run=run.id,
                tickets=tickets,
            )
    return None


def _instrument_of(content: PageContent, name: str) -> str:
    """Return which instrument a chain, a ticket or a collection is of."""
    if content.desired and name in content.desired.chains:
        return content.desired.chains[name].noun.instrument
    return name.partition("/")[0]


def _tickets_in(
    content: PageContent,
    outcomes: Sequence[Outcome],
    instrument: InstrumentName,
) -> Iterator[str]:
    """Yield the tickets that steps were about, by what they changed."""
    for outcome in outcomes:
        names = [*(outcome.entrants or ()), *(outcome.leavers or ())]
        for name in names:
            ticket = content.tickets.get(name)
            if ticket and name.startswith(f"{instrument}/"):
                yield ticket
        # What is no chain is told by its name to be of a ticket.
        first, _, rest = outcome.address.name.partition("/")
        key = TicketKey(first, rest.partition("/")[0])
        if first == instrument and content.desired and key in content.desired.tickets:
            yield key.ticket


def _last_review(content: PageContent, standing: Standing) -> LastReview | None:
    review = content.reviews.get(standing.repository)
    if review is None:
        return None
    of_instrument = []
    for name, reviewed in review.tickets.items():
        if name.startswith(f"{standing.instrument}/"):
            of_instrument.append(reviewed)
    if not of_instrument:
        return None
    return LastReview(
        at=max(reviewed.at for reviewed in of_instrument),
        passed=sum(reviewed.passed for reviewed in of_instrument),
        of=len(of_instrument),
    )
