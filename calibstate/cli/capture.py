"""The command that writes the files that describe a live chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import Diagnostic, RefusedError, UsageError
from ..factory.clock import utc_now
from ..factory.places import Places
from ..model.desired import DesiredState
from ..model.names import nearest, spelled
from ..store import treefile
from ..store.documents import captures as documents
from ..store.documents.base import plain
from ..views import capture as views
from . import completing, screen
from .app import ExitCode, app
from .options import USUAL_TIMEOUT, Format, FormatOption, TimeoutOption
from .tree import load

if TYPE_CHECKING:
    from ..engine.capturing.capture import Captured
    from ..store.treefile import Change


@app.command()
def capture(
    context: typer.Context,
    repository: Annotated[
        str,
        typer.Argument(
            metavar="REPOSITORY",
            autocompletion=completing.repositories,
            help="SITE/REPOSITORY.",
            show_default=False,
        ),
    ],
    instrument: Annotated[
        str,
        typer.Argument(
            metavar="INSTRUMENT",
            autocompletion=completing.instruments,
            help="Instrument of the chain.",
            show_default=False,
        ),
    ],
    chain: Annotated[
        list[str] | None,
        typer.Option(
            "--chain",
            metavar="NAME",
            envvar="CALIBSTATE_CHAIN",
            autocompletion=completing.chains,
            help="A chain besides INSTRUMENT/calib; those within it come along.",
        ),
    ] = None,
    no_seals: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--no-seals", envvar="CALIBSTATE_NO_SEALS", help="Do not read the files to seal them."),
    ] = False,
    dry_run: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--dry-run", envvar="CALIBSTATE_DRY_RUN", help="Show what would be written."),
    ] = False,
    format: FormatOption = Format.TEXT,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Write the state files that describe a live chain as it is.

    Tickets, chains and seals are written into the state tree, so that the next
    plan changes nothing in any repository.  What people wrote stays as it is;
    lines are added.  A second repository adds what it has, and a `skip` for
    what it lacks.

    Ends with 0 when all is said, 1 where the repository cannot be seen, 3
    where the files cannot say what is there; then nothing is written.

    \b
    Examples:
      calibstate capture usdf/main LSSTComCam
      calibstate capture usdf/main LSSTComCam --chain LSSTComCam/DP1/defaults
      calibstate capture summit/LSSTComCam LSSTComCam --dry-run
    """
    desired = load(context)
    _check(desired, repository, instrument)
    try:
        places = Places(desired, timeout=timeout)
        chains = tuple(chain or ())
        _capture(desired, places, repository, instrument, chains, format, seals=not no_seals, dry=dry_run)
    except RefusedError as error:
        if format is Format.JSON:
            screen.print_json(plain(documents.CaptureDocument.refused(error.diagnostics)))
        else:
            screen.told(error.diagnostics)
            screen.tell("Nothing was written.")
        raise typer.Exit(ExitCode.REFUSED) from None
    raise typer.Exit(ExitCode.DONE)


def _capture(
    desired: DesiredState,
    places: Places,
    address: str,
    instrument: str,
    chains: tuple[str, ...],
    format: Format,
    *,
    seals: bool,
    dry: bool,
) -> None:
    from ..engine.capturing.capture import Wanted
    from ..engine.capturing.capture import capture as look
    from ..engine.capturing.declare import declare, seal_captured
    from ..engine.observe import refuse_doubles

    now = utc_now()
    refuse_doubles(desired, places)
    wanted = Wanted(address, instrument, chains, now[:10])
    with screen.progress("looking at") as watch:
        captured = look(wanted, desired, places, lambda done, total: watch("repositories", done, total))
    changes, told = declare(captured, desired), captured.told
    if seals:
        # Only now, since reading all files takes long.
        made, unsealed = seal_captured(captured, desired, places, now, screen.progress)
        changes, told = declare(captured, desired, made), (*told, *unsealed)
    if not dry:
        treefile.write(Path(desired.root), changes)
    _show(captured, changes, told, format, dry=dry)


def _check(desired: DesiredState, address: str, instrument: str) -> None:
    """Refuse a repository or an instrument that nobody declared.

    Raises
    ------
    UsageError
        With the known words.
    """
    known: Mapping[str, tuple[str, ...]] = {
        a: desired.repository(a)[1].instruments for a in desired.repositories
    }
    if address not in known:
        raise UsageError(_unknown(address, "a repository", list(known)))
    if instrument not in known[address]:
        raise UsageError(_unknown(instrument, f"an instrument of {address}", list(known[address])))


def _unknown(word: str, what: str, known: list[str]) -> Diagnostic:
    near = nearest(word, known)
    hint = f"Did you mean {near}?" if near else f"Known are: {', '.join(known) or 'none'}."
    return Diagnostic("Not declared", f"{spelled(word)} is not declared as {what}.", hint=hint)


def _show(
    captured: Captured, changes: Sequence[Change], told: Sequence[Diagnostic], format: Format, *, dry: bool
) -> None:
    written = {change.file: "new" if change.before is None else "changed" for change in changes}
    files = {**written, **{file: "same" for file in captured.files if file not in written}}
    found = [(one.chain, one.child, one.declared_as, one.holds) for one in captured.found]
    if format is Format.JSON:
        document = documents.CaptureDocument.of(files, found, told, written=not dry)
        screen.print_json(plain(document))
        return
    screen.told(told)
    if format is Format.MARKDOWN:
        screen.print_lines(views.as_markdown(found, files, changes if dry else ()))
    else:
        screen.print_lines(views.as_text(found, files, changes if dry else ()))
    screen.print_lines([views.tally(files, dry=dry)])
