"""Datasets of another ticket, certified again with other ranges."""

from __future__ import annotations

import shutil
from pathlib import Path

from lsst.daf.butler import Timespan

from calibstate.model.timespans import parse_tai
from tests import world
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites

OLD, OTHER = f"{TOP}/DM-1/bias.20240101a", f"{TOP}/DM-2/bias.20240101a"
NEW = f"{TOP}/DM-3/again/bias.20240301a"
EVERYWHERE = (ORIGIN, EMBARGO, SUMMIT)
EARLY, LATE = "2023-06-01T00:00:00", "2024-06-01T00:00:00"
GUARD = "--allow recertify --because REASON"


def declare(
    sites: Sites, begin: str | None = None, end: str | None = None, of: str = OLD, status: str = "adopted"
) -> None:
    """Declare a ticket that certifies biases again, in front of the others."""
    entry = {"as": "again/bias.20240301a", "datasets_of": of, "begin": begin, "end": end}
    sites.tree.ticket("DM-3", "again/bias.20240301a", status=status, certify=[entry])
    adopted = ["DM-3"] if status == "adopted" else []
    sites.tree.chain([*adopted, "DM-2", "DM-1"])


def found(sites: Sites, address: str, day: str, chain: str = TOP) -> str | None:
    """Return the RUN in which a lookup finds a bias on a day."""
    moment = parse_tai(f"{day}T00:00:00")
    ref = sites.seen(address).find_dataset(
        "bias",
        instrument=INSTRUMENT,
        detector=1,
        collections=chain,
        timespan=Timespan(None, None, _nsec=(moment, moment + 1)),
    )
    return ref.run if ref else None


def ranges(sites: Sites, address: str = ORIGIN) -> set[str]:
    """Return for which ranges the new collection certifies."""
    return {row[4] for row in sites.certifications(address) if row[0] == NEW}


def test_a_new_ticket_certifies_the_datasets_of_another_for_a_longer_time(deployed: Sites) -> None:
    declare(deployed, EARLY)
    files = {address: deployed.files(address) for address in EVERYWHERE}
    for address in EVERYWHERE:
        assert found(deployed, address, "2023-07-01") is None
        assert found(deployed, address, "2024-07-01") == f"{OTHER}.run"

    planned = deployed.run("plan")
    assert planned.code == 2, planned.out + planned.err
    assert "Range stays open" not in planned.err, "a longer time needs nothing else"
    ran = deployed.apply()
    assert ran.code == 0, ran.out + ran.err

    for address in EVERYWHERE:
        assert found(deployed, address, "2023-07-01") == f"{OLD}.run"
        assert found(deployed, address, "2024-07-01") == f"{OLD}.run", "the new ticket is in front"
        assert deployed.files(address) == files[address], "no file was copied"
        assert deployed.of_ticket(address, "DM-3") == deployed.of_ticket(ORIGIN, "DM-3")
    again = deployed.run("plan")
    assert (again.code, again.out.count("certify")) == (0, 0), again.out


def test_a_shorter_time_is_closed_when_the_old_ticket_goes_out(deployed: Sites) -> None:
    declare(deployed, LATE, "2024-09-01T00:00:00")
    planned = deployed.run("plan")
    assert planned.code == 2, planned.out + planned.err
    note = " ".join(planned.err.split())
    assert "note: Range stays open" in note
    assert f"{OLD} certifies the same datasets for [2024-01-01T00:00:00, …)" in note
    assert f"as before through {TOP}" in note
    assert deployed.apply().code == 0
    assert found(deployed, SUMMIT, "2024-07-01") == f"{OLD}.run"
    assert found(deployed, SUMMIT, "2024-10-01", f"{TOP}/DM-3") is None
    deployed.tree.chain(["DM-3"], retired={"DM-1": "closed by DM-3", "DM-2": "closed by DM-3"})
    assert deployed.apply().code == 0
    assert found(deployed, SUMMIT, "2024-07-01") == f"{OLD}.run"
    assert found(deployed, SUMMIT, "2024-10-01") is None


def test_a_sealed_ticket_tells_which_range_stays_open_without_a_look(deployed: Sites) -> None:
    assert deployed.run("seal", "DM-1").code == 0
    for begin, end, notes in ((LATE, None, 1), (None, None, 0), (EARLY, LATE, 1), (EARLY, None, 0)):
        declare(deployed, begin, end)
        ran = deployed.run("validate")
        assert ran.code == 0, ran.out + ran.err
        assert (ran.out + ran.err).count("note: Range stays open") == notes
    declare(deployed, LATE, of="u/somebody/bias")
    assert "Range stays open" not in deployed.run("validate").err


