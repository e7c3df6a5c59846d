"""The state tree: files on disk to one desired state, or to all its mistakes.

Nobody mends a tree in ten rounds, so every file is read and checked before
anything is said; and nothing outside the tree is ever read for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import ValidationError

from .. import __version__
from ..checks.crosscheck import crosscheck
from ..checks.tree import Tree, Unread
from ..errors import Diagnostic, InvalidStateError, Severity, Where
from ..model.chains import ChainFile
from ..model.desired import DesiredState, Written
from ..model.forms import Form
from ..model.names import Noun
from ..model.repositories import Site
from ..model.seals import Seal
from ..model.settings import Settings, is_met
from ..model.tickets import Ticket
from .disk import Content, Disk, Files, unreadable
from .gitnames import GIT_FOLDER, repository_parts
from .mistakes import mistakes
from .yamlsource import Source, in_lines, read_yaml

__all__ = [
    "ROOT_FILE",
    "ROOT_VARIABLE",
    "Memo",
    "OwnFolders",
    "contents",
    "find_root",
    "load",
    "load_from",
    "parts",
]

ROOT_FILE = "calibstate.yaml"
"""The file whose folder is the root of a tree."""

ROOT_VARIABLE = "CALIBSTATE_ROOT"
"""Environment variable that names the root of the tree."""

_FOLDERS = ("sites", "tickets", "chains", "seals")

_BY_INSTRUMENT = ("tickets", "seals")
"""Those with a folder for each instrument."""


def parts(own: OwnFolders) -> tuple[str, ...]:
    """Return the names of what a tree is made of.

    Parameters
    ----------
    own
        The folders that kinds bring.
    """
    return (ROOT_FILE, *_FOLDERS, *own)


OwnFolders = Mapping[str, Callable[[], Form]]
"""Folders of files that only some kinds have, and what gives their forms."""

_NONE: OwnFolders = {}

N = TypeVar("N", bound=Noun)


def find_root(given: Path | None) -> Path:
    """Return the root of the state tree, as an absolute path.

    Parameters
    ----------
    given
        What the command line says.  Else ``$CALIBSTATE_ROOT``, the nearest
        folder upward with a ``calibstate.yaml``, or ``./state``.

    Raises
    ------
    InvalidStateError
        There is no tree.
    """
    if given is not None:
        return _root_named(given, "-C")
    if named := os.environ.get(ROOT_VARIABLE):
        return _root_named(Path(named), f"${ROOT_VARIABLE}")
    here = _working_directory()
    for folder in (here, *here.parents, here / "state"):
        if _is_root(folder):
            return _followed(folder)
    detail = f"Neither {here}, nor a folder above it, nor its folder `state` holds {ROOT_FILE}."
    hint = f"Go to a state tree, name one with -C DIR or ${ROOT_VARIABLE}, or make one: calibstate init."
    raise InvalidStateError(Diagnostic("No state tree", detail, hint=hint))


def _root_named(folder: Path, by: str) -> Path:
    if _is_root(folder):
        return _followed(folder)
    hint = ""
    if not os.access(folder, os.F_OK):
        detail = f"{by} names {folder}, which does not exist."
    elif not folder.is_dir():
        detail = f"{by} names {folder}, which is not a folder."
    else:
        detail = f"{by} names {folder}, which holds no {ROOT_FILE}."
        if _is_root(folder / "state"):
            hint = f"Did you mean {folder / 'state'}?"
        elif os.access(folder / "calibstate.yml", os.F_OK):
            hint = f"Rename its calibstate.yml to {ROOT_FILE}."
    raise InvalidStateError(Diagnostic("No state tree", detail, hint=hint))


def _followed(folder: Path) -> Path:
    """Return where a root really is; no link may lead out of its clone.

    A link of the checkout may be proposed by anybody; one that lies elsewhere
    was made by who may do so.
    """
    written = Path(os.path.abspath(folder))  # noqa: PTH100 - links are kept
    root = folder.resolve()
    for link in (written, *written.parents):
        if not link.is_symlink():
            continue
        clone = _clone_of(link.parent.resolve())
        if clone and not link.resolve().is_relative_to(clone):
            detail = f"{link} is a link out of {clone}, to what was never reviewed with it."
            hint = f"If that is the tree that is meant, name it: -C {root}."
            raise InvalidStateError(Diagnostic("Link out of the clone", detail, hint=hint))
    return root


def _clone_of(folder: Path) -> Path | None:
    """Return the top of the clone that a folder is in, if it is in one."""
    for above in (folder, *folder.parents):
        if (above / GIT_FOLDER).exists():
            return above
    return None


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as exc:
        detail = f"The working directory cannot be seen: {exc.strerror}."
        hint = "Name a tree with -C DIR."
        raise InvalidStateError(Diagnostic("No state tree", detail, hint=hint)) from None


def _is_root(folder: Path) -> bool:
    # Unlike Path.exists, this is no error in folders that may not be seen.
    return os.access(folder / ROOT_FILE, os.F_OK)


Memo = dict[tuple[str, str], Any]
"""What was made of files before, by their names and what they hold."""


def load(
    root: Path, memo: Memo | None = None, own: OwnFolders = _NONE
) -> tuple[DesiredState, tuple[Diagnostic, ...]]:
    """Read a state tree.

    Parameters
    ----------
    root
        Folder with ``calibstate.yaml``.
    memo
        Kept from tree to tree, where another one is read too.
    own
        The folders that kinds bring.

    Returns
    -------
    DesiredState
        All that it declares.
    tuple of Diagnostic
        Warnings and notes.

    Raises
    ------
    InvalidStateError
        There are mistakes: all of them, by file and line.
    """
    files = Disk(root.resolve())
    # An empty memo is kept, too: it is filled for its owner.
    if memo is None:
        memo = {}
    return load_from(files, memo, own)


def contents(files: Files, own: OwnFolders = _NONE) -> dict[str, bytes]:
    """Return all files of a tree that are read, whatever is in them.

    Parameters
    ----------
    files
        Its files.
    own
        The folders that kinds bring.

    Returns
    -------
    dict
        Their bytes, by name; ends of lines are all of one kind.

    Raises
    ------
    InvalidStateError
        One of them cannot be read.
    """
    return {file: in_lines(files.read(file)) for file in _Folder(files, {}, own).all_files()}


def load_from(
    files: Files, memo: Memo, own: OwnFolders = _NONE
) -> tuple[DesiredState, tuple[Diagnostic, ...]]:
    """Read a state tree from wherever its files are.

    Parameters
    ----------
    files
        Its files.
    memo
        Kept from tree to tree, so that no content is read twice.
    own
        The folders that kinds bring.

    Returns
    -------
    DesiredState
        All that it declares.
    tuple of Diagnostic
        Warnings and notes.

    Raises
    ------
    InvalidStateError
        There are mistakes: all of them, by file and line.
    """
    folder = _Folder(files, memo, own)
    tree = folder.read()
    all_of_it = {*folder.diagnostics, *crosscheck(tree)}
    diagnostics = sorted(all_of_it, key=_by_line)
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity is Severity.ERROR]
    if errors:
        raise InvalidStateError(*errors)
    return tree.desired, tuple(diagnostics)


def _by_line(diagnostic: Diagnostic) -> tuple[Where, str, str]:
    # Those without a line come first.
    where = diagnostic.where or Where("", 0)
    return where, diagnostic.summary, diagnostic.detail


@dataclass(frozen=True)
class _Parsed:
    """What was made of a file."""

    written: Written[Any] | None
    data: Any
    diagnostics: tuple[Diagnostic, ...]


class _Folder:
    """A tree that is being read, and what is wrong with its files."""

    def __init__(self, files: Files, memo: Memo, own: OwnFolders) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._files = files
        self._memo = memo
        self._own = own
        self._unread = _Unread()

    def all_files(self) -> Iterator[str]:
        """Yield the files that are read."""
        yield ROOT_FILE
        for name in _FOLDERS:
            if name in _BY_INSTRUMENT:
                yield from self._by_instrument(name)
            else:
                yield from self._yaml_files(name)
        for form in self._forms():
            yield from self._yaml_files(form.folder)

    def read(self) -> Tree:
        """Read all files, each for itself."""
        self._refuse_repositories()
        settings = self._read_settings()
        sites = self._read_all(Site, self._yaml_files("sites"))
        tickets = self._read_all(Ticket, self._by_instrument("tickets"))
        chains = self._read_all(ChainFile, self._yaml_files("chains"))
        # A seal that cannot be read declares nothing that others name, so what
        # could not be read is counted before seals are.
        unread = self._unread.unread()
        seals = self._read_all(Seal, self._by_instrument("seals"))
        own: dict[Form, tuple[Written[Noun], ...]] = {}
        for form in self._forms():
            own[form] = self._read_all(form.noun, self._yaml_files(form.folder))
        of_trees = parts(self._own)
        besides = tuple(name for name in self._names("") if name not in of_trees)
        return Tree(self._files.root, settings, sites, tickets, chains, unread, seals, own, besides)

    def _forms(self) -> list[Form]:
        """Return the forms of what the tree has of kinds' own files."""
        # A kind of which a tree has nothing is not imported for it.
        return [form() for folder, form in self._own.items() if folder in self._all_names("")]

    def _read_settings(self) -> Written[Settings] | None:
        parsed = self._parsed(Settings, ROOT_FILE)
        self.diagnostics += parsed.diagnostics
        return parsed.written

    def _read_all(self, noun: type[N], files: Iterator[str]) -> tuple[Written[N], ...]:
        read = []
        for file in files:
            parsed = self._parsed(noun, file)
            self.diagnostics += parsed.diagnostics
            if parsed.written:
                read.append(parsed.written)
            else:
                self._unread.add(noun, file, parsed.data)
        return tuple(read)

    def _parsed(self, noun: type[Noun], file: str) -> _Parsed:
        """Return what a file says, from the memo where it was read before."""
        try:
            content = self._files.content(file)
        except InvalidStateError as exc:
            return _Parsed(None, None, exc.diagnostics)
        key = (file, content.digest)
        if key not in self._memo:
            self._memo[key] = self._parse(noun, file, content)
        parsed: _Parsed = self._memo[key]
        return parsed

    def _parse(self, noun: type[Noun], file: str, content: Content) -> _Parsed:
        try:
            source = read_yaml(content.read(), file)
        except InvalidStateError as exc:
            return _Parsed(None, None, exc.diagnostics)
        diagnostics = list(source.problems)
        if noun is Settings:
            diagnostics.extend(_check_version(source))
        try:
            valid = noun.model_validate(source.data)
        except ValidationError as exc:
            diagnostics.extend(mistakes(exc, noun, source))
            return _Parsed(None, source.data, tuple(diagnostics))
        return _Parsed(Written(valid, source.lines), source.data, tuple(diagnostics))

    def _refuse_repositories(self) -> None:
        """Refuse folders that Git, or who asks it, could take for its own."""
        folders = [""]
        folders += [name for name in self._all_names("") if name != GIT_FOLDER]
        for kind in _BY_INSTRUMENT:
            folders += [f"{kind}/{name}" for name in self._all_names(kind)]
        for folder in folders:
            if folder and not self._files.is_folder(folder):
                continue
            of_git = repository_parts(self._all_names(folder), is_root=not folder)
            if not of_git:
                continue
            where = f"`{folder}`" if folder else "the root of the tree"
            detail = (
                f"{', '.join(of_git)} in {where}: Git could "
                "take it for a repository, with settings that name programs to run."
            )
            hint = "Remove it: nothing of a state tree is called so, and nobody has it there by chance."
            self._add("Git repository within the tree", detail, folder or ROOT_FILE, hint)

    def _all_names(self, folder: str) -> list[str]:
        """List a folder; what cannot be listed is told where it is read."""
        try:
            return sorted(self._files.names(folder))
        except (InvalidStateError, OSError):
            return []

    def _by_instrument(self, kind: str) -> Iterator[str]:
        for name in self._names(kind):
            folder = f"{kind}/{name}"
            if self._files.is_folder(folder) and not name.endswith(".yaml"):
                yield from self._yaml_files(folder)
            else:
                detail = f"{kind.capitalize()} are read from the folders of their instruments only."
                hint = f"Move it to {kind}/INSTRUMENT/{name}."
                self._add("File in the wrong place", detail, folder, hint)

    def _yaml_files(self, folder: str) -> Iterator[str]:
        for name in self._names(folder):
            file = f"{folder}/{name}"
            if name.endswith(".yaml"):
                yield file
            else:
                self._tell_stray(file)

    def _names(self, folder: str) -> list[str]:
        """List a folder, without what is nobody's declaration."""
        try:
            names = sorted(name for name in self._files.names(folder) if not _is_passed_over(name))
            return [name for name in names if self._can_be_shown(folder, name)]
        except InvalidStateError as exc:
            self.diagnostics += exc.diagnostics
        except OSError as exc:
            self.diagnostics.append(unreadable(exc, folder))
        return []

    def _can_be_shown(self, folder: str, name: str) -> bool:
        if name.isprintable():
            return True
        detail = f"The name {name!a} cannot be shown."
        self._add("Unprintable file name", detail, folder or ".", "Rename it.")
        return False

    def _tell_stray(self, file: str) -> None:
        name = PurePosixPath(file)
        if self._files.is_folder(file):
            self._add("Folder in the wrong place", "Nothing in this folder is read.", file)
        elif name.suffix.lower() in {".yml", ".yaml"}:
            hint = f"Rename it to {name.stem}.yaml."
            self._add("File under a wrong suffix", "Only files that end in .yaml are read.", file, hint)
        else:
            detail = "Only files that end in .yaml are read."
            self.diagnostics.append(Diagnostic("File not read", detail, Where(file, 1), "", Severity.WARNING))

    def _add(self, summary: str, detail: str, file: str, hint: str = "") -> None:
        self.diagnostics.append(Diagnostic(summary, detail, Where(file, 1), hint))


