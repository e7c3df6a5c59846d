"""A port of the loopback interface that stays ours.

A service that goes down and comes up again must come up at the same address,
and nobody may listen there meanwhile.  So the port is bound for good, and
only listened at while the service is up: calls in between are refused.
"""

from __future__ import annotations

import socket

__all__ = ["LoopbackPort"]


class LoopbackPort:
    """A free port, reserved."""

    def __init__(self) -> None:
        self._reserved = _bound(0)
        self.number: int = self._reserved.getsockname()[1]

    @property
    def url(self) -> str:
        """Where a service at this port is found."""
        return f"http://127.0.0.1:{self.number}"

    def listen(self) -> socket.socket:
        """Return a new socket that listens at the port."""
        listening = _bound(self.number)
        listening.listen(128)
        return listening

    def release(self) -> None:
        """Give the port back."""
        self._reserved.close()


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
