"""Jira, asked for many tickets at a time.

Nothing is kept, nothing is written, and no redirect is followed: the token
is for the address that a person named.  Whatever goes wrong is one error in
our words; what Jira's client says of it may hold what it was given.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from jira import JIRA, JIRAError

from ..errors import Diagnostic, UnreachableError, keep_secret, without_secrets
from ..model.approvals import TrackedTicket
from ..ports.silence import USUAL_TIMEOUT, heard
from ..ports.tickets import Count, uncounted

__all__ = ["AT_ONCE", "Jira"]

AT_ONCE = 50
"""Tickets that one request asks for; their keys stand in its address."""

_FIELDS = "status,resolution,resolutiondate,issuelinks"

_SHOWN = 200
"""Characters of what Jira says that are told."""

T = TypeVar("T")

_SIGN_IN = (
    "Check CALIBSTATE_JIRA_TOKEN: a personal access token, or an API token of Atlassian Cloud with its "
    "account in CALIBSTATE_JIRA_USER."
)
_ADDRESS = "Check CALIBSTATE_JIRA_URL: it is what stands in front of /browse/TAXICAB-15."
_LATER = "Try again later, or wait longer with --timeout."


class Jira:
    """A Jira, in the cloud or a server of one's own.

    Parameters
    ----------
    address
        What stands in front of ``/browse/TICKET``.
    user
        Account, where it signs in with a name, as in the cloud.
    token
        What opens it; `None`: what everybody may see is looked at.
    timeout
        How long it may be silent.
    """

    def __init__(
        self,
        address: str,
        user: str | None = None,
        token: str | None = None,
        timeout: timedelta = USUAL_TIMEOUT,
    ) -> None:
        self._timeout = timeout
        self._address = address
        self._user = user
        self._token = token
        keep_secret(token)
        if user and token:
            # So it travels.
            keep_secret(base64.b64encode(f"{user}:{token}".encode()).decode())

    def tickets(self, keys: Iterable[str], count: Count = uncounted) -> Mapping[str, TrackedTicket]:
        """Return those tickets that are there, by key."""
        wanted = sorted(set(keys))
        tickets: dict[str, TrackedTicket] = {}
        for start in range(0, len(wanted), AT_ONCE):
            batch = wanted[start : start + AT_ONCE]
            tickets.update(self._look(batch))
            count(start + len(batch), len(wanted))
        return {key: tickets[key] for key in wanted if key in tickets}

    def _look(self, keys: Sequence[str]) -> Iterator[tuple[str, TrackedTicket]]:
        """Yield those of some tickets that are there, each with its key.

        A Jira that does not know one of them may refuse to look for any, so
        those who are refused are halved until it is found.
        """
        try:
            issues = self._ask(lambda client: _search(client, keys))
        except _UnknownTicketError:
            if len(keys) > 1:
                half = len(keys) // 2
                yield from self._look(keys[:half])
                yield from self._look(keys[half:])
            return
        if len(keys) == 1:
            yield from ((keys[0], issue) for issue in issues)
            return
        there = {issue.key: issue for issue in issues}
        yield from ((key, there[key]) for key in keys if key in there)
        if not there.keys() <= set(keys):
            # One was moved and is told by its new key: which of them was it?
            for key in keys:
                if key not in there:
                    yield from self._look([key])

    @cached_property
    def _client(self) -> JIRA:
        basic = (self._user, self._token) if self._user and self._token else None
        client = JIRA(
            self._address,
            basic_auth=basic,
            token_auth=None if basic else self._token,
            # It logs what it was given, and whole pages that are no answers.
            logging=False,
            # It would sleep for minutes between its tries.
            max_retries=0,
            timeout=self._timeout.total_seconds(),
            get_server_info=False,
        )
        client._session.max_redirects = 0
        client._session.hooks["response"].append(_refuse_strangers)
        # In the cloud tickets are searched for in another way.
        client.deploymentType = client.server_info()["deploymentType"]
        return client

    def _ask(self, question: Callable[[JIRA], T]) -> T:
        """Return the answer to a question.

        Raises
        ------
        UnreachableError
            There is none.
        """
        try:
            answer = question(self._client)
        except JIRAError as error:
            raise self._refused(error) from None
        except requests.TooManyRedirects as error:
            raise self._unreachable("Jira sends us elsewhere", _redirect(error), _ADDRESS) from None
        except requests.JSONDecodeError:
            raise self._unreachable("No answer of Jira", _NO_ANSWER, _ADDRESS) from None
        except (requests.RequestException, OSError) as error:
            raise self._unreachable("Jira does not answer", self._words(error), _LATER) from None
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
            # JSON, and yet nothing that Jira's client can read.
            raise self._unreachable("No answer of Jira", _NO_ANSWER, _ADDRESS) from None
        heard()
        return answer

    def _words(self, error: Exception) -> str:
        if isinstance(error, requests.ReadTimeout):
            return f"it did not answer within {self._timeout.total_seconds():g} s"
        return _KINDS.get(type(error), "the connection failed") + f" ({type(error).__name__})"

    def _refused(self, error: JIRAError) -> Exception:
        match error.status_code:
            case 400 if _is_told_by_jira(error):
                return _UnknownTicketError()
            case 401 | 403:
                detail = f"it did not let us in ({error.status_code})"
                return self._unreachable("Jira did not let us in", detail, _SIGN_IN)
            case 404:
                return self._unreachable("No answer of Jira", "it knows nothing of Jira (404)", _ADDRESS)
            case 429:
                detail = f"it was asked too often (429){_retry_after(error)}"
                return self._unreachable("Jira does not answer", detail, "Try again later.")
            case status:
                detail = f"it answers {status or 'nothing'}{_said(error)}"
                return self._unreachable("Jira does not answer", detail, _LATER)

    def _unreachable(self, summary: str, detail: str, hint: str) -> UnreachableError:
        address = without_secrets(self._address)
        sentence = f"{address}: {detail}. No approval was checked."
        return UnreachableError(Diagnostic(summary, sentence, hint=hint))


class _UnknownTicketError(Exception):
    """One of the tickets that were asked for is not there."""


_NO_ANSWER = "its answer is not Jira's; a page to sign in at, or a proxy's, is none"


def _search(client: JIRA, keys: Sequence[str]) -> list[TrackedTicket]:
    # Not to validate the query has a server pass over what it does not know.
    issues = client.search_issues(
        f"key in ({', '.join(keys)})", maxResults=0, validate_query=False, fields=_FIELDS
    )
    return [_ticket(issue.raw) for issue in issues]


def _ticket(raw: Mapping[str, Any]) -> TrackedTicket:
    fields = raw["fields"]
    resolution = fields.get("resolution") or {}
    return TrackedTicket(
        key=str(raw["key"]),
        status=str(fields["status"]["name"]),
        resolution=str(resolution["name"]) if resolution else None,
        resolved_on=_days(fields.get("resolutiondate")),
        links=frozenset(_links(fields.get("issuelinks") or ())),
    )


def _days(moment: str | None) -> frozenset[str]:
    """Return the day of a moment, in UTC and where Jira tells it."""
    if not moment:
        return frozenset()
    resolved_at = datetime.fromisoformat(moment)
    return frozenset(day.date().isoformat() for day in (resolved_at, resolved_at.astimezone(UTC)))


def _links(links: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for link in links:
        for side in ("inwardIssue", "outwardIssue"):
            if side in link:
                yield str(link[side]["key"])


def _refuse_strangers(response: requests.Response, *_: Any, **__: Any) -> None:
    """Refuse an answer to everybody where we came with a token.

    Jira takes a token that has ended for none at all, and then shows only
    what everybody may see.
    """
    if "AUTHENTICATED_FAILED" in response.headers.get("X-Seraph-LoginReason", ""):
        raise JIRAError("the token is not taken", status_code=401)


def _is_told_by_jira(error: JIRAError) -> bool:
    try:
        return "errorMessages" in error.response.json() if error.response is not None else False
    except (ValueError, TypeError):
        return False


def _retry_after(error: JIRAError) -> str:
    headers = error.response.headers if error.response is not None else {}
    seconds = str(headers.get("Retry-After", ""))
    return f" and wants us back in {seconds} s" if seconds.isdecimal() and len(seconds) < 10 else ""


def _said(error: JIRAError) -> str:
    """Return what Jira says, in a line, unless it is a page."""
    text = " ".join((error.text or "").split()).rstrip(".")
    if not text or "<" in text:
        return ""
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN]} ..."
    return f": {text}"


def _redirect(error: requests.TooManyRedirects) -> str:
    location = error.response.headers.get("Location", "") if error.response is not None else ""
    to = urlsplit(location)
    # What stands behind may be made for one session.
    where = f"{to.scheme}://{to.hostname}{to.path}" if to.hostname else to.path
    return f"it sends us to {where[:_SHOWN] or 'nowhere'}, as to a page to sign in at"


_KINDS: Mapping[type[Exception], str] = {
    requests.exceptions.ConnectTimeout: "it cannot be reached",
    requests.exceptions.ConnectionError: "it cannot be reached",
    requests.exceptions.SSLError: "its certificate is not trusted here",
    requests.exceptions.ProxyError: "the proxy on the way does not let us through",
    requests.exceptions.ChunkedEncodingError: "the answer broke off",
    requests.exceptions.InvalidURL: "that is no address",
    requests.exceptions.InvalidHeader: "its answer has a header that cannot be",
}
