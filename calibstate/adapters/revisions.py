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

import git
from git.objects import Blob, Tree

from ..errors import CalibstateError, Diagnostic, InvalidStateError
from ..model.revisions import Revision
from ..store.disk import not_a_file, unreadable
from ..store.yamlsource import MAX_BYTES
from .history import TROUBLES, check_begun, committed_at, inside_of, opened, said_by

__all__ = ["Past", "PastFiles", "past"]

# A number that nobody counted to is left alone.
_MERGED = re.compile(r"Merge pull request #(\d{1,9}) ")
_SQUASHED = re.compile(r" \(#(\d{1,9})\)$")
_LINK = 0o120000

_Listing = Mapping[str, tuple[int, str]]
"""Mode and hex digest of what a folder holds, by name."""

_FOLDER = 0o040000


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
        found = self._at(folder) if folder else None
        if folder and not found:
            return []
        if found and found[0] != _FOLDER:
            raise NotADirectoryError(20, "Not a directory")
        return list(self.past.listing(found[1]) if found else self.top)

    def is_folder(self, path: str) -> bool:
        """Say whether something is a folder."""
        found = self._at(path)
        return found is not None and found[0] == _FOLDER

    def read(self, file: str) -> bytes:
        """Return a file."""
        found = self._at(file)
        if found is None:
            raise InvalidStateError(unreadable(FileNotFoundError(2, "No such file or directory"), file))
        if found[0] == _FOLDER:
            raise not_a_file(file, is_folder=True)
        return self.past.content(found[1])

    def content_id(self, file: str) -> str | None:
        """Return the digest of a file."""
        found = self._at(file)
        return found[1] if found else None

    def _at(self, path: str) -> tuple[int, str] | None:
        here: _Listing = self.top
        *above, name = path.split("/")
        for part in above:
            found = here.get(part)
            if found is None or found[0] != _FOLDER:
                return None
            here = self.past.listing(found[1])
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
    with opened(folder) as repository:
        yield Past(repository, folder, tuple(parts))


class Past:
    """What Git knows of a state tree; each folder in it is read once."""

    def __init__(self, repository: git.Repo, folder: str, parts: tuple[str, ...]) -> None:
        self._repository = repository
        self._root = folder
        self._inside = inside_of(repository, folder)
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
            check_begun(self._repository)
            for commit in self._repository.iter_commits("HEAD", paths=self._paths, first_parent=True):
                yield self._revision(commit)

    def files(self, commit: str) -> PastFiles:
        """Return the files of the tree at a commit.

        Raises
        ------
        CalibstateError
            The commit cannot be read.
        """
        with _in_words():
            return PastFiles(self._root, self, self._top(self._repository.commit(commit).tree))

    def listing(self, digest: str) -> _Listing:
        """Return what a folder holds.

        Raises
        ------
        CalibstateError
            It cannot be read.
        """
        if digest not in self._listings:
            with _in_words():
                tree = Tree(self._repository, bytes.fromhex(digest), _FOLDER, "folder")
                self._listings[digest] = _listed(tree)
        return self._listings[digest]

    def content(self, digest: str) -> bytes:
        """Return the bytes of a file, no more than are of any use.

        Raises
        ------
        CalibstateError
            It cannot be read.
        """
        with _in_words():
            content: bytes = self._repository.odb.stream(bytes.fromhex(digest)).read(MAX_BYTES + 1)
        return content

    def has_links(self, listing: _Listing) -> bool:
        """Say whether there are links in a folder, however deep."""
        return any(mode == _LINK or (mode == _FOLDER and self._is_linked(d)) for mode, d in listing.values())

    def _is_linked(self, digest: str) -> bool:
        if digest not in self._linked:
            self._linked[digest] = self.has_links(self.listing(digest))
        return self._linked[digest]

    @property
    def _paths(self) -> list[str]:
        return [str(self._inside / part) for part in self._parts]

    def _top(self, tree: Tree) -> _Listing:
        here: _Listing = self.listing(tree.hexsha)
        for part in self._inside.parts:
            mode, digest = here.get(part, (0, ""))
            if mode != _FOLDER:
                return {}
            here = self.listing(digest)
        return {name: entry for name, entry in here.items() if name in self._parts}

    def _revision(self, commit: git.Commit) -> Revision:
        subject, _, body = str(commit.message).strip().partition("\n")
        merged, squashed = _MERGED.match(subject), _SQUASHED.search(subject)
        title = _SQUASHED.sub("", subject)
        if merged and body.strip():
            title = body.strip().partition("\n")[0]
        number = merged or squashed
        is_merge = len(commit.parents) > 1
        brought = self._brought.get(commit.hexsha, ()) if is_merge else ()
        return Revision(
            commit.hexsha,
            committed_at(commit),
            title,
            brought or (str(commit.author.name),),
            str(commit.author.name) if is_merge else None,
            int(number[1]) if number else None,
        )

    @cached_property
    def _brought(self) -> Mapping[str, tuple[str, ...]]:
        """Authors of what each merge of the main branch brought."""
        asked = self._repository.git
        graph = [line.split() for line in asked.rev_list("--parents", "HEAD").splitlines()]
        parents = {commit: above for commit, *above in graph}
        words = ("--no-merges", "--full-history", "--format=%H%x09%aN", "HEAD", "--", *self._paths)
        touching = [line for line in asked.rev_list(*words).splitlines() if "\t" in line]
        # The oldest first.
        authors = dict(line.split("\t", 1) for line in reversed(touching))
        order = {commit: number for number, commit in enumerate(authors)}
        seen: set[str] = set()
        found: dict[str, tuple[str, ...]] = {}
        for commit in reversed(_first_parents(graph[0][0], parents)):
            came = sorted(
                _reached(parents[commit][1:], parents, seen) & authors.keys(), key=order.__getitem__
            )
            found[commit] = tuple(dict.fromkeys(authors[one] for one in came))
            seen.add(commit)
        return found


def _first_parents(head: str, parents: Mapping[str, list[str]]) -> list[str]:
    line = [head]
    while above := parents.get(line[-1]):
        line.append(above[0])
    # In a shallow clone the last parents are not there.
    return [commit for commit in line if commit in parents]


def _reached(begin: list[str], parents: Mapping[str, list[str]], seen: set[str]) -> set[str]:
    """Return what is reached from commits for the first time."""
    found: set[str] = set()
    left = list(begin)
    while left:
        commit = left.pop()
        if commit not in seen:
            seen.add(commit)
            found.add(commit)
            left += parents.get(commit, ())
    return found


def _listed(tree: Tree) -> _Listing:
    # What is a repository of its own is not read, as nothing is there.
    return {str(one.name): (one.mode, one.hexsha) for one in tree if isinstance(one, Blob | Tree)}


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except TROUBLES as error:
        detail = f"Git tells: {said_by(error)}"
        raise CalibstateError(Diagnostic("History cannot be read", detail)) from None