def _is_passed_over(name: str) -> bool:
    """Return whether a file is hidden, for readers, or an editor's."""
    begins = (".", "#", "README", "__pycache__")
    ends = (".bak", ".orig", ".rej", ".swp", ".swo", ".tmp", "~", ".md")
    return name.startswith(begins) or name.endswith(ends)


def _check_version(source: Source) -> Iterator[Diagnostic]:
    """Tell a mistake in ``requires``; refuse a tree for other versions.

    All else that is unknown to us may be right for those, so it is not told.
    """
    if not isinstance(source.data, dict):
        return
    requires = source.data.get("requires")
    if isinstance(requires, str):
        where = source.lines.value_at("requires")
        try:
            fits = is_met(requires, __version__)
        except ValueError as exc:
            yield Diagnostic("Not a version", f"`requires`: {exc}.", where, 'Write it as in ">=0.1,<2".')
            fits = True
        if not fits:
            raise _wrong_version(f"The tree is for calibstate {requires}; this is {__version__}.", where)
    form = source.data.get("version")
    if isinstance(form, int) and form > 1:
        detail = f"The tree has form {form}; this version of calibstate, {__version__}, knows form 1."
        raise _wrong_version(detail, source.lines.value_at("version"))


def _wrong_version(detail: str, where: Where) -> InvalidStateError:
    hint = "Use a version of calibstate that fits."
    return InvalidStateError(Diagnostic("Wrong version of calibstate", detail, where, hint))


@dataclass
class _Unread:
    """What files that could not be read seem to have declared."""

    words: set[str] = field(default_factory=set)
    sites: bool = False
    collections: bool = False

    def add(self, noun: type[Noun], file: str, data: Any) -> None:
        """Add one such file."""
        self.words.add(PurePosixPath(file).stem)
        keys: dict[str, Any] = {}
        if isinstance(data, dict):
            keys = data
        self.words.update(_words_of(keys))
        if noun is Site:
            self.sites = True
        elif keys.keys().isdisjoint({"collections", "bare", "chain"}):
            # It could have declared any collection.
            self.collections = True

    def unread(self) -> Unread:
        """Return it all."""
        return Unread(frozenset(self.words), self.sites, self.collections)


def _words_of(data: dict[str, Any]) -> Iterator[str]:
    """Yield the names that a file seems to declare."""
    values = [data.get("ticket"), data.get("chain")]
    bare = data.get("bare")
    if isinstance(bare, list):
        values.extend(bare)
    for value in values:
        if isinstance(value, str):
            yield value
