"""Webhooks: a change is posted as JSON, signed, and tried a few times.

The form is that of the Standard Webhooks specification: whoever receives it
checks ``webhook-signature`` with the shared secret, and knows by
``webhook-id`` what came twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import requests
from typing_extensions import override

from ..errors import Diagnostic, UnreachableError, keep_secret
from ..model.watching import Notice
from ..ports.telling import Teller

__all__ = ["Slack", "Webhook"]

_PAUSES = (0.0, 1.0, 4.0)
"""Seconds before each try."""

_LIMIT = timedelta(seconds=10)
"""How long a server may say nothing."""

_PREFIX = "whsec_"


class Webhook(Teller):
    """An address that takes our JSON.

    Parameters
    ----------
    url
        The address; it may hold a secret.
    secret
        Signs what is sent; empty: nothing is signed.
    document
        Makes the JSON of a change.
    sleep
        Waits between two tries.
    """

    name = "the webhook"

    def __init__(
        self,
        url: str,
        secret: str,
        document: Callable[[Notice, str], Mapping[str, object]],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._key = _key(secret)
        self._document = document
        self._sleep = sleep
        keep_secret(url)
        keep_secret(secret)

    @override
    def tell(self, notice: Notice, subject: str, text: str) -> None:
        body = json.dumps(self._document(notice, text), sort_keys=True).encode()
        sent = str(int(datetime.now(UTC).timestamp()))
        headers = {"webhook-id": notice.id, "webhook-timestamp": sent}
        if self._key:
            content = b".".join([notice.id.encode(), sent.encode(), body])
            digest = hmac.new(self._key, content, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        _post(self._url, body, headers, self.name, self._sleep)


class Slack(Teller):
    """An incoming webhook of Slack, or of what speaks its form.

    Parameters
    ----------
    url
        The address, which is a secret.
    sleep
        Waits between two tries.
    """

    name = "Slack"

    def __init__(self, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._sleep = sleep
        keep_secret(url)

    @override
    def tell(self, notice: Notice, subject: str, text: str) -> None:
        words = f"*{_escaped(subject)}*\n{_escaped(text)}"
        _post(self._url, json.dumps({"text": words}).encode(), {}, self.name, self._sleep)


def _key(secret: str) -> bytes:
    """Return the key of a secret, which may be written as base64."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _escaped(text: str) -> str:
    """Return text of which Slack takes nothing for a link or a command."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    name: str,
    sleep: Callable[[float], None],
) -> None:
    """Post something, and try again where that may help."""
    problem = ""
    for pause in _PAUSES:
        sleep(pause)
        try:
            answer = requests.post(
                url,
                data=body,
                headers={"content-type": "application/json", **headers},
                timeout=_LIMIT.total_seconds(),
                # Another address would be given the signature, and the text.
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # Its words hold the address.
            problem = f"it does not answer ({type(error).__name__})"
            continue
        if answer.ok:
            return
        # Who has moved for good answers the same the next time.
        problem = f"it answers with {answer.status_code}"
        may_take_it_later = answer.status_code >= 500 or answer.status_code in {408, 425, 429}
        if not may_take_it_later:
            break
    words = f"{name[:1].upper()}{name[1:]} was told nothing: {problem}."
    raise UnreachableError(
        Diagnostic("Nobody was told", words, hint="It is told again in the next turn.", public=words)
    )
