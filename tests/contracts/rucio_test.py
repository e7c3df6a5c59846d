"""What every Rucio promises: one in memory, and a real server."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from calibstate.adapters.rucio import open_rucio
from calibstate.demo.rucio.site import ORIGIN, RSES, RucioSite
from calibstate.errors import PlanIsStaleError, RefusedError
from calibstate.model.rucio import RegisteredDataset, RegisteredFile, Rule, RuleState, Storage
from calibstate.model.settings import RucioSettings
from calibstate.ports.rucio import FileToRegister, RucioWriter
from tests.fakes.rucio import MemoryRucio

_, SUMMIT, BASE = RSES
TICKET = "Dataset/LSSTComCam/calib/DM-1"
OTHER = "Dataset/by/hand"
COMMENT = "calibstate LSSTComCam/DM-1"
PLENTY = 10**15

_counter = itertools.count(1)


@dataclass
class RealHands:
    """What a hand does on a real server."""

    site: RucioSite
    settings: RucioSettings
    changed: list[Callable[[], object]] = field(default_factory=list)

    def arrive(self, dataset: str, rse: str, number: int | None = None) -> None:
        wanted = [f["name"] for f in self.site.client().list_files(self.settings.scope, dataset)][:number]
        if number is None:
            self.site.drain(self.settings.scope)
            return
        self.site.transfers.fault = lambda copy: None if copy.name in wanted else "not yet"
        self.site.round()
        self.site.transfers.mend()

    def fail(self, dataset: str, rse: str, reason: str) -> None:
        self.site.transfers.fail(rse, reason=reason)
        self.site.drain(self.settings.scope)
        self.site.transfers.mend()

    def lose(self, name: str, rse: str) -> None:
        replica = {"scope": self.settings.scope, "name": name, "rse": rse}
        self.site.client().declare_bad_file_replicas([replica], "lost")
        self.site.round("necromancer")

    def vanish(self, name: str) -> None:
        client, scope = self.site.client(), self.settings.scope
        for parent in list(client.list_parent_dids(scope, name)):
            client.detach_dids(scope, parent["name"], [{"scope": scope, "name": name}])
        self.site.round("evaluator")

    def expire(self, rule: str) -> None:
        self.site.client().update_replication_rule(rule, {"lifetime": 3600})

    def add_by_hand(self, dataset: str, *rses: str, copies: int | None = None) -> str:
        dids = [{"scope": self.settings.scope, "name": dataset}]
        (rule,) = self.site.client().add_replication_rule(dids, copies or len(rses), "|".join(rses))
        return str(rule)

    def attach(self, dataset: str, names: Iterable[str], *, closed: bool = True) -> None:
        client, scope = self.site.client(), self.settings.scope
        client.add_dataset(scope, dataset)
        client.add_files_to_dataset(scope, dataset, [{"scope": scope, "name": name} for name in names])
        if closed:
            client.close(scope, dataset)

    def set_writable(self, rse: str, *, writable: bool) -> None:
        client = self.site.client()
        client.update_rse(rse, {"availability_write": writable})
        self.changed.append(lambda: client.update_rse(rse, {"availability_write": True}))

    def set_quota(self, rse: str, bytes_: int | None) -> None:
        client = self.site.client()
        # Others of this session's tests have used some.
        used = sum(row["bytes"] for row in client.get_local_account_usage("root", rse))
        client.set_local_account_limit("root", rse, -1 if bytes_ is None else used + bytes_)
        self.changed.append(lambda: client.set_local_account_limit("root", rse, PLENTY))

    def undo(self) -> None:
        self.site.transfers.mend()
        for do in self.changed:
            do()


@dataclass
class Place:
    """Rucio, as calibstate has it and as others have it."""

    rucio: RucioWriter
    hands: MemoryRucio | RealHands
    settings: RucioSettings
    put: Callable[[str, bytes], str]
    """Puts a file at the origin; returns its URI."""

    def file(self, name: str, data: bytes | None = None) -> FileToRegister:
        """Return a file at the origin."""
        data = f"content of {name}".encode() if data is None else data
        return FileToRegister(
            name,
            self.put(name, data),
            len(data),
            f"{zlib.adler32(data):08x}",
            json.dumps({"id": f"id-{name}"}),
        )

    def register(self, dataset: str = TICKET, names: Iterable[str] = "abc") -> None:
        self.rucio.register(dataset, [self.file(name) for name in names])

    def close(self, dataset: str = TICKET, names: Iterable[str] = "abc") -> None:
        """Register a dataset and close it."""
        self.register(dataset, names)
        self.rucio.close(dataset)

    def rule(self, *rses: str) -> Rule:
        """Return the one rule that keeps a copy at each of some RSEs."""
        (found,) = (rule for rule in self.rucio.rules(TICKET) if rule.rses == set(rses))
        return found


def settings_for(scope: str, root: str, url: str) -> RucioSettings:
    return RucioSettings(scope=scope, origin_rse=ORIGIN, rse_root=root, dtn_url=url)


@pytest.fixture(params=["fake", "real"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Rucio with an empty scope."""
    if request.param == "fake":
        settings = settings_for("ancillary", "/rse", "davs://dtn.example/rse")
        fake = MemoryRucio(settings)
        yield Place(fake, fake, settings, lambda name, _: f"file:///rse/ancillary/{name}")
        return
    site: RucioSite = request.getfixturevalue("rucio_site")
    scope = f"contract{next(_counter)}"
    site.add_scope(scope)
    folder, url = site.rses[ORIGIN].folder, site.rses[ORIGIN].url
    assert folder
    settings = settings_for(scope, str(folder), url)

    def put(name: str, data: bytes) -> str:
        file = site.storage(ORIGIN, scope) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file.as_uri()

    hands = RealHands(site, settings)
    yield Place(open_rucio(settings, pause=0), hands, settings, put)
    hands.undo()


