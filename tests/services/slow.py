"""A way to a server on which every answer is late, and yet comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

__all__ = ["LATE", "Slow", "slow"]

LATE = 0.05
"""Seconds by which each part of an answer is late."""


@dataclass
class Slow:
    """Such a way; it counts what came late on each connection."""

    port: int
    late: list[int] = field(default_factory=list)
    """How many parts came late, by connection in their order."""
    _closed: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds(self) -> float:
        """Seconds that all answers were late, put together."""
        return sum(self.late) * LATE

    @property
    def longest(self) -> float:
        """Seconds that those of one connection were late."""
        return max(self.late, default=0) * LATE


@contextmanager
def slow(port: int, piece: int = 2**16) -> Iterator[Slow]:
    """Open a slow way to a server on loopback.

    Parameters
    ----------
    port
        Port of the server behind it.
    piece
        Bytes of which a part of an answer has no more.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        opened = Slow(int(server.getsockname()[1]))
        connections: list[socket.socket] = []

        def take() -> None:
            with suppress(OSError):
                while True:
                    ours = server.accept()[0]
                    theirs = socket.create_connection(("127.0.0.1", port))
                    connections.extend((ours, theirs))
                    number = len(opened.late)
                    opened.late.append(0)
                    threading.Thread(target=_ask, args=(ours, theirs), daemon=True).start()
                    threading.Thread(target=answer, args=(theirs, ours, number), daemon=True).start()

        def answer(source: socket.socket, target: socket.socket, number: int) -> None:
            with suppress(OSError):
                while said := source.recv(piece):
                    opened._closed.wait(LATE)
                    opened.late[number] += 1
                    target.sendall(said)
                target.shutdown(socket.SHUT_WR)

        threading.Thread(target=take, daemon=True).start()
        try:
            yield opened
        finally:
            opened._closed.set()
            server.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                connection.close()


def _ask(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while said := source.recv(2**16):
            target.sendall(said)
        target.shutdown(socket.SHUT_WR)
