"""Asking the same of many files, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..ports.silence import heard, hearing, listening

__all__ = ["TOGETHER", "for_each"]

TOGETHER = 64
"""Small files of this machine that one thread asks for, reads or writes one
after the other."""

_AT_ONCE = 16
"""Threads."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def for_each(ask: Callable[[_Item], _Answer], items: Sequence[_Item], *, together: int = 1) -> list[_Answer]:
    """Ask the same of many files, several at a time.

    The first that raises ends it; those not begun are not asked.

    Parameters
    ----------
    ask
        The question.
    items
        The files.
    together
        How many are asked one after the other by the same thread: to hand a
        file to a thread takes longer than a look at one of this machine.

    Returns
    -------
    list
        The answers, in the order of the files.
    """

    def ask_all(batch: Sequence[_Item]) -> list[_Answer]:
        answers = []
        for item in batch:
            answers.append(ask(item))
            heard()
        return answers

    if not items:
        return []
    batches = [items[start : start + together] for start in range(0, len(items), together)]
    answers: list[_Answer] = []
    threads = min(_AT_ONCE, len(batches))
    with ThreadPoolExecutor(threads, initializer=listening, initargs=(hearing(),)) as pool:
        try:
            for some in pool.map(ask_all, batches):
                answers += some
        finally:
            pool.shutdown(cancel_futures=True)
    return answers
