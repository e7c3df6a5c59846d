"""Asking Rucio, and what became of it when that went wrong.

What may pass by itself is tried again.  Whatever else Rucio answers is its
last word, and is told in ours.
"""

from __future__ import annotations

import configparser
import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import backoff
import requests
from rucio.common import exception as rucio_errors
from rucio.common.config import config_get

from ...errors import Diagnostic, RefusedError, UnreachableError, keep_secret, without_secrets
from ...ports.silence import USUAL_TIMEOUT, heard

if TYPE_CHECKING:
    from backoff.types import Details
    from rucio.client import Client

__all__ = ["Hints", "Rucio"]

_TRIES = 5
_LONGEST_PAUSE = 30.0
"""Seconds."""

_SHOWN = 300
"""Characters of what Rucio says that are told."""

T = TypeVar("T")

Hints = Mapping[type[rucio_errors.RucioException], str]
"""What to do about a refusal, where more can be said than in general."""

_logger = logging.getLogger(__name__)

# The client tells failures on standard error before it raises them, and its
# debugging output has the password in it.
_unheard = logging.getLogger(f"{__name__}.client")
_unheard.addHandler(logging.NullHandler())
_unheard.setLevel(logging.INFO)
_unheard.propagate = False

_PASSING = (rucio_errors.ServerConnectionException, rucio_errors.DatabaseException)
_ON_THE_WAY = (requests.RequestException, json.JSONDecodeError, ConnectionError, TimeoutError)
_FOR_EVER = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)
"""Troubles on the way that no waiting mends."""

_NOT_CONFIGURED = (
    rucio_errors.ConfigNotFound,
    rucio_errors.ConfigurationError,
    rucio_errors.ConfigLoadingError,
    rucio_errors.MissingClientParameter,
    rucio_errors.MissingModuleException,
    rucio_errors.NoAuthInformation,
    rucio_errors.ClientProtocolNotFound,
    rucio_errors.ClientProtocolNotSupported,
    configparser.Error,
    UnicodeError,
)
_NOT_LET_IN = (
    rucio_errors.CannotAuthenticate,
    rucio_errors.CannotAuthorize,
    rucio_errors.AccountNotFound,
    rucio_errors.IdentityError,
    rucio_errors.IdentityNotFound,
)

_REFUSALS: Hints = {
    rucio_errors.AccessDenied: "Account has no right in Rucio",
    rucio_errors.DataIdentifierNotFound: "Rucio does not know the dataset",
    rucio_errors.FileConsistencyMismatch: "File is known with other bytes",
    rucio_errors.InsufficientAccountLimit: "Account has no room at the storage element",
    rucio_errors.InsufficientTargetRSEs: "Storage element may not be written",
    rucio_errors.InvalidObject: "Rucio refuses a name",
    rucio_errors.InvalidPath: "Files are not where the storage element has them",
    rucio_errors.InvalidRSEExpression: "Unknown storage element",
    rucio_errors.RSENotFound: "Unknown storage element",
    rucio_errors.RSEOverQuota: "Storage element is full",
    rucio_errors.RSEWriteBlocked: "Storage element may not be written",
    rucio_errors.ScopeNotFound: "Scope does not exist",
    rucio_errors.UnsupportedOperation: "Rucio refuses the change",
}
"""Fixed words for what Rucio refuses."""

_CREDENTIALS = re.compile(r"\{.*\}", re.DOTALL)
"""Some ways to sign in show all they were given when they fail."""


class Rucio:
    """A Rucio server, asked with patience.

    Parameters
    ----------
    pause
        Seconds before the second try; each later pause is twice as long.
    timeout
        How long it may be silent.
    """

    def __init__(self, pause: float = 1.0, timeout: timedelta = USUAL_TIMEOUT) -> None:
        self._pause = pause
        self.timeout = timeout

    @cached_property
    def client(self) -> Client:
        """Rucio's client; the first look at it signs in."""
        from rucio.client import Client

        # Signing in tells on standard output of a token that could not be
        # kept, and of the page that OpenID Connect wants to have opened.
        keep_secret(config_get("client", "password", raise_exception=False, default=None))
        with redirect_stdout(sys.stderr):
            return Client(timeout=self.timeout.total_seconds(), user_agent="calibstate", logger=_unheard)

    @cached_property
    def account(self) -> str:
        """The account that asks."""
        return str(self.ask("say who asks", lambda client: client.account or client.whoami()["account"]))

    def ask(self, what: str, question: Callable[[Client], T], hints: Hints | None = None) -> T:
        """Return the answer to a question.

        Parameters
        ----------
        what
            What Rucio is asked to do, for messages.
        question
            Asks the client, and reads the answer to its end.  It is called
            again after a failure that may pass.
        hints
            What to do about refusals.

        Raises
        ------
        RefusedError
            Rucio refuses.
        UnreachableError
            Rucio did not answer, or did not let us in.
        """
        patiently = backoff.on_exception(
            backoff.expo,
            (rucio_errors.RucioException, *_ON_THE_WAY),
            max_tries=_TRIES,
            giveup=lambda error: not _may_pass(error),
            on_backoff=lambda details: _tell(what, details),
            jitter=None,
            logger=None,
            factor=self._pause,
            max_value=_LONGEST_PAUSE,
            max_time=self.timeout.total_seconds(),
        )
        try:
            answer = patiently(lambda: question(self.client))()
        except _NOT_CONFIGURED as error:
            raise _unreachable("Rucio is not configured", _words(error), _CONFIGURE) from error
        except _NOT_LET_IN as error:
            raise _unreachable("Rucio did not let us in", self._trouble(error), _SIGN_IN) from error
        except (OSError, json.JSONDecodeError) as error:
            raise _unreachable("Rucio does not answer", self._trouble(error), _WAIT) from error
        except rucio_errors.RucioException as error:
            if _may_pass(error):
                raise _unreachable("Rucio does not answer", self._trouble(error), _WAIT) from error
            raise _refused(what, error, hints or {}) from error
        heard()
        return answer

    def _trouble(self, error: Exception) -> str:
        """Return which server gives trouble, and which."""
        if isinstance(error, requests.exceptions.ReadTimeout):
            return f"{_host()}: it did not answer within {self.timeout.total_seconds():g} s"
        return f"{_host()}: {_words(error)}"


def _may_pass(error: Exception) -> bool:
    if isinstance(error, rucio_errors.RucioException):
        # An error of the server that has no name comes as the bare class.
        return isinstance(error, _PASSING) or type(error) is rucio_errors.RucioException
    return not isinstance(error, _FOR_EVER)


def _tell(what: str, details: Details) -> None:
    error = details.get("exception")
    _logger.info(
        "Rucio, asked to %s, did not answer (%s); try %d of %d in %.0f s",
        what,
        type(error).__name__,
        details["tries"] + 1,
        _TRIES,
        details["wait"],
    )


def _refused(what: str, error: rucio_errors.RucioException, hints: Hints) -> RefusedError:
    class_ = type(error)
    return RefusedError(
        Diagnostic(
            _REFUSALS.get(class_, "Rucio refuses"),
            f"Rucio was asked to {what}, and says: {_words(error)}.",
            hint=hints.get(class_, ""),
        )
    )


def _unreachable(summary: str, detail: str, hint: str) -> UnreachableError:
    return UnreachableError(Diagnostic(summary, f"{detail}.", hint=hint))


_CONFIGURE = (
    "Rucio's client reads `etc/rucio.cfg` below `$RUCIO_HOME`, `$VIRTUAL_ENV`, `$CONDA_PREFIX` or "
    "`/opt/rucio`; `rucio whoami` must work."
)
_SIGN_IN = (
    "Nothing is known of what it holds. Check account, `auth_type` and credentials in `rucio.cfg`; "
    "`rucio whoami` must work."
)
_WAIT = "Nothing is known of what it holds. Try again later, or check `rucio_host` in `rucio.cfg`."


def _host() -> str:
    host = config_get("client", "rucio_host", raise_exception=False, default="")
    return without_secrets(str(host or "Rucio"))


def _words(error: Exception) -> str:
    """Return what went wrong, in one line without secrets."""
    if isinstance(error, requests.exceptions.InvalidHeader):
        # Its text is the user name or the password.
        return "a user name or password of its configuration cannot be sent"
    if isinstance(error, requests.RequestException):
        return f"{_KINDS.get(type(error), 'the connection failed')} ({type(error).__name__})"
    if isinstance(error, rucio_errors.RucioException):
        # The first line is that of the class.
        words = " ".join(str(part) for part in error.args if part) or str(error)
    else:
        words = str(error) or type(error).__name__
    if isinstance(error, rucio_errors.CannotAuthenticate):
        words = _CREDENTIALS.sub("(not shown)", words)
    words = " ".join(without_secrets(words).split()).rstrip(".")
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]} ..."


_KINDS: Mapping[type[Exception], str] = {
    requests.exceptions.ConnectTimeout: "it cannot be reached",
    requests.exceptions.SSLError: "its certificate is not trusted here",
    requests.exceptions.ConnectionError: "it cannot be reached",
    requests.exceptions.ProxyError: "the proxy on the way does not let us through",
    requests.exceptions.ChunkedEncodingError: "the answer broke off",
}
