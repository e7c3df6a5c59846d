"""Check that a pipeline takes the calibrations that it should.

The middleware makes the quanta; what each of them takes is compared with what
the declared chain selects for that exposure and detector.
"""

from __future__ import annotations

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
        made = [
            _Made(chain, self._made(chain, showed))
            for chain in showed.chains
            if chain.outermost and any(chain in showed.through(ticket) for ticket in tickets)
        ]
        return {ticket.key: _checked(ticket, showed, made) for ticket in tickets if showed.through(ticket)}

    def _made(self, chain: SearchedChain, showed: Showed) -> Execution | str:
        """Return what was made, or why nothing was."""
        inputs = tuple(dict.fromkeys((chain.name, *self.inputs)))
        try:
            became = self.run(Processing(self.pipeline, self.where, inputs), showed.address)
        except CalibstateError as error:
            return error.diagnostics[0].detail
        if not became.graph.quanta:
            return f"{self.pipeline} has no quantum for {self.where}: no such exposure, or no inputs for it"
        return became


@dataclass(frozen=True)
class _Made:
    """The quanta that are made through one chain."""

    chain: SearchedChain
    became: Execution | str


@dataclass(frozen=True)
class _Input:
    """What a quantum takes where it should take a ticket's calibration."""

    taken: Taken
    expected: Effective


def _checked(ticket: Ticket, showed: Showed, made: Sequence[_Made]) -> Checked:
    counts = {"quanta": 0, "inputs": 0}
    findings: list[Finding] = []
    notes: list[Note] = []
    for one in made:
        if one.chain not in showed.through(ticket):
            continue
        if isinstance(one.became, str):
            findings.append(_failed(one.chain, one.became))
            continue
        inputs = list(_inputs(ticket, one.chain, one.became))
        counts["quanta"] += one.became.graph.quanta
        counts["inputs"] += len(inputs)
        findings += _findings(inputs, one.chain)
        findings += [_failed(one.chain, f"it failed: {one.became.trouble}")] if one.became.trouble else []
        if one.chain.won_by(ticket) and not inputs:
            notes.append(Note(detail=f"no quantum takes a calibration of {ticket.ticket}; see --where"))
        notes += _notes(one.became)
    return Checked(Check.PIPELINE, counts, tuple(findings), tuple(dict.fromkeys(notes)))


def _failed(chain: SearchedChain, detail: str) -> Finding:
    return Finding(check=Check.PIPELINE, what=Fault.FAILED, chains=(chain.name,), detail=detail)


def _inputs(ticket: Ticket, chain: SearchedChain, became: Execution) -> Iterator[_Input]:
    """Yield the inputs that should be of a ticket."""
    for taken in became.graph.taken:
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
    found = within(chain.wish, taken.dataset_type, taken.data_id, taken.span)
    return min(found, key=lambda winner: chain.declared.index(winner.collection), default=None)


def _findings(inputs: Sequence[_Input], chain: SearchedChain) -> Iterator[Finding]:
    alike: dict[tuple[str, str, str], list[_Input]] = {}
    for one in inputs:
        if one.taken.uuid != one.expected.uuid:
            instead = _collection(one.taken, chain)
            alike.setdefault((one.taken.dataset_type, one.expected.collection, instead), []).append(one)
    for (dataset_type, collection, instead), others in sorted(alike.items(), key=lambda item: item[0]):
        spans = [one.taken.span for one in others if one.taken.span]
        yield Finding(
            check=Check.PIPELINE,
            what=Fault.SHADOWED,
            chains=(chain.name,),
            dataset_type=dataset_type,
            data_ids=tuple(sorted({one.taken.data_id for one in others})),
            begin=format_bound(min(begin for begin, _ in spans)),
            end=format_bound(max(end for _, end in spans)),
            expected=Picked(
                collections=(collection,), uuids=tuple(sorted({one.expected.uuid for one in others} - {""}))
            ),
            found=Picked(collections=(instead,), uuids=tuple(sorted({one.taken.uuid for one in others}))),
            detail=f"the pipeline takes that of {instead} instead",
        )


def _collection(taken: Taken, chain: SearchedChain) -> str:
    """Return through which collection a quantum takes a calibration."""
    found = within(chain.sight, taken.dataset_type, taken.data_id, taken.span) if taken.span else []
    return next((winner.collection for winner in found if winner.uuid == taken.uuid), taken.run)


def _notes(became: Execution) -> Iterator[Note]:
    if became.registered:
        told = ", ".join(became.registered)
        yield Note(detail=f"the pipeline registered dataset types, which stay: {told}")
    yield from (Note(detail=remark) for remark in became.remarks)
