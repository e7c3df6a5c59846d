"""A server on loopback that lets everybody in and never says a word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest


@pytest.fixture
def silent_port() -> Iterator[int]:
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


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
