"""What was sealed is what is deployed, whoever disagrees."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from calibstate.model.seals import covered
from calibstate.model.timespans import UNBOUNDED
from tests import world
from tests.commands.sites import EMBARGO, INSTRUMENT, LEAVES, ORIGIN, SUMMIT, TOP, Sites
from tests.tree import Ran

TICKET = f"{TOP}/DM-2"
BIAS = f"{TICKET}/bias.20240101a"


def seal_file(sites: Sites, ticket: str = "DM-2") -> Path:
    return sites.tree.state / "seals" / INSTRUMENT / f"{ticket}.yaml"


def read_seal(sites: Sites, ticket: str = "DM-2") -> Any:
    return yaml.safe_load(seal_file(sites, ticket).read_text())


@pytest.fixture
def sealed(sites: Sites) -> Sites:
    """Return sites with DM-2 sealed, and nothing deployed."""
    ran = sites.run("seal", "DM-2")
    assert ran.code == 0, ran.err
    return sites


@pytest.fixture
def deployed_as_sealed(deployed: Sites) -> Sites:
    """Return sites where all is as declared, with DM-2 sealed."""
    assert deployed.run("seal", "DM-2").code == 0
    return deployed


def change_origin(sites: Sites) -> None:
    """Certify one more range at the origin."""
    with sites.butler(ORIGIN) as butler:
        world.add_calibration(butler, BIAS, "defects", world.IN_2025)


def alter_file_at_origin(sites: Sites) -> Callable[[], object]:
    """Alter a file, and return what puts it right again."""
    file = sorted(sites.path(ORIGIN).rglob("DM-2/**/*.fits"))[0]
    right = file.read_bytes()
    file.write_bytes(right[:-1] + b"?")
    return lambda: file.write_bytes(right)


def is_refused(ran: Ran, *words: str) -> bool:
    return ran.code == 3 and all(word in ran.out + ran.err for word in words)


def drift(sites: Sites, *arguments: str) -> list[tuple[str, str, str]]:
    found = sites.run("drift", "--format", "json", *arguments).json["drift"]
    return [(d["target"]["place"], d["what"], d["subject"]) for d in found]


# --- what a seal says ---


def test_datasets_of_several_runs_are_told_apart(deployed: Sites) -> None:
    name = f"{TOP}/DM-3/flat.20240101a"
    with deployed.butler(ORIGIN) as butler:
        world.add_calibration(butler, name, "flat", run=f"{name}.run")
        refs = world.add_run(butler, "u/someone/run", "flat", detectors=[2])
        butler.registry.decertify(name, "flat", world.timespan(UNBOUNDED), dataIds=[r.dataId for r in refs])
        butler.registry.certify(name, refs, world.timespan(world.SINCE_2024))
        world.add_chain(butler, f"{TOP}/DM-3", [name])
    deployed.tree.ticket("DM-3", "flat.20240101a")

    assert deployed.run("seal", "DM-3").code == 0

    said = read_seal(deployed, "DM-3")["collections"]["flat.20240101a"]["types"]["flat"]
    assert said["run"] == f"{name}.run"
    assert said["coverage"] == [
        {"detector": "0..1,3", "physical_filter": ["g_01", "r_03"], "begin": None, "end": None},
        {
            "detector": 2,
            "physical_filter": ["g_01", "r_03"],
            "begin": "2024-01-01T00:00:00",
            "end": None,
            "run": "u/someone/run",
        },
    ]
    assert deployed.run("validate").code == 0


def test_a_seal_from_before_they_told_of_runs_gets_them(sealed: Sites) -> None:
    text = seal_file(sealed).read_text()
    seal_file(sealed).write_text(re.sub(r"^ +run: .*\n", "", text, flags=re.MULTILINE))
    assert "run:" not in seal_file(sealed).read_text()

    assert sealed.run("seal", "DM-2").code == 0

    assert seal_file(sealed).read_text() == text


def test_a_seal_says_what_the_origin_holds(sealed: Sites) -> None:
    said = read_seal(sealed)

    bias = said["collections"]["bias.20240101a"]["types"]["bias"]
    assert bias == {
        "datasets": 4,
        "run": f"{TICKET}/bias.20240101a.run",
        "coverage": [{"detector": "0..3", "begin": "2024-01-01T00:00:00", "end": None}],
    }
    flat = said["collections"]["flat.20240101a"]["types"]["flat"]
    assert flat["coverage"] == [
        {"detector": "0..3", "physical_filter": ["g_01", "r_03"], "begin": None, "end": None}
    ]
    files = sorted(sealed.path(ORIGIN).rglob("DM-2/**/*.fits"))
    assert (said["files"], said["bytes"]) == (len(files), sum(f.stat().st_size for f in files))
    assert said["sealed_from"]["repository"] == ORIGIN


def test_its_digests_are_those_that_anybody_can_recompute(sealed: Sites) -> None:
    said, butler = read_seal(sealed), sealed.seen(ORIGIN)
    lines = []
    for dataset_type in ("bias", "flat"):
        for ref in butler.registry.queryDatasets(dataset_type, collections=f"{TICKET}/*.run"):
            data = butler.getURI(ref).read()
            lines.append(f"{ref.id}\t{len(data)}\t{hashlib.sha256(data).hexdigest()}\n")
    content = "sha256:" + hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    parts = "".join(f"{said['reading'][part]}\n" for part in ("files", "types", "records", "rest", "docs"))
    reading = "sha256:" + hashlib.sha256(parts.encode()).hexdigest()
    digest = hashlib.sha256(f"{said['fingerprint']}\n{content}\n{reading}\n".encode()).hexdigest()

    assert said["content"] == content
    assert said["digest"] == f"sha256:{digest}"


def test_its_coverage_gives_back_every_certification(sealed: Sites) -> None:
    told = {
        (f"{TICKET}/{name}", dataset_type, data_id, span)
        for name, collection in read_seal(sealed)["collections"].items()
        for dataset_type, said in collection["types"].items()
        for data_id, span in covered(said["coverage"], INSTRUMENT)
    }
    rows = [row[:3] for row in sealed.of_ticket(ORIGIN, "DM-2")]

    assert sorted(t[:3] for t in told) == sorted(rows)
    assert {span for *_, span in told} == {world.SINCE_2024, UNBOUNDED}


def test_sealing_again_changes_nothing(sealed: Sites) -> None:
    before = sealed.snapshot()

    assert sealed.run("seal", "DM-2").code == 0

    assert {k: v[0] for k, v in sealed.snapshot().items()} == {k: v[0] for k, v in before.items()}


def test_a_sealed_tree_is_sound_and_only_the_others_are_warned_of(sealed: Sites) -> None:
    ran = sealed.run("validate")

    assert ran.code == 0
    assert "Tickets without a seal" in ran.err
    assert "1 adopted of LSSTComCam: DM-1" in ran.err


def test_sealing_writes_nothing_but_the_seal(sites: Sites) -> None:
    before = sites.snapshot()

    sites.run("seal", "DM-2")

    after = sites.snapshot()
    assert after.keys() - before.keys() == {f"state/seals/{INSTRUMENT}/DM-2.yaml"}
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("ticket", "code", "word"),
    [("DM-9", 64, "nobody declared such a ticket"), ("DM-3", 3, "holds nothing in")],
)
def test_what_cannot_be_sealed_is_told(sites: Sites, ticket: str, code: int, word: str) -> None:
    sites.tree.ticket("DM-3", "bias.20240101a")

    ran = sites.run("seal", ticket)

    assert (ran.code, word in ran.err) == (code, True)


def test_what_no_seal_may_tell_of_is_refused_and_not_written(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = len(sites.of_ticket(ORIGIN, "DM-2"))
    monkeypatch.setattr("calibstate.capturing.sealable.MOST_DATA_IDS", certified - 1)
    ran = sites.run("seal", "DM-2")
    assert ran.code == 3
    assert "error: Ticket is too large to be sealed" in ran.err
    assert not seal_file(sites).exists()
    monkeypatch.setattr("calibstate.capturing.sealable.MOST_DATA_IDS", certified)
    assert sites.run("seal", "DM-2").code == 0


@pytest.mark.parametrize("change", [change_origin, alter_file_at_origin])
def test_a_ticket_is_not_sealed_again_with_another_content(sealed: Sites, change) -> None:
    before = seal_file(sealed).read_text()
    change(sealed)

    ran = sealed.run("seal", "DM-2")

    assert is_refused(ran, "Sealed before, with another content")
    assert seal_file(sealed).read_text() == before


@pytest.mark.parametrize("key", ["files", "bytes"])
def test_numbers_that_no_digest_covers_are_compared_by_sealing_again(sealed: Sites, key: str) -> None:
    text = seal_file(sealed).read_text()
    edited = re.sub(rf"^{key}: ", f"{key}: 9", text, flags=re.MULTILINE)
    seal_file(sealed).write_text(edited)

    ran = sealed.run("seal", "DM-2")

    assert is_refused(ran, "Seal was edited", f"seals/{INSTRUMENT}/DM-2.yaml")
    assert seal_file(sealed).read_text() == edited


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("digest: sha256:", "digest: sha256:0", "digest"),
        ("detector: 0..3", "detector: 0..4", "Seal was edited"),
        ("2024-01-01T00:00:00", "2024-01-01", "Coverage cannot be read"),
        ("bias.20240101a:", "bias.20240101b:", "Seal was edited"),
        ("ticket: DM-2", "ticket: DM-7", "File under another name"),
    ],
)
def test_an_edited_seal_does_not_validate(sealed: Sites, old: str, new: str, told: str) -> None:
    text = seal_file(sealed).read_text()
    assert old in text
    seal_file(sealed).write_text(text.replace(old, new, 1))

    ran = sealed.run("validate")

    assert ran.code == 1
    assert told in ran.err
    assert f"seals/{INSTRUMENT}/DM-2.yaml" in ran.err


def test_a_ticket_that_lists_other_collections_than_its_seal_does_not_validate(sealed: Sites) -> None:
    sealed.tree.ticket("DM-2", "bias.20240101a")

    ran = sealed.run("validate")

    assert ran.code == 1
    assert "Ticket is not as sealed" in ran.err


# --- origin, bundle, seal and destination ---


def test_all_agree(sealed: Sites) -> None:
    assert sealed.apply().code == 0
    assert sealed.run("plan").code == 0
    manifest = json.loads((sealed.bundle("DM-2") / "manifest.json").read_text())
    assert manifest["fingerprint"] == read_seal(sealed)["fingerprint"]


def test_without_a_bundle_an_origin_that_changed_is_refused(sealed: Sites) -> None:
    change_origin(sealed)

    ran = sealed.apply()

    assert is_refused(ran, "no longer holds what was sealed")
    assert not sealed.has(SUMMIT, TICKET)
    assert sealed.has(SUMMIT, f"{TOP}/DM-1"), "the other ticket goes on"
    assert not (sealed.tree.folder / "archive" / INSTRUMENT / "DM-2").exists()


def test_without_a_bundle_a_file_that_was_altered_at_the_origin_is_caught(sealed: Sites) -> None:
    put_right = alter_file_at_origin(sealed)

    ran = sealed.apply()

    assert is_refused(ran, "Files are not as sealed")
    assert not list((sealed.tree.folder / "archive" / INSTRUMENT / "DM-2").glob("*/manifest.json"))
    assert not sealed.has(SUMMIT, TICKET)
    put_right()
    assert sealed.apply().code == 0


@pytest.mark.slow
def test_with_its_bundle_the_sealed_ticket_is_deployed_though_the_origin_changed(sealed: Sites) -> None:
    assert sealed.apply("--site", "usdf").code == 0
    change_origin(sealed)

    assert (ORIGIN, "changed", BIAS) in drift(sealed)
    ran = sealed.apply()

    assert ran.code == 3, "the origin has to be seen to"
    assert sealed.chain(SUMMIT)[0] == TICKET
    assert sealed.of_ticket(SUMMIT, "DM-2") != sealed.of_ticket(ORIGIN, "DM-2")


@pytest.mark.slow
def test_a_bundle_of_another_content_is_not_deployed(sites: Sites) -> None:
    change_origin(sites)
    assert sites.apply("--site", "usdf", "--exclude", EMBARGO).code == 0
    with sites.butler(ORIGIN) as butler:
        butler.registry.decertify(BIAS, "defects", world.timespan(UNBOUNDED))
    ran = sites.run("seal", "DM-2")
    assert ran.code == 0, ran.err

    made = sites.run("plan", "--format", "json").json
    assert ("export-bundle", "archive") in {(s["do"], s["target"]["place"]) for s in made["steps"]}
    assert sites.apply().code == 0
    assert sites.of_ticket(SUMMIT, "DM-2") == sites.of_ticket(ORIGIN, "DM-2")
    assert sites.run("plan").code == 0


def test_a_bundle_with_other_bytes_than_were_sealed_is_refused(sites: Sites) -> None:
    put_right = alter_file_at_origin(sites)
    assert sites.apply("--site", "usdf", "--exclude", EMBARGO).code == 0
    put_right()
    assert sites.run("seal", "DM-2").code == 0

    ran = sites.apply()

    assert is_refused(ran, "with other bytes", "move that bundle away")
    assert not sites.has(SUMMIT, TICKET)
    shutil.rmtree(sites.bundle("DM-2"))
    assert sites.apply().code == 0


@pytest.mark.slow
def test_a_destination_that_holds_something_else_is_changed(sealed: Sites) -> None:
    assert sealed.apply().code == 0
    with sealed.butler(SUMMIT) as butler:
        world.add_calibration(butler, BIAS, "dark", world.IN_2025)

    assert drift(sealed) == [(SUMMIT, "changed", BIAS)]
    assert is_refused(sealed.apply(), "that its seal does not")


@pytest.mark.slow
def test_a_destination_that_lost_something_gets_it_again(sealed: Sites) -> None:
    assert sealed.apply().code == 0
    with sealed.butler(SUMMIT) as butler:
        butler.registry.decertify(BIAS, "bias", world.timespan(UNBOUNDED))

    assert drift(sealed) == [(SUMMIT, "missing", BIAS)]
    assert sealed.apply().code == 0
    assert sealed.of_ticket(SUMMIT, "DM-2") == sealed.of_ticket(ORIGIN, "DM-2")


# --- an approval is of one content ---

OTHER = f"sha256:{'0' * 64}"


def approve(sites: Sites, seal: str | None = None, ticket: str = "DM-2") -> None:
    """Write an approval that names a seal; without one, that of the ticket."""
    approval = {"status": "adopted", "note": "a test", "seal": seal or read_seal(sites, ticket)["digest"]}
    sites.tree.ticket(ticket, *LEAVES, approval=approval)


def told(ran: Ran) -> str:
    """Return what a person reads, however the lines are broken."""
    return " ".join((ran.out + ran.err).split())


def test_a_ticket_whose_seal_was_not_approved_is_refused_and_the_others_go_on(sealed: Sites) -> None:
    approve(sealed, OTHER)
    digest = read_seal(sealed)["digest"]

    for command in (("plan",), ("apply", "--yes")):
        ran = sealed.run(*command)
        assert ran.code == 3
        assert (
            f"archive LSSTComCam/DM-2: {OTHER} was approved, and its seal is {digest} "
            "(tickets/LSSTComCam/DM-2.yaml:6) Have the board approve what is sealed now, and name that "
            "digest in `approval.seal`; or take seals/LSSTComCam/DM-2.yaml back from Git as it was approved."
        ) in told(ran)

    assert not (sealed.tree.folder / "archive" / INSTRUMENT / "DM-2").exists()
    for address in (SUMMIT, EMBARGO):
        assert not sealed.has(address, TICKET)
        assert sealed.chain(address) == (f"{TOP}/DM-1",), "the other ticket goes on"


def test_an_approval_of_a_seal_that_is_not_there_is_refused(sites: Sites) -> None:
    approve(sites, OTHER)

    ran = sites.apply()

    assert is_refused(ran, f"{OTHER} was approved, and it has no seal (tickets/LSSTComCam/DM-2.yaml:6)")
    assert "calibstate seal LSSTComCam/DM-2." in ran.out
    assert not sites.has(SUMMIT, TICKET)
    assert sites.chain(SUMMIT) == (f"{TOP}/DM-1",)


def test_the_refusal_is_told_where_programs_read_it(sealed: Sites) -> None:
    approve(sealed, OTHER)

    ran = sealed.run("plan", "--format", "json")

    (refused,) = ran.json["refused"]
    assert refused["target"] == {"place": "archive", "kind": "bundle", "name": f"{INSTRUMENT}/DM-2"}
    assert refused["declared_at"] == {"file": f"tickets/{INSTRUMENT}/DM-2.yaml", "line": 6, "column": 9}
    assert refused["code"] == "approved-otherwise"
    done = [(step["target"], step["with"]) for step in ran.json["steps"]]
    assert "DM-2" not in json.dumps(done)
    markdown = sealed.run("plan", "--format", "markdown").out
    assert f"its seal is {read_seal(sealed)['digest']} (tickets/{INSTRUMENT}/DM-2.yaml:6)" in markdown


@pytest.mark.parametrize("site", ["usdf", "summit"])
@pytest.mark.matrix(1)
def test_it_is_refused_from_each_site(sealed: Sites, site: str) -> None:
    approve(sealed, OTHER)

    ran = sealed.apply("--site", site)

    assert is_refused(ran, f"{OTHER} was approved")
    assert not (sealed.tree.folder / "archive" / INSTRUMENT / "DM-2").exists()


@pytest.mark.slow
def test_what_was_deployed_before_the_approval_changed_is_not_touched(deployed_as_sealed: Sites) -> None:
    sites = deployed_as_sealed
    with sites.butler(SUMMIT) as butler:
        butler.registry.decertify(BIAS, "bias", world.timespan(UNBOUNDED))
    with sites.butler(EMBARGO) as butler:
        butler.collections.redefine_chain(TOP, [f"{TOP}/DM-1"])
        butler.collections.redefine_chain(TICKET, [BIAS])
    approve(sites, OTHER)
    before = sites.snapshot("archive", "repo")

    ran = sites.apply()

    assert is_refused(ran, f"{OTHER} was approved", "No steps, 1 refused, 3 missing.")
    assert sites.snapshot("archive", "repo") == before
    approve(sites)
    assert sites.apply().code == 0
    assert sites.chain(EMBARGO) == sites.chain(ORIGIN)


def test_what_is_searched_already_is_not_searched_earlier(deployed_as_sealed: Sites) -> None:
    sites = deployed_as_sealed
    with sites.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(TOP, [f"{TOP}/DM-1", TICKET])
    approve(sites, OTHER)

    ran = sites.apply()

    assert is_refused(ran, f"it would give {TICKET} another place in the search order", f"{OTHER} was")
    assert sites.chain(SUMMIT) == (f"{TOP}/DM-1", TICKET)


def test_a_new_ticket_goes_in_front_of_what_is_refused(deployed_as_sealed: Sites) -> None:
    sites = deployed_as_sealed
    with sites.butler(SUMMIT) as butler:
        butler.collections.redefine_chain(TOP, [TICKET])
    approve(sites, OTHER)
    sites.tree.chain(["DM-1", "DM-2"])

    assert sites.apply("--site", "summit").code == 3

    assert sites.chain(SUMMIT) == (f"{TOP}/DM-1", TICKET)


def test_it_is_refused_though_the_archive_cannot_be_seen(sealed: Sites) -> None:
    approve(sealed, OTHER)
    (sealed.tree.folder / "archive").write_text("no folder")

    ran = sealed.apply()

    assert ran.code == 1, "that the archive cannot be seen weighs more"
    assert f"{OTHER} was approved" in ran.out
    assert not sealed.has(SUMMIT, TICKET)


@pytest.mark.parametrize("change", ["approval", "seal"])
def test_a_plan_from_before_the_approval_changed_is_refused(
    sealed: Sites, tmp_path: Path, change: str
) -> None:
    approve(sealed)
    plan = tmp_path / "plan.json"
    assert sealed.run("plan", "-o", str(plan)).code == 2
    if change == "approval":
        approve(sealed, OTHER)
    else:
        seal_file(sealed).unlink()
    before = sealed.snapshot()

    ran = sealed.run("apply", str(plan), "--yes")

    assert is_refused(ran, "Plan is for another declaration", "Plan again")
    assert sealed.snapshot() == before


def test_a_plan_whose_declaration_was_edited_to_fit_is_refused(sealed: Sites, tmp_path: Path) -> None:
    approve(sealed)
    plan = tmp_path / "plan.json"
    assert sealed.run("plan", "-o", str(plan)).code == 2
    approve(sealed, OTHER)
    text = plan.read_text()
    digest = read_seal(sealed)["digest"]
    assert f"approved {digest}" in text
    plan.write_text(text.replace(f"approved {digest}", f"approved {OTHER}"))

    ran = sealed.run("apply", str(plan), "--yes")

    assert is_refused(ran, "Plan file was edited")
    assert not sealed.has(SUMMIT, TICKET)


def test_validate_fails_for_it_and_the_tree_is_sound(sealed: Sites) -> None:
    approve(sealed, OTHER)

    ran = sealed.run("validate")

    assert ran.code == 1
    assert sealed.run("show").code == 0, "a refused ticket stops only what needs it"
    assert f"tickets/{INSTRUMENT}/DM-2.yaml:6:9 DM-2: {OTHER} was approved, and its seal is" in told(ran)


def test_an_approval_of_this_seal_is_deployed(sealed: Sites) -> None:
    approve(sealed)

    assert sealed.apply().code == 0
    assert sealed.chain(SUMMIT)[0] == TICKET


# --- what was sealed is named as approved ---


def _approved(sites: Sites, ticket: str) -> Any:
    file = sites.tree.state / f"tickets/LSSTComCam/{ticket}.yaml"
    return yaml.safe_load(file.read_text())["approval"].get("seal")


def _digest(sites: Sites, ticket: str) -> Any:
    return read_seal(sites, ticket)["digest"]


def test_a_digest_is_named_where_it_is_approved_if_that_is_asked_for(sites: Sites) -> None:
    sites.tree.ticket("DM-4", "flat.20240101a", status="adopted")
    assert sites.run("seal", "DM-2").code == 0
    assert _approved(sites, "DM-2") is None

    named = sites.run("seal", "DM-2", "--write")
    rest = sites.run("seal", "--write")

    assert named.code == 0, named.err
    assert "  named as approved in tickets/LSSTComCam/DM-2.yaml" in named.out
    assert _approved(sites, "DM-2") == _digest(sites, "DM-2")
    # One that cannot be sealed keeps the others from nothing.
    assert (rest.code, f"{ORIGIN} holds nothing in {TOP}/DM-4/flat.20240101a" in rest.err) == (3, True), (
        rest.err
    )
    assert _approved(sites, "DM-1") == _digest(sites, "DM-1")
    assert "DM-2" not in rest.out
    (sites.tree.state / "tickets/LSSTComCam/DM-4.yaml").unlink()
    assert "Every adopted ticket is sealed." in sites.run("seal").err
    assert sites.run("validate").code == 0


def test_another_digest_that_was_approved_is_not_written_over(sites: Sites) -> None:
    wrong = f"sha256:{'0' * 64}"
    for ticket, status in (("DM-1", "adopted"), ("DM-2", "proposed")):
        file = sites.tree.state / f"tickets/LSSTComCam/{ticket}.yaml"
        text = file.read_text().replace("status: adopted", f"status: {status}\n  seal: {wrong}")
        file.write_text(text)
    sites.tree.chain(["DM-1"])

    ran = sites.run("seal", "DM-1", "DM-2", "--write")

    assert (ran.code, "Approved content is not the sealed one" in ran.err) == (3, True), ran.err
    assert _approved(sites, "DM-1") == wrong
    assert _approved(sites, "DM-2") == _digest(sites, "DM-2")
