"""Links in a comment: to Jira, to lines of files, to reports.

What strangers write is linked by nobody but here, where an address is taken
apart first: http or https, a host, no account and no password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ..errors import Where
from ..model.names import is_issue_key
from .markdown import safe

__all__ = ["Links"]

_JIRA = "CALIBSTATE_JIRA_URL"
_LONGEST = 2_000
"""Characters of an address that is linked."""

_HARMLESS = "/:?#@!$&'*+,;=%~._-"
"""Characters that end no link of Markdown, beside letters and digits."""

_KEY_IN_SENTENCE = re.compile(
    # What somebody wrote as code is code, and no word of a sentence.
    r"`[^`]*`"
    # Others, such as UTF-8, look like keys and are none.  A part of a name, a
    # path or an address is none either; after a mark such as ``!`` or ``]`` a
    # link would become something else.
    r"|(?:(?<=[\s(,;])|^)(?P<key>(?:DM|TAXICAB)-[1-9][0-9]{0,8})(?=[,.;:)]*(?:\s|$))"
)
"""The key of a ticket that stands in a sentence as a word."""

_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Links:
    """Where links lead; without a place to lead to, words stay words."""

    jira: str = ""
    """What stands in front of ``/TICKET``; empty: nobody knows."""

    files: str = ""
    """What stands in front of the name of a file at the commit that was looked
    at, with a slash at its end; empty: nobody knows."""

    @classmethod
    def of(cls, workspace: str, variables: Mapping[str, str] = os.environ) -> Links:
        """Return the links that the surroundings allow.

        Parameters
        ----------
        workspace
            The folder of the state tree within the workspace.
        variables
            Of the environment: ``CALIBSTATE_JIRA_URL``, and those by which
            GitHub tells a workflow its repository and commit.
        """
        jira = _checked(variables.get(_JIRA, "").strip())
        if jira:
            jira = f"{jira.rstrip('/')}/browse"
        server = _checked(variables.get("GITHUB_SERVER_URL", ""))
        repository = variables.get("GITHUB_REPOSITORY", "")
        commit = variables.get("GITHUB_SHA", "")
        files = ""
        if server and _REPOSITORY.fullmatch(repository) and _COMMIT.fullmatch(commit):
            files = f"{server.rstrip('/')}/{repository}/blob/{commit}/"
            if workspace:
                files += f"{quote(workspace)}/"
        return cls(jira, files)

    @classmethod
    def to_jira(cls) -> Links:
        """Return links to Jira alone, of what is told of no commit."""
        return cls(jira=cls.of("").jira)

    def ticket(self, key: str | None) -> str:
        """Return the key of a ticket, as a link where Jira is known."""
        words = safe(key or "-")
        if not key or not self.jira or not is_issue_key(key):
            return words
        return f"[{words}]({self.jira}/{key})"

    def sentence(self, text: str) -> str:
        """Return a sentence of anybody, the keys in it as links.

        Nothing else of it is one, nor any mark of Markdown.

        Parameters
        ----------
        text
            Words of anybody.
        """
        if not self.jira:
            return safe(text)
        line = " ".join(text.splitlines())
        parts: list[str] = []
        start = 0
        for match in _KEY_IN_SENTENCE.finditer(line):
            key = match["key"]
            if key is None:
                continue
            between = line[start : match.start("key")]
            parts.append(safe(between))
            parts.append(self.ticket(key))
            start = match.end("key")
        parts.append(safe(line[start:]))
        return "".join(parts)

    def line(self, where: Where | None) -> str:
        """Return a line of a file, as a link where its commit is known."""
        if where is None:
            return ""
        words = safe(where.in_line)
        if not self.files:
            return words
        return f"[{words}]({self.files}{quote(where.file)}#L{where.line})"

    def report(self, address: str | None) -> str:
        """Return a report by the name of its host, as a link if it is one."""
        if not address:
            return "-"
        checked = _checked(address)
        if not checked:
            return safe(address)
        host = urlsplit(checked).hostname or ""
        return f"[report at {safe(host)}]({checked})"


def _checked(address: str) -> str:
    """Return an address that a link may lead to; else nothing."""
    if len(address) > _LONGEST or not address.isascii() or not address.isprintable() or " " in address:
        return ""
    try:
        parts = urlsplit(address)
        has_account = "@" in parts.netloc
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host or has_account:
        return ""
    return quote(address, safe=_HARMLESS)
