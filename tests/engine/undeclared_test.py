"""To tell of chains that nobody declared costs a question at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from typing_extensions import override

from calibstate.engine.observe import observe
from calibstate.model.drift import UndeclaredChain, command_for_all
from calibstate.model.names import Place, RepositoryAddress
from calibstate.model.scope import Scope
from calibstate.ports.butler import SeenCollection
from tests.engine.capture_test import BASE, ORIGIN, SUMMIT, TOP, World, add_ticket, make_world
from tests.fakes.butler import MemoryButler

Questions = list[tuple[str, ...]]


class Counting(MemoryButler):
    """A repository that keeps what it was asked for."""

    def __init__(self, butler: MemoryButler) -> None:
        self.__dict__.update(butler.__dict__)
        self.questions: Questions = []

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        wanted = tuple(names)
        self.questions.append(wanted)
        return super().collections(wanted)


def counting(world: World) -> dict[Place, Counting]:
    butlers = {address: Counting(butler) for address, butler in world.places.butlers.items()}
    world.places.butlers.update(butlers)
    return butlers


def make(folder: Path) -> World:
    world = make_world(folder)
    for address in (ORIGIN, SUMMIT):
        butler = world.butler(address)
        butler.add_chain(TOP, [add_ticket(butler, "DM-1")])
    return world


def test_where_nothing_is_declared_one_question_tells_all(tmp_path: Path) -> None:
    world = make(tmp_path)
    butlers = counting(world)

    view = observe(world.desired, Scope(), world.places)

    assert [(chain.chain, chain.repositories) for chain in view.undeclared] == [(TOP, (SUMMIT, ORIGIN))]
    assert {butlers[address].questions[0] for address in (ORIGIN, SUMMIT, BASE)} == {(TOP,)}
    assert {len(butlers[address].questions) for address in (ORIGIN, SUMMIT, BASE)} == {1}


def test_where_all_is_declared_nothing_is_asked(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.capture()
    world.capture(SUMMIT)
    butlers = counting(world)

    view = observe(world.desired, Scope(), world.places)

    assert view.undeclared == ()
    alone = [q for address in (ORIGIN, SUMMIT) for q in butlers[address].questions if q == (TOP,)]
    assert alone == [], "its ticket is looked at with it, and it with its ticket"
    assert (TOP,) in butlers[BASE].questions


def test_what_others_make_is_declared_too(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.tree.chain([{"external": TOP, "only": ["usdf"]}], "LSSTComCam/defaults", only=["usdf"])

    view = observe(world.desired, Scope(), world.places)

    assert view.undeclared == ()


def chain(name: str, *declared_for: str) -> UndeclaredChain:
    here = (RepositoryAddress("summit/main"),)
    return UndeclaredChain(chain=name, instrument="LSSTComCam", repositories=here, declared_for=declared_for)


def test_all_of_them_are_one_command_where_that_takes_them() -> None:
    usual, other = chain(TOP), chain("LSSTComCam/defaults", "usdf")

    assert command_for_all([usual]) == ""
    assert command_for_all([usual, usual]) == "calibstate capture"
    assert command_for_all([usual, other]) == ""
    assert other.command == "calibstate capture summit/main LSSTComCam --chain LSSTComCam/defaults"
