"""What a template of cp_pipe or cp_verify makes, seen in the repository.

Done is what the newest RUN holds, compared with what the raws of the
selection ask for.  An exit code says nothing (``bps submit`` ends with 0 when
a quantum failed), and a chain answers with yesterday's datasets.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Generic, TypeVar, cast

from typing_extensions import override

from ..errors import Diagnostic, RefusedError
from ..model.actions import Action, Departure, Standing
from ..model.contents import CollectionType
from ..model.drift import Drift, What
from ..model.names import Address, Place, RepositoryAddress
from ..model.reasons import Code, Reason, Weight
from ..model.resources import Declared, Resource
from ..model.submissions import BatchState, ExpectedOutput, SeenBatch, SeenOutput, Submission
from ..ports.butler import ButlerReader, SeenCollection
from ..ports.construction import ConstructionPlaces
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .external import chains_below
from .selection import Selection

__all__ = ["Submit", "Submitted", "SubmittedKind", "address_of", "in_words", "ticket_chain"]

_MOST = 5
"""Data IDs that a sentence names."""


@dataclass(frozen=True)
class Submitted(Resource):
    """What one template makes."""

    submission: Submission | None = None
    """Declared: what is submitted for it."""

    expected: ExpectedOutput | None = None
    """Declared: what it should be."""

    output: SeenOutput = field(default_factory=SeenOutput)
    """Observed: what has been made, and what the raws ask for."""

    batch: SeenBatch = field(default_factory=lambda: SeenBatch(BatchState.ABSENT))
    """Observed: how far its batch has come."""

    searched: tuple[str, ...] = ()
    """Observed: what it would search now, chains as what is in them."""

    absent: tuple[str, ...] = ()
    """Observed: collections of its inputs that do not exist."""

    lacking: tuple[str, ...] = ()
    """Observed: dataset types that its pipeline needs, and finds nowhere."""

    unfit: str = ""
    """Observed: why its template cannot be filled in as declared."""

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {self.output.newest} {sorted(self.output.datasets.items())}"

    @property
    def is_done(self) -> bool:
        """Whether everything was made that is expected."""
        return self.output.is_complete

    @property
    def is_bound_to_others(self) -> bool:
        """Whether its output was begun with other inputs than it has now.

        pipetask refuses to go on with it then, and a second RUN in front of
        what was certified would hide it.
        """
        return self.output.is_there and self.output.inputs != self.searched


S = TypeVar("S", bound=Submitted)


class Submit(Action):
    """Run a template, or go on with it where it was cut."""

    submission: Submission
    """What is submitted."""

    expected: ExpectedOutput
    """What it should make."""

    searched: tuple[str, ...]
    """What it searches, chains as what is in them."""

    newest: str | None = None
    """RUN that stands first in its output now; `None`: none does."""

    @abstractmethod
    def asked(self) -> Submitted:
        """Return what is looked at."""

    @override
    def subject(self) -> Submitted:
        return self.asked()

    @override
    def standing(self, live: Resource | None) -> Standing:
        if not isinstance(live, Submitted):
            return Standing.READY
        if live.is_done:
            return Standing.DONE
        if live.batch.state is BatchState.RUNNING:
            return Standing.UNDER_WAY
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, Submitted):
            return
        place = self.target.place
        if live.searched != self.searched:
            yield Departure(place, "what it searches", _listed(self.searched), _listed(live.searched))
        newest = live.output.newest
        is_ours = newest is None or newest == self.submission.run
        # Its own RUN, or one that this step has begun, is no departure.
        if newest != self.newest and not is_ours and self.newest is not None:
            yield Departure(place, self.submission.output, self.newest, newest or "no RUN")

    @override
    def summary(self) -> str:
        return f"submit {self.submission.template}"

    @override
    def changes(self) -> Iterator[str]:
        yield f"  into {self.submission.run or self.submission.output}"


class SubmittedKind(Kind[S], Generic[S]):
    """What templates make.

    It takes hours, so no plan has steps for it: ``construct`` does it.
    """

    action: ClassVar[type[Submit]]
    """What makes it."""

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        yield from ()

    @override
    def observe(
        self,
        targets: Sequence[S],
        places: ReadPlaces,
    ) -> Mapping[Address, S | None]:
        if not targets:
            return {}
        # Only places where calibrations are made are asked for these.
        making = cast(ConstructionPlaces, places)
        place = targets[0].address.place
        expected = [target.expected for target in targets if target.expected]
        outputs = making.construction(place).outputs(expected)
        chains = _Searched(making.butler(place))
        live: dict[Address, S | None] = {}
        for target in targets:
            submission = target.submission
            assert submission, "what is looked at is declared"
            output = outputs[submission.output]
            chain = ticket_chain(submission)
            absent = [name for name in chains.absent(submission.inputs) if name != chain]
            submitted = replace(
                target,
                output=output,
                searched=chains.flattened(submission.inputs),
                absent=tuple(absent),
            )
            # What is whole needs nobody's batch any more.
            if not output.is_complete:
                submitted = _with_batch(submitted, submission, making)
            live[target.address] = submitted
        return live

    @override
    def compare(self, declared: S, live: S | None) -> Iterator[Drift]:
        if live is None or live.is_done:
            return
        what = What.MISSING
        if live.batch.state is BatchState.RUNNING:
            what = What.PENDING
        yield Drift(
            target=declared.address,
            what=what,
            subject=_output_of(declared),
            detail=self.words(live),
        )

    @override
    def remedy(self, declared: S, live: S | None) -> Iterator[Action]:
        if live is None or live.is_done or self.obstacle(declared, live):
            return
        assert declared.submission and declared.expected, "it is declared"
        yield self.action(
            target=declared.address,
            because=self.words(live),
            submission=declared.submission,
            expected=declared.expected,
            searched=live.searched,
            newest=live.output.newest,
            **self.particulars(declared),
        )

    def particulars(self, declared: S) -> Mapping[str, object]:
        """Return what an action of this kind has besides."""
        return {}

    def words(self, live: S) -> str:
        """Say how much of it was made, and what is missing."""
        return in_words(live)

    @override
    def is_there(self, declared: S, live: S | None) -> bool:
        return live is not None and live.is_done

    @override
    def obstacle(self, declared: S, live: S | None) -> Reason | None:
        if live is None or live.is_done:
            return None
        if live.batch.state is BatchState.RUNNING:
            return Reason(Code.UNDER_WAY, live.batch.detail or "its batch runs", Weight.AWAITED)
        if live.absent:
            detail = f"it would search {_listed(live.absent)}, which does not exist"
            return Reason(Code.NOT_THERE, detail, Weight.REFUSED)
        if not live.output.expected:
            detail = f"its selection finds no exposure: {_where_of(declared)}"
            return Reason(Code.NOTHING_SELECTED, detail, Weight.REFUSED)
        if live.unfit:
            return Reason(Code.TEMPLATE_UNFIT, live.unfit, Weight.REFUSED)
        if live.lacking:
            detail = f"its pipeline needs {_listed(live.lacking)}, which nothing that it searches holds"
            return Reason(Code.PREREQUISITE_MISSING, detail, Weight.REFUSED)
        if live.is_bound_to_others:
            return Reason(Code.INPUTS_CHANGED, _bound(live), Weight.REFUSED)
        is_resumed = live.batch.state is BatchState.CUT
        if live.batch.litter and not is_resumed:
            return Reason(Code.LITTER, _littered(live.batch), Weight.REFUSED)
        return None

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, Submit), "kinds carry out their own actions"
        making = cast(ConstructionPlaces, places)
        place = action.target.place
        chain = ticket_chain(action.submission)
        # The middleware refuses to search a chain that does not exist, and the
        # first product of a ticket has nothing in it yet.
        if chain in action.submission.inputs and not places.butler(place).collections([chain]):
            places.change_butler(place).set_chain(chain, (), expected=None, fence=fence)
        making.batches(place).submit(action.submission, watch, fence)


def _with_batch(submitted: S, submission: Submission, making: ConstructionPlaces) -> S:
    """Return what was made, how its batch stands, and what it lacks."""
    place = submitted.address.place
    runner = making.batches(place)
    submitted = replace(submitted, batch=runner.look(submission))
    try:
        needs = runner.needs(submission)
    except RefusedError as error:
        return replace(submitted, unfit=_unfit(error.diagnostics))
    if needs is None:
        return submitted
    lacking = needs - making.construction(place).types(submitted.searched)
    return replace(submitted, lacking=tuple(sorted(lacking)))


class _Searched:
    """What is searched through the inputs of submissions."""

    def __init__(self, butler: ButlerReader) -> None:
        self._butler = butler
        self._there: set[str] = set()
        self._chains: dict[str, tuple[str, ...]] = {}
        self._asked: set[str] = set()

    def flattened(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return what a search through some collections looks into, in order.

        As pipetask writes it into the chain of an output: chains are replaced
        by what is in them.
        """
        self._ask(names)
        # The keys of a dictionary keep the order in which they are searched.
        leaves: dict[str, None] = {}
        waiting = list(reversed(names))
        while waiting:
            name = waiting.pop()
            if name in self._chains:
                waiting.extend(reversed(self._chains[name]))
            elif name in self._there or name not in names:
                leaves[name] = None
        return tuple(leaves)

    def absent(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of some collections that do not exist."""
        self._ask(names)
        return tuple(name for name in names if name not in self._there)

    def _ask(self, names: Sequence[str]) -> None:
        new = [name for name in names if name not in self._asked]
        if not new:
            return
        self._asked.update(new)
        there = self._butler.collections(new)
        self._there.update(there)
        chains: dict[str, SeenCollection] = {}
        for name, collection in there.items():
            if collection.type is CollectionType.CHAINED:
                chains[name] = collection
        self._chains.update(chains_below(chains, self._butler))


def ticket_chain(submission: Submission) -> str:
    """Return the ticket collection of a submission, by its variables."""
    variables = submission.variables
    prefix = variables["USER_CALIB_PREFIX"]
    return f"{prefix}{variables['INSTRUMENT']}/calib/{variables['TICKET']}"


def in_words(live: Submitted) -> str:
    """Say how much of something was made, and what is missing."""
    output = live.output
    dataset_type = live.expected.dataset_type if live.expected else "datasets"
    number = len(output.expected) - len(output.missing)
    words = f"{number} of {len(output.expected)} {dataset_type}"
    if output.newest is None:
        return f"{words}; nothing is there yet"
    words = f"{words} in {output.newest}"
    if output.missing:
        words = f"{words}; missing {_listed(output.missing)}"
    return words


def address_of(repository: RepositoryAddress, kind: str, collection: str) -> Address:
    """Return the address of what a collection is made for.

    Parameters
    ----------
    repository
        Where it is made.
    kind
        Name of its kind.
    collection
        Full name of the collection.
    """
    return Address(place=repository, kind=kind, name=collection.replace("/calib/", "/", 1))


def _output_of(declared: Submitted) -> str:
    return declared.submission.output if declared.submission else declared.address.name


def _where_of(declared: Submitted) -> str:
    return declared.expected.where if declared.expected else ""


def _bound(live: Submitted) -> str:
    output = live.submission.output if live.submission else live.address.name
    return (
        f"{output} was begun when other collections were searched than now, so the middleware refuses to go "
        "on with it, and no product can be made again under its name; give the product a `rerun` of its own"
    )


def _unfit(diagnostics: Sequence[Diagnostic]) -> str:
    """Return all that is wrong with a template, and what to do about it."""
    sentences = [_sentence(diagnostic) for diagnostic in diagnostics]
    # The same is often to be done about several.
    hints = dict.fromkeys(diagnostic.hint for diagnostic in diagnostics if diagnostic.hint)
    return ". ".join(["; ".join(sentences), *(hint.rstrip(".") for hint in hints)])


def _sentence(diagnostic: Diagnostic) -> str:
    """Return what is wrong, and in which line of which file."""
    sentence = diagnostic.detail.rstrip(".")
    if diagnostic.where is None or diagnostic.where.file in sentence:
        return sentence
    return f"{diagnostic.where}: {sentence}"


def _littered(batch: SeenBatch) -> str:
    number = len(batch.litter)
    return (
        f"{number} files lie under the name of its RUN, of a batch that was cut, and no dataset has them: "
        f"{_listed(batch.litter)}; remove them, or give another number or iteration"
    )


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(words[:_MOST])
    more = len(words) - _MOST
    if more > 0:
        return f"{shown} and {more} more"
    return shown or "nothing"
