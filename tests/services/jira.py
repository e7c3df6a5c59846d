"""The part of Jira's REST interface that its client uses, on loopback.

It is asked for ``serverInfo``, and for tickets: a server by ``field`` and
``search``, the cloud by ``field`` and ``search/jql``.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

__all__ = ["FAULTS", "JiraServer", "jira_server", "open_jira"]


@dataclass
class JiraServer:
    """A Jira with some tickets, and what was asked of it."""

    address: str
    cloud: bool = False
    page: int = 20
    """Tickets in one answer at most."""

    authorization: str | None = None
    """What opens it; `None`: it is open."""

    fault: Fault | None = None
    """Answers in its place."""

    asked: list[str] = field(default_factory=list)
    """Path and query of every request."""

    given: list[str] = field(default_factory=list)
    """What every request was to be let in for."""

    issues: dict[str, dict[str, Any]] = field(default_factory=dict)

    def file(
        self,
        key: str,
        status: str = "To Do",
        resolution: str | None = None,
        resolved_on: Sequence[str] = (),
        links: Iterable[str] = (),
    ) -> None:
        """File a ticket; of a link each end tells the other."""
        self.issues[key] = {
            "id": str(10000 + len(self.issues)),
            "key": key,
            "self": f"{self.address}/rest/api/2/issue/{key}",
            "fields": {
                "status": {"name": status},
                "resolution": {"name": resolution} if resolution else None,
                "resolutiondate": f"{resolved_on[0]}T15:04:05.000+0000" if resolved_on else None,
                "issuelinks": [],
            },
        }
        for other in links:
            self._link(key, "outwardIssue", other)
            self._link(other, "inwardIssue", key)

    def move(self, key: str, to: str) -> None:
        """Give a ticket another key; it is still found by the one it had."""
        self.issues[to] = self.issues[key]
        self.issues[to]["key"] = to

    def _link(self, one: str, side: str, other: str) -> None:
        about = {"name": "Relates", "inward": "relates to", "outward": "relates to"}
        linked = {"key": other, "fields": {"status": {"name": "To Do"}}}
        self.issues[one]["fields"]["issuelinks"].append({"id": "1", "type": about, side: linked})

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Return status and body, as Jira would."""
        match path.rpartition("/rest/api/2/")[2]:
            case "serverInfo":
                kind = "Cloud" if self.cloud else "Server"
                return 200, {"deploymentType": kind, "versionNumbers": [9, 12, 0], "baseUrl": self.address}
            case "field":
                return 200, [{"id": "status", "name": "Status", "clauseNames": ["status"]}]
            case "search" if not self.cloud:
                return self._search(query)
            case "search/jql" if self.cloud:
                return self._search(query)
        return 404, {"errorMessages": ["null for uri"]}

    def _search(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        asked = re.findall(r"[\w-]+", query["jql"][0].partition("(")[2])
        lacking = [key for key in asked if key not in self.issues]
        if lacking and (self.cloud or query.get("validateQuery") != ["False"]):
            told = [f"An issue with key '{key}' does not exist for field 'key'." for key in lacking]
            return 400, {"errorMessages": told, "errors": {}}
        found = [self.issues[key] for key in asked if key in self.issues]
        begin = int(query.get("nextPageToken", query.get("startAt", ["0"]))[0])
        size = min(self.page, int(query.get("maxResults", ["50"])[0]))
        end = begin + size
        page: dict[str, Any] = {"issues": found[begin:end]}
        if not self.cloud:
            return 200, {**page, "startAt": begin, "maxResults": size, "total": len(found)}
        more = {"nextPageToken": str(end)} if end < len(found) else {}
        return 200, {**page, **more, "isLast": not more}


Fault = Callable[[BaseHTTPRequestHandler], None]
"""Answers a request otherwise."""


def _answer(
    status: int, body: bytes, kind: str = "application/json", **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **given}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def _silent(request: BaseHTTPRequestHandler) -> None:
    while not _closed(request):
        time.sleep(0.05)


def _dripping(request: BaseHTTPRequestHandler) -> None:
    """Answer for ever, a byte at a time."""
    request.send_response(200)
    request.end_headers()
    with suppress(OSError):
        while not _closed(request):
            request.wfile.write(b" ")
            time.sleep(0.05)


def _closed(request: BaseHTTPRequestHandler) -> bool:
    return bool(getattr(request.server, "closing", False))


_PAGE = b"<!DOCTYPE html><html><title>Log in</title></html>"
_TOLD = json.dumps({"errorMessages": ["not this time"]}).encode()

FAULTS: dict[str, tuple[Fault, str]] = {
    "401": (_answer(401, _PAGE, "text/html"), "it did not let us in (401)"),
    "403": (_answer(403, _TOLD), "it did not let us in (403)"),
    "token ended": (_answer(200, b"{}", X_Seraph_LoginReason="AUTHENTICATED_FAILED"), "let us in (401)"),
    "404": (_answer(404, _PAGE, "text/html"), "it knows nothing of Jira (404)"),
    "429": (_answer(429, b"", Retry_After="120"), "asked too often (429) and wants us back in 120 s"),
    "500": (_answer(500, _TOLD), "it answers 500: not this time"),
    "503": (_answer(503, _PAGE, "text/html", Retry_After="soon"), "it answers 503"),
    "400 of a proxy": (_answer(400, _PAGE, "text/html"), "it answers 400"),
    "a page": (_answer(200, _PAGE, "text/html"), "its answer is not Jira's"),
    "nothing": (_answer(200, b""), "its answer is not Jira's"),
    "a list": (_answer(200, b"[1, 2]"), "its answer is not Jira's"),
    "nulls": (
        _answer(200, b'{"deploymentType": null, "total": 1, "issues": [null]}'),
        "its answer is not Jira's",
    ),
    "pages without end": (
        _answer(200, b'{"deploymentType": null, "total": null, "issues": [null]}'),
        "it did not answer within 1 s",
    ),
    "two lengths": (_answer(200, b"{}", content_length="3"), "header that cannot be (InvalidHeader)"),
    "deep": (_answer(200, b"[" * 100_000), "its answer is not Jira's"),
    "half of it": (_answer(200, b'{"issues": [{"key": "DM-1", "fie'), "its answer is not Jira's"),
    "cut off": (_answer(200, b'{"issues": []', Content_Length="1000"), "ChunkedEncodingError"),
    "a page to sign in at": (
        _answer(302, b"", Location="https://login.example.org/sign-in?state=s3cret-state"),
        "it sends us to https://login.example.org/sign-in, as to a page to sign in at",
    ),
    "silence": (_silent, "it did not answer within 1 s"),
    "drops": (_dripping, "it did not answer within 1 s"),
}
"""What may go wrong, and what is said of it."""


@contextmanager
def open_jira(*, cloud: bool = False) -> Iterator[JiraServer]:
    """Open a Jira on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            opened.asked.append(self.path)
            given = self.headers.get("Authorization", "")
            opened.given.append(given)
            if opened.fault:
                opened.fault(self)
                return
            if opened.authorization and given != opened.authorization:
                _answer(401, _PAGE, "text/html")(self)
                return
            asked = urlsplit(self.path)
            status, body = opened.answer(asked.path, parse_qs(asked.query))
            _answer(status, json.dumps(body).encode())(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    opened = JiraServer(f"http://127.0.0.1:{http.server_port}/jira", cloud)
    threading.Thread(target=lambda: http.serve_forever(poll_interval=0.05), daemon=True).start()
    try:
        yield opened
    finally:
        http.closing = True  # type: ignore[attr-defined]
        http.shutdown()
        http.server_close()


@pytest.fixture
def jira_server() -> Iterator[JiraServer]:
    with open_jira() as server:
        yield server