def test_a_proposed_ticket_is_certified_sealed_and_then_deployed(deployed: Sites) -> None:
    declare(deployed, EARLY, status="proposed")
    assert deployed.run("plan").out.count("certify") == 0, "nobody has adopted it"
    certified = deployed.run("certify", "DM-3", "--yes")
    assert certified.code == 0, certified.out + certified.err
    assert deployed.chain(ORIGIN, f"{TOP}/DM-3") == (NEW,)
    assert deployed.run("seal", "DM-3").code == 0
    declare(deployed, EARLY)
    ran = deployed.apply()
    assert ran.code == 0, ran.out + ran.err
    assert "certify" not in ran.out
    assert found(deployed, SUMMIT, "2023-07-01") == f"{OLD}.run"


def test_other_dates_are_certified_for_a_reason_and_then_exported(deployed: Sites) -> None:
    declare(deployed, EARLY, status="proposed")
    assert deployed.run("certify", "DM-3", "--yes").code == 0
    before = ranges(deployed)
    declare(deployed, LATE)
    refused = deployed.apply()
    assert refused.code == 3, refused.out + refused.err
    assert GUARD in " ".join((refused.out + refused.err).split())
    assert ranges(deployed) == before
    assert not list((deployed.tree.folder / "archive").rglob("DM-3/*")), "nothing leaves the origin before"

    passed = deployed.apply("--allow", "recertify", "--because", "the begin was a slip")
    assert passed.code == 0, passed.out + passed.err
    assert ranges(deployed, SUMMIT) == ranges(deployed) == {"[2024-06-01T00:00:00, ∞)"}
    logged = deployed.run("log")
    assert "the begin was a slip" in logged.out


def test_dates_of_a_deployed_ticket_are_left_as_they_were(deployed: Sites) -> None:
    declare(deployed, EARLY)
    assert deployed.apply().code == 0
    declare(deployed, LATE)
    refused = deployed.run("certify", "DM-3", "--yes", "--allow", "recertify", "--because", "none is enough")
    assert refused.code == 3, refused.out + refused.err
    assert f"datasets_of: {NEW}" in " ".join(refused.out.split())
    assert ranges(deployed) == {"[2023-06-01T00:00:00, ∞)"}


def test_datasets_that_are_not_there_are_refused(deployed: Sites) -> None:
    declare(deployed, EARLY, of=f"{TOP}/DM-1/no.20240101a")
    ran = deployed.apply()
    assert ran.code == 3, ran.out + ran.err
    assert f"{TOP}/DM-1/no.20240101a holds nothing there" in ran.out
    assert not deployed.has(ORIGIN, NEW)


def test_two_datasets_for_one_data_id_are_refused(deployed: Sites) -> None:
    two = "u/somebody/bias"
    with deployed.butler(ORIGIN) as butler:
        world.add_calibration(butler, two, "bias", world.IN_2024, run=f"{two}.first")
        world.add_calibration(butler, two, "bias", world.IN_2025, run=f"{two}.second")
    declare(deployed, EARLY, of=two)
    ran = deployed.apply()
    assert ran.code == 3, ran.out + ran.err
    assert f"{two} holds more than one dataset for a data ID" in ran.out
    assert not deployed.has(ORIGIN, NEW)


def test_a_saved_plan_is_carried_out_and_refused_once_its_ground_has_moved(
    deployed: Sites, tmp_path: Path
) -> None:
    declare(deployed, EARLY)
    file = str(tmp_path / "plan.json")
    assert deployed.run("plan", "-o", file).code == 2
    other = deployed.copied_to(tmp_path / "other", deployed.capsys)
    with other.butler(ORIGIN) as butler:
        refs = butler.query_datasets("bias", collections=f"{OLD}.run")
        butler.registry.decertify(OLD, "bias", Timespan(None, None), dataIds=[refs[0].dataId])
    ran = other.run("apply", file, "--yes")
    assert ran.code == 3, ran.out + ran.err
    assert not other.has(ORIGIN, NEW)
    other.close()

    ran = deployed.run("apply", file, "--yes")
    assert ran.code == 0, ran.out + ran.err
    assert found(deployed, SUMMIT, "2023-07-01") == f"{OLD}.run"


def test_nothing_is_certified_where_nobody_can_tell_whether_it_has_left(deployed: Sites) -> None:
    declare(deployed, EARLY)
    shutil.move(deployed.tree.folder / "archive", deployed.tree.folder / "away")
    (deployed.tree.folder / "archive").write_text("no folder")
    ran = deployed.run("certify", "DM-3", "--yes")
    assert ran.code == 1, ran.out + ran.err
    assert ran.out.count("whether its ticket has left the origin is not known") == 1
    assert not deployed.has(ORIGIN, NEW)


def test_another_site_waits_for_the_origin(deployed: Sites) -> None:
    declare(deployed, EARLY)
    ran = deployed.apply("--site", "summit")
    assert ran.code == 4, ran.out + ran.err
    assert "usdf" in ran.out
    assert not deployed.has(ORIGIN, NEW)
