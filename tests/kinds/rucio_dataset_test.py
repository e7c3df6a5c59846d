"""What a look at a ticket in Rucio means, and what is done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from calibstate.kinds.rucio_dataset import RegisterDataset, RucioDataset, RucioDatasetKind
from calibstate.model.actions import Standing
from calibstate.model.drift import What
from calibstate.model.names import Address, Place, TicketKey
from calibstate.model.rucio import RegisteredDataset, RegisteredFile
from tests.kinds.bundled import FILES, MANIFEST

KIND = RucioDatasetKind()
A, B, C = (file.path for file in FILES)
HELD = {file.path: RegisteredFile(file.size, file.adler32, file.datasets[0]) for file in FILES}
DECLARED = RucioDataset(
    Address(place=Place("rucio"), kind="rucio_dataset", name="LSSTCam/DM-1"),
    TicketKey("LSSTCam", "DM-1"),
    "ancillary",
    "Dataset/LSSTCam/calib/DM-1",
    MANIFEST.fingerprint,
    ("LSSTCam/calib/DM-1/bias",),
    Place("usdf/main"),
    "davs://dtn/ancillary/FILE",
    manifest=MANIFEST,
)
STEP = ["register-dataset"]


def seen(files: Mapping[str, RegisteredFile] | None, *, is_open: bool = True, **more: Any) -> RucioDataset:
    """Return a look at a dataset; no files: there is none."""
    content = None if files is None else RegisteredDataset(is_open, files)
    return replace(DECLARED, content=content, **more)


def but(name: str, **changed: Any) -> dict[str, RegisteredFile]:
    """Return what is right but for one file."""
    return {**HELD, name: replace(HELD[name], **changed)}


def without(*names: str) -> dict[str, RegisteredFile]:
    return {name: file for name, file in HELD.items() if name not in names}


def told(live: RucioDataset | None, declared: RucioDataset = DECLARED) -> list[tuple[What, str]]:
    return [(drift.what, drift.detail) for drift in KIND.compare(declared, live)]


def remedies(live: RucioDataset | None, declared: RucioDataset = DECLARED) -> list[str]:
    return [action.do for action in KIND.remedy(declared, live)]


RIGHT = {
    "as it was registered": HELD,
    "without sidecars": {name: replace(file, uuid=None) for name, file in HELD.items()},
    "one without a sidecar": but(A, uuid=None),
    "named by its second dataset": but(C, uuid="uuid-d"),
}


@pytest.mark.parametrize("files", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_relied_upon_once_it_is_closed(files: dict[str, RegisteredFile]) -> None:
    closed, is_open = seen(files, is_open=False), seen(files)
    assert told(closed) == []
    assert KIND.is_there(DECLARED, closed)
    assert remedies(closed) == []
    assert told(is_open) == [(What.MISSING, f"{DECLARED.did} is complete and still open")]
    assert not KIND.is_there(DECLARED, is_open)
    assert remedies(is_open) == STEP


WRONG = {
    "size": (but(A, size=101), f"{A} (101 bytes"),
    "checksum": (but(B, adler32="0000000f"), "adler32 0000000f"),
    "sidecar": (but(C, uuid="uuid-x"), "as dataset uuid-x; the bundle has uuid-c, uuid-d"),
    "more": ({**HELD, "u/ann/x": RegisteredFile(1, "00000009")}, "1 that the bundle does not: u/ann/x"),
}


@pytest.mark.parametrize(("files", "words"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_what_is_wrong_is_refused_and_never_closed(
    files: dict[str, RegisteredFile], words: str, is_open: bool
) -> None:
    live = seen(files, is_open=is_open)
    ((what, detail),) = told(live)
    assert what is What.CHANGED
    assert words in detail
    assert remedies(live) == []
    assert not KIND.is_there(DECLARED, live)
    obstacle = KIND.obstacle(DECLARED, live)
    assert obstacle
    assert obstacle.is_refused


@pytest.mark.parametrize("content", [None, {}], ids=["no dataset", "an empty one"])
def test_a_file_that_rucio_knows_otherwise_is_refused_before_it_is_attached(content: Any) -> None:
    live = seen(content, known_files={A: replace(HELD[A], adler32="0000000f")})
    assert (What.CHANGED, True) in [(what, A in detail) for what, detail in told(live)]
    assert remedies(live) == []


def test_a_file_that_rucio_knows_rightly_is_attached() -> None:
    assert remedies(seen(None, known_files=HELD)) == STEP


def test_of_many_differences_three_are_told() -> None:
    beyond = {f"u/ann/{n}": RegisteredFile(1, "00000009") for n in range(5)}
    ((_, detail),) = told(seen({**HELD, **beyond}))
    assert "u/ann/0, u/ann/1, u/ann/2 and 2 more" in detail


# --- not complete ---


@pytest.mark.parametrize("live", [None, seen(None)], ids=["nothing seen", "no dataset"])
def test_what_is_not_registered_is(live: RucioDataset | None) -> None:
    ((what, detail),) = told(live)
    assert what is What.MISSING
    assert "is not registered" in detail
    assert remedies(live) == STEP


def test_what_is_registered_in_part_is_completed() -> None:
    live = seen(without(B, C))
    assert told(live) == [(What.MISSING, f"2 of 3 files are not in it: {B}, {C}")]
    assert KIND.obstacle(DECLARED, live) is None
    assert remedies(live) == STEP


def test_what_was_closed_too_early_is_refused_with_what_an_administrator_does() -> None:
    live = seen(without(B), is_open=False)
    assert remedies(live) == []
    obstacle = KIND.obstacle(DECLARED, live)
    assert obstacle
    assert obstacle.is_refused
    assert f"rucio did update --open {DECLARED.did}" in obstacle.detail


# --- what stands in the way ---


@pytest.mark.parametrize(
    ("declared", "live", "words"),
    [
        (replace(DECLARED, expected_pfn=None), seen(None), "`rse_root` and `dtn_url` are not declared"),
        (DECLARED, seen(None, problem="Rucio has no scope ancillary"), "no scope ancillary"),
        (DECLARED, seen(without(B), problem="Rucio has no scope ancillary"), "no scope ancillary"),
    ],
)
def test_what_would_be_refused_is_refused_before(
    declared: RucioDataset, live: RucioDataset, words: str
) -> None:
    assert remedies(live, declared) == []
    obstacle = KIND.obstacle(declared, live)
    assert obstacle
    assert obstacle.is_refused
    assert words in obstacle.detail


def test_a_name_that_rucio_does_not_take_is_refused_before() -> None:
    bad = MANIFEST.model_copy(update={"files": (FILES[0].model_copy(update={"path": "a b.fits"}),)})
    obstacle = KIND.obstacle(replace(DECLARED, manifest=bad), seen(None))
    assert obstacle
    assert "a b.fits cannot be a name in Rucio" in obstacle.detail


def test_what_is_complete_needs_nothing_of_that() -> None:
    declared = replace(DECLARED, expected_pfn=None)
    assert KIND.obstacle(declared, seen(HELD, is_open=False, problem="Rucio has no scope")) is None


def test_before_the_ticket_is_exported_it_is_to_be_registered_and_cannot_be_compared() -> None:
    declared = replace(DECLARED, manifest=None)
    assert remedies(None, declared) == STEP
    ((what, detail),) = told(seen(HELD, is_open=False), declared)
    assert what is What.MISSING
    assert "not compared with a bundle yet" in detail
    assert not KIND.is_there(declared, seen(HELD, is_open=False))


@pytest.mark.parametrize(
    "declared",
    [replace(DECLARED, manifest=None, fingerprint=None), replace(DECLARED, manifest=None, origin=None)],
    ids=["no fingerprint", "no origin"],
)
def test_what_nobody_can_tell_is_not_registered(declared: RucioDataset) -> None:
    assert remedies(None, declared) == []


# --- how the action stands ---

REGISTER = RegisterDataset(
    target=DECLARED.address,
    because="",
    ticket="DM-1",
    instrument="LSSTCam",
    origin=Place("usdf/main"),
    scope=DECLARED.scope,
    dataset=DECLARED.dataset,
    fingerprint=MANIFEST.fingerprint,
    collections=DECLARED.leaves,
)


@pytest.mark.parametrize(
    ("live", "standing"),
    [
        (None, Standing.READY),
        (seen(None), Standing.READY),
        (seen({}), Standing.READY),
        (seen(without(A)), Standing.READY),
        (seen(HELD), Standing.READY),
        (seen(HELD, is_open=False), Standing.DONE),
        (seen(RIGHT["without sidecars"], is_open=False), Standing.DONE),
        (seen(without(A), is_open=False), Standing.STALE),
        (seen(but(A, size=1)), Standing.STALE),
        (seen(but(A, uuid="uuid-x"), is_open=False), Standing.STALE),
        (seen({}, known_files={A: replace(HELD[A], size=1)}), Standing.STALE),
        (seen(HELD, is_open=False, manifest=None), Standing.READY),
    ],
    ids=[
        "nothing", "no dataset", "empty", "in part", "open", "closed", "closed, sidecars unseen",
        "closed too early", "wrong", "closed with another sidecar", "known otherwise", "no bundle",
    ],
)  # fmt: skip
def test_how_far_the_world_has_come_with_registering(live: RucioDataset | None, standing: Standing) -> None:
    assert REGISTER.standing(live) is standing
