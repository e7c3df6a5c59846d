"""From collections at the origin to a deployed ticket, no file by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import yaml
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.commands.catalogues import add_catalogue
from tests.commands.generations import construction
from tests.commands.impact_test import git
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites
from tests.golden import Golden

UNTIL = ("--observed-until", "2025-02-11")
NEW = {"flat.20250101a": ("flat", world.SINCE_2024), "bias.20250101a": ("bias", world.IN_2025)}
CHAIN = "chains/LSSTComCam-calib.yaml"
TICKET = "tickets/LSSTComCam/DM-3.yaml"
SEAL = "seals/LSSTComCam/DM-3.yaml"
MANNERS = """\
# What the board has adopted, newest first.
chain: LSSTComCam/calib
instrument: LSSTComCam
entries:
  # Bias and flats of the warm-up.
  - DM-2  # seen by Ann
  - DM-1
"""


def text_of(sites: Sites, file: str) -> str:
    return (sites.tree.state / file).read_text()


def read(sites: Sites, file: str) -> Any:
    return yaml.safe_load(text_of(sites, file))


def masked(text: str) -> str:
    """Return a text without what differs from day to day."""
    return re.sub(r"\b[0-9a-f]{10}\b", "0123456789", text.replace(_today(text), "TODAY"))


def _today(text: str) -> str:
    """Return the day on which a text was written, as it says."""
    for pattern in (r"Proposed from \S+ on (\S+)\.", r"adopted by \S+ on (\S+)", r'"date": "([^"]+)"'):
        match = re.search(pattern, text)
        if match:
            return match[1]
    return "no day at all"


@pytest.fixture
def begun(deployed: Sites) -> Sites:
    """Return deployed sites in Git, and a ticket that only the origin has."""
    (deployed.tree.state / CHAIN).write_text(MANNERS)
    state = deployed.tree.state
    git(state, "init", "-q", "-b", "main")
    git(state, "add", "-A")
    git(state, "commit", "-q", "-m", "as it was")
    git(state, "config", "user.name", "nobody")
    git(state, "config", "user.email", "nobody@example.org")
    deployed.make_ticket("DM-3", NEW, declared=False)
    return deployed


def test_a_ticket_is_deployed_without_a_digest_that_was_copied_or_a_file_by_hand(
    begun: Sites, golden: Golden
) -> None:
    state = begun.tree.state
    places = begun.snapshot("repo", "archive", "records")

    proposed = begun.run("propose", "DM-3", "--summary", "Flats of the new lamp", "--commit", *UNTIL)

    assert proposed.code == 0, proposed.err
    golden("propose/proposed.txt", masked(proposed.out))
    assert git(state, "rev-parse", "--abbrev-ref", "HEAD") == "propose-DM-3"
    assert git(state, "diff", "--name-only", "main").splitlines() == [SEAL, TICKET]
    assert git(state, "status", "--porcelain") == ""
    assert begun.snapshot("repo", "archive", "records") == places
    golden("propose/proposed.yaml", masked(text_of(begun, TICKET)))
    # Nothing of it is deployed, whoever merges it.
    assert begun.run("validate").code == 0
    assert begun.run("plan").code == 0
    report = begun.run("report", "--base", "main", *UNTIL)
    assert "a new ticket: Flats of the new lamp; proposed" in report.out
    assert "  lookups   no lookup changes\n" in report.out
    foreseen = "bias for 4 data IDs, flat for 8 data IDs; into the past; not all is known"
    assert f"  foreseen  LSSTComCam/DM-3 in front of {TOP}: newly covered: {foreseen}\n" in report.out

    where = ("--report", "https://example.org/r")
    adopted = begun.run("adopt", "DM-3", "TAXICAB-9", *where, "--commit", *UNTIL)

    assert adopted.code == 0, adopted.err
    golden("propose/adopted.txt", masked(adopted.out))
    approval = read(begun, TICKET)["approval"]
    assert approval.pop("date").isoformat() in adopted.out
    assert approval == {
        "status": "adopted",
        "taxicab": "TAXICAB-9",
        "report": "https://example.org/r",
        "seal": read(begun, SEAL)["digest"],
    }
    assert text_of(begun, CHAIN) == MANNERS.replace("entries:\n", "entries:\n  - DM-3\n")
    laid_out = begun.run("fmt", "--check").err
    assert not any(file in laid_out for file in (TICKET, CHAIN))
    # The decision belongs to the branch of the proposal.
    assert git(state, "log", "--format=%s", "main..propose-DM-3").splitlines() == [
        "Adopt DM-3 by TAXICAB-9",
        "Propose DM-3",
    ]
    assert git(state, "branch", "--format=%(refname:short)").splitlines() == ["main", "propose-DM-3"]
    planned = begun.run("plan", "--format", "json")
    assert planned.code == 2
    assert {step["target"]["place"] for step in planned.json["steps"]} == {"archive", ORIGIN, EMBARGO, SUMMIT}
    assert begun.apply().code == 0
    for address in (EMBARGO, SUMMIT):
        assert begun.chain(address)[0] == f"{TOP}/DM-3"
        assert begun.of_ticket(address, "DM-3") == begun.of_ticket(ORIGIN, "DM-3")
    assert begun.run("verify", "--ticket", "DM-3").code == 0
    assert begun.run("drift").code == 0


def test_twice_writes_nothing_and_what_was_cut_off_is_completed(begun: Sites) -> None:
    state = begun.tree.state
    shown = begun.run("propose", "DM-3", "--dry-run", "--format", "json", *UNTIL)
    assert (shown.code, shown.json["written"], git(state, "status", "--porcelain")) == (0, False, "")
    assert [file["path"] for file in shown.json["files"]] == [TICKET, SEAL]
    first = begun.run("propose", f"{INSTRUMENT}/DM-3", "--format", "json")
    assert first.code == 0, first.err
    assert first.json["seal"] == shown.json["seal"]
    assert first.json["impact"] == shown.json["impact"] == {"newly covered": 2}
    files = begun.snapshot("state")

    again = begun.run("propose", "DM-3")

    assert again.code == 0, again.err
    assert "Nothing to write: the files say it already." in again.out
    assert begun.snapshot("state") == files
    # The ticket is written first; a run that was killed then leaves it alone.
    (state / SEAL).unlink()
    completed = begun.run("propose", "DM-3", "--summary", "else", "--format", "json")
    assert [file["path"] for file in completed.json["files"]] == [SEAL]
    assert "--summary was not written" in completed.json["told"][0]["detail"]
    # So does one that was killed before it made the commit.
    committed = begun.run("propose", "DM-3", "--commit", "--branch", "flats", "--format", "json")
    assert committed.code == 0, committed.err
    assert (committed.json["branch"], committed.json["files"]) == ("flats", [])
    assert git(state, "diff", "--name-only", "main", "flats").splitlines() == [SEAL, TICKET]
    once_more = begun.run("propose", "DM-3", "--commit")
    assert (once_more.code, "Nothing to write" in once_more.out) == (0, True)
    assert git(state, "branch", "--format=%(refname:short)").splitlines() == ["flats", "main"]


def make_others(sites: Sites) -> None:
    """Make what nobody can propose, at the origin."""
    with sites.butler(ORIGIN) as butler:
        leaf = f"{TOP}/DM-3/bias.20250101a"
        world.add_chain(butler, f"{TOP}/DM-40", [])
        butler.collections.register(f"{TOP}/DM-41/tagged", CollectionType.TAGGED)
        world.add_chain(butler, f"{TOP}/DM-41", [f"{TOP}/DM-41/tagged"])
        world.add_chain(butler, f"{TOP}/DM-42", [f"{TOP}/DM-3"])
        butler.collections.register(f"{TOP}/DM-43/bias", CollectionType.CALIBRATION)
        world.add_chain(butler, f"{TOP}/DM-43", [f"{TOP}/DM-43/bias"])
        world.add_instrument(butler, "LATISS", detectors=1)
        world.add_calibration(butler, f"{TOP}/DM-44/bias", "bias", instrument="LATISS", detectors=[0])
        world.add_calibration(butler, "LATISS/calib/DM-44/bias", "bias", instrument="LATISS", detectors=[0])
        world.add_chain(butler, f"{TOP}/DM-45", [leaf, f"{TOP}/DM-2/bias.20240101a"])


def test_what_cannot_be_proposed_is_refused_in_clear_words(begun: Sites) -> None:
    make_others(begun)
    begun.tree.ticket("DM-6", "flat.20250101a", status="rejected")
    begun.tree.ticket("DM-7", "flat.20250101a", status="proposed")
    with begun.butler(ORIGIN) as butler:
        world.add_chain(butler, f"{TOP}/DM-6", [f"{TOP}/DM-3/flat.20250101a"])
        world.add_chain(butler, f"{TOP}/DM-7", [f"{TOP}/DM-3/flat.20250101a"])
    files = begun.snapshot("state")
    refusals: Sequence[tuple[Sequence[str], int, str]] = [
        (["DM-33"], 64, "Did you mean DM-3?"),
        (["DM-3", "--from", f"{TOP}/DM-3/flat.2025"], 64, f"Did you mean {TOP}/DM-3/flat.20250101a?"),
        (["DM-3", "--from", f"{TOP}/DM-3", "--from", f"{TOP}/DM-2"], 64, "A chain among collections"),
        (["DM-3", "--from", "../x"], 64, "would climb out of a folder"),
        (["DM-3", "--instrument", "LSSTCam"], 64, "Did you mean LSSTComCam?"),
        (["LATISS/DM-3", "--instrument", INSTRUMENT], 64, "Two instruments"),
        (["DM\u20113"], 64, "(with U+2011) is the key of no ticket"),
        (["../../DM-3"], 64, "nobody declared such an instrument"),
        (["dm-3"], 64, "Did you mean DM-3?"),
        (["DM-3;touch x"], 64, "Not the key of a ticket"),
        (["DM-3", "--taxicab", "TBD"], 64, "--taxicab: `TBD` is the key of no ticket"),
        (["DM-3", "--summary", "red \x1b[31m"], 64, "holds U+001B, which no screen shows"),
        (["DM-3", "--summary", " \n "], 64, "--summary is empty"),
        (["DM-3", "--branch", "x"], 64, "Give --commit too"),
        (["DM-40"], 3, f"{TOP}/DM-40 has no children"),
        (["DM-41"], 3, "is a TAGGED collection"),
        (["DM-42"], 3, "is a CHAINED collection"),
        (["DM-43"], 3, f"holds nothing in {TOP}/DM-43/bias"),
        (["DM-44"], 3, "holds calibrations of LATISS"),
        (["DM-45"], 3, "With what was found"),
        (["DM-6"], 3, "Ticket was rejected"),
        (["DM-7"], 3, f"{ORIGIN} has {TOP}/DM-3/flat.20250101a"),
        (["DM-2", "--from", f"{TOP}/DM-1"], 3, "What a ticket holds is final"),
    ]

    for words, code, reason in refusals:
        ran = begun.run("propose", *words)
        assert (ran.code, reason in ran.err) == (code, True), (words, ran)

    assert begun.snapshot("state") == files
    begun.path(ORIGIN).rename(begun.path(ORIGIN).with_name("away"))
    assert begun.run("propose", "DM-3").code == 1
    assert begun.snapshot("state") == files


def test_words_of_others_are_written_as_they_are_and_obeyed_by_nobody(begun: Sites) -> None:
    words = "::error::x: {a} # no \"comment\"\n- &b !!python/object:x *c  '%d'"

    ran = begun.run("propose", "DM-3", "--summary", words, "--taxicab", "TAXICAB-9", "--no-seal", "--commit")

    assert ran.code == 0, ran.err
    declared = read(begun, TICKET)
    assert declared["summary"] == " ".join(words.split())
    assert declared["approval"] == {"status": "proposed", "taxicab": "TAXICAB-9"}
    assert not any(line.strip().startswith("::") for line in ran.out.splitlines())
    assert not (begun.tree.state / SEAL).exists()
    assert "Next: calibstate seal LSSTComCam/DM-3" in ran.out
    assert " ".join(words.split()) in git(begun.tree.state, "log", "-1", "--format=%b")


def test_what_is_dirty_is_not_taken_along(begun: Sites) -> None:
    state = begun.tree.state
    (state / "README.md").write_text("mine, and staged\n")
    git(state, "add", "README.md")
    (state / TICKET).write_text("something else\n")
    in_the_way = begun.run("propose", "DM-3", "--commit")
    assert in_the_way.code == 1
    (state / TICKET).unlink()
    hook = state / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not on a Friday >&2\nexit 1\n")
    hook.chmod(0o755)

    stopped = begun.run("propose", "DM-3", "--commit")

    assert (stopped.code, "not on a Friday" in stopped.err) == (1, True), stopped.err
    assert git(state, "branch", "--format=%(refname:short)") == "main"
    assert git(state, "status", "--porcelain", "-uall").splitlines() == [
        "A  README.md",
        f"?? {SEAL}",
        f"?? {TICKET}",
    ]
    hook.unlink()
    git(state, "branch", "propose-DM-2")
    assert begun.run("propose", "DM-3", "--commit").code == 0
    assert git(state, "show", "--name-only", "--format=%an", "HEAD").split() == ["nobody", SEAL, TICKET]
    assert git(state, "status", "--porcelain") == "A  README.md"


# --- what a ticket is made of ---


def _bare(sites: Sites) -> None:
    with sites.butler(ORIGIN) as butler:
        world.add_calibration(butler, f"{TOP}/DM-5", "defects", formatter=world.STAND_IN)
        world.add_run(butler, f"{TOP}/DM-5/unbounded", "camera", formatter=world.STAND_IN)
        world.add_run(butler, f"{TOP}/DM-5/curated/19700101", "defects", formatter=world.STAND_IN)


def _without_a_chain(sites: Sites) -> None:
    with sites.butler(ORIGIN) as butler:
        world.add_calibration(butler, f"{TOP}/DM-5/flat.a", "flat", formatter=world.STAND_IN)
        world.add_calibration(butler, f"{TOP}/DM-5/bias.a", "bias", formatter=world.STAND_IN)


def _of_a_person(sites: Sites) -> None:
    with sites.butler(ORIGIN) as butler:
        world.add_calibration(butler, "u/ann/flat.a", "flat", formatter=world.STAND_IN)


@pytest.mark.parametrize(
    ("make", "sources", "declared"),
    [
        (_bare, [], {"bare": [f"{TOP}/DM-5", f"{TOP}/DM-5/unbounded"]}),
        (_without_a_chain, [], {"collections": ["bias.a", "flat.a"]}),
        (
            _without_a_chain,
            [f"{TOP}/DM-5/flat.a", f"{TOP}/DM-3/bias.20250101a"],
            {"collections": ["flat.a", f"{TOP}/DM-3/bias.20250101a"]},
        ),
        (_of_a_person, ["u/ann/flat.a"], {"bare": ["u/ann/flat.a"]}),
    ],
    ids=["curated", "without a chain", "named", "of a person"],
)
@pytest.mark.matrix(2)
def test_collections_are_declared_in_the_form_that_they_have(
    begun: Sites, make: Callable[[Sites], None], sources: Sequence[str], declared: Any
) -> None:
    make(begun)
    options = [word for source in sources for word in ("--from", source)]

    ran = begun.run("propose", "DM-5", *options, *UNTIL)

    assert ran.code == 0, ran.err
    written = read(begun, "tickets/LSSTComCam/DM-5.yaml")
    assert {key: written[key] for key in written.keys() & {"bare", "collections"}} == declared
    in_doubt = make is _without_a_chain and not sources
    assert ("Search order is not known" in ran.err) is in_doubt
    assert begun.run("adopt", "DM-5", "TAXICAB-5").code == 0
    assert begun.apply().code == 0
    assert begun.run("drift").code == 0


def test_a_ticket_that_was_constructed_is_taken_up_once_it_is_whole(begun: Sites) -> None:
    begun.tree.ticket("DM-5", status="proposed", construction=construction("bias"), summary="Made here")
    before = text_of(begun, "tickets/LSSTComCam/DM-5.yaml")
    with begun.butler(ORIGIN) as butler:
        world.add_chain(butler, f"{TOP}/DM-5", [f"{TOP}/DM-3/bias.20250101a"])
    halves = begun.run("propose", "DM-5")
    assert (halves.code, "Not everything is certified" in halves.err) == (3, True), halves.err
    match = re.search(r"does not search (\S+) yet", halves.err)
    assert match
    leaf = match[1]
    with begun.butler(ORIGIN) as butler:
        world.add_calibration(butler, leaf, "bias", formatter=world.STAND_IN)
        world.add_chain(butler, f"{TOP}/DM-5", [leaf])

    ran = begun.run("propose", "DM-5", *UNTIL)

    assert ran.code == 0, ran.err
    after = text_of(begun, "tickets/LSSTComCam/DM-5.yaml")
    added = f"collections:\n  - {leaf.removeprefix(f'{TOP}/DM-5/')}\n"
    assert after.replace(added, "") == before
    assert (begun.tree.state / "seals/LSSTComCam/DM-5.yaml").exists()
    assert "Nothing to write" in begun.run("propose", "DM-5", *UNTIL).out


def test_the_origin_tells_whose_ticket_it_is_unless_there_are_two(begun: Sites) -> None:
    site = begun.tree.state / "sites/usdf.yaml"
    site.write_text(site.read_text().replace("- LSSTComCam", "- LSSTComCam\n    - LATISS"))
    make_others(begun)

    alone = begun.run("propose", "DM-3", "--dry-run", *UNTIL)
    both = begun.run("propose", "DM-44", "--dry-run", *UNTIL)
    begun.run("propose", "DM-3")
    with begun.butler(ORIGIN) as butler:
        world.add_calibration(butler, "LATISS/calib/DM-9/bias", "bias", instrument="LATISS", detectors=[0])
        world.add_calibration(butler, f"{TOP}/DM-9/bias", "bias")
    unclear = begun.run("propose", "DM-9")
    named = begun.run("propose", "DM-9", "--from", "LATISS/calib/DM-9/bias", "--dry-run", *UNTIL)

    assert (alone.code, both.code) == (0, 0), both.err
    assert "DM-44 of LATISS, as usdf/main has it" in both.out
    assert unclear.code == 64
    assert "DM-9 is LATISS/DM-9 at usdf/main and LSSTComCam/DM-9 at usdf/main." in unclear.err
    assert "DM-9 of LATISS" in named.out


def test_what_belongs_to_no_instrument_is_named_and_listed_where_that_is_asked_for(
    catalogues: Sites,
) -> None:
    run = "refcats/DM-8/gaia"
    with catalogues.butler(ORIGIN) as butler:
        add_catalogue(butler, run)

    unnamed = catalogues.run("propose", "any/DM-8")
    proposed = catalogues.run("propose", "DM-8", "--instrument", "any", "--from", run, *UNTIL)
    alone = catalogues.run("adopt", "DM-8", "TAXICAB-7", "--dry-run", *UNTIL)
    adopted = catalogues.run("adopt", "any/DM-8", "TAXICAB-7", "--chain", "refcats", *UNTIL)

    assert (unnamed.code, "Name them: --from COLLECTION." in unnamed.err) == (64, True), unnamed.err
    assert proposed.code == 0, proposed.err
    assert read(catalogues, "tickets/any/DM-8.yaml")["bare"] == [run]
    assert (alone.code, "--chain NAME" in alone.err) == (0, True), alone.err
    assert adopted.code == 0, adopted.err
    assert read(catalogues, "chains/refcats.yaml")["entries"] == ["DM-8", "DM-49042"]
    assert catalogues.apply().code == 0
    assert catalogues.chain("frdf/main", "refcats")[0] == run


def test_a_seal_that_the_origin_no_longer_fits_is_told(begun: Sites) -> None:
    assert begun.run("propose", "DM-3").code == 0
    with begun.butler(ORIGIN) as butler:
        world.add_calibration(butler, f"{TOP}/DM-3/bias.20250101a", "defects")

    ran = begun.run("propose", "DM-3")

    assert (ran.code, "Sealed before, with another content" in ran.err) == (3, True), ran.err


def test_reviewers_are_told_what_an_adoption_would_change(begun: Sites) -> None:
    assert begun.run("propose", "DM-3").code == 0

    document = begun.run("report", "--base", "main", *UNTIL, "--format", "json").json
    comment = begun.run("report", "--base", "main", *UNTIL, "--format", "markdown").out

    assert (document["impact"], document["foreseen"]) == ({}, {"LSSTComCam/DM-3": {"newly covered": 2}})
    assert "| **foreseen** | LSSTComCam/DM-3 in front of LSSTComCam/calib: newly covered: bias" in comment
    assert "<summary>Lookups once LSSTComCam/DM-3 is adopted: newly covered: bias" in comment


def test_what_is_proposed_is_shown_in_every_form(begun: Sites, golden: Golden) -> None:
    for form in ("markdown", "json"):
        ran = begun.run("propose", "DM-3", "--no-seal", "--dry-run", *UNTIL, "--format", form)
        assert ran.code == 0, ran.err
        golden(f"propose/dry-run.{form}", masked(ran.out))
