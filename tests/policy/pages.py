"""The pages of the rules, whose examples are state trees to be judged."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.tree import ROOT, Tree

__all__ = ["BAD", "GOOD", "PAGES", "TOLD", "Example", "example", "messages_by", "overview", "page_of"]

PAGES = ROOT / "docs" / "reference" / "policy"
BAD, GOOD = "Bad", "Good"

TOLD = "# told here"
"""Marks the line that a finding is of."""

_BLOCK = re.compile(
    r"^```yaml\n# (?:(?P<kind>before|example): )?(?P<file>\S+)(?P<mark> # told here)?\n(?P<body>.*?)^```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Example:
    """What a page shows: files at the base, and files now."""

    before: Mapping[str, str]
    after: Mapping[str, str]

    @property
    def told_at(self) -> list[str]:
        """Marked lines as ``file:line``."""
        return [
            f"{file}:{number}"
            for file, text in self.after.items()
            for number, line in enumerate(text.splitlines(), start=1)
            if TOLD in line
        ]

    def folders(self, folder: Path) -> tuple[Path, Path]:
        """Write the tree at the base, and as it is now, without any Git."""
        before, after = folder / "before", folder / "after"
        base = {**overview("example"), **self.before}
        _put(before, base)
        _put(after, {**base, **self.after})
        return before, after

    def write(self, folder: Path) -> Tree:
        """Write the tree, as it is now, in a clone whose main is the base."""
        tree = Tree(folder)
        _put(tree.state, {**overview("example"), **self.before})
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "as it was"]):
            who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
            subprocess.run(["git", *who, *words], cwd=tree.state, check=True, capture_output=True)
        _put(tree.state, self.after)
        return tree


def page_of(code: str) -> str:
    """Return the page of a rule."""
    return (PAGES / f"{code}.md").read_text()


def example(code: str, which: str) -> Example:
    """Return the bad or the good example of a rule."""
    section = page_of(code).partition(f"## {which}\n")[2].partition("\n## ")[0]
    found = list(_files(section))
    return Example(
        {file: text for kind, file, text in found if kind == "before"},
        {file: text for kind, file, text in found if kind is None},
    )


def overview(kind: str | None) -> dict[str, str]:
    """Return the files that the page of the whole policy shows."""
    return {file: text for k, file, text in _files(PAGES.with_suffix(".md").read_text()) if k == kind}


def messages_by(codes: set[str], text: str) -> str:
    """Return those of the messages to people that some rules have.

    Parameters
    ----------
    codes
        Codes of the rules; ``""`` is that of messages without any.
    text
        All messages; what stands after the last one is of it.
    """
    messages = []
    for message in re.split(r"^(?=(?:error|warning|note)[\[:])", text, flags=re.MULTILINE):
        heading = re.match(r"\w+(?:\[(?P<code>\w+)\])?:", message)
        if heading and (heading["code"] or "") in codes:
            messages.append(message)
    return "".join(messages)


def _files(text: str) -> Iterator[tuple[str | None, str, str]]:
    for block in _BLOCK.finditer(text):
        # With its first line, so that lines are those that the page shows.
        yield block["kind"], block["file"], f"# {block['file']}{block['mark'] or ''}\n{block['body']}"


def _put(state: Path, files: Mapping[str, str]) -> None:
    for file, text in files.items():
        path = state / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
