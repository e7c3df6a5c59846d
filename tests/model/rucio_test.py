"""Names and places in Rucio."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from calibstate.model.rucio import expected_path, expected_pfn, name_problem
from calibstate.model.settings import RucioNames, RucioSettings


def settings(rse_root: str | None = None, dtn_url: str | None = None) -> RucioSettings:
    return RucioSettings(scope="main", origin_rse="SLAC_BUTLER_DISK", rse_root=rse_root, dtn_url=dtn_url)


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("/rse/slac", "/rse/slac/main/a/b"),
        ("/rse/slac/", "/rse/slac/main/a/b"),
        ("", "/main/a/b"),
        (None, None),
    ],
    ids=["folder", "with a slash", "bucket", "not told"],
)
def test_a_file_of_the_origin_is_below_the_folder_of_the_scope(root: str | None, path: str | None) -> None:
    assert expected_path(settings(rse_root=root), "a/b") == path


@pytest.mark.parametrize(
    ("url", "pfn"),
    [
        ("davs://dtn.example:1094/rse", "davs://dtn.example:1094/rse/main/a/b"),
        ("s3://host:5000/slac/", "s3://host:5000/slac/main/a/b"),
        (None, None),
    ],
)
def test_a_file_of_the_origin_has_the_url_of_its_transfer_node(url: str | None, pfn: str | None) -> None:
    assert expected_pfn(settings(dtn_url=url), "a/b") == pfn


GENERIC = RucioNames(pattern=r"^[A-Za-z0-9/][\w./-]*$", length=250)
"""The rule of a server without a policy of its own."""


@pytest.mark.parametrize(
    "name", ["a", "LSSTCam/calib/DM-1/bias.a/x_y-z.fits", "LATISS/x_SDSSg_65mm~empty_x", "a+b", "x" * 500]
)
def test_good_names_are_taken(name: str) -> None:
    assert name_problem(name, RucioNames()) is None


@pytest.mark.parametrize("name", ["", "a b", "a#b", "a|b", "a\n", "x" * 501])
def test_other_names_are_not(name: str) -> None:
    assert name_problem(name, RucioNames())


@pytest.mark.parametrize("name", ["a~b", "a+b", ".a", "x" * 251])
def test_a_stricter_server_has_its_own_rule(name: str) -> None:
    assert name_problem(name, GENERIC)
    assert name_problem("a/b.c", GENERIC) is None


@pytest.mark.parametrize("pattern", ["", ".*", "^(a+)+$", "^[a-z", "^[z-a]*$", "^[a]*[a]*[a]*$", "^[a]*$|b"])
def test_a_pattern_that_could_take_for_ever_is_none(pattern: str) -> None:
    with pytest.raises(ValidationError):
        RucioNames(pattern=pattern)
