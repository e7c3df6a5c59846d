"""A gateway in front of S3 that lets chosen requests fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

_REFUSED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>not this time</Message></Error>'
_GONE = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>it is gone</Message></Error>'
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Fetched:
    """A GET, and how much was answered."""

    path: str
    """Bucket and key; of a list only the bucket."""
    size: int
    """Bytes of the answer without its headers."""


@dataclass
class Gateway:
    """Hands requests on, but for those that are to fail."""

    endpoint: str
    refuses: Callable[[str, int], bool] = lambda key, number: False
    """Given bucket and key of a PUT, and how many came before it."""
    changes_headers: Callable[[list[tuple[str, str]]], list[tuple[str, str]]] = lambda headers: headers
    """Given the headers of an answer, with Content-Length; returns others."""
    has_lost: Callable[[str], bool] = lambda key: False
    """Given bucket and key of a GET: whether it is gone, though listed."""
    gets: list[Fetched] = field(default_factory=list)
    """Each GET that was answered."""
    puts: list[str] = field(default_factory=list)
    """Bucket and key of each PUT that was handed on."""
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def lets_pass(self, path: str) -> bool:
        key = urlsplit(path).path.strip("/")
        with self._counting:
            if self.refuses(key, len(self.puts)):
                return False
            self.puts.append(key)
            return True

    def count(self, path: str, size: int) -> None:
        """Keep that something was fetched."""
        with self._counting:
            self.gets.append(Fetched(unquote(urlsplit(path).path).strip("/"), size))


@contextmanager
def gateway(server: str) -> Iterator[Gateway]:
    """Open a gateway on a port of its own.

    Parameters
    ----------
    server
        Endpoint of the S3 server behind it.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "PUT" and not opened.lets_pass(self.path):
                self._answer(403, [("Content-Type", "application/xml")], _REFUSED)
                return
            if self.command == "GET" and opened.has_lost(unquote(urlsplit(self.path).path).strip("/")):
                opened.count(self.path, 0)
                self._answer(404, [("Content-Type", "application/xml")], _GONE)
                return
            behind = HTTPConnection(urlsplit(server).netloc)
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
            data = answer.read()
            if self.command == "GET":
                opened.count(self.path, len(data))
            self._answer(answer.status, kept, data, answer.getheader("Content-Length"))
            behind.close()

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _hand_on  # noqa: N815

        def _answer(
            self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None
        ) -> None:
            self.send_response_only(status)
            # A HEAD tells the length of what it does not send.
            whole = [*headers, ("Content-Length", length or str(len(body)))]
            for name, value in opened.changes_headers(whole):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def handle_expect_100(self) -> bool:
            self.send_response_only(100)
            self.end_headers()
            return True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    opened = Gateway(f"http://127.0.0.1:{http.server_port}")
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield opened
    finally:
        http.shutdown()
        http.server_close()
