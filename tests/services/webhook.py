"""A receiver of webhooks on loopback: it takes the published forms, no others.

Ours is checked as the Standard Webhooks specification has it: who cannot sign
is refused, and so is what is older than five minutes.  Slack's takes JSON
with ``text``, as its documentation of incoming webhooks says.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

__all__ = ["SECRET", "Receiver", "open_receiver", "receiver"]

KEY = b"a key of twenty-four bytes"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
_OLD = 300
"""Seconds."""


@dataclass
class Receiver:
    """What receives, and what it was told."""

    address: str
    taken: list[dict[str, Any]] = field(default_factory=list)
    """Bodies, in the order in which they came."""

    ids: list[str] = field(default_factory=list)
    """``webhook-id`` of what was taken."""

    tries: int = 0
    """Requests, whatever came of them."""

    answers: list[int] = field(default_factory=list)
    """What it answers next, before it takes anything."""

    refused: list[str] = field(default_factory=list)
    """Why it did not take what came."""

    @property
    def url(self) -> str:
        return f"{self.address}/hooks/7f3a"

    @property
    def slack(self) -> str:
        return f"{self.address}/services/T0/B0/x"

    def receive(self, path: str, headers: Any, body: bytes) -> int:
        """Return the status that a request is answered with."""
        self.tries += 1
        if self.answers:
            return self.answers.pop(0)
        if headers.get("content-type") != "application/json":
            return self.refuse("it is no JSON")
        try:
            told = json.loads(body)
        except ValueError:
            return self.refuse("it is no JSON")
        if path.startswith("/services/"):
            if set(told) != {"text"} or not told["text"]:
                return self.refuse("Slack takes a text")
        elif why := _unsigned(headers, body):
            return self.refuse(why)
        self.taken.append(told)
        self.ids.append(headers.get("webhook-id", ""))
        return 200

    def refuse(self, why: str) -> int:
        self.refused.append(why)
        return 400


def _unsigned(headers: Any, body: bytes) -> str:
    """Say why a signature is none, as the specification has it."""
    id, sent = headers.get("webhook-id"), headers.get("webhook-timestamp")
    if not id or not sent or not sent.isdigit():
        return "it has no id, or no moment"
    if abs(time.time() - int(sent)) > _OLD:
        return "it is too old"
    content = f"{id}.{sent}.".encode() + body
    wanted = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(each, f"v1,{wanted}") for each in given):
        return "its signature is another one"
    return ""


@contextmanager
def open_receiver() -> Iterator[Receiver]:
    """Open one on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(opened.receive(self.path, self.headers, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    opened = Receiver(f"http://127.0.0.1:{http.server_port}")
    threading.Thread(target=lambda: http.serve_forever(poll_interval=0.05), daemon=True).start()
    try:
        yield opened
    finally:
        http.shutdown()
        http.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened
