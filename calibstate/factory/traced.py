"""Places each request to which is told of, for ``-v`` and ``--log-file``.

One mechanism for all ports: whatever is asked of a port is asked through
this, and it is there only where somebody wants to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import CalibstateError
from ..ports.places import Records
from ..ports.requests import ANSWERED, Request, Requests

if TYPE_CHECKING:
    from .places import Places

__all__ = ["traced", "traced_places"]

P = TypeVar("P")

_PORTS = frozenset(
    {
        "archive",
        "batches",
        "butler",
        "change_archive",
        "change_butler",
        "change_rucio",
        "commands",
        "construction",
        "daily_records",
        "packages",
        "pipelines",
        "retention",
        "rucio",
        "run_commands",
        "run_pipelines",
        "source",
    }
)
"""What places are asked for, and asked through from then on."""

_QUESTIONS = frozenset(
    {
        "entered",
        "examine",
        "exclude_others",
        "identity",
        "past_run",
        "past_runs",
        "publish",
        "publish_review",
        "publish_sight",
        "published_review",
        "recover",
        "sight",
        "sights",
    }
)
"""What places are asked themselves."""

_LONGEST = 100
"""Characters of a question."""


def traced_places(places: P, requests: Requests) -> P:
    """Return places each request to which is told of.

    Parameters
    ----------
    places
        The real ones.
    requests
        Who is told.
    """
    return cast(P, _TracedPlaces(cast("Places", places), requests))


def traced(port: P, place: str, requests: Requests | None) -> P:
    """Return a port each request to which is told of.

    Parameters
    ----------
    port
        What is asked.
    place
        What messages call it.
    requests
        Who is told; `None`: nobody, and the port is returned as it is.
    """
    if requests is None:
        return port
    return cast(P, _TracedPort(port, place, requests))


class _TracedPort:
    """A port that tells of each request."""

    def __init__(self, port: object, place: str, requests: Requests) -> None:
        self._port = port
        self._place = place
        self._requests = requests

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value
        return partial(_ask, self._requests, self._place, name, value)


class _TracedPlaces:
    """Places that tell of each request to them, and to their ports."""

    def __init__(self, places: Places, requests: Requests) -> None:
        self._places = places
        self._requests = requests
        self._ports: dict[int, tuple[object, _TracedPort]] = {}
        """By the identity of the port, which is kept so that it stays so."""
        self._opened: set[tuple[str, str]] = set()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._places, name)
        if name in _PORTS:
            return partial(self._open, name, value)
        if name in _QUESTIONS:
            return partial(self._ask, name, value)
        return value

    def _open(self, name: str, value: Callable[..., object], *arguments: Any) -> object:
        place = name.removeprefix("change_")
        if arguments:
            place = str(arguments[0])
        # Later it is given as it was opened, and nothing is asked.
        if (name, place) in self._opened:
            return self._traced(value(*arguments), place)
        opened = _ask(self._requests, place, f"open {name}", value, *arguments, is_opening=True)
        self._opened.add((name, place))
        return self._traced(opened, place)

    def _ask(self, name: str, value: Callable[..., object], *arguments: Any) -> object:
        first = arguments[0]
        # A review names its repository, a chain stands in one.
        place = str(getattr(first, "address", getattr(first, "place", first)))
        return _ask(self._requests, place, name, value, *arguments[1:], given=arguments)

    def _traced(self, port: object, place: str) -> _TracedPort:
        # The same port is the same thing to whoever compares them.
        _, wrapper = self._ports.setdefault(id(port), (port, _TracedPort(port, place, self._requests)))
        return wrapper

    def records(self, place: str) -> Records:
        """Return where the locks and the journal of a place are kept."""
        label = "records"
        # To open them asks nothing: only a lock or a line does.
        records = self._places.records(place)
        locks: Any = self._traced(records.locks, label)
        journal: Any = self._traced(records.journal, label)
        return Records(locks, journal)

    def doors(self, *arguments: Any) -> dict[str, Callable[[], object]]:
        """Return what asks each store whether it is there, by its name."""
        doors = self._places.doors(*arguments)
        asking: dict[str, Callable[[], object]] = {}
        for place, door in doors.items():
            asking[place] = partial(_ask, self._requests, place, "is it there", door, is_opening=True)
        return asking


def _ask(
    requests: Requests,
    place: str,
    name: str,
    call: Callable[..., Any],
    *arguments: Any,
    is_opening: bool = False,
    given: Sequence[Any] | None = None,
    **options: Any,
) -> Any:
    """Ask, and tell how long that took and what became of it.

    Parameters
    ----------
    requests
        Who is told.
    place, name
        Of whom what is asked.
    call
        Asks it.
    arguments
        What it is about; passed on unless ``given`` is.
    is_opening
        Whether it is the first question.
    given
        What is passed on.
    options
        Passed on too.
    """
    words = _words(name, () if is_opening else arguments)
    request = Request(datetime.now(UTC), place, words, is_opening)
    with _told(requests, request):
        result = call(*(arguments if given is None else given), **options)
    # What is answered bit by bit has only begun to be.
    if isinstance(result, Iterator):
        return _each(requests, place, f"{words}: all", result)
    if isinstance(result, AbstractContextManager):
        return _entered(requests, place, words, result)
    return result


@contextmanager
def _told(requests: Requests, request: Request) -> Iterator[None]:
    """Tell of a request while it is made."""
    waiting = requests.begin(request)
    try:
        yield
    except CalibstateError as error:
        waiting.answered(error.first.summary)
        raise
    except BaseException as error:
        waiting.answered(type(error).__name__)
        raise
    waiting.answered()


def _each(requests: Requests, place: str, words: str, values: Iterator[Any]) -> Iterator[Any]:
    """Yield what a place answers bit by bit, and tell of it at the end."""
    waiting = requests.begin(Request(datetime.now(UTC), place, words))
    number = 0
    outcome = "left"
    try:
        for value in values:
            number += 1
            yield value
        outcome = ANSWERED
    except CalibstateError as error:
        outcome = error.first.summary
        raise
    finally:
        waiting.answered(f"{outcome}, {number}")


@contextmanager
def _entered(
    requests: Requests, place: str, words: str, context: AbstractContextManager[Any]
) -> Iterator[Any]:
    """Enter a context of a place, such as a lock, and tell of both ends."""
    with _told(requests, Request(datetime.now(UTC), place, f"enter {words}")):
        entered = context.__enter__()
    try:
        yield entered
    except BaseException as error:
        if not context.__exit__(type(error), error, error.__traceback__):
            raise
        return
    with _told(requests, Request(datetime.now(UTC), place, f"leave {words}")):
        context.__exit__(None, None, None)


def _words(name: str, arguments: Sequence[Any]) -> str:
    """Return a question and what it is about, in few words."""
    words = [name]
    for argument in arguments:
        if isinstance(argument, str):
            words.append(argument)
        elif isinstance(argument, int):
            words.append(str(argument))
        elif isinstance(argument, (list, tuple)) and argument and isinstance(argument[0], str):
            # The first of many tells which they are; all would fill a screen.
            words.append(argument[0])
            if len(argument) > 1:
                words.append(f"and {len(argument) - 1} more")
    question = " ".join(words)
    if len(question) > _LONGEST:
        return f"{question[:_LONGEST]}…"
    return question
