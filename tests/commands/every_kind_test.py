"""Every kind in every command: one that is missing somewhere is seen.

Each kind brings a world (`tests.kinds.worlds`) in which one thing of it lacks.
All commands are run there, and those that do not show it are told: what should
be silent says so in its world, with the reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from calibstate.kinds import registry
from tests.commands.carried import Carried
from tests.commands.sites import Sites
from tests.kinds.alias_kind import AliasKind, add_to_table
from tests.kinds.worlds import Elsewhere, KindWorld, edit, world_of
from tests.kinds.worlds.by_rucio import ByRucio

TESTS = Path(__file__).parents[1]

ALIAS = AliasKind.name
"""A kind of these tests, that is added to the table."""

ALL = (*registry.KINDS, ALIAS)
BY_RUCIO = [kind for kind in ALL if isinstance(world_of(kind), ByRucio)]
HERE = [kind for kind in ALL if kind not in BY_RUCIO and not isinstance(world_of(kind), Elsewhere)]


@pytest.fixture
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KindWorld:
    """Return the world of a kind, which calibstate knows from now on."""
    kind: str = request.param
    world = world_of(kind)
    assert isinstance(world, KindWorld), (
        f"by which world is it walked? Say it in tests/kinds/worlds/{kind}.py"
    )
    assert world.kind == kind
    if kind == ALIAS:
        add_to_table(monkeypatch)
    world.prepare(monkeypatch, tmp_path / "programs")
    return world


Answers = dict[str, str]
"""What each command comes to: empty, or what it does not show."""


@pytest.mark.matrix(2)
@pytest.mark.parametrize("world", HERE, indirect=True, ids=HERE)
def test_every_command_shows_a_kind(world: KindWorld, deployed: Sites, tmp_path: Path) -> None:
    assert _Walk(world, deployed, tmp_path).holes() == {}


@pytest.mark.slow
@pytest.mark.parametrize("world", BY_RUCIO, indirect=True, ids=BY_RUCIO)
def test_every_command_shows_a_kind_of_rucio(world: KindWorld, carried: Carried, tmp_path: Path) -> None:
    assert _Walk(world, carried, tmp_path).holes() == {}


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_has_a_world_or_says_where_it_is_shown(kind: str) -> None:
    world = world_of(kind)
    assert world, f"by which world is it walked? Say it in tests/kinds/worlds/{kind}.py"
    if isinstance(world, Elsewhere):
        assert world.reason
        assert [test for test in world.tests if not (TESTS / test).is_file()] == []
    else:
        assert set(world.silent) <= set(VERBS), "it is silent in what is no command of the walk"


class _Walk:
    """Runs every command in the world of one kind."""

    def __init__(self, world: KindWorld, sites: Sites, folder: Path) -> None:
        self.world = world
        self.sites = sites
        self.folder = folder

    def holes(self) -> Answers:
        """Return the commands that do not show it, each with what is amiss."""
        return {verb: hole for verb, hole in self.answers().items() if hole}

    def answers(self) -> Answers:
        """Run all commands, in an order in which each finds what it needs."""
        self.world.prepare_sites(self.sites)
        self.sites.commit()
        self.world.declare(self.sites)
        answers: Answers = {}
        for verb, look in VERBS.items():
            shown = look(self)
            # A command that is silent for a reason must be silent.
            if verb in self.world.silent:
                shown = f"it is shown, though {self.world.silent[verb]}" if not shown else ""
            answers[verb] = shown
        return answers

    # --- what is asked of a document ---

    def drift(self, *more: str, sites: Sites | None = None) -> list[dict[str, Any]]:
        """Return the drift of the kind at its place."""
        document = (sites or self.sites).run("drift", "--format", "json", *more).json
        return [drift for drift in document["drift"] if self.is_ours(drift["target"])]

    def steps(self, *more: str) -> list[dict[str, Any]]:
        """Return the steps for the kind at its place."""
        document = self.sites.run("plan", "--format", "json", *more).json
        return [step for step in document["steps"] if self.is_ours(step["target"])]

    def is_ours(self, target: Mapping[str, str]) -> bool:
        return target["kind"] == self.world.kind and target["place"] == self.world.place

    def tells(self, text: str, words: str = "") -> str:
        words = words or self.world.told
        return "" if words in text else f"{words} is not told of: {text[:500]}"


def _validate(walk: _Walk) -> str:
    if walk.sites.run("validate").code:
        return "what is sound is refused"
    with closing(walk.sites.copied_to(walk.folder / "spoilt", walk.sites.capsys)) as spoilt:
        where = walk.world.spoil(spoilt)
        ran = spoilt.run("validate")
    if ran.code != 1 or f"{where}:" not in ran.out + ran.err:
        return f"the mistake at {where} is not told: {ran.out + ran.err}"
    return ""


def _show(walk: _Walk) -> str:
    return walk.tells(walk.sites.run("show").out)


def _diff(walk: _Walk) -> str:
    return walk.tells(walk.sites.run("diff", "HEAD").out, walk.world.file)


def _report(walk: _Walk) -> str:
    return walk.tells(walk.sites.run("report", "--base", "HEAD").out, walk.world.file)


def _impact(walk: _Walk) -> str:
    ran = walk.sites.run("impact", "HEAD")
    if ran.code not in {0, 2}:
        return f"it ends with {ran.code}: {ran.err}"
    return walk.tells(ran.out)


def _drift(walk: _Walk) -> str:
    return "" if walk.drift() else "no drift"


def _status(walk: _Walk) -> str:
    status = walk.sites.run("status", "--format", "json").json
    for told in status["tables"]:
        for row in told["rows"]:
            for cell in row["cells"]:
                if walk.world.told in row["name"] and cell["state"] not in {"there", "searched", "elsewhere"}:
                    return ""
    return walk.tells(str(status["beside"]))


def _plan(walk: _Walk) -> str:
    return "" if walk.steps() else "no step"


def _observe(walk: _Walk) -> str:
    file = walk.folder / "seen.json"
    walk.sites.run("observe", "-o", str(file))
    seen = walk.drift()
    with closing(walk.sites.copied_to(walk.folder / "blind", walk.sites.capsys)) as blind:
        if walk.world.place not in {"archive", "rucio"}:
            shutil.rmtree(blind.path(walk.world.place))
        by_others = walk.drift("--observed", str(file), sites=blind)
    if walk.world.place in {"archive", "rucio"}:
        return "it is no repository"
    return "" if by_others == seen else f"{seen} is seen, and by others {by_others}"


def _hold(walk: _Walk) -> str:
    if not walk.steps():
        return "it has no step that could be held"
    walk.world.hold(walk.sites)
    held = walk.steps()
    reasons = {drift["reason"] for drift in walk.drift()}
    walk.world.free(walk.sites)
    if held or "hold" not in reasons:
        return f"steps that are held: {held}; reasons: {reasons}"
    return ""


def _guards(walk: _Walk) -> str:
    walk.world.hold(walk.sites)
    passed = walk.steps("--allow", "hold", "--because", "it cannot wait")
    walk.world.free(walk.sites)
    return "" if passed else "who passes the guard has no step"


def _waves(walk: _Walk) -> str:
    edit(walk.sites, "calibstate.yaml", lambda said: said.update(waves=[["usdf"], ["summit"]]))
    steps = walk.steps()
    reasons = {drift["reason"] for drift in walk.drift()}
    edit(walk.sites, "calibstate.yaml", lambda said: said.pop("waves"))
    if not steps and "wave" in reasons:
        return ""
    return f"the second wave waits for nothing: {steps or reasons}"


def _apply(walk: _Walk) -> str:
    if not walk.steps():
        return "it has no step"
    code = walk.world.apply(walk.sites)
    if code or walk.drift():
        return f"it ends with {code}, and there is still: {walk.drift()}"
    again = walk.sites.run("plan", "--format", "json").json["steps"]
    return f"and again there is something to do: {again}" if again else ""


def _log(walk: _Walk) -> str:
    told = walk.sites.run("log", "--format", "json").out
    actions = [action.do for action in registry.KINDS[walk.world.kind].actions]
    return "" if any(action in told for action in actions) else f"none of {actions} is told of"


def _verify(walk: _Walk) -> str:
    # Of a ticket, whatever else is declared.
    ran = walk.sites.run("verify", "--ticket", walk.world.deployed)
    return "" if ran.code in {0, 2} else f"it ends with {ran.code}: {ran.out}{ran.err}"


VERBS: Mapping[str, Callable[[_Walk], str]] = {
    "validate": _validate,
    "show": _show,
    "diff": _diff,
    "report": _report,
    "impact": _impact,
    "drift": _drift,
    "status": _status,
    "plan": _plan,
    "observe": _observe,
    "hold": _hold,
    "guards": _guards,
    "waves": _waves,
    "apply": _apply,
    "log": _log,
    "verify": _verify,
}
"""Every command of the walk, in its order; what is declared comes last."""
