"""Daily verification: each day's calibration exposures, verified as they come.

An exposure of the day is reduced with what a chain selects, and cp_verify
says which of its tests pass.  Nothing is made or certified by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .names import CollectionName, InstrumentName, Noun, RepositoryAddress
from .policy import day
from .submissions import ExpectedOutput, PipelineSubmission

__all__ = ["Daily", "DailyKind", "Sasquatch", "Send", "VerifiedDay"]

DailyKind = Literal["bias", "dark", "flat"]
"""Sorts of exposures of which cp_verify tells exposure by exposure."""

_TEST = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

_NAMESPACE = r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$"


def _in_the_calendar(text: str) -> str:
    # The calendar takes 2025-6-7 for a day, too.
    is_day = day(text) is not None
    if not is_day or len(text) != len("2025-06-07"):
        raise ValueError(f"`{text}` is no day; write it as 2025-06-07")
    return text


def _is_test(text: str) -> str:
    if not _TEST.fullmatch(text):
        raise ValueError(f"`{text}` is no test; cp_verify writes them as NOISE or MEAN")
    return text


PipelineName = Annotated[str, Field(min_length=1)]

TestName = Annotated[str, AfterValidator(_is_test)]

Nights = Annotated[
    int,
    Field(ge=1, le=366),
]


class Sasquatch(Noun):
    """A REST proxy of Sasquatch, which takes metrics."""

    url: str
    """Address in front of ``/topics``, as in
    ``https://usdf-rsp.slac.stanford.edu/sasquatch-rest-proxy``."""

    namespace: Annotated[str, Field(pattern=_NAMESPACE)] = "lsst.dm"
    """What the names of its topics begin with."""


class Send(Noun):
    """Where metrics are sent."""

    sasquatch: Sasquatch
    """The proxy."""


class Daily(Noun):
    """How the calibration exposures of an instrument are verified each day."""

    instrument: InstrumentName
    """The camera."""

    at: str | None = None
    """Repository in which they are verified; the instrument's origin unless
    it is given."""

    chain: CollectionName
    """The chain whose calibrations they are reduced with."""

    raws: CollectionName
    """Collection of the raws."""

    since: Annotated[str, AfterValidator(_in_the_calendar)]
    """The first observing day, ``YYYY-MM-DD``; what is older is left alone."""

    verify: Annotated[dict[DailyKind, PipelineName], Field(min_length=1)]
    """Pipeline by sort of exposure: the name of one of cp_verify, such as
    ``verifyBias``, or a path, in which variables may stand."""

    alarms: dict[TestName, Nights] = Field(default_factory=dict)
    """After how many nights in a row that a test failed for a detector there
    is an alarm, by test; of other tests there is none.  Without any: each
    test, at the first night."""

    send: Send | None = None
    """Where metrics are sent when that is asked for."""

    @property
    def since_day(self) -> int:
        """The first observing day as a number, ``YYYYMMDD``."""
        return int(self.since.replace("-", ""))

    def pipeline(self, kind: str) -> str:
        """Return the file of a pipeline, in which variables may stand.

        Parameters
        ----------
        kind
            A sort of exposure that is verified.
        """
        pipelines: Mapping[str, str] = dict(self.verify.items())
        name = pipelines[kind]
        # A name without a folder is never a file of this machine.
        is_path = "/" in name
        if is_path:
            return name
        return f"${{CP_VERIFY_DIR}}/pipelines/{self.instrument}/{name}.yaml"

    def nights_until_alarm(self, test: str) -> int | None:
        """Return after how many nights a test alarms; `None`: never."""
        # Whoever names no test wants to be told of each.
        if not self.alarms:
            return 1
        return self.alarms.get(test)


@dataclass(frozen=True)
class VerifiedDay:
    """One observing day of an instrument, where it is verified."""

    daily: Daily
    """How it is verified."""

    repository: RepositoryAddress
    """Where."""

    day: int
    """The observing day, ``YYYYMMDD``."""

    prefix: str = ""
    """What stands before the names of all outputs, in a trial."""

    @property
    def inputs(self) -> tuple[CollectionName, ...]:
        """What is searched, in order."""
        return (self.daily.chain, self.daily.raws)

    def outputs(self, kind: str) -> tuple[CollectionName, ...]:
        """Return the names that an output may have, one for each letter.

        Parameters
        ----------
        kind
            A sort of exposure.
        """
        instrument = self.daily.instrument
        stem = f"{self.prefix}{instrument}/calib/daily/{_stem(kind)}.{self.day}"
        names = []
        # It moves when the chain has moved.
        for letter in ascii_lowercase:
            names.append(f"{stem}{letter}")
        return tuple(names)

    def where(self, kind: str) -> str:
        """Return which raws are verified, the instrument included."""
        conditions = (
            f"instrument='{self.daily.instrument}'",
            f"exposure.day_obs={self.day}",
            f"exposure.observation_type='{kind}'",
        )
        return " and ".join(conditions)

    def by_exposure(self, kind: str, output: CollectionName) -> ExpectedOutput:
        """Return what an output should tell of exposures."""
        return ExpectedOutput(
            output=output,
            dataset_type=f"{_stem(kind)}ExpStats",
            otherwise=f"{_stem(kind)}ExpResults",
            dimensions=("exposure",),
            instrument=self.daily.instrument,
            raws=self.daily.raws,
            where=self.where(kind),
        )

    def by_detector(self, kind: str, output: CollectionName) -> ExpectedOutput:
        """Return what an output should tell of detectors of exposures."""
        return ExpectedOutput(
            output=output,
            dataset_type=f"{_stem(kind)}DetStats",
            dimensions=("exposure", "detector"),
            instrument=self.daily.instrument,
            raws=self.daily.raws,
            where=self.where(kind),
        )

    def submission(
        self,
        kind: str,
        output: CollectionName,
        exposures: Sequence[int],
        without: Mapping[int, str] = MappingProxyType({}),
        instead_of: Sequence[str] = (),
    ) -> PipelineSubmission:
        """Return what is run for some exposures.

        Parameters
        ----------
        kind
            Their sort.
        output
            Where it writes to.
        exposures
            Their numbers.
        without
            Detectors that are left out, such as ``0..3,5``, by exposure.
        instead_of
            UUIDs of results that are replaced.  It is another run then, which
            takes nothing over of theirs.
        """
        numbers = ",".join(map(str, exposures))
        query = f"{self.where(kind)} and exposure in ({numbers})"
        variables = {
            "USER_CALIB_PREFIX": self.prefix,
            "INSTRUMENT": self.daily.instrument,
            "TICKET": "daily",
            # So that what is cut off is gone on with for the same exposures.
            "DAILY_EXPOSURES": numbers,
        }
        left_out = []
        for exposure, detectors in sorted(without.items()):
            query += f" and not (exposure={exposure} and detector in ({detectors}))"
            left_out.append(f"{exposure}:{detectors}")
        if left_out:
            variables["DAILY_WITHOUT"] = " ".join(left_out)
        if instead_of:
            variables["DAILY_INSTEAD_OF"] = " ".join(sorted(instead_of))
        return PipelineSubmission(
            home="cp_verify",
            template=f"verify_{kind}",
            variables=variables,
            output=output,
            inputs=self.inputs,
            query=query,
            pipeline=self.daily.pipeline(kind),
        )


def _stem(kind: str) -> str:
    """Return what the names of all datasets of a verification begin with."""
    return f"verify{kind.capitalize()}"
