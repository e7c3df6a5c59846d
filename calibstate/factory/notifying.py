"""Builds the ways to reach people from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import Diagnostic, UsageError
from ..ports.telling import Teller

__all__ = ["VARIABLES", "tellers"]

VARIABLES = (
    "CALIBSTATE_NOTIFY_URL",
    "CALIBSTATE_NOTIFY_SECRET",
    "CALIBSTATE_NOTIFY_SLACK",
    "CALIBSTATE_NOTIFY_MAIL",
)


def tellers(variables: Mapping[str, str] = os.environ) -> tuple[Teller, ...]:
    """Return how people are reached.

    Parameters
    ----------
    variables
        Of the environment: ``CALIBSTATE_NOTIFY_URL`` with
        ``CALIBSTATE_NOTIFY_SECRET``, ``…_SLACK``, and ``…_MAIL`` with
        addresses, separated by blanks or commas.

    Raises
    ------
    UsageError
        One of them means nothing.
    """
    return tuple(_tellers(variables))


def _tellers(variables: Mapping[str, str]) -> Iterator[Teller]:
    url = _address(variables, "CALIBSTATE_NOTIFY_URL")
    slack = _address(variables, "CALIBSTATE_NOTIFY_SLACK")
    mail = variables.get("CALIBSTATE_NOTIFY_MAIL", "").replace(",", " ").split()
    if url or slack:
        from ..adapters.webhooks import Slack, Webhook

        if url:
            yield Webhook(url, variables.get("CALIBSTATE_NOTIFY_SECRET", "").strip(), _document)
        if slack:
            yield Slack(slack)
    if mail:
        from ..adapters.mail import Mail

        for address in mail:
            if "@" not in address or address.startswith("-"):
                raise _refused("CALIBSTATE_NOTIFY_MAIL", "it holds what is no address of e-mail")
        yield Mail(mail)


def _document(notice: Any, text: str) -> dict[str, Any]:
    from ..store.documents.base import plain
    from ..store.documents.notices import notice_document

    return plain(notice_document(notice, text))


def _address(variables: Mapping[str, str], name: str) -> str:
    """Return an address of the environment; empty: it names none."""
    url = variables.get(name, "").strip()
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    except ValueError:
        raise _refused(name, "it is no address") from None
    # A secret is not sent where anybody can read it.
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise _refused(name, "it is no https:// address")
    return url


def _refused(name: str, why: str) -> UsageError:
    # The address may hold a secret, and is not told.
    return UsageError(Diagnostic("Nobody can be told", f"{name}: {why}.", hint="Mend it, or unset it."))
