"""Whether Rucio can be asked for what is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter

from ...model.desired import Lines, Written
from ...model.names import spelled
from ...model.repositories import Rucio
from ...model.rucio import name_problem
from ...model.settings import RucioSettings
from ...model.tickets import RucioLabel, Ticket
from ..rule import Finding, Findings, mistake
from ..tree import Tree

_SCOPE = re.compile(r"[A-Za-z0-9_.-]+")

_FIELDS = {"instrument", "label", "ticket"}
"""What the template of datasets may name."""


@mistake("Not a name of Rucio datasets")
def templates_unfit(tree: Tree) -> Findings:
    """Find a template that is none, or by which tickets would share a name."""
    for rucio, lines in _settings(tree):
        if problem := _template_problem(rucio.dataset):
            yield Finding(
                where=lines.value_at("rucio", "dataset"),
                detail=f"`{rucio.dataset}` {problem}.",
                hint="The default is `Dataset/{instrument}/{label}/{ticket}`.",
            )


@mistake("Not a scope of Rucio")
def scopes_unfit(tree: Tree) -> Findings:
    """Find a scope that Rucio does not take."""
    for rucio, lines in _settings(tree):
        if not _SCOPE.fullmatch(rucio.scope):
            yield Finding(
                where=lines.value_at("rucio", "scope"),
                detail=f"{spelled(rucio.scope)}: Rucio takes letters, digits and `. - _`.",
            )


@mistake("Not a URL")
def urls_unfit(tree: Tree) -> Findings:
    """Find a URL of the RSE that is none."""
    for rucio, lines in _settings(tree):
        if rucio.dtn_url is not None and "://" not in rucio.dtn_url:
            yield Finding(
                where=lines.value_at("rucio", "dtn_url"),
                detail=f"`{rucio.dtn_url}` is no URL, so no file would be where Rucio looks for it.",
                hint="Give it as the RSE's protocol has it, such as https://host:port/path.",
            )


@mistake("Not a root of the RSE")
def roots_unfit(tree: Tree) -> Findings:
    """Find a root of the RSE that depends on where one is."""
    for rucio, lines in _settings(tree):
        if rucio.rse_root and not rucio.rse_root.startswith("/"):
            yield Finding(
                where=lines.value_at("rucio", "rse_root"),
                detail=f"`{rucio.rse_root}` is no absolute path.",
                hint="Give the folder above the scope's; for a bucket, write an empty word.",
            )


@mistake("Rucio would refuse the name")
def names_refused(tree: Tree) -> Findings:
    """Find names that Rucio would refuse in the middle of a deployment."""
    for rucio, _ in _settings(tree):
        if _template_problem(rucio.dataset):
            return
        for written in tree.tickets:
            if not _goes_by_rucio(tree, written.noun):
                continue
            yield from _dataset_refused(written, rucio)
            yield from _files_refused(written, rucio)


def _settings(tree: Tree) -> Iterator[tuple[RucioSettings, Lines]]:
    """Yield the settings for Rucio, if there are any."""
    if tree.settings and tree.settings.noun.rucio:
        yield tree.settings.noun.rucio, tree.settings.lines


def _template_problem(template: str) -> str | None:
    """Return what is wrong with the template of datasets, if anything is."""
    names: set[str] = set()
    changes_a_word = False
    try:
        for _, name, form, conversion in Formatter().parse(template):
            # The last piece of text has no name behind it.
            if name is not None:
                names.add(name)
                changes_a_word |= bool(form or conversion)
    except ValueError:
        return "has a brace without its other"
    if changes_a_word:
        return "changes a word (`:…` or `!…`), so two tickets could share a dataset"
    if unknown := names - _FIELDS:
        return f"names `{{{min(unknown)}}}`; known are `{{instrument}}`, `{{label}}` and `{{ticket}}`"
    if not {"instrument", "ticket"} <= names:
        return "lacks `{instrument}` or `{ticket}`, so two tickets would share a dataset"
    return None


def _goes_by_rucio(tree: Tree, ticket: Ticket) -> bool:
    """Return whether a repository that gets a ticket is reached by Rucio."""
    for address in tree.desired.with_instrument(ticket.instrument):
        site, _ = tree.desired.repository(address)
        route = site.route_of(address.name)
        if isinstance(route, Rucio) and not tree.desired.skipped(ticket, address):
            return True
    return False


def _dataset_refused(written: Written[Ticket], rucio: RucioSettings) -> Findings:
    """Find that Rucio would refuse the name of a ticket's dataset."""
    ticket = written.noun
    label = (ticket.rucio or RucioLabel()).label
    dataset = rucio.dataset_of(ticket.instrument, ticket.ticket, label)
    problem = name_problem(dataset, rucio.names)
    if problem:
        yield Finding(
            where=written.lines.at("ticket"),
            detail=f"{ticket.ticket} goes by Rucio as the dataset {spelled(dataset)}: {problem}.",
            hint="Mend `rucio.dataset` in calibstate.yaml, or the ticket's label.",
        )


def _files_refused(written: Written[Ticket], rucio: RucioSettings) -> Findings:
    """Find collections after which Rucio would let no file be called."""
    ticket = written.noun
    key = "bare" if ticket.bare else "collections"
    for index, leaf in enumerate(ticket.leaves):
        problem = name_problem(leaf, rucio.names)
        if problem:
            yield Finding(
                where=written.lines.value_at(key, index),
                detail=(
                    f"{ticket.ticket} goes by Rucio, and its files are called after `{leaf}`: {problem}."
                ),
                hint="Certify it under another name, or skip the sites that are reached by Rucio.",
            )
