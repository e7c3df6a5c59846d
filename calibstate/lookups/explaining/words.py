"""Read a data ID as people write it, in the words of the repositories.

People name detectors and bands; rows have numbers and filters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from ...errors import Diagnostic, UnreachableError, UsageError
from ...model.contents import format_data_id, parse_data_id
from ...model.explanations import Question
from ...model.names import nearest, with_code_points
from ...ports.butler import ButlerReader

__all__ = ["Words", "listed", "unknown", "values_of"]

_K = TypeVar("_K")
_V = TypeVar("_V")

_ANYWHERE = frozenset(
    {
        "exposure",
        "visit",
        "group",
        "day_obs",
        "band",
        "physical_filter",
        "detector",
    }
)
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

    def __init__(
        self,
        question: Question,
        butlers: Sequence[ButlerReader],
        there: Collection[str],
    ) -> None:
        self._question = question
        self._butlers = butlers
        self._there = there
        self._keys: tuple[str, ...] = ()
        """Keys by which the type is told apart; none where there is none."""

        if there:
            # The same in all of them: a type means the same everywhere.
            self._keys = tuple(parse_data_id(min(there)))

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
        question = self._question
        given = {
            "instrument": question.instrument,
            **exposure,
            **question.data_id,
        }
        if not self._there:
            return format_data_id(given)
        possible = {*self._keys, *_ANYWHERE, "instrument"}
        for key in given:
            if key not in possible:
                detail = f"{question.dataset_type} is not told apart by it"
                raise unknown(
                    "No such key of a data ID",
                    key,
                    detail,
                    self._keys,
                )
        # A band that a person gives goes before the filter of the exposure.
        gives_filter = "physical_filter" in question.data_id
        has_filter = "physical_filter" in self._keys
        band = question.data_id.get("band")
        if has_filter and band is not None and not gives_filter:
            given["physical_filter"] = self._filter(band)
        lacking = [key for key in self._keys if key not in given]
        if lacking:
            raise self._incomplete(lacking)
        if "detector" in self._keys:
            given["detector"] = self._detector(given["detector"])
        required = {key: given[key] for key in self._keys}
        return format_data_id(required)

    def ignored(self) -> Iterator[str]:
        """Yield which of the keys that were given make no difference."""
        if not self._keys:
            return
        for key in self._question.data_id:
            stands_for = key
            if key == "band":
                stands_for = "physical_filter"
            if key in self._keys or stands_for in self._keys:
                continue
            dataset_type = self._question.dataset_type
            yield f"{dataset_type} does not depend on {key}."

    def _incomplete(self, lacking: Sequence[str]) -> UsageError:
        """Return the error of a data ID without some keys."""
        dataset_type = self._question.dataset_type
        additions: list[str] = []
        examples: list[str] = []
        for key in lacking:
            additions.append(f"{key}=…")
            values = self._values(key)[:12]
            listed_values = " ".join(values)
            examples.append(f"{key} {listed_values}")
        keys = ", ".join(self._keys)
        missing = " and ".join(lacking)
        to_add = " ".join(additions)
        listed_examples = "; ".join(examples)
        return UsageError(
            Diagnostic(
                "Data ID does not fit",
                f"{dataset_type} is told apart by {keys}; {missing} is missing.",
                hint=f"Add {to_add}: there are {listed_examples}.",
            )
        )

    def _values(self, key: str) -> tuple[str, ...]:
        return values_of(key, map(parse_data_id, self._there))

    def _filter(self, band: str) -> str:
        """Return the only filter of a band that the type is there for."""
        instrument = self._question.instrument
        bands = self._first_answer(lambda butler: butler.filters(instrument))
        if not bands:
            raise _untold("Band not known", band, "physical_filter=…")
        of_band: list[str] = []
        for name in sorted(bands):
            if bands[name] == band:
                of_band.append(name)
        values = self._values("physical_filter")
        filters = [name for name in of_band if name in values]
        # Where the type is there for none of them, the band's own filters
        # say more than nothing.
        if not filters:
            filters = of_band
        if not filters:
            raise unknown(
                "Band not known",
                band,
                "no filter has this band",
                set(bands.values()),
            )
        if len(filters) > 1:
            listed_filters = listed(filters)
            raise UsageError(
                Diagnostic(
                    "Band has several filters",
                    f"{band} is the band of {listed_filters}.",
                    hint="Give one of them: physical_filter=…",
                )
            )
        return filters[0]

    def _detector(self, word: str) -> str:
        """Return the number of a detector, given so or by its full name."""
        if word.isascii() and word.isdigit():
            return str(int(word))
        instrument = self._question.instrument
        names = self._first_answer(lambda butler: butler.detectors(instrument))
        if not names:
            raise _untold("Detector not known", word, "its number")
        numbers: dict[str, str] = {}
        for number, name in names.items():
            numbers[name] = str(number)
        if word not in numbers:
            raise unknown(
                "Detector not known",
                word,
                f"no detector of {instrument}",
                numbers,
            )
        return numbers[word]

    def _first_answer(
        self,
        ask: Callable[[ButlerReader], Mapping[_K, _V]],
    ) -> Mapping[_K, _V]:
        """Return what the first repository that can tell does tell."""
        for butler in self._butlers:
            try:
                answer = ask(butler)
            except UnreachableError:
                continue  # What was observed does not tell.
            if answer:
                return answer
        return {}


def values_of(
    key: str,
    data_ids: Iterable[Mapping[str, str]],
) -> tuple[str, ...]:
    """Return the values of a key: words, then numbers by size."""
    values = {data_id[key] for data_id in data_ids}
    words: list[str] = []
    numbers: list[str] = []
    for value in sorted(values):
        if value.isdigit():
            numbers.append(value)
        else:
            words.append(value)
    numbers.sort(key=lambda number: (int(number), number))
    return (*words, *numbers)


def listed(words: Iterable[str]) -> str:
    """Return words for a sentence."""
    return ", ".join(words)


def unknown(
    summary: str,
    word: str,
    why: str,
    possible: Iterable[str],
) -> UsageError:
    """Return the error of a word that nobody knows, with the nearest."""
    words = sorted(possible)
    hint = ""
    if words:
        shown = listed(words[:20])
        if len(words) > 20:
            shown += ", …"
        hint = f"Known are {shown}."
    near = nearest(word, words)
    if near:
        hint = f"Did you mean {near}? {hint}"
    given = with_code_points(word)
    detail = f"{given}: {why}."
    return UsageError(Diagnostic(summary, detail, hint=hint))


def _untold(summary: str, word: str, instead: str) -> UsageError:
    """Return the error of a word that nobody can tell the meaning of."""
    given = with_code_points(word)
    return UsageError(
        Diagnostic(
            summary,
            f"{given}: no repository that was seen tells what that is.",
            hint=f"Give {instead}.",
        )
    )
