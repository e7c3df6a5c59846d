"""Constructing a ticket, from its file to collections that are deployed.

The tasks behind the labels are stand-ins; butler, pipetask, templates and
quantum graphs are real.  In most tests pipetask runs in this process.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from astropy.table import Table
from lsst.daf.butler import Butler, Timespan

from calibstate.adapters.locks import open_locks
from calibstate.demo.construction.world import SECTION_7, SMALL, drift
from tests.constructing import BPS, CHAIN, Construction, make_construction, middleware
from tests.golden import Golden
from tests.services.postgres import Postgres
from tests.tree import ROOT

DP1 = f"{CHAIN}/DP1"
IN_ORDER_OF_RTN_103 = [
    *(f"{DP1}/flat-{band}.20250207a" for band in "yzirgu"),
    *(f"{DP1}/{word}.20250207a" for word in ("dark", "bias", "cti", "defects")),
]


@pytest.fixture(scope="module")
def begun_once(tmp_path_factory: pytest.TempPathFactory) -> Construction:
    """An origin of which nothing is constructed yet."""
    return make_construction(tmp_path_factory.mktemp("construct") / "world", look_at=True)


@pytest.fixture
def begun(
    begun_once: Construction,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Construction]:
    construction = begun_once.copied_to(tmp_path / "world", capsys)
    yield in_environment(construction, monkeypatch)


@pytest.fixture(scope="module")
def made_once(begun_once: Construction, tmp_path_factory: pytest.TempPathFactory) -> Construction:
    """One of which everything is made but the verifications."""
    from calibstate.cli.app import run

    construction = begun_once.copied_to(tmp_path_factory.mktemp("made") / "world")
    with pytest.MonkeyPatch.context() as monkeypatch:
        in_environment(construction, monkeypatch)
        looked = [word for product in LOOKED_AT for word in ("--looked", product)]
        state = str(construction.tree.state)
        assert run(["-C", state, "construct", "DM-48520", "--run", "--until", "chain flat_g", *looked]) == 2
    return construction


@pytest.fixture
def made(
    made_once: Construction,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Construction]:
    construction = made_once.copied_to(tmp_path / "world", capsys)
    yield in_environment(construction, monkeypatch)


REAL_TEMPLATES = ROOT.parent / "shared/realdata/cp_pipe_bps"

_ALWAYS = Timespan(None, None)

LOOKED_AT = ("bias_bootstrap", "dark_bootstrap", "bias")


def in_environment(construction: Construction, monkeypatch: pytest.MonkeyPatch) -> Construction:
    monkeypatch.setenv("CP_PIPE_DIR", str(construction.world.cp_pipe))
    monkeypatch.setenv("CP_VERIFY_DIR", str(construction.world.cp_verify))
    return construction


def states(out: str) -> dict[str, str]:
    return {step["step"]: step["state"] for step in json.loads(out)["steps"]}


@dataclass(frozen=True)
class Made:
    """What a construction comes to."""

    products: Sequence[str]
    steps: int
    chain: Sequence[str]
    """What its ticket collection searches, in order."""
    verified: str
    """What is told of its verifications."""


ALL_OF_SECTION_7 = Made(SECTION_7, 13 + 10 + 10 + 9, IN_ORDER_OF_RTN_103, "passed: bias, dark, flat_u")
A_FEW = Made(
    SMALL,
    6 + 3 + 3 + 3,
    [f"{DP1}/{word}.20250207a" for word in ("flat-g", "bias", "defects")],
    "passed: bias, flat_g",
)


@pytest.mark.parametrize(
    ("submit", "wanted"),
    [
        pytest.param("here", A_FEW, id="here, a few"),
        pytest.param("here", ALL_OF_SECTION_7, marks=pytest.mark.slow, id="here"),
        pytest.param("pipetask", ALL_OF_SECTION_7, marks=pytest.mark.slow, id="pipetask"),
        pytest.param("bps", ALL_OF_SECTION_7, marks=pytest.mark.slow, id="bps"),
    ],
)
def test_section_7_is_made_from_raws_deployed_and_verified_at_a_second_site(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    submit: str,
    wanted: Made,
) -> None:
    # The real templates say the same as ours, where they are there.
    templates = REAL_TEMPLATES if submit == "bps" and REAL_TEMPLATES.exists() else None
    construction = make_construction(
        tmp_path / "world", capsys, products=wanted.products, templates=templates and templates.parent
    )
    construction.declare_sites(submit, BPS if submit == "bps" else None)
    deploy(construction, wanted, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("submit", ["here", "pipetask"])
def test_section_7_is_made_where_the_origin_is_in_postgresql(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    postgres: Postgres,
    submit: str,
) -> None:
    database = postgres.another().url
    construction = make_construction(tmp_path / "world", capsys, products=SECTION_7, database=database)
    construction.declare_sites(submit)
    deploy(construction, ALL_OF_SECTION_7, monkeypatch)


def deploy(construction: Construction, wanted: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all of a ticket, deploy it to a second site, verify it there."""
    in_environment(construction, monkeypatch)

    ran = construction.construct("--run", "--format", "json")
    assert ran.code == 0, ran.err
    assert len(states(ran.out)) == wanted.steps
    assert set(states(ran.out).values()) == {"done"}
    assert list(construction.chain()) == wanted.chain

    # From here on it is a ticket like any other.
    written = construction.construct("--write")
    assert written.code == 0
    kept = construction.tree.state / "verdicts/LSSTComCam/DM-48520.yaml"
    assert "verdicts/LSSTComCam/DM-48520.yaml was written" in written.err
    products = yaml.safe_load(kept.read_text())["products"]
    assert {product["verdict"] for product in products} == {"passed"}
    # All but the science frames have a verdict.
    verified = [step for step in states(ran.out) if step.startswith("verify ")]
    assert len(products) == len(verified) - 1
    # They were verified with all that was certified, as it is searched.
    assert {tuple(product["collections"]) for product in products} == {construction.chain()}
    assert "files say so already" in construction.construct("--write").err
    construction.change("approval: {status: proposed}", "approval: {status: adopted, note: made for a test}")
    chain = construction.tree.state / "chains/LSSTComCam-calib.yaml"
    chain.write_text("chain: LSSTComCam/calib\ninstrument: LSSTComCam\nentries: [DM-48520]\n")
    settings = construction.tree.state / "calibstate.yaml"
    settings.write_text(f"{settings.read_text()}formatters: [lsst, calibstate.demo]\n")
    applied = construction.run("apply", "--yes", "--allow", "chain_changes", "--because", "made for a test")
    assert applied.code == 0, applied.out + applied.err
    reviewed = construction.run("verify", "--site", "summit")
    assert reviewed.code == 0
    assert f"DM-48520 by cp_verify: {wanted.verified}" in reviewed.out
    assert construction.run("plan").code == 0


