"""Check that a pipeline takes the calibrations that it should.

The middleware makes the quanta; what each of them takes is compared with what
the declared chain selects for that exposure and detector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import CalibstateError
from ..model.effective import Effective
from ..model.names import RepositoryAddress, TicketKey
from ..model.reviews import Check, Checked, Fault, Picked
from ..model.tickets import Ticket
from ..ports.pipelines import Execution, Graph, Processing, Taken
from .checking import Checking
from .look_closely import SearchedChain, Showed
from .within import within

__all__ = ["QuantaCheck"]


@dataclass(frozen=True)
class QuantaCheck:
    """A pipeline, and what is taken by it."""

    pipeline: str
    """File of the pipeline."""

    where: str
    """Which data, in the butler's query language."""

    inputs: tuple[str, ...]
    """Collections that are searched for inputs behind the chain."""

    run: Callable[[Processing, RepositoryAddress], Execution]
    """Makes the quanta, and runs them if that is wanted."""

    def __call__(
        self,
        showed: Showed,
        tickets: Sequence[Ticket],
    ) -> Mapping[TicketKey, Checked]:
        """Return what becomes of each ticket at one repository.

        The quanta are made once for each outermost chain, for all tickets
        that are searched through it.
        """
        executions: list[_Execution] = []
        for chain in showed.chains:
            # What is searched through an inner chain is through an outer one.
            if not chain.outermost:
                continue
            if any(chain in showed.through(ticket) for ticket in tickets):
                execution = self.execute(chain, showed.address)
                executions.append(execution)
        checks: dict[TicketKey, Checked] = {}
        for ticket in tickets:
            chains = showed.through(ticket)
            if not chains:
                continue
            checking = Checking(Check.PIPELINE, {"quanta": 0, "inputs": 0})
            for execution in executions:
                if execution.chain in chains:
                    execution.check(ticket, checking)
            checks[ticket.key] = checking.checked()
        return checks

    def execute(self, chain: SearchedChain, address: RepositoryAddress) -> _Execution:
        """Make the quanta through a chain, and run them if that is wanted."""
        # The chain is searched first, also where it is among the inputs.
        inputs = dict.fromkeys((chain.name, *self.inputs))
        processing = Processing(
            self.pipeline,
            self.where,
            inputs=tuple(inputs),
        )
        try:
            execution = self.run(processing, address)
        except CalibstateError as error:
            detail = error.diagnostics[0].detail
            return _Execution(chain, detail)
        if not execution.graph.quanta:
            return _Execution(
                chain,
                f"{self.pipeline} has no quantum for {self.where}: no such exposure, or no inputs for it",
            )
        return _Execution(chain, execution)


@dataclass(frozen=True)
class _Input:
    """What a quantum takes where it should take a ticket's calibration."""

    taken: Taken
    expected: Effective


class _OthersAlike(NamedTuple):
    """What inputs have in common that are others in the same way."""

    dataset_type: str

    collection: str
    """The ticket's, of which they should be."""

    instead: str
    """The collection that they are of."""


@dataclass(frozen=True)
class _Execution:
    """The quanta that are made through one chain."""

    chain: SearchedChain

    outcome: Execution | str
    """What was executed, or why nothing was."""

    def check(self, ticket: Ticket, checking: Checking) -> None:
        """Check the inputs that should be of a ticket."""
        names = [self.chain.name]
        execution = self.outcome
        if isinstance(execution, str):
            checking.add(Fault.FAILED, execution, chains=names)
            return
        graph = execution.graph
        inputs = list(self.inputs_of(ticket, graph))
        counts = checking.counts
        counts["quanta"] += graph.quanta
        counts["inputs"] += len(inputs)
        self.add_others(inputs, checking)
        if execution.trouble:
            detail = f"it failed: {execution.trouble}"
            checking.add(Fault.FAILED, detail, chains=names)
        if not inputs and self.chain.won_by(ticket):
            # It passes, so a person is to know that it tells nothing.
            checking.note(f"no quantum takes a calibration of {ticket.ticket}; see --where")
        if execution.registered:
            registered = ", ".join(execution.registered)
            checking.note(f"the pipeline registered dataset types, which stay: {registered}")
        for remark in execution.remarks:
            checking.note(remark)

    def inputs_of(self, ticket: Ticket, graph: Graph) -> Iterator[_Input]:
        """Yield the inputs that should be of a ticket."""
        leaves = set(ticket.leaves)
        for taken in graph.taken:
            expected = self.expected(taken)
            if expected and expected.collection in leaves:
                yield _Input(taken, expected)

    def expected(self, taken: Taken) -> Effective | None:
        """Return what a quantum should take.

        An exposure may lie across the end of a range: the butler takes from
        the first collection that has anything for any part of it.
        """
        if taken.span is None:
            return None
        winners = within(
            self.chain.wish,
            taken.dataset_type,
            taken.data_id,
            taken.span,
        )
        declared = self.chain.declared
        return min(
            winners,
            key=lambda winner: declared.index(winner.collection),
            default=None,
        )

    def collection_of(self, taken: Taken) -> str:
        """Return through which collection a quantum takes a calibration."""
        if taken.span is None:
            return taken.run
        winners = within(
            self.chain.sight,
            taken.dataset_type,
            taken.data_id,
            taken.span,
        )
        for winner in winners:
            if winner.uuid == taken.uuid:
                return winner.collection
        return taken.run

    def add_others(self, inputs: Sequence[_Input], checking: Checking) -> None:
        """Add the inputs that are others, those alike together."""
        alike: defaultdict[_OthersAlike, list[_Input]] = defaultdict(list)
        for quantum in inputs:
            taken, expected = quantum.taken, quantum.expected
            if taken.uuid != expected.uuid:
                key = _OthersAlike(
                    taken.dataset_type,
                    expected.collection,
                    instead=self.collection_of(taken),
                )
                alike[key].append(quantum)
        for key in sorted(alike):
            data_ids: set[str] = set()
            begins: list[int] = []
            ends: list[int] = []
            uuids: set[str] = set()
            uuids_taken: set[str] = set()
            for other in alike[key]:
                taken = other.taken
                data_ids.add(taken.data_id)
                uuids.add(other.expected.uuid)
                uuids_taken.add(taken.uuid)
                if taken.span:
                    begin, end = taken.span
                    begins.append(begin)
                    ends.append(end)
            # Of a new dataset the UUID is not known before it is deployed.
            uuids.discard("")
            checking.add(
                Fault.SHADOWED,
                f"the pipeline takes that of {key.instead} instead",
                chains=[self.chain.name],
                dataset_type=key.dataset_type,
                data_ids=data_ids,
                begin=min(begins),
                end=max(ends),
                expected=Picked.of({key.collection}, uuids),
                selected=Picked.of({key.instead}, uuids_taken),
            )
