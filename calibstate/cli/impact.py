"""The command that tells which lookups a change of the declaration changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Diagnostic, UsageError
from ..factory.past import declared_before
from ..factory.places import Places
from ..model.desired import DesiredState
from ..model.impacts import ChainImpact, Change, Impact, Via
from ..model.scope import Scope
from ..model.timespans import format_bound, parse_tai
from ..store import statefile
from ..store.documents import impacts as documents
from ..store.documents.base import plain, spot
from ..views import impact as views
from . import completing, screen
from .app import ExitCode, app
from .options import (
    USUAL_TIMEOUT,
    ExcludeOption,
    Format,
    FormatOption,
    InstrumentOption,
    ObservedUntilOption,
    RepositoryOption,
    SiteOption,
    TimeoutOption,
    scope,
)
from .tree import check_scope, load

if TYPE_CHECKING:
    from ..ports.butler import ButlerReader

_DAY = 86_400_000_000_000
_NOON = _DAY // 2


@app.command()
def impact(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Argument(
            metavar="[BASE]", help="A commit, branch or tag; else the commit where the main branch was left."
        ),
    ] = None,
    live: Annotated[
        str | None,
        typer.Option(
            "--live",
            metavar="SITE/REPOSITORY",
            envvar="CALIBSTATE_LIVE",
            autocompletion=completing.repositories,
            help="Look at what this repository really holds, instead of at the seals.",
        ),
    ] = None,
    exposures: Annotated[
        str | None,
        typer.Option(
            "--exposures",
            metavar="WHERE",
            envvar="CALIBSTATE_EXPOSURES",
            help="With --live: which of these exposures are affected (the butler's query language).",
        ),
    ] = None,
    observed_until: ObservedUntilOption = None,
    format: FormatOption = Format.TEXT,
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    exclude: ExcludeOption = None,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell which lookups get another calibration by a change of the tree.

    The working tree is compared with a commit.  The seals tell what the
    tickets hold, so that no butler is needed; --live asks a repository.

    lost: found one, and finds none any more.  reverted: finds one that was
    there already behind it.  replaced: finds a new one.  newly covered: found
    none.  shadowed: can never win any more.

    Ends with 0 when told, whatever it is; 1 where the tree did not validate
    or the repository could not be seen.

    \b
    Examples:
      calibstate impact
      calibstate impact HEAD --repository summit/LSSTComCam
      calibstate impact v1.2 --observed-until 2025-02-11 --format markdown
      calibstate impact --live usdf/main --exposures "day_obs >= 20241107"
    """
    if exposures is not None and live is None:
        raise UsageError(
            Diagnostic(
                "Nobody to ask for exposures",
                "--exposures asks a butler, and none was named.",
                hint="Add --live SITE/REPOSITORY.",
            )
        )
    until = moment(observed_until)
    memo: statefile.Memo = {}
    after = load(context, memo=memo)
    narrowed = scope(site, [*(repository or ()), *([live] if live else ())], instrument, None, exclude)
    check_scope(after, narrowed)
    was = declared_before(after.root, base, memo)
    before, words = was.desired, was.words
    if live:
        report = _live_report(before, after, narrowed, live, exposures, words, until, timeout)
    else:
        # With this numpy is imported.
        from ..engine.impact import impact as compare

        report = views.Report(compare(before, after, narrowed), words, until)
    _print(replace(report, commit=was.commit), format)
    raise typer.Exit(ExitCode.DONE)


def _live_report(
    before: DesiredState | None,
    after: DesiredState,
    narrowed: Scope,
    address: str,
    where: str | None,
    words: str,
    until: int,
    timeout: timedelta,
) -> views.Report:
    from ..engine.impact import affected
    from ..engine.impact import impact as compare
    from ..engine.side_by_side import in_time

    def look() -> tuple[Impact, dict[int, str]]:
        butler = Places(after, timeout=timeout).butler(address)
        told = compare(before, after, narrowed, butler)
        if where is not None:
            told = replace(told, exposures=_affected(told, butler, where, affected))
        instruments = sorted({chain.instrument for chain in told.chains})
        return told, {n: name for one in instruments for n, name in butler.detectors(one).items()}

    if address not in after.repositories:
        raise UsageError(Diagnostic("Several repositories", f"--live looks at one; {address} may be more."))
    with screen.progress("looking at") as watch:
        watch(address, 0, 1)
        told, detectors = in_time(address, look, timeout)
    return views.Report(told, words, until, address, detectors)


