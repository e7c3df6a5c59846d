"""Plans in files: read, held against what is declared now, and written."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from ..engine.declared import refuse_redeclared
from ..errors import CalibstateError, Diagnostic, RefusedError, UsageError
from ..kinds.registry import ACTIONS, KINDS
from ..model.desired import DesiredState
from ..model.names import spelled, with_code_points
from ..model.plans import Plan, Step
from ..model.results.proposals import SitePlan
from ..model.scope import Scope
from ..store import planfile
from .namedfiles import refuse_of_a_tree
from .scoping import origins_of

__all__ = ["check_whole", "read_appliable", "read_plan", "read_site_plans", "save_text"]


def read_plan(path: Path) -> Plan:
    """Return a plan that was saved.

    Raises
    ------
    UsageError
        The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(planfile.LARGEST + 1)
        content = data.decode()
    except OSError as error:
        name = with_code_points(str(path))
        raise UsageError(Diagnostic("File cannot be read", f"{name}: {error.strerror}.")) from None
    except UnicodeDecodeError:
        raise UsageError(Diagnostic("File cannot be read", f"{path}: it is not UTF-8 text.")) from None
    if len(data) > planfile.LARGEST:
        raise UsageError(Diagnostic("File cannot be read", f"{path}: it is too large to be one of ours."))
    return planfile.loads(content, ACTIONS, str(path))


def read_appliable(path: Path, desired: DesiredState) -> Plan:
    """Return a saved plan that may be applied to what is declared now.

    Parameters
    ----------
    path
        The file.
    desired
        What is declared.

    Raises
    ------
    RefusedError
        The file was edited, or what its steps stand on is declared otherwise.
    UsageError
        It cannot be read; it may be a place or a ticket that was meant.
    """
    word = str(path)
    options = {
        "--site": word in desired.sites,
        "--repository": word in desired.repositories,
        "--ticket": any(word in {key.ticket, key.name} for key in desired.tickets),
    }
    for option, is_meant in options.items():
        if is_meant and not path.exists():
            detail = f"{word}: there is no such file, and a saved plan is what it would be."
            hint = f"Did you mean calibstate apply {option} {word}?"
            raise UsageError(Diagnostic("File cannot be read", detail, hint=hint))
    plan = read_plan(path)
    for step in plan.steps:
        if not _can_be_planned(step, desired):
            raise RefusedError(
                Diagnostic(
                    "Plan file was edited",
                    f"Step {step.id} of {path} is to {step.action.do} at {step.action.target}, "
                    "which no plan for this declaration does.",
                    hint="Make the plan again with `calibstate plan -o FILE`.",
                )
            )
    refuse_redeclared(plan, desired, str(path))
    return plan


def _can_be_planned(step: Step, desired: DesiredState) -> bool:
    """Say whether an action is of its target's kind, at a place of ours."""
    target = step.action.target
    kind = KINDS.get(target.kind)
    if kind is None or type(step.action) not in kind.actions:
        return False
    # Some kinds are at one place only, such as the archive.
    if kind.place:
        return target.place == kind.place
    return target.place in desired.repositories


def check_whole(scope: Scope, desired: DesiredState) -> None:
    """Refuse to leave out a part of a saved plan, but for whole places.

    Parameters
    ----------
    scope
        What is asked for.
    desired
        What is declared.

    Raises
    ------
    UsageError
        Instruments or tickets are asked for, or left out.
    """
    names: set[str] = set()
    for instrument, ticket in desired.tickets:
        names.update((ticket, f"{instrument}/{ticket}"))
    # A pattern may mean places or tickets; which, tells what it matches.
    leaves_out = any(fnmatchcase(name, pattern) for name in names for pattern in scope.exclude)
    if scope.tickets or scope.instruments or leaves_out:
        raise UsageError(
            Diagnostic(
                "Part of a saved plan",
                "A saved plan is applied as it was reviewed; only sites and repositories can be left out.",
                hint="Make a plan of that part with `calibstate plan -o FILE`, and apply it.",
            )
        )


def read_site_plans(desired: DesiredState, folder: Path) -> tuple[SitePlan, ...]:
    """Return the plans of sites that a folder holds.

    Those of origins come first, then the others in the order of waves.

    Parameters
    ----------
    desired
        What is declared.
    folder
        It holds a ``SITE.json`` for each.

    Raises
    ------
    UsageError
        There are none, or one is of no declared site.
    """
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not files:
        hint = "Make them: calibstate plan --site SITE -o FOLDER/SITE.json."
        detail = f"{with_code_points(str(folder))} holds no SITE.json."
        raise UsageError(Diagnostic("No saved plans", detail, hint=hint))
    plans = []
    for file in files:
        if file.stem not in desired.sites:
            detail = f"{with_code_points(str(file))}: nobody declared a site {spelled(file.stem)}."
            hint = f"Known are: {', '.join(sorted(desired.sites))}."
            raise UsageError(Diagnostic("Plan of no site", detail, hint=hint))
        plan = read_plan(file)
        plans.append(SitePlan(file.stem, plan, planfile.digest(plan)))
    # Others wait for what an origin exports.
    first = {origin.site for origin in origins_of(desired)}
    # After them as a change comes to the sites, wave by wave.
    order: dict[str, int] = {}
    for address in desired.in_order_of_waves(desired.repositories):
        order.setdefault(address.site, len(order))
    return tuple(sorted(plans, key=lambda plan: (plan.site not in first, order.get(plan.site, 0))))


def save_text(path: Path, content: str, summary: str) -> None:
    """Write a file that a person named, and the folders that it is in.

    Parameters
    ----------
    path
        The file.
    content
        What it is to hold.
    summary
        What an error begins with, such as "Plan cannot be saved".

    Raises
    ------
    CalibstateError
        It cannot be written.
    UsageError
        It is a file of a state tree.
    """
    refuse_of_a_tree(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        name = with_code_points(str(path))
        raise CalibstateError(Diagnostic(summary, f"{name}: {error.strerror}.")) from None
