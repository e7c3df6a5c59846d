"""The command that tells whether sites select the same calibrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ..model.desired import DesiredState
from ..model.differences import Difference, Selected
from ..model.timespans import format_bound
from ..store.documents import fingerprints as documents
from ..store.documents.base import plain
from ..views import fingerprints as views
from ..views.markdown import fenced
from . import screen
from .app import ExitCode, app, first_of
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

if TYPE_CHECKING:
    from ..engine.fingerprint import Compared, Fingerprints


@app.command()
def fingerprint(
    context: typer.Context,
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
    """Tell whether repositories select the same calibrations.

    Equal effective fingerprints: the same calibration for every detector,
    filter and moment.  Where they differ, it tells in which lookups.

    Ends with 0 where all are the same, 2 where they differ, 1 where one
    could not be seen.

    \b
    Examples:
      calibstate fingerprint
      calibstate fingerprint --instrument LSSTComCam --exclude tts
      calibstate fingerprint --observed published
      calibstate fingerprint --format json
    """
    # With this numpy is imported.
    from ..engine.fingerprint import look_at_chains

    desired, narrowed = load(context), scope(site, repository, instrument, None, exclude)
    check_scope(desired, narrowed)
    narrowed, only = own(desired, narrowed, only_here=only_here)
    places = places_to_look_at(desired, observed, max_age, timeout, only=only)
    with screen.progress("looking at") as watch:
        seen = look_at_chains(
            desired, narrowed, places, lambda done, total: watch("repositories", done, total)
        )
    screen.told(places.relied_on())
    compared = list(seen.compared())
    if format is Format.JSON:
        screen.print_json(plain(_document(seen, compared)))
    else:
        prints = _prints(seen)
        lines = views.as_markdown(prints) if format is Format.MARKDOWN else views.as_text(prints)
        screen.print_lines(lines)
        screen.print_lines(line for one in compared for line in _told(one, desired, format))
    for address, trouble in seen.unreachable.items():
        screen.tell(f"{address} could not be seen: {trouble.detail}")
    raise typer.Exit(
        first_of(
            ExitCode.ERROR if seen.unreachable else ExitCode.DONE,
            ExitCode.DRIFT if compared else ExitCode.DONE,
        )
    )


def _prints(seen: Fingerprints) -> views.Prints:
    chains = sorted({name for there in seen.seen.values() for name in there})
    return {
        chain: {
            address: (there[chain].resolved.fingerprint, len(there[chain].collections))
            for address, there in seen.seen.items()
            if chain in there
        }
        for chain in chains
    }


def _told(one: Compared, desired: DesiredState, format: Format) -> list[str]:
    instrument = desired.chains[one.chain].noun.instrument
    lines = list(
        views.difference_lines(one.chain, one.reference, one.repository, one.differences, instrument)
    )
    return ["", fenced(lines)] if format is Format.MARKDOWN else lines


def _document(seen: Fingerprints, compared: list[Compared]) -> documents.FingerprintsDocument:
    return documents.FingerprintsDocument(
        repositories={
            address: documents.RepositoryPrint(
                chains={
                    name: documents.ChainPrint(
                        effective=chain.resolved.fingerprint, collections=dict(chain.collections)
                    )
                    for name, chain in chains.items()
                }
            )
            for address, chains in seen.seen.items()
        },
        differences=tuple(_entry(one, found) for one in compared for found in one.differences),
        unreachable={address: trouble.detail for address, trouble in seen.unreachable.items()},
    )


def _entry(one: Compared, found: Difference) -> documents.DifferenceEntry:
    return documents.DifferenceEntry(
        chain=one.chain,
        reference=one.reference,
        repository=one.repository,
        dataset_type=found.dataset_type,
        data_ids=found.data_ids,
        begin=format_bound(found.begin),
        end=format_bound(found.end),
        at_reference=_selected(found.one),
        at_repository=_selected(found.other),
    )


def _selected(what: frozenset[Selected]) -> documents.SelectedBy:
    return documents.SelectedBy(
        collections=tuple(sorted({selected.collection for selected in what})),
        uuids=tuple(sorted({selected.uuid for selected in what})),
    )
