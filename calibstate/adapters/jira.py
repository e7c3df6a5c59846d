"""Jira, asked for many tickets at a time.

Nothing is kept, nothing is written, and no redirect is followed: the token
is for the address that a person named.  Whatever goes wrong is one error in
our words; what Jira's client says of it may hold what it was given.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
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
        total = len(wanted)
        tickets: dict[str, TrackedTicket] = {}
        for start in range(0, total, AT_ONCE):
            batch = wanted[start : start + AT_ONCE]
            tickets |= self._look(batch)
            count(start + len(batch), total)
        return dict(sorted(tickets.items()))

    def _look(self, keys: Sequence[str]) -> dict[str, TrackedTicket]:
        """Return those of some tickets that are there, by key.

        A Jira that does not know one of them may refuse to look for any, so
        those who are refused are halved until it is found.
        """
        try:
            issues = self._ask(lambda client: _search(client, keys))
        except _UnknownTicketError:
            if len(keys) == 1:
                return {}
            half = len(keys) // 2
            return self._look(keys[:half]) | self._look(keys[half:])
        if len(keys) == 1:
            # Whatever its key is now: it may have been moved.
            return dict(zip(keys, issues, strict=False))
        there = {issue.key: issue for issue in issues}
        tickets = {key: there[key] for key in keys if key in there}
        if len(tickets) < len(there):
            # One was moved and is told by its new key: which of them was it?
            for key in keys:
                if key not in there:
                    tickets |= self._look([key])
        return tickets

    @cached_property
    def _client(self) -> JIRA:
        basic_auth = None
        token_auth = self._token
        if self._user and self._token:
            basic_auth = (self._user, self._token)
            token_auth = None
        client = JIRA(
            self._address,
            basic_auth=basic_auth,
            token_auth=token_auth,
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
            detail = _redirect(error)
            raise self._unreachable("Jira sends us elsewhere", detail, _ADDRESS) from None
        except requests.JSONDecodeError:
            raise self._unreachable("No answer of Jira", _NO_ANSWER, _ADDRESS) from None
        except (requests.RequestException, OSError) as error:
            kind = type(error)
            trouble = _KINDS.get(kind, "the connection failed")
            detail = f"{trouble} ({kind.__name__})"
            if isinstance(error, requests.ReadTimeout):
                seconds = self._timeout.total_seconds()
                detail = f"it did not answer within {seconds:g} s"
            raise self._unreachable("Jira does not answer", detail, _LATER) from None
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
            # JSON, and yet nothing that Jira's client can read.
            raise self._unreachable("No answer of Jira", _NO_ANSWER, _ADDRESS) from None
        heard()
        return answer

    def _refused(self, error: JIRAError) -> Exception:
        """Return what Jira's refusal means, by its code of HTTP."""
        match error.status_code:
            # Jira itself refuses a key so; a proxy refuses without its words.
            case 400 if _is_told_by_jira(error):
                return _UnknownTicketError()
            case 401 | 403:
                return self._unreachable(
                    "Jira did not let us in",
                    f"it did not let us in ({error.status_code})",
                    _SIGN_IN,
                )
            case 404:
                return self._unreachable(
                    "No answer of Jira",
                    "it knows nothing of Jira (404)",
                    _ADDRESS,
                )
            case 429:
                when = _retry_after(error)
                return self._unreachable(
                    "Jira does not answer",
                    f"it was asked too often (429){when}",
                    "Try again later.",
                )
            case status:
                words = _words_of_jira(error)
                return self._unreachable(
                    "Jira does not answer",
                    f"it answers {status or 'nothing'}{words}",
                    _LATER,
                )

    def _unreachable(
        self,
        summary: str,
        detail: str,
        hint: str,
    ) -> UnreachableError:
        address = without_secrets(self._address)
        sentence = f"{address}: {detail}. No approval was checked."
        return UnreachableError(Diagnostic(summary, sentence, hint=hint))


class _UnknownTicketError(Exception):
    """One of the tickets that were asked for is not there."""


_NO_ANSWER = "its answer is not Jira's; a page to sign in at, or a proxy's, is none"


def _search(client: JIRA, keys: Sequence[str]) -> list[TrackedTicket]:
    among = ", ".join(keys)
    issues = client.search_issues(
        f"key in ({among})",
        # All there are, and not the first page.
        maxResults=0,
        # So a server passes over what it does not know.
        validate_query=False,
        fields=_FIELDS,
    )
    return [_ticket(issue.raw) for issue in issues]


def _ticket(raw: Mapping[str, Any]) -> TrackedTicket:
    fields = raw["fields"]
    resolution = None
    if fields.get("resolution"):
        resolution = str(fields["resolution"]["name"])
    # The day in UTC, and the day where Jira tells the moment.
    days = set()
    moment = fields.get("resolutiondate")
    if moment:
        resolved_at = datetime.fromisoformat(moment)
        for local in (resolved_at, resolved_at.astimezone(UTC)):
            days.add(local.date().isoformat())
    links = set()
    for link in fields.get("issuelinks") or ():
        # Jira tells only the other end of a link.
        for side in ("inwardIssue", "outwardIssue"):
            if side in link:
                links.add(str(link[side]["key"]))
    return TrackedTicket(
        key=str(raw["key"]),
        status=str(fields["status"]["name"]),
        resolution=resolution,
        resolved_on=frozenset(days),
        links=frozenset(links),
    )


def _refuse_strangers(response: requests.Response, *_: Any, **__: Any) -> None:
    """Refuse an answer to everybody where we came with a token.

    Jira takes a token that has ended for none at all, and then shows only
    what everybody may see.
    """
    reason = response.headers.get("X-Seraph-LoginReason", "")
    if "AUTHENTICATED_FAILED" in reason:
        raise JIRAError("the token is not taken", status_code=401)


def _is_told_by_jira(error: JIRAError) -> bool:
    if error.response is None:
        return False
    try:
        return "errorMessages" in error.response.json()
    except (ValueError, TypeError):
        return False


def _retry_after(error: JIRAError) -> str:
    if error.response is None:
        return ""
    seconds = str(error.response.headers.get("Retry-After", ""))
    # It may be a date too, or anything that a proxy thinks of.
    if not seconds.isdecimal() or len(seconds) >= 10:
        return ""
    return f" and wants us back in {seconds} s"


def _words_of_jira(error: JIRAError) -> str:
    """Return what Jira says, in a line, unless it is a page."""
    words = (error.text or "").split()
    text = " ".join(words).rstrip(".")
    if not text or "<" in text:
        return ""
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN]} ..."
    return f": {text}"


def _redirect(error: requests.TooManyRedirects) -> str:
    location = ""
    if error.response is not None:
        location = error.response.headers.get("Location", "")
    to = urlsplit(location)
    # What stands behind the path may be made for one session.
    where = to.path
    if to.hostname:
        where = f"{to.scheme}://{to.hostname}{to.path}"
    shown = where[:_SHOWN] or "nowhere"
    return f"it sends us to {shown}, as to a page to sign in at"


_KINDS: Mapping[type[Exception], str] = {
    requests.exceptions.ConnectTimeout: "it cannot be reached",
    requests.exceptions.ConnectionError: "it cannot be reached",
    requests.exceptions.SSLError: "its certificate is not trusted here",
    requests.exceptions.ProxyError: "the proxy on the way does not let us through",
    requests.exceptions.ChunkedEncodingError: "the answer broke off",
    requests.exceptions.InvalidURL: "that is no address",
    requests.exceptions.InvalidHeader: "its answer has a header that cannot be",
}
