"""Git: which repository a state tree is kept in, and the one way to ask it.

Whoever proposes a change writes the files of the checkout, and no word of
theirs may be taken for Git's own, nor run.  So the repository is found by its
``.git``, which Git lets no commit hold, and never by what else a folder looks
like; and every process of Git is started here, with all turned off by which
Git would start another program.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import CalibstateError, Diagnostic

__all__ = [
    "FOLDER",
    "LINK",
    "Answer",
    "Checkout",
    "Commit",
    "Entry",
    "GitFailedError",
    "checkout_of",
    "opened",
    "why_not_here",
]

LINK = 0o120000
"""Mode of a link, as Git keeps it."""

FOLDER = 0o040000
"""Mode of a folder."""

_OTHER_REPOSITORY = 0o160000
"""Mode of a submodule: what is in it is kept elsewhere."""

_GIT_FOLDER = ".git"

_SETTINGS: Mapping[str, str] = {
    # A folder of the checkout that looks like a repository is none.
    "safe.bareRepository": "explicit",
    # Programs that Git starts by itself.  Before Git 2.36 the first one is the
    # name of a program, so it is empty and not `false`.
    "core.fsmonitor": "",
    "core.hooksPath": os.devnull,
    "core.editor": ":",
    "core.pager": "cat",
    "core.askPass": "",
    "core.sshCommand": "false",
    "credential.helper": "",
    "log.showSignature": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # What is not here is not fetched, and nothing of a submodule is read.
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
}
"""Settings that count more than those of any file of Git's."""

_WHEN_REACHING: Mapping[str, str] = {
    # How a server is reached, and who we are there, is the account's own.
    **{key: value for key, value in _SETTINGS.items() if key not in {"core.sshCommand", "credential.helper"}},
    "protocol.allow": "user",
    "protocol.ext.allow": "never",
    # What comes is looked through before it is kept.
    "transfer.fsckObjects": "true",
    # A server that says next to nothing is silent.
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "60",
}
"""Those of a Git that asks a server for what is new."""

_NOT_WHEN_REACHING = frozenset({"GIT_ALLOW_PROTOCOL", "GIT_NO_LAZY_FETCH"})

_VARIABLES: Mapping[str, str] = {
    # What is not here is not fetched: said once more than the settings do,
    # since a protocol may be allowed by name, and an old Git does not know
    # the second one.
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    # As settings, for what these alone can turn off.
    "GIT_ASKPASS": "",
    "GIT_EDITOR": ":",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_PAGER": "cat",
    "GIT_SEQUENCE_EDITOR": ":",
    "GIT_TERMINAL_PROMPT": "0",
    # Looking writes nothing, not even when a file was last looked at.
    "GIT_OPTIONAL_LOCKS": "0",
    # A folder may be called `*`.
    "GIT_LITERAL_PATHSPECS": "1",
    # Its words are told to people, and some are compared.
    "LANGUAGE": "C",
    "LC_ALL": "C",
}

_KEPT = re.compile(r"GIT_(AUTHOR|COMMITTER)_\w+|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|COUNT|\w+_\d+)")
"""Variables of Git's that a person sets; the others would name another
repository, or are those of a Git that has started us."""

_WRITTEN_BY = re.compile(rb"(?:(.*?) )?<[^>]*>[^<>]*? (\d+) [-+]\d+")
"""Name and time in a commit's line about who made it."""

_NO_GIT = "There is no `git` command on $PATH"

_LONGEST_POINTER = 4096
"""Bytes of a file that says where a ``.git`` is."""

_CHUNK = 1 << 20


class GitFailedError(Exception):
    """Git has not done what it was asked.

    Parameters
    ----------
    words
        Git's own words, as one sentence.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Answer:
    """What a process of Git ended with."""

    code: int
    out: str
    """Standard output, without white space at its end."""

    words: str
    """Its words on standard error, as one sentence, if it has any."""


@dataclass(frozen=True)
class Entry:
    """Something in a folder, as Git keeps it."""

    name: str
    mode: int
    digest: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == FOLDER


@dataclass(frozen=True)
class Commit:
    """A commit."""

    digest: str
    tree: str
    """Digest of the folder at the top."""

    parents: tuple[str, ...]
    author: str
    """Who made the change; no file of the checkout calls them otherwise."""

    committed: int
    """When it was committed, in seconds since 1970."""

    message: str


@dataclass
class Checkout:
    """A clone with its working tree, and what is asked of it."""

    top: Path
    """The top of its working tree."""

    git_dir: Path
    """Where Git keeps all of it."""

    _reader: subprocess.Popen[bytes] | None = None
    """Git, which hands out objects."""

    _complaints: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    """What that Git has to say."""

    def inside(self, folder: str) -> PurePosixPath:
        """Return where a folder is within the working tree."""
        return PurePosixPath(Path(folder).resolve().relative_to(self.top))

    def ask(self, *words: str) -> Answer:
        """Run Git and return whatever comes of it.

        Parameters
        ----------
        words
            Its command line.
        """
        return _run(self.top, *words)

    def tell(self, *words: str) -> str:
        """Run Git and return what it prints.

        Parameters
        ----------
        words
            Its command line.

        Raises
        ------
        GitFailedError
            It ended with another code than 0.
        """
        return _printed(words, self.ask(*words))

    def reach(self, *words: str, limit: timedelta) -> str:
        """Run Git where it may ask a server, and return what it prints.

        Parameters
        ----------
        words
            Its command line.
        limit
            How long that may take.

        Raises
        ------
        GitFailedError
            It took longer, or ended with another code than 0.
        """
        answer = _run(self.top, *words, reaches=True, limit=limit)
        return _printed(words, answer)

    def commit(self, digest: str) -> Commit:
        """Return a commit.

        Raises
        ------
        GitFailedError
            It is not there, or is none.
        """
        content = self._object(digest, "commit")
        head, _, message = content.partition(b"\n\n")
        about: dict[bytes, bytes] = {}
        parents = []
        for line in head.split(b"\n"):
            key, _, value = line.partition(b" ")
            if key == b"parent":
                parents.append(value.decode("ascii"))
            # Where a line is there twice, Git goes by the first one.
            about.setdefault(key, value)
        encoding = about.get(b"encoding", b"utf-8").decode("ascii", "replace")
        author, _ = _written_by(about.get(b"author", b""))
        _, committed = _written_by(about.get(b"committer", b""))
        return Commit(
            digest,
            about.get(b"tree", b"").decode("ascii"),
            tuple(parents),
            _decoded(author, encoding),
            committed,
            _decoded(message, encoding),
        )

    def folder(self, digest: str) -> list[Entry]:
        """Return what a folder holds, without submodules.

        Raises
        ------
        GitFailedError
            It is not there, or nothing that Git would make.
        """
        content = self._object(digest, "tree")
        size = len(digest) // 2
        entries = []
        # One after the other: mode, name and the digest in bytes, which may
        # be any, so that nothing else tells where the next one begins.
        while content:
            head, _, rest = content.partition(b"\0")
            octal, _, name_in_bytes = head.partition(b" ")
            mode = int(octal, 8)
            name = name_in_bytes.decode("utf-8", "surrogateescape")
            is_name = name not in {"", ".", ".."} and "/" not in name
            if not is_name or len(rest) < size:
                raise GitFailedError(f"{name!r} is the name of no file.")
            if mode != _OTHER_REPOSITORY:
                entries.append(Entry(name, mode, rest[:size].hex()))
            content = rest[size:]
        return entries

    def file(self, digest: str, most: int) -> bytes:
        """Return the bytes of a file, no more than so many.

        Raises
        ------
        GitFailedError
            It is not there, or is no file.
        """
        return self._object(digest, "blob", most)

    def close(self) -> None:
        """Let go of what was started."""
        if self._reader:
            self._reader.kill()
            self._reader.communicate()
            self._reader = None
        self._complaints.close()

    def _object(
        self,
        digest: str,
        kind: str,
        most: int | None = None,
    ) -> bytes:
        """Return the bytes of an object, of which one Git hands out many.

        It answers with a line of digest, kind and size, then the bytes, then
        the end of a line.
        """
        if self._reader is None:
            self._reader = _started(
                self.top,
                "cat-file",
                "--batch",
                stdin=subprocess.PIPE,
                stderr=self._complaints,
            )
        questions = self._reader.stdin
        answers = self._reader.stdout
        assert questions is not None
        assert answers is not None
        try:
            questions.write(f"{digest}\n".encode())
            questions.flush()
            head = answers.readline().split()
        except BrokenPipeError:
            head = []
        if len(head) != 3:
            self._complaints.seek(0)
            complaints = _sentence(self._complaints.read())
            words = f"{digest} is missing in this clone. {complaints}"
            raise GitFailedError(words.rstrip())
        _, kind_there, size_there = head
        size = int(size_there)
        wanted = size
        if most is not None:
            wanted = min(size, most)
        content = answers.read(wanted)
        # What is of no use is read all the same: the next answer is behind it.
        left = size - len(content) + 1
        while left:
            skipped = answers.read(min(left, _CHUNK))
            if not skipped:
                break
            left -= len(skipped)
        if kind_there.decode("ascii", "replace") != kind or left:
            raise GitFailedError(f"{digest} is no {kind}.")
        return content


@contextmanager
def opened(folder: str) -> Iterator[Checkout]:
    """Open the checkout that a folder is kept in.

    Raises
    ------
    CalibstateError
        It is kept in none, or Git refuses.
    """
    with checkout_of(folder) as checkout:
        if checkout is None:
            raise CalibstateError(
                Diagnostic(
                    "State tree is not in Git",
                    f"{folder} is in no Git repository, so nobody knows what it said before.",
                    hint="Go to a clone of the repository that it is kept in.",
                )
            )
        yield checkout


@contextmanager
def checkout_of(folder: str) -> Iterator[Checkout | None]:
    """Open the checkout that a folder is kept in; `None`: it is kept in none.

    Raises
    ------
    CalibstateError
        Git is not here, or refuses.
    """
    checkout = _found(Path(folder).resolve())
    try:
        yield checkout
    finally:
        if checkout:
            checkout.close()


def why_not_here() -> str | None:
    """Return why Git cannot be asked on this host; `None`: it can."""
    if _program():
        return None
    return _NO_GIT


def _found(folder: Path) -> Checkout | None:
    """Return the checkout of a folder: that of the nearest ``.git`` upward."""
    for above in (folder, *folder.parents):
        if _has_git_folder(above):
            break
    else:
        return None
    try:
        # Asked where its .git is, and no higher.
        answer = _run(
            above,
            "rev-parse",
            "--is-inside-work-tree",
            "--absolute-git-dir",
            "--show-prefix",
        )
    except GitFailedError as error:
        raise CalibstateError(
            Diagnostic(
                "Git is not here",
                error.words,
                hint="Install it: without it nobody knows the commit of the tree, nor what it said before.",
            )
        ) from None
    if answer.code:
        raise CalibstateError(
            Diagnostic(
                "Git refuses",
                f"{above}: {answer.words}",
                hint="Git answers the same to `git status` there.",
            )
        )
    is_inside, git_dir, *within = answer.out.split("\n")
    # Where a .git is damaged, an old Git takes the folder itself for one.
    if Path(git_dir).resolve() != _named_by(above / _GIT_FOLDER):
        raise CalibstateError(
            Diagnostic(
                "Git refuses",
                f"{above}: Git takes {git_dir} for its repository, which is not what {_GIT_FOLDER} names.",
                hint="Mend it: see `git status` there.",
            )
        )
    # A bare repository keeps no files where they can be edited, and one may
    # have been told to keep them elsewhere.
    if is_inside != "true" or within:
        return None
    return Checkout(above, Path(git_dir))


def _has_git_folder(folder: Path) -> bool:
    git_folder = folder / _GIT_FOLDER
    try:
        mode = git_folder.lstat().st_mode
    except OSError:
        return False
    try:
        # Some file systems give the name to a file that is called otherwise.
        if _GIT_FOLDER not in os.listdir(folder):  # noqa: PTH208
            return False
    except PermissionError:
        pass
    # Like Git: a folder without a HEAD is passed over, any file counts.
    if stat.S_ISREG(mode):
        return True
    head = git_folder / "HEAD"
    return head.is_symlink() or head.is_file()


def _named_by(git_folder: Path) -> Path:
    """Return the repository that a ``.git`` is or, as a file, names."""
    if not git_folder.is_file():
        return git_folder.resolve()
    with git_folder.open("rb") as stream:
        pointer = stream.read(_LONGEST_POINTER)
    named = os.fsdecode(pointer.removeprefix(b"gitdir:").strip())
    return (git_folder.parent / named).resolve()


def _program() -> str | None:
    """Return where Git is, among folders that are named from the root.

    A relative one would be a folder of the checkout.
    """
    return shutil.which("git", path=_path())


def _path() -> str:
    folders = [folder for folder in os.get_exec_path() if Path(folder).is_absolute()]
    return os.pathsep.join(folders)


def _started(
    folder: Path,
    *words: str,
    stdin: int,
    stderr: int | IO[bytes],
    reaches: bool = False,
) -> subprocess.Popen[bytes]:
    """Start Git in a folder: nowhere else is it started."""
    program = _program()
    if program is None:
        raise GitFailedError(f"{_NO_GIT}.")
    settings: list[str] = []
    for key, value in (_WHEN_REACHING if reaches else _SETTINGS).items():
        settings += ["-c", f"{key}={value}"]
    environment = {}
    for name, value in os.environ.items():
        if not name.startswith("GIT_") or _KEPT.fullmatch(name):
            environment[name] = value
    for name, value in _VARIABLES.items():
        if not (reaches and name in _NOT_WHEN_REACHING):
            environment[name] = value
    environment["PATH"] = _path()
    # Where its .git is damaged Git would go on above.
    environment["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    return subprocess.Popen(
        [program, *settings, *words],
        cwd=folder,
        env=environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        # What it starts to ask a server, such as SSH, is ended with it.
        start_new_session=reaches,
    )


def _printed(words: Sequence[str], answer: Answer) -> str:
    """Return what Git has printed, if it ended well."""
    if answer.code:
        ending = f"`git {words[0]}` ended with {answer.code}."
        raise GitFailedError(answer.words or ending)
    return answer.out


def _run(folder: Path, *words: str, reaches: bool = False, limit: timedelta | None = None) -> Answer:
    process = _started(
        folder,
        *words,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        reaches=reaches,
    )
    try:
        out, err = process.communicate(timeout=limit.total_seconds() if limit else None)
    except subprocess.TimeoutExpired:
        _end(process, with_children=reaches)
        raise GitFailedError(f"`git {words[0]}` took too long, and was ended.") from None
    except BaseException:
        # Somebody is in a hurry.
        _end(process, with_children=reaches)
        raise
    text = out.decode("utf-8", "surrogateescape").rstrip()
    return Answer(process.returncode, text, _sentence(err))


def _end(process: subprocess.Popen[bytes], *, with_children: bool) -> None:
    with suppress(ProcessLookupError):
        if with_children:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()


def _sentence(words: bytes) -> str:
    """Return Git's words as one sentence."""
    text = words.decode("utf-8", "replace")
    sentence = " ".join(text.split())
    for mark in ("fatal: ", "error: "):
        sentence = sentence.removeprefix(mark)
    if sentence and not sentence.endswith("."):
        sentence += "."
    return sentence


def _written_by(line: bytes) -> tuple[bytes, int]:
    """Return name and time of who made a commit; 0 where it tells none."""
    match = _WRITTEN_BY.fullmatch(line)
    if match is None:
        return b"", 0
    name, seconds = match.groups(default=b"")
    return name, int(seconds)


def _decoded(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding, "replace")
    except LookupError:
        return text.decode("utf-8", "replace")
