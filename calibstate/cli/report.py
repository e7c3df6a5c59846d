"""The command that tells reviewers what a change of the tree proposes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import grouped, shown_as
from .nouns import BaseNoun
from .options import NightsOption, ObservedUntilOption, end_of_observing
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def report(
    context: typer.Context,
    *,
    base: BaseNoun = None,
    plans: Annotated[
        Path | None,
        typer.Option(
            "--plans",
            metavar="FOLDER",
            envvar="CALIBSTATE_PLANS",
            help="Saved plans, one a site: SITE.json, of `plan --site SITE -o FOLDER/SITE.json`.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            "--full",
            metavar="FILE",
            envvar=["CALIBSTATE_OUTPUT", "CALIBSTATE_FULL"],
            help="Write all of it here, as Markdown or (.json) JSON; what is printed is cut for GitHub.",
        ),
    ] = None,
    check_jira: Annotated[
        bool,
        typer.Option("--check-jira", envvar="CALIBSTATE_CHECK_JIRA", help="Compare approvals with Jira."),
    ] = False,
    nights: NightsOption = False,
    observed_until: ObservedUntilOption = None,
    format: Annotated[Format, shown_as("results.proposals.Proposal")],
) -> None:
    """Tell reviewers what a change of the tree proposes and does.

    What is declared otherwise than at a commit, which lookups that changes,
    what the policy says, how it stands with approvals, and the steps of
    saved plans, each with the digest by which it is applied on merge.  No
    place is looked at; --check-jira asks Jira, --nights reads the exposures
    that `observe --publish` kept.  With --format markdown it is one comment;
    with github, annotations at the lines of the files.

    Ends with 0 when told, 1 where the tree has errors, 3 where something is
    refused: content that is not what was approved, or a step of a plan.

    \b
    Examples:
      calibstate report
      calibstate report origin/main --format markdown
      calibstate report --plans plans --format markdown -o report.md
      calibstate report --format github
    """
    from ..work.report import report

    until = end_of_observing(observed_until)
    session = begin(context)
    finish(report(session, base, until, plans, output, check_jira=check_jira, nights=nights), format)
