"""What is given to a batch system, and what was seen of what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from pydantic import Field

from .locks import Process
from .names import CollectionName, Noun

__all__ = [
    "Batch",
    "BatchState",
    "Cause",
    "ExpectedOutput",
    "PipelineSubmission",
    "SeenBatch",
    "SeenOutput",
    "Submission",
]


class Submission(Noun):
    """One template, with all that is said in it but what a site says."""

    home: Literal["cp_pipe", "cp_verify"]
    """Which package's template it is."""

    template: str
    """Its file: ``bps_{template}.yaml``."""

    variables: dict[str, str]
    """Variables of the templates, but for those of the site (``REPO``,
    ``SCRATCH``, ``CP_PIPE_DIR``, ``CP_VERIFY_DIR`` and the middleware's)."""

    output: CollectionName
    """CHAINED collection that it writes to."""

    run: CollectionName | None = None
    """RUN that it writes to, where its name is fixed; `None`: a new one, by
    the time."""

    inputs: tuple[CollectionName, ...]
    """Collections that it searches, in order."""

    query: str
    """The data query that its template must come to."""

    overrides: dict[str, str] = Field(default_factory=dict)
    """Keys of the template that are set otherwise around it, such as
    ``biasBootstrapRun`` for bootstraps of another iteration."""

    @property
    def name(self) -> str:
        """What its folder and its messages call it."""
        return f"{self.template}-{self.run or self.output}".replace("/", "_")


class PipelineSubmission(Submission):
    """A pipeline that is run as it is, without a template around it."""

    pipeline: str
    """Its file, in which variables may stand."""


class Batch(Noun):
    """What was begun, as ``batch.json`` in its folder keeps it.

    It says what to look for, not what has come of it.
    """

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["batch"] = "batch"

    submit: Literal["bps", "pipetask"]
    """What runs it."""

    run: CollectionName
    """RUN that it writes to."""

    command: tuple[str, ...]
    """Words of the command line that was run last."""

    variables: dict[str, str]
    """Variables that were exported to it."""

    begun: str
    """UTC, with ``Z``."""

    process: Process
    """Who began it, or what runs it as soon as that is known."""


class BatchState(Enum):
    """How far a batch has come, as its folder and its processes tell."""

    ABSENT = "absent"
    """Nothing was submitted, or it has ended and left what can be judged."""

    RUNNING = "running"

    CUT = "cut"
    """It ended before it was done, and can be restarted."""


@dataclass(frozen=True)
class SeenBatch:
    """A batch, as its submit folder, its processes and its files tell."""

    state: BatchState

    detail: str = ""
    """How that is known: the folder, the process, the batch system's word."""

    litter: tuple[str, ...] = ()
    """Files under the RUN's folder that no dataset of the butler has."""

    log: str | None = None
    """File in which the middleware said what it did."""


@dataclass(frozen=True)
class Cause:
    """Why a quantum made nothing, as ``pipetask report`` tells it."""

    task: str
    data_id: str
    """As `~calibstate.model.contents.Row` has it."""
    error: str
    """First line of the error."""


class ExpectedOutput(Noun):
    """A question: what should a submission have made, and what has it?"""

    output: CollectionName
    """Its CHAINED collection."""

    dataset_type: str
    """What it makes."""

    dimensions: tuple[str, ...]
    """What tells its datasets apart, besides the instrument."""

    instrument: str
    raws: CollectionName
    where: str
    """Which raws, the instrument included; what the selection finds, projected
    on the dimensions, is what is expected."""

    otherwise: str | None = None
    """What it makes in its place, where it is told to leave that out."""

    run: CollectionName | None = None
    """The RUN that is looked at, if its name is fixed; `None`: the newest."""

    but_for: tuple[str, ...] = ()
    """Detectors that may be missing, by number or by name."""


@dataclass(frozen=True)
class SeenOutput:
    """What a submission has made."""

    is_there: bool = False
    """Whether its collection exists."""

    newest: CollectionName | None = None
    """The RUN that stands first in it; `None`: none does."""

    older: tuple[CollectionName, ...] = ()
    """RUNs below the output's own name behind that."""

    inputs: tuple[CollectionName, ...] = ()
    """What stands in it behind its RUNs."""

    exposures: int = 0
    """Exposures that the selection finds."""

    expected: frozenset[str] = frozenset()
    """Data IDs that should be made, as rows have them."""

    datasets: Mapping[str, str] = field(default_factory=dict)
    """UUIDs of the datasets in the newest RUN, by data ID."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Data IDs that are expected and not in the newest RUN, sorted."""
        return tuple(sorted(self.expected.difference(self.datasets)))

    @property
    def is_complete(self) -> bool:
        """Whether everything that is expected was made."""
        return bool(self.expected) and not self.missing
