"""The state tree: files on disk to one desired state, or to all its mistakes.

Nobody mends a tree in ten rounds, so every file is read and checked before
anything is said; and nothing outside the tree is ever read for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
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
from ..model.forms import Beside, Form
from ..model.names import Noun
from ..model.repositories import Site
from ..model.seals import Seal
from ..model.settings import Settings, is_met
from ..model.tickets import Ticket
from ..model.verdicts import TicketVerdicts
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
    "is_of_a_tree",
    "load",
    "load_from",
    "parts",
]

ROOT_FILE = "calibstate.yaml"
"""The file whose folder is the root of a tree."""

ROOT_VARIABLE = "CALIBSTATE_ROOT"
"""Environment variable that names the root of the tree."""

_FOLDERS = ("sites", "tickets", "chains", "seals", "verdicts")

_BY_INSTRUMENT = ("tickets", "seals", "verdicts")
"""Those with a folder for each instrument."""


def parts(own: OwnFolders) -> tuple[str, ...]:
    """Return the names of what a tree is made of.

    Parameters
    ----------
    own
        The folders that kinds bring.
    """
    return (ROOT_FILE, *_FOLDERS, *own)


def is_of_a_tree(file: Path, own: OwnFolders) -> bool:
    """Say whether a file is one that a state tree is made of.

    Parameters
    ----------
    file
        It need not exist.
    own
        The folders that kinds bring.
    """
    resolved = file.resolve()
    for folder in resolved.parents:
        if (folder / ROOT_FILE).is_file():
            return resolved.relative_to(folder).parts[0] in parts(own)
    return False


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
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        return _root_named(Path(named), f"${ROOT_VARIABLE}")
    try:
        here = Path.cwd()
    except OSError as exc:
        raise InvalidStateError(
            Diagnostic(
                "No state tree",
                f"The working directory cannot be seen: {exc.strerror}.",
                hint="Name a tree with -C DIR.",
            )
        ) from None
    for folder in (here, *here.parents, here / "state"):
        if _is_root(folder):
            return _followed(folder)
    raise InvalidStateError(
        Diagnostic(
            "No state tree",
            f"Neither {here}, nor a folder above it, nor its folder `state` holds {ROOT_FILE}.",
            hint=f"Go to a state tree, name one with -C DIR or ${ROOT_VARIABLE}, "
            "or make one: calibstate init --site usdf/main=/repo/main.",
        )
    )


def _root_named(folder: Path, by: str) -> Path:
    """Return the root that somebody named, by an option or a variable."""
    if _is_root(folder):
        return _followed(folder)
    why = f"holds no {ROOT_FILE}"
    hint = ""
    likely = folder / "state"
    if not os.access(folder, os.F_OK):
        why = "does not exist"
    elif not folder.is_dir():
        why = "is not a folder"
    elif _is_root(likely):
        hint = f"Did you mean {likely}?"
    elif os.access(folder / "calibstate.yml", os.F_OK):
        hint = f"Rename its calibstate.yml to {ROOT_FILE}."
    raise InvalidStateError(
        Diagnostic(
            "No state tree",
            f"{by} names {folder}, which {why}.",
            hint=hint,
        )
    )


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
        if clone is None:
            continue
        target = link.resolve()
        if not target.is_relative_to(clone):
            raise InvalidStateError(
                Diagnostic(
                    "Link out of the clone",
                    f"{link} is a link out of {clone}, to what was never reviewed with it.",
                    hint=f"If that is the tree that is meant, name it: -C {root}.",
                )
            )
    return root


def _clone_of(folder: Path) -> Path | None:
    """Return the top of the clone that a folder is in, if it is in one."""
    for above in (folder, *folder.parents):
        git_folder = above / GIT_FOLDER
        if git_folder.exists():
            return above
    return None


def _is_root(folder: Path) -> bool:
    file = folder / ROOT_FILE
    # Unlike Path.exists, this is no error in folders that may not be seen.
    return os.access(file, os.F_OK)


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
    folder = _Folder(files, {}, own)
    contents = {}
    for file in folder.all_files():
        content = files.read(file)
        contents[file] = in_lines(content)
    return contents


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
    unique = {*folder.diagnostics, *crosscheck(tree)}
    diagnostics = sorted(unique, key=_file_and_line)
    errors = []
    for diagnostic in diagnostics:
        if diagnostic.severity is Severity.ERROR:
            errors.append(diagnostic)
    if errors:
        raise InvalidStateError(*errors)
    return tree.desired, tuple(diagnostics)


def _file_and_line(diagnostic: Diagnostic) -> tuple[Where, str, str]:
    """Return the place of a diagnostic in their order."""
    # Those without a line come first.
    where = diagnostic.where or Where("", 0)
    return where, diagnostic.summary, diagnostic.detail


@dataclass(frozen=True)
class _Parsed:
    """What was made of a file."""

    written: Written[Any] | None
    """What it declares; `None`: it could not be read."""

    data: Any
    """What it says, as plain data."""

    diagnostics: tuple[Diagnostic, ...]
    """What is wrong with it."""


class _Folder:
    """A tree that is being read, and what is wrong with its files."""

    def __init__(self, files: Files, memo: Memo, own: OwnFolders) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._files = files
        self._memo = memo
        self._own = own
        self._unread = _Unread()
        self._strays: list[str] = []
        """Files that do not end as those of their folder do."""

    def all_files(self) -> Iterator[str]:
        """Yield the files that are read."""
        yield ROOT_FILE
        for name in _FOLDERS:
            if name in _BY_INSTRUMENT:
                yield from self._by_instrument(name)
            else:
                yield from self._yaml_files(name)
        for form in self._forms():
            yield from self._yaml_files(form.folder, form.beside)
            yield from self._files_beside(form)

    def read(self) -> Tree:
        """Read all files, each for itself."""
        self._refuse_repositories()
        parsed = self._parsed(Settings, ROOT_FILE)
        self.diagnostics += parsed.diagnostics
        settings: Written[Settings] | None = parsed.written
        # Each for itself: what they say of each other is checked after.
        sites = self._read_all(Site, self._yaml_files("sites"))
        tickets = self._read_all(Ticket, self._by_instrument("tickets"))
        chains = self._read_all(ChainFile, self._yaml_files("chains"))
        # A seal or a verdict that cannot be read declares nothing that others
        # name, so what could not be read is counted before they are.
        unread = self._unread.unread()
        seals = self._read_all(Seal, self._by_instrument("seals"))
        verdicts = self._read_all(TicketVerdicts, self._by_instrument("verdicts"))
        own = {}
        beside: dict[str, Written[Noun] | None] = {}
        for form in self._forms():
            own_files = self._yaml_files(form.folder, form.beside)
            own[form] = self._read_all(form.noun, own_files)
            beside.update(self._read_beside(form))
        known_names = parts(self._own)
        besides = []
        for name in self._names(""):
            if name not in known_names:
                besides.append(name)
        self.tell_strays(tickets)
        return Tree(
            self._files.root,
            settings,
            sites,
            tickets,
            chains,
            unread,
            seals,
            own,
            beside,
            tuple(besides),
            verdicts,
        )

    def tell_strays(self, tickets: Iterable[Written[Ticket]]) -> None:
        """Tell of files that nobody reads, but for the tables of tickets."""
        tables = set()
        for ticket in tickets:
            folder = PurePosixPath(ticket.lines.file).parent
            for entry in ticket.noun.ingest:
                tables.add(str(folder / entry.table))
        for file in self._strays:
            # Tables are read where a plan is made, and no other file is.
            if file not in tables:
                self._add(
                    "File not read",
                    "Only files that end in .yaml are read.",
                    file,
                    severity=Severity.WARNING,
                )

    def _forms(self) -> list[Form]:
        """Return the forms of what the tree has of kinds' own files."""
        present = self._all_names("")
        forms = []
        for folder, form in self._own.items():
            # A kind of which a tree has nothing is not imported for it.
            if folder in present:
                forms.append(form())
        return forms

    def _read_all(self, noun: type[N], files: Iterator[str]) -> tuple[Written[N], ...]:
        """Return what files declare, and keep what is wrong with them."""
        declared = []
        for file in files:
            parsed = self._parsed(noun, file)
            self.diagnostics += parsed.diagnostics
            if parsed.written:
                declared.append(parsed.written)
            else:
                self._unread.add(noun, file, parsed.data)
        return tuple(declared)

    def _read_beside(self, form: Form) -> Iterator[tuple[str, Written[Noun] | None]]:
        """Yield what the files beside those of a form say, each for itself."""
        for file in self._files_beside(form):
            assert form.beside, "it has such files"
            written: Written[Noun] | None = None
            try:
                content = self._files.content(file)
                key = (file, content.digest)
                if key not in self._memo:
                    self._memo[key] = form.beside.read(content.read(), file)
                written = self._memo[key]
            except InvalidStateError as exc:
                self.diagnostics += exc.diagnostics
            yield file, written

    def _files_beside(self, form: Form) -> Iterator[str]:
        """Yield the files that stand beside those of a form."""
        if form.beside is None:
            return
        for name in self._all_names(form.folder):
            if _is_passed_over(name) or not name.endswith(form.beside.suffix):
                continue
            if name.isprintable():
                yield f"{form.folder}/{name}"

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
        written = None
        try:
            valid = noun.model_validate(source.data)
        except ValidationError as exc:
            diagnostics.extend(mistakes(exc, noun, source))
        else:
            written = Written(valid, source.lines)
        return _Parsed(written, source.data, tuple(diagnostics))

    def _refuse_repositories(self) -> None:
        """Refuse folders that Git, or who asks it, could take for its own."""
        # The tree itself, what is in it, and the folders of instruments.
        folders = [""]
        for name in self._all_names(""):
            if name != GIT_FOLDER:
                folders.append(name)
        for kind in _BY_INSTRUMENT:
            for name in self._all_names(kind):
                folders.append(f"{kind}/{name}")
        for folder in folders:
            if folder and not self._files.is_folder(folder):
                continue
            names = self._all_names(folder)
            parts_of_git = repository_parts(names, is_root=not folder)
            if not parts_of_git:
                continue
            where = "the root of the tree"
            if folder:
                where = f"`{folder}`"
            joined = ", ".join(parts_of_git)
            self._add(
                "Git repository within the tree",
                f"{joined} in {where}: Git could "
                "take it for a repository, with settings that name programs to run.",
                folder or ROOT_FILE,
                "Remove it: nothing of a state tree is called so, and nobody has it there by chance.",
            )

    def _all_names(self, folder: str) -> list[str]:
        """List a folder; what cannot be listed is told where it is read."""
        try:
            return sorted(self._files.names(folder))
        except (InvalidStateError, OSError):
            return []

    def _by_instrument(self, kind: str) -> Iterator[str]:
        """Yield the files of a kind that has a folder for each instrument."""
        for name in self._names(kind):
            folder = f"{kind}/{name}"
            if self._files.is_folder(folder) and not name.endswith(".yaml"):
                yield from self._yaml_files(folder)
                continue
            self._add(
                "File in the wrong place",
                f"{kind.capitalize()} are read from the folders of their instruments only.",
                folder,
                f"Move it to {kind}/INSTRUMENT/{name}.",
            )

    def _yaml_files(self, folder: str, beside: Beside | None = None) -> Iterator[str]:
        """Yield the files of a folder, and tell of what else is in it."""
        for name in self._names(folder):
            file = f"{folder}/{name}"
            if name.endswith(".yaml"):
                yield file
                continue
            # They are read by themselves.
            if beside and name.endswith(beside.suffix):
                continue
            path = PurePosixPath(file)
            if self._files.is_folder(file):
                self._add(
                    "Folder in the wrong place",
                    "Nothing in this folder is read.",
                    file,
                )
            elif path.suffix.lower() in {".yml", ".yaml"}:
                self._add(
                    "File under a wrong suffix",
                    "Only files that end in .yaml are read.",
                    file,
                    f"Rename it to {path.stem}.yaml.",
                )
            else:
                self._strays.append(file)

    def _names(self, folder: str) -> list[str]:
        """List a folder, without what is nobody's declaration."""
        try:
            present = sorted(self._files.names(folder))
        except InvalidStateError as exc:
            self.diagnostics += exc.diagnostics
            return []
        except OSError as exc:
            self.diagnostics.append(unreadable(exc, folder))
            return []
        names = []
        for name in present:
            if _is_passed_over(name):
                continue
            if self._can_be_shown(folder, name):
                names.append(name)
        return names

    def _can_be_shown(self, folder: str, name: str) -> bool:
        if name.isprintable():
            return True
        self._add(
            "Unprintable file name",
            f"The name {name!a} cannot be shown.",
            folder or ".",
            "Rename it.",
        )
        return False

    def _add(
        self,
        summary: str,
        detail: str,
        file: str,
        hint: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add what is wrong with a whole file or folder."""
        diagnostic = Diagnostic(
            summary,
            detail,
            Where(file, 1),
            hint,
            severity,
        )
        self.diagnostics.append(diagnostic)


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
        fits = True
        try:
            fits = is_met(requires, __version__)
        except ValueError as exc:
            yield Diagnostic(
                "Not a version",
                f"`requires`: {exc}.",
                where,
                'Write it as in ">=0.1,<2".',
            )
        if not fits:
            raise _wrong_version(
                f"The tree is for calibstate {requires}; this is {__version__}.",
                where,
            )
    form = source.data.get("version")
    if isinstance(form, int) and form > 1:
        raise _wrong_version(
            f"The tree has form {form}; this version of calibstate, {__version__}, knows form 1.",
            source.lines.value_at("version"),
        )


def _wrong_version(detail: str, where: Where) -> InvalidStateError:
    return InvalidStateError(
        Diagnostic(
            "Wrong version of calibstate",
            detail,
            where,
            "Use a version of calibstate that fits.",
        )
    )


@dataclass
class _Unread:
    """What files that could not be read seem to have declared."""

    words: set[str] = field(default_factory=set)
    sites: bool = False
    collections: bool = False

    def add(self, noun: type[Noun], file: str, data: Any) -> None:
        """Add one such file."""
        path = PurePosixPath(file)
        self.words.add(path.stem)
        declared: dict[str, Any] = {}
        if isinstance(data, dict):
            declared = data
        # All names that it seems to declare.
        values = [
            declared.get("ticket"),
            declared.get("chain"),
        ]
        bare = declared.get("bare")
        if isinstance(bare, list):
            values.extend(bare)
        for value in values:
            if isinstance(value, str):
                self.words.add(value)
        if noun is Site:
            self.sites = True
        elif declared.keys().isdisjoint({"collections", "bare", "chain"}):
            # It could have declared any collection.
            self.collections = True

    def unread(self) -> Unread:
        """Return it all."""
        return Unread(
            words=frozenset(self.words),
            sites=self.sites,
            collections=self.collections,
        )