def test_a_construction_stops_for_a_person_and_goes_on_when_one_has_looked(begun: Construction) -> None:
    first = begun.construct("--run", "--format", "json")

    assert first.code == 4
    assert states(first.out)["make bias_bootstrap"] == "done"
    assert states(first.out)["look at bias_bootstrap"] == "look"
    assert states(first.out)["make dark_bootstrap"] == "waits"
    images = json.loads(first.out)["images"]
    assert images
    assert all(Path(image).stat().st_size for image in images)
    # To ask again shows the images again, and makes nothing twice.
    made = begun.made()
    assert begun.construct("--run").code == 4
    assert begun.made() == made
    following = begun.construct(
        "--run", "--looked", "bias_bootstrap", "--until", "make dark_bootstrap", "--format", "json"
    )
    assert following.code == 2
    assert states(following.out)["make dark_bootstrap"] == "done"
    # What was made after the look shows that it was had.
    assert states(begun.construct("--format", "json").out)["look at bias_bootstrap"] == "done"


def test_what_is_only_shown_writes_nothing(begun: Construction) -> None:
    ran = begun.construct("--format", "json")

    assert ran.code == 2
    first, *others = states(ran.out).values()
    assert first == "to do"
    assert set(others) == {"waits"}
    assert json.loads(ran.out)["steps"][0]["exposures"] == 2
    assert begun.made() == {}
    assert not (begun.tree.folder / "scratch").exists()


def test_the_script_follows_from_the_files_alone(begun: Construction, golden: Golden) -> None:
    script = begun.construct("--format", "shell")

    assert script.code == 0
    folder = str(begun.tree.folder)
    golden("construct/script.sh", script.out.replace(folder, "FOLDER"))
    # Nobody has to be there.
    begun.world.repository.rename(begun.tree.folder / "elsewhere")
    assert begun.construct("--format", "shell").out == script.out


