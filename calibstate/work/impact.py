"""Tell which lookups get another calibration by a change of the tree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import CalibstateError, Diagnostic, Severity, UsageError
from ..factory.places import Places
from ..model.desired import DesiredState
from ..model.impacts import Affected, Impact
from ..model.names import RepositoryAddress
from ..model.results.impacts import ImpactReport
from ..model.scope import Scope
from .nights import Nights
from .revisions import declared_at
from .scoping import check_scope
from .session import Session

if TYPE_CHECKING:
    from ..factory.past import Before

__all__ = ["impact", "lookups_changed"]


def impact(
    session: Session,
    base: str | None,
    observed_until: int,
    live: str | None = None,
    exposures: str | None = None,
    *,
    nights: bool = False,
) -> ImpactReport:
    """Return what the working tree does to lookups, beside a commit.

    Parameters
    ----------
    session
        It says which tree, and which part of it.
    base
        A commit, branch or tag; `None`: where the main branch was left.
    observed_until
        The end of what was observed, in nanoseconds of TAI.
    live
        The repository that tells what collections hold; `None`: the seals.
    exposures
        Of which exposures `live` is asked, in the butler's query language.
    nights
        Whether the exposures that change are counted, by what sites
        published of them.

    Raises
    ------
    UsageError
        Exposures are asked for, and no repository is named.
    """
    if exposures is not None and live is None:
        raise UsageError(
            Diagnostic(
                "Nobody to ask for exposures",
                "--exposures asks a butler, and none was named.",
                hint="Add --live SITE/REPOSITORY.",
            )
        )
    scope = session.requested
    if live:
        scope = replace(scope, repositories=(*scope.repositories, RepositoryAddress(live)))
    check_scope(session.desired, scope)
    before = declared_at(session, base)
    if live:
        report = _looked_at(session, scope, before, live, exposures, observed_until)
    else:
        report = lookups_changed(before.desired, session.desired, scope, before.words, observed_until)
    if nights:
        report = Nights(session).counted_in(report)
    return replace(report, commit=before.commit)


def lookups_changed(
    before: DesiredState | None,
    after: DesiredState,
    scope: Scope,
    base: str,
    observed_until: int,
) -> ImpactReport:
    """Return what a change does to lookups, by what the seals tell.

    Parameters
    ----------
    before, after
        What was declared, and what is.
    scope
        The part that is asked for.
    base
        What is compared with, for people.
    observed_until
        The end of what was observed, in nanoseconds of TAI.
    """
    # With this numpy is imported.
    from ..lookups.impact import impact as compare

    return ImpactReport(compare(before, after, scope), base, observed_until)


def _looked_at(
    session: Session, scope: Scope, before: Before, address: str, where: str | None, until: int
) -> ImpactReport:
    """Return what a change does, by what a repository holds."""
    from ..engine.side_by_side import in_time
    from ..lookups.affected import affected
    from ..lookups.impact import impact as compare
    from ..lookups.same_content import Contents, curated_collections, told_by_content

    desired = session.desired
    notes: list[Diagnostic] = []
    if address not in desired.repositories:
        raise UsageError(Diagnostic("Several repositories", f"--live looks at one; {address} may be more."))

    places = session.traced(Places(desired, timeout=session.timeout))

    # Asked all together, so that a silent place costs one limit.
    def look() -> tuple[Impact, dict[int, str]]:
        butler = places.butler(RepositoryAddress(address))
        impact = compare(before.desired, desired, scope, butler)
        declarations = [state for state in (before.desired, desired) if state]
        curated = curated_collections(declarations)
        try:
            if curated:
                contents = Contents(curated, butler, places.archive(), RepositoryAddress(address))
                impact = told_by_content(impact, contents)
        except CalibstateError as error:
            # They may be the same, and are told as others.
            notes.append(replace(error.first, severity=Severity.NOTE))
        instruments = sorted({searched.instrument for searched in impact.chains})
        if where is not None:
            exposures: list[Affected] = []
            for instrument in instruments:
                exposures.extend(affected(impact, butler.exposures(instrument, where)))
            impact = replace(impact, exposures=tuple(exposures))
        detectors: dict[int, str] = {}
        for instrument in instruments:
            detectors.update(butler.detectors(instrument))
        return impact, detectors

    with session.listener.progress("looking at") as watch:
        watch(address, 0, 1)
        impact, detectors = in_time(address, look, session.timeout)
    session.listener.report(places.slow_looks())
    session.listener.report(notes)
    return ImpactReport(impact, before.words, until, address, detectors, commit=before.commit)