@pytest.fixture
def rucio(place: Place) -> RucioWriter:
    return place.rucio


@pytest.fixture
def hands(place: Place) -> MemoryRucio | RealHands:
    return place.hands


def as_file(file: FileToRegister, *, with_uuid: bool) -> RegisteredFile:
    uuid = json.loads(file.sidecar)["id"] if with_uuid else None
    return RegisteredFile(file.size, file.adler32, uuid)


# Looking


def test_an_empty_scope_holds_nothing(rucio: RucioWriter) -> None:
    assert rucio.account == "root"
    assert rucio.has_scope()
    assert rucio.datasets([TICKET], sidecars=[TICKET]) == {}
    assert rucio.files(["a"]) == {}
    assert rucio.rules(TICKET) == ()
    assert rucio.available(TICKET) == {}


def test_the_origin_tells_the_url_that_the_settings_tell(place: Place) -> None:
    assert place.rucio.pfn("a/b") == f"{place.settings.dtn_url}/{place.settings.scope}/a/b"


def test_storage_elements_are_told_apart(rucio: RucioWriter, hands: MemoryRucio | RealHands) -> None:
    hands.set_quota(SUMMIT, 1000)
    hands.set_quota(BASE, None)
    hands.set_writable(BASE, writable=False)

    assert rucio.storage(SUMMIT) == Storage(writable=True, room=1000)
    assert rucio.storage(BASE) == Storage(writable=False, room=None)
    assert rucio.storage("NO_SUCH_DISK") is None


# Registering


def test_registered_files_are_in_an_open_dataset_with_what_was_said_of_them(place: Place) -> None:
    files = [place.file("a"), place.file("deep/b.fits")]
    seen: list[tuple[str, int, int]] = []
    place.rucio.register(TICKET, files, watch=lambda *told: seen.append(told))

    plain = {file.name: as_file(file, with_uuid=False) for file in files}
    full = {file.name: as_file(file, with_uuid=True) for file in files}
    assert place.rucio.datasets([TICKET, "Dataset/no"]) == {TICKET: RegisteredDataset(True, plain)}
    assert place.rucio.datasets([TICKET], sidecars=[TICKET])[TICKET].files == full
    assert place.rucio.files(["deep/b.fits", "no", TICKET]) == {"deep/b.fits": full["deep/b.fits"]}
    assert place.rucio.available(TICKET) == {ORIGIN: 2}
    assert seen == [("files", 2, 2)]


def test_registering_again_adds_what_is_missing(place: Place) -> None:
    place.register(names="ab")
    place.register(names="bc")
    assert set(place.rucio.datasets([TICKET])[TICKET].files) == {"a", "b", "c"}
    place.register(names="abc")
    assert set(place.rucio.datasets([TICKET])[TICKET].files) == {"a", "b", "c"}


def test_a_file_that_several_datasets_share_is_registered_once(place: Place) -> None:
    file = place.file("a")
    place.rucio.register(TICKET, [file, replace(file, sidecar='{"id": "second"}')])
    assert place.rucio.files(["a"]) == {"a": as_file(file, with_uuid=True)}


def test_a_known_file_keeps_its_sidecar(place: Place) -> None:
    place.register(OTHER, "a")
    first = place.rucio.files(["a"])["a"]
    place.rucio.register(TICKET, [replace(place.file("a"), sidecar='{"id": "other"}')])

    assert place.rucio.files(["a"]) == {"a": first}
    assert place.rucio.datasets([TICKET], sidecars=[TICKET])[TICKET].files == {"a": first}


@pytest.mark.parametrize("differing", [{"size": 1}, {"adler32": "00000001"}])
def test_a_file_that_is_known_with_other_bytes_is_refused(
    place: Place, differing: dict[str, int | str]
) -> None:
    place.register(OTHER, "b")
    known = place.rucio.files("ab")
    other = replace(place.file("b"), **differing)  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="File is known with other bytes"):
        place.rucio.register(TICKET, [place.file("a"), other])
    assert place.rucio.datasets([TICKET]) == {}
    assert place.rucio.files("ab") == known


@pytest.mark.parametrize("sidecar", ["", "{", "[1]", '{"run": "r"}', "null"])
def test_a_sidecar_that_names_no_dataset_is_none(place: Place, sidecar: str) -> None:
    place.rucio.register(TICKET, [replace(place.file("a"), sidecar=sidecar)])
    assert place.rucio.files(["a"])["a"].uuid is None


def test_a_file_that_is_elsewhere_is_refused_and_nothing_registered(place: Place) -> None:
    elsewhere = replace(place.file("b"), uri="file:///else/where/b")
    with pytest.raises(RefusedError, match=r"not where the storage element .* file:///else/where/b"):
        place.rucio.register(TICKET, [place.file("a"), elsewhere])
    assert place.rucio.datasets([TICKET]) == {}
    assert place.rucio.files(["a"]) == {}


def test_a_name_that_rucio_does_not_take_is_refused(place: Place) -> None:
    with pytest.raises(RefusedError, match="Name is not fit for Rucio"):
        place.rucio.register(TICKET, [place.file("a b")])
    with pytest.raises(RefusedError, match="Name is not fit for Rucio"):
        place.register("x" * 501)
    assert place.rucio.files(["a"]) == {}


# Closing


def test_a_closed_dataset_is_closed_for_good(place: Place) -> None:
    place.close(names="a")
    assert not place.rucio.datasets([TICKET])[TICKET].is_open
    place.rucio.close(TICKET)
    with pytest.raises(RefusedError, match="Rucio dataset is closed"):
        place.register(names="ab")
    assert set(place.rucio.datasets([TICKET])[TICKET].files) == {"a"}
    assert place.rucio.files(["b"]) == {}


def test_a_dataset_that_does_not_exist_is_not_closed(rucio: RucioWriter) -> None:
    with pytest.raises(RefusedError, match="does not know the dataset"):
        rucio.close(TICKET)


# Rules


def test_a_rule_brings_files_to_its_rse(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    place.rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)

    rule = place.rule(SUMMIT)
    assert rule.state is RuleState.REPLICATING
    assert (rule.ok, rule.replicating, rule.stuck) == (0, 3, 0)
    assert place.rucio.available(TICKET) == {ORIGIN: 3}
    assert (rule.account, rule.dataset, rule.expires_at, rule.reason) == ("root", TICKET, None, "")
    assert rule.since.endswith("Z")
    assert "T" in rule.since

    hands.arrive(TICKET, SUMMIT, 1)
    rule = place.rule(SUMMIT)
    assert (rule.ok, rule.replicating) == (1, 2)
    assert place.rucio.available(TICKET) == {ORIGIN: 3, SUMMIT: 1}

    hands.arrive(TICKET, SUMMIT)
    rule = place.rule(SUMMIT)
    assert (rule.state, rule.ok, rule.replicating) == (RuleState.OK, 3, 0)
    assert place.rucio.available(TICKET) == {ORIGIN: 3, SUMMIT: 3}


def test_a_rule_that_is_there_is_not_made_again(place: Place) -> None:
    place.close()
    place.rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)
    first = place.rucio.rules(TICKET)
    place.rucio.add_rule(TICKET, SUMMIT, comment="another word")
    assert place.rucio.rules(TICKET) == first


def test_a_rule_at_an_unknown_rse_is_refused(place: Place) -> None:
    place.close()
    with pytest.raises(RefusedError, match="Unknown storage element"):
        place.rucio.add_rule(TICKET, "NO_SUCH_DISK", comment=COMMENT)


def test_a_rule_for_a_dataset_that_does_not_exist_is_refused(rucio: RucioWriter) -> None:
    with pytest.raises(RefusedError, match="does not know the dataset"):
        rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)


def test_a_rule_at_an_rse_that_is_not_written_is_refused(
    place: Place, hands: MemoryRucio | RealHands
) -> None:
    place.close()
    hands.set_writable(SUMMIT, writable=False)
    with pytest.raises(RefusedError, match="may not be written"):
        place.rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)
    assert place.rucio.rules(TICKET) == ()


def test_a_rule_without_room_is_refused(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    hands.set_quota(SUMMIT, 3)
    with pytest.raises(RefusedError, match="has no room"):
        place.rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)
    assert place.rucio.rules(TICKET) == ()


