"""Builds the tracker of tickets from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from ..engine.side_by_side import in_time
from ..errors import Diagnostic, UsageError
from ..model.approvals import TrackedTicket
from ..ports.silence import at_work
from ..ports.tickets import Count, Tracker, uncounted

__all__ = ["jira"]


def jira(timeout: timedelta) -> Tracker:
    """Return the tracker that the surroundings name.

    Parameters
    ----------
    timeout
        How long it may be silent.

    Raises
    ------
    UsageError
        They name none, or none that may be asked.
    """
    # What is read from a file ends with a line end.
    address, user, token = (
        os.environ.get(f"CALIBSTATE_JIRA_{name}", "").strip() for name in ("URL", "USER", "TOKEN")
    )
    if not address:
        raise UsageError(
            Diagnostic(
                "Nobody says where Jira is",
                "CALIBSTATE_JIRA_URL is not set, so no approval was compared with Jira.",
                hint="Set CALIBSTATE_JIRA_URL=https://… and CALIBSTATE_JIRA_TOKEN, or leave --check out.",
            )
        )
    if problem := _address_problem(address, has_token=bool(token)):
        hint = "CALIBSTATE_JIRA_URL is what stands in front of /browse/TAXICAB-15."
        raise UsageError(Diagnostic("Address of Jira cannot be used", problem, hint=hint))
    if not all(word.isascii() and word.isprintable() and " " not in word for word in (user, token)):
        detail = "CALIBSTATE_JIRA_USER or CALIBSTATE_JIRA_TOKEN holds blanks, line ends or foreign letters."
        raise UsageError(Diagnostic("Token of Jira cannot be sent", detail, hint="Give it as Jira told it."))
    return _Tracker(address, user or None, token or None, timeout)


def _address_problem(address: str, *, has_token: bool) -> str:
    """Say why Jira cannot be asked at an address, if so."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return f"{address}: that is no address."
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        return f"{address}: that is no address of the form https://HOST or https://HOST/PATH."
    if has_token and parts.scheme == "http" and host not in _LOOPBACK:
        return f"{address}: a token would be sent there for everybody to read; only https keeps it."
    return ""


_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _Tracker:
    """The real tracker, which is imported when it is first asked."""

    def __init__(self, address: str, user: str | None, token: str | None, timeout: timedelta) -> None:
        self._account = (address, user, token)
        self._timeout = timeout

    def tickets(self, keys: Iterable[str], count: Count = uncounted) -> Mapping[str, TrackedTicket]:
        """Return those tickets that are there, unless it says nothing."""
        with at_work():
            from ..adapters.jira import Jira

        # An answer that comes drop by drop would keep the client for ever.
        jira = Jira(*self._account, timeout=self._timeout)
        return in_time("Jira", lambda: jira.tickets(keys, count), self._timeout)
