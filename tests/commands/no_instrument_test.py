"""What belongs to no instrument is declared and deployed like all else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest
import yaml

from tests.commands.catalogues import (
    CATALOGUE,
    DATA_FACILITY,
    DEFAULTS,
    MODEL,
    TEST_STAND,
    datasets,
)
from tests.commands.sites import ORIGIN, TOP, Sites


def test_a_catalogue_and_a_model_are_deployed_like_a_calibration(catalogues: Sites) -> None:
    plan = catalogues.run("plan", "--format", "json").json
    by_ticket = {step["target"]["name"] for step in plan["steps"] if step["do"] == "import-bundle"}
    assert by_ticket == {"LSSTComCam/DM-1", "any/DM-49042", "any/tac"}

    assert catalogues.apply().code == 0

    for collection in (CATALOGUE, MODEL):
        there = datasets(catalogues, DATA_FACILITY, collection)
        assert there == datasets(catalogues, ORIGIN, collection) != {}
        assert not catalogues.has(TEST_STAND, collection)
    for address in (ORIGIN, DATA_FACILITY):
        assert catalogues.chain(address, "refcats") == (CATALOGUE,)
        assert catalogues.chain(address, "pretrained_models") == (MODEL,)
        assert catalogues.chain(address, DEFAULTS) == (TOP, "refcats", "pretrained_models")
    # Where nothing without an instrument is, the chain is without it.
    assert catalogues.chain(TEST_STAND, DEFAULTS) == (TOP,)
    assert catalogues.without_file(DATA_FACILITY) == []

    again = catalogues.run("plan")
    assert (again.code, again.out) == (0, "In sync: nothing to do.\n")
    assert catalogues.run("drift", "--files").code == 0


def test_catalogues_are_not_told_to_be_the_same_since_they_are_no_calibrations(catalogues: Sites) -> None:
    assert catalogues.apply().code == 0
    alike = catalogues.run("fingerprint", "--instrument", "any")
    with catalogues.butler(DATA_FACILITY) as butler:
        butler.collections.redefine_chain("refcats", [MODEL])

    different = catalogues.run("fingerprint", "--instrument", "any")

    assert "refcats  no calibrations; the same collections everywhere" in alike.out
    assert "refcats  no calibrations; 2 different lists of collections" in different.out
    assert "pretrained_models  no calibrations; the same collections everywhere" in different.out


def test_every_command_knows_it_by_the_word_any(catalogues: Sites) -> None:
    catalogues.apply("--instrument", "any", "--site", "usdf")
    assert catalogues.chain(ORIGIN, "refcats") == (CATALOGUE,)
    assert not catalogues.has(ORIGIN, DEFAULTS)

    catalogues.apply("--ticket", "any/DM-49042", "--exclude", "tts")
    assert catalogues.has(DATA_FACILITY, CATALOGUE)
    assert not catalogues.has(DATA_FACILITY, MODEL)

    catalogues.apply()
    status = catalogues.run("status").out
    table = status[status.index("\nany\n") :]
    assert table.split("\n\n")[0].split() == [
        *("any", DATA_FACILITY, ORIGIN),
        *("tac", "searched", "searched"),
        *("DM-49042", "searched", "searched"),
    ]

    sealed = catalogues.run("seal", "DM-49042", "any/tac")
    assert sealed.code == 0, sealed.err
    seal = yaml.safe_load((catalogues.tree.state / "seals/any/DM-49042.yaml").read_text())
    (of_type,) = seal["collections"][CATALOGUE]["types"].values()
    # A data ID without an instrument is what nobody has to say here.
    assert of_type["coverage"] == [{"htm7": "147456..147457,147460", "begin": None, "end": None}]
    assert catalogues.run("plan").code == 0

    verified = catalogues.run("verify", "--ticket", "any/DM-49042")
    assert verified.code == 0
    assert "nothing that it holds is a calibration" in verified.out

    # A calibration is of a camera, and there is one.
    explained = catalogues.run("explain", "bias", "detector=1", "--at", "2025-01-01")
    assert explained.code == 0, explained.err
    assert "instrument=LSSTComCam" in explained.out


def test_a_catalogue_that_a_chain_does_not_search_does_not_pass(catalogues: Sites) -> None:
    catalogues.apply()
    catalogues.change_chain(DATA_FACILITY, lambda children: [], "refcats")

    verified = catalogues.run("verify", "--ticket", "any/DM-49042")

    assert verified.code == 1
    assert f"{CATALOGUE} is not searched" in verified.out
    assert "DM-49042 passes at 1 of 2 repositories" in verified.out


def test_whoever_lists_the_instrument_and_not_any_is_told_what_is_missing_there(catalogues: Sites) -> None:
    told = catalogues.run("validate")

    assert told.code == 0
    assert f"`refcats` is of any, not listed by {TEST_STAND}" in told.err


@pytest.mark.parametrize("key", ["curated", "collections"])
def test_what_only_an_instrument_has_is_told(catalogues: Sites, key: str) -> None:
    run = "any/calib/DM-5/unbounded"
    values: dict[str, Any] = {
        "curated": {"class": "lsst.obs.lsst.LsstComCam", "label": "DM-5", "collection": "any/calib/DM-5"},
        "collections": ["bias.20240101a"],
    }
    of_none = replace(catalogues.tree, instrument="any")
    of_none.ticket("DM-5", bare=["any/calib/DM-5", run], **{key: values[key]})

    told = catalogues.run("validate")

    assert told.code == 1
    assert f"DM-5 belongs to no instrument, and `{key}` is for what belongs to one" in told.err


def test_a_word_for_a_ticket_of_no_instrument_means_nothing_to_a_chain_of_one(catalogues: Sites) -> None:
    catalogues.tree.chain([TOP, "DM-49042"], DEFAULTS)

    told = catalogues.run("plan")

    assert told.code == 1
    assert "`DM-49042` is no ticket of LSSTComCam" in told.err


def test_capture_writes_the_files_that_deploy_it(catalogues: Sites) -> None:
    catalogues.apply()
    catalogues.tree.chain([TOP], DEFAULTS)
    for folder in ("tickets/any", "seals/any"):
        shutil.rmtree(catalogues.tree.state / folder, ignore_errors=True)
    for chain in ("refcats", "pretrained_models"):
        (catalogues.tree.state / f"chains/{chain}.yaml").unlink()

    captured = catalogues.run("capture", ORIGIN, "any", "--chain", "refcats", "--chain", "pretrained_models")

    assert captured.code == 0, captured.err
    # The one has a ticket in its name, the other goes by its last word.
    written = sorted(path.name for path in (catalogues.tree.state / "tickets/any").iterdir())
    assert written == ["DM-49042.yaml", "tac_cnn_comcam_2025-02-18.yaml"]
    steps = catalogues.run("plan", "--format", "json").json["steps"]
    assert [step["do"] for step in steps] == ["export-bundle"]  # Of the name that is new.
    again = catalogues.run("capture", ORIGIN, "any", "--chain", "refcats")
    assert "Nothing to write" in again.out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"collections": ["a.20240101a"]}, "`collections` is for what belongs to one"),
        ({"bare": [CATALOGUE], "bundles": "by_reference"}, "frdf/main is reached by copy"),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_the_line(
    catalogues: Sites, more: dict[str, object], told: str
) -> None:
    path = catalogues.tree.state / "tickets/any/DM-49042.yaml"
    ticket = yaml.safe_load(path.read_text())
    del ticket["bare"]
    path.write_text(yaml.dump(ticket | more))

    refused = catalogues.run("plan")

    assert refused.code == 1
    assert "tickets/any/DM-49042.yaml:" in refused.err
    assert told in refused.err


def test_a_bundle_by_reference_suffices_where_nobody_copies_it(catalogues: Sites) -> None:
    path = catalogues.tree.state / "tickets/any/DM-49042.yaml"
    ticket = yaml.safe_load(path.read_text())
    skip = {DATA_FACILITY: "too large for a copy"}
    path.write_text(yaml.dump(ticket | {"bundles": "by_reference", "skip": skip}))

    assert catalogues.apply().code == 0

    archive = catalogues.tree.folder / "archive"
    assert [file.name for file in archive.glob("any/DM-49042/*/refcats")] == []
    assert len(list(archive.glob("any/DM-49042/*/manifest.json"))) == 1
    assert len(list(archive.glob("any/tac/*/pretrained_models"))) == 1
    assert not catalogues.has(DATA_FACILITY, CATALOGUE)
    assert catalogues.run("drift").code == 0
