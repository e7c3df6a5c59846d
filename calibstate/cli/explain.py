"""The command that tells why a lookup gets what it gets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from ..errors import Diagnostic, UsageError
from ..factory.places import Places
from ..model.desired import DesiredState
from ..model.explanations import Explained, Question, Since, Told, Weighed, Why
from ..model.names import Address, nearest, spelled
from ..model.timespans import UNBOUNDED, format_bound, parse_tai
from ..store.documents import explanations as documents
from ..store.documents.base import plain
from ..views import explain as views
from . import completing, screen
from .app import ExitCode, app
from .observe import places_to_look_at
from .options import (
    USUAL_TIMEOUT,
    ExcludeOption,
    Format,
    FormatOption,
    InstrumentOption,
    MaxAgeOption,
    ObservedOption,
    OnlyHereOption,
    RepositoryOption,
    SiteOption,
    TimeoutOption,
    scope,
)
from .tree import check_scope, load, own


@app.command()
def explain(
    context: typer.Context,
    dataset_type: Annotated[
        str, typer.Argument(metavar="DATASET_TYPE", help="What is looked up: bias, flat, defects, …")
    ],
    data_id: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]…", help="For what: detector=R22_S11 physical_filter=r_03."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", envvar="CALIBSTATE_AT", help="A moment, TAI: YYYY-MM-DD[THH:MM:SS]."
        ),
    ] = None,
    exposure: Annotated[
        int | None,
        typer.Option(
            "--exposure",
            metavar="NUMBER",
            min=0,
            max=2**63 - 1,
            envvar="CALIBSTATE_EXPOSURE",
            help="An exposure that the butler knows, in place of a moment; it tells the filter too.",
        ),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            "--chain",
            metavar="COLLECTION",
            envvar="CALIBSTATE_CHAIN",
            autocompletion=completing.chains,
            help="What is searched, declared or not; INSTRUMENT/calib unless told.",
        ),
    ] = None,
    everything: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--all", envvar="CALIBSTATE_ALL", help="Name the collections that hold nothing, too."),
    ] = False,
    format: FormatOption = Format.TEXT,
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    exclude: ExcludeOption = None,
    observed: ObservedOption = None,
    max_age: MaxAgeOption = None,
    only_here: OnlyHereOption = False,  # noqa: FBT002
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell which calibration a lookup gets, and why not another.

    At each repository: the chain as it is searched, all that it holds for
    the data ID, which of them wins, and what is the matter with the others.

    Ends with 0 when that is told, also where nothing is found; 1 where a
    repository could not be seen, 64 for a word that nobody knows.

    \b
    Examples:
      calibstate explain bias detector=R22_S11 --at 2024-11-07
      calibstate explain flat detector=4 band=r --at 2024-11-07T23:30:00
      calibstate explain flat detector=4 --exposure 2024110700042 --site summit
      calibstate explain bias detector=4 --at 2024-11-07 --chain u/me/try
    """
    # With this numpy is imported.
    from ..engine.explaining.explain import explain as explain_

    desired, narrowed = load(context), scope(site, repository, instrument, None, exclude)
    check_scope(desired, narrowed)
    narrowed, only = own(desired, narrowed, only_here=only_here)
    question = _question(desired, instrument, dataset_type, data_id or (), at, exposure, chain)
    places = places_to_look_at(desired, observed, max_age, timeout, only=only)
    with screen.progress("looking at") as watch:
        explained = explain_(
            desired, narrowed, places, question, lambda done, total: watch("repositories", done, total)
        )
    screen.told(places.relied_on())
    since = {id(told): _since(desired, explained, told, places) for told in explained.told}
    if format is Format.JSON:
        screen.print_json(plain(_document(explained, since)))
    elif format is Format.MARKDOWN:
        screen.print_lines(views.as_markdown(explained, everything=everything))
    else:
        screen.print_lines(views.as_text(explained, everything=everything))
    for told in explained.told:
        if found := since[id(told)]:
            screen.tell(f"{told.repository}: {_words(explained, told, found)}")
    for remark in explained.remarks:
        screen.tell(remark)
    for address, trouble in explained.unreachable.items():
        screen.tell(f"{address} could not be seen: {trouble.detail}")
    raise typer.Exit(ExitCode.ERROR if explained.unreachable else ExitCode.DONE)


def _question(
    desired: DesiredState,
    instruments: list[str] | None,
    dataset_type: str,
    words: Iterable[str],
    at: str | None,
    exposure: int | None,
    chain: str | None,
) -> Question:
    if (at is None) == (exposure is None):
        said = "Neither --at nor --exposure is given" if at is None else "Both --at and --exposure are given"
        raise UsageError(Diagnostic("When is not clear", f"{said}.", hint="Give one of them."))
    data_id = _data_id(words)
    instrument = _instrument(desired, instruments or [], data_id.get("instrument"))
    moment = None if at is None else _moment(at)
    return Question(instrument, dataset_type, data_id, moment, exposure, chain)


def _data_id(words: Iterable[str]) -> dict[str, str]:
    data_id: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals and value) or "," in word:
            hint = "Write KEY=VALUE, each in a word of its own: detector=4 physical_filter=r_03."
            raise UsageError(Diagnostic("Data ID is not understood", f"{word!r} is no KEY=VALUE.", hint=hint))
        if data_id.setdefault(key, value) != value:
            raise UsageError(Diagnostic("Data ID is not understood", f"{key} is given twice."))
    return data_id


def _instrument(desired: DesiredState, options: list[str], word: str | None) -> str:
    """Return the instrument that is meant: told, or the only one."""
    known = sorted({i for a in desired.repositories for i in desired.repository(a)[1].instruments})
    told = sorted({*options, *([word] if word else [])})
    (only,) = told if len(told) == 1 else known if not told and len(known) == 1 else (None,)
    if only is None:
        detail = f"{', '.join(told)} are given." if told else f"{', '.join(known)} are declared."
        raise UsageError(
            Diagnostic("Instrument is not clear", detail, hint="Give one of them: --instrument NAME.")
        )
    if only not in known:
        near = nearest(only, known)
        hint = f"Did you mean {near}?" if near else f"Known are: {', '.join(known)}."
        raise UsageError(
            Diagnostic("Not declared", f"{spelled(only)}: no repository has this instrument.", hint=hint)
        )
    return only


def _moment(text: str) -> int:
    try:
        moment = parse_tai(f"{text}T00:00:00" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text)
    except ValueError:
        hint = "Write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS in TAI, without a zone."
        raise UsageError(
            Diagnostic("Moment is not understood", f"{text!r} is no moment.", hint=hint)
        ) from None
    if not UNBOUNDED[0] <= moment < UNBOUNDED[1]:
        detail = f"{text} is not between 1970 and 2100, where the butler counts."
        raise UsageError(Diagnostic("Moment is not understood", detail))
    return moment


def _since(desired: DesiredState, explained: Explained, told: Told, places: Places) -> Since | None:
    """Return since when what wins is searched there.

    `None` where nothing wins, or where what was searched is no chain.
    """
    winner = told.explanation.winner
    if winner is None or winner.collection == told.explanation.chain:
        return None
    name = explained.tickets.get(winner.collection)
    ticket = desired.tickets.get((explained.question.instrument, name)) if name else None
    chain = Address(place=told.repository, kind="chain", name=told.explanation.chain)
    return places.entered(chain, {winner.collection, *(ticket.noun.children if ticket else ())})


def _words(explained: Explained, told: Told, since: Since) -> str:
    winner = told.explanation.winner
    collection = winner.collection if winner else ""
    what = explained.tickets.get(collection, collection)
    if since.unknown:
        return f"since when {what} is searched is not known; {since.unknown}"
    commit = f", from commit {since.commit[:10]}" if since.commit else ""
    return f"{what} is searched since {since.at}, by run {since.run}{commit}"


def _document(explained: Explained, since: Mapping[int, Since | None]) -> documents.ExplanationDocument:
    question = explained.question
    chains = dict.fromkeys(told.explanation.chain for told in explained.told)
    differing = {told.repository for chain in chains for told in explained.differing(chain)[1]}
    return documents.ExplanationDocument(
        instrument=question.instrument,
        dataset_type=question.dataset_type,
        at=None if question.moment is None else format_bound(question.moment) or "1970-01-01T00:00:00",
        exposure=question.exposure,
        explanations=tuple(_entry(explained, told, since[id(told)]) for told in explained.told),
        differing=tuple(sorted(differing)),
        remarks=explained.remarks,
        unreachable={address: trouble.detail for address, trouble in explained.unreachable.items()},
    )


def _entry(explained: Explained, told: Told, since: Since | None) -> documents.ExplanationEntry:
    made = told.explanation
    candidates = tuple(_candidate(explained, one) for one in made.candidates)
    winner = next((one for one in candidates if one.wins), None)
    more = {"run": told.run, "since": _since_entry(since)}
    return documents.ExplanationEntry(
        repository=told.repository,
        chain=made.chain,
        data_id=made.data_id,
        begin=format_bound(made.span[0]),
        end=format_bound(made.span[1]),
        outcome=made.outcome,
        winner=documents.WinnerEntry.model_validate({**dict(winner), **more}) if winner else None,
        candidates=candidates,
        searched=made.searched or (),
        nearest=_candidate(explained, made.nearest) if made.nearest else None,
        known=made.known,
    )


def _since_entry(since: Since | None) -> documents.SinceEntry | None:
    if since is None:
        return None
    return documents.SinceEntry(
        at=since.at or None, run=since.run or None, commit=since.commit, unknown=since.unknown or None
    )


def _candidate(explained: Explained, one: Weighed) -> documents.CandidateEntry:
    return documents.CandidateEntry(
        rank=one.rank + 1,
        collection=one.collection,
        ticket=explained.tickets.get(one.collection),
        begin=format_bound(one.row.begin),
        end=format_bound(one.row.end),
        uuid=one.row.uuid,
        wins=one.why is Why.WINS,
        why=one.why,
        detail=one.detail,
    )
