"""Check that a pipeline takes the calibrations that it should.

The middleware makes the quanta; what each of them takes is compared with what
the declared chain selects for that exposure and detector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import CalibstateError
from ..model.effective import Effective
from ..model.names import RepositoryAddress, TicketKey
from ..model.reviews import Check, Checked, Fault, Finding, Note, Picked
from ..model.tickets import Ticket
from ..model.timespans import format_bound
from ..ports.pipelines import Execution, Processing, Taken
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

    def __call__(self, showed: Showed, tickets: Sequence[Ticket]) -> Mapping[TicketKey, Checked]:
        """Return what becomes of each ticket at one repository.

        The quanta are made once for each outermost chain, for all tickets
        that are searched through it.
        """
        executions: list[_Execution] = []
        for chain in showed.chains:
            if chain.outermost and any(chain in showed.through(ticket) for ticket in tickets):
                outcome = self._execute(chain, showed.address)
                executions.append(_Execution(chain, outcome))
        checks: dict[TicketKey, Checked] = {}
        for ticket in tickets:
            if showed.through(ticket):
                checks[ticket.key] = _checked(ticket, showed, executions)
        return checks

    def _execute(self, chain: SearchedChain, address: RepositoryAddress) -> Execution | str:
        """Return what was executed, or why nothing was."""
        inputs = tuple(dict.fromkeys((chain.name, *self.inputs)))
        processing = Processing(self.pipeline, self.where, inputs)
        try:
            execution = self.run(processing, address)
        except CalibstateError as error:
            return error.diagnostics[0].detail
        if not execution.graph.quanta:
            return f"{self.pipeline} has no quantum for {self.where}: no such exposure, or no inputs for it"
        return execution


@dataclass(frozen=True)
class _Execution:
    """The quanta that are made through one chain."""

    chain: SearchedChain

    outcome: Execution | str
    """What was executed, or why nothing was."""


@dataclass(frozen=True)
class _Input:
    """What a quantum takes where it should take a ticket's calibration."""

    taken: Taken
    expected: Effective


def _checked(ticket: Ticket, showed: Showed, executions: Sequence[_Execution]) -> Checked:
    counts = {"quanta": 0, "inputs": 0}
    findings: list[Finding] = []
    notes: list[Note] = []
    for execution in executions:
        chain = execution.chain
        outcome = execution.outcome
        if chain not in showed.through(ticket):
            continue
        if isinstance(outcome, str):
            findings.append(_failed(chain, outcome))
            continue
        inputs = list(_inputs(ticket, chain, outcome))
        counts["quanta"] += outcome.graph.quanta
        counts["inputs"] += len(inputs)
        findings += _findings(inputs, chain)
        if outcome.trouble:
            findings.append(_failed(chain, f"it failed: {outcome.trouble}"))
        if chain.won_by(ticket) and not inputs:
            detail = f"no quantum takes a calibration of {ticket.ticket}; see --where"
            notes.append(Note(detail=detail))
        notes += _notes(outcome)
    return Checked(Check.PIPELINE, counts, tuple(findings), tuple(dict.fromkeys(notes)))


def _failed(chain: SearchedChain, detail: str) -> Finding:
    return Finding(check=Check.PIPELINE, what=Fault.FAILED, chains=(chain.name,), detail=detail)


def _inputs(ticket: Ticket, chain: SearchedChain, execution: Execution) -> Iterator[_Input]:
    """Yield the inputs that should be of a ticket."""
    for taken in execution.graph.taken:
        expected = _expected(taken, chain)
        if expected and expected.collection in ticket.leaves:
            yield _Input(taken, expected)


def _expected(taken: Taken, chain: SearchedChain) -> Effective | None:
    """Return what a quantum should take.

    An exposure may lie across the end of a range: the butler takes from the
    first collection that has anything for any part of it.
    """
    if taken.span is None:
        return None
    winners = within(chain.wish, taken.dataset_type, taken.data_id, taken.span)
    return min(winners, key=lambda winner: chain.declared.index(winner.collection), default=None)


def _findings(inputs: Sequence[_Input], chain: SearchedChain) -> Iterator[Finding]:
    """Yield the inputs that are others, those alike together."""
    alike: defaultdict[tuple[str, str, str], list[_Input]] = defaultdict(list)
    for quantum in inputs:
        if quantum.taken.uuid != quantum.expected.uuid:
            instead = _collection(quantum.taken, chain)
            key = (quantum.taken.dataset_type, quantum.expected.collection, instead)
            alike[key].append(quantum)
    for key in sorted(alike):
        dataset_type, collection, instead = key
        others = alike[key]
        spans = [other.taken.span for other in others if other.taken.span]
        data_ids = {other.taken.data_id for other in others}
        taken_uuids = {other.taken.uuid for other in others}
        # Of a new dataset the UUID is not known before it is deployed.
        uuids = {other.expected.uuid for other in others} - {""}
        yield Finding(
            check=Check.PIPELINE,
            what=Fault.SHADOWED,
            chains=(chain.name,),
            dataset_type=dataset_type,
            data_ids=tuple(sorted(data_ids)),
            begin=format_bound(min(begin for begin, _ in spans)),
            end=format_bound(max(end for _, end in spans)),
            expected=Picked(collections=(collection,), uuids=tuple(sorted(uuids))),
            found=Picked(collections=(instead,), uuids=tuple(sorted(taken_uuids))),
            detail=f"the pipeline takes that of {instead} instead",
        )


def _collection(taken: Taken, chain: SearchedChain) -> str:
    """Return through which collection a quantum takes a calibration."""
    if taken.span is None:
        return taken.run
    for winner in within(chain.sight, taken.dataset_type, taken.data_id, taken.span):
        if winner.uuid == taken.uuid:
            return winner.collection
    return taken.run


def _notes(execution: Execution) -> Iterator[Note]:
    if execution.registered:
        registered = ", ".join(execution.registered)
        yield Note(detail=f"the pipeline registered dataset types, which stay: {registered}")
    for remark in execution.remarks:
        yield Note(detail=remark)
