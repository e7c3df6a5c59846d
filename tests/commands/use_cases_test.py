"""Use cases without a command line: they return, and print nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibstate.errors import ExitCode, UsageError
from calibstate.model.names import Place
from calibstate.model.outcomes import Outcome
from calibstate.model.results.declared import DeclaredChains
from calibstate.model.scope import Scope
from calibstate.work.apply import carry_out, check, prepare
from calibstate.work.drift import drift
from calibstate.work.session import Session
from calibstate.work.show import show
from calibstate.work.validate import validate
from tests.commands.sites import SUMMIT, Sites

STATE = Path(__file__).parents[2] / "state"


def test_a_use_case_returns_its_result_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(STATE)

    validation, declared = validate(session), show(session)

    assert validation.inventory
    assert validation.inventory.chains == len(session.desired.chains)
    assert isinstance(declared, DeclaredChains)
    assert {chain.repository for chain in declared.chains} <= set(session.desired.repositories)
    assert tuple(capsys.readouterr()) == ("", "")


def test_a_plan_that_was_prepared_is_carried_out_by_whoever_called(
    deployed: Sites, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.change_chain(SUMMIT, lambda children: children[:1])
    session = Session(deployed.tree.state, Scope(repositories=(Place(SUMMIT),)))
    assert drift(session).exit_code is ExitCode.DRIFT
    outcomes: list[Outcome] = []

    prepared = prepare(session)
    applied = carry_out(prepared, outcomes.append, excluded=check(prepared))

    assert [step.action.target.place for step in prepared.plan.steps] == [SUMMIT]
    assert (applied.exit_code, len(applied.outcomes)) == (ExitCode.DONE, 1)
    assert outcomes[-1] == applied.outcomes[0]
    assert drift(session).exit_code is ExitCode.DONE
    assert tuple(capsys.readouterr()) == ("", "")


def test_a_session_refuses_what_nobody_declared() -> None:
    with pytest.raises(UsageError, match="nobody declared such a site"):
        _ = Session(STATE, Scope(sites=("sumit",))).scope
