"""Collections: a new ticket is not at the sites yet."""

from __future__ import annotations

from tests.kinds.worlds.new_ticket import NewTicket


class _World(NewTicket):
    kind = "collection"


WORLD = _World()
