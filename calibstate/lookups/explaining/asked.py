"""What a person asks for, in the words of the repositories.

People name detectors and bands; rows have numbers and filters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from ...errors import Diagnostic, UnreachableError, UsageError
from ...model.contents import format_data_id, parse_data_id
from ...model.explanations import Question
from ...model.names import nearest
from ...ports.butler import ButlerReader

__all__ = ["Words", "listed", "unknown", "values_of"]

_K = TypeVar("_K")
_V = TypeVar("_V")

_ANYWHERE = frozenset({"exposure", "visit", "group", "day_obs", "band", "physical_filter", "detector"})
"""Keys that a person may give for any dataset type."""


class Words:
    """What a person may write in a data ID, at these repositories.

    Parameters
    ----------
    question
        What is asked.
    butlers
        The repositories; the first that can tell is believed.
    there
        All data IDs that there is a calibration for anywhere.
    """

    def __init__(self, question: Question, butlers: Sequence[ButlerReader], there: Collection[str]) -> None:
        self._question = question
        self._butlers = butlers
        self._there = there
        # The same in all of them: a type means the same everywhere.
        self._keys = tuple(parse_data_id(min(self._there))) if self._there else None

    def data_id(self, exposure: Mapping[str, str]) -> str:
        """Return the data ID that is asked for, as rows have it.

        Parameters
        ----------
        exposure
            What an exposure tells that was not given.

        Raises
        ------
        UsageError
            A key is missing, or a word means nothing.
        """
        asked = self._question.data_id
        given = {"instrument": self._question.instrument, **exposure, **asked}
        if self._keys is None:
            return format_data_id(given)
        self._check_keys(given)
        if "physical_filter" in self._keys and "band" in asked and "physical_filter" not in asked:
            given["physical_filter"] = self._filter(asked["band"])
        if lacking := [key for key in self._keys if key not in given]:
            raise self._lacking(lacking)
        if "detector" in self._keys:
            given["detector"] = self._detector(given["detector"])
        return format_data_id({key: given[key] for key in self._keys})

    def ignored(self) -> Iterable[str]:
        """Yield which of the keys that were given make no difference."""
        for key in self._question.data_id:
            stands_for = "physical_filter" if key == "band" else key
            if self._keys and key not in self._keys and stands_for not in self._keys:
                yield f"{self._question.dataset_type} does not depend on {key}."

    def _check_keys(self, given: Mapping[str, str]) -> None:
        known = {*(self._keys or ()), *_ANYWHERE, "instrument"}
        for key in given:
            if key not in known:
                detail = f"{self._question.dataset_type} is not told apart by it"
                raise unknown("No such key of a data ID", key, detail, self._keys or ())

    def _lacking(self, lacking: Sequence[str]) -> UsageError:
        have = [f"{key} {' '.join(self._values(key)[:12])}" for key in lacking]
        return UsageError(
            Diagnostic(
                "Data ID does not fit",
                f"{self._question.dataset_type} is told apart by {', '.join(self._keys or ())}; "
                f"{' and '.join(lacking)} is missing.",
                hint=f"Add {' '.join(f'{key}=…' for key in lacking)}: there are {'; '.join(have)}.",
            )
        )

    def _values(self, key: str) -> tuple[str, ...]:
        return values_of(key, map(parse_data_id, self._there))

    def _filter(self, band: str) -> str:
        """Return the only filter of a band that the type is there for."""
        bands = self._asked(lambda butler: butler.filters(self._question.instrument))
        if not bands:
            raise _untold("Band not known", band, "physical_filter=…")
        of_band = sorted(name for name, its in bands.items() if its == band)
        there = [name for name in of_band if name in self._values("physical_filter")] or of_band
        if len(there) == 1:
            return there[0]
        if there:
            detail, hint = f"{band} is the band of {', '.join(there)}.", "Give one of them: physical_filter=…"
            raise UsageError(Diagnostic("Band has several filters", detail, hint=hint))
        raise unknown("Band not known", band, "no filter has this band", set(bands.values()))

    def _detector(self, word: str) -> str:
        """Return the number of a detector, given so or by its full name."""
        if word.isascii() and word.isdigit():
            return str(int(word))
        names = self._asked(lambda butler: butler.detectors(self._question.instrument))
        if not names:
            raise _untold("Detector not known", word, "its number")
        numbers = {name: str(number) for number, name in names.items()}
        if word not in numbers:
            raise unknown("Detector not known", word, f"no detector of {self._question.instrument}", numbers)
        return numbers[word]

    def _asked(self, ask: Callable[[ButlerReader], Mapping[_K, _V]]) -> Mapping[_K, _V]:
        """Return what the first repository that can tell does tell."""
        for butler in self._butlers:
            try:
                if told := ask(butler):
                    return told
            except UnreachableError:
                continue  # What was observed does not tell.
        return {}


def values_of(key: str, data_ids: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the values of a key, numbers by size."""
    values = {data_id[key] for data_id in data_ids}
    return tuple(sorted(values, key=lambda value: (int(value) if value.isdigit() else -1, value)))


def listed(words: Iterable[str]) -> str:
    """Return words for a sentence."""
    return ", ".join(words)


def unknown(summary: str, word: str, why: str, known: Iterable[str]) -> UsageError:
    """Return the error of a word that nobody knows, with the nearest."""
    words = sorted(known)
    near = nearest(word, words)
    hint = f"Known are {listed(words[:20])}{', …' if len(words) > 20 else ''}." if words else ""
    return UsageError(
        Diagnostic(summary, f"{word}: {why}.", hint=f"Did you mean {near}? {hint}" if near else hint)
    )


def _untold(summary: str, word: str, instead: str) -> UsageError:
    detail = f"{word}: no repository that was seen tells what that is."
    return UsageError(Diagnostic(summary, detail, hint=f"Give {instead}."))
