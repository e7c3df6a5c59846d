"""Whether the settings can be followed, and who is held back is told why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

from ...errors import Diagnostic, Where
from ...model.desired import Written
from ...model.names import spelled
from ...model.repositories import Rucio
from ...model.rucio import name_problem
from ...model.settings import RucioSettings
from ...model.tickets import RucioLabel, Ticket
from .tree import Checks, Tree
from .words import did_you_mean, known_place, lacks_reason, line, no_reason

__all__ = ["CHECKS"]


def _settings(tree: Tree) -> Iterator[Diagnostic]:
    if tree.settings and (rucio := tree.settings.noun.rucio):
        lines = tree.settings.lines
        if problem := _template_problem(rucio.dataset):
            where = lines.value_at("rucio", "dataset")
            hint = "The default is `Dataset/{instrument}/{label}/{ticket}`."
            yield Diagnostic("Not a name of Rucio datasets", f"`{rucio.dataset}` {problem}.", where, hint)
        if not _SCOPE.fullmatch(rucio.scope):
            detail = f"{spelled(rucio.scope)}: Rucio takes letters, digits and `. - _`."
            yield Diagnostic("Not a scope of Rucio", detail, lines.value_at("rucio", "scope"))
        if rucio.dtn_url is not None and "://" not in rucio.dtn_url:
            detail = f"`{rucio.dtn_url}` is no URL, so no file would be where Rucio looks for it."
            hint = "Give it as the RSE's protocol has it, such as https://host:port/path."
            yield Diagnostic("Not a URL", detail, lines.value_at("rucio", "dtn_url"), hint)
        if rucio.rse_root and not rucio.rse_root.startswith("/"):
            detail = f"`{rucio.rse_root}` is no absolute path."
            hint = "Give the folder above the scope's; for a bucket, write an empty word."
            yield Diagnostic("Not a root of the RSE", detail, lines.value_at("rucio", "rse_root"), hint)


_SCOPE = re.compile(r"[A-Za-z0-9_.-]+")


def _template_problem(template: str) -> str | None:
    try:
        parsed = [field for field in Formatter().parse(template) if field[1] is not None]
    except ValueError:
        return "has a brace without its other"
    fields = {name for _, name, _, _ in parsed if name is not None}
    if any(form or conversion for _, _, form, conversion in parsed):
        return "changes a word (`:…` or `!…`), so two tickets could share a dataset"
    if unknown := fields - {"instrument", "label", "ticket"}:
        return f"names `{{{min(unknown)}}}`; known are `{{instrument}}`, `{{label}}` and `{{ticket}}`"
    if not {"instrument", "ticket"} <= fields:
        return "lacks `{instrument}` or `{ticket}`, so two tickets would share a dataset"
    return None


def _rucio_names(tree: Tree) -> Iterator[Diagnostic]:
    """Tell of names that Rucio would refuse in the middle of a deployment."""
    settings = tree.settings.noun.rucio if tree.settings else None
    if settings is None or _template_problem(settings.dataset):
        return
    for ticket in tree.tickets:
        if _goes_by_rucio(tree, ticket.noun):
            yield from _refused_by_rucio(ticket, settings)


def _goes_by_rucio(tree: Tree, ticket: Ticket) -> bool:
    return any(
        isinstance(tree.desired.repository(address)[0].route_of(address.partition("/")[2]), Rucio)
        and not tree.desired.skipped(ticket, address)
        for address in tree.desired.with_instrument(ticket.instrument)
    )


def _refused_by_rucio(written: Written[Ticket], settings: RucioSettings) -> Iterator[Diagnostic]:
    ticket = written.noun
    label = (ticket.rucio or RucioLabel()).label
    dataset = settings.dataset_of(ticket.instrument, ticket.ticket, label)
    if problem := name_problem(dataset, settings.names):
        detail = f"{ticket.ticket} goes by Rucio as the dataset `{dataset}`: {problem}."
        hint = "Mend `rucio.dataset` in calibstate.yaml, or the ticket's label."
        yield Diagnostic("Rucio would refuse the name", detail, written.lines.at("ticket"), hint)
    key = "bare" if ticket.bare else "collections"
    for index, leaf in enumerate(ticket.leaves):
        if problem := name_problem(leaf, settings.names):
            detail = f"{ticket.ticket} goes by Rucio, and its files are called after `{leaf}`: {problem}."
            hint = "Certify it under another name, or skip the sites that are reached by Rucio."
            where = written.lines.value_at(key, index)
            yield Diagnostic("Rucio would refuse the name", detail, where, hint)


def _holds(tree: Tree) -> Iterator[Diagnostic]:
    for site in tree.sites:
        if lacks_reason(site.noun, "hold"):
            yield no_reason("A hold", site.lines.at("hold"))
        for name, repository in site.noun.repositories.items():
            if lacks_reason(repository, "hold"):
                yield no_reason("A hold", site.lines.at("repositories", name, "hold"))
    declared: tuple[Written[Any], ...] = (*tree.tickets, *tree.chains)
    for written in declared:
        if lacks_reason(written.noun, "hold"):
            yield no_reason("A hold", written.lines.at("hold"))


def _windows(tree: Tree) -> Iterator[Diagnostic]:
    for number, window in enumerate(tree.settings.noun.windows if tree.settings else ()):
        lines = tree.desired.settings.lines
        for index, place in enumerate(window.deny):
            yield from known_place(tree, place, lines.value_at("windows", number, "deny", index))
        if not window.because.strip():
            yield no_reason("A window", lines.at("windows", number, "because"))


def _waves(tree: Tree) -> Iterator[Diagnostic]:
    lines, first = tree.desired.settings.lines, dict[str, Where]()
    for number, wave in enumerate(tree.settings.noun.waves if tree.settings else ()):
        for index, site in enumerate(wave):
            where = lines.value_at("waves", number, index)
            if site not in tree.desired.sites and not tree.unread.may_mean(site):
                hint = did_you_mean(site, tree.desired.sites) or "Waves are of sites, not of repositories."
                yield Diagnostic("Unknown site", f"{spelled(site)} is no site.", where, hint)
            elif site in first:
                detail = f"{site} is in a wave already ({line(first[site])}); it has its turn once."
                yield Diagnostic("Site in two waves", detail, where, "Keep one of the two.")
            first.setdefault(site, where)


CHECKS: Checks = (
    _settings,
    _rucio_names,
    _holds,
    _waves,
    _windows,
)
"""What is looked at here."""
