"""Properties that are found out once, and keep nobody waiting.

Up to Python 3.11 `functools.cached_property` has one lock for all objects of
a class, so a place that is silent would keep all others from being asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["lazy"]

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801 - it is used as `property` is
    """A property that is kept once it is known.

    Parameters
    ----------
    find
        Finds it out; of several threads that ask at once each may.
    """

    def __init__(self, find: Callable[[Any], T]) -> None:
        self._find = find
        self.__doc__ = find.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        value = self._find(instance)
        # What an object has itself is found before this is asked again.
        return vars(instance).setdefault(self._find.__name__, value)  # type: ignore[no-any-return]
