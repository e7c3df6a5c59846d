"""A skymap: how the sky is divided into tracts and patches for coadds.

It is known by its name and told apart by its hash.  Once it is registered it
is never changed, by nobody: coadds are made on it.  So what is not there is
registered by the stack's own command, and another hash is told and left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, RefusedError, Severity
from ..model.actions import Action, Departure, Standing
from ..model.desired import DesiredState, Written
from ..model.drift import Drift, What
from ..model.guards import Hold
from ..model.names import Address, Place
from ..model.reasons import Code, Reason
from ..model.resources import Declared, Resource
from ..model.skymaps import SkymapConfig
from ..model.status import RowKey, Subject
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .commanding import require_commands
from .rows import TableRows
from .selection import Selection
from .skymap_file import FOLDER, FORM, config_of

__all__ = ["RegisterSkymap", "Skymap", "SkymapKind"]

_COMMAND = "register-skymap"
"""The command of pipe_tasks."""

_CONFIG = "skymap.config"
"""The file that it is given."""


# --- the resource ---


@dataclass(frozen=True)
class Skymap(Resource):
    """A skymap of a repository."""

    hash: str | None
    """Its hash in hex; `None`: observed, and nothing has its name."""

    config: SkymapConfig | None = None
    """Declared: from what it is registered."""

    namesake: str = ""
    """Observed: another name under which its declared hash is registered."""

    @override
    def facts(self) -> Iterator[str]:
        yield f"{self.address} {self.hash} {self.namesake}"

    @override
    def declaration(self) -> Mapping[str, object]:
        return {"hash": self.hash}


class RegisterSkymap(Action):
    """Register a skymap that is not there."""

    do: ClassVar[str] = _COMMAND

    hash: str
    """The hash that it must have."""

    config: SkymapConfig
    """All that the command is given."""

    @override
    def subject(self) -> Skymap:
        return Skymap(self.target, self.hash, self.config)

    @override
    def standing(self, live: Resource | None) -> Standing:
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY if _hash_of(live) is None else Standing.DONE

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        place = self.target.place
        name = self.target.name
        hash_ = _hash_of(live)
        if hash_ not in {None, self.hash}:
            yield Departure(place, name, "no skymap of that name", f"one with the hash {hash_}")
        if isinstance(live, Skymap) and live.namesake:
            yield Departure(place, live.namesake, "no skymap with this hash", "one")

    @override
    def summary(self) -> str:
        return f"register the skymap with the hash {self.hash}"

    @override
    def changes(self) -> Iterator[str]:
        yield f"+ {self.hash}: {self.config.pixelization}, patches by {self.config.builder}"


# --- the kind ---


class SkymapKind(Kind[Skymap]):
    """Skymaps, which belong to no instrument."""

    name = "skymap"
    actions = (RegisterSkymap,)
    form = FORM

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        # Who asks for a ticket or an instrument asks for what is of it.
        if selection.scope.tickets or selection.scope.instruments:
            return
        desired = selection.desired
        files: Mapping[str, Written[Any]] = desired.own.get(FOLDER, {})
        for name, written in sorted(files.items()):
            if not desired.expects(written.noun.only, place):
                continue
            config = config_of(written, desired)
            assert config, "a sound tree has it"
            address = Address(place=place, kind=self.name, name=name)
            skymap = Skymap(address, written.noun.hash or config.noun.hash, config.noun)
            yield Declared(skymap, written.lines.at("skymap"))

    @override
    def observe(self, targets: Sequence[Skymap], places: ReadPlaces) -> Mapping[Address, Skymap | None]:
        if not targets:
            return {}
        hashes = places.butler(targets[0].address.place).skymaps()
        names = {hash_: name for name, hash_ in hashes.items()}
        live: dict[Address, Skymap | None] = {}
        for target in targets:
            name = target.address.name
            # The registry lets no hash have two names.
            namesake = names.get(target.hash or "", name)
            if name in hashes:
                live[target.address] = Skymap(target.address, hashes[name])
            elif namesake != name:
                live[target.address] = Skymap(target.address, None, namesake=namesake)
            else:
                live[target.address] = None
        return live

    @override
    def compare(self, declared: Skymap, live: Skymap | None) -> Iterator[Drift]:
        what = What.MISSING
        detail = "no skymap of that name is registered"
        if live and live.hash == declared.hash:
            return
        if live and live.hash is not None:
            what = What.CHANGED
            detail = f"it is registered with the hash {live.hash}; declared is {declared.hash}"
        yield Drift(target=declared.address, what=what, subject=declared.address.name, detail=detail)

    @override
    def remedy(self, declared: Skymap, live: Skymap | None) -> Iterator[Action]:
        if live is not None:
            return
        assert declared.hash, "of what is declared it is known"
        assert declared.config, "it is declared"
        for drift in self.compare(declared, live):
            yield RegisterSkymap(
                target=declared.address,
                because=drift.detail,
                hash=declared.hash,
                config=declared.config,
            )

    @override
    def is_there(self, declared: Skymap, live: Skymap | None) -> bool:
        return _hash_of(live) == declared.hash

    @override
    def obstacle(self, declared: Skymap, live: Skymap | None) -> Reason | None:
        if live is None or live.hash == declared.hash:
            return None
        name = declared.address.name
        place = declared.address.place
        if live.namesake:
            other = live.namesake
            return Reason.refused(
                Code.SKYMAP_NAMED_OTHERWISE,
                f"{place} has this skymap as {other}, and a registry lets none have two names",
                hint=f"Declare it as {other}, or leave {place} out with `only`.",
            )
        return Reason.refused(
            Code.SKYMAP_DIFFERS,
            f"{place} has another skymap under the name {name}, with the hash {live.hash}; "
            "what is registered is never changed, since coadds are made on it",
            hint="Declare yours under a new name; or declare the configuration of the one "
            f"that {place} has; or leave {place} out with `only`.",
        )

    @override
    def hold(self, target: Address, desired: DesiredState) -> Hold | None:
        written: Written[Any] | None = desired.own.get(FOLDER, {}).get(target.name)
        if written is None or not written.noun.hold:
            return None
        return Hold(target.name, written.noun.hold, written.lines.at("hold"))

    @override
    def rows(
        self,
        drift: Drift,
        table: TableRows,
        declared: Skymap | None,
        live: Skymap | None,
    ) -> Iterator[RowKey]:
        # It is of no instrument, so each table of its repository tells it.
        yield RowKey(Subject.RESOURCE, drift.target.name)

    @override
    def sentence(self, declared: Skymap) -> str:
        return f"has the hash {declared.hash}"

    @override
    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
        name = action.target.name
        place = action.target.place
        require_commands(
            place,
            _COMMAND,
            places=places,
            hint="Set up the Rubin stack that has it (lsst_distrib), then run this again.",
        )
        running = places.commands(place).under_way(_COMMAND)
        if running:
            problem = Diagnostic(
                "Command runs already",
                f"`butler {_COMMAND}` runs there already, as {running}.",
                hint="Wait for its end.",
            )
            raise RefusedError(problem)
        # DMTN-222, section 3.6.2.
        note = Diagnostic(
            "A skymap is large",
            f"{name} takes 3 to 5 GB of the registry's database, and some time.",
            severity=Severity.NOTE,
        )
        return [note]

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, RegisterSkymap)
        target = action.target
        runner = places.run_commands(target.place)
        # The command runs what it is given, so it is given a text of ours: of
        # the file that somebody proposed there are only the values in it.
        ran = runner.run(
            _COMMAND,
            ["-C", _CONFIG],
            fence,
            files={_CONFIG: action.config.text},
        )
        # What it says proves nothing: a look at the registry tells.
        live = self.observe([action.subject()], places)[target]
        standing = action.standing(live)
        if standing is Standing.DONE:
            return
        why = ran.error
        if standing is Standing.STALE:
            why = action.moved(live)
        detail = f"`butler {_COMMAND}` ended with {ran.code}, and {target} is not as it should be"
        if why:
            detail += f": {why.rstrip('.')}"
        raise CalibstateError(Diagnostic("Skymap was not registered", f"{detail}."))


def _hash_of(live: Resource | None) -> str | None:
    return live.hash if isinstance(live, Skymap) else None
