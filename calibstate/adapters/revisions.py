"""Git: the main branch commit by commit, and a tree as it was at each.

The main branch is the first-parent line of HEAD: what came by a merge came
when it was merged, whatever its commits say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from ..errors import CalibstateError, Diagnostic, InvalidStateError
from ..model.revisions import Revision
from ..store.disk import Content, not_a_file, unreadable
from ..store.yamlsource import MAX_BYTES
from .checkout import check_begun, committed_at, entries_of
from .git import LINK, Checkout, Commit, Entry, GitFailedError, opened

__all__ = ["Past", "PastFiles", "past"]

# A number that nobody counted to is left alone.
_MERGED = re.compile(r"Merge pull request #(\d{1,9}) ")
_SQUASHED = re.compile(r" \(#(\d{1,9})\)$")

_Listing = Mapping[str, Entry]
"""What a folder holds, by name."""


@dataclass(frozen=True)
class PastFiles:
    """The files of a tree as they were at a commit."""

    root: str
    """Where the tree is now."""

    past: Past
    top: _Listing

    @property
    def is_there(self) -> bool:
        """Whether there was any of it."""
        return bool(self.top)

    @property
    def digest(self) -> frozenset[Entry]:
        """What only equal trees share."""
        return frozenset(self.top.values())

    @cached_property
    def has_links(self) -> bool:
        """Whether something in it leads somewhere else."""
        return self.past.has_links(self.top)

    def names(self, folder: str) -> Iterable[str]:
        """List a folder."""
        if not folder:
            return list(self.top)
        entry = self._at(folder)
        if entry is None:
            return []
        if not entry.is_folder:
            raise NotADirectoryError(20, "Not a directory")
        return list(self.past.listing(entry.digest))

    def is_folder(self, path: str) -> bool:
        """Say whether something is a folder."""
        entry = self._at(path)
        return entry is not None and entry.is_folder

    def read(self, file: str) -> bytes:
        """Return a file."""
        return self.content(file).read()

    def content(self, file: str) -> Content:
        """Return what a file held; it is read when it is asked for."""
        entry = self._at(file)
        if entry is None:
            # As a file that is not on the disk today is told.
            error = FileNotFoundError(2, "No such file or directory")
            raise InvalidStateError(unreadable(error, file))
        if entry.is_folder:
            raise not_a_file(file, is_folder=True)
        return Content(entry.digest, lambda: self.past.content(entry.digest))

    def _at(self, path: str) -> Entry | None:
        here = self.top
        *above, name = path.split("/")
        for part in above:
            entry = here.get(part)
            if entry is None or not entry.is_folder:
                return None
            here = self.past.listing(entry.digest)
        return here.get(name)


@contextmanager
def past(folder: str, parts: Iterable[str]) -> Iterator[Past]:
    """Open the past of a state tree.

    Parameters
    ----------
    folder
        Its root.
    parts
        Names in the folder that are of the tree.

    Raises
    ------
    CalibstateError
        It is kept in no repository.
    """
    with opened(folder) as checkout:
        yield Past(checkout, folder, tuple(parts))


class Past:
    """What Git knows of a state tree; each folder in it is read once."""

    def __init__(
        self,
        checkout: Checkout,
        folder: str,
        parts: tuple[str, ...],
    ) -> None:
        self._checkout = checkout
        self._root = folder
        self._inside = checkout.inside(folder)
        self._parts = parts
        self._paths = [str(self._inside / part) for part in parts]
        self._listings: dict[str, _Listing] = {}
        self._linked: dict[str, bool] = {}
        """Whether there are links in a folder, by its digest."""

    def line(self) -> Iterator[Revision]:
        """Yield the commits of the main branch that touch the tree.

        Yields
        ------
        Revision
            The newest first.

        Raises
        ------
        CalibstateError
            There is no commit yet.
        """
        with _in_words():
            check_begun(self._checkout)
            line = self._checkout.tell("rev-list", "--first-parent", "HEAD", "--", *self._paths)
            for digest in line.split():
                yield self._revision(self._checkout.commit(digest))

    def files(self, commit: str) -> PastFiles:
        """Return the files of the tree at a commit.

        Raises
        ------
        CalibstateError
            The commit cannot be read.
        """
        with _in_words():
            tree = self._checkout.commit(commit).tree
            entries = entries_of(self._checkout, tree, self._inside.parts)
        # What else is in the folder is not of the state tree.
        top = {entry.name: entry for entry in entries if entry.name in self._parts}
        return PastFiles(self._root, self, top)

    def listing(self, digest: str) -> _Listing:
        """Return what a folder holds.

        Raises
        ------
        CalibstateError
            It cannot be read.
        """
        if digest not in self._listings:
            with _in_words():
                entries = self._checkout.folder(digest)
            self._listings[digest] = {entry.name: entry for entry in entries}
        return self._listings[digest]

    def content(self, digest: str) -> bytes:
        """Return the bytes of a file, no more than are of any use.

        Raises
        ------
        CalibstateError
            It cannot be read.
        """
        with _in_words():
            return self._checkout.file(digest, MAX_BYTES + 1)

    def has_links(self, listing: _Listing) -> bool:
        """Say whether there are links in a folder, however deep."""
        for entry in listing.values():
            if entry.mode == LINK:
                return True
            if not entry.is_folder:
                continue
            # Most folders are the same in many commits.
            if entry.digest not in self._linked:
                below = self.listing(entry.digest)
                self._linked[entry.digest] = self.has_links(below)
            if self._linked[entry.digest]:
                return True
        return False

    def _revision(self, commit: Commit) -> Revision:
        subject, _, body = commit.message.strip().partition("\n")
        merged = _MERGED.match(subject)
        squashed = _SQUASHED.search(subject)
        title = _SQUASHED.sub("", subject)
        if merged and body.strip():
            # GitHub puts the title of the pull request there.
            title, _, _ = body.strip().partition("\n")
        pull_request = None
        number = merged or squashed
        if number:
            pull_request = int(number[1])
        merged_by = None
        authors: tuple[str, ...] = ()
        if len(commit.parents) > 1:
            merged_by = commit.author
            authors = self._brought.get(commit.digest, ())
        return Revision(
            commit.digest,
            committed_at(commit),
            title,
            # What a merge changed itself is of whoever merged.
            authors or (commit.author,),
            merged_by,
            pull_request,
        )

    @cached_property
    def _brought(self) -> Mapping[str, tuple[str, ...]]:
        """Authors of what each merge of the main branch brought."""
        parents: dict[str, list[str]] = {}
        graph = self._checkout.tell("rev-list", "--parents", "HEAD")
        for line in graph.splitlines():
            commit, *above = line.split()
            parents[commit] = above
        authors = self._authors()
        order = {commit: number for number, commit in enumerate(authors)}
        # The first line of the graph is that of HEAD.
        main_branch = _first_parents(next(iter(parents)), parents)
        # From the oldest on, a commit of the main branch brought what its
        # other parents reach, and nothing before it did.
        reached_before: set[str] = set()
        brought: dict[str, tuple[str, ...]] = {}
        for commit in reversed(main_branch):
            merged = parents[commit][1:]
            reached = _reached(merged, parents, reached_before)
            touching = sorted(reached & authors.keys(), key=order.__getitem__)
            # Each author once, as their first commits follow each other.
            names = dict.fromkeys(authors[digest] for digest in touching)
            brought[commit] = tuple(names)
            reached_before.add(commit)
        return brought

    def _authors(self) -> Mapping[str, str]:
        """Return who made the commits that touch the tree, oldest first."""
        lines = self._checkout.tell(
            "rev-list",
            "--no-merges",
            "--full-history",
            # As the commits say: a .mailmap calls nobody otherwise.
            "--encoding=UTF-8",
            "--format=%H%x09%an",
            "HEAD",
            "--",
            *self._paths,
        )
        authors = {}
        for line in reversed(lines.split("\n")):
            commit, tab, author = line.partition("\t")
            # Git puts a line of its own, without a tab, before each of these.
            if tab:
                authors[commit] = author
        return authors


def _first_parents(
    head: str,
    parents: Mapping[str, list[str]],
) -> list[str]:
    line = []
    commit = head
    # In a shallow clone the last parents are not there.
    while commit in parents:
        line.append(commit)
        above = parents[commit]
        if not above:
            break
        commit = above[0]
    return line


def _reached(
    begin: list[str],
    parents: Mapping[str, list[str]],
    reached_before: set[str],
) -> set[str]:
    """Return what is reached from commits for the first time.

    It is added to what was reached before.
    """
    reached: set[str] = set()
    left = list(begin)
    while left:
        commit = left.pop()
        if commit not in reached_before:
            reached_before.add(commit)
            reached.add(commit)
            left += parents.get(commit, ())
    return reached


@contextmanager
def _in_words() -> Iterator[None]:
    """Tell what Git says as an error of ours."""
    try:
        yield
    except GitFailedError as error:
        detail = f"Git tells: {error.words}"
        raise CalibstateError(Diagnostic("History cannot be read", detail)) from None