def test_a_joint_rule_counts_for_each_of_its_rses(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    hands.add_by_hand(TICKET, ORIGIN, SUMMIT, BASE)
    rule = place.rule(ORIGIN, SUMMIT, BASE)
    assert (rule.ok, rule.replicating) == (3, 6)


def test_a_rule_with_a_choice_counts_for_none(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    id_ = hands.add_by_hand(TICKET, ORIGIN, SUMMIT, BASE, copies=1)
    rule = place.rule()
    assert rule.id == id_
    assert sum((rule.ok, rule.replicating, rule.stuck)) == 3


def test_a_rule_on_another_closed_dataset_with_all_the_files_counts(
    place: Place, hands: MemoryRucio | RealHands
) -> None:
    place.close(names="ab")
    place.register(OTHER, "abc")
    place.rucio.close(OTHER)
    hands.add_by_hand(OTHER, SUMMIT, BASE)

    rule = place.rule(SUMMIT, BASE)
    assert rule.dataset == OTHER
    assert place.rucio.rules(TICKET) == place.rucio.rules(OTHER) == (rule,)

    place.rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)
    place.rucio.add_rule(OTHER, SUMMIT, comment=COMMENT)
    told = sorted((rule.dataset, sorted(rule.rses)) for rule in place.rucio.rules(TICKET))
    assert told == [(TICKET, [SUMMIT]), (OTHER, [BASE, SUMMIT]), (OTHER, [SUMMIT])]


def test_a_rule_on_an_open_dataset_does_not_count(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    hands.attach(OTHER, "abc", closed=False)
    hands.add_by_hand(OTHER, SUMMIT)
    assert place.rucio.rules(TICKET) == ()


def test_a_rule_on_a_dataset_that_lacks_a_file_does_not_count(
    place: Place, hands: MemoryRucio | RealHands
) -> None:
    place.close()
    hands.attach(OTHER, "ab")
    hands.add_by_hand(OTHER, SUMMIT)
    assert place.rucio.rules(TICKET) == ()


def test_a_rule_that_ends_can_be_kept(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    place.rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)
    id_ = place.rule(SUMMIT).id
    hands.expire(id_)
    ends = place.rule(SUMMIT).expires_at
    assert ends is not None
    assert ends.endswith("Z")

    place.rucio.keep_rule(id_)
    assert place.rule(SUMMIT).expires_at is None
    place.rucio.keep_rule(id_)


def test_a_stuck_rule_says_why_and_can_be_tried_again(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    place.rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)
    hands.fail(TICKET, SUMMIT, "no space left on device")

    rule = place.rule(SUMMIT)
    assert (rule.state, rule.stuck, rule.retry_due) == (RuleState.STUCK, 3, False)
    assert rule.reason.endswith("no space left on device")

    place.rucio.boost_rule(rule.id)
    assert place.rule(SUMMIT).retry_due
    place.rucio.boost_rule(rule.id)


def test_a_rule_that_is_gone_makes_the_plan_stale(rucio: RucioWriter) -> None:
    with pytest.raises(PlanIsStaleError, match="Rule is gone"):
        rucio.keep_rule("0" * 32)
    with pytest.raises(PlanIsStaleError, match="Rule is gone"):
        rucio.boost_rule("0" * 32)


# What happens behind our back


def test_a_lost_replica_is_no_longer_available(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    place.rucio.add_rule(TICKET, SUMMIT, comment=COMMENT)
    hands.arrive(TICKET, SUMMIT)
    hands.lose("a", SUMMIT)

    assert place.rucio.available(TICKET) == {ORIGIN: 3, SUMMIT: 2}
    assert place.rule(SUMMIT).state is RuleState.REPLICATING


def test_a_file_that_is_lost_everywhere_leaves_a_closed_dataset_without_a_word(
    place: Place, hands: MemoryRucio | RealHands
) -> None:
    place.close()
    place.rucio.add_rule(TICKET, ORIGIN, comment=COMMENT)
    hands.lose("a", ORIGIN)

    assert set(place.rucio.datasets([TICKET])[TICKET].files) == {"b", "c"}
    assert set(place.rucio.files("abc")) == {"a", "b", "c"}
    assert place.rule(ORIGIN).state is RuleState.OK
    assert place.rucio.available(TICKET) == {ORIGIN: 2}


def test_a_file_may_vanish_from_a_closed_dataset(place: Place, hands: MemoryRucio | RealHands) -> None:
    place.close()
    place.rucio.add_rule(TICKET, ORIGIN, comment=COMMENT)
    hands.vanish("a")

    dataset = place.rucio.datasets([TICKET])[TICKET]
    assert set(dataset.files) == {"b", "c"}
    assert not dataset.is_open
    assert place.rule(ORIGIN).ok == 2
