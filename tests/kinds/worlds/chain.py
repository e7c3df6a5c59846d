"""Chains: a new ticket is not searched yet."""

from __future__ import annotations

from tests.kinds.worlds.new_ticket import NewTicket


class _World(NewTicket):
    kind = "chain"


WORLD = _World()
