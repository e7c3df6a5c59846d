"""A made-up past of a state tree: hundreds of commits in one stream.

``git fast-import`` takes what hundreds of ``git commit`` would need minutes
for.  The same seed makes the same commits.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import yaml

__all__ = ["CHAINS", "INSTRUMENT", "Made", "make_past"]

INSTRUMENT = "LSSTComCam"
CHAINS = ("LSSTComCam/calib", "LSSTComCam/other")

_START = 1_704_110_400
"""2024-01-01T12:00:00Z"""


@dataclass
class Made:
    """What the generator knows of what it made, by the subject of commits."""

    folder: Path
    broken: set[str] = field(default_factory=set)
    """Commits of the main branch whose tree has mistakes."""

    brought: dict[int, set[str]] = field(default_factory=dict)
    """Authors of what each pull request brought."""

    @property
    def state(self) -> Path:
        return self.folder / "state"


def make_past(folder: Path, commits: int, seed: int = 8) -> Made:
    """Make a repository with a tree of so many commits, with branches."""
    made = Made(folder)
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    stream = _Maker(made, Random(seed)).stream(commits)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=stream, check=True)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=folder, check=True)
    return made


Files = dict[str, bytes]


class _Maker:
    def __init__(self, made: Made, random: Random) -> None:
        self._made = made
        self._random = random
        self._stream: list[bytes] = []
        self._mark = 0
        self._now = _START
        self._tickets = 0
        self._requests = 0
        self._said: dict[str, Any] = {
            "state/calibstate.yaml": {"version": 1, "archive": "../archive", "records": "../records"},
            "state/sites/usdf.yaml": _site("usdf", {"main": "origin", "embargo": "copy"}),
            "state/sites/summit.yaml": _site("summit", {"LSSTComCam": "copy"}),
            "state/chains/a.yaml": {"chain": CHAINS[0], "instrument": INSTRUMENT, "entries": []},
            "state/chains/b.yaml": {"chain": CHAINS[1], "instrument": INSTRUMENT, "entries": []},
        }
        self._written: Files = {}

    def stream(self, commits: int) -> bytes:
        """Return the commits for ``git fast-import``."""
        self._commit("main", "as it begins")
        while self._mark < commits:
            chosen = self._random.random()
            if chosen < 0.2:
                self._pull_request()
            elif chosen < 0.24:
                self._broken()
            elif chosen < 0.32:
                self._elsewhere()
            else:
                self._change()
                number = f" (#{self._request()})" if chosen < 0.5 else ""
                self._commit("main", f"commit {self._mark}{number}")
        return b"".join(self._stream)

    # --- commits ---

    def _pull_request(self) -> None:
        number, branch, base = self._request(), f"work-{self._mark}", self._mark
        before, authors = dict(self._written), set()
        for one in range(self._random.choice((1, 1, 2, 3))):
            author = f"author {self._random.randrange(6)}"
            authors.add(author)
            self._change()
            self._commit(branch, f"work {self._mark}", author=author, base=None if one else base)
        end = self._mark
        # The main branch goes on meanwhile, with something else.
        self._elsewhere(before)
        self._made.brought[number] = authors
        subject = f"Merge pull request #{number} from somewhere/{branch}\n\nWhat {number} is about"
        self._commit("main", subject, merge=end)

    def _broken(self) -> None:
        """Break a file, and mend it with the next commit but one."""
        good = deepcopy(self._said)
        file = self._file_of(self._random.choice(CHAINS))
        self._change()
        self._said[file] = self._random.choice((b"chain: [\n", b"chain: x\nentries: nothing\n"))
        for _ in range(self._random.choice((1, 2))):
            subject = f"broken {self._mark}"
            self._made.broken.add(subject)
            self._said[f"README-{self._mark}.md"] = b"nothing\n"
            self._said["state/sites/bts.yaml"] = f"site: bts\nrepositories: {self._mark}\n".encode()
            self._commit("main", subject)
        self._said = good
        self._change()
        self._commit("main", f"mended {self._mark}")

    def _elsewhere(self, before: Files | None = None) -> None:
        name = self._random.choice(("README.md", "state/README.md", "src/code.py"))
        said = f"{self._mark}\n".encode()
        self._write("main", f"elsewhere {self._mark}", {**(before or self._written), name: said})
        self._said[name] = said

    def _commit(self, branch: str, subject: str, **more: Any) -> None:
        written = {n: s if isinstance(s, bytes) else _dumped(s) for n, s in self._said.items()}
        self._write(branch, subject, written, **more)

    def _write(
        self,
        branch: str,
        subject: str,
        written: Files,
        *,
        author: str = "merger",
        base: int | None = None,
        merge: int | None = None,
    ) -> None:
        # What is written on a branch is merged later.
        self._now += self._random.randrange(60, 2 * 86400)
        earlier = self._now - self._random.randrange(0, 40 * 86400)
        self._mark += 1
        lines = [f"commit refs/heads/{branch}", f"mark :{self._mark}"]
        lines += [f"author {author} <nobody@example.org> {earlier} +0000"]
        lines += [f"committer {author} <nobody@example.org> {self._now} +0000"]
        lines += [f"data {len(subject.encode())}", subject]
        lines += [f"from :{base}"] if base else []
        lines += [f"merge :{merge}"] if merge else []
        self._stream.append("".join(f"{line}\n" for line in lines).encode())
        # All files each time: what is the same is stored once anyway.
        self._stream.append(b"deleteall\n")
        for name, content in sorted(written.items()):
            self._stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(content), content))
        self._written = written

    # --- changes ---

    def _change(self) -> None:
        """Change a thing or two."""
        for _ in range(self._random.choice((1, 1, 1, 2))):
            often = (self._new, self._new, self._new, self._move, self._move, self._skip, self._approve)
            seldom = (self._retire, self._take_off, self._put_back, self._rename)
            self._random.choice((*often, *often, *seldom))()

    def _new(self) -> None:
        self._tickets += 1
        name = f"DM-{1000 + self._tickets}"
        bare = [f"{INSTRUMENT}/calib/{name}", f"{INSTRUMENT}/calib/{name}/unbounded"]
        of = (
            {"bare": bare}
            if self._tickets % 7 == 0
            else {"collections": ["bias.20240101a", "flat.20240101a"]}
        )
        self._said[f"state/tickets/{INSTRUMENT}/{name}.yaml"] = {
            "ticket": name,
            "instrument": INSTRUMENT,
            "approval": {"status": "adopted", "note": "made up"},
            **of,
        }
        chain = self._chain()
        chain["entries"].insert(self._random.choice((0, 0, 0, len(chain["entries"]))), name)

    def _move(self) -> None:
        entries = self._chain()["entries"]
        for _ in range(self._random.choice((1, 2)) if entries else 0):
            word = entries.pop(self._random.randrange(len(entries)))
            entries.insert(self._random.randint(0, len(entries)), word)

    def _retire(self) -> None:
        chain = self._chain()
        if chain["entries"]:
            word = chain["entries"].pop(self._random.randrange(len(chain["entries"])))
            chain.setdefault("retired", {})[word] = f"reason {self._mark}"

    def _take_off(self) -> None:
        entries = self._chain()["entries"]
        if entries:
            entries.pop(self._random.randrange(len(entries)))

    def _put_back(self) -> None:
        chain = self._chain()
        if retired := chain.get("retired"):
            word = self._random.choice(sorted(retired))
            del retired[word]
            if self._random.random() < 0.7:
                chain["entries"].insert(0, word)

    def _skip(self) -> None:
        if (ticket := self._ticket()) and ticket.pop("skip", None) is None:
            ticket["skip"] = {"summit": f"reason {self._mark}"}

    def _approve(self) -> None:
        if ticket := self._ticket():
            ticket["approval"]["note"] = f"note {self._mark}"

    def _rename(self) -> None:
        file = self._file_of(self._random.choice(CHAINS))
        self._said[f"state/chains/renamed-{self._mark}-{self._random.randrange(99)}.yaml"] = self._said.pop(
            file
        )

    def _request(self) -> int:
        self._requests += 1
        return self._requests

    def _file_of(self, chain: str) -> str:
        chains = {f: s for f, s in self._said.items() if f.startswith("state/chains/")}
        return next(f for f, said in chains.items() if said["chain"] == chain)

    def _chain(self) -> dict[str, Any]:
        found: dict[str, Any] = self._said[self._file_of(self._random.choice((CHAINS[0], *CHAINS)))]
        return found

    def _ticket(self) -> dict[str, Any] | None:
        names = [name for name in self._said if name.startswith("state/tickets/")]
        return self._said[self._random.choice(names)] if names else None


def _site(site: str, repositories: Mapping[str, str]) -> dict[str, Any]:
    of = {
        n: {"butler": f"/{site}/{n}", "instruments": [INSTRUMENT], "route": r}
        for n, r in repositories.items()
    }
    return {"site": site, "repositories": of}


def _dumped(said: Any) -> bytes:
    return yaml.dump(said, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False).encode()
