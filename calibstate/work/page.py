"""Write pages that tell how it stands, for who has a browser only.

Every source may fail by itself: the pages are made of the others, and say
what could not be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from .. import __version__
from ..errors import Diagnostic, InvalidStateError, Severity, UsageError
from ..model.names import with_code_points
from ..model.observations import stamp
from ..model.pages import PageContent, PageWishes
from ..model.results.pages import PagesWritten
from ..store.pagefolder import PageFolder
from .pagesources import Sources
from .session import Session

__all__ = ["page"]

_MOST_MISTAKES = 20
"""Mistakes of a tree that are told one by one."""


def page(
    session: Session,
    folder: Path | None,
    wishes: PageWishes,
    *,
    max_age: timedelta,
    since: str | None = None,
    write: bool = True,
) -> PagesWritten:
    """Make the pages, and write them into a folder of their own.

    Parameters
    ----------
    session
        Which tree, and which part of it.
    folder
        Where to; what is there must be pages that were written before.
    wishes
        How they are to be made.
    max_age
        Age from which a sight is too old: its repository counts as
        unreachable.
    since
        The revision that is compared with; `None`: none is.
    write
        Whether they are written; else they are only compared with what is
        there.

    Raises
    ------
    RefusedError
        The folder holds what no page is.
    UsageError
        There is no such revision, or no such address of pages, or the folder
        cannot be written, or nobody names one.
    """
    if folder is None:
        problem = Diagnostic("Nowhere to write", "-o DIR is not given.", hint="Give one.")
        raise UsageError(problem)
    _check_address(wishes.url)
    # With this the template language is imported.
    from ..views.pages import files_of

    # Before a look that may take long.
    there = PageFolder(folder)
    there.check()
    content = gathered(session, wishes, max_age, since)
    made_at = stamp(session.now())
    if not write:
        # Beside the time nothing may differ.
        made_at = there.generated or made_at
    with session.listener.progress("writing") as watch:
        watch("pages", 0, 1)
        files = files_of(content, made_at)
        stale: tuple[str, ...] = ()
        if write:
            sizes = there.write(files, made_at, __version__)
        else:
            sizes, stale = there.stale(files, made_at, __version__)
        watch("pages", 1, 1)
    pages = [name for name in sizes if name.endswith("index.html")]
    return PagesWritten(
        folder=str(folder),
        pages=len(pages),
        bytes=sum(sizes.values()),
        unread=tuple(unread.source for unread in content.unread),
        problems=tuple(_problems(content)),
        compared_only=not write,
        stale=stale,
    )


def _check_address(url: str) -> None:
    """Refuse an address at which nobody can read pages.

    Feeds have it in each link, so that a secret in it would be published.
    """
    if not url:
        return
    try:
        parts = urlsplit(url)
        # A port that is no number is told only when it is asked for.
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    is_whole = parts.scheme in {"http", "https"} and parts.hostname and url == url.strip()
    has_more = parts.username or parts.password or parts.query or parts.fragment
    if is_whole and not has_more:
        return
    problem = Diagnostic(
        "No address of pages",
        f"--url {with_code_points(url)} is not where a browser finds pages.",
        hint="Write it as https://HOST/FOLDER/, without a user or a query.",
    )
    raise UsageError(problem)


def gathered(
    session: Session,
    wishes: PageWishes,
    max_age: timedelta,
    since: str | None = None,
) -> PageContent:
    """Return all that pages tell.

    Parameters
    ----------
    session, wishes, max_age, since
        As for `page`.

    Raises
    ------
    UsageError
        Something that was asked for is not declared, or there is no such
        revision.
    """
    unsound: tuple[Diagnostic, ...] = ()
    sources = Sources(session, wishes, max_age)
    try:
        _ = session.desired
    except InvalidStateError as error:
        unsound = error.diagnostics
        sound = sources.newest_sound()
        if sound is None:
            return PageContent(
                at=stamp(session.now()),
                version=__version__,
                wishes=wishes,
                desired=None,
                unsound=unsound,
                merges=sources.merges(),
                unread=tuple(sources.unread),
            )
        # All that follows is told of what was sound.
        session.desired = sound
    # What was asked for in vain is told before anything is looked at.
    _ = session.narrowed
    return sources.content(unsound, since)


def _problems(content: PageContent) -> Iterator[Diagnostic]:
    """Yield what a person is told on the terminal."""
    yield from content.unsound[:_MOST_MISTAKES]
    if content.unsound:
        words = "The pages tell of the newest sound revision, and say so."
        if content.desired is None:
            words = "No revision is sound, so the pages tell nothing but that."
        yield Diagnostic(
            "State tree does not validate",
            words,
            hint="`calibstate validate` tells all of it.",
            severity=Severity.WARNING,
        )
    for unread in content.unread:
        for problem in unread.problems:
            detail = problem.detail
            if not detail.startswith(unread.source):
                detail = f"{unread.source}: {detail}"
            yield Diagnostic(
                "Source could not be read",
                detail,
                hint=problem.hint,
                severity=Severity.WARNING,
            )
