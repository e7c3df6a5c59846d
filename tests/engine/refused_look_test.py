"""What a place refuses to tell of stops only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import pytest

from calibstate.engine.observe import look_at
from calibstate.errors import Diagnostic, RefusedError
from calibstate.kinds.bundle import Bundle
from calibstate.kinds.chain import Chain
from calibstate.kinds.collection import Collection
from calibstate.kinds.external import External
from calibstate.kinds.rucio_dataset import RucioDataset
from calibstate.kinds.rucio_rule import RucioRule
from calibstate.model.names import Address, Place, TicketKey
from calibstate.model.resources import Declared, Resource
from calibstate.ports.places import ReadPlaces

KEY = TicketKey("LSSTCam", "DM-1")


class Touchy:
    """Whatever place, which refuses questions about some names."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **more: self if name in PLACES else self._answer(arguments, more)

    def _answer(self, arguments: tuple[Any, ...], more: Mapping[str, Any]) -> dict[str, Any]:
        asked = [*arguments, *more.values()]
        if any("touchy" in str(list(one) if isinstance(one, Iterable) else one) for one in asked):
            raise RefusedError(Diagnostic("Rucio refuses a name", "touchy~1 does not match."))
        return {}


PLACES = {"butler", "archive", "rucio"}


def address(kind: str, name: str) -> Address:
    return Address(place=Place("somewhere"), kind=kind, name=name)


def resources(name: str) -> Mapping[str, Resource]:
    """Return one resource of each kind, each of which is asked for by name."""
    return {
        "bundle": Bundle(address("bundle", name), TicketKey("LSSTCam", name), None),
        "rucio_dataset": RucioDataset(address("rucio_dataset", name), KEY, "main", name),
        "rucio_rule": RucioRule(address("rucio_rule", name), KEY, "main", name, "RSE"),
        "collection": Collection(address("collection", name), (name,)),
        "external": External(address("external", name)),
        "chain": Chain(address("chain", name), ()),
    }


@pytest.mark.parametrize("kind", resources(""))
def test_of_every_kind_a_refused_look_stops_only_its_own(kind: str) -> None:
    wanted = [Declared(resources(name)[kind]) for name in ("a", "touchy~1", "b")]

    seen = look_at(wanted, cast(ReadPlaces, Touchy()))

    refused = {observed.address.name: observed.refusal for observed in seen}
    assert set(refused) == {"a", "touchy~1", "b"}
    assert refused["a"] is refused["b"] is None
    assert refused["touchy~1"] is not None
    assert refused["touchy~1"].summary == "Rucio refuses a name"
