"""What is wrong with a file that declares sources, beside all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import Diagnostic, Where
from ..model.desired import DesiredState, Written
from ..model.forms import Form
from ..model.names import ANY, nearest, spelled
from ..model.sources import Feed, Sources

__all__ = ["FORM", "check_sources", "sources_of"]

_FEEDS = ("photodiode", "shutter_motion")


def sources_of(desired: DesiredState) -> Iterator[Written[Sources]]:
    """Yield the files that declare sources."""
    files: Any = desired.own.get("sources", {})
    yield from files.values()


def check_sources(written: Written[Sources], desired: DesiredState) -> Iterator[Diagnostic]:
    """Yield what does not fit in a file, and between it and all others."""
    if written.noun.instrument == ANY:
        yield Diagnostic(
            "Source of no instrument",
            f"Readings are about exposures, and what is of `{ANY}` has none.",
            written.lines.value_at("instrument"),
            hint="Give the camera whose exposures they are about.",
        )
        return
    yield from _check_places(written, desired)
    feeds = _feeds(written.noun)
    if not feeds:
        yield Diagnostic(
            "Source of nothing",
            f"The file says nothing that {written.noun.instrument} gets.",
            written.lines.at("instrument"),
            hint=f"Give one of {', '.join(_FEEDS)}.",
        )
    for name, feed in feeds.items():
        yield from _check_stores(
            name,
            feed,
            written,
        )
        where = written.lines.value_at(name, "into")
        for meaning in _meanings(
            feed.into,
            name,
            written,
            desired,
        ):
            yield Diagnostic(
                "One collection, two meanings",
                f"`{feed.into}` is a RUN of readings, but also {meaning}.",
                where,
                hint="Readings come into a RUN of their own.",
            )


def _feeds(sources: Sources) -> dict[str, Feed]:
    """Return what a file declares, by field."""
    feeds = {name: getattr(sources, name) for name in _FEEDS}
    return {name: feed for name, feed in feeds.items() if feed}


def _check_places(written: Written[Sources], desired: DesiredState) -> Iterator[Diagnostic]:
    sources = written.noun
    having = desired.with_instrument(sources.instrument)
    if not having:
        where = written.lines.value_at("instrument")
        detail = f"No repository has the instrument {sources.instrument}."
        yield Diagnostic(
            "Unknown instrument",
            detail,
            where,
            hint="List it under `instruments` of one.",
        )
        return
    places = [*desired.sites, *desired.repositories]
    for index, word in enumerate(sources.at):
        where = _at(written, index)
        if word not in places:
            near = nearest(word, places)
            hint = f"Did you mean `{near}`?" if near else "A repository is written SITE/REPOSITORY."
            detail = f"{spelled(word)} is neither a site nor a repository."
            yield Diagnostic(
                "Unknown site or repository",
                detail,
                where,
                hint=hint,
            )
        elif not any(desired.expects([word], address) for address in having):
            detail = f"{word} has no {sources.instrument}, so nothing would be ingested there."
            yield Diagnostic(
                "Source without a repository",
                detail,
                where,
            )


def _at(written: Written[Sources], index: int) -> Where:
    # A single place may be written without a list around it.
    if len(written.noun.at) == 1:
        return written.lines.value_at("at")
    return written.lines.value_at("at", index)


def _check_stores(name: str, feed: Feed, written: Written[Sources]) -> Iterator[Diagnostic]:
    where = written.lines.value_at(name, "from")
    # A look reads parts of files, which these two can give.
    for store in feed.stores:
        scheme, is_uri, _ = store.partition("://")
        if is_uri and scheme not in {"s3", "file"}:
            detail = f"{spelled(store)} is neither a folder nor an s3:// URI."
            yield Diagnostic(
                "Unknown kind of store", detail, where, hint="Name a path, or s3://BUCKET/PREFIX."
            )
    if len(set(feed.stores)) < len(feed.stores):
        yield Diagnostic(
            "Store listed twice", f"`{name}` lists a store twice.", where, hint="Delete one of them."
        )


def _meanings(collection: str, name: str, written: Written[Sources], desired: DesiredState) -> Iterator[str]:
    """Yield what else a collection is declared to be."""
    if collection in desired.chains:
        yield f"the chain of {desired.chains[collection].lines.file}"
    # What a ticket holds is final, and readings come every night.
    for ticket in desired.tickets.values():
        if collection in (ticket.noun.name, *ticket.noun.leaves, *ticket.noun.children):
            yield f"a collection of the ticket {ticket.noun.name}"
    for other in sources_of(desired):
        for field, feed in _feeds(other.noun).items():
            is_itself = other.lines.file == written.lines.file and field == name
            if feed.into == collection and not is_itself:
                yield f"that of `{field}` in {other.lines.file}"


FORM = Form(
    "sources",
    Sources,
    "instrument",
    "readings of the instruments around a camera",
    check_sources,
    word="source",
)
"""The files that declare sources."""