def test_a_product_of_which_a_quantum_failed_is_not_certified(
    begun: Construction, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = [word for product in LOOKED_AT for word in ("--looked", product)]
    monkeypatch.setenv("CALIBSTATE_STANDIN_FAIL", "cpBiasCombine:detector=1")

    failed = begun.construct("--run", *looked, "--format", "json")

    assert failed.code == 1
    step = next(step for step in json.loads(failed.out)["steps"] if step["step"] == "make bias")
    assert (step["made"], step["expected"]) == (1, 2)
    assert step["missing"] == ["detector=1,instrument=LSSTComCam"]
    assert [quantum["task"] for quantum in step["failed"]] == ["cpBiasCombine"]
    assert f"{DP1}/bias.20250207a" not in begun.certified()
    assert begun.run("certify", "DM-48520", "--yes").code == 1
    assert f"{DP1}/bias.20250207a" not in begun.certified()
    # When the fault is mended the same command goes on.
    monkeypatch.delenv("CALIBSTATE_STANDIN_FAIL")
    assert begun.construct("--run", *looked, "--until", "chain bias").code == 2
    assert len(begun.certified()[f"{DP1}/bias.20250207a"]) == 2


def test_what_is_made_of_other_exposures_than_are_declared_is_told(made: Construction) -> None:
    assert "Made of other exposures" not in made.construct().err
    made.change("exposure.seq_num in (21..40)", "exposure.seq_num in (22..40)")

    fewer = made.construct()

    (told,) = [line for line in fewer.err.splitlines() if "is made of" in line]
    assert "flatGen-g.20250207a/" in told
    assert told.endswith("is made of 2024112600021, which its selection does not find.")
    assert json.loads(made.construct("--format", "json").out)["done"] == 15


def test_images_that_cannot_be_kept_are_no_fault_of_the_repository(begun: Construction) -> None:
    (begun.tree.folder / "scratch").mkdir()
    images = begun.tree.folder / "scratch/calibstate/LSSTComCam/DM-48520/images"
    images.parent.mkdir(parents=True)
    images.write_text("in the way")

    ran = begun.construct("--run")

    assert ran.code == 1
    assert "Images cannot be kept" in ran.err
    assert "Repository" not in ran.err
    images.unlink()
    assert begun.construct("--run").code == 4


def test_no_file_of_a_construction_has_the_password_of_a_repository(
    made: Construction, tmp_path: Path
) -> None:
    secret = "hunter2.secret"
    site = made.tree.state / "sites/usdf.yaml"
    repository = str(made.world.repository)
    site.write_text(site.read_text().replace(repository, f"file://bob:{secret}@localhost{repository}"))

    ran = made.construct("--run", "--until", "verify science")
    files = [tmp_path / "record.json", tmp_path / "record.md"]
    recorded = [made.construct("--record", str(file)).code for file in files]

    assert recorded == [0, 0]
    assert json.loads(files[0].read_text())["steps"][-1]["run"] is None
    assert json.loads(files[0].read_text())["steps"][-1]["command"] == []
    said = [ran.out, ran.err, made.construct("--format", "shell").out]
    batches = list((made.tree.folder / "scratch").rglob("batch.json"))
    assert batches
    said += [file.read_text() for file in (*files, *batches)]
    assert not [text for text in said if secret in text]
    assert ran.code == 2, ran.err


def test_a_retry_has_a_letter_of_its_own_and_is_searched_first(made: Construction) -> None:
    before = made.certified()
    made.change("- {bias: {", "- {bias: {rerun: 20250209b, ")

    ran = made.construct("--run", "--looked", "bias", "--until", "chain flat_g")

    assert ran.code == 2, ran.err
    assert made.chain()[0] == f"{DP1}/bias.20250209b"
    assert {name: rows for name, rows in made.certified().items() if name in before} == before
    assert made.construct("--write").code == 2
    assert "- DP1/bias.20250209b" in made.file.read_text()
    assert "- DP1/bias.20250207a" not in made.file.read_text()


def test_an_output_that_was_begun_with_other_inputs_is_not_gone_on_with(made: Construction) -> None:
    # Half of it is lost, and meanwhile more has been certified.
    with made.butler(writeable=True) as butler:
        (run,) = butler.collections.query(f"{DP1}/biasGen.20250207a/*")
        lost = butler.query_datasets("bias", run, where="instrument = 'LSSTComCam' and detector = 1")
        butler.collections.redefine_chain(CHAIN, [f"{DP1}/flat-g.20250207a", f"{DP1}/defects.20250207a"])
        butler.registry.decertify(f"{DP1}/bias.20250207a", "bias", _ALWAYS)
        butler.pruneDatasets(lost, purge=True, unstore=True, disassociate=True)

    ran = made.construct("--run", "--format", "json")

    assert ran.code == 3
    step = next(step for step in json.loads(ran.out)["steps"] if step["step"] == "make bias")
    assert (step["state"], step["reason"]) == ("refused", "inputs-changed")


def test_a_selection_that_finds_nothing_is_refused(begun: Construction) -> None:
    begun.change("exposure.seq_num >= 696", "exposure.seq_num >= 6960")
    begun.change("exposure.seq_num >= 427", "exposure.seq_num >= 4270")

    ran = begun.construct("--run", "--format", "json")

    assert ran.code == 3
    assert json.loads(ran.out)["steps"][0]["reason"] == "nothing-selected"
    assert begun.made() == {}


def test_a_template_that_lacks_a_variable_is_told_before_anything_runs(begun: Construction) -> None:
    begun.declare_sites(bps={"project": "${NOWHERE}"})

    ran = begun.construct("--format", "json")

    first = json.loads(ran.out)["steps"][0]
    assert (ran.code, first["reason"]) == (3, "template-unfit")
    ran = begun.construct("--run")
    assert (ran.code, ran.err) == (3, "")
    assert "${NOWHERE} is not set; BPS would leave it as it is written" in ran.out
    assert begun.made() == {}


def test_verdicts_are_of_the_newest_run_and_know_what_the_board_knows(made: Construction) -> None:
    drift(made.world, 2024102100509, 1)

    ran = made.construct("--run", "--format", "json")

    assert ran.code == 0, ran.err
    shown = made.construct("--format", "json").json
    verdicts = {verdict["product"]: verdict for verdict in shown["verdicts"]}
    assert verdicts["bias"]["verdict"] == "failed"
    (failed,) = verdicts["bias"]["failures"]
    (detector,) = failed["detectors"]
    assert failed["detectors"][detector] == ["C07"]
    assert failed["exposures"] == [2024102100509]
    assert verdicts["bias"]["outside"] == 2
    assert verdicts["flat_g"]["verdict"] == "passed"
    words = f"verify bias: {detector} C07 {failed['test']}"
    text = made.file.read_text()
    made.file.write_text(f"{text}  known_failures:\n    {json.dumps(words)}: a lamp was left on\n")
    shown = made.construct("--format", "json").json
    verdicts = {verdict["product"]: verdict for verdict in shown["verdicts"]}
    assert verdicts["bias"]["verdict"] == "known failures"
    assert shown["verdict"] == "known failures"


def test_pages_of_cp_verify_are_looked_for_and_ours_tell_the_verdict(
    made: Construction, tmp_path: Path
) -> None:
    assert made.construct("--run", "--until", "verify bias").code == 2
    program = made.world.cp_verify / "bin/cpv_report.py"

    ran = made.construct("--report", str(tmp_path / "ours"))

    assert (ran.code, ran.err.count("was written")) == (0, 1)
    page = (tmp_path / "ours/verdicts.md").read_text()
    assert "| bias | passed | 2 | 2 |" in page
    assert "| flat\\_g | no verdict |" in page
    # It ends with 3, and there are pages.
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@" > "$4/index.html"\nexit 3\n')
    program.chmod(0o755)
    ran = made.construct("--report", str(tmp_path / "theirs"))
    assert (ran.code, ran.err.count("was written")) == (0, 2)
    words = (tmp_path / "theirs/index.html").read_text().split()
    assert words[:3] == ["-r", str(made.world.repository), "-O"]
    collections = [name.rpartition("/")[2] for name in words[4:] if name != "-c"]
    assert collections[:2] == ["verifyScience.20250210a", "verifyBias.20250210a"]
    assert "biasGen.20250207a" in collections[2:]
    assert not [name for name in collections[2:] if name.startswith("verify")]
    # Old pages do not stand among new ones.
    assert made.construct("--report", str(tmp_path / "theirs")).code == 64
    # It ends with 0, and there are none.
    program.write_text("#!/bin/sh\necho no such thing as afw\n")
    ran = made.construct("--report", str(tmp_path / "none"))
    assert ran.code == 1
    assert "wrote no page, and ended with 0: no such thing as afw" in ran.err
    assert (tmp_path / "none/verdicts.md").exists()


def test_where_statistics_are_left_out_the_table_tells_the_same(made: Construction) -> None:
    drift(made.world, 2024102100509, 1)
    assert made.construct("--run", "--until", "verify bias").code == 2
    before = verdict_on_bias(made)
    assert before["verdict"] == "failed"
    with made.butler(writeable=True) as butler:
        run = butler.collections.get_info(f"{DP1}/verifyBias.20250210a").children[0]
        # As with doDropStats: the table is all that there is.
        _prune(butler, "verifyBiasStats", run)

    assert verdict_on_bias(made) == before

    # What tells of no test is no verdict, and no reason to submit it again.
    with made.butler(writeable=True) as butler:
        _prune(butler, "verifyBiasResults", run)
        table = Table({"detector": [0], "amplifier": ["C07"]})
        butler.put(table, "verifyBiasResults", instrument="LSSTComCam", run=run)
    told = verdict_on_bias(made)
    assert told["verdict"] == "no verdict"
    assert "verifyBiasStats was left out" in told["detail"]


def verdict_on_bias(construction: Construction) -> Any:
    """Return what is said of the bias, whose verification is done."""
    shown = construction.construct("--format", "json")
    assert states(shown.out)["verify bias"] == "done"
    (verdict,) = [verdict for verdict in shown.json["verdicts"] if verdict["product"] == "bias"]
    return verdict


def _prune(butler: Butler, dataset_type: str, run: str) -> None:
    refs = butler.query_datasets(dataset_type, run)
    butler.pruneDatasets(refs, purge=True, unstore=True, disassociate=True)


def test_yesterdays_verdict_does_not_answer_for_a_verification_that_failed_today(
    made: Construction, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made.construct("--run", "--until", "verify bias").code == 2
    with made.butler(writeable=True) as butler:
        chain = f"{DP1}/verifyBias.20250210a"
        newer = f"{chain}/20990101T000000Z"
        # A second try of which nothing came: it stands in front all the same.
        butler.collections.register(newer)
        butler.collections.prepend_chain(chain, newer)
        butler.registry.refresh()
        assert butler.get("verifyBiasStats", instrument="LSSTComCam", collections=chain)["SUCCESS"] is True

    shown = made.construct("--format", "json").json

    verdicts = {verdict["product"]: verdict["verdict"] for verdict in shown["verdicts"]}
    assert verdicts["bias"] == "no verdict"
    assert next(step for step in shown["steps"] if step["step"] == "verify bias")["state"] == "to do"


def test_the_record_tells_what_ran(made: Construction, tmp_path: Path) -> None:
    assert made.construct("--record", str(tmp_path / "record.json")).code == 0

    record = json.loads((tmp_path / "record.json").read_text())
    steps = {step["step"]: step for step in record["steps"]}
    assert steps["make bias"]["selected"] == steps["make bias"]["used"] == [2024120800696, 2024120800697]
    assert steps["make bias"]["run"].startswith(f"{DP1}/biasGen.20250207a/")
    command = steps["make bias"]["command"]
    assert command[command.index("--output-run") + 1] == steps["make bias"]["run"]
    assert steps["certify bias"]["datasets"] == 2
    assert steps["certify bias"]["validity"] == "[…, …)"
    assert record["software"]["astropy"]
    assert record["variables"]["SELECTION_BIAS"].startswith("instrument='LSSTComCam' and ")
    assert made.construct("--record", str(tmp_path / "record.md")).code == 0
    text = (tmp_path / "record.md").read_text()
    assert "### make bias" in text
    # Once the intermediates are pruned nobody can tell which were used.
    with made.butler(writeable=True) as butler:
        runs = butler.collections.query(f"{DP1}/biasGen.20250207a/*")
        intermediates = butler.query_datasets("cpBiasIsrExp", runs)
        butler.pruneDatasets(intermediates, purge=True, unstore=True, disassociate=True)
    assert made.construct("--record", str(tmp_path / "pruned.json")).code == 0
    pruned = json.loads((tmp_path / "pruned.json").read_text())
    assert next(step for step in pruned["steps"] if step["step"] == "make bias")["used"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("construct", "DM-48521"), 64, "Did you mean DM-48520?"),
        (("construct", "DM-48520", "--run", "--until", "make bais"), 64, "Did you mean `make bias`?"),
    ],
)
def test_a_word_that_is_near_is_told(
    begun: Construction, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = begun.run(*arguments)

    assert ran.code == code
    assert words in ran.err


def test_a_trial_writes_under_the_name_of_its_user(begun: Construction) -> None:
    site = begun.tree.state / "sites/usdf.yaml"
    site.write_text(site.read_text().replace("submit: here", "submit: here\n  user_prefix: u/somebody/"))

    assert begun.construct("--run").code == 4

    with begun.butler() as butler:
        assert butler.collections.query("u/somebody/LSSTComCam/calib/DM-48520/DP1/biasBootstrapGen*")
        assert not butler.collections.query(f"{CHAIN}/*")


def test_a_hold_keeps_everybody_from_making_anything(begun: Construction) -> None:
    begun.change("construction:", "hold: the camera is being cleaned\nconstruction:")

    ran = begun.construct("--run")

    assert ran.code == 3
    assert "the camera is being cleaned" in ran.err
    assert begun.made() == {}
    passed = begun.construct("--run", "--allow", "hold", "--because", "it is clean by now")
    assert passed.code == 4


def test_nothing_is_added_to_a_ticket_that_is_sealed(made: Construction) -> None:
    assert made.construct("--write").code == 2
    settings = made.tree.state / "calibstate.yaml"
    settings.write_text(f"{settings.read_text()}formatters: [lsst, calibstate.demo]\n")
    assert made.run("seal", "DM-48520").code == 0
    made.change("- {bias: {", "- {bias: {rerun: 20250209b, ")

    ran = made.construct("--run", "--looked", "bias")

    assert ran.code == 3
    assert "Ticket is final" in ran.err
    assert not [name for name in made.made() if name.endswith("20250209b")]


def test_what_the_pipeline_itself_needs_is_asked_for_before_anything_is_submitted(
    made: Construction,
) -> None:
    text = made.file.read_text()
    for line in text.splitlines():
        if "/ptc." in line:
            made.change(f"{line}\n", "")
    made.change("- {bias: {", "- {bias: {rerun: 20250209b, ")

    ran = made.construct("--run", "--format", "json")

    assert ran.code == 3
    step = next(step for step in json.loads(ran.out)["steps"] if step["step"] == "make bias")
    assert (step["state"], step["reason"]) == ("refused", "prerequisite-missing")
    assert "its pipeline needs ptc" in step["detail"]
    assert not [name for name in made.made() if name.endswith("20250209b")]


def test_a_variable_that_nobody_set_is_told_before_anything_is_submitted(
    begun: Construction, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = begun.tree.state / "sites/usdf.yaml"
    text = site.read_text().replace(str(begun.world.cp_pipe), "${NOWHERE_DIR}")
    site.write_text(text)

    ran = begun.construct("--run", "--format", "json")

    assert ran.code == 3
    assert json.loads(ran.out)["steps"][0]["reason"] == "template-unfit"
    assert "NOWHERE_DIR" in ran.out


@pytest.mark.slow
def test_the_script_run_by_hand_makes_the_same(
    begun_once: Construction, made_once: Construction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    construction = begun_once.copied_to(tmp_path / "world", capsys)
    script = tmp_path / "construct.sh"
    script.write_text(construction.construct("--format", "shell").out)

    ended = subprocess.run(
        ["bash", str(script)],
        env=middleware(construction),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr[-2000:]
    assert construction.construct().code == 0
    assert construction.certified() == made_once.certified()
    assert construction.chain() == made_once.chain()


@pytest.mark.parametrize("detector", ["1", "R22_S01"])
def test_a_detector_that_is_excused_keeps_nothing_from_going_on(
    begun: Construction, monkeypatch: pytest.MonkeyPatch, detector: str
) -> None:
    looked = [word for product in LOOKED_AT for word in ("--looked", product)]
    monkeypatch.setenv("CALIBSTATE_STANDIN_FAIL", "cpBiasCombine:detector=1")
    begun.change("begin: null, end: null", f"begin: null, end: null, but_for: {{'{detector}': it is dead}}")

    ran = begun.construct("--run", *looked, "--until", "chain bias", "--format", "json")

    assert ran.code == 2, ran.err
    step = next(step for step in json.loads(ran.out)["steps"] if step["step"] == "make bias")
    assert (step["made"], step["expected"]) == (1, 1)
    assert len(begun.certified()[f"{DP1}/bias.20250207a"]) == 1
    assert len(begun.certified()[f"{DP1}/defects.20250207a"]) == 2


def test_two_people_do_not_construct_one_ticket_at_once(begun: Construction) -> None:
    locks = open_locks(str(begun.tree.folder / "records"))
    with locks.hold("usdf/main", why="construct LSSTComCam/DM-48520"):
        ran = begun.construct("--run")

        assert ran.code == 3
        assert "usdf/main" in ran.err
        assert "construct LSSTComCam/DM-48520" in ran.err
        assert begun.made() == {}
        # To look disturbs nobody.
        assert begun.construct().code == 2
    assert begun.construct("--run").code == 4


def test_what_is_certified_without_a_look_is_told(begun: Construction) -> None:
    looked = [word for product in LOOKED_AT[:2] for word in ("--looked", product)]
    assert begun.construct("--run", *looked).code == 4

    ran = begun.run("certify", "DM-48520", "--yes")

    assert "Images to look at" in ran.err
    assert "biasMosaic8" in ran.err
    assert "defects" not in ran.err


@pytest.mark.parametrize("how_far", ["begun", "made"])
def test_documents_of_a_construction_keep_to_their_schemas(
    request: pytest.FixtureRequest, tmp_path: Path, how_far: str
) -> None:
    construction: Construction = request.getfixturevalue(how_far)
    assert construction.construct("--record", str(tmp_path / "record.json")).code == 0
    keeps_to("construction-record", json.loads((tmp_path / "record.json").read_text()))
    keeps_to("construction", construction.construct("--format", "json").json)


def test_the_document_of_a_refusal_keeps_to_its_schema(begun: Construction) -> None:
    begun.change("exposure.seq_num >= 696", "exposure.seq_num >= 6960")
    begun.change("exposure.seq_num >= 427", "exposure.seq_num >= 4270")

    refused = begun.construct("--run", "--format", "json")

    assert refused.code == 3
    keeps_to("construction", refused.json)


def keeps_to(schema: str, document: dict[str, object]) -> None:
    jsonschema.validate(document, json.loads((ROOT / f"schemas/{schema}.json").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_batch_outlives_who_asks_us_to_stop_and_is_taken_up(
    begun: Construction, number: signal.Signals
) -> None:
    begun.declare_sites("pipetask")
    started = begun.tree.spawn(
        *("construct", "DM-48520", "--run"), **{**middleware(begun), "CALIBSTATE_STANDIN_SLEEP": "3"}
    )
    while not list((begun.tree.folder / "scratch").rglob("batch.json")):
        assert started.poll() is None, started.communicate()
        time.sleep(0.05)
    started.send_signal(number)
    out, err = started.communicate(timeout=120)

    assert started.returncode == 4, err
    assert "a batch that was submitted goes on" in err
    assert "Interrupted" in err
    assert "running make bias_bootstrap" in out
    # Nothing is submitted beside it; when it has ended, all goes on.
    while begun.construct("--format", "json").json["steps"][0]["state"] == "running":
        assert begun.construct("--run").code == 4
    assert begun.construct("--run").code == 4
    assert states(begun.construct("--format", "json").out)["make bias_bootstrap"] == "done"
    assert len(list((begun.tree.folder / "scratch").rglob("batch.json"))) == 1


def test_a_verification_that_says_nothing_of_an_exposure_is_not_done(made: Construction) -> None:
    both = "exposure in (2024102100509, 2024102600031)"
    made.change(both, "exposure in (2024102100509)")
    assert made.construct("--run", "--until", "verify bias").code == 2
    made.change("exposure in (2024102100509)", both)

    shown = made.construct("--format", "json").json

    step = next(step for step in shown["steps"] if step["step"] == "verify bias")
    assert step["state"] == "to do"
    assert "2024102600031" in step["detail"]
    assert {verdict["product"]: verdict["verdict"] for verdict in shown["verdicts"]}["bias"] == "no verdict"
    # Made again it tells of both, from a RUN in front of the first.
    assert made.construct("--run", "--until", "verify bias").code == 2
    again = made.construct("--format", "json").json
    assert next(step for step in again["steps"] if step["step"] == "verify bias")["state"] == "done"
    assert {verdict["product"]: verdict["verdict"] for verdict in again["verdicts"]}["bias"] == "passed"
