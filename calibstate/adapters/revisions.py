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
from .git import FOLDER, LINK, Checkout, Commit, Entry, GitFailedError, opened

__all__ = ["Past", "PastFiles", "past"]

# A number that nobody counted to is left alone.
_MERGED = re.compile(r"Merge pull request #(\d{1,9}) ")
_SQUASHED = re.compile(r" \(#(\d{1,9})\)$")

_Listing = Mapping[str, tuple[int, str]]
"""Mode and hex digest of what a folder holds, by name."""


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
    def digest(self) -> tuple[tuple[str, tuple[int, str]], ...]:
        """What only equal trees share."""
        return tuple(sorted(self.top.items()))

    @cached_property
    def has_links(self) -> bool:
        """Whether something in it leads somewhere else."""
        return self.past.has_links(self.top)

    def names(self, folder: str) -> Iterable[str]:
        """List a folder."""
        entry = self._at(folder) if folder else None
        if folder and not entry:
            return []
        if entry and entry[0] != FOLDER:
            raise NotADirectoryError(20, "Not a directory")
        return list(self.past.listing(entry[1]) if entry else self.top)

    def is_folder(self, path: str) -> bool:
        """Say whether something is a folder."""
        entry = self._at(path)
        return entry is not None and entry[0] == FOLDER

    def read(self, file: str) -> bytes:
        """Return a file."""
        return self.content(file).read()

    def content(self, file: str) -> Content:
        """Return what a file held; it is read when it is asked for."""
        entry = self._at(file)
        if entry is None:
            raise InvalidStateError(unreadable(FileNotFoundError(2, "No such file or directory"), file))
        if entry[0] == FOLDER:
            raise not_a_file(file, is_folder=True)
        return Content(entry[1], lambda: self.past.content(entry[1]))

    def _at(self, path: str) -> tuple[int, str] | None:
        here: _Listing = self.top
        *above, name = path.split("/")
        for part in above:
            entry = here.get(part)
            if entry is None or entry[0] != FOLDER:
                return None
            here = self.past.listing(entry[1])
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

    def __init__(self, checkout: Checkout, folder: str, parts: tuple[str, ...]) -> None:
        self._checkout = checkout
        self._root = folder
        self._inside = checkout.inside(folder)
        self._parts = parts
        self._listings: dict[str, _Listing] = {}
        self._linked: dict[str, bool] = {}

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
            return PastFiles(self._root, self, self._top(self._checkout.commit(commit).tree))

    def listing(self, digest: str) -> _Listing:
        """Return what a folder holds.

        Raises
        ------
        CalibstateError
            It cannot be read.
        """
        if digest not in self._listings:
            with _in_words():
                self._listings[digest] = _listed(self._checkout.folder(digest))
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
        return any(mode == LINK or (mode == FOLDER and self._is_linked(d)) for mode, d in listing.values())

    def _is_linked(self, digest: str) -> bool:
        if digest not in self._linked:
            self._linked[digest] = self.has_links(self.listing(digest))
        return self._linked[digest]

    @property
    def _paths(self) -> list[str]:
        return [str(self._inside / part) for part in self._parts]

    def _top(self, tree: str) -> _Listing:
        here = _listed(entries_of(self._checkout, tree, self._inside.parts))
        return {name: entry for name, entry in here.items() if name in self._parts}

    def _revision(self, commit: Commit) -> Revision:
        subject, _, body = commit.message.strip().partition("\n")
        merged, squashed = _MERGED.match(subject), _SQUASHED.search(subject)
        title = _SQUASHED.sub("", subject)
        if merged and body.strip():
            title = body.strip().partition("\n")[0]
        number = merged or squashed
        is_merge = len(commit.parents) > 1
        brought = self._brought.get(commit.digest, ()) if is_merge else ()
        return Revision(
            commit.digest,
            committed_at(commit),
            title,
            brought or (commit.author,),
            commit.author if is_merge else None,
            int(number[1]) if number else None,
        )

    @cached_property
    def _brought(self) -> Mapping[str, tuple[str, ...]]:
        """Authors of what each merge of the main branch brought."""
        lines_of_graph = self._checkout.tell("rev-list", "--parents", "HEAD")
        graph = [line.split() for line in lines_of_graph.splitlines()]
        parents = {commit: above for commit, *above in graph}
        # As the commits say: a .mailmap of the tree calls nobody otherwise.
        form = ("--encoding=UTF-8", "--format=%H%x09%an")
        lines_of_authors = self._checkout.tell(
            "rev-list", "--no-merges", "--full-history", *form, "HEAD", "--", *self._paths
        )
        touching = [line for line in lines_of_authors.split("\n") if "\t" in line]
        # The oldest first.
        authors = dict(line.split("\t", 1) for line in reversed(touching))
        order = {commit: number for number, commit in enumerate(authors)}
        reached_before: set[str] = set()
        brought: dict[str, tuple[str, ...]] = {}
        for commit in reversed(_first_parents(graph[0][0], parents)):
            came = sorted(
                _reached(parents[commit][1:], parents, reached_before) & authors.keys(), key=order.__getitem__
            )
            brought[commit] = tuple(dict.fromkeys(authors[digest] for digest in came))
            reached_before.add(commit)
        return brought


def _first_parents(head: str, parents: Mapping[str, list[str]]) -> list[str]:
    line = [head]
    while above := parents.get(line[-1]):
        line.append(above[0])
    # In a shallow clone the last parents are not there.
    return [commit for commit in line if commit in parents]


def _reached(begin: list[str], parents: Mapping[str, list[str]], reached_before: set[str]) -> set[str]:
    """Return what is reached from commits for the first time."""
    reached: set[str] = set()
    left = list(begin)
    while left:
        commit = left.pop()
        if commit not in reached_before:
            reached_before.add(commit)
            reached.add(commit)
            left += parents.get(commit, ())
    return reached


def _listed(entries: Iterable[Entry]) -> _Listing:
    return {entry.name: (entry.mode, entry.digest) for entry in entries}


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except GitFailedError as error:
        detail = f"Git tells: {error.words}"
        raise CalibstateError(Diagnostic("History cannot be read", detail)) from None
