"""A server on loopback that lets everybody in and never says a word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest


@dataclass
class Silent:
    """Such a server; it counts whom it let in."""

    port: int
    connections: list[socket.socket] = field(default_factory=list)


@contextmanager
def silent() -> Iterator[Silent]:
    """Open such a server."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        opened = Silent(int(server.getsockname()[1]))

        def take() -> None:
            with suppress(OSError):
                while True:
                    opened.connections.append(server.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield opened
        server.shutdown(socket.SHUT_RDWR)
    for connection in opened.connections:
        connection.close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    with silent() as server:
        yield server.port


class FallingSilent:
    """A way to a server that goes dead at a word.

    What is sent after it is taken and acknowledged, and never answered, as
    behind a broken load balancer.
    """

    def __init__(self, port: int) -> None:
        self._behind = port
        self._server = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._taken: list[socket.socket] = []
        self.word = b""
        self.is_dead = False
        threading.Thread(target=self._take, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def close(self) -> None:
        # Closing alone does not end what a thread still reads from.
        for one in (self._server, *self._taken):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                ours = self._server.accept()[0]
                theirs = socket.create_connection(("127.0.0.1", self._behind))
                self._taken += [ours, theirs]
                for source, target in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while said := source.recv(2**16):
                self.is_dead = self.is_dead or bool(self.word and self.word in said)
                if not self.is_dead:
                    target.sendall(said)
            target.shutdown(socket.SHUT_WR)