def _affected(told: Impact, butler: ButlerReader, where: str, affected: Any) -> Any:
    instruments = sorted({chain.instrument for chain in told.chains})
    return tuple(one for i in instruments for one in affected(told, butler.exposures(i, where)))


def moment(text: str | None) -> int:
    """Return the end of what was observed, in nanoseconds of TAI.

    An observing day ends at noon of the next: it is the date of TAI less
    twelve hours (SITCOMTN-032).
    """
    if text is None:
        # The half minute between UTC and TAI makes no difference here.
        return parse_tai(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    try:
        return parse_tai(text) if "T" in text else parse_tai(f"{text}T00:00:00") + _DAY + _NOON
    except ValueError:
        raise UsageError(
            Diagnostic(
                "Not a date",
                f"--observed-until {text}: neither a day nor a moment.",
                hint="Write 2025-02-11, or 2025-02-11T12:00:00 (TAI).",
            )
        ) from None


def _print(report: views.Report, format: Format) -> None:
    if format is Format.JSON:
        screen.print_json(plain(_document(report)))
    elif format is Format.MARKDOWN:
        screen.print_lines(views.as_markdown(report))
    else:
        screen.print_lines(views.as_text(report))


def _document(report: views.Report) -> documents.ImpactDocument:
    told = report.told
    each = [(address, name, chain) for chain in told.chains for address, name in chain.chains]
    each.sort(key=lambda one: one[:2])
    return documents.ImpactDocument(
        base=report.base,
        observed_until=format_bound(report.observed_until) or "",
        live=report.live or None,
        repositories=told.repositories,
        gone=told.gone,
        summary=dict(sorted(Counter(change.effect.value for change in told.changes).items())),
        searches=tuple(
            documents.SearchEntry(
                repository=a, chain=name, entered=chain.entered, left=chain.left, moved=chain.moved
            )
            for a, name, chain in each
        ),
        changes=tuple(_change(a, name, one, report) for a, name, chain in each for one in chain.changes),
        shadowed=tuple(one for a, name, chain in each for one in _shadowed(a, name, chain)),
        unknown=tuple(one for a, name, chain in each for one in _unknown(a, name, chain)),
        exposures=tuple(
            documents.AffectedEntry(
                ambiguous=one.ambiguous,
                exposure=one.exposure,
                day_obs=one.day_obs,
                physical_filter=one.physical_filter or None,
                dataset_types=one.dataset_types,
            )
            for one in told.exposures
        ),
        nights={str(night): number for night, number in report.nights.items()},
    )


def _change(repository: str, chain: str, change: Change, report: views.Report) -> documents.ChangeEntry:
    return documents.ChangeEntry(
        repository=repository,
        chain=chain,
        dataset_type=change.dataset_type,
        data_ids=change.data_ids,
        begin=format_bound(change.begin),
        end=format_bound(change.end),
        what=change.effect.value,
        into_the_past=report.reaches_back([change]),
        before=_via(change.before),
        after=_via(change.after),
    )


def _via(via: Via | None) -> documents.SelectedVia | None:
    return documents.SelectedVia(collection=via.collection, run=via.run) if via else None


def _shadowed(repository: str, name: str, chain: ChainImpact) -> Iterator[documents.ShadowedEntry]:
    for one in chain.shadowed:
        yield documents.ShadowedEntry(
            repository=repository,
            chain=name,
            collection=one.collection,
            ticket=one.ticket or None,
            whole=one.whole,
            declared_at=spot(one.where),
        )


def _unknown(repository: str, name: str, chain: ChainImpact) -> Iterator[documents.UnknownEntry]:
    for one in chain.unknown:
        yield documents.UnknownEntry(
            repository=repository,
            chain=name,
            collection=one.collection,
            ticket=one.ticket or None,
            moved=one.moved,
        )
